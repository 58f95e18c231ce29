//! An executor of one's own: it wraps a driver, counts the statements that reach it, and logs the slow ones.
//!
//!     cargo run --example custom_executor

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use thing::driver::{
    Capabilities, ChangeFeed, Dialect, Executor, Key, PageStream, RowSink, Schema, Shape, Statement, Table,
    Transaction, Written, async_trait, sql,
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
    let watched = Watched::new(SqliteExecutor::memory().await?, Duration::from_millis(20));
    let book = watched.book.clone();
    let db = Db::builder(watched).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<User>().await?;

    let users = db.things::<User>();
    let mut alice = users.create(NewUser { name: "Alice".into() }).await?;
    users.by_id(alice.id).await?;
    users.by_id(alice.id).await?;
    alice.name = "Alice A.".into();
    alice.save(&db).await?;
    db.transaction(async |transaction| alice.delete(transaction).await).await?;

    // The cache is asked first: an executor sees what reaches the database.
    let numbers =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT count(*) FROM n";
    db.raw(numbers).row::<(i64,)>().await?;

    book.print();
    Ok(())
}

/// What was seen.
#[derive(Clone, Debug, Default)]
struct Book(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    /// How often each statement ran.
    counts: BTreeMap<String, u32>,
    slow: Vec<String>,
}

impl Book {
    fn note(&self, text: String, took: Duration, limit: Duration) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if took > limit {
            pages.slow.push(format!("slow: {} ms: {text}", took.as_millis()));
        }
        *pages.counts.entry(text).or_default() += 1;
    }

    fn print(&self) {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (text, count) in &pages.counts {
            println!("{count} x {text}");
        }
        pages.slow.iter().for_each(|line| println!("{line}"));
    }
}

/// Notes what it passes on. A wrapper forwards every method, those with a default too; the lint finds forgotten ones.
#[derive(Debug)]
struct Watched<E> {
    inner: E,
    book: Book,
    limit: Duration,
}

impl<E: Executor> Watched<E> {
    fn new(inner: E, limit: Duration) -> Self {
        Self { inner, book: Book::default(), limit }
    }

    async fn timed<T>(&self, shape: &Shape, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let result = work.await;
        let text = self.dialect().and_then(|dialect| sql::render(shape, dialect).ok()).map(|plan| plan.text);
        self.book.note(text.unwrap_or_default(), started.elapsed(), self.limit);
        result
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<E: Executor> Executor for Watched<E> {
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
        self.timed(statement.shape, self.inner.fetch(statement, rows)).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        self.timed(shape, self.inner.get_many(shape, keys, rows)).await
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        self.timed(statement.shape, self.inner.write(statement, rows)).await
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        match statements.first() {
            Some(first) => self.timed(first.shape, self.inner.write_atomic(statements)).await,
            None => self.inner.write_atomic(statements).await,
        }
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        // Statements of the transaction go to the inner one directly. To note them too, wrap it in the same way.
        self.timed(&Shape::raw("BEGIN"), self.inner.begin(options)).await
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        self.timed(statement.shape, self.inner.stream(statement)).await
    }

    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        self.inner.changes(tables).await
    }
}
