//! The bookshop's tables: made, compared and migrated on each database.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::Shop;
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_example_bookshop::{Author, NewAuthor};

#[tokio::test]
async fn sync_makes_the_tables_and_finds_nothing_to_do_then() {
    for shop in Shop::all().await {
        let plan = shop.manage(&["sync", "--plan", "--json"], 3);
        assert_eq!(plan["applied"], false);
        assert!(plan["steps"].as_array().is_some_and(|steps| steps.len() >= 2), "{plan:#}");
        let differences = shop.manage(&["diff", "--json"], 3);
        assert_eq!(differences["tables"][0], json!({ "table": "authors", "changes": ["+ the table"] }));
        assert_eq!(shop.manage(&["sync", "--json"], 0)["applied"], true);
        assert_eq!(shop.manage(&["diff", "--json"], 0)["differs"], false);
        assert_eq!(shop.manage(&["sync", "--json"], 0)["steps"], json!([]));
        shop.close().await;
    }
}

#[tokio::test]
async fn a_plan_is_explained_step_by_step() {
    let [shop, ..] = Shop::all().await;
    shop.manage(&["sync", "--json"], 0);
    shop.execute("ALTER TABLE authors DROP COLUMN account").await;
    shop.execute("DROP INDEX books_author_id_index").await;
    shop.execute("ALTER TABLE books ADD COLUMN weight INTEGER").await;
    let expected = "1. add column `account` to table `authors`\n     ALTER TABLE \"authors\" ADD COLUMN \"account\" TEXT;\n\
        2. create index `books_author_id_index` of table `books`\n     \
        CREATE INDEX \"books_author_id_index\" ON \"books\" (\"author_id\");\n   \
        - nobody else writes the table meanwhile\n   - all rows are read, so it takes longer the more there are\n\
        left alone column `weight` of table `books`\nnothing was done; run `sync` without --plan\n";
    assert_eq!(shop.shown(&["sync", "--plan"], 3), expected);
    let differences = "authors\n  + column account\nbooks\n  + index books_author_id_index\nleft alone column `weight` of table `books`\n";
    assert_eq!(shop.shown(&["diff"], 3), differences);
}

#[tokio::test]
async fn nothing_is_lost_without_consent() {
    for shop in Shop::all().await {
        shop.manage(&["sync", "--json"], 0);
        shop.execute("ALTER TABLE books ADD COLUMN weight INTEGER").await;
        let differences = shop.manage(&["diff", "--json"], 0);
        assert_eq!(
            differences["left"],
            json!([{ "kind": "column", "table": "books", "name": "weight" }]),
            "{differences:#}"
        );
        let plan = shop.manage(&["sync", "--plan", "--allow-loss", "books.weight", "--json"], 3);
        let loses =
            |step: &Value| step["effects"].as_array().is_some_and(|all| all.iter().any(|e| e["kind"] == "loses"));
        assert!(plan["steps"].as_array().is_some_and(|steps| steps.iter().any(loses)), "{plan:#}");
        shop.manage(&["sync", "--allow-loss", "books.weight", "--json"], 0);
        assert_eq!(shop.manage(&["diff", "--json"], 0)["left"], json!([]));
        shop.close().await;
    }
}

/// What the program says of a failure.
fn message(report: &Value) -> String {
    report["error"]["message"].as_str().map(str::to_owned).unwrap_or_default()
}

#[tokio::test]
async fn a_field_that_was_renamed_is_not_taken_for_a_loss() {
    for shop in Shop::all().await {
        shop.manage(&["sync", "--json"], 0);
        shop.execute("ALTER TABLE books RENAME COLUMN title TO name").await;
        shop.execute("INSERT INTO books (author_id, name, price) VALUES (1, 'Emma', 2)").await;
        let refused = message(&shop.manage(&["sync", "--json"], 1));
        assert!(refused.contains("`#[thing(was = \"name\")]`") && refused.contains("had another name"), "{refused}");
        shop.close().await;
    }
}

