//! An executor of one's own: it wraps a driver and logs the statements that reach it.
//!
//!     cargo run --example custom_executor

use std::sync::{Arc, Mutex, PoisonError};

use thing::driver::{
    Capabilities, ChangeFeed, Dialect, Executor, Key, PageStream, RowSink, Schema, Shape, Statement, Transaction,
    Written, async_trait, sql,
};
use thing::{Db, Error, Model, Result, TransactionOptions};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct User {
    id: i64,
    name: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let log = Log::default();
    let executor = Logging { inner: SqliteExecutor::memory().await?, log: log.clone() };
    let db = Db::builder(executor).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<User>().await?;

    let users = db.things::<User>();
    let mut alice = users.create(NewUser { name: "Alice".into() }).await?;
    users.by_id(alice.id).await?;
    users.by_id(alice.id).await?;
    alice.name = "Alice A.".into();
    alice.save(&db).await?;
    db.transaction(async |transaction| alice.delete(transaction).await).await?;

    let lines = log.lines();
    lines.iter().for_each(|line| println!("{line}"));
    println!("\n{} calls; the second read by key is not among them", lines.len());
    Ok(())
}

/// The statements that were seen, in order.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, call: &str, shape: &Shape, dialect: Option<&dyn Dialect>) {
        let text = dialect.and_then(|dialect| sql::render(shape, dialect).ok()).map(|plan| plan.text);
        self.note(format!("{call:<9}{}", text.unwrap_or_default()));
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Logs what it passes on. A wrapper forwards every method, those with a default too; the lint finds forgotten ones.
#[derive(Debug)]
struct Logging<E> {
    inner: E,
    log: Log,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<E: Executor> Executor for Logging<E> {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn dialect(&self) -> Option<&dyn Dialect> {
        self.inner.dialect()
    }

    fn schema(&self) -> Option<&dyn Schema> {
        self.inner.schema()
    }

    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        self.log.add("fetch", statement.shape, self.dialect());
        self.inner.fetch(statement, rows).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        self.log.add("get_many", shape, self.dialect());
        self.inner.get_many(shape, keys, rows).await
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        self.log.add("write", statement.shape, self.dialect());
        self.inner.write(statement, rows).await
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        for statement in statements {
            self.log.add("write", statement.shape, self.dialect());
        }
        self.inner.write_atomic(statements).await
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        self.log.note("begin".into());
        // Statements of the transaction go to the inner one directly. To log them too, wrap it in the same way.
        self.inner.begin(options).await
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        self.log.add("stream", statement.shape, self.dialect());
        self.inner.stream(statement).await
    }

    async fn changes(&self) -> Result<Box<dyn ChangeFeed>> {
        self.inner.changes().await
    }
}
