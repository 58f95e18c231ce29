//! Conditions in the database's own language, inside typed filters.

use thing::{ErrorKind, Filter, Model, Query, Result};

use crate::support::{Post, Stack, post, statements};

matrix! {
    every: [
        a_raw_condition_is_one_among_others,
        values_are_bound_and_question_marks_written_twice_are_text,
        what_does_not_fit_together_is_refused,
    ]
    cached: [any_change_of_the_table_ends_what_a_raw_condition_found]
}

async fn ids(query: Query<'_, Post>) -> Result<Vec<i64>> {
    let found: Vec<i64> = query.clone().all().await?.iter().map(|post| post.id).collect();
    assert_eq!(query.clone().count().await?, found.len() as u64);
    let expected: Vec<i64> = query.uncached().all().await?.iter().map(|post| post.id).collect();
    assert_eq!(found, expected);
    Ok(found)
}

async fn a_raw_condition_is_one_among_others(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = db.things::<Post>();
    posts.create_many((0..6).map(|n| post(i64::from(n % 2), n))).await?;
    let odd = || Filter::raw("stars % 2 = ? OR stars = ?", (1, 4));
    assert_eq!(ids(posts.filter(odd())).await?, [2, 4, 5, 6]);
    assert_eq!(ids(posts.filter(Post::USER_ID.eq(1) & odd() & Post::STARS.gt(1))).await?, [4, 6]);
    assert_eq!(ids(posts.filter(!odd())).await?, [1, 3]);
    assert_eq!(ids(posts.filter(odd() | Post::ID.eq(1)).order_by(Post::ID.desc())).await?, [6, 5, 4, 2, 1]);
    let page = posts.filter(odd()).page(3).await?;
    assert_eq!(posts.filter(odd()).page_at(&page.next, 3).await?.items.len(), 1);
    let other = posts.filter(Filter::raw("stars % 2 = ? OR stars <> ?", (1, 4))).page_at(&page.next, 3).await;
    assert_eq!(*other.unwrap_err().kind(), ErrorKind::InvalidCursor, "another text is another query");
    Ok(())
}

async fn values_are_bound_and_question_marks_written_twice_are_text(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = db.things::<Post>();
    posts.create_many(["why?", "?", "'", "why"].map(|title| Post { title: title.into(), ..post(1, 1) })).await?;
    assert_eq!(ids(posts.filter(Filter::raw("title = '??'", ()))).await?, [2]);
    assert_eq!(ids(posts.filter(Filter::raw("title = 'why??' OR title = ?", ("'",)))).await?, [1, 3]);
    assert_eq!(ids(posts.filter(Filter::raw("length(title) > ?", (3,)))).await?, [1]);
    Ok(())
}

async fn what_does_not_fit_together_is_refused(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    for filter in [Filter::raw("stars = ?", ()), Filter::raw("stars = 1", (1,)), Filter::raw("stars = ??", (1, 2))] {
        let error = Post::filter(&db, filter).all().await.unwrap_err();
        assert!(*error.kind() == ErrorKind::InvalidInput && error.to_string().contains("question mark"), "{error}");
    }
    assert!(Post::filter(&db, Filter::raw("no_such_column = 1", ())).all().await.is_err());
    Ok(())
}

async fn any_change_of_the_table_ends_what_a_raw_condition_found(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = db.things::<Post>();
    posts.create_many((0..6).map(|n| post(1, n))).await?;
    let query = || posts.filter(Post::USER_ID.eq(1) & Filter::raw("length(title) + stars > ?", (13,)));
    let check = async |what: &str| -> Result<()> {
        let (asked, found) = statements(&db, query().all()).await;
        assert!(asked > 0, "{what}: it may concern the list");
        assert_eq!(found?, query().uncached().all().await?, "{what}");
        assert_eq!(statements(&db, query().all()).await.0, 0, "{what}: cached again");
        Ok(())
    };
    check("the first time").await?;
    let mut one = Post::by_id(&db, 1).await?;
    one.title = "A title that is much longer".into();
    one.save(&db).await?;
    check("a column that no typed condition names").await?;
    post(2, 100).create(&db).await?;
    check("a row of another user").await?;
    one.user_id = 2;
    one.save(&db).await?;
    check("a row that moves").await?;
    one.delete(&db).await?;
    check("a row that goes").await
}
