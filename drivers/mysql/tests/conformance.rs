//! The conformance suite, with text that is not known to compare exactly, and with text that is.

#![allow(clippy::expect_used, reason = "tests report by panicking")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thing_conformance::driver::{CASES, Outcome, Setup};
use thing_driver_api::{Executor, async_trait};
use thing_driver_mysql::{ChangeSource, MysqlConfig, MysqlExecutor};
use thing_test_servers::MysqlDatabase;

mod by_default {
    use super::Databases;

    thing_conformance::driver_suite!(Databases::default(), without: [Returning, ExactText, OrderedText, UpsertsByKey]);
}

mod with_exact_text {
    use super::Databases;

    thing_conformance::driver_suite!(Databases::with_exact_text(), without: [Returning, UpsertsByKey]);
}

/// The cases about changes, with the binary log.
#[tokio::test(flavor = "multi_thread")]
async fn changes_from_the_log() {
    let databases = Databases { from_log: true, ..Databases::default() };
    for case in CASES.iter().filter(|case| case.name.starts_with("changes::")) {
        println!("{}", case.name);
        assert_eq!(case.run(&databases).await, Outcome::Passed, "{}", case.name);
    }
}

/// Databases that go away with the test, each with the executor on it.
#[derive(Default)]
struct Databases {
    exact_text: bool,
    from_log: bool,
    made: Mutex<Vec<(Arc<dyn Executor>, MysqlDatabase)>>,
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
        let executor = connect(self.config(database.url())).await;
        self.made().push((executor.clone(), database));
        executor
    }

    async fn outsider(&self, executor: &Arc<dyn Executor>) -> Option<Arc<dyn Executor>> {
        let url = {
            let made = self.made();
            made.iter()
                .find(|(other, _)| Arc::ptr_eq(other, executor))
                .map(|(_, database)| database.url().to_owned())?
        };
        Some(connect(self.config(&url).recorded(true)).await)
    }

    async fn clean_up(&self, executor: Arc<dyn Executor>) {
        self.made().retain(|(other, _)| !Arc::ptr_eq(other, &executor));
    }
}

impl Databases {
    fn made(&self) -> MutexGuard<'_, Vec<(Arc<dyn Executor>, MysqlDatabase)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config(&self, url: &str) -> MysqlConfig {
        // A machine that runs many tests at once may be slow to connect.
        let patience = Duration::from_secs(60);
        let config = MysqlConfig::from_url(url).expect("the address is one");
        let config = config.connect_timeout(patience).pool_timeout(patience).exact_text(self.exact_text);
        let source = if self.from_log { ChangeSource::Binlog } else { ChangeSource::Triggers };
        // Changes come at once.
        config.changes_from(source).changes_interval(Duration::from_millis(5))
    }
}

async fn connect(config: MysqlConfig) -> Arc<dyn Executor> {
    Arc::new(MysqlExecutor::connect(config).await.expect("the server lets us in"))
}
