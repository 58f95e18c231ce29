//! Soft deletion: what is marked as deleted is gone for every read that does not ask for it, and comes back.

use std::time::SystemTime;

use thing::{Db, Embed, ErrorKind, Model, Result};

use crate::support::{Stack, at, statements};

matrix! {
    every: [
        a_deleted_object_is_gone_for_every_read,
        deleted_objects_are_found_where_they_are_asked_for,
        a_restored_object_is_back,
        what_is_removed_for_good_is_not_restored,
        relations_leave_deleted_objects_out,
        a_deleted_link_is_none_and_is_restored,
        a_deleted_object_is_written_by_nobody,
        the_mark_belongs_to_delete_and_restore,
        unique_values_are_free_again,
        a_deleted_key_is_not_created_again,
        versions_and_times_count_deletes,
        a_rollback_takes_the_delete_back,
        an_embed_brings_the_mark,
        an_existing_table_gets_its_index,
        random_operations_do_as_a_plain_model,
    ]
    cached: [
        reads_cost_no_more_statements,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(notes: Note, Note::USER_ID))]
#[thing(many_to_many(groups: Group, Member::USER_ID, Member::GROUP_ID))]
struct User {
    id: i64,
    name: String,
    #[thing(unique)]
    email: String,
    #[thing(index)]
    age: i32,
    #[thing(deleted)]
    deleted_at: Option<SystemTime>,
    #[thing(updated)]
    updated_at: SystemTime,
    #[thing(version)]
    version: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(belongs_to(user: User, USER_ID))]
struct Note {
    id: i64,
    #[thing(index)]
    user_id: i64,
    #[thing(unique)]
    text: String,
    stars: i32,
    #[thing(deleted)]
    gone: bool,
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
    #[thing(deleted)]
    left_at: Option<SystemTime>,
}

fn user(name: &str, age: i32) -> NewUser {
    NewUser { name: name.into(), email: format!("{name}@example.com"), age }
}

fn note(user_id: i64, text: &str) -> NewNote {
    NewNote { user_id, text: text.into(), stars: 0 }
}

/// Three users, the first two of one age; two notes of the first.
async fn users(stack: &Stack) -> Result<Db> {
    let db = stack.builder().await.clock(|| at(1000)).build();
    db.sync::<(User, Note, Group, Member)>().await?;
    db.things::<User>().create_many([user("ann", 30), user("bob", 30), user("cy", 40)]).await?;
    db.things::<Note>().create_many([note(1, "a"), note(1, "b")]).await?;
    Ok(db)
}

/// Everything that reads see of the users, by each way there is.
async fn seen(db: &Db) -> Result<Vec<i64>> {
    let users = db.things::<User>();
    let ids = |objects: &[thing::Loaded<User>]| objects.iter().map(|user| user.id).collect::<Vec<_>>();
    let all = ids(&users.all().await?);
    let mut by_key = Vec::new();
    for id in 1..=4 {
        if let Some(user) = users.find(id).await? {
            assert_eq!(users.by_id(id).await?, user);
            assert_eq!(users.by_id_uncached(id).await?, user);
            by_key.push(id);
        } else {
            assert!(users.by_id(id).await.unwrap_err().is_not_found());
            assert!(users.by_id_uncached(id).await.unwrap_err().is_not_found());
        }
    }
    assert_eq!(by_key, all);
    let mut by_keys: Vec<i64> = users.by_ids([1, 2, 3, 4]).await?.into_keys().collect();
    by_keys.sort_unstable();
    assert_eq!(by_keys, all);
    assert_eq!(ids(&users.all_objects().uncached().all().await?), all);
    assert_eq!(users.count().await?, all.len() as u64);
    assert_eq!(users.all_objects().exists().await?, !all.is_empty());
    assert_eq!(users.all_objects().first().await?.map(|user| user.id), all.first().copied());
    assert_eq!(users.all_objects().pluck(User::ID).await?, all);
    assert_eq!(users.all_objects().distinct(User::ID).await?, all);
    assert_eq!(users.all_objects().page_number(1, 10).await?.total, all.len() as u64);
    let page = users.all_objects().page(2).await?;
    let mut paged = ids(&page.items);
    if let Some(next) = &page.next {
        paged.extend(ids(&users.all_objects().page_at(next, 2).await?.items));
    }
    assert_eq!(paged, all);
    let (mut chunks, mut chunked) = (users.all_objects().chunks(2), Vec::new());
    while let Some(chunk) = chunks.next().await? {
        chunked.extend(ids(&chunk));
    }
    assert_eq!(chunked, all);
    let (mut stream, mut streamed) = (users.all_objects().stream().await?, Vec::new());
    while let Some(user) = stream.next().await? {
        streamed.push(user.id);
    }
    streamed.sort_unstable();
    assert_eq!(streamed, all);
    let thirty = users.filter(User::AGE.eq(30));
    assert_eq!(thirty.clone().count().await?, thirty.all().await?.len() as u64);
    Ok(all)
}

