//! What the cache answers, what invalidates it and what doesn't: counted in statements.

use thing::driver::{EntryKey, Key, Peek};
use thing::{Db, Loaded, Model, Result};

use crate::support::{Post, Stack, User, placeholders, post, statements, user};

matrix! {
    cached: [
        a_second_read_sends_no_statement,
        a_list_brings_its_objects_into_the_cache,
        a_hit_shares_the_object_until_it_is_changed,
        a_save_is_seen_by_the_next_read,
        a_write_elsewhere_leaves_a_list_cached,
        a_write_that_concerns_a_list_renews_it,
        a_count_survives_changes_that_keep_it,
        a_known_absent_row_appears_when_it_is_created,
        a_transaction_reaches_the_cache_at_its_commit,
        a_rollback_leaves_no_trace,
        fifty_tasks_on_a_cold_key_send_one_statement,
        raw_writes_are_seen_after_invalidate,
        lists_beyond_the_limit_are_read_each_time,
        saving_a_plain_struct_costs_only_the_lists_that_it_changes,
        many_tasks_save_one_row_and_none_is_refused,
        two_models_of_one_table_keep_their_columns_apart,
    ]
}

/// Runs a query twice and asserts that the second run sends nothing.
macro_rules! assert_cached {
    ($db:expr, $query:expr) => {{
        let first = $query.await?;
        let (sent, second) = statements(&$db, $query).await;
        assert_eq!(sent, 0, "the second run is answered from the cache");
        assert_eq!(first, second?);
    }};
}

async fn posts(stack: &Stack) -> Result<Db> {
    let db = stack.users().await;
    db.things::<User>().create_many((1..=3).map(user)).await?;
    db.things::<Post>().create_many((1..=3).flat_map(|user| (0..4).map(move |n| post(user, n)))).await?;
    Ok(db)
}

fn of_user(db: &Db, user_id: i64) -> impl Future<Output = Result<Vec<Loaded<Post>>>> {
    Post::filter(db, Post::USER_ID.eq(user_id)).all()
}

async fn a_second_read_sends_no_statement(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    assert_cached!(db, User::by_id(&db, 1));
    assert_cached!(db, User::find(&db, 99));
    assert_cached!(db, of_user(&db, 1));
    assert_cached!(db, Post::filter(&db, Post::STARS.gt(1)).count());
    assert_cached!(db, Post::filter(&db, Post::STARS.gt(1)).exists());
    assert_cached!(db, db.things::<User>().by_ids([1, 2, 3, 4]));
    let uncached = Post::filter(&db, Post::STARS.gt(1)).uncached();
    assert_eq!(statements(&db, uncached.count()).await.0, 1);
    Ok(())
}

async fn a_list_brings_its_objects_into_the_cache(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let list = of_user(&db, 2).await?;
    let (sent, one) = statements(&db, Post::by_id(&db, list[1].id)).await;
    assert_eq!((sent, one?), (0, list[1].clone()));
    Ok(())
}

async fn a_hit_shares_the_object_until_it_is_changed(stack: &Stack) -> Result<()> {
    let client = stack.client().await.unwrap();
    let db = Db::builder(stack.executor().await).cache(client.clone()).build();
    db.sync::<User>().await?;
    user(1).create(&db).await?;
    User::by_id(&db, 1).await?;
    let held = client.peek(&EntryKey::Object { table: User::table().id(), key: Key::Int(1) });
    let one = User::by_id(&db, 1).await?;
    let mut other = User::by_id(&db, 1).await?;
    let shared = std::ptr::eq(&*one, &*other);
    assert_eq!(shared, matches!(held, Peek::Hit(_)), "both share the object where the cache is in this process");
    other.name = "Changed".into();
    assert!(!std::ptr::eq(&*one, &*other));
    assert_eq!(one.name, "User 1");
    assert_eq!(User::by_id(&db, 1).await?.name, "User 1", "nobody else sees an unsaved change");
    Ok(())
}

async fn a_save_is_seen_by_the_next_read(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let mut alice = User::by_id(&db, 1).await?;
    let old = User::by_id(&db, 1).await?;
    alice.name = "Alice".into();
    alice.save(&db).await?;
    assert_eq!(User::by_id(&db, 1).await?.name, "Alice");
    assert_eq!(old.name, "User 1");
    Ok(())
}

