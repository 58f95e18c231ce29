//! Runs the web service on every database, twice at a time where the cache is shared, and talks to it as a browser would.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use thing_test_servers::{MysqlDatabase, PostgresSchema};

/// A running instance.
struct Service {
    process: Child,
    address: String,
}

impl Service {
    fn start(database: &str, cache: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_thing-example-web-service"))
            .env("DATABASE_URL", database)
            .env("CACHE_URL", cache)
            .env("LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let output = BufReader::new(process.stdout.take().expect("its output is ours"));
        let address = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("listening on http://")?.to_owned()))
            .expect("the service says where it listens");
        Self { process, address }
    }

    /// The status and the body of the answer.
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address).expect("the service listens");
        let request = format!(
            "{method} {path} HTTP/1.0\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer is text");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("the answer has a status");
        let (_, body) = answer.split_once("\r\n\r\n").expect("the answer has a body");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already, which its test has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What one instance writes the other one shows at once.
fn serves(one: &Service, other: &Service) {
    assert_eq!(one.get("/airports/ATL")["city"], "Atlanta");
    let hawaii = "/airports?state=HI&limit=3";
    for _ in 0..2 {
        assert_eq!(other.get(hawaii)["total"], 16);
        assert_eq!(other.get(hawaii)["airports"].as_array().map(Vec::len), Some(3));
        assert_eq!(other.get("/airports/ATL")["name"], "William B Hartsfield-Atlanta Intl");
    }
    let airport = json!({
        "iata": "THG", "name": "A Thing", "city": "Hilo", "state": "HI", "country": "USA", "latitude": 19.5, "longitude": -155.5,
    });
    assert_eq!(one.ask("POST", "/airports", Some(airport.clone())).0, 201);
    assert_eq!(other.get(hawaii)["total"], 17);
    assert_eq!(other.get(hawaii)["airports"][0]["name"], "A Thing");
    assert_eq!(other.ask("POST", "/airports", Some(airport)).0, 409, "the key exists");
    assert_eq!(other.ask("PATCH", "/airports/THG", Some(json!({ "name": "Zebra" }))).0, 200);
    assert_eq!(one.get("/airports/THG")["name"], "Zebra");
    assert_ne!(one.get(hawaii)["airports"][0]["name"], "Zebra");
    assert_eq!(one.ask("DELETE", "/airports/THG", None).0, 204);
    assert_eq!(other.ask("GET", "/airports/THG", None).0, 404);
    assert_eq!(other.get(hawaii)["total"], 16);
}

#[test]
fn on_sqlite_with_a_cache_in_memory() {
    let folder = tempfile::tempdir().expect("a folder is made");
    let service = Service::start(&format!("sqlite:{}", folder.path().join("airports.db").display()), "memory");
    serves(&service, &service);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_on_postgres_share_a_cache_in_redis() {
    let schema = PostgresSchema::create().await;
    two_instances(schema.url());
    schema.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_on_mysql_share_a_cache_in_redis() {
    let database = MysqlDatabase::create().await;
    two_instances(database.url());
    database.close().await;
}

fn two_instances(database: &str) {
    let cache = format!("{}?prefix={}", thing_test_servers::redis_url(), thing_test_servers::redis_prefix());
    let one = Service::start(database, &cache);
    let other = Service::start(database, &cache);
    serves(&one, &other);
}