async fn a_deleted_object_is_gone_for_every_read(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    assert_eq!(seen(&db).await?, [1, 2, 3]);
    db.things::<User>().delete(2).await?;
    assert_eq!(seen(&db).await?, [1, 3]);
    User::by_id(&db, 1).await?.delete(&db).await?;
    assert_eq!(seen(&db).await?, [3]);
    assert_eq!(User::filter(&db, User::AGE.eq(30)).count().await?, 0);
    assert!(db.things::<User>().delete(1).await.unwrap_err().is_not_found());
    db.things::<User>().delete_many([3]).await?;
    assert_eq!(seen(&db).await?, [0; 0]);
    let left: i64 = db.raw("SELECT COUNT(*) FROM users").row().await?;
    assert_eq!(left, 3);
    Ok(())
}

async fn deleted_objects_are_found_where_they_are_asked_for(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let users = db.things::<User>();
    for round in 0..2 {
        let (all, deleted) = (users.with_deleted(), users.only_deleted());
        let gone = round;
        assert_eq!(all.all().await?.len(), 3);
        assert_eq!(all.count().await?, 3);
        assert_eq!(deleted.count().await?, gone);
        assert_eq!(deleted.all().await?.len() as u64, gone);
        assert_eq!(users.filter(User::AGE.eq(30)).only_deleted().count().await?, gone);
        assert_eq!(users.filter(User::AGE.eq(30)).with_deleted().count().await?, 2);
        assert_eq!(all.by_id(1).await?.is_deleted(), round == 1);
        assert_eq!(deleted.find(1).await?.is_some(), round == 1);
        assert!(deleted.find(2).await?.is_none());
        assert_eq!(deleted.by_ids([1, 2, 3]).await?.len() as u64, gone);
        assert_eq!(Note::filter(&db, Note::USER_ID.eq(1)).only_deleted().count().await?, gone);
        if round == 0 {
            users.delete(1).await?;
            db.things::<Note>().delete(2).await?;
        }
    }
    assert_eq!(users.with_deleted().by_id(1).await?.deleted_at, Some(at(1000)));
    assert!(db.things::<Note>().with_deleted().by_id(2).await?.gone);
    assert_eq!(db.things::<Group>().only_deleted().count().await?, 0);
    Ok(())
}

async fn a_restored_object_is_back(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let users = db.things::<User>();
    users.delete_many([1, 3]).await?;
    assert_eq!(seen(&db).await?, [2]);
    let ann = users.restore(1).await?;
    assert_eq!((ann.name.as_str(), ann.deleted_at), ("ann", None));
    assert_eq!(seen(&db).await?, [1, 2]);
    let cy = users.only_deleted().all_objects().one().await?.restore(&db).await?;
    assert_eq!((cy.id, cy.is_deleted()), (3, false));
    assert_eq!(seen(&db).await?, [1, 2, 3]);
    assert!(users.restore(1).await.unwrap_err().is_not_found());
    assert!(users.restore(9).await.unwrap_err().is_not_found());
    let error = db.things::<Group>().restore(1).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);

    users.delete_many([1, 2]).await?;
    assert_eq!(users.filter(User::AGE.eq(30)).restore().await?, 2);
    assert_eq!(users.filter(User::AGE.eq(30)).restore().await?, 0);
    assert_eq!(seen(&db).await?, [1, 2, 3]);
    Ok(())
}

async fn what_is_removed_for_good_is_not_restored(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let users = db.things::<User>();
    assert_eq!(users.with_deleted().count().await?, 3);
    users.force_delete(1).await?;
    assert_eq!((seen(&db).await?, users.with_deleted().count().await?), (vec![2, 3], 2));
    assert!(users.restore(1).await.unwrap_err().is_not_found());
    assert!(users.force_delete(1).await.unwrap_err().is_not_found());
    users.delete(2).await?;
    users.with_deleted().by_id(2).await?.force_delete(&db).await?;
    assert_eq!((seen(&db).await?, users.with_deleted().count().await?), (vec![3], 1));

    users.delete(3).await?;
    assert_eq!(users.filter(User::DELETED_AT.lt(at(2000))).only_deleted().force_delete().await?, 1);
    assert_eq!(users.with_deleted().count().await?, 0);
    Ok(())
}

