//! Parts of a table that are easily lost, or broken, when it is made anew.

use thing_conformance::schema::{described, try_alter};
use thing_driver_api::schema::{Change, TableChange, TableSchema};
use thing_driver_api::{ErrorKind, Schema, Value};
use thing_driver_sqlite::SqliteExecutor;

use crate::support::raw;
use crate::{database, rows};

async fn numbers(executor: &SqliteExecutor, text: &str) -> Vec<i64> {
    let rows = rows(executor, text).await;
    let number = |row: &Vec<Value<'static>>| match row[0] {
        Value::I64(number) => number,
        _ => panic!("{row:?}"),
    };
    rows.iter().map(number).collect()
}

fn loosen(name: &str) -> (Vec<Change>, impl FnOnce(&mut TableSchema)) {
    let column = name.to_owned();
    let loosen = move |table: &mut TableSchema| {
        table
            .columns
            .iter_mut()
            .filter(|known| known.name == column)
            .for_each(|known| known.nullable = !known.nullable);
    };
    (vec![Change::AlterColumn(name.to_owned())], loosen)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constraint_that_can_t_be_said_again_keeps_its_table() {
    for (create, write, taken) in [
        ("CREATE TABLE t (a TEXT, b INT, UNIQUE (a COLLATE NOCASE))", "INSERT INTO t VALUES ('A', 2)", false),
        ("CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (a COLLATE NOCASE))", "INSERT INTO t VALUES ('A', 2)", false),
        ("CREATE VIRTUAL TABLE t USING fts5 (a, b)", "INSERT INTO t (t) VALUES ('optimize')", true),
    ] {
        let executor = database(&[create, "INSERT INTO t (a, b) VALUES ('a', 1)"]).await;
        let (changes, loosen) = loosen("b");
        let refused = try_alter(&executor, "t", changes, loosen).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Unsupported, "{create}: {refused}");
        assert_eq!(raw(&executor, write).await.is_ok(), taken, "{create}");
        let made = executor.plan(&TableChange::create(described(&executor, "t").await)).unwrap_err();
        assert_eq!(*made.kind(), ErrorKind::Unsupported, "{create}: {made}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_keep_their_numbers() {
    for (columns, number) in
        [("a TEXT, b INT", "rowid"), ("rowid TEXT, b INT", "oid"), ("rowid, oid, b INT", "_rowid_")]
    {
        let executor = database(&[
            &format!("CREATE TABLE t ({columns})"),
            "CREATE INDEX i ON t (b)",
            "INSERT INTO t (b) VALUES (3), (2), (1)",
            "DELETE FROM t WHERE b = 2",
        ])
        .await;
        let (changes, loosen) = loosen("b");
        try_alter(&executor, "t", changes, loosen).await.unwrap();
        let kept = numbers(&executor, &format!("SELECT {number} FROM t ORDER BY b DESC")).await;
        assert_eq!(kept, [1, 3], "{columns}");
    }
    let executor = database(&["CREATE TABLE t (rowid, oid, _rowid_, b INT)", "INSERT INTO t (b) VALUES (1)"]).await;
    let (changes, loosen) = loosen("b");
    try_alter(&executor, "t", changes, loosen).await.unwrap();
    assert_eq!(numbers(&executor, "SELECT b FROM t").await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_others_read_does_not_go() {
    let readers = [
        "CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END",
        "CREATE TRIGGER noted AFTER INSERT ON log BEGIN INSERT INTO log SELECT a FROM t; END",
        "CREATE VIEW seen AS SELECT a FROM t",
    ];
    for reader in readers {
        let executor =
            database(&["CREATE TABLE log (x)", "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT)", reader]).await;
        let changes = vec![Change::DropColumn("a".into())];
        let refused = try_alter(&executor, "t", changes, |table| _ = table.columns.pop()).await;
        assert!(refused.is_err(), "{reader}");
        raw(&executor, "INSERT INTO t (a) VALUES (1)").await.unwrap();
        raw(&executor, "INSERT INTO log VALUES (1)").await.unwrap();
    }
}
