//! A database in memory that yields around every statement and knows when each state was committed.
//!
//! Reads see what is committed. A writer holds the only write lock, from `begin` or for one statement; others wait.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use thing::driver::{
    Capabilities, Capability, Condition, Constraint, ConstraintKind, Error, ErrorKind, Executor, Flow, Key, Operation,
    Page, Result, RowSink, Shape, Slot, Statement, Table, Transaction, TransactionOptions, Value, Written,
};
use thing_conformance::evaluate::{evaluate, order};
use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

use crate::explorer::step;

pub(crate) type Rows = BTreeMap<Key, Vec<Value<'static>>>;

/// The executor; clones are the same database.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    capabilities: Capabilities,
    writer: Arc<Lock<()>>,
    clock: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Every committed state with the time of its commit, the last one being that of now.
    commits: Vec<(u64, Rows)>,
    generated: i64,
    statements: usize,
    /// The next write commits, and its answer is lost.
    lose_answer: bool,
    /// The next commit, of a write alone or of a transaction, certainly does not take place.
    refuse: bool,
}

impl Fake {
    pub(crate) fn new(returning: bool) -> Self {
        let mut capabilities = Capabilities::new(1000)
            .with(Capability::Transactions)
            .with(Capability::Savepoints)
            .with(Capability::GeneratedKeys)
            .with(Capability::ExactText)
            .with(Capability::OrderedText)
            .with(Capability::ExactNumbers);
        if returning {
            capabilities = capabilities.with(Capability::Returning);
        }
        let state = State { commits: vec![(0, Rows::new())], ..State::default() };
        Self {
            shared: Arc::new(Shared {
                capabilities,
                writer: Arc::default(),
                clock: AtomicU64::new(1),
                state: Mutex::new(state),
            }),
        }
    }

    /// A moment that is after all before.
    pub(crate) fn tick(&self) -> u64 {
        self.shared.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// The states that were committed at some moment from `begin` to `end`.
    pub(crate) fn states(&self, begin: u64, end: u64) -> Vec<Rows> {
        let state = self.state();
        let valid_until = |at: usize| state.commits.get(at + 1).map_or(u64::MAX, |next| next.0);
        let during = |(at, commit): &(usize, &(u64, Rows))| commit.0 <= end && valid_until(*at) > begin;
        state.commits.iter().enumerate().filter(during).map(|(_, commit)| commit.1.clone()).collect()
    }

    pub(crate) fn now(&self) -> Rows {
        self.state().commits.last().expect("there is a first state").1.clone()
    }

    pub(crate) fn commits(&self) -> usize {
        self.state().commits.len()
    }

    pub(crate) fn statements(&self) -> usize {
        self.state().statements
    }

    /// Puts in a row past everything.
    pub(crate) fn put(&self, id: i64, row: Vec<Value<'static>>) {
        let mut rows = self.now();
        rows.insert(Key::Int(id), row);
        self.commit(rows).expect("no fault is waiting");
    }

    /// Makes the next write or commit take place and its answer be lost.
    pub(crate) fn lose_answer(&self) {
        self.state().lose_answer = true;
    }

    /// Makes the next write alone or commit have no effect.
    pub(crate) fn refuse(&self) {
        self.state().refuse = true;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().expect("no panic in the fake")
    }

    fn commit(&self, rows: Rows) -> Result<()> {
        let time = self.tick();
        let mut state = self.state();
        if std::mem::take(&mut state.refuse) {
            return Err(Error::new(ErrorKind::Busy, "another writer is at work"));
        }
        state.commits.push((time, rows));
        if std::mem::take(&mut state.lose_answer) {
            let lost = ErrorKind::ConnectionLost { may_have_executed: true };
            return Err(Error::new(lost, "the answer is lost"));
        }
        Ok(())
    }

    async fn work(&self, rows: &mut Rows, statement: &Statement<'_>, sink: &mut dyn RowSink) -> Result<Written> {
        self.state().statements += 1;
        apply(rows, &mut self.state().generated, statement, sink)
    }
}

#[async_trait]
impl Executor for Fake {
    fn capabilities(&self) -> &Capabilities {
        &self.shared.capabilities
    }

    async fn fetch(&self, statement: &Statement<'_>, sink: &mut dyn RowSink) -> Result<()> {
        step().await;
        let rows = self.now();
        self.state().statements += 1;
        step().await;
        read(&rows, statement, sink)
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], sink: &mut dyn RowSink) -> Result<()> {
        step().await;
        let rows = self.now();
        self.state().statements += 1;
        step().await;
        get(&rows, table(shape), keys, sink)
    }

    async fn write(&self, statement: &Statement<'_>, sink: &mut dyn RowSink) -> Result<Written> {
        step().await;
        let written = {
            let _lock = self.shared.writer.clone().lock_owned().await;
            let mut rows = self.now();
            let written = self.work(&mut rows, statement, sink).await?;
            self.commit(rows).map(|()| written)
        };
        step().await;
        written
    }

    async fn begin(&self, _: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        step().await;
        let lock = self.shared.writer.clone().lock_owned().await;
        let transaction = FakeTransaction { fake: self.clone(), rows: self.now(), savepoints: Vec::new(), _lock: lock };
        step().await;
        Ok(Box::new(transaction))
    }
}

#[derive(Debug)]
struct FakeTransaction {
    fake: Fake,
    rows: Rows,
    savepoints: Vec<Rows>,
    _lock: OwnedMutexGuard<()>,
}

