//! Losses: what nobody said may go stays, and values that nobody gave are not made up.

use thing::schema::Left;
use thing::{Db, ErrorKind, Model, Result};

use crate::support::{Database, Stack};

matrix! {
    uncached: [
        a_computed_column_stays_one_unless_it_may_go,
        a_foreign_key_is_there_whatever_becomes_of_the_change,
        a_trigger_of_a_renamed_table_means_what_it_meant,
        rows_of_a_renamed_table_get_no_made_up_values,
    ]
}

async fn database(stack: &Stack, texts: &[&str]) -> Result<Db> {
    let db = stack.builder().await.build();
    for text in texts {
        db.raw(*text).execute().await?;
    }
    Ok(db)
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "notes")]
struct Note {
    id: i64,
    body: String,
}

/// Has a column that its rows have no value for.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "remarks", was = "notes")]
struct Remark {
    id: i64,
    body: String,
    stars: i32,
}

/// The same, and the key has got another name.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "notes", key(number))]
struct Rekeyed {
    #[thing(was = "id")]
    number: i64,
    body: String,
    stars: i32,
}

async fn rows_of_a_renamed_table_get_no_made_up_values(stack: &Stack) -> Result<()> {
    let db = stack.db::<Note>().await;
    let id = Note { id: 0, body: "kept".into() }.create(&db).await?.id;
    for refused in [db.sync::<Remark>().await, db.sync::<Rekeyed>().await] {
        let error = refused.expect_err("there are rows");
        assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
        assert!(error.to_string().contains("`stars` is NOT NULL without default"), "{error}");
    }
    assert_eq!(Note::by_id(&db, id).await?.body, "kept");
    db.things::<Note>().delete(id).await?;
    db.sync::<Remark>().await
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "shouts")]
struct Shout {
    #[thing(assigned)]
    id: i64,
    name: String,
    loud: Option<String>,
}

async fn a_computed_column_stays_one_unless_it_may_go(stack: &Stack) -> Result<()> {
    let text = "CREATE TABLE shouts (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(50) NOT NULL, \
                loud VARCHAR(50) GENERATED ALWAYS AS (upper(name)) STORED)";
    let db = database(stack, &[text, "INSERT INTO shouts (id, name) VALUES (1, 'a')"]).await?;
    db.sync::<Shout>().await?;
    assert_eq!(Shout::by_id(&db, 1).await?.loud.as_deref(), Some("A"));
    db.raw("UPDATE shouts SET name = 'b'").execute().await?;
    assert_eq!(Shout::by_id(&db, 1).await?.loud.as_deref(), Some("B"), "it is computed still");
    let plan = db.schema::<Shout>().plan().await?;
    let left = plan.left().iter().any(|Left { kind, name, .. }| (*kind, &**name) == ("expression", "loud"));
    assert!(left, "{plan}");
    match db.schema::<Shout>().allow("shouts.loud").apply().await {
        Ok(_) => db.raw("UPDATE shouts SET loud = 'c'").execute().await.map(drop),
        Err(error) => {
            assert!(stack.database() == Database::Mysql && *error.kind() == ErrorKind::Schema, "{error}");
            Ok(())
        }
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "kids")]
struct Kid {
    #[thing(assigned)]
    id: i64,
    parent: Option<i64>,
}

async fn a_foreign_key_is_there_whatever_becomes_of_the_change(stack: &Stack) -> Result<()> {
    let kids = "CREATE TABLE kids (id BIGINT NOT NULL PRIMARY KEY, parent INT, \
                CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES parents (id))";
    let db = database(stack, &["CREATE TABLE parents (id INT NOT NULL PRIMARY KEY)", kids]).await?;
    if let Err(error) = db.sync::<Kid>().await {
        assert!(stack.database() == Database::Mysql && !error.to_string().contains("not undone"), "{error}");
    }
    let orphan = db.raw("INSERT INTO kids VALUES (1, 5)").execute().await;
    assert!(matches!(orphan.unwrap_err().kind(), ErrorKind::Constraint(_)));
    Ok(())
}

/// A name that the log has a column for, too.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "log_lines", was = "people")]
struct Renamed {
    id: i64,
    #[thing(was = "name")]
    title: Option<String>,
}

async fn a_trigger_of_a_renamed_table_means_what_it_meant(stack: &Stack) -> Result<()> {
    if !matches!(stack.database(), Database::SqliteFile | Database::SqliteMemory) {
        return Ok(());
    }
    let people = "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL)";
    let log = "CREATE TABLE log (people INT, name TEXT)";
    let clear =
        "CREATE TRIGGER noted AFTER INSERT ON people BEGIN DELETE FROM people WHERE people.name = new.name || '!'; END";
    let db = database(stack, &[people, log, clear, "INSERT INTO people (name) VALUES ('a!')"]).await?;
    // It says of which table each name is.
    db.sync::<Renamed>().await?;
    Renamed { id: 0, title: Some("a".into()) }.create(&db).await?;
    assert_eq!(db.things::<Renamed>().count().await?, 1);

    let unclear = "CREATE TRIGGER noted AFTER INSERT ON people BEGIN INSERT INTO log (people, name) VALUES (new.id, new.name); END";
    let db = database(stack, &[people, log, unclear]).await?;
    let error = db.sync::<Renamed>().await.expect_err("which `name` it means is not known");
    assert!(error.to_string().contains("trigger"), "{error}");
    db.raw("INSERT INTO people (name) VALUES ('a')").execute().await?;
    let logged: (i64,) = db.raw("SELECT count(*) FROM log WHERE name = 'a' AND people = 1").row().await?;
    assert_eq!(logged.0, 1);
    Ok(())
}
