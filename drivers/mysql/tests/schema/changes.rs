//! Changes of what these servers have of their own: each is made, and described as it was to be.

use thing_conformance::schema::{
    alter, alter_in_vain, assert_no_way, column, commented, described, required, with_default,
};
use thing_driver_api::schema::{Change, ColumnSchema, Effect, IndexPart, IndexSchema};
use thing_driver_api::{Value, ValueType};

use crate::support::{Fresh, one, raw};

async fn people() -> Fresh {
    let fresh = Fresh::new().await;
    for text in [
        "CREATE TABLE places (id BIGINT PRIMARY KEY, name LONGTEXT)",
        "CREATE TABLE people (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) COLLATE utf8mb4_nopad_bin NOT NULL, \
           age INT, place BIGINT, gone DATETIME(6), born TIMESTAMP(6) NULL ON UPDATE CURRENT_TIMESTAMP(6) COMMENT 'at', \
           UNIQUE sole (name), INDEX by_age (age), CONSTRAINT lives FOREIGN KEY (place) REFERENCES places (id)) COMMENT 'who'",
        "INSERT INTO people (name, age) VALUES ('a', 1), ('b', NULL)",
    ] {
        raw(&fresh.executor, text).await.unwrap();
    }
    fresh
}

fn named(change: fn(String) -> Change, name: &str) -> Vec<Change> {
    vec![change(name.to_owned())]
}

#[tokio::test]
async fn a_uuid_of_the_server_becomes_its_bytes() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id UUID PRIMARY KEY)").await.unwrap();
    raw(&fresh.executor, "INSERT INTO t VALUES ('01020304-0506-4708-890a-0b0c0d0e0f10')").await.unwrap();
    alter(&fresh.executor, "t", named(Change::AlterColumn, "id"), |table| {
        table.columns[0].declared = "binary(16)".into();
        table.columns[0].holds = vec![ValueType::Uuid];
    })
    .await;
    let bytes = one(&fresh.executor, "SELECT HEX(id) FROM t").await;
    assert_eq!(bytes, Value::Text("0102030405064708890A0B0C0D0E0F10".into()));
}

#[tokio::test]
async fn columns_change_in_all_ways_and_lose_nothing_else() {
    let fresh = people().await;
    raw(&fresh.executor, "UPDATE people SET age = 5").await.unwrap();
    let steps = alter(&fresh.executor, "people", named(Change::AlterColumn, "age"), |people| {
        let age = column("age", "bigint", &[ValueType::I16, ValueType::I32, ValueType::I64]);
        people.columns[2] = commented(with_default(required(age), "3"), "in years");
    })
    .await;
    assert_eq!(steps.len(), 1);
    let what = "change table `people`: change column `age` from int to bigint, to NOT NULL, to the default 3";
    assert_eq!(steps[0].what, what);
    let may_fail = Effect::MayFail("a row has NULL in `age`".into());
    assert_eq!(steps[0].effects, [Effect::BlocksWrites, Effect::Rewrites, may_fail, Effect::NotTransactional]);
    let many = ["born", "name"].map(|name| Change::AlterColumn(name.into())).into();
    alter(&fresh.executor, "people", many, |people| {
        people.columns[5].nullable = false;
        people.columns[5].default = Some("current_timestamp(6) on update current_timestamp(6)".into());
        people.columns[1].declared = "longtext collate latin1_bin".into();
        people.columns[1].holds = vec![ValueType::Text, ValueType::Json];
        people.columns[1].declared = "varchar(100) collate latin1_bin".into();
    })
    .await;
    let back = alter(&fresh.executor, "people", named(Change::AlterColumn, "age"), |people| {
        people.columns[2] = commented(required(column("age", "smallint", &[ValueType::I16])), "in years");
    })
    .await;
    assert!(back[0].effects.contains(&Effect::MayFail("a value of `age` does not fit smallint".into())), "{back:?}");
}

#[tokio::test]
async fn a_shorter_text_type_fails_and_changes_nothing() {
    let fresh = people().await;
    alter_in_vain(&fresh.executor, "people", "name", |name| name.declared = "varchar(0)".into()).await;
}

#[tokio::test]
async fn what_has_no_way_is_refused() {
    let fresh = people().await;
    let people = described(&fresh.executor, "people").await;
    for (from, to) in [("longblob", "longtext"), ("date", "bigint"), ("int", "datetime(6)")] {
        assert_no_way(&fresh.executor, &people, 2, from, to);
    }
}

