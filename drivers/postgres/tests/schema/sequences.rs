//! Sequences: columns that count by one, whoever owns it.

use thing_conformance::schema::alter;
use thing_driver_api::schema::Change;
use thing_driver_api::{Value, ValueType};

use crate::support::{Place, query, raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_counts_by_the_sequence_of_nobody_is_widened() {
    let place = Place::new().await;
    place.run("CREATE SEQUENCE numbers START 5; CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval('numbers'))").await;
    alter(&place.executor, "t", vec![Change::AlterColumn("id".into())], |table| {
        table.columns[0].declared = "bigint".into();
        table.columns[0].holds = vec![ValueType::I16, ValueType::I32, ValueType::I64];
    })
    .await;
    raw(&place.executor, "INSERT INTO t DEFAULT VALUES").await.unwrap();
    assert_eq!(query(&place.executor, "SELECT id FROM t", &[]).await.unwrap().rows, [[Value::I64(5)]]);
}