#[tokio::test]
async fn a_step_that_fails_says_why() {
    for shop in Shop::all().await {
        shop.manage(&["sync", "--json"], 0);
        shop.execute(if shop.is_mysql() {
            "ALTER TABLE authors DROP INDEX authors_name_unique"
        } else {
            "DROP INDEX authors_name_unique"
        })
        .await;
        shop.execute("INSERT INTO authors (name) VALUES ('Ann'), ('Ann')").await;
        let refused = message(&shop.manage(&["sync", "--json"], 1));
        assert!(refused.contains("it fails if two rows agree in ") && refused.contains("see to the rows"), "{refused}");
        shop.execute("DELETE FROM authors").await;
        shop.manage(&["sync", "--json"], 0);
        shop.close().await;
    }
}

#[tokio::test]
async fn migrations_are_made_from_the_models() {
    for shop in Shop::all().await {
        let made = shop.manage(&["migrate", "new", "first tables", "--json"], 0);
        assert_eq!(made["files"].as_array().map(Vec::len), Some(3), "{made:#}");
        assert_eq!(shop.manage(&["migrate", "new", "again", "--json"], 0)["version"], Value::Null);
        let elsewhere = if shop.is_file() { thing_test_servers::postgres_url() } else { "sqlite:other.db".to_owned() };
        let refused = shop.manage(&["migrate", "new", "again", "--url", &elsewhere, "--json"], 1);
        assert!(message(&refused).starts_with("the migrations are for "), "{refused:#}");
        shop.manage(&["migrate", "status", "--json"], 3);
        shop.manage(&["migrate", "up", "--json"], 0);
        assert_eq!(shop.manage(&["diff", "--json"], 0)["differs"], false);
        shop.manage(&["migrate", "status", "--json"], 0);
        shop.manage(&["migrate", "down", "--json"], 0);
        assert_eq!(shop.manage(&["diff", "--json"], 3)["differs"], true);
        assert_eq!(shop.manage(&["migrate", "redo", "--json"], 0)["versions"], json!([]));
        shop.manage(&["migrate", "up", "--json"], 0);
        shop.close().await;
    }
}

/// The statements that make a table.
fn statements(plan: &Value, table: &str) -> String {
    let steps = plan["steps"].as_array().expect("steps");
    let own = steps.iter().filter(|step| step["table"] == table).filter_map(|step| step["sql"].as_array());
    own.flatten().filter_map(Value::as_str).map(|sql| format!("{sql};\n")).collect()
}

#[tokio::test]
async fn what_migrations_by_hand_lead_to_is_written_down() {
    for shop in Shop::all().await {
        let authors = statements(&shop.manage(&["sync", "--plan", "--json"], 3), "authors");
        shop.write("migrations/20260101000000_authors.up.sql", &authors);
        shop.write("migrations/20260101000000_authors.down.sql", "DROP TABLE authors;\n");
        let refused = shop.manage(&["migrate", "new", "books", "--json"], 1);
        assert!(message(&refused).contains("migrate snapshot"), "{refused:#}");
        shop.manage(&["migrate", "snapshot", "--json"], 1);
        shop.manage(&["migrate", "up", "--json"], 0);
        assert_eq!(shop.manage(&["migrate", "snapshot", "--json"], 0)["tables"], json!(["authors"]));

        shop.manage(&["migrate", "new", "books", "--json"], 0);
        shop.manage(&["migrate", "up", "--json"], 0);
        assert_eq!(shop.manage(&["diff", "--json"], 0)["differs"], false);
        shop.manage(&["migrate", "snapshot", "--json"], 0);
        assert_eq!(shop.manage(&["migrate", "new", "nothing", "--json"], 0)["version"], Value::Null);

        shop.execute("ALTER TABLE authors DROP COLUMN account").await;
        let refused = shop.manage(&["migrate", "snapshot", "--json"], 1);
        assert!(message(&refused).contains("declare: authors;"), "{refused:#}");
        shop.close().await;
    }
}

