//! The client of tokio-postgres itself.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Place, query};
use thing_driver_api::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_works_beside_the_pool() {
    let place = Place::new().await;
    let mut client = place.executor.client().await.unwrap();
    client.batch_execute("CREATE TABLE notes (id bigint, body text)").await.unwrap();
    let transaction = client.transaction().await.unwrap();
    transaction.execute("INSERT INTO notes VALUES ($1, $2)", &[&1_i64, &"kept"]).await.unwrap();
    transaction.commit().await.unwrap();
    client.batch_execute("BEGIN; INSERT INTO notes VALUES (2, 'left open'); SET search_path = nowhere").await.unwrap();
    drop(client);
    let rows = query(&place.executor, "SELECT body FROM notes", &[]).await.unwrap().rows;
    assert_eq!(rows, [[Value::Text("kept".into())]], "what was left open is gone, and so is what was set");
}
