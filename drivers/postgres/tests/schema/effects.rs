//! Effects are true: what is said to lock locks, and what is said to rewrite rewrites.

use thing_conformance::schema::described;
use thing_driver_api::Schema;
use thing_driver_api::schema::{
    Change, CheckSchema, Effect, ForeignKeySchema, IndexPart, IndexSchema, Step, TableChange, TableSchema,
};

use crate::support::Place;

/// Makes the steps in an open transaction, and tells whether others could read and write meanwhile, and whether the table
/// was rewritten.
async fn watch(place: &Place, table: &str, steps: &[Step]) -> (bool, bool, bool) {
    let (client, other) = (place.other().await, place.other().await);
    let file = format!("SELECT pg_relation_filenode('{table}')");
    let before: u32 = client.query_one(&file, &[]).await.unwrap().get(0);
    client.batch_execute("BEGIN").await.unwrap();
    for text in steps.iter().flat_map(|step| &step.sql) {
        client.batch_execute(text).await.unwrap();
    }
    let oid: u32 = client.query_one(&format!("SELECT '{table}'::regclass::oid"), &[]).await.unwrap().get(0);
    let held = "SELECT mode FROM pg_locks WHERE relation = $1 AND granted AND locktype = 'relation'";
    let modes: Vec<String> = other.query(held, &[&oid]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let reads = modes.iter().any(|mode| mode == "AccessExclusiveLock");
    let writes = reads
        || modes.iter().any(|mode| ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock"].contains(&mode.as_str()));
    let after: u32 = client.query_one(&file, &[]).await.unwrap().get(0);
    client.batch_execute("ROLLBACK").await.unwrap();
    (reads, writes, before != after)
}

async fn assert_effects(place: &Place, change: &TableChange, case: &str) {
    let steps = place.executor.plan(change).unwrap();
    let states = |effect: Effect| steps.iter().any(|step| step.effects.contains(&effect));
    let (reads, writes, rewrites) = watch(place, change.name(), &steps).await;
    assert_eq!(states(Effect::BlocksReads), reads, "{case} blocks reads: {steps:?}");
    assert_eq!(states(Effect::BlocksReads) || states(Effect::BlocksWrites), writes, "{case} blocks writes: {steps:?}");
    assert_eq!(states(Effect::Rewrites), rewrites, "{case} rewrites: {steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_is_said_to_be_rewritten_exactly_when_it_is() {
    let place = Place::new().await;
    let cases = [
        ("smallint", "7", "integer"),
        ("integer", "7", "bigint"),
        ("bigint", "7", "integer"),
        ("integer", "7", "numeric"),
        ("integer", "7", "double precision"),
        ("bigint", "7", "double precision"),
        ("real", "1.5", "double precision"),
        ("double precision", "1.5", "real"),
        ("numeric", "1.5", "integer"),
        ("numeric(5,2)", "1.5", "numeric(8,2)"),
        ("numeric(5,2)", "1.5", "numeric"),
        ("numeric(5,2)", "1.5", "numeric(8,4)"),
        ("numeric(5,2)", "1.5", "numeric(4,1)"),
        ("numeric", "1.5", "numeric(8,2)"),
        ("character varying(5)", "'x'", "character varying(9)"),
        ("character varying(5)", "'x'", "character varying"),
        ("character varying(5)", "'x'", "text"),
        ("character varying", "'x'", "text"),
        ("text", "'x'", "character varying"),
        ("text", "'x'", "character varying(9)"),
        ("character varying(9)", "'x'", "character varying(5)"),
        ("character(3)", "'x'", "text"),
        ("text", "'x'", "character(3)"),
        ("text", "'x'", "text collate \"C\""),
        ("character varying(5)", "'x'", "text collate \"C\""),
        ("text", "'7'", "bigint"),
        ("text", "'true'", "boolean"),
        ("text", "'07070707-0707-0707-0707-070707070707'", "uuid"),
        ("text", "'{}'", "jsonb"),
        ("text", "'x'", "bytea"),
        ("bytea", "'x'", "text"),
        ("integer", "7", "text"),
        ("boolean", "true", "text"),
        ("boolean", "true", "bigint"),
        ("smallint", "1", "boolean"),
        ("json", "'{}'", "jsonb"),
        ("jsonb", "'{}'", "json"),
        ("timestamp without time zone", "now()", "timestamp with time zone"),
        ("timestamp with time zone", "now()", "timestamp without time zone"),
        ("timestamp(3) with time zone", "now()", "timestamp with time zone"),
        ("timestamp with time zone", "now()", "timestamp(3) with time zone"),
        ("time(3) without time zone", "now()", "time without time zone"),
        ("date", "now()", "timestamp with time zone"),
        ("timestamp with time zone", "now()", "date"),
        ("date", "now()", "timestamp without time zone"),
        ("uuid", "'07070707-0707-0707-0707-070707070707'", "text"),
    ];
    for (at, (from, value, to)) in cases.into_iter().enumerate() {
        let table = format!("t{at}");
        place
            .run(&format!(
                "CREATE TABLE {table} (id bigint PRIMARY KEY, a {from}); INSERT INTO {table} VALUES (1, {value})"
            ))
            .await;
        let before = described(&place.executor, &table).await;
        assert_eq!(before.columns[1].declared, from);
        let mut after = before.clone();
        after.columns[1].declared = to.into();
        let change = TableChange::alter(before, after, vec![Change::AlterColumn("a".into())]);
        assert_effects(&place, &change, &format!("{from} to {to}")).await;
        for step in place.executor.plan(&change).unwrap() {
            place.run(&step.sql.join("; ")).await;
        }
        assert_eq!(described(&place.executor, &table).await.columns[1].declared, to);
    }
}

async fn filled(place: &Place) -> TableSchema {
    place
        .run(
            "CREATE TABLE parents (id bigint PRIMARY KEY); CREATE TABLE t (id bigint PRIMARY KEY, a int DEFAULT 1 NOT NULL, b text, \
             c bigint CONSTRAINT f REFERENCES parents, CONSTRAINT k CHECK (a > 0), CONSTRAINT u UNIQUE (a)); CREATE INDEX i ON t (b); \
             INSERT INTO t VALUES (1, 1, 'x', NULL)",
        )
        .await;
    described(&place.executor, "t").await
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_are_those_that_are_said() {
    let place = Place::new().await;
    let before = filled(&place).await;
    let column = |name: &str, declared: &str, default: Option<&str>| {
        let mut column = thing_driver_api::schema::ColumnSchema::new(name, declared, Vec::new());
        column.nullable = default.is_none();
        column.default = default.map(str::to_owned);
        column
    };
    type Edit = Box<dyn Fn(&mut TableSchema)>;
    let cases: Vec<(Change, Edit)> = vec![
        (Change::AddColumn("n".into()), Box::new(move |t| t.columns.push(column("n", "integer", None)))),
        (Change::AddColumn("n".into()), Box::new(move |t| t.columns.push(column("n", "integer", Some("5"))))),
        (Change::AddColumn("n".into()), Box::new(move |t| t.columns.push(column("n", "text", Some("'(x)'"))))),
        (Change::AddColumn("n".into()), Box::new(move |t| t.columns.push(column("n", "timestamp", Some("now()"))))),
        (
            Change::AddColumn("n".into()),
            Box::new(move |t| t.columns.push(column("n", "double precision", Some("random()")))),
        ),
        (
            Change::AddColumn("n".into()),
            Box::new(move |t| {
                let mut counted = column("n", "bigint", None);
                counted.nullable = false;
                counted.generated = Some(thing_driver_api::schema::Generated::Key);
                t.columns.push(counted);
            }),
        ),
        (
            Change::AddColumn("n".into()),
            Box::new(move |t| {
                let mut twice = column("n", "integer", None);
                twice.generated = Some(thing_driver_api::schema::Generated::Stored("a * 2".into()));
                t.columns.push(twice);
            }),
        ),
        (
            Change::DropColumn("b".into()),
            Box::new(|t| {
                t.columns.remove(2);
            }),
        ),
        (Change::RenameColumn { from: "b".into(), to: "n".into() }, Box::new(|t| t.columns[2].name = "n".into())),
        (Change::AlterColumn("b".into()), Box::new(|t| t.columns[2].nullable = false)),
        (Change::AlterColumn("a".into()), Box::new(|t| t.columns[1].nullable = true)),
        (Change::AlterColumn("a".into()), Box::new(|t| t.columns[1].default = Some("2".into()))),
        (Change::AlterColumn("a".into()), Box::new(|t| t.columns[1].comment = Some("x".into()))),
        (Change::ChangeKey, Box::new(|t| t.key = vec!["id".into(), "a".into()])),
        (
            Change::CreateIndex("n".into()),
            Box::new(|t| t.indexes.push(IndexSchema::new("n", vec![IndexPart::column("b")], true))),
        ),
        (
            Change::CreateIndex("n".into()),
            Box::new(|t| {
                let mut unique = IndexSchema::new("n", vec![IndexPart::column("b")], true);
                unique.constraint = true;
                t.indexes.push(unique);
            }),
        ),
        (Change::DropIndex("i".into()), Box::new(|t| t.indexes.retain(|index| index.name != "i"))),
        (Change::DropIndex("u".into()), Box::new(|t| t.indexes.retain(|index| index.name != "u"))),
        (
            Change::AddForeignKey("n".into()),
            Box::new(|t| {
                t.foreign_keys.push(ForeignKeySchema::new("n", vec!["id".into()], "t", vec!["id".into()]));
            }),
        ),
        (Change::DropForeignKey("f".into()), Box::new(|t| t.foreign_keys.clear())),
        (Change::AddCheck("n".into()), Box::new(|t| t.checks.push(CheckSchema::new("n", "a < 5")))),
        (Change::DropCheck("k".into()), Box::new(|t| t.checks.clear())),
        (Change::ChangeComment, Box::new(|t| t.comment = Some("x".into()))),
    ];
    for (change, edit) in cases {
        let mut after = before.clone();
        edit(&mut after);
        let case = format!("{change:?}");
        assert_effects(&place, &TableChange::alter(before.clone(), after, vec![change]), &case).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_has_writers_of_the_other_table_wait() {
    let place = Place::new().await;
    let before = filled(&place).await;
    let mut after = before.clone();
    after.foreign_keys.push(ForeignKeySchema::new("n", vec!["c".into()], "parents", vec!["id".into()]));
    let steps =
        place.executor.plan(&TableChange::alter(before, after, vec![Change::AddForeignKey("n".into())])).unwrap();
    assert_eq!(watch(&place, "parents", &steps).await, (false, true, false));
    let dropping = described(&place.executor, "t").await;
    let mut without = dropping.clone();
    without.foreign_keys.clear();
    let steps =
        place.executor.plan(&TableChange::alter(dropping, without, vec![Change::DropForeignKey("f".into())])).unwrap();
    assert!(watch(&place, "parents", &steps).await.0);
}
