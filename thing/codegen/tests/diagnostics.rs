//! Mistakes in a schema: their places, what is said of them, and that all are found at once.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use thing_codegen::{Diagnostic, from_prisma};

fn mistakes(text: &str) -> Vec<Diagnostic> {
    from_prisma(text).expect_err("the schema has mistakes")
}

/// A model whose field `a` is declared so.
fn field(declaration: &str) -> Diagnostic {
    let text = format!("model M {{\n  id Int @id\n  {declaration}\n}}\n");
    let found = mistakes(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

#[test]
fn a_mistake_is_shown_in_its_line() {
    let shown = field("a String @uniqe").to_string();
    let expected = "error: `@uniqe` is no attribute of a field\n --> line 3, column 13\n  |\n3 |   a String @uniqe\n  |             \
                    ^^^^^\n  = did you mean `@unique`?";
    assert_eq!(shown, expected);
}

#[test]
fn all_mistakes_are_found_at_once() {
    let text = "\
modle A {
  id Int @id
}
model B {
  id Int @id
  a Strin
  b String @default(1)
  c
  d String @map()
  e String @unique(
}
model C {
  id Int @id
  id Int
}
";
    let lines: Vec<usize> = mistakes(text).iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [1, 6, 7, 8, 9, 10, 14]);
}

#[test]
fn hints_name_the_word_that_was_meant() {
    for (declaration, message, hint) in [
        ("a Sting", "`Sting` is no type", "did you mean `String`?"),
        ("a Int @default(autoincremnt())", "`autoincremnt` is no function", "did you mean `autoincrement`?"),
        ("a DateTime @default(now)", "`now` is no default", "did you mean `now()`?"),
        ("a Int @default(\"x\")", "no default for `a`", "the field's own type"),
        ("a Int @updatedAt", "goes on a field of type `DateTime`", ""),
        ("a String[]?", "a list can't be optional", "drop the `?`"),
        ("a String @unique(mapp: \"x\")", "has no argument `mapp`", "did you mean `map`?"),
        ("a String @@unique", "belongs to the whole block", "a line of its own"),
        ("a String unique", "`unique` is too much on this line", "starts with `@`"),
        ("a String @default(\"x)", "this text has no end", "close it"),
        ("a", "has no type", "write `a String`"),
        ("@@index([b])", "`b` is no field", ""),
        ("@@uniqe([id])", "`@@uniqe` is no attribute of a model", "did you mean `@@unique`?"),
        ("@@index", "lists no fields", "write `@@index([a, b])`"),
        ("a String @id", "has two keys", "`@@id([…])`"),
        ("1a String", "does not start with a letter", "`@map`"),
    ] {
        let found = field(declaration);
        assert!(found.message.contains(message), "{declaration}: {found}");
        assert!(found.hint.as_deref().unwrap_or_default().contains(hint), "{declaration}: {found}");
        assert_eq!(found.line, 3, "{declaration}: {found}");
    }
}

#[test]
fn relations_have_two_ends_that_agree() {
    let pair = |on_post: &str, on_user: &str| {
        format!(
            "model Post {{\n  id Int @id\n  userId Int\n  {on_post}\n}}\nmodel User {{\n  id Int @id\n  {on_user}\n}}\n"
        )
    };
    let by_key = "user User @relation(fields: [userId], references: [id])";
    for (on_post, on_user, message, hint) in [
        (by_key, "", "no field on `User` that leads back", "add `field Post[]` to `User`"),
        (by_key, "posts Post", "nothing keeps it so", "`@unique`"),
        ("user User", "posts Post[]", "does not say which columns hold it", "fields: […]"),
        ("user User @relation(fields: [userId])", "posts Post[]", "no `references`", "the key of `User`"),
        ("user User @relation(fields: [userID], references: [id])", "posts Post[]", "`userID` is no field", "`userId`"),
        (
            "user User @relation(\"a\", fields: [userId], references: [id])",
            "posts Post[]",
            "no field on `User`",
            "another name",
        ),
        (
            "user User @relation(fields: [userId], references: [id], onDelete: cascade)",
            "p Post[]",
            "no action",
            "`Cascade`",
        ),
        ("user User[] @relation(fields: [userId], references: [id])", "posts Post[]", "is one object", "drop the `[]`"),
    ] {
        let found = mistakes(&pair(on_post, on_user));
        let said = |found: &Diagnostic| {
            found.message.contains(message) && found.hint.as_deref().unwrap_or_default().contains(hint)
        };
        assert!(found.iter().any(said), "{on_post} / {on_user}: {found:#?}");
    }
}

#[test]
fn blocks_that_have_no_end_or_no_key_are_told() {
    assert!(mistakes("model A {\n  id Int @id\n")[0].message.contains("has no end"));
    assert!(mistakes("model A {\n  a Int\n}\n")[0].message.contains("has no key"));
    assert!(mistakes("enum A {\n}\n")[0].message.contains("has no values"));
    assert!(mistakes("datasource db {\n  provider = \"mysqll\"\n}\n")[0].hint.as_deref().unwrap().contains("`mysql`"));
    assert!(mistakes("model A {\n  id Int @id\n}\nenum A {\n  x\n}\n")[0].message.contains("declared twice"));
}

#[test]
fn line_ends_of_every_system_and_comments_are_read() {
    let text = "// A comment\r\nmodel A { // and one here\r\n  /// docs\r\n  id Int @id // the key\r\n\r\n  @@map(\"as\") /// more\r\n}\r\n";
    let (model, _) = from_prisma(text).unwrap();
    let table = &model.tables[0];
    assert_eq!((table.table.as_str(), table.columns[0].docs.as_deref()), ("as", Some("docs")));
}
