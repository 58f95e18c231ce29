//! Changes: tables that have rows become what other models declare, and what a cache holds of them is forgotten.

use std::sync::Arc;

use thing::driver::{Capability, Executor};
use thing::{Db, ErrorKind, Model, Result};

use crate::support::{Database, Stack};

matrix! {
    cached: [
        what_a_cache_holds_of_a_changed_table_is_forgotten,
    ]
    uncached: [
        a_column_goes_when_it_is_allowed_to,
        a_plan_says_what_would_be_done,
        columns_are_added_and_types_widened,
        several_programs_change_at_once,
        tables_and_columns_are_renamed_as_declared,
    ]
}

/// A note as it was at first.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "notes", index(size))]
struct First {
    id: i64,
    body: String,
    size: i32,
    nick: Option<String>,
}

fn first(n: i32) -> First {
    First { id: 0, body: format!("note {n}"), size: n, nick: Some(format!("n{n}")) }
}

/// A note as it is later.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "notes", index(name = "notes_size_index", columns(size desc, id)))]
struct Later {
    id: i64,
    body: Option<String>,
    size: i64,
    nick: Option<String>,
    #[thing(default = 7)]
    stars: i32,
    seen: Option<bool>,
}

/// A note without its nickname.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "notes", index(size))]
struct Plain {
    id: i64,
    body: String,
    size: i32,
}

async fn columns_are_added_and_types_widened(stack: &Stack) -> Result<()> {
    let db = stack.db::<First>().await;
    let ids = [first(1).create(&db).await?.id, first(2).create(&db).await?.id];
    let done = db.schema::<Later>().apply().await?;
    assert!(!done.steps().is_empty(), "{done}");
    let kept = Later::by_id(&db, ids[1]).await?;
    let expected =
        Later { id: ids[1], body: Some("note 2".into()), size: 2, nick: Some("n2".into()), stars: 7, seen: None };
    assert_eq!(kept, expected);
    let wide = Later { id: 0, body: None, size: i64::MAX, ..expected };
    let wide = wide.create(&db).await?;
    assert!(wide.id > ids[1], "keys go on where they were");
    assert_eq!(Later::by_id(&db, wide.id).await?.size, i64::MAX);
    assert!(db.schema::<Later>().plan().await?.is_empty());
    db.schema::<Later>().check().await
}

async fn a_plan_says_what_would_be_done(stack: &Stack) -> Result<()> {
    let db = stack.db::<First>().await;
    let plan = db.schema::<Later>().plan().await?.to_string();
    assert!(plan.starts_with("1. ") && plan.contains("`stars`") && plan.contains("`notes_size_index`"), "{plan}");
    let error = db.schema::<Later>().check().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("the database is not as the models declare"), "{error}");
    assert!(db.schema::<First>().plan().await?.is_empty(), "nothing was done");
    assert_eq!(db.schema::<First>().plan().await?.to_string(), "nothing to change\n");
    Ok(())
}

async fn a_column_goes_when_it_is_allowed_to(stack: &Stack) -> Result<()> {
    let db = stack.db::<First>().await;
    let id = first(1).create(&db).await?.id;
    db.sync::<Plain>().await?;
    let plan = db.schema::<Plain>().plan().await?;
    assert!(plan.is_empty());
    assert_eq!(plan.left()[0].to_string(), "column `nick` of table `notes`");
    assert_eq!(First::by_id(&db, id).await?.nick.as_deref(), Some("n1"), "it is there still");
    let done = db.schema::<Plain>().allow("notes.nick").apply().await?;
    assert!(done.to_string().contains("loses the values of column `nick`"), "{done}");
    assert_eq!(Plain::by_id(&db, id).await?.body, "note 1");
    assert!(db.schema::<Plain>().allow("notes.nick").apply().await?.is_empty());
    Ok(())
}

/// A note under other names.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "remarks", was = "notes", index(length))]
struct Renamed {
    id: i64,
    body: String,
    #[thing(was = "extent", was = "size")]
    length: i32,
    nick: Option<String>,
}

async fn tables_and_columns_are_renamed_as_declared(stack: &Stack) -> Result<()> {
    let db = stack.db::<First>().await;
    let id = first(4).create(&db).await?.id;
    db.sync::<Renamed>().await?;
    assert_eq!(Renamed::by_id(&db, id).await?.length, 4);
    let schema = db.executor().schema().unwrap();
    assert_eq!(schema.describe("notes").await?, None);
    let table = schema.describe("remarks").await?.unwrap();
    let indexes: Vec<_> = table.indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(indexes, ["remarks_length_index"]);
    assert!(db.schema::<Renamed>().plan().await?.is_empty());
    // With the old table beside the new one, there is nothing to be renamed.
    db.sync::<First>().await?;
    assert!(db.schema::<(First, Renamed)>().plan().await?.is_empty());
    Ok(())
}

async fn several_programs_change_at_once(stack: &Stack) -> Result<()> {
    let executor: Arc<dyn Executor> = stack.executor().await;
    let one = Db::builder(executor.clone()).build();
    one.sync::<First>().await?;
    first(1).create(&one).await?;
    let another = match stack.outsider().await {
        Some(outsider) => Db::builder(outsider).build(),
        None => Db::builder(executor).build(),
    };
    let (a, b, c) = tokio::join!(one.sync::<Later>(), another.sync::<Later>(), one.sync::<Later>());
    a.and(b).and(c)?;
    assert!(one.schema::<Later>().plan().await?.is_empty());
    assert_eq!(one.things::<Later>().all().await?.len(), 1);
    if stack.database() == Database::SqliteMemory {
        return Ok(());
    }
    let (a, b) = tokio::join!(one.sync::<(Later, Renamed)>(), another.sync::<(Later, Renamed)>());
    a.and(b)
}

async fn what_a_cache_holds_of_a_changed_table_is_forgotten(stack: &Stack) -> Result<()> {
    let db = stack.db::<First>().await;
    let id = first(1).create(&db).await?.id;
    assert_eq!(First::by_id(&db, id).await?.nick.as_deref(), Some("n1"));
    assert_eq!(First::filter(&db, First::NICK.eq("n1")).count().await?, 1);
    // The column goes and comes again: what is cached of the model looks as before.
    db.schema::<Plain>().allow("notes.nick").apply().await?;
    db.sync::<First>().await?;
    assert_eq!(First::by_id(&db, id).await?.nick, None);
    assert_eq!(First::filter(&db, First::NICK.eq("n1")).count().await?, 0);
    if db.executor().capabilities().has(Capability::RawStatements) {
        assert!(db.schema::<First>().plan().await?.is_empty());
    }
    Ok(())
}
