//! Debts: what a write owes to a cache that could not be told of it.
//!
//! ```text
//! write    quarantine fails ─▶ debt row, in the same transaction ─▶ COMMIT
//! any process, now and then    SELECT … SKIP LOCKED ─▶ void ─▶ DELETE ─▶ COMMIT
//! ```
//!
//! The row is deleted only after the tags are void, in the transaction that locked it: whoever dies in between leaves it
//! to others. Rows are taken by their presence and never by "greater than the last": keys are not committed in their
//! order.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use thing_driver_api::{
    Condition, Error, Lock, NoRows, Operand, Operation, Order, Result, RowSink, Shape, Slot, Statement, Tag,
    Transaction as DriverTransaction, TransactionOptions, Value,
};
use tokio::sync::Notify;

use crate::cache::Cache;
use crate::db::Inner;
use crate::{Db, Model};

/// What becomes of a write when the cache can't be told of it before its commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheOutage {
    /// It is refused with [`ErrorKind::Cache`](crate::ErrorKind::Cache): nothing that is cached is ever wrong.
    #[default]
    Refuse,
    /// It is carried out, and leaves a row in the table `thing_debts` in the same transaction, which
    /// [`Db::sync`](crate::Db::sync) creates. Every process looks there once in
    /// [`DbBuilder::debt_interval`](crate::DbBuilder::debt_interval) and tells the cache what it missed. Until then who
    /// reaches the cache may be answered as if the write had not been, the writer too.
    Debt,
}

/// A row of the table of debts.
#[derive(Clone, Debug, Model)]
#[thing(crate = "crate", table = "thing_debts", no_new)]
pub(crate) struct Debt {
    id: i64,
    /// The tags to void, those of tables, eight bytes each, little-endian.
    tags: Vec<u8>,
    /// When it was made, in microseconds since 1970, by the writer's clock.
    made: i64,
}

/// How a `Db` deals with debts.
pub(crate) struct Debts {
    pub(crate) outage: CacheOutage,
    interval: Duration,
    /// Wakes who pays.
    made: Arc<Notify>,
    paying: AtomicBool,
}

/// How many are paid in one transaction.
const AT_ONCE: i64 = 100;

impl Debts {
    pub(crate) fn new(outage: CacheOutage, interval: Duration) -> Self {
        Self { outage, interval, made: Arc::default(), paying: AtomicBool::new(false) }
    }

    pub(crate) fn are_allowed(&self) -> bool {
        self.outage == CacheOutage::Debt
    }

    /// Starts to pay what any process owes, until the `Db` is gone. Outside of a Tokio runtime it is left to the next
    /// call.
    pub(crate) fn pay(&self, db: &Db) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.paying.swap(true, Ordering::Relaxed) {
            let paying = Paying(Arc::downgrade(db.inner()));
            runtime.spawn(pay(paying, self.made.clone(), self.interval));
        }
    }
}

/// Has a debt that was just made paid soon.
pub(crate) fn remind(db: &Db) {
    db.counters().debt();
    if let Some(debts) = db.debts() {
        debts.pay(db);
        debts.made.notify_one();
    }
}

/// Says why a debt could not be made.
pub(crate) fn refused(error: Error) -> Error {
    error.context(
        "the cache could not be told of the write, nor could the write leave a debt (`Db::sync` creates the table)",
    )
}

impl fmt::Debug for Debts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debts").field("outage", &self.outage).field("interval", &self.interval).finish_non_exhaustive()
    }
}

/// The statement that makes a debt, and its values.
#[derive(Debug)]
pub(crate) struct NewDebt {
    shape: Arc<Shape>,
    values: [Value<'static>; 2],
}

impl NewDebt {
    pub(crate) fn of(db: &Db, tags: &[Tag]) -> Self {
        let operation = Operation::Insert { columns: vec![TAGS, MADE], returning: Vec::new() };
        let bytes: Vec<u8> = tags.iter().flat_map(|tag| tag.0.to_le_bytes()).collect();
        Self { shape: db.shape(Debt::table(), &operation), values: [Value::Bytes(bytes.into()), Value::I64(db.now())] }
    }

    pub(crate) fn statement(&self) -> Statement<'_> {
        Statement::new(&self.shape, &self.values)
    }
}

const ID: usize = 0;
const TAGS: usize = 1;
const MADE: usize = 2;

/// The task that pays. When its runtime ends, another one starts it.
struct Paying(Weak<Inner>);

impl Drop for Paying {
    fn drop(&mut self) {
        if let Some(db) = self.0.upgrade().map(Db::of)
            && let Some(debts) = db.debts()
        {
            debts.paying.store(false, Ordering::Relaxed);
        }
    }
}

async fn pay(paying: Paying, made: Arc<Notify>, interval: Duration) {
    loop {
        let _ = tokio::time::timeout(interval, made.notified()).await;
        let Some(db) = paying.0.upgrade().map(Db::of) else { return };
        // What fails is tried again: the database or the cache is away.
        while let Ok(AT_ONCE..) = pay_some(&db).await {}
    }
}

/// Pays some debts, and tells how many.
pub(crate) async fn pay_some(db: &Db) -> Result<i64> {
    let Some(cache) = db.cache() else { return Ok(0) };
    let mut transaction = db.executor().begin(&TransactionOptions::default()).await?;
    let paid = pay_in(db, cache, &mut *transaction).await;
    match paid {
        Ok(paid) if paid > 0 => {
            transaction.commit().await?;
            db.counters().debts_paid(paid);
        }
        _ => transaction.rollback().await?,
    }
    paid
}

async fn pay_in(db: &Db, cache: &Cache, transaction: &mut dyn DriverTransaction) -> Result<i64> {
    let select = Operation::Select {
        columns: vec![ID, TAGS],
        filter: Condition::Constant(true),
        order: vec![Order { column: ID, descending: false }],
        limit: Some(Slot(0)),
        offset: None,
        lock: Some(Lock::Skip),
    };
    let mut found = Found::default();
    let shape = db.shape(Debt::table(), &select);
    transaction.fetch(&Statement::new(&shape, &[Value::I64(AT_ONCE)]), &mut found).await?;
    if found.ids.is_empty() {
        return Ok(0);
    }
    found.tags.sort_unstable();
    found.tags.dedup();
    cache.client().void(&found.tags).await?;
    let same = Condition::Compare {
        column: ID,
        operator: thing_driver_api::Comparison::Equal,
        operand: Operand::Slot(Slot(0)),
    };
    let shape = db.shape(Debt::table(), &Operation::Delete { filter: same, returning: Vec::new() });
    for id in &found.ids {
        transaction.write(&Statement::new(&shape, &[Value::I64(*id)]), &mut NoRows).await?;
    }
    Ok(found.ids.len() as i64)
}

#[derive(Default)]
struct Found {
    ids: Vec<i64>,
    tags: Vec<Tag>,
}

impl RowSink for Found {
    fn row(&mut self, row: &dyn thing_driver_api::Row) -> Result<thing_driver_api::Flow> {
        self.ids.push(row.i64(0)?);
        let bytes = row.bytes(1)?;
        let (tags, _) = bytes.as_chunks();
        self.tags.extend(tags.iter().map(|tag| Tag(u64::from_le_bytes(*tag))));
        Ok(thing_driver_api::Flow::Continue)
    }

    fn restart(&mut self) {
        *self = Self::default();
    }
}
