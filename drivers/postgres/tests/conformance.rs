//! The conformance suite, on a schema of its own for each case.

#![allow(clippy::expect_used, reason = "tests report by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use thing_conformance::driver::Setup;
use thing_driver_api::{Executor, async_trait};
use thing_driver_postgres::{ChangeSource, PostgresConfig, PostgresExecutor};
use thing_test_servers::{PostgresDatabase, PostgresSchema};

mod as_it_comes {
    use super::Schemas;

    thing_conformance::driver_suite!(Schemas::new(|config| config), without: [OrderedText]);
}

mod without_shared_connections {
    use super::Schemas;

    thing_conformance::driver_suite!(Schemas::new(|config| config
        .bytewise_text(true)
        .setting("timezone", "America/New_York")
        .reader_connections(0)
        .max_connections(4)
        .statement_cache(4)));
}

/// The cases about changes, with a replication slot.
mod from_the_log {
    use std::sync::Arc;

    use thing_conformance::driver::{CASES, Outcome};
    use thing_conformance::users::raw;
    use thing_driver_api::{Executor, async_trait};

    use super::{PostgresDatabase, Setup, config, connect, from_slot};

    /// A database of its own for each executor: a slot reads one.
    #[derive(Default)]
    struct Databases {
        open: super::Mutex<Vec<(Arc<dyn Executor>, PostgresDatabase)>>,
    }

    #[async_trait]
    impl Setup for Databases {
        async fn executor(&self) -> Arc<dyn Executor> {
            let database = PostgresDatabase::create().await;
            let executor = connect(from_slot(config(database.url()), database.name())).await;
            self.open.lock().expect("no test panics here").push((executor.clone(), database));
            executor
        }

        async fn outsider(&self, executor: &Arc<dyn Executor>) -> Option<Arc<dyn Executor>> {
            let url = {
                let open = self.open.lock().expect("no test panics here");
                open.iter()
                    .find(|(other, _)| Arc::ptr_eq(other, executor))
                    .map(|(_, database)| database.url().to_owned())?
            };
            Some(connect(config(&url)).await)
        }

        async fn clean_up(&self, executor: Arc<dyn Executor>) {
            // A database with a slot can't be dropped.
            let slot = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots \
                        WHERE database = current_database()";
            raw(&*executor, slot).await.expect("the slot is dropped");
            let mut open = self.open.lock().expect("no test panics here");
            open.retain(|(other, _)| !Arc::ptr_eq(other, &executor));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn changes() {
        let databases = Databases::default();
        for case in CASES.iter().filter(|case| case.name.starts_with("changes::")) {
            println!("{}", case.name);
            assert_eq!(case.run(&databases).await, Outcome::Passed, "{}", case.name);
        }
    }
}

/// Schemas that go away with the test, each with the executor on it.
struct Schemas {
    configure: fn(PostgresConfig) -> PostgresConfig,
    open: Mutex<Vec<(Arc<dyn Executor>, PostgresSchema)>>,
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
        let executor = connect((self.configure)(config(schema.url()))).await;
        self.open.lock().expect("no test panics here").push((executor.clone(), schema));
        executor
    }

    async fn outsider(&self, executor: &Arc<dyn Executor>) -> Option<Arc<dyn Executor>> {
        let url = {
            let open = self.open.lock().expect("no test panics here");
            open.iter().find(|(other, _)| Arc::ptr_eq(other, executor)).map(|(_, schema)| schema.url().to_owned())?
        };
        Some(connect((self.configure)(config(&url)).recorded(true)).await)
    }

    async fn clean_up(&self, executor: Arc<dyn Executor>) {
        let mut open = self.open.lock().expect("no test panics here");
        open.retain(|(other, _)| !Arc::ptr_eq(other, &executor));
    }
}

fn config(url: &str) -> PostgresConfig {
    // A machine that runs many tests at once may be slow to connect.
    let patience = Duration::from_secs(60);
    let config = PostgresConfig::from_url(url).expect("the URL of the test server");
    // Changes come at once.
    config.connect_timeout(patience).pool_timeout(patience).changes_interval(Duration::from_millis(5))
}

async fn connect(config: PostgresConfig) -> Arc<dyn Executor> {
    Arc::new(PostgresExecutor::connect(config).await.expect("a connection to the test server"))
}

fn from_slot(config: PostgresConfig, name: &str) -> PostgresConfig {
    config.changes_from(ChangeSource::LogicalSlot { name: name.to_owned() })
}
