//! The database that a case works on.

use std::sync::{Arc, Mutex, PoisonError};

use thing_driver_api::{Capability, Column, Executor, Table, TableBuilder, Value, ValueType};

use super::samples::plain_types;
use super::statements::write_all;
use super::{CASES, Case, Setup};

/// A fresh database for one case, with names for tables that no other case uses.
pub struct Database<'a> {
    executor: Arc<dyn Executor>,
    setup: &'a dyn Setup,
    prefix: String,
    others: Mutex<Vec<Arc<dyn Executor>>>,
}

impl<'a> Database<'a> {
    pub(super) async fn open(case: &Case, setup: &'a dyn Setup) -> Self {
        let number = CASES.iter().position(|c| c.name == case.name).unwrap_or(CASES.len());
        Self { executor: setup.executor().await, setup, prefix: format!("case{number:03}"), others: Mutex::default() }
    }

    /// The executor under test.
    pub fn executor(&self) -> &Arc<dyn Executor> {
        &self.executor
    }

    /// A second executor, on an empty database of its own.
    pub async fn another(&self) -> Arc<dyn Executor> {
        let executor = self.setup.executor().await;
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(executor.clone());
        executor
    }

    /// A second executor on the same database, whose writes the feed of changes reports.
    pub async fn outsider(&self) -> Arc<dyn Executor> {
        let outsider = self.setup.outsider(&self.executor).await;
        let executor = outsider.expect("a driver that states `ChangeFeed` has an outsider: see `Setup::outsider`");
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(executor.clone());
        executor
    }

    /// Whether the driver states the capability.
    pub fn can(&self, capability: Capability) -> bool {
        self.executor.capabilities().has(capability)
    }

    pub(super) fn lacking(&self, needs: &[Capability]) -> Vec<Capability> {
        let mut lacking = Vec::new();
        for &capability in needs {
            if !self.can(capability) && !lacking.contains(&capability) {
                lacking.push(capability);
            }
        }
        lacking
    }

    /// A table name for this case.
    pub fn name(&self, suffix: &str) -> String {
        format!("{}_{suffix}", self.prefix)
    }

    /// Starts a table for this case.
    pub fn table(&self, suffix: &str) -> TableBuilder {
        Table::builder(self.name(suffix))
    }

    /// Makes the table.
    pub async fn create(&self, table: TableBuilder) -> Arc<Table> {
        self.create_on(&*self.executor, table).await
    }

    /// Makes the table on another executor.
    pub async fn create_on(&self, executor: &dyn Executor, table: TableBuilder) -> Arc<Table> {
        let table = Arc::new(table.build().expect("the kit's tables are valid"));
        self.setup.create_table(executor, &table).await;
        table
    }

    /// Makes a table `id` (the key, given by the application), `name` (text) and `amount` (an integer or NULL).
    pub async fn items(&self) -> Arc<Table> {
        self.create(items(self.table("items"))).await
    }

    /// [`Database::items`] with rows 1 to `count`: name `item <id>`, amount ten times the id.
    pub async fn filled_items(&self, count: i64) -> Arc<Table> {
        let table = self.items().await;
        let rows: Vec<_> = (1..=count).map(item).collect();
        write_all(&*self.executor, &table, &rows).await;
        table
    }

    /// Makes a table `id` (a key that the database makes) and `name` (text or NULL).
    pub async fn numbered(&self) -> Arc<Table> {
        let table = self
            .table("numbered")
            .column(Column::new("id", ValueType::I64))
            .column(Column::new("name", ValueType::Text).nullable(true))
            .key([0])
            .generated_key(true);
        self.create(table).await
    }

    /// Makes a table `id` (the key) and a column that may hold NULL for each of [`plain_types`], in their order.
    pub(super) async fn of_every_type(&self) -> Arc<Table> {
        let mut table = self.table("rows").column(Column::new("id", ValueType::I64)).key([0]);
        for (n, value_type) in plain_types().enumerate() {
            table = table.column(Column::new(format!("c{n}"), value_type).nullable(true));
        }
        self.create(table).await
    }

    pub(super) async fn clean_up(self) {
        let others = self.others.into_inner().unwrap_or_else(PoisonError::into_inner);
        for executor in others {
            self.setup.clean_up(executor).await;
        }
        self.setup.clean_up(self.executor).await;
    }
}

pub(super) fn items(table: TableBuilder) -> TableBuilder {
    table
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("name", ValueType::Text))
        .column(Column::new("amount", ValueType::I64).nullable(true))
        .key([0])
}

pub(super) fn item(id: i64) -> Vec<Value<'static>> {
    vec![Value::I64(id), Value::Text(format!("item {id}").into()), Value::I64(id * 10)]
}

impl std::fmt::Debug for Database<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("executor", &self.executor)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
