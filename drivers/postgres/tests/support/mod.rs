//! What the tests share: the fixture of the kit, and a schema that ends with the test.

#![allow(dead_code, unused_imports)] // Each test binary uses a part.

use std::time::Duration;

pub(crate) use thing_conformance::users::{Rows, Users, poll_times, query, query_as, raw, raw_with, select, users};
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};
use thing_test_servers::PostgresSchema;

/// A schema with an executor on it.
pub(crate) struct Place {
    pub(crate) schema: PostgresSchema,
    pub(crate) executor: PostgresExecutor,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(|config| config).await
    }

    pub(crate) async fn with(configure: impl FnOnce(PostgresConfig) -> PostgresConfig) -> Self {
        let schema = PostgresSchema::create().await;
        let config = configure(patient(PostgresConfig::from_url(schema.url()).unwrap()));
        Self { executor: PostgresExecutor::connect(config).await.unwrap(), schema }
    }

    /// A connection beside the driver.
    pub(crate) async fn other(&self) -> tokio_postgres::Client {
        other(self.schema.url()).await
    }

    pub(crate) async fn run(&self, text: &str) {
        self.other().await.batch_execute(text).await.unwrap();
    }
}

/// The key of an advisory lock that no other test uses.
pub(crate) fn key(place: &Place) -> i64 {
    place.schema.name().bytes().fold(0, |key: i64, byte| key.wrapping_mul(31).wrapping_add(byte.into()))
}

/// A machine that runs many tests at once may be slow to connect.
pub(crate) fn patient(config: PostgresConfig) -> PostgresConfig {
    config.connect_timeout(Duration::from_secs(60)).pool_timeout(Duration::from_secs(60))
}

pub(crate) async fn other(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