#[tokio::test]
async fn the_models_become_a_prisma_schema() {
    for shop in Shop::all().await {
        let prisma = shop.manage(&["generate", "--to-prisma", "--json"], 0)["prisma"].as_str().map(str::to_owned);
        assert!(prisma.as_ref().is_some_and(|text| text.contains("model Book {")), "{prisma:?}");
        shop.manage(&["generate", "--to-prisma", "--out", "schema.prisma", "--check", "--json"], 3);
        shop.manage(&["generate", "--to-prisma", "--out", "schema.prisma", "--json"], 0);
        shop.manage(&["generate", "--to-prisma", "--out", "schema.prisma", "--check", "--json"], 0);
        shop.close().await;
    }
}

#[tokio::test]
async fn the_cache_is_told_of_what_a_migration_changes() {
    for shop in Shop::all().await {
        let cache = format!("{}?prefix={}", thing_test_servers::redis_url(), thing_test_servers::redis_prefix());
        shop.manage(&["sync", "--json"], 0);
        // A write waits for the cache rather than being refused.
        let patience = Duration::from_secs(10);
        let config = RedisConfig::from_url(&cache).expect("a URL").connect_timeout(patience).write_timeout(patience);
        let db = shop.open(RedisCache::connect(config).await.expect("the cache answers")).await;
        let id = db.things::<Author>().create(NewAuthor { name: "Ann".into(), account: None }).await.expect("a row").id;
        assert_eq!(db.things::<Author>().by_id(id).await.expect("the row").name, "Ann");
        shop.write("migrations/20260101000000_rename.up.sql", "UPDATE authors SET name = 'Eve';\n");
        shop.manage(&["migrate", "up", "--cache", &cache, "--json"], 0);
        assert_eq!(db.things::<Author>().by_id(id).await.expect("the row").name, "Eve");
        drop(db);
        shop.close().await;
    }
}

/// The checks of the doctor that found something about the models, each with its severity. Notes are about collations.
fn checks(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let about = |finding: &&Value| {
        let message = finding["message"].to_string();
        finding["severity"] != "note" && (message.contains("authors") || message.contains("books"))
    };
    let text = |finding: &Value| format!("{} {}", finding["severity"], finding["check"]).replace('"', "");
    findings.iter().filter(about).map(text).collect()
}

#[tokio::test]
async fn the_doctor_says_what_sync_would_change_and_what_is_in_its_way() {
    for shop in Shop::all().await {
        for statement in [
            "CREATE TABLE authors (id BIGINT NOT NULL PRIMARY KEY, name INTEGER, account VARCHAR(50) NOT NULL)",
            "CREATE TABLE books (id BIGINT NOT NULL, author_id BIGINT NOT NULL, title VARCHAR(50) NOT NULL, \
             weight INTEGER NOT NULL, PRIMARY KEY (author_id, id))",
            "INSERT INTO books (id, author_id, title, weight) VALUES (1, 1, 'Emma', 300)",
        ] {
            shop.execute(statement).await;
        }
        let report = shop.manage(&["doctor", "--json"], 3);
        let expected = [
            "error generated",
            "error type",
            "error missing_column",
            "error key",
            "error generated",
            "error unfilled_column",
            "error unfillable_column",
            "warning nullable",
            "warning nullable",
            "warning missing_index",
            "warning missing_index",
            "warning missing_index",
        ];
        assert_eq!(checks(&report), expected, "{report:#}");
        for sql in ["DROP TABLE authors", "DROP TABLE books"] {
            shop.execute(sql).await;
        }
        let report = shop.manage(&["doctor", "--json"], 3);
        assert_eq!(checks(&report), ["error missing_table"; 2], "{report:#}");
        shop.manage(&["sync", "--json"], 0);
        let report = shop.manage(&["doctor", "--json"], 3);
        assert_eq!(checks(&report), ["warning missing_index"], "the query for cheap books: {report:#}");
        shop.close().await;
    }
}
