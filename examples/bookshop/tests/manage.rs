//! The bookshop's commands: what they know by its models.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use thing::Db;
use thing_driver_sqlite::SqliteExecutor;
use thing_example_bookshop::{Author, Book, NewAuthor};

fn manage(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_manage"))
        .args(arguments)
        .current_dir(folder)
        .env("DATABASE_URL", "sqlite:bookshop.db")
        .env_remove("CACHE_URL")
        .output()
        .expect("the program starts");
    (run.status.code().expect("the program ends by itself"), String::from_utf8_lossy(&run.stdout).into_owned())
}

async fn open(folder: &Path) -> Db {
    let executor = SqliteExecutor::open(folder.join("bookshop.db")).await.expect("the file opens");
    Db::builder(executor).build()
}

/// What the doctor found, as `severity check: message`.
fn findings(output: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(output).expect("the report is JSON");
    let findings = report["findings"].as_array().expect("a list of findings");
    let text = |finding: &Value, member: &str| finding[member].as_str().map(str::to_owned).unwrap_or_default();
    findings.iter().map(|f| format!("{} {}: {}", text(f, "severity"), text(f, "check"), text(f, "message"))).collect()
}

#[tokio::test]
async fn the_doctor_compares_tables_with_models_and_indexes_with_queries() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(folder.path()).await;
    for statement in [
        "CREATE TABLE authors (id INTEGER NOT NULL PRIMARY KEY, name BLOB, account TEXT)",
        "CREATE TABLE books (id INTEGER NOT NULL PRIMARY KEY, author_id INTEGER NOT NULL, title TEXT NOT NULL, \
         weight INTEGER NOT NULL)",
    ] {
        db.raw(statement).execute().await.expect("the statement runs");
    }
    let (code, output) = manage(folder.path(), &["doctor", "--json"]);
    assert_eq!(code, 3, "{output}");
    assert_eq!(
        findings(&output),
        [
            "error type: column `name` of `authors` is BLOB, which does not hold every value of the field as TEXT does",
            "error missing_column: `books` has no column `price`",
            "error unfilled_column: `sync` can't change `books`: column `weight` is NOT NULL without default and no field \
             fills it, so nothing can be inserted",
            "warning nullable: column `name` of `authors` may hold NULL, which the model can't read",
            "warning missing_index: `authors` has no index `authors_name_unique`, which the model declares",
            "warning missing_index: `books` has no index `books_author_id_index`, which the model declares",
            "warning missing_index: `Author::BOOKS` looks for rows of `books` by `author_id`, with which no index begins: \
             each time all rows are read",
            "warning missing_index: query `books of an author` filters `books` by `author_id`, with which no index begins: \
             all rows are read",
            "warning missing_index: query `cheap books` filters `books` by `price`, with which no index begins: all rows \
             are read",
        ]
    );
}

#[tokio::test]
async fn tables_that_are_synchronised_have_no_problem_but_the_query_without_an_index() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).await.sync::<(Author, Book)>().await.expect("the tables are made");
    let (code, output) = manage(folder.path(), &["doctor", "--json"]);
    assert_eq!(code, 3, "{output}");
    let found = findings(&output);
    assert!(found.len() == 1 && found[0].contains("`cheap books`"), "{found:?}");
}

#[tokio::test]
async fn named_queries_are_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).await.sync::<(Author, Book)>().await.expect("the tables are made");
    let (code, output) = manage(folder.path(), &["explain", "--query", "books of an author"]);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("USING INDEX books_author_id_index (author_id=?)"), "{output}");
    assert!(output.ends_with("the cached list depends on author_id\n"), "{output}");
    let (_, listed) = manage(folder.path(), &["explain", "--list", "--json"]);
    let listed: Value = serde_json::from_str(&listed).expect("the list is JSON");
    assert_eq!(listed["queries"][1]["name"], "cheap books");
    assert_eq!(manage(folder.path(), &["explain", "--query", "dear books"]).0, 2);
}

#[tokio::test]
async fn secrets_of_rows_are_hidden() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(folder.path()).await;
    db.sync::<(Author, Book)>().await.expect("the tables are made");
    let ann = NewAuthor { name: "Ann".into(), account: Some("hunter2".to_owned().into()) };
    db.things::<Author>().create(ann).await.expect("the row is added");
    for arguments in [&["inspect", "authors", "--rows", "5"][..], &["inspect", "authors", "--rows", "5", "--json"]] {
        let (code, output) = manage(folder.path(), arguments);
        assert!(
            code == 0 && output.contains("Ann") && output.contains("***") && !output.contains("hunter2"),
            "{output}"
        );
    }
}
