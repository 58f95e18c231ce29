//! What the tests share: the fixture of the kit, and a database that ends with the test.

#![allow(dead_code, unused_imports)] // Each test binary uses a part.

use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
pub(crate) use thing_conformance::users::{Rows, Users, by_id, one, poll_times, query, raw, raw_with, select};
use thing_driver_mysql::{MysqlConfig, MysqlExecutor};
use thing_test_servers::MysqlDatabase;

/// A database of its own, and an executor on it.
pub(crate) struct Fresh {
    pub(crate) executor: MysqlExecutor,
    pub(crate) database: MysqlDatabase,
}

impl Fresh {
    pub(crate) async fn new() -> Self {
        Self::with(|config| config).await
    }

    pub(crate) async fn with(configure: impl FnOnce(MysqlConfig) -> MysqlConfig) -> Self {
        let database = MysqlDatabase::create().await;
        let executor = MysqlExecutor::connect(configure(config(database.url()))).await.unwrap();
        Self { executor, database }
    }

    /// A connection beside the driver.
    pub(crate) async fn other(&self) -> Conn {
        Conn::from_url(self.database.url()).await.unwrap()
    }

    /// Fails unless the transactions of all connections to this database end within some seconds.
    ///
    /// InnoDB keeps what it says of transactions until nobody has asked for 0.1 s, and tests at the same time ask too.
    pub(crate) async fn assert_no_transaction(&self) {
        let mut open = 0;
        for _ in 0..60 {
            open = self.open_transactions().await;
            if open == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("{open} connections are in a transaction");
    }

    async fn open_transactions(&self) -> u64 {
        let mut other = self.other().await;
        let name = self.database.name();
        let text = format!(
            "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
             ON p.id = t.trx_mysql_thread_id WHERE p.db = '{name}' AND p.id <> CONNECTION_ID()"
        );
        other.query_first(text).await.unwrap().unwrap()
    }
}

/// A machine that runs many tests at once may be slow to connect.
pub(crate) fn config(url: &str) -> MysqlConfig {
    let patience = Duration::from_secs(60);
    MysqlConfig::from_url(url).unwrap().connect_timeout(patience).pool_timeout(patience)
}