async fn a_write_elsewhere_leaves_a_list_cached(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    of_user(&db, 1).await?;
    Post::filter(&db, Post::STARS.ge(3)).all().await?;
    // Another user's post, without the stars that the second list asks for.
    post(2, 1).create(&db).await?;
    assert_eq!(statements(&db, of_user(&db, 1)).await.0, 0, "another scope");
    assert_eq!(
        statements(&db, Post::filter(&db, Post::STARS.ge(3)).all()).await.0,
        0,
        "the change log shows that the new row does not match"
    );
    // A column that neither list mentions.
    let mut mine = of_user(&db, 1).await?.remove(0);
    mine.title = "Another title".into();
    mine.save(&db).await?;
    let (sent, list) = statements(&db, of_user(&db, 1)).await;
    assert_eq!(sent, 1, "the list's keys are still good, the changed object is read again");
    assert_eq!(list?[0].title, "Another title");
    Ok(())
}

async fn a_write_that_concerns_a_list_renews_it(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let well_liked = || Post::filter(&db, Post::STARS.ge(3)).all();
    let count = || Post::filter(&db, Post::USER_ID.eq(1)).count();
    assert_eq!(well_liked().await?.len(), 3);
    assert_eq!(count().await?, 4);
    let new = post(1, 5).create(&db).await?;
    assert_eq!(well_liked().await?.len(), 4);
    assert_eq!(count().await?, 5);
    let mut moved = new;
    moved.stars = 0;
    moved.save(&db).await?;
    assert_eq!(well_liked().await?.len(), 3);
    moved.user_id = 2;
    moved.save(&db).await?;
    assert_eq!(count().await?, 4);
    assert_eq!(of_user(&db, 2).await?.len(), 5);
    moved.delete(&db).await?;
    assert_eq!(of_user(&db, 2).await?.len(), 4);
    Ok(())
}

async fn a_count_survives_changes_that_keep_it(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let liked = || Post::filter(&db, Post::STARS.ge(2)).count();
    assert_eq!(liked().await?, 6);
    let mut best = Post::filter(&db, Post::STARS.eq(3)).all().await?.remove(0);
    best.stars = 100;
    best.save(&db).await?;
    let (sent, count) = statements(&db, liked()).await;
    assert_eq!((sent, count?), (0, 6), "the row matches before and after");
    Ok(())
}

async fn a_known_absent_row_appears_when_it_is_created(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    assert!(User::find(&db, 4).await?.is_none());
    assert!(User::find(&db, 5).await?.is_none());
    assert_eq!(user(4).create(&db).await?.id, 4);
    assert_eq!(User::by_id(&db, 4).await?.name, "User 4");
    assert_eq!(statements(&db, User::find(&db, 5)).await.0, 0, "the other row is still known to be absent");
    Ok(())
}

async fn a_transaction_reaches_the_cache_at_its_commit(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    assert_eq!(User::by_id(&db, 1).await?.name, "User 1");
    of_user(&db, 1).await?;
    let transaction = db.begin().await?;
    let mut alice = User::by_id(&transaction, 1).await?;
    alice.name = "Alice".into();
    alice.save(&transaction).await?;
    post(1, 9).create(&transaction).await?;
    assert_eq!(User::by_id(&db, 1).await?.name, "User 1", "from the cache, as before");
    assert_eq!(of_user(&db, 1).await?.len(), 4);
    transaction.commit().await?;
    assert_eq!(User::by_id(&db, 1).await?.name, "Alice");
    assert_eq!(of_user(&db, 1).await?.len(), 5);
    Ok(())
}

async fn a_rollback_leaves_no_trace(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    User::by_id(&db, 1).await?;
    of_user(&db, 1).await?;
    let transaction = db.begin().await?;
    let mut alice = User::by_id(&transaction, 1).await?;
    alice.name = "Alice".into();
    alice.save(&transaction).await?;
    post(1, 9).create(&transaction).await?;
    transaction.rollback().await?;
    let (sent, (alice, list)) = statements(&db, async { (User::by_id(&db, 1).await, of_user(&db, 1).await) }).await;
    assert_eq!((alice?.name.as_str(), list?.len(), sent), ("User 1", 4, 0), "all of it is still cached");
    Ok(())
}

