//! Foreign keys, and the indexes that the server makes for them.

use thing_conformance::schema::created;
use thing_driver_api::{Column, ForeignKey, Table, ValueType};

use crate::support::{Fresh, raw};

#[tokio::test]
async fn an_index_may_have_the_name_of_its_foreign_key() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE parents (id BIGINT PRIMARY KEY)").await.unwrap();
    let table = Table::builder("t")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("parent", ValueType::I64))
        .key([0])
        .index(Some("parent"), [1], false)
        .foreign_key(ForeignKey::new("parent", vec![1], "parents", vec!["id".into()]));
    created(&fresh.executor, table).await;
}
