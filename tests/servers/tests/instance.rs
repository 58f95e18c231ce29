//! Private servers. They need the programs of the servers, which `tests/servers/servers install` installs.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use mysql_async::prelude::Queryable;
use thing_test_servers::Instance;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_postgres::NoTls;

const MOMENT: Duration = Duration::from_millis(300);

async fn postgres(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn postgres_keeps_what_was_committed_when_it_is_killed() {
    let mut instance = Instance::postgres().await;
    let url = instance.url().to_owned();
    let client = postgres(&url).await.unwrap();
    client.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await.unwrap();
    let sleeping = tokio::spawn(async move { client.batch_execute("SELECT pg_sleep(60)").await });
    tokio::time::sleep(MOMENT).await;

    instance.kill().await;
    sleeping.await.unwrap().unwrap_err();
    assert!(postgres(&url).await.is_err());

    instance.start().await;
    assert_eq!(instance.url(), url);
    let client = postgres(&url).await.unwrap();
    let count: i64 = client.query_one("SELECT count(*) FROM kept", &[]).await.unwrap().get(0);
    assert_eq!(count, 1);
}

#[tokio::test]
async fn postgres_stops_in_order_though_clients_are_connected() {
    let mut instance = Instance::postgres().await;
    let client = postgres(instance.url()).await.unwrap();
    instance.stop().await;
    client.batch_execute("SELECT 1").await.unwrap_err();
    let log = std::fs::read_to_string(instance.log()).unwrap();
    assert!(log.contains("database system is shut down"), "{log}");
    instance.start().await;
    postgres(instance.url()).await.unwrap().batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_paused_postgres_hangs_on_open_and_new_connections_until_it_resumes() {
    let instance = Instance::postgres().await;
    let client = postgres(instance.url()).await.unwrap();
    instance.pause();
    let mut query = Box::pin(client.query_one("SELECT 7", &[]));
    assert!(timeout(MOMENT, &mut query).await.is_err());
    assert!(timeout(MOMENT, postgres(instance.url())).await.is_err());
    instance.resume();
    let seven: i32 = query.await.unwrap().get(0);
    assert_eq!(seven, 7);
}

#[tokio::test]
async fn mariadb_keeps_what_was_committed_when_it_is_killed() {
    let mut instance = Instance::mariadb().await;
    let url = instance.url().to_owned();
    let mut connection = mysql_async::Conn::from_url(&url).await.unwrap();
    connection.query_drop("CREATE TABLE kept (id int)").await.unwrap();
    connection.query_drop("INSERT INTO kept VALUES (1)").await.unwrap();

    instance.kill().await;
    connection.query_drop("SELECT 1").await.unwrap_err();
    mysql_async::Conn::from_url(&url).await.unwrap_err();

    instance.start().await;
    let mut connection = mysql_async::Conn::from_url(&url).await.unwrap();
    let count: Option<i64> = connection.query_first("SELECT count(*) FROM kept").await.unwrap();
    assert_eq!(count, Some(1));
    instance.stop().await;
    instance.start().await;
}

#[tokio::test]
async fn redis_comes_back_empty_on_the_same_port() {
    let mut instance = Instance::redis().await;
    assert_eq!(command(&instance, "SET key value").await, "+OK\r\n");
    assert_eq!(command(&instance, "EXISTS key").await, ":1\r\n");

    instance.kill().await;
    TcpStream::connect(instance.address()).await.unwrap_err();

    instance.start().await;
    assert_eq!(command(&instance, "EXISTS key").await, ":0\r\n");
    instance.stop().await;
    TcpStream::connect(instance.address()).await.unwrap_err();
}

#[tokio::test]
async fn a_dropped_instance_leaves_no_server_and_no_files() {
    let instance = Instance::redis().await;
    let (address, log) = (instance.address(), instance.log());
    assert!(log.exists());
    drop(instance);
    TcpStream::connect(address).await.unwrap_err();
    assert!(!log.parent().unwrap().exists());
}

#[tokio::test]
async fn instances_run_side_by_side() {
    let (first, second, third) = tokio::join!(Instance::postgres(), Instance::postgres(), Instance::mariadb());
    assert_ne!(first.address(), second.address());
    assert_ne!(second.address(), third.address());
}

async fn command(instance: &Instance, command: &str) -> String {
    let mut stream = TcpStream::connect(instance.address()).await.unwrap();
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.strip_suffix("+OK\r\n").unwrap().to_owned()
}
