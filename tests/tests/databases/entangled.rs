//! Objects that refer to a deleted one in several ways: each is written once, and cached lists hear of all of it.

use thing::{ChangeSet, Db, Error, Listener, Model, Result, Transaction};

use crate::support::Stack;

matrix! {
    every: [
        an_object_that_loses_two_references_is_told_once,
        objects_that_go_too_restrict_nothing,
        a_deleted_link_comes_back_with_new_values,
        many_links_are_replaced_at_once,
        a_delete_is_judged_by_the_row,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(notes: Note, Note::USER_ID, on_delete = "set_null"))]
#[thing(has_many(loans: Loan, Loan::USER_ID, on_delete = "restrict"))]
#[thing(has_many(posts: Post, Post::USER_ID, on_delete = "cascade"))]
#[thing(many_to_many(groups: Group, Member::USER_ID, Member::GROUP_ID))]
struct User {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(notes: Note, Note::POST_ID, on_delete = "set_null"))]
#[thing(has_many(loans: Loan, Loan::POST_ID, on_delete = "cascade"))]
struct Post {
    id: i64,
    #[thing(index)]
    user_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Note {
    id: i64,
    #[thing(index)]
    user_id: Option<i64>,
    #[thing(index)]
    post_id: Option<i64>,
    #[thing(version)]
    version: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Loan {
    id: i64,
    #[thing(index)]
    user_id: i64,
    #[thing(index)]
    post_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Group {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(user_id, group_id))]
struct Member {
    user_id: i64,
    #[thing(index)]
    group_id: i64,
    #[thing(default = 0)]
    since: i32,
    #[thing(deleted)]
    gone: bool,
}

async fn world(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(User, Post, Note, Loan, Group, Member)>().await;
    db.things::<User>().create_many(["Ann", "Bob"].map(|name| NewUser { name: name.into() })).await?;
    db.things::<Post>().create_many([1, 1, 2].map(|user_id| NewPost { user_id })).await?;
    Ok(db)
}

async fn an_object_that_loses_two_references_is_told_once(stack: &Stack) -> Result<()> {
    let db = world(stack).await?;
    let note = |user_id, post_id| NewNote { user_id: Some(user_id), post_id: Some(post_id) };
    db.things::<Note>().create_many([note(1, 2), note(1, 3), note(2, 1)]).await?;
    let count = async |filter| Note::filter(&db, filter).count().await;
    let neither = || Note::USER_ID.is_null() & Note::POST_ID.is_null();
    assert_eq!(count(neither()).await?, 0);
    assert_eq!(count(Note::USER_ID.is_null()).await?, 0);
    assert_eq!(count(Note::POST_ID.eq(2)).await?, 1);
    db.things::<User>().delete(1).await?;
    assert_eq!(count(neither()).await?, 1, "the one that lost both");
    assert_eq!(count(Note::USER_ID.is_null()).await?, 2);
    assert_eq!(count(Note::POST_ID.eq(2)).await?, 0);
    let versions: Vec<i64> = db.things::<Note>().all().await?.iter().map(|note| note.version).collect();
    assert_eq!(versions, [2, 2, 2], "each was written once");
    Ok(())
}

async fn objects_that_go_too_restrict_nothing(stack: &Stack) -> Result<()> {
    let db = world(stack).await?;
    let loans = db.things::<Loan>();
    let own = loans.create(NewLoan { user_id: 1, post_id: 1 }).await?;
    let other = loans.create(NewLoan { user_id: 1, post_id: 3 }).await?;
    assert!(db.things::<User>().delete(1).await.unwrap_err().is_restricted());
    assert_eq!(db.things::<Post>().count().await?, 3, "nothing was deleted");
    loans.delete(other.id).await?;
    db.things::<User>().delete(1).await?;
    assert_eq!(loans.find(own.id).await?, None);
    assert_eq!(db.things::<Post>().count().await?, 1);
    Ok(())
}

async fn a_deleted_link_comes_back_with_new_values(stack: &Stack) -> Result<()> {
    let db = world(stack).await?;
    let group = db.things::<Group>().create(NewGroup { name: "Choir".into() }).await?;
    let mut ann = User::by_id(&db, 1).await?;
    assert!(ann.attach_with(&db, User::GROUPS, &group, Member::SINCE.set(1999)).await?);
    assert!(ann.detach(&db, User::GROUPS, &group).await?);
    assert!(ann.attach_with(&db, User::GROUPS, &group, Member::SINCE.set(2005)).await?);
    assert_eq!(Member::by_id(&db, (1, group.id)).await?.since, 2005);
    Ok(())
}

/// More than SQLite takes in one condition on keys of two parts.
async fn many_links_are_replaced_at_once(stack: &Stack) -> Result<()> {
    let db = world(stack).await?;
    let groups = db.things::<Group>().create_many((0..1100).map(|n| NewGroup { name: n.to_string() })).await?;
    let mut ann = User::by_id(&db, 1).await?;
    db.things::<Member>()
        .create_many(groups.iter().map(|group| NewMember { user_id: 1, group_id: group.id, ..NewMember::default() }))
        .await?;
    assert_eq!(Member::filter(&db, Member::USER_ID.eq(1)).count().await?, 1100);
    ann.replace(&db, User::GROUPS, &groups[..1]).await?;
    assert_eq!(Member::filter(&db, Member::USER_ID.eq(1)).count().await?, 1);
    let changes: ChangeSet<Member> = Member::SINCE.set(7);
    assert_eq!(Member::filter(&db, Member::GROUP_ID.gt(0)).with_deleted().update(changes).await?, 1100);
    Ok(())
}

/// Lets nobody with a long name go.
struct Guard;

impl Listener<User> for Guard {
    async fn before_delete(&self, user: &User, _: &Transaction) -> Result<()> {
        if user.name.len() > 3 { Err(Error::refused("the name is long")) } else { Ok(()) }
    }
}

async fn a_delete_is_judged_by_the_row(stack: &Stack) -> Result<()> {
    let db = stack.builder().await.listen::<User>(Guard).build();
    db.sync::<(User, Post, Note, Loan, Group, Member)>().await?;
    let mut ann = db.things::<User>().create(NewUser { name: "Ann".into() }).await?;
    let old = ann.clone();
    ann.name = "Annabel".into();
    ann.save(&db).await?;
    assert!(old.delete(&db).await.unwrap_err().is_refused(), "the caller saw a short name");
    assert_eq!(User::by_id(&db, ann.id).await?.name, "Annabel");
    Ok(())
}
