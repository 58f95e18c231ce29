//! Migrations behind the cache: what they change is seen when they have taken effect, and not before.

use std::sync::atomic::{AtomicBool, Ordering};

use thing::migration::{Direction, Event, Migrations};
use thing::{Db, ErrorKind, Model, Result};

use crate::support::{Stack, User, user};

matrix! {
    every: [
        what_a_migration_changes_is_seen_at_once,
        a_migration_in_no_transaction_is_seen_at_once,
        a_migration_that_fails_changes_nothing_that_is_seen,
        tables_are_found_in_the_text,
    ]
}

const UP: &str = "20260101000000_rename.up.sql";
const DOWN: &str = "20260101000000_rename.down.sql";

async fn filled(stack: &Stack) -> Result<Db> {
    let db = stack.users().await;
    db.things::<User>().create_many((1..=3).map(user)).await?;
    assert_eq!(names(&db).await?, ["User 1", "User 2", "User 3"]);
    Ok(db)
}

/// Through the cache, as objects and as a list.
async fn names(db: &Db) -> Result<Vec<String>> {
    let listed: Vec<String> = db.things::<User>().all().await?.iter().map(|user| user.name.clone()).collect();
    for (id, name) in (1..).zip(&listed) {
        assert_eq!(User::by_id(db, id).await?.name, *name);
    }
    Ok(listed)
}

async fn what_a_migration_changes_is_seen_at_once(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let migrations = Migrations::embedded(&[
        (UP, "-- thing: changes users\nUPDATE users SET name = 'Ann';\nUPDATE users SET name = 'Bob' WHERE id = 2;"),
        (DOWN, "-- thing: changes users\nUPDATE users SET name = 'back';"),
    ])?;
    assert_eq!(db.migrate(&migrations).await?.len(), 1);
    assert_eq!(names(&db).await?, ["Ann", "Bob", "Ann"]);
    assert_eq!(db.migrate(&migrations).await?.len(), 0);
    let undone = AtomicBool::new(false);
    let seen = |event: &Event<'_>| {
        if let Event::Started { direction: Direction::Down, .. } = event {
            undone.store(true, Ordering::Relaxed);
        }
    };
    assert_eq!(db.migrator(&migrations).progress(seen).down(1).await?.len(), 1);
    assert!(undone.load(Ordering::Relaxed));
    assert_eq!(names(&db).await?, ["back", "back", "back"]);
    Ok(())
}

async fn a_migration_in_no_transaction_is_seen_at_once(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let text = "-- thing: no transaction\n-- thing: changes users\nUPDATE users SET name = 'Ann' WHERE id = 1;\n\
                CREATE INDEX by_name_and_age ON users (age, id);\nUPDATE users SET name = 'Bob' WHERE id = 2;";
    assert_eq!(db.migrate(&Migrations::embedded(&[(UP, text)])?).await?.len(), 1);
    assert_eq!(names(&db).await?, ["Ann", "Bob", "User 3"]);
    Ok(())
}

async fn a_migration_that_fails_changes_nothing_that_is_seen(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let text = "-- thing: changes users\nUPDATE users SET name = 'Ann' WHERE id = 1;\nUPDATE users SET nowhere = 1;";
    let error = db.migrate(&Migrations::embedded(&[(UP, text)])?).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
    assert!(error.to_string().contains("rename.up.sql, line 3, statement 2 of 2"), "{error}");
    let stored: Vec<String> =
        db.things::<User>().all_objects().uncached().all().await?.iter().map(|user| user.name.clone()).collect();
    assert_eq!(names(&db).await?, stored);
    Ok(())
}

async fn tables_are_found_in_the_text(stack: &Stack) -> Result<()> {
    let db = filled(stack).await?;
    let schema = db.executor().schema().expect("a database with a schema");
    if schema.tables().await.is_err_and(|error| *error.kind() == ErrorKind::Unsupported) {
        return Ok(());
    }
    let migrations = Migrations::embedded(&[(UP, "UPDATE users SET name = 'Ann' WHERE id = 1")])?;
    db.migrate(&migrations).await?;
    assert_eq!(names(&db).await?, ["Ann", "User 2", "User 3"]);
    Ok(())
}

#[test]
fn a_folder_is_part_of_the_program() {
    let migrations = thing::migrations!("../thing/migrate/tests/migrations").unwrap();
    assert_eq!(migrations.iter().len(), 2);
}