async fn relations_leave_deleted_objects_out(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let texts = async |relation| -> Result<Vec<String>> {
        let users = db.things::<User>().with_deleted().with(relation).all().await?;
        Ok(users[0].related(User::NOTES)?.iter().map(|note| note.text.clone()).collect())
    };
    assert_eq!(texts(User::NOTES).await?, ["a", "b"]);
    db.things::<Note>().delete(1).await?;
    for _ in 0..2 {
        assert_eq!(texts(User::NOTES).await?, ["b"]);
        assert_eq!(texts(User::NOTES.with_deleted()).await?, ["a", "b"]);
        assert_eq!(texts(User::NOTES.only_deleted()).await?, ["a"]);
    }
    let ann = User::by_id(&db, 1).await?;
    assert_eq!(User::NOTES.of(&db, &ann).count().await?, 1);

    let mut note = Note::by_id(&db, 2).await?;
    assert_eq!(note.load(&db, Note::USER).await?.map(|user| user.id), Some(1));
    ann.delete(&db).await?;
    assert!(note.load(&db, Note::USER).await?.is_none());
    assert_eq!(note.load(&db, Note::USER.with_deleted()).await?.map(|user| user.id), Some(1));
    let notes = db.things::<Note>().with(Note::USER.filter(User::AGE.eq(30))).all().await?;
    assert!(notes[0].related(Note::USER)?.is_none());
    Ok(())
}

async fn a_deleted_link_is_none_and_is_restored(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let mut groups = Vec::new();
    for name in ["one", "two"] {
        groups.push(db.things::<Group>().create(NewGroup { name: name.into() }).await?);
    }
    let mut ann = User::by_id(&db, 1).await?;
    assert!(ann.attach(&db, User::GROUPS, &groups[0]).await?);
    assert_eq!(ann.load(&db, User::GROUPS).await?.len(), 1);
    assert!(ann.detach(&db, User::GROUPS, &groups[0]).await?);
    assert!(!ann.detach(&db, User::GROUPS, &groups[0]).await?);
    assert_eq!(ann.load(&db, User::GROUPS).await?.len(), 0);
    assert_eq!(db.things::<Member>().with_deleted().count().await?, 1);
    assert!(ann.attach(&db, User::GROUPS, &groups[0]).await?);
    assert_eq!(ann.load(&db, User::GROUPS).await?.len(), 1);
    ann.replace(&db, User::GROUPS, &groups[1..]).await?;
    ann.replace(&db, User::GROUPS, &groups).await?;
    assert_eq!(ann.load(&db, User::GROUPS).await?.len(), 2);
    assert_eq!(db.things::<Member>().with_deleted().count().await?, 2);
    Ok(())
}

async fn a_deleted_object_is_written_by_nobody(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let users = db.things::<User>();
    let mut old = users.by_id(1).await?;
    let plain = old.clone().into_inner();
    users.delete(1).await?;
    old.name = "Ann".into();
    assert!(old.save(&db).await.unwrap_err().is_not_found());
    assert!(old.clone().delete(&db).await.unwrap_err().is_not_found());
    assert!(old.touch(&db).await.unwrap_err().is_not_found());
    assert!(plain.save(&db).await.unwrap_err().is_not_found());
    assert!(users.increment(1, User::AGE.plus(1)).await.unwrap_err().is_not_found());
    assert!(users.touch(1).await.unwrap_err().is_not_found());
    assert_eq!(users.filter(User::ID.eq(1)).update(User::AGE.set(1)).await?, 0);
    let mut deleted = users.with_deleted().by_id(1).await?;
    assert!(users.increment(1, User::AGE.plus(1)).await.unwrap_err().is_not_found());
    deleted.name = "Ann".into();
    let error = deleted.save(&db).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("restore it first"), "{error}");
    let transaction = db.begin().await?;
    old.age = 31;
    assert!(old.save(&transaction).await.unwrap_err().is_not_found());
    transaction.rollback().await?;
    let stored = users.with_deleted().by_id_uncached(1).await?;
    assert_eq!((stored.name.as_str(), stored.age, stored.version), ("ann", 30, 2));
    Ok(())
}

