//! A schema written by hand, with everything in it, is described exactly.

use thing_conformance::schema::{column, commented, described, generated, made, required, with_default};
use thing_driver_api::schema::{
    Action, CheckSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableChange, TableSchema,
};
use thing_driver_api::{Schema, ValueType};

use crate::support::{Fresh, raw};

const RICH: [&str; 3] = [
    "CREATE TABLE places (country CHAR(2) COLLATE utf8mb4_nopad_bin, city INT, PRIMARY KEY (country, city))",
    "CREATE TABLE people ( \
       id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY COMMENT 'it''s \\\\ the key', \
       name VARCHAR(80) COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT 'no\\'body', \
       mood ENUM('sad', 'it''s, ok', 'Happy') COLLATE utf8mb4_nopad_bin DEFAULT 'Happy', \
       age INT CHECK (age BETWEEN 18 AND 150), height DECIMAL(5, 2) DEFAULT -1.5, \
       twice INT GENERATED ALWAYS AS (age * 2) STORED, thrice INT GENERATED ALWAYS AS (age * 3) VIRTUAL COMMENT 'more', \
       born TIMESTAMP(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), \
       data JSON DEFAULT '{\"a\": 1}', nothing LONGTEXT CHARACTER SET latin1 DEFAULT NULL, \
       country CHAR(2) COLLATE utf8mb4_nopad_bin, city INT, gone DATETIME(6), email VARCHAR(20) COLLATE utf8mb4_general_ci, \
       manager BIGINT UNSIGNED, small SMALLINT(4) UNSIGNED ZEROFILL, yes TINYINT(1) NOT NULL DEFAULT TRUE, \
       share DOUBLE DEFAULT 0.25, \
       thing_living TINYINT(1) GENERATED ALWAYS AS (IF(gone IS NULL, 1, NULL)) VIRTUAL, \
       UNIQUE sole (email, name), UNIQUE living (email, thing_living), INDEX by_name (name DESC, age), \
       INDEX part (nothing(10), name), FULLTEXT INDEX words (nothing), \
       CONSTRAINT lives FOREIGN KEY (country, city) REFERENCES places (country, city) ON DELETE SET NULL ON UPDATE CASCADE, \
       CONSTRAINT managed FOREIGN KEY (manager) REFERENCES people (id) ON DELETE RESTRICT, \
       CONSTRAINT named CHECK (name <> '' OR email IS NOT NULL)) COMMENT 'who is there'",
    "CREATE VIEW seen AS SELECT * FROM people",
];

fn expected() -> TableSchema {
    use ValueType::{Bool, F32, F64, I16, I32, I64, Json, Text, Timestamp};
    let mut people = TableSchema::new("people");
    people.comment = Some("who is there".into());
    let mut mood = with_default(column("mood", "enum('sad','it''s, ok','Happy')", &[Text]), "'Happy'");
    mood.allowed = ["sad", "it's, ok", "Happy"].map(str::to_owned).into();
    let now = "current_timestamp(3) on update current_timestamp(3)";
    people.columns = vec![
        commented(generated(required(column("id", "bigint unsigned", &[I64])), Generated::Key), "it's \\ the key"),
        with_default(required(column("name", "varchar(80)", &[Text, Json])), "'no''body'"),
        mood,
        column("age", "int", &[I16, I32]),
        with_default(column("height", "decimal(5,2)", &[]), "-1.5"),
        generated(column("twice", "int", &[I16, I32]), Generated::Stored("`age` * 2".into())),
        commented(generated(column("thrice", "int", &[I16, I32]), Generated::Virtual("`age` * 3".into())), "more"),
        with_default(column("born", "timestamp(3)", &[]), now),
        with_default(column("data", "json", &[&[Json][..], &ValueType::LISTS].concat()), "'{\"a\": 1}'"),
        column("nothing", "longtext collate latin1_swedish_ci", &[Text, Json]),
        column("country", "char(2)", &[]),
        column("city", "int", &[I16, I32]),
        column("gone", "datetime(6)", &[Timestamp]),
        column("email", "varchar(20) collate utf8mb4_general_ci", &[Text, Json]),
        column("manager", "bigint unsigned", &[I64]),
        column("small", "smallint(4) unsigned zerofill", &[I32, I64]),
        with_default(required(column("yes", "tinyint(1)", &[Bool, I16, I32, I64])), "1"),
        with_default(column("share", "double", &[F32, F64]), "2.5e-1"),
    ];
    people.key = vec!["id".into()];
    let mut descending = IndexPart::column("name");
    descending.descending = true;
    let by_name = IndexSchema::new("by_name", vec![descending, IndexPart::column("age")], false);
    let mut living = IndexSchema::new("living", vec![IndexPart::column("email")], true);
    living.living = true;
    living.condition = Some("`gone` IS NULL".into());
    let mut prefix = IndexPart::column("nothing");
    prefix.prefix = Some(10);
    let part = IndexSchema::new("part", vec![prefix, IndexPart::column("name")], false);
    let sole = IndexSchema::new("sole", vec![IndexPart::column("email"), IndexPart::column("name")], true);
    let mut words = IndexSchema::new("words", vec![IndexPart::column("nothing")], false);
    words.method = Some("fulltext".into());
    people.indexes = vec![by_name, living, part, sole, words];
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let mut lives = ForeignKeySchema::new("lives", names(&["country", "city"]), "places", names(&["country", "city"]));
    (lives.on_delete, lives.on_update) = (Action::SetNull, Action::Cascade);
    let managed = ForeignKeySchema::new("managed", names(&["manager"]), "people", names(&["id"]));
    people.foreign_keys = vec![lives, managed];
    people.checks = vec![
        CheckSchema::new("age", "`age` between 18 and 150"),
        CheckSchema::new("named", "`name` <> '' or `email` is not null"),
    ];
    people
}

#[tokio::test]
async fn everything_is_described() {
    let fresh = Fresh::new().await;
    for text in RICH {
        raw(&fresh.executor, text).await.unwrap();
    }
    assert_eq!(described(&fresh.executor, "people").await, expected());
    assert_eq!(fresh.executor.tables().await.unwrap(), ["people", "places"]);
    assert_eq!(described(&fresh.executor, "seen").await.comment, None, "a view has columns");
}

/// What is described can be made again: nothing is missing in the words.
#[tokio::test]
async fn a_description_makes_the_same_table_elsewhere() {
    let fresh = Fresh::new().await;
    for text in &RICH[..2] {
        raw(&fresh.executor, text).await.unwrap();
    }
    let people = described(&fresh.executor, "people").await;
    let places = described(&fresh.executor, "places").await;
    let elsewhere = Fresh::new().await;
    for table in [places, people.clone()] {
        made(&elsewhere.executor, &TableChange::create(table)).await;
    }
    assert_eq!(described(&elsewhere.executor, "people").await, people);
}