async fn fifty_tasks_on_a_cold_key_send_one_statement(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    for id in 1..=3 {
        let (sent, ()) = statements(&db, async {
            let tasks: Vec<_> = (0..50)
                .map(|_| {
                    let db = db.clone();
                    tokio::spawn(async move { User::by_id(&db, id).await })
                })
                .collect();
            for task in tasks {
                assert_eq!(task.await.unwrap().unwrap().id, id);
            }
        })
        .await;
        assert_eq!(sent, 1, "statements for fifty tasks");
    }
    Ok(())
}

async fn raw_writes_are_seen_after_invalidate(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    User::by_id(&db, 1).await?;
    let changed =
        db.raw(placeholders(&db, "UPDATE users SET name = ? WHERE id = ?")).bind("Raw").bind(1_i64).execute().await?;
    assert_eq!(changed, 1);
    assert_eq!(User::by_id(&db, 1).await?.name, "User 1", "raw statements pass by the cache");
    assert_eq!(db.things::<User>().by_id_uncached(1).await?.name, "Raw");
    db.invalidate::<User>().await?;
    assert_eq!(User::by_id(&db, 1).await?.name, "Raw");
    Ok(())
}

async fn lists_beyond_the_limit_are_read_each_time(stack: &Stack) -> Result<()> {
    let db = stack.builder().await.cached_list_limit(5).build();
    db.sync::<User>().await?;
    db.things::<User>().create_many((0..6).map(user)).await?;
    for (expected, limit) in [(1, 6), (1, 6), (1, 5), (0, 5)] {
        assert_eq!(statements(&db, db.things::<User>().all_objects().fetch(0, limit)).await.0, expected);
    }
    Ok(())
}

async fn saving_a_plain_struct_costs_only_the_lists_that_it_changes(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let liked = || Post::filter(&db, Post::STARS.ge(2)).all();
    let titled = || Post::filter(&db, Post::TITLE.starts_with("Post")).count();
    liked().await?;
    titled().await?;
    let post = Post::filter(&db, Post::STARS.eq(0)).all().await?.remove(0).into_inner();
    Post { title: "Another".into(), ..post }.save(&db).await?;
    assert_eq!(statements(&db, liked()).await.0, 0, "its stars were written, and stay what they were");
    assert_eq!(titled().await?, 11);
    Ok(())
}

async fn many_tasks_save_one_row_and_none_is_refused(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let db = db.clone();
            tokio::spawn(async move {
                for round in 0..10 {
                    let mut post = Post::by_id(&db, 1).await?;
                    post.stars = task * 100 + round;
                    post.user_id = i64::from(task % 3);
                    post.save(&db).await?;
                }
                thing::Result::<()>::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap()?;
    }
    let stored = db.things::<Post>().by_id_uncached(1).await?;
    assert_eq!(Post::by_id(&db, 1).await?, stored);
    for user_id in 0..3 {
        let cached = of_user(&db, user_id).await?.len();
        assert_eq!(cached, Post::filter(&db, Post::USER_ID.eq(user_id)).uncached().all().await?.len());
    }
    Ok(())
}

/// Another model of the table of posts, in which the same numbers mean other columns.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "posts")]
struct Headline {
    id: i64,
    #[thing(index)]
    user_id: i64,
    stars: i32,
    title: String,
}

async fn two_models_of_one_table_keep_their_columns_apart(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let titled = || Post::filter(&db, Post::TITLE.starts_with("Post 3")).count();
    assert_eq!(titled().await?, 3);
    let post = Post::by_id(&db, 4).await?;
    let mut headline = db.things::<Headline>().by_id_uncached(4).await?;
    assert_eq!((headline.title.as_str(), headline.stars), (post.title.as_str(), post.stars));
    assert_eq!(db.things::<Headline>().all().await?.len(), db.things::<Post>().all().await?.len());
    headline.title = "News".into();
    headline.save(&db).await?;
    assert_eq!(Post::by_id(&db, 4).await?.title, "News");
    assert_eq!(titled().await?, 2, "a change told in other columns is taken for one that concerns the list");
    Ok(())
}
