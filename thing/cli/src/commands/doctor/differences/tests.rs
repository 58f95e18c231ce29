//! Findings, for each kind of difference.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

use thing::{Db, Model, ModelSet};
use thing_driver_sqlite::SqliteExecutor;

use super::tell;
use crate::database::{Diagnosis, Finding};

#[derive(Model, Clone, Debug)]
#[thing(table = "shelves")]
struct Shelf {
    id: i64,
    #[thing(was = "size")]
    width: i32,
}

#[derive(Model, Clone, Debug)]
#[thing(was = "volumes", index(name = "by_title", columns(title desc)))]
struct Book {
    id: i64,
    title: String,
    #[thing(foreign_key(Shelf, name = "on_shelf"))]
    shelf_id: i64,
    #[thing(default = 3, check = "stars > 0")]
    stars: i32,
}

/// A shelf that does not say what becomes of its notes.
#[derive(Model, Clone, Debug)]
struct Note {
    id: i64,
    #[thing(foreign_key(Shelf, on_delete = "cascade"))]
    shelf_id: i64,
}

/// What is found where these statements made the tables.
async fn findings<S: ModelSet>(statements: &[&str]) -> Vec<Finding> {
    let db = Db::builder(SqliteExecutor::memory().await.expect("a database")).build();
    for statement in statements {
        db.raw(*statement).execute().await.expect("the statement runs");
    }
    let mut diagnosis = Diagnosis::default();
    tell(&db.schema::<S>().plan().await.expect("a plan"), &mut diagnosis);
    diagnosis.findings
}

fn texts(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{:?} {}: {}", f.severity, f.check, f.message)).collect()
}

#[tokio::test]
async fn each_kind_of_difference_is_told() {
    let found = findings::<(Shelf, Book)>(&[
        "CREATE TABLE shelves (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, size INTEGER NOT NULL)",
        "CREATE TABLE volumes (id BIGINT NOT NULL PRIMARY KEY, title TEXT NOT NULL, shelf_id INTEGER NOT NULL, \
         stars INTEGER NOT NULL, CONSTRAINT books_stars_check CHECK (stars > 1))",
        "CREATE INDEX by_title ON volumes (title)",
    ])
    .await;
    assert_eq!(
        texts(&found),
        [
            "Error missing_column: `shelves` has no column `width`, but `size`, as it was called before",
            "Error missing_table: there is no table `books`, but `volumes`, as it was called before",
            "Error generated: `books` makes no keys for new objects, which come without `id`",
            "Warning default: the default of column `stars` of `books` is missing, that of the model is 3",
            "Warning index: index `by_title` of `books` is not as the model declares it",
            "Warning check: check `books_stars_check` of `books` is not as the model declares it",
            "Warning missing_foreign_key: `books` has no foreign key `on_shelf`, which the model declares",
        ]
    );
    assert!(found.iter().all(|finding| finding.advice.ends_with("run `sync`, or the migrations")), "{found:?}");
}

#[tokio::test]
async fn of_a_table_that_is_missing_nothing_else_is_told() {
    let found = findings::<(Book, Shelf)>(&[]).await;
    let expected = ["shelves", "books"].map(|table| format!("Error missing_table: there is no table `{table}`"));
    assert_eq!(texts(&found), expected);
}

#[tokio::test]
async fn what_is_in_the_way_of_a_change_is_told_with_what_allows_it() {
    let found = findings::<(Shelf, Note)>(&[
        "CREATE TABLE shelves (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, height INTEGER NOT NULL)",
        "INSERT INTO shelves (height) VALUES (1)",
    ])
    .await;
    let checks: Vec<&str> = found.iter().map(|finding| finding.check).collect();
    let refused = ["unfilled_column", "undeclared_action", "unfillable_column"];
    assert_eq!(checks, [&["missing_column", "missing_table"][..], &refused].concat());
    assert!(found[0].advice.starts_with("run `sync`, once nothing is in its way"), "{found:?}");
    assert_eq!(
        found[2].message,
        "`sync` can't change `shelves`: column `height` is NOT NULL without default and no field fills it, so nothing \
         can be inserted"
    );
    assert!(found[2].advice.ends_with("if that is meant: `sync --allow-loss shelves.height`"), "{found:?}");
    assert!(found[3].advice.contains("#[thing(cascades(Note::SHELF_ID))]"), "{found:?}");
}
