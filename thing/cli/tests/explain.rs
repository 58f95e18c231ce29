//! `thing explain` on each database.

mod support;

use serde_json::json;
use support::Base;

const TABLES: &[&str] = &[
    "CREATE TABLE books (id INTEGER NOT NULL PRIMARY KEY, title VARCHAR(100) NOT NULL, price INTEGER)",
    "CREATE INDEX books_title ON books (title)",
    "INSERT INTO books VALUES (1, 'Emma', 5), (2, 'Ulysses', 7)",
];

#[tokio::test]
async fn the_plan_is_shown_and_whole_tables_are_named() {
    for base in Base::all().await {
        base.execute(TABLES).await;
        let sql = "SELECT * FROM books WHERE price > 5;";
        let shown = base.thing(&["explain", sql]).ends(0);
        assert!(shown.out.starts_with("SELECT * FROM books WHERE price > 5\n"), "{shown:?}");
        assert!(shown.out.contains("all rows of books are read"), "{}: {shown:?}", base.name());
        let json = base.thing(&["explain", sql, "--json"]).ends(0).json();
        assert_eq!(json["scans"], json!(["books"]), "{}: {json:#}", base.name());
        assert!(json["plan"].is_array() || json["plan"].is_object(), "{json:#}");
        base.close().await;
    }
}

#[tokio::test]
async fn placeholders_have_values() {
    for base in Base::all().await {
        base.execute(TABLES).await;
        let place = if base.name() == "postgres" { "$1" } else { "?" };
        let sql = format!("SELECT id FROM books WHERE title = {place}");
        let json = base.thing(&["explain", &sql, "--bind", "Emma", "--json"]).ends(0).json();
        assert_eq!(json["sql"], sql.as_str());
        let shown = base.thing(&["explain", "SELECT 1 WHERE 1 = 2 AND", "--bind", "-1"]).ends(1);
        assert!(shown.err.starts_with("error: "), "{shown:?}");
        base.close().await;
    }
}

#[tokio::test]
async fn nothing_is_ever_written() {
    for base in Base::all().await {
        base.execute(TABLES).await;
        for arguments in [
            &["explain", "DELETE FROM books"][..],
            &["explain", "ANALYZE DELETE FROM books"],
            &["explain", "SELECT 1; DELETE FROM books"],
            &["explain", "--analyze", "DELETE FROM books"],
            &["explain", "--analyze", "SELECT 1; DELETE FROM books"],
        ] {
            base.thing(arguments);
            let rows = base.thing(&["inspect", "books", "--json"]).ends(0).json()["rows"]["count"].clone();
            assert_eq!(rows, 2, "{}: {arguments:?}", base.name());
        }
        base.close().await;
    }
}

#[tokio::test]
async fn analyze_says_what_it_took() {
    for base in Base::all().await {
        base.execute(TABLES).await;
        let ran = base.thing(&["explain", "--analyze", "SELECT * FROM books WHERE price > 5"]);
        match base.name() {
            "sqlite" => assert!(ran.ends(1).err.contains("leave out --analyze")),
            "postgres" => assert!(ran.ends(0).out.contains("Execution Time")),
            _ => assert!(ran.ends(0).out.contains("r_rows")),
        }
        base.close().await;
    }
}
