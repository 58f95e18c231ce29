//! `thing migrate` with files of SQL, on each database.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::Base;

const AUTHORS: &str = "20260101000000_authors";
const BOOKS: &str = "20260102000000_books";

fn write(base: &Base, title: &str, up: &str, down: &str) {
    let folder = base.folder.path().join("migrations");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(format!("{title}.up.sql")), up).expect("a file");
    fs::write(folder.join(format!("{title}.down.sql")), down).expect("a file");
}

fn begin(base: &Base) {
    write(base, AUTHORS, "CREATE TABLE authors (id INTEGER NOT NULL PRIMARY KEY);", "DROP TABLE authors;");
    write(
        base,
        BOOKS,
        "CREATE TABLE books (id INTEGER NOT NULL PRIMARY KEY);\nINSERT INTO books VALUES (1);\nINSERT INTO books VALUES (2);",
        "DROP TABLE books;",
    );
}

/// Version and state of each migration.
fn states(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let all = report["migrations"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|one| (text(&one["version"]), text(&one["state"]))).collect()
}

fn are(base: &Base, code: i32, expected: [&str; 2]) {
    let report = base.thing(&["migrate", "status", "--json"]).ends(code).json();
    let versions = ["20260101000000", "20260102000000"].map(str::to_owned);
    let expected: Vec<_> = versions.into_iter().zip(expected.map(str::to_owned)).collect();
    assert_eq!(states(&report), expected, "{}: {report:#}", base.name());
}

fn tables(base: &Base) -> Vec<String> {
    let list = base.thing(&["inspect", "--json"]).ends(0).json();
    let all = list["tables"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = all.iter().filter_map(|table| table["name"].as_str()).map(str::to_owned);
    names.filter(|name| name != "thing_migrations").collect()
}

#[tokio::test]
async fn migrations_go_up_and_down_and_say_where_they_are() {
    for base in Base::all().await {
        begin(&base);
        are(&base, 3, ["pending", "pending"]);
        let dry = base.thing(&["migrate", "up", "--dry-run", "--json"]).ends(3).json();
        assert_eq!(dry["planned"][1]["sql"].as_array().map(Vec::len), Some(3), "{dry:#}");
        are(&base, 3, ["pending", "pending"]);

        let ran = base.thing(&["migrate", "up", "--to", "20260101000000", "--json"]).ends(0).json();
        assert_eq!(ran["versions"], json!(["20260101000000"]));
        are(&base, 3, ["applied", "pending"]);
        let doctor = base.thing(&["doctor", "--json"]).ends(3).json();
        assert_eq!(doctor["findings"][0]["check"], "pending_migrations", "{doctor:#}");
        let ran = base.thing(&["migrate", "up"]).ends(0);
        assert_eq!(ran.out, "ran 20260102000000\n");
        assert!(ran.err.is_empty(), "progress is for terminals: {ran:?}");
        are(&base, 0, ["applied", "applied"]);
        assert_eq!(base.thing(&["migrate", "up"]).ends(0).out, "nothing to do\n");
        assert_eq!(tables(&base), ["authors", "books"]);

        assert_eq!(
            base.thing(&["migrate", "redo", "--json"]).ends(0).json()["versions"].as_array().map(Vec::len),
            Some(2)
        );
        base.thing(&["migrate", "down", "--dry-run"]).ends(3);
        base.thing(&["migrate", "down"]).ends(0);
        are(&base, 3, ["applied", "pending"]);
        base.thing(&["migrate", "down", "--to", "0"]).ends(0);
        assert_eq!(tables(&base), Vec::<String>::new());

        base.execute(&["CREATE TABLE authors (id INTEGER NOT NULL PRIMARY KEY)"]).await;
        base.thing(&["migrate", "baseline", "20260101000000"]).ends(0);
        base.thing(&["migrate", "up"]).ends(0);
        assert_eq!(tables(&base), ["authors", "books"]);
        base.close().await;
    }
}

#[tokio::test]
async fn edited_and_late_migrations_are_refused() {
    for base in Base::all().await {
        begin(&base);
        base.thing(&["migrate", "up"]).ends(0);
        write(&base, AUTHORS, "CREATE TABLE writers (id INTEGER NOT NULL PRIMARY KEY);", "");
        are(&base, 3, ["edited", "applied"]);
        let refused = base.thing(&["migrate", "up"]).ends(1);
        assert!(refused.err.contains("20260101000000"), "{refused:?}");
        begin(&base);
        write(&base, "20260101120000_late", "CREATE TABLE late (id INTEGER NOT NULL PRIMARY KEY);", "DROP TABLE late;");
        base.thing(&["migrate", "up"]).ends(1);
        base.thing(&["migrate", "up", "--out-of-order"]).ends(0);
        assert!(tables(&base).contains(&"late".to_owned()));
        base.close().await;
    }
}

#[tokio::test]
async fn a_migration_that_fails_in_the_middle_says_so_and_goes_on() {
    for base in Base::all().await {
        begin(&base);
        let broken = "CREATE TABLE books (id INTEGER NOT NULL PRIMARY KEY);\nINSERT INTO book VALUES (1);\n";
        write(&base, BOOKS, broken, "DROP TABLE books;");
        let failed = base.thing(&["migrate", "up"]).ends(1);
        assert!(failed.err.contains("20260102000000_books.up.sql"), "{failed:?}");
        let state = if base.name() == "mysql" { "unfinished" } else { "pending" };
        are(&base, 3, ["applied", state]);
        if state == "unfinished" {
            let shown = base.thing(&["migrate", "status"]).ends(3);
            assert!(shown.out.contains("20260102000000 is unfinished: 1 statements took effect"), "{shown:?}");
            base.thing(&["migrate", "resolve", "20260102000000", "--again"]).ends(1);
        }
        write(&base, BOOKS, &broken.replace("book ", "books "), "DROP TABLE books;");
        base.thing(&["migrate", "up"]).ends(0);
        are(&base, 0, ["applied", "applied"]);
        base.close().await;
    }
}

#[test]
fn what_is_asked_for_wrongly_is_told() {
    let base = Base::sqlite();
    let missing = base.thing(&["migrate", "up"]).ends(2);
    assert!(missing.err.contains("there is no folder migrations"), "{missing:?}");
    base.thing(&["migrate", "up", "--to", "soon"]).ends(2);
    base.thing(&["migrate", "resolve", "1"]).ends(2);
    base.thing(&["migrate", "new", "add age"]).ends(2);
    let empty = base.thing(&["migrate", "new", "add age", "--empty", "--json"]).ends(0).json();
    assert_eq!(empty["files"].as_array().map(Vec::len), Some(2), "{empty:#}");
    assert!(!base.folder.path().join("shop.db").exists());
}
