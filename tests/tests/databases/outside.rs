//! Writes by other programs: what they change is forgotten by the cache, soon, and the rest is not.

mod faults;

use std::sync::Arc;
use std::time::{Duration, Instant};

use thing::driver::{Executor, NoRows, Shape, Statement};
use thing::{Db, ErrorKind, Follower, Model, Result};

use crate::support::{Post, Stack, User, post, statements, user};

matrix! {
    cached: [
        what_others_write_is_seen,
        many_rows_that_others_write_are_seen,
        lists_that_others_do_not_touch_are_kept,
        own_writes_are_not_told_again,
        a_follower_that_ends_leaves_the_rest_to_the_next,
        a_follower_needs_what_records_changes,
    ]
}

/// A change that takes longer to be seen is not seen. It is much more than the bound, because tests share a machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database with users and posts that are in the cache, whose changes are followed, and somebody else who writes it.
struct Followed {
    db: Db,
    follower: Follower,
    outsider: Arc<dyn Executor>,
}

/// `None` where nobody else can write.
async fn followed(stack: &Stack) -> Result<Option<Followed>> {
    let db = stack.users().await;
    let Some(outsider) = stack.outsider().await else {
        assert_eq!(*db.follow_changes::<(User, Post)>().await.unwrap_err().kind(), ErrorKind::Unsupported);
        return Ok(None);
    };
    db.things::<User>().create_many((1..=4).map(user)).await?;
    for n in 1..=4 {
        post(n, 1).create(&db).await?;
    }
    db.record_changes::<(User, Post)>().await?;
    let follower = db.follow_changes::<(User, Post)>().await?;
    // What was written before the recording began is not known, and told so.
    eventually(async || Ok(follower.doubts() > 0 || follower.changes() >= 2)).await?;
    let followed = Followed { db, follower, outsider };
    followed.warm().await?;
    Ok(Some(followed))
}

impl Followed {
    async fn run(&self, sql: &str) {
        run(&*self.outsider, sql).await;
    }

    /// Reads everything that the tests look at, so that it is in the cache.
    async fn warm(&self) -> Result<()> {
        for n in 1..=4 {
            User::find(&self.db, n).await?;
            self.posts(n).await?;
        }
        self.absent(9).await?;
        self.adults().await?;
        Ok(())
    }

    async fn name(&self, id: i64) -> Result<Option<String>> {
        Ok(User::find(&self.db, id).await?.map(|user| user.name.clone()))
    }

    async fn posts(&self, user_id: i64) -> Result<usize> {
        Ok(Post::filter(&self.db, Post::USER_ID.eq(user_id)).all().await?.len())
    }

    async fn adults(&self) -> Result<u64> {
        User::filter(&self.db, User::AGE.ge(20)).count().await
    }

    async fn absent(&self, id: i64) -> Result<bool> {
        Ok(User::find(&self.db, id).await?.is_none())
    }
}

async fn run(outsider: &dyn Executor, sql: &str) {
    outsider.write(&Statement::new(&Shape::raw(sql), &[]), &mut NoRows).await.unwrap();
}