#[tokio::test]
async fn indexes_of_living_rows_come_and_go_with_their_column() {
    let fresh = people().await;
    let living = |name: &str, column: &str, condition: &str| {
        let mut index = IndexSchema::new(name, vec![IndexPart::column(column)], true);
        index.living = true;
        index.condition = Some(condition.into());
        index
    };
    let replace = vec![Change::DropIndex("sole".into()), Change::CreateIndex("sole".into())];
    alter(&fresh.executor, "people", replace, |people| people.indexes[1] = living("sole", "name", "`gone` IS NULL"))
        .await;
    alter(&fresh.executor, "people", named(Change::CreateIndex, "two"), |people| {
        people.indexes.push(living("two", "age", "`gone` IS NULL"));
    })
    .await;
    let renamed = vec![Change::RenameColumn { from: "gone".into(), to: "left at".into() }];
    alter(&fresh.executor, "people", renamed, |people| {
        people.columns[4].name = "left at".into();
        people.indexes[1] = living("sole", "name", "`left at` IS NULL");
        people.indexes[2] = living("two", "age", "`left at` IS NULL");
    })
    .await;
    alter(&fresh.executor, "people", named(Change::DropIndex, "sole"), |people| {
        people.indexes.remove(1);
    })
    .await;
    let other =
        vec![Change::AddColumn("away".into()), Change::DropIndex("two".into()), Change::CreateIndex("two".into())];
    alter(&fresh.executor, "people", other, |people| {
        let holds = vec![ValueType::Bool, ValueType::I16, ValueType::I32, ValueType::I64];
        let mut away = ColumnSchema::new("away", "tinyint(1)", holds);
        away.default = Some("0".into());
        people.columns.push(away);
        people.indexes[1] = living("two", "age", "NOT `away`");
    })
    .await;
    let gone = vec![Change::DropIndex("two".into()), Change::DropColumn("away".into())];
    alter(&fresh.executor, "people", gone, |people| {
        people.indexes.pop();
        people.columns.pop();
    })
    .await;
    let columns = "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND column_name = 'thing_living'";
    assert_eq!(one(&fresh.executor, columns).await, Value::I64(0));
}

#[tokio::test]
async fn a_foreign_key_stands_aside_while_its_column_gets_another_type() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE p (id INT PRIMARY KEY, other BIGINT UNIQUE)").await.unwrap();
    raw(&fresh.executor, "CREATE TABLE c (id INT PRIMARY KEY, p INT, CONSTRAINT r FOREIGN KEY (p) REFERENCES p (id))")
        .await
        .unwrap();
    let changes =
        vec![Change::DropForeignKey("r".into()), Change::AlterColumn("p".into()), Change::AddForeignKey("r".into())];
    alter(&fresh.executor, "c", changes, |c| {
        c.columns[1].declared = "bigint".into();
        c.columns[1].holds = vec![ValueType::I16, ValueType::I32, ValueType::I64];
        c.foreign_keys[0].references = vec!["other".into()];
    })
    .await;
    raw(&fresh.executor, "CREATE TABLE q (id VARCHAR(9) PRIMARY KEY) COLLATE utf8mb4_nopad_bin").await.unwrap();
    raw(&fresh.executor, "CREATE TABLE d (id INT PRIMARY KEY, q VARCHAR(9) COLLATE utf8mb4_nopad_bin, CONSTRAINT s FOREIGN KEY (q) REFERENCES q (id))")
        .await
        .unwrap();
    let steps =
        alter(&fresh.executor, "d", named(Change::AlterColumn, "q"), |d| d.columns[1].declared = "varchar(20)".into())
            .await;
    assert_eq!(steps.len(), 2);
}

#[tokio::test]
async fn checks_that_were_declared_with_a_column_are_kept_and_dropped() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id INT PRIMARY KEY, a INT CHECK (a > 0), j JSON)").await.unwrap();
    alter(&fresh.executor, "t", named(Change::AlterColumn, "a"), |t| t.columns[1].comment = Some("x".into())).await;
    alter(&fresh.executor, "t", named(Change::AlterColumn, "j"), |t| t.columns[2].comment = Some("x".into())).await;
    alter(&fresh.executor, "t", named(Change::DropCheck, "a"), |t| t.checks.clear()).await;
    raw(&fresh.executor, "ALTER TABLE t ADD COLUMN b INT CHECK (b > 0)").await.unwrap();
    alter(&fresh.executor, "t", named(Change::DropCheck, "b"), |t| t.checks.clear()).await;
}
