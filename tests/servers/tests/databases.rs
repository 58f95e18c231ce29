//! Fresh schemas, databases and prefixes. They need the servers: `tests/run`.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use mysql_async::prelude::Queryable;
use thing_test_servers::{
    MysqlDatabase, PostgresDatabase, PostgresSchema, certificate_authority, mysql_url, postgres_url, redis_prefix,
    redis_tls_url, redis_url,
};
use tokio_postgres::NoTls;

async fn postgres(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn has_schema(name: &str) -> bool {
    let client = postgres(&postgres_url()).await;
    !client.query("SELECT FROM pg_namespace WHERE nspname = $1", &[&name]).await.unwrap().is_empty()
}

async fn has_database(name: &str) -> bool {
    let mut connection = mysql_async::Conn::from_url(mysql_url()).await.unwrap();
    let found: Option<String> = connection.query_first(format!("SHOW DATABASES LIKE '{name}'")).await.unwrap();
    connection.disconnect().await.unwrap();
    found.is_some()
}

#[test]
fn the_variables_hold_urls_and_a_file() {
    assert!(postgres_url().starts_with("postgres"));
    assert!(mysql_url().starts_with("mysql://"));
    assert!(redis_url().starts_with("redis://"));
    assert!(redis_tls_url().starts_with("rediss://"));
    assert!(certificate_authority().is_file());
}

#[tokio::test]
async fn schemas_are_isolated_and_dropped_when_closed() {
    let (first, second) = (PostgresSchema::create().await, PostgresSchema::create().await);
    let client = postgres(first.url()).await;
    client.batch_execute("CREATE TABLE user_account (id int); INSERT INTO user_account VALUES (1)").await.unwrap();
    let other = postgres(second.url()).await;
    other.batch_execute("SELECT * FROM user_account").await.unwrap_err();
    let schema: String = client.query_one("SELECT current_schema()", &[]).await.unwrap().get(0);
    assert_eq!(schema, first.name());

    let names = [first.name().to_owned(), second.name().to_owned()];
    first.close().await;
    drop(second);
    for name in names {
        assert!(!has_schema(&name).await, "{name}");
    }
}

#[tokio::test]
async fn a_postgres_database_is_dropped_though_clients_are_connected() {
    let database = PostgresDatabase::create().await;
    let name = database.name().to_owned();
    let client = postgres(database.url()).await;
    let current: String = client.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    assert_eq!(current, name);
    database.close().await;
    client.batch_execute("SELECT 1").await.unwrap_err();
    let administrator = postgres(&postgres_url()).await;
    assert!(administrator.query("SELECT FROM pg_database WHERE datname = $1", &[&name]).await.unwrap().is_empty());
}

#[tokio::test]
async fn mysql_databases_are_isolated_and_dropped_with_their_value() {
    let (first, second) = (MysqlDatabase::create().await, MysqlDatabase::create().await);
    let mut connection = mysql_async::Conn::from_url(first.url()).await.unwrap();
    connection.query_drop("CREATE TABLE user_account (id int)").await.unwrap();
    let mut other = mysql_async::Conn::from_url(second.url()).await.unwrap();
    other.query_drop("SELECT * FROM user_account").await.unwrap_err();

    let names = [first.name().to_owned(), second.name().to_owned()];
    first.close().await;
    drop(second);
    for name in names {
        assert!(!has_database(&name).await, "{name}");
    }
}

#[test]
fn prefixes_differ() {
    assert_ne!(redis_prefix(), redis_prefix());
    assert!(redis_prefix().starts_with("thing-test:"));
}
