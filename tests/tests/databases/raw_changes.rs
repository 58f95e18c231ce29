//! Raw writes that say what they change: the cache is right after them, and forgets no more than it must.

use std::time::Duration;

use thing::{Db, ErrorKind, Model, Result};

use crate::support::{Post, Stack, User, placeholders, post, statements, user};

matrix! {
    cached: [
        a_raw_write_of_a_table_is_seen_at_once,
        a_raw_write_of_rows_is_seen_at_once_and_spares_the_rest,
        a_raw_write_in_a_transaction_is_seen_at_its_commit,
        a_raw_write_that_fails_changes_nothing,
        a_raw_write_that_gives_rows_back_is_seen_too,
        a_bulk_write_of_too_many_rows_to_name_is_seen_at_once,
        a_raw_write_that_is_streamed_is_refused,
        a_row_that_another_adds_in_the_meantime_is_seen_where_it_goes,
    ]
}

async fn filled(stack: &Stack) -> Result<Db> {
    let db = stack.users().await;
    db.things::<User>().create_many((1..=4).map(user)).await?;
    for n in 1..=4 {
        post(n, 1).create(&db).await?;
    }
    seen(&db).await?;
    Ok(db)
}

/// Names, titles and counts, as they are read through the cache; the second time nothing is asked of the database.
async fn seen(db: &Db) -> Result<(Vec<String>, Vec<String>, u64, bool)> {
    let names = db.things::<User>().all().await?.iter().map(|user| user.name.clone()).collect();
    let mut titles = Vec::new();
    for n in 1..=4 {
        titles.extend(Post::filter(db, Post::USER_ID.eq(n)).all().await?.iter().map(|post| post.title.clone()));
    }
    let adults = User::filter(db, User::AGE.ge(20)).count().await?;
    let absent = User::find(db, 99).await?.is_none();
    Ok((names, titles, adults, absent))
}

/// What is seen is what the database holds.
async fn assert_right(db: &Db) -> Result<()> {
    let (names, titles, adults, absent) = seen(db).await?;
    let uncached: Vec<String> =
        db.things::<User>().all_objects().uncached().all().await?.iter().map(|user| user.name.clone()).collect();
    assert_eq!(names, uncached);
    let count = Post::filter(db, Post::USER_ID.between(1, 4)).uncached().count().await?;
    assert_eq!(titles.len() as u64, count);
    assert_eq!(adults, User::filter(db, User::AGE.ge(20)).uncached().count().await?);
    assert_eq!(absent, db.things::<User>().by_id_uncached(99).await.is_err());
    Ok(())
}

async fn a_raw_write_of_a_table_is_seen_at_once(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let sql = placeholders(&db, "UPDATE users SET name = ?, age = age + 1");
    assert_eq!(db.raw(sql).bind("Everyone").changes::<User>().execute().await?, 4);
    assert_eq!(seen(&db).await?.0, ["Everyone"; 4]);
    assert_right(&db).await?;
    // Posts were not named.
    let posts = Post::filter(&db, Post::USER_ID.eq(1));
    assert_eq!(statements(&db, posts.all()).await.0, 0);
    let sql = placeholders(&db, "DELETE FROM users WHERE id > ?");
    assert_eq!(db.raw(sql).bind(2).changes::<User>().changes::<Post>().execute().await?, 2);
    assert_right(&db).await
}

async fn a_raw_write_of_rows_is_seen_at_once_and_spares_the_rest(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let sql = placeholders(&db, "UPDATE posts SET user_id = ? WHERE id = ?");
    db.raw(sql).bind(2).bind(1).changes_only::<Post, _>([1]).execute().await?;
    let of = async |user_id| -> Result<usize> { Ok(Post::filter(&db, Post::USER_ID.eq(user_id)).all().await?.len()) };
    assert_eq!((of(1).await?, of(2).await?), (0, 2));
    // Other users' posts are still known.
    let (sent, three) = statements(&db, Post::filter(&db, Post::USER_ID.eq(3)).all()).await;
    assert_eq!((sent, three?.len()), (0, 1));
    let insert = placeholders(&db, "INSERT INTO posts (id, user_id, title, stars) VALUES (?, ?, ?, ?)");
    assert!(Post::find(&db, 50).await?.is_none());
    db.raw(insert).bind(50).bind(4).bind("By hand").bind(5).changes_only::<Post, _>([50]).execute().await?;
    assert_eq!(Post::by_id(&db, 50).await?.title, "By hand");
    assert_eq!(of(4).await?, 2);
    let delete = placeholders(&db, "DELETE FROM posts WHERE id = ?");
    db.raw(delete).bind(50).changes_only::<Post, _>([50]).execute().await?;
    assert!(Post::find(&db, 50).await?.is_none());
    assert_eq!(of(4).await?, 1);
    assert_right(&db).await
}

