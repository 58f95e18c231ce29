//! A schema written by hand, with everything in it, is described exactly.

use thing_conformance::schema::{column, described, generated, made, required, with_default};
use thing_driver_api::schema::{
    Action, CheckSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableChange, TableSchema,
};
use thing_driver_api::{ListItem, Schema, ValueType};

use crate::support::Place;

const RICH: &str = "\
    CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy'); \
    CREATE TABLE places (country char(2), city int, PRIMARY KEY (country, city)); \
    CREATE TABLE people ( \
      id bigint GENERATED ALWAYS AS IDENTITY, number serial NOT NULL, \
      name varchar(80) COLLATE \"C\" NOT NULL DEFAULT 'nobody', mood mood DEFAULT 'happy', \
      age int CONSTRAINT adult CHECK (age BETWEEN 18 AND 150), height numeric(5, 2) DEFAULT -1.50, \
      twice int GENERATED ALWAYS AS (age * 2) STORED, born timestamp(3) with time zone DEFAULT now(), \
      tags text[] NOT NULL DEFAULT '{}', data jsonb DEFAULT '{\"b\": [1, 2.0], \"a\": null}', nothing text DEFAULT NULL, \
      country char(2), city int, gone timestamptz, email text, manager bigint, \
      PRIMARY KEY (id), CONSTRAINT sole UNIQUE (email, name), CONSTRAINT numbered UNIQUE (number), \
      CONSTRAINT lives FOREIGN KEY (country, city) REFERENCES places ON DELETE SET NULL ON UPDATE CASCADE, \
      CONSTRAINT managed FOREIGN KEY (manager) REFERENCES people ON DELETE RESTRICT, \
      CONSTRAINT named CHECK (name <> '' OR email IS NOT NULL)); \
    CREATE INDEX by_name ON people (name DESC, lower(email), (age + 1)); \
    CREATE UNIQUE INDEX living ON people (email) WHERE gone IS NULL; \
    CREATE INDEX several ON people (age) WHERE age > 20 AND mood = 'happy'; \
    CREATE INDEX by_data ON people USING gin (data jsonb_path_ops); \
    CREATE INDEX patterns ON people (name text_pattern_ops, email COLLATE \"POSIX\" DESC) INCLUDE (age); \
    COMMENT ON TABLE people IS 'who is there'; COMMENT ON COLUMN people.age IS 'in years'; \
    COMMENT ON INDEX several IS 'of somebody'; CREATE VIEW seen AS SELECT * FROM people";

fn expected() -> TableSchema {
    use ValueType::{Decimal, I16, I32, I64, Json, Text, Timestamp};
    let mut people = TableSchema::new("people");
    people.comment = Some("who is there".into());
    let mut mood = with_default(column("mood", "mood", &[Text]), "'happy'");
    mood.allowed = ["sad", "it's ok", "happy"].map(str::to_owned).into();
    let mut age = column("age", "integer", &[I16, I32]);
    age.comment = Some("in years".into());
    people.columns = vec![
        generated(required(column("id", "bigint", &[I16, I32, I64])), Generated::Key),
        generated(required(column("number", "integer", &[I16, I32])), Generated::Key),
        with_default(required(column("name", "character varying(80) collate \"C\"", &[Text])), "'nobody'"),
        mood,
        age,
        with_default(column("height", "numeric(5,2)", &[]), "-1.5"),
        generated(column("twice", "integer", &[I16, I32]), Generated::Stored("age * 2".into())),
        with_default(column("born", "timestamp(3) with time zone", &[]), "now()"),
        with_default(required(column("tags", "text[]", &[ValueType::List(ListItem::Text)])), "'{}'"),
        with_default(column("data", "jsonb", &[Json]), "'{\"a\":null,\"b\":[1,2.0]}'"),
        column("nothing", "text", &[Text, Json]),
        column("country", "character(2)", &[]),
        column("city", "integer", &[I16, I32]),
        column("gone", "timestamp with time zone", &[Timestamp]),
        column("email", "text", &[Text, Json]),
        column("manager", "bigint", &[I16, I32, I64]),
    ];
    assert!(!people.columns.iter().any(|column| column.holds.contains(&Decimal)));
    people.key = vec!["id".into()];
    let descending = |mut part: IndexPart| {
        part.descending = true;
        part
    };
    let mut by_data = IndexSchema::new("by_data", vec![IndexPart::expression("data jsonb_path_ops")], false);
    by_data.method = Some("gin".into());
    let parts = vec![
        descending(IndexPart::column("name")),
        IndexPart::expression("lower(email)"),
        IndexPart::expression("(age + 1)"),
    ];
    let by_name = IndexSchema::new("by_name", parts, false);
    let mut living = IndexSchema::new("living", vec![IndexPart::column("email")], true);
    living.condition = Some("\"gone\" IS NULL".into());
    living.living = true;
    let mut numbered = IndexSchema::new("numbered", vec![IndexPart::column("number")], true);
    numbered.constraint = true;
    let parts = vec![
        IndexPart::expression("name text_pattern_ops"),
        descending(IndexPart::expression("email COLLATE \"POSIX\"")),
    ];
    let patterns = IndexSchema::new("patterns", parts, false);
    let mut sole = IndexSchema::new("sole", vec![IndexPart::column("email"), IndexPart::column("name")], true);
    sole.constraint = true;
    let mut several = IndexSchema::new("several", vec![IndexPart::column("age")], false);
    several.condition = Some("(age > 20) AND (mood = 'happy'::mood)".into());
    people.indexes = vec![by_data, by_name, living, numbered, patterns, several, sole];
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let mut lives = ForeignKeySchema::new("lives", names(&["country", "city"]), "places", names(&["country", "city"]));
    (lives.on_delete, lives.on_update) = (Action::SetNull, Action::Cascade);
    let mut managed = ForeignKeySchema::new("managed", names(&["manager"]), "people", names(&["id"]));
    managed.on_delete = Action::Restrict;
    people.foreign_keys = vec![lives, managed];
    people.checks = vec![
        CheckSchema::new("adult", "(age >= 18) AND (age <= 150)"),
        CheckSchema::new("named", "((name)::text <> ''::text) OR (email IS NOT NULL)"),
    ];
    people
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_described() {
    let place = Place::with(|config| config.setting("timezone", "Asia/Tokyo")).await;
    place.run(RICH).await;
    assert_eq!(described(&place.executor, "people").await, expected());
    assert_eq!(place.executor.tables().await.unwrap(), ["people", "places"]);
    assert!(place.executor.describe("seen").await.unwrap().is_some(), "a view has columns");
}

/// What is described can be made again: nothing is missing in the words.
#[tokio::test(flavor = "multi_thread")]
async fn a_description_makes_the_same_table_elsewhere() {
    let place = Place::new().await;
    place.run(RICH).await;
    let people = described(&place.executor, "people").await;
    let places = described(&place.executor, "places").await;
    let elsewhere = Place::new().await;
    elsewhere.run("CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy')").await;
    for table in [places, people.clone()] {
        made(&elsewhere.executor, &TableChange::create(table)).await;
    }
    assert_eq!(described(&elsewhere.executor, "people").await, people);
}
