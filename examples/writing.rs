//! Writing: create, save what changed, change sets, upserts, many at once, delete, and errors that say what is wrong.
//!
//!     cargo run --example writing

use thing::{ConstraintKind, Db, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct User {
    id: i64,
    name: String,
    #[thing(unique)]
    email: String,
    age: i32,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<User>().await?;
    let users = db.things::<User>();

    let mut alice = users.create(user("Alice", 33)).await?;
    println!("created      {} with key {}", alice.name, alice.id);

    alice.age += 1;
    println!("changed      {}", alice.is_changed());
    alice.save(&db).await?;
    println!("saved        age {}, before {}", alice.age, alice.original().age);

    // No change, no statement.
    let before = db.statistics().writes;
    alice.save(&db).await?;
    println!("saved again  {} statements", db.statistics().writes - before);

    // Two holders of one row change different columns: both changes stay.
    let mut first = users.by_id(alice.id).await?;
    let mut second = users.by_id(alice.id).await?;
    first.name = "Alice A.".into();
    second.age = 50;
    first.save(&db).await?;
    second.save(&db).await?;
    let both = users.by_id(alice.id).await?;
    println!("two holders  {} is {}", both.name, both.age);

    // A plain struct writes all its columns; with key 0 it is new.
    let mut plain = both.into_inner();
    plain.age = 51;
    plain.save(&db).await?;

    // A change set writes columns of a row without a look at it, on a condition if there is one.
    let older = users.update_by_id(alice.id, User::AGE.plus(1) & User::NAME.set("Alice B.")).await?;
    println!("changed      {} is {}", older.name, older.age);
    let young = users.update_by_id_if(alice.id, User::AGE.plus(1), User::AGE.lt(50)).await;
    println!("below 50     {}", !young.is_err_and(|error| error.is_condition_failed()));

    // There by its address, so that its age is written; else it would be created.
    let same = users.upsert(user("Alice", 60), User::EMAIL, User::AGE).await?;
    println!("upsert       {} with key {} is {}", same.name, same.id, same.age);

    // Any number, in chunks; keys are not given back.
    let mut bulk = users.insert_many().chunk_size(400);
    bulk.write((1..=1000).map(|n| user(&format!("Guest{n}"), n % 60))).await?;
    println!("inserted     {} in chunks", bulk.finish().await?);
    users.filter(User::NAME.starts_with("Guest")).delete().await?;

    let many = users.create_many((1..=100).map(|n| user(&format!("User{n}"), n))).await?;
    println!("created      {} in one transaction", many.len());
    let mut adults = users.filter(User::AGE.ge(90)).all().await?;
    for adult in &mut adults {
        adult.age = 90;
    }
    users.save_many(&mut adults).await?;
    println!("saved        {} of which one was unchanged", adults.len());
    users.delete_many(many[..50].iter().map(|user| user.id)).await?;
    println!("deleted      50, left {}", users.count().await?);

    // All or none: the last has an address that is taken.
    let refused = users.create_many([user("Bob", 20), user("Carol", 21), user("User99", 22)]).await;
    if let Err(error) = refused {
        let constraint = error.constraint();
        println!("refused      {error}");
        println!("             unique: {}", constraint.is_some_and(|c| c.kind == ConstraintKind::Unique));
        println!("             column: {}", constraint.map_or_else(String::new, |c| c.columns.join(", ")));
    }
    println!("after it     {} users", users.count().await?);

    let gone = users.by_id(alice.id).await?;
    let mut stale = gone.clone();
    gone.delete(&db).await?;
    stale.age = 1;
    if let Err(error) = stale.save(&db).await {
        println!("save of a deleted row: {error}");
        println!("not found: {}", error.is_not_found());
    }
    Ok(())
}

fn user(name: &str, age: i32) -> NewUser {
    NewUser { name: name.into(), email: format!("{}@example.com", name.to_lowercase()), age }
}