async fn the_mark_belongs_to_delete_and_restore(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let mut note = Note::by_id(&db, 1).await?;
    note.gone = true;
    assert_eq!(*note.save(&db).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(*note.into_inner().save(&db).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let error = Note::filter(&db, Note::USER_ID.eq(1)).update(Note::GONE.set(true)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    assert_eq!(db.things::<Note>().count().await?, 2);
    Ok(())
}

async fn unique_values_are_free_again(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let users = db.things::<User>();
    let mut id = 1;
    for _ in 0..3 {
        assert!(users.create(user("ann", 1)).await.unwrap_err().is_unique_violation());
        users.delete(id).await?;
        id = users.create(user("ann", 1)).await?.id;
    }
    let error = users.restore(1).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    let found = users.find_or_create(User::EMAIL, user("ann", 1)).await?;
    assert!(!found.is_created());
    assert!(found.into_object().delete(&db).await.is_ok());
    assert!(users.find_or_create(User::EMAIL, user("ann", 1)).await?.is_created());

    let mut id = 1;
    for _ in 0..2 {
        assert!(db.things::<Note>().create(note(1, "a")).await.unwrap_err().is_unique_violation());
        db.things::<Note>().delete(id).await?;
        id = db.things::<Note>().create(note(1, "a")).await?.id;
    }
    assert_eq!(seen_notes(&db).await?, ["a", "b"]);
    Ok(())
}

async fn seen_notes(db: &Db) -> Result<Vec<String>> {
    let notes = db.things::<Note>().order_by(Note::TEXT.asc()).all().await?;
    Ok(notes.iter().map(|note| note.text.clone()).collect())
}

async fn a_deleted_key_is_not_created_again(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let members = db.things::<Member>();
    let new = || NewMember { user_id: 1, group_id: 1 };
    members.create(new()).await?;
    members.delete((1, 1)).await?;
    let error = members.find_or_create((Member::USER_ID, Member::GROUP_ID), new()).await.unwrap_err();
    assert!(error.is_unique_violation() && error.to_string().contains("restore it"), "{error}");
    Ok(())
}

async fn versions_and_times_count_deletes(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let users = db.things::<User>();
    let mut old = users.by_id(1).await?;
    users.delete(1).await?;
    assert_eq!(users.restore(1).await?.version, 3);
    assert!(old.clone().delete(&db).await.unwrap_err().is_stale());
    old.age = 1;
    assert!(old.save(&db).await.unwrap_err().is_stale());
    let fresh = users.by_id(1).await?;
    assert_eq!((fresh.version, fresh.updated_at), (3, at(1000)));
    fresh.delete(&db).await?;
    assert_eq!(users.only_deleted().by_id(1).await?.version, 4);
    Ok(())
}

async fn a_rollback_takes_the_delete_back(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    assert_eq!(seen(&db).await?, [1, 2, 3]);
    let transaction = db.begin().await?;
    transaction.things::<User>().delete(1).await?;
    assert_eq!(transaction.things::<User>().count().await?, 2);
    assert!(transaction.things::<User>().find(1).await?.is_none());
    transaction.rollback().await?;
    assert_eq!(seen(&db).await?, [1, 2, 3]);
    let transaction = db.begin().await?;
    transaction.things::<User>().delete(1).await?;
    transaction.things::<User>().restore(1).await?;
    transaction.things::<User>().delete(2).await?;
    transaction.commit().await?;
    assert_eq!(seen(&db).await?, [1, 3]);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Part {
    id: i64,
    #[thing(unique)]
    name: String,
    #[thing(embed)]
    base: Base,
}

#[derive(Embed, Clone, Debug, PartialEq)]
struct Base {
    #[thing(deleted)]
    deleted: bool,
}

async fn an_embed_brings_the_mark(stack: &Stack) -> Result<()> {
    let db = stack.db::<Part>().await;
    let parts = db.things::<Part>();
    let bolt = parts.create(NewPart { name: "bolt".into() }).await?;
    assert_eq!(parts.all().await?.len(), 1);
    bolt.delete(&db).await?;
    assert!(parts.find(1).await?.is_none());
    assert_eq!((parts.count().await?, parts.only_deleted().count().await?), (0, 1));
    parts.create(NewPart { name: "bolt".into() }).await?;
    assert!(parts.create(NewPart { name: "bolt".into() }).await.unwrap_err().is_unique_violation());
    Ok(())
}

/// The table before it had an index.
#[derive(Model, Clone, Debug)]
#[thing(table = "tools")]
struct PlainTool {
    id: i64,
    size: i32,
    #[thing(deleted)]
    gone: bool,
}

#[derive(Model, Clone, Debug)]
struct Tool {
    id: i64,
    #[thing(unique)]
    size: i32,
    #[thing(deleted)]
    gone: bool,
}

/// The same without the mark: its index counts all rows.
#[derive(Model, Clone, Debug)]
#[thing(table = "tools", no_new)]
struct OtherTool {
    id: i64,
    #[thing(unique)]
    size: i32,
    gone: bool,
}

async fn an_existing_table_gets_its_index(stack: &Stack) -> Result<()> {
    let db = stack.db::<PlainTool>().await;
    db.sync::<Tool>().await?;
    db.sync::<Tool>().await?;
    let tools = db.things::<Tool>();
    for _ in 0..2 {
        let tool = tools.create(NewTool { size: 5 }).await?;
        assert!(tools.create(NewTool { size: 5 }).await.unwrap_err().is_unique_violation());
        tool.delete(&db).await?;
    }
    let error = db.sync::<OtherTool>().await.unwrap_err();
    assert!(error.to_string().contains("tools_size_unique"), "{error}");
    Ok(())
}

async fn reads_cost_no_more_statements(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    db.things::<User>().delete(2).await?;
    for expected in [1, 0] {
        assert_eq!(statements(&db, db.things::<User>().all()).await.0, expected);
        assert_eq!(statements(&db, User::filter(&db, User::AGE.eq(30)).count()).await.0, expected);
        assert_eq!(statements(&db, db.things::<User>().find(2)).await.0, expected);
    }
    // A delete of one object leaves the lists of others in the cache.
    assert_eq!(User::filter(&db, User::AGE.eq(40)).count().await?, 1);
    db.things::<User>().delete(1).await?;
    let (sent, count) = statements(&db, User::filter(&db, User::AGE.eq(40)).count()).await;
    assert_eq!((sent, count?), (0, 1));
    Ok(())
}

/// Deletes, restores and removals at random, against a list of who is where.
async fn random_operations_do_as_a_plain_model(stack: &Stack) -> Result<()> {
    let db = users(stack).await?;
    let notes = db.things::<Note>();
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    // By key: whether it is deleted, and the user.
    let mut model = std::collections::BTreeMap::from([(1_i64, (false, 1_i64)), (2, (false, 1))]);
    for step in 0..40 {
        let id = 1 + i64::try_from(next(8)).unwrap();
        let known = model.get(&id).copied();
        match next(6) {
            0 => {
                let user_id = 1 + i64::try_from(next(3)).unwrap();
                let new = notes.create(note(user_id, &format!("note {step}"))).await?;
                model.insert(new.id, (false, user_id));
            }
            1 => {
                let done = notes.delete(id).await;
                assert_eq!(done.is_ok(), known.is_some_and(|(deleted, _)| !deleted));
                model.entry(id).and_modify(|(deleted, _)| *deleted = true);
            }
            2 => {
                let done = notes.restore(id).await;
                assert_eq!(done.is_ok(), known.is_some_and(|(deleted, _)| deleted));
                model.entry(id).and_modify(|(deleted, _)| *deleted = false);
            }
            3 => {
                assert_eq!(notes.force_delete(id).await.is_ok(), known.is_some());
                model.remove(&id);
            }
            4 => {
                let user_id = known.map_or(1, |(_, user_id)| user_id);
                let deleted = Note::filter(&db, Note::USER_ID.eq(user_id) & Note::ID.le(id)).delete().await?;
                let hit = |(key, (gone, user)): &(&i64, &mut (bool, i64))| !*gone && *user == user_id && **key <= id;
                let mut count = 0;
                for (_, (gone, _)) in model.iter_mut().filter(hit) {
                    (*gone, count) = (true, count + 1);
                }
                assert_eq!(deleted, count);
            }
            _ => {
                let restored = Note::filter(&db, Note::USER_ID.eq(1)).restore().await?;
                let gone = model.values_mut().filter(|(gone, user)| *gone && *user == 1);
                assert_eq!(restored, gone.map(|(gone, _)| *gone = false).count() as u64);
            }
        }
        let keys = |wanted: fn(bool) -> bool| -> Vec<i64> {
            model.iter().filter(|(_, (gone, _))| wanted(*gone)).map(|(key, _)| *key).collect()
        };
        let read = async |things: thing::Things<'_, Note>| -> Result<Vec<i64>> {
            Ok(things.all().await?.iter().map(|note| note.id).collect())
        };
        assert_eq!(read(notes).await?, keys(|gone| !gone), "step {step}");
        assert_eq!(read(notes.only_deleted()).await?, keys(|gone| gone), "step {step}");
        assert_eq!(read(notes.with_deleted()).await?, keys(|_| true), "step {step}");
        assert_eq!(notes.find(id).await?.is_some(), model.get(&id).is_some_and(|(gone, _)| !gone), "step {step}");
        let of_one = model.values().filter(|(gone, user)| !gone && *user == 1).count() as u64;
        assert_eq!(Note::filter(&db, Note::USER_ID.eq(1)).count().await?, of_one, "step {step}");
    }
    Ok(())
}
