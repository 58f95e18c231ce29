//! `thing pull` and `thing generate`.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod support;

use std::fs;

use support::Base;

const SCHEMA: &str = "datasource db {\n  provider = \"sqlite\"\n  url      = env(\"DATABASE_URL\")\n}\n\n\
    model Author {\n  id    Int    @id @default(autoincrement())\n  name  String @unique\n  books Book[]\n}\n\n\
    model Book {\n  id       Int    @id @default(autoincrement())\n  authorId Int\n  title    String\n  \
    author   Author @relation(fields: [authorId], references: [id])\n}\n";

#[tokio::test]
async fn models_are_pulled_from_each_database() {
    for base in Base::all().await {
        base.execute(&[
            "CREATE TABLE authors (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(50) NOT NULL)",
            "CREATE TABLE books (id INTEGER NOT NULL PRIMARY KEY, author_id INTEGER NOT NULL, CONSTRAINT books_author \
             FOREIGN KEY (author_id) REFERENCES authors (id))",
            "CREATE TABLE logs (what VARCHAR(50))",
        ])
        .await;
        base.thing(&["pull", "--check"]).ends(3);
        let pulled = base.thing(&["pull", "--json"]).ends(0).json();
        assert!(pulled["created"].as_array().is_some_and(|files| files.len() >= 3), "{pulled:#}");
        assert!(pulled["notes"].as_array().is_some_and(|notes| !notes.is_empty()), "a table without a key: {pulled:#}");
        let book = fs::read_to_string(base.folder.path().join("src/models/generated/book.rs")).expect("the model");
        assert!(book.contains("pub struct Book {") && book.contains("author_id"), "{book}");
        base.thing(&["pull", "--check"]).ends(0);
        let one = base.thing(&["pull", "--table", "authors", "--out", "one", "--json"]).ends(0).json();
        assert!(!one.to_string().contains("book"), "{one:#}");
        base.thing(&["pull", "--table", "nothing"]).ends(1);

        let prisma = base.thing(&["pull", "--to-prisma"]).ends(0);
        assert!(prisma.out.contains("model Book {") && prisma.out.contains("@relation("), "{prisma:?}");
        base.thing(&["pull", "--to-prisma", "--out", "schema.prisma"]).ends(0);
        base.thing(&["generate", "--out", "from_prisma"]).ends(0);
        base.close().await;
    }
}

#[test]
fn models_are_generated_and_hand_written_code_stays() {
    let base = Base::sqlite();
    let folder = base.folder.path();
    fs::write(folder.join("schema.prisma"), SCHEMA).expect("a file");
    base.thing(&["generate", "--check"]).ends(3);
    assert!(!folder.join("src").exists());
    base.thing(&["generate"]).ends(0);
    base.thing(&["generate", "--check"]).ends(0);
    let mine = folder.join("src/models/mod.rs");
    let text = fs::read_to_string(&mine).expect("the module") + "\npub mod mine;\n";
    fs::write(&mine, &text).expect("a file");
    fs::write(folder.join("schema.prisma"), SCHEMA.replace("title ", "name  ")).expect("a file");
    let changed = base.thing(&["generate", "--json"]).ends(0).json();
    assert_eq!(changed["changed"].as_array().map(Vec::len), Some(1), "{changed:#}");
    assert_eq!(fs::read_to_string(&mine).expect("the module"), text);

    fs::write(
        folder.join("schema.prisma"),
        SCHEMA.split("model Book").next().unwrap_or_default().replace("  books Book[]\n", ""),
    )
    .expect("a file");
    base.thing(&["generate", "--check"]).ends(3);
    let removed = base.thing(&["generate", "--json"]).ends(0).json();
    assert_eq!(removed["removed"].as_array().map(Vec::len), Some(1), "{removed:#}");
}

#[test]
fn mistakes_have_a_place_and_a_hint() {
    let base = Base::sqlite();
    fs::write(base.folder.path().join("my.prisma"), SCHEMA.replace("@unique", "@uniqe")).expect("a file");
    let told = base.thing(&["generate", "my.prisma"]).ends(1);
    assert!(told.err.contains("my.prisma has a mistake") && told.err.contains("did you mean `@unique`?"), "{told:?}");
    let told = base.thing(&["generate", "my.prisma", "--json"]).ends(1).json();
    assert_eq!(told["error"]["mistakes"][0]["line"], 8, "{told:#}");
    base.thing(&["generate", "none.prisma"]).ends(1);
    base.thing(&["generate", "--to-prisma"]).ends(2);
}
