//! The conformance suite, with text that is not known to compare exactly, and with text that is.

#![allow(clippy::expect_used, reason = "tests report by panicking")]

use std::sync::{Arc, Mutex, PoisonError};

use thing_conformance::driver::Setup;
use thing_driver_api::{Executor, async_trait};
use thing_driver_mysql::{MysqlConfig, MysqlExecutor};
use thing_test_servers::MysqlDatabase;

mod by_default {
    use super::Databases;

    thing_conformance::driver_suite!(Databases::default(), without: [Returning, ExactText, OrderedText]);
}

mod with_exact_text {
    use super::Databases;

    thing_conformance::driver_suite!(Databases::with_exact_text(), without: [Returning]);
}

/// Databases that go away with the test.
#[derive(Default)]
struct Databases {
    exact_text: bool,
    made: Mutex<Vec<MysqlDatabase>>,
}

impl Databases {
    fn with_exact_text() -> Self {
        Self { exact_text: true, ..Self::default() }
    }
}

#[async_trait]
impl Setup for Databases {
    async fn executor(&self) -> Arc<dyn Executor> {
        let database = MysqlDatabase::create().await;
        let config = MysqlConfig::from_url(database.url()).expect("the address is one").exact_text(self.exact_text);
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(database);
        Arc::new(MysqlExecutor::connect(config).await.expect("the server lets us in"))
    }
}