#[async_trait]
impl Transaction for FakeTransaction {
    async fn fetch(&mut self, statement: &Statement<'_>, sink: &mut dyn RowSink) -> Result<()> {
        step().await;
        read(&self.rows, statement, sink)
    }

    async fn get_many(&mut self, shape: &Arc<Shape>, keys: &[Key], sink: &mut dyn RowSink) -> Result<()> {
        step().await;
        get(&self.rows, table(shape), keys, sink)
    }

    async fn write(&mut self, statement: &Statement<'_>, sink: &mut dyn RowSink) -> Result<Written> {
        step().await;
        let written = self.fake.clone().work(&mut self.rows, statement, sink).await?;
        step().await;
        Ok(written)
    }

    async fn savepoint(&mut self, depth: u32) -> Result<()> {
        self.savepoints.truncate(depth as usize - 1);
        self.savepoints.push(self.rows.clone());
        Ok(())
    }

    async fn rollback_to(&mut self, depth: u32) -> Result<()> {
        step().await;
        self.savepoints.truncate(depth as usize);
        self.rows = self.savepoints.pop().ok_or_else(|| Error::backend("no such savepoint"))?;
        Ok(())
    }

    async fn release(&mut self, depth: u32) -> Result<()> {
        step().await;
        self.savepoints.truncate(depth as usize - 1);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        step().await;
        let committed = self.fake.commit(self.rows.clone());
        drop(self);
        step().await;
        committed
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        step().await;
        Ok(())
    }
}

fn table(shape: &Shape) -> &Table {
    shape.table().expect("the fake has no raw statements")
}

fn put(sink: &mut dyn RowSink, values: &[Value<'_>]) -> Result<Flow> {
    let mut page = Page::new(values.len());
    values.iter().for_each(|value| page.push(value));
    sink.row(&page.row(0).expect("one row"))
}

fn get(rows: &Rows, _: &Table, keys: &[Key], sink: &mut dyn RowSink) -> Result<()> {
    keys.iter().filter_map(|key| rows.get(key)).try_for_each(|row| put(sink, row).map(drop))
}

fn found<'a>(
    rows: &'a Rows,
    filter: &Condition,
    values: &[Value<'_>],
) -> impl Iterator<Item = (&'a Key, &'a Vec<Value<'static>>)> {
    rows.iter().filter(move |(_, row)| evaluate(filter, row, values) == Some(true))
}

fn read(rows: &Rows, statement: &Statement<'_>, sink: &mut dyn RowSink) -> Result<()> {
    let values = statement.values;
    let number = |slot: &Option<Slot>| match slot.map(|slot| &values[slot.0]) {
        Some(Value::I64(number)) => usize::try_from(*number).ok(),
        _ => None,
    };
    match statement.shape.operation() {
        Operation::Select { filter, order: terms, limit, offset, .. } => {
            let mut list: Vec<_> = found(rows, filter, values).map(|(_, row)| row).collect();
            list.sort_by(|a, b| order(terms, a, b));
            let window = list.into_iter().skip(number(offset).unwrap_or(0)).take(number(limit).unwrap_or(usize::MAX));
            for row in window {
                put(sink, row)?;
            }
        }
        Operation::Count { filter } => {
            let count = i64::try_from(found(rows, filter, values).count()).expect("few rows");
            put(sink, &[Value::I64(count)])?;
        }
        Operation::Exists { filter } => {
            put(sink, &[Value::I64(i64::from(found(rows, filter, values).next().is_some()))])?;
        }
        other => panic!("no read: {other:?}"),
    }
    Ok(())
}

fn apply(rows: &mut Rows, generated: &mut i64, statement: &Statement<'_>, sink: &mut dyn RowSink) -> Result<Written> {
    let table = table(statement.shape);
    let values = statement.values;
    match statement.shape.operation() {
        Operation::Insert { columns, .. } => {
            let mut row = vec![Value::Null; table.columns().len()];
            for (column, value) in columns.iter().zip(values) {
                row[*column] = value.clone().into_owned();
            }
            let mut written = Written::new(1);
            if !columns.contains(&table.key()[0]) {
                let last = rows.keys().map(|key| if let Key::Int(id) = key { *id } else { 0 }).max().unwrap_or(0);
                *generated = last.max(*generated) + 1;
                row[table.key()[0]] = Value::I64(*generated);
                written = written.generated(*generated);
            }
            let parts: Vec<_> = table.key().iter().map(|&column| row[column].clone()).collect();
            let key = Key::from_values(&parts).expect("keys are set");
            if rows.contains_key(&key) {
                let taken = Constraint::new(ConstraintKind::PrimaryKey);
                return Err(Error::new(ErrorKind::Constraint(taken), "the key is taken"));
            }
            rows.insert(key, row);
            Ok(written)
        }
        Operation::Update { columns, filter, returning } => {
            let keys: Vec<Key> = found(rows, filter, values).map(|(key, _)| key.clone()).collect();
            for key in &keys {
                let row = rows.get_mut(key).expect("found");
                for (column, value) in columns.iter().zip(values) {
                    row[*column] = value.clone().into_owned();
                }
                if !returning.is_empty() {
                    put(sink, row)?;
                }
            }
            Ok(Written::new(keys.len() as u64))
        }
        Operation::Delete { filter, returning } => {
            let keys: Vec<Key> = found(rows, filter, values).map(|(key, _)| key.clone()).collect();
            for key in &keys {
                let row = rows.remove(key).expect("found");
                if !returning.is_empty() {
                    put(sink, &row)?;
                }
            }
            Ok(Written::new(keys.len() as u64))
        }
        other => panic!("no write: {other:?}"),
    }
}
