//! The conformance suite, on a schema of its own for each case.

#![allow(clippy::expect_used, reason = "tests report by panicking")]

use std::sync::{Arc, Mutex};

use thing_conformance::driver::Setup;
use thing_driver_api::{Executor, async_trait};
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};
use thing_test_servers::PostgresSchema;

mod as_it_comes {
    use super::Schemas;

    thing_conformance::driver_suite!(Schemas::new(|config| config), without: [OrderedText]);
}

mod without_shared_connections {
    use super::Schemas;

    thing_conformance::driver_suite!(Schemas::new(|config| config
        .bytewise_text(true)
        .reader_connections(0)
        .max_connections(4)
        .statement_cache(4)));
}

/// Schemas that go away with the test.
struct Schemas {
    configure: fn(PostgresConfig) -> PostgresConfig,
    open: Mutex<Vec<PostgresSchema>>,
}

impl Schemas {
    fn new(configure: fn(PostgresConfig) -> PostgresConfig) -> Self {
        Self { configure, open: Mutex::default() }
    }
}

#[async_trait]
impl Setup for Schemas {
    async fn executor(&self) -> Arc<dyn Executor> {
        let schema = PostgresSchema::create().await;
        let config = PostgresConfig::from_url(schema.url()).expect("the URL of the test server");
        self.open.lock().expect("no test panics here").push(schema);
        Arc::new(PostgresExecutor::connect((self.configure)(config)).await.expect("a connection to the test server"))
    }
}