async fn eventually(holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !holds().await? {
        assert!(begun.elapsed() < PATIENCE, "it is not seen");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

const INSERT_USER: &str = "INSERT INTO users (id, name, email, age, score, active, created_at, updated_at) ";

async fn what_others_write_is_seen(stack: &Stack) -> Result<()> {
    let Some(followed) = followed(stack).await? else { return Ok(()) };
    assert_eq!((followed.adults().await?, followed.absent(9).await?), (3, true));
    // Inserted: an object that was known to be absent, a count, a list.
    let copy = format!(
        "{INSERT_USER} SELECT 9, name, 'nine', 50, score, active, created_at, updated_at FROM users WHERE id = 1"
    );
    followed.run(&copy).await;
    eventually(async || Ok(!followed.absent(9).await? && followed.adults().await? == 4)).await?;
    followed.run("INSERT INTO posts (id, user_id, title, stars) VALUES (50, 4, 'By hand', 5)").await;
    eventually(async || Ok(followed.posts(4).await? == 2)).await?;
    // Updated: an object, a count.
    followed.run("UPDATE users SET name = 'Renamed', age = 3 WHERE id = 4").await;
    eventually(async || Ok(followed.name(4).await?.as_deref() == Some("Renamed") && followed.adults().await? == 3))
        .await?;
    // Moved from one list to another.
    followed.run("UPDATE posts SET user_id = 2 WHERE id = 50").await;
    eventually(async || Ok(followed.posts(4).await? == 1 && followed.posts(2).await? == 2)).await?;
    // Deleted.
    followed.run("DELETE FROM users WHERE id = 9").await;
    eventually(async || Ok(followed.absent(9).await? && followed.adults().await? == 2)).await?;
    followed.run("DELETE FROM posts").await;
    eventually(async || Ok(followed.posts(1).await? + followed.posts(2).await? + followed.posts(3).await? == 0))
        .await?;
    if stack.truncates() {
        followed.run("TRUNCATE users").await;
        eventually(async || Ok(followed.name(1).await?.is_none() && followed.adults().await? == 0)).await?;
    }
    assert!(followed.follower.failure().is_none());
    Ok(())
}

async fn many_rows_that_others_write_are_seen(stack: &Stack) -> Result<()> {
    let Some(followed) = followed(stack).await? else { return Ok(()) };
    let values: Vec<String> = (100..2100).map(|id| format!("({id}, {}, 'Many', 1)", 1 + id % 4)).collect();
    followed.run(&format!("INSERT INTO posts (id, user_id, title, stars) VALUES {}", values.join(", "))).await;
    eventually(async || Ok(followed.posts(1).await? == 501 && followed.posts(4).await? == 501)).await?;
    followed.run("UPDATE posts SET user_id = 1").await;
    eventually(async || Ok(followed.posts(1).await? == 2004 && followed.posts(4).await? == 0)).await
}

async fn lists_that_others_do_not_touch_are_kept(stack: &Stack) -> Result<()> {
    let Some(followed) = followed(stack).await? else { return Ok(()) };
    if !stack.tells_rows() {
        return Ok(());
    }
    let before = followed.follower.changes();
    followed.run("UPDATE posts SET title = 'Other', stars = 9 WHERE user_id = 1").await;
    followed.run("INSERT INTO posts (id, user_id, title, stars) VALUES (50, 2, 'By hand', 5)").await;
    eventually(async || Ok(followed.posts(2).await? == 2)).await?;
    let Followed { db, follower, .. } = &followed;
    // A change is seen a moment before it is counted.
    eventually(async || Ok(follower.changes() >= before + 2)).await?;
    let (sent, others) =
        statements(db, async { Ok::<_, thing::Error>(followed.posts(3).await? + followed.posts(4).await?) }).await;
    assert_eq!((sent, others?), (0, 2), "posts of others");
    // The list of the changed post stays too, since it mentions neither column; the post itself is read again.
    let (sent, first) = statements(db, Post::filter(db, Post::USER_ID.eq(1)).all()).await;
    assert_eq!((sent, first?[0].title.as_str()), (1, "Other"));
    let (sent, adults) = statements(db, followed.adults()).await;
    assert_eq!((sent, adults?), (0, 3), "users");
    assert_eq!(follower.changes(), before + 2);
    Ok(())
}

async fn own_writes_are_not_told_again(stack: &Stack) -> Result<()> {
    let Some(Followed { db, follower, outsider }) = followed(stack).await? else { return Ok(()) };
    let before = (follower.changes(), follower.doubts());
    for n in 10..40 {
        post(1, n).create(&db).await?;
    }
    let transaction = db.begin().await?;
    user(50).create(&transaction).await?;
    transaction.commit().await?;
    db.things::<Post>().create_many((1..=300).map(|n| post(2, n))).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((follower.changes(), follower.doubts()), before);
    run(&*outsider, "UPDATE posts SET stars = 0 WHERE id = 1").await;
    eventually(async || Ok((follower.changes(), follower.doubts()) != before)).await
}

async fn a_follower_that_ends_leaves_the_rest_to_the_next(stack: &Stack) -> Result<()> {
    let Some(followed) = followed(stack).await? else { return Ok(()) };
    let Followed { db, follower, outsider } = &followed;
    let second = db.follow_changes::<(User, Post)>().await?;
    for n in 0..20 {
        followed.run(&format!("UPDATE users SET name = 'Name {n}' WHERE id = 1")).await;
        eventually(async || Ok(followed.name(1).await? == Some(format!("Name {n}")))).await?;
    }
    if stack.tells_rows() {
        eventually(async || Ok(follower.changes() + second.changes() >= 22)).await?;
        assert!(follower.changes() + second.changes() <= 22, "each change is told once");
    }
    let outsider = outsider.clone();
    let db = db.clone();
    drop(followed);
    run(&*outsider, "UPDATE users SET name = 'Last' WHERE id = 1").await;
    eventually(async || Ok(User::by_id(&db, 1).await?.name == "Last")).await?;
    drop(second);
    run(&*outsider, "UPDATE users SET name = 'Alone' WHERE id = 1").await;
    let _third = db.follow_changes::<(User, Post)>().await?;
    eventually(async || Ok(User::by_id(&db, 1).await?.name == "Alone")).await
}

async fn a_follower_needs_what_records_changes(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    if stack.tells_rows() {
        let error = db.follow_changes::<User>().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
        assert!(error.to_string().contains("record_changes"), "{error}");
    }
    Ok(())
}
