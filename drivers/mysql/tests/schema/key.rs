//! A key that becomes another, beside a column that counts by itself.

use thing_conformance::schema::{alter, described};
use thing_driver_api::schema::{Change, IndexPart, IndexSchema, TableChange};
use thing_driver_api::{ErrorKind, Schema};

use crate::support::{Fresh, raw};

#[tokio::test]
async fn a_column_that_counts_needs_a_key_or_an_index() {
    let fresh = Fresh::new().await;
    let table = "CREATE TABLE people (id BIGINT AUTO_INCREMENT PRIMARY KEY, mail VARCHAR(80) NOT NULL)";
    raw(&fresh.executor, table).await.unwrap();
    let before = described(&fresh.executor, "people").await;
    let mut after = before.clone();
    after.key = vec!["mail".into()];
    let refused = fresh.executor.plan(&TableChange::alter(before, after, vec![Change::ChangeKey])).unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("column `id` counts by itself"), "{refused}");

    let changes = vec![Change::ChangeKey, Change::CreateIndex("number".into())];
    alter(&fresh.executor, "people", changes, |people| {
        people.key = vec!["mail".into()];
        people.indexes.push(IndexSchema::new("number", vec![IndexPart::column("id")], true));
    })
    .await;
}
