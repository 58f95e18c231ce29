//! Rebuilds: a table that is made anew keeps its rows and what belongs to it, or nothing happens.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

#[path = "rebuilds/parts.rs"]
mod parts;

use support::{query, raw};
use thing_conformance::schema::{alter, described, make, try_alter};
use thing_driver_api::schema::{
    Action, Change, CheckSchema, ColumnSchema, Effect, ForeignKeySchema, Generated, IndexPart, TableChange, TableSchema,
};
use thing_driver_api::{ErrorKind, Schema, Value, ValueType};
use thing_driver_sqlite::SqliteExecutor;

async fn rows(executor: &SqliteExecutor, text: &str) -> Vec<Vec<Value<'static>>> {
    query(executor, text, &[]).await.unwrap().rows
}

async fn database(texts: &[&str]) -> SqliteExecutor {
    let executor = SqliteExecutor::memory().await.unwrap();
    for text in texts {
        raw(&executor, text).await.unwrap();
    }
    executor
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_table_stays() {
    let executor = database(&[
        "CREATE TABLE teams (id INTEGER PRIMARY KEY)",
        "INSERT INTO teams VALUES (1)",
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name VARCHAR(9) COLLATE NOCASE NOT NULL DEFAULT 'x;',
            team REFERENCES teams ON DELETE SET NULL, upper TEXT AS (upper(name)) VIRTUAL, boss INT REFERENCES users (id),
            UNIQUE (name, team), CONSTRAINT short CHECK (length(name) < 9))",
        "CREATE INDEX by_upper ON users (lower(name) DESC, team) WHERE team > 0",
        "CREATE TABLE log (name TEXT, user REFERENCES users)",
        "CREATE TRIGGER noted AFTER INSERT ON users BEGIN INSERT INTO log (name) VALUES (new.name); END",
        "CREATE TRIGGER guarded BEFORE DELETE ON log BEGIN UPDATE users SET team = NULL WHERE name = old.name; END",
        "CREATE VIEW names AS SELECT name FROM users",
        "INSERT INTO users (name, team) VALUES ('a', 1), ('b', NULL), ('c', 1)",
        "INSERT INTO log (name, user) VALUES ('first', 1)",
        "DELETE FROM users WHERE name = 'c'",
    ])
    .await;
    alter(&executor, "users", vec![Change::AlterColumn("name".into())], |table| {
        table.columns[1].nullable = true;
    })
    .await;
    let found = described(&executor, "users").await;
    assert_eq!(found.columns[1].declared, "VARCHAR(9) COLLATE NOCASE");
    assert_eq!(found.columns[3].generated, Some(Generated::Virtual("upper(name)".into())));
    assert_eq!((found.indexes.len(), found.foreign_keys.len(), found.attached.len()), (2, 2, 1));
    let texts = rows(&executor, "SELECT name, upper FROM users ORDER BY id").await;
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[0], [Value::Text("a".into()), Value::Text("A".into())]);
    raw(&executor, "INSERT INTO users (name) VALUES (NULL)").await.unwrap();
    assert_eq!(rows(&executor, "SELECT max(id) FROM users").await, [[Value::I64(4)]], "3 was given once");
    assert_eq!(rows(&executor, "SELECT count(*) FROM names").await, [[Value::I64(3)]]);
    assert_eq!(rows(&executor, "SELECT count(*) FROM log").await, [[Value::I64(5)]], "the trigger is there");
    assert!(raw(&executor, "INSERT INTO log (user) VALUES (9)").await.is_err(), "others refer to it still");
    raw(&executor, "DELETE FROM log WHERE name = 'a'").await.unwrap();
    raw(&executor, "DELETE FROM teams").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_rowid_stays_one() {
    let executor = database(&[
        "CREATE TABLE t (a TEXT NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (b, a)) STRICT, WITHOUT ROWID",
        "INSERT INTO t VALUES ('x', 1)",
    ])
    .await;
    alter(&executor, "t", vec![Change::AddCheck("c".into())], |table| {
        table.checks.push(CheckSchema::new("c", "b > 0"));
    })
    .await;
    let found = described(&executor, "t").await;
    assert_eq!(found.options, ["STRICT", "WITHOUT ROWID"]);
    assert!(raw(&executor, "INSERT INTO t VALUES ('y', 'text')").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_converted_exactly_or_the_change_fails() {
    let column = |declared: &str, holds: &[ValueType]| ColumnSchema::new("v", declared, holds.to_vec());
    let integers = [ValueType::Bool, ValueType::I16, ValueType::I32, ValueType::I64, ValueType::Timestamp];
    let integer = || column("INTEGER", &integers);
    let float = || column("DOUBLE", &[ValueType::F32, ValueType::F64]);
    let text = || column("TEXT", &[ValueType::Text, ValueType::Json]);
    let cases = [
        ("TEXT", "'12'", integer(), Some("12")),
        ("TEXT", "'-0012'", integer(), Some("-12")),
        ("TEXT", "'12a'", integer(), None),
        ("TEXT", "'1.5'", integer(), None),
        ("TEXT", "''", integer(), None),
        ("DOUBLE", "2.0", integer(), Some("2")),
        ("DOUBLE", "2.5", integer(), None),
        ("DOUBLE", "1e300", integer(), None),
        ("INTEGER", "9007199254740993", float(), None),
        ("INTEGER", "4", float(), Some("4.0")),
        ("TEXT", "'0.5'", float(), Some("0.5")),
        ("TEXT", "'half'", float(), None),
        ("INTEGER", "-7", text(), Some("'-7'")),
        ("BLOB", "x'00'", text(), None),
    ];
    for (declared, value, mut after, expected) in cases {
        let create = format!("CREATE TABLE t (v {declared})");
        let executor = database(&[&create, &format!("INSERT INTO t VALUES ({value}), (NULL)")]).await;
        after.nullable = true;
        let before = described(&executor, "t").await;
        let mut wanted = before.clone();
        wanted.columns[0] = after;
        let change = TableChange::alter(before.clone(), wanted, vec![Change::AlterColumn("v".into())]);
        let done = make(&executor, &change).await;
        let kept = rows(&executor, "SELECT quote(v) FROM t WHERE v IS NOT NULL").await;
        assert_eq!(rows(&executor, "SELECT count(*) FROM t").await, [[Value::I64(2)]]);
        let shown = Value::Text(expected.unwrap_or(value).to_owned().into());
        assert_eq!(done.is_ok(), expected.is_some(), "{declared} {value}: {done:?}");
        if expected.is_some() {
            assert_eq!(kept, [[shown]], "{declared} {value}");
        } else {
            assert_eq!(described(&executor, "t").await, before, "{declared} {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_of_floats_are_not_lost_silently() {
    let executor = database(&["CREATE TABLE t (v DOUBLE)"]).await;
    let before = described(&executor, "t").await;
    let mut after = before.clone();
    after.columns[0] = ColumnSchema::new("v", "TEXT", vec![ValueType::Text, ValueType::Json]);
    let steps = executor.plan(&TableChange::alter(before, after, vec![Change::AlterColumn("v".into())])).unwrap();
    assert_eq!(steps[0].loses().collect::<Vec<_>>(), ["the digits of `v` beyond the 15th"]);
    assert!(steps[0].effects.contains(&Effect::Rewrites));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_refers_to_none_fails_the_change() {
    let executor = database(&[
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER)",
        "INSERT INTO child VALUES (1, 5)",
    ])
    .await;
    let add = |table: &mut TableSchema| {
        let mut key = ForeignKeySchema::new("fk", vec!["parent".into()], "parent", vec!["id".into()]);
        key.on_delete = Action::Cascade;
        table.foreign_keys.push(key);
    };
    let changes = || vec![Change::AddForeignKey("fk".into())];
    let refused = try_alter(&executor, "child", changes(), add).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Constraint(_)), "{refused:?}");
    assert!(described(&executor, "child").await.foreign_keys.is_empty());
    raw(&executor, "INSERT INTO parent VALUES (5)").await.unwrap();
    alter(&executor, "child", changes(), add).await;
    raw(&executor, "DELETE FROM parent").await.unwrap();
    assert!(rows(&executor, "SELECT * FROM child").await.is_empty(), "the foreign key is enforced");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_made_again_is_refused() {
    for text in [
        "CREATE TABLE t (v TEXT UNIQUE ON CONFLICT REPLACE)",
        "CREATE TABLE t (v TEXT UNIQUE REFERENCES t (v) DEFERRABLE INITIALLY DEFERRED)",
    ] {
        let executor = database(&[text]).await;
        let changes = vec![Change::AlterColumn("v".into())];
        let refused = try_alter(&executor, "t", changes, |table| table.columns[0].nullable = false).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Unsupported);
        let index = vec![Change::CreateIndex("i".into())];
        alter(&executor, "t", index, |table| {
            let index = thing_driver_api::schema::IndexSchema::new("i", vec![IndexPart::column("v")], false);
            table.indexes.insert(0, index);
        })
        .await;
    }
}