async fn a_raw_write_in_a_transaction_is_seen_at_its_commit(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let rename = placeholders(&db, "UPDATE users SET name = ? WHERE id = ?");
    let transaction = db.begin().await?;
    transaction.raw(&rename).bind("One").bind(1).changes_only::<User, _>([1]).execute().await?;
    if stack.reads_beside_transactions() {
        assert_eq!(User::by_id(&db, 1).await?.name, "User 1");
    }
    transaction.commit().await?;
    assert_eq!(User::by_id(&db, 1).await?.name, "One");
    let transaction = db.begin().await?;
    transaction.raw(&rename).bind("Two").bind(2).changes::<User>().execute().await?;
    transaction.commit().await?;
    assert_eq!(User::by_id(&db, 2).await?.name, "Two");
    let transaction = db.begin().await?;
    transaction.raw(&rename).bind("Never").bind(3).changes::<User>().execute().await?;
    transaction.rollback().await?;
    assert_eq!(User::by_id(&db, 3).await?.name, "User 3");
    assert_right(&db).await
}

async fn a_raw_write_that_fails_changes_nothing(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let twice = placeholders(&db, "UPDATE users SET email = ? WHERE id < ?");
    let error = db.raw(&twice).bind("same").bind(3).changes::<User>().execute().await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    assert_right(&db).await?;
    let error = db.raw(&twice).bind("same").bind(3).changes_only::<User, _>([1, 2]).execute().await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    assert_right(&db).await
}

async fn a_raw_write_that_gives_rows_back_is_seen_too(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    // An UPDATE gives rows back on two of the databases, an INSERT on all three.
    let sql = "INSERT INTO posts (id, user_id, title, stars) VALUES (?, ?, ?, ?) RETURNING id";
    let raw = db.raw(placeholders(&db, sql)).bind(60).bind(1).bind("By hand").bind(5);
    let ids: Vec<i64> = raw.changes::<Post>().rows().await?;
    assert_eq!(ids, [60]);
    assert_eq!(Post::filter(&db, Post::USER_ID.eq(1)).count().await?, 2);
    assert_right(&db).await
}

async fn a_bulk_write_of_too_many_rows_to_name_is_seen_at_once(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let many = (1..=5000).map(|n| post(n, 2));
    db.things::<Post>().create_many(many).await?;
    assert_eq!(Post::filter(&db, Post::USER_ID.eq(1)).all().await?.len(), 2);
    assert_eq!(Post::filter(&db, Post::USER_ID.eq(4)).count().await?, 2);
    assert_eq!(db.things::<Post>().count().await?, 5004);
    assert_right(&db).await
}

async fn a_raw_write_that_is_streamed_is_refused(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let delete = "DELETE FROM posts RETURNING id, user_id, title, stars";
    let error = db.raw(delete).changes::<Post>().stream::<Post>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_right(&db).await
}

/// Nothing locks a row that is not there: the raw write may meet one that another added after it was looked for.
async fn a_row_that_another_adds_in_the_meantime_is_seen_where_it_goes(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    // Elsewhere there is one writer at a time.
    if !stack.tells_rows() {
        return Ok(());
    }
    let other = db.begin().await?;
    Post { id: 50, ..post(1, 5) }.create(&other).await?;
    let transaction = db.begin().await?;
    let upsert = match stack.truncates() {
        true => "ON CONFLICT (id) DO UPDATE SET user_id = 2",
        false => "ON DUPLICATE KEY UPDATE user_id = 2",
    };
    let insert = format!("INSERT INTO posts (id, user_id, title, stars) VALUES (50, 2, 'Raw', 5) {upsert}");
    let raw = tokio::spawn(async move {
        transaction.raw(insert).changes_only::<Post, _>([50]).execute().await?;
        Ok::<_, thing::Error>(transaction)
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.commit().await?;
    let transaction = raw.await.unwrap()?;
    let of = async |user_id| -> Result<usize> { Ok(Post::filter(&db, Post::USER_ID.eq(user_id)).all().await?.len()) };
    assert_eq!((of(1).await?, of(2).await?), (2, 1));
    transaction.commit().await?;
    assert_eq!((of(1).await?, of(2).await?), (1, 2));
    assert_right(&db).await
}
