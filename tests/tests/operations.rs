//! The operations of a `Db` and of a transaction, on SQLite, with and without a cache.

use std::time::SystemTime;

use thing::{Db, Loaded, Model, Result, Session};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    id: i64,
    name: String,
    #[thing(unique)]
    email: String,
    #[thing(index)]
    age: i32,
    score: f64,
    bio: Option<String>,
    #[thing(created)]
    created_at: SystemTime,
    #[thing(updated)]
    updated_at: SystemTime,
}

fn user(n: i64) -> User {
    User {
        id: 0,
        name: format!("User {n}"),
        email: format!("user{n}@example.com"),
        age: 18 + (n % 50) as i32,
        score: n as f64 / 2.0,
        bio: (n % 3 == 0).then(|| format!("bio {n}")),
        created_at: SystemTime::UNIX_EPOCH,
        updated_at: SystemTime::UNIX_EPOCH,
    }
}

async fn database() -> Db {
    let db = Db::builder(SqliteExecutor::memory().await.unwrap()).build();
    db.sync::<User>().await.unwrap();
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_created_read_changed_and_deleted() -> Result<()> {
    let db = database().await;
    let mut alice: Loaded<User> = db.things::<User>().create(user(1)).await?;
    assert_eq!(alice.id, 1);
    let again = User::by_id(&db, 1).await?;
    assert_eq!(again.name, "User 1");
    alice.age = 33;
    alice.save(&db).await?;
    assert_eq!(User::by_id(&db, alice.id).await?.age, 33);
    let listed = db
        .things::<User>()
        .filter(User::AGE.gt(18) & User::NAME.eq("User 1"))
        .order_by(User::ID.desc())
        .all()
        .await?;
    assert_eq!(listed.len(), 1);
    alice.delete(&db).await?;
    assert!(User::by_id(&db, 1).await.unwrap_err().is_not_found());
    Ok(())
}
