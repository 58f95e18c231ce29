//! What the tests share: a table, a sink, a database that ends with the test.

#![allow(dead_code)] // Each test binary uses a part.

use std::sync::Arc;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use thing_driver_api::{
    Column, Comparison, Condition, Executor, Flow, Key, NoRows, Operand, Operation, Order, Result, Row, RowSink,
    Schema, Shape, Slot, Statement, Table, Value, ValueType, Written,
};
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
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
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

pub(crate) fn config(url: &str) -> MysqlConfig {
    MysqlConfig::from_url(url).unwrap()
}

/// `users(id generated, name text unique, age i32 nullable)`.
pub(crate) fn users() -> Arc<Table> {
    let table = Table::builder("users")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("name", ValueType::Text))
        .column(Column::new("age", ValueType::I32).nullable(true))
        .key(vec![0])
        .generated_key(true)
        .index(None, vec![1], true)
        .build()
        .unwrap();
    Arc::new(table)
}

/// The shapes over `users` that the tests need.
pub(crate) struct Users {
    pub(crate) table: Arc<Table>,
    pub(crate) insert: Arc<Shape>,
    pub(crate) get: Arc<Shape>,
    pub(crate) all: Arc<Shape>,
    pub(crate) count: Arc<Shape>,
    pub(crate) set_age: Arc<Shape>,
    pub(crate) delete: Arc<Shape>,
}

pub(crate) fn by_id(slot: usize) -> Condition {
    Condition::Compare { column: 0, operator: Comparison::Equal, operand: Operand::Slot(Slot(slot)) }
}

pub(crate) fn select(table: &Arc<Table>, filter: Condition) -> Arc<Shape> {
    let operation = Operation::Select {
        columns: (0..table.columns().len()).collect(),
        filter,
        order: vec![Order { column: 0, descending: false }],
        limit: None,
        offset: None,
        lock: false,
    };
    Shape::new(table.clone(), operation)
}

impl Users {
    pub(crate) async fn create(executor: &MysqlExecutor) -> Self {
        let users = Self::new();
        executor.create_table(&users.table).await.unwrap();
        users
    }

    pub(crate) fn new() -> Self {
        let table = users();
        let shape = |operation| Shape::new(table.clone(), operation);
        Self {
            insert: shape(Operation::Insert { columns: vec![1, 2], returning: vec![] }),
            get: shape(Operation::GetMany),
            all: select(&table, Condition::Constant(true)),
            count: shape(Operation::Count { filter: Condition::Constant(true) }),
            set_age: shape(Operation::Update { columns: vec![2], filter: by_id(1), returning: vec![] }),
            delete: shape(Operation::Delete { filter: by_id(0), returning: vec![] }),
            table,
        }
    }

    pub(crate) async fn add(&self, executor: &MysqlExecutor, name: &str) -> Result<Written> {
        let values = [Value::Text(name.into()), Value::I64(1)];
        executor.write(&Statement::new(&self.insert, &values), &mut NoRows).await
    }

    pub(crate) async fn count(&self, executor: &MysqlExecutor) -> i64 {
        let mut rows = Rows::of(&[ValueType::I64]);
        executor.fetch(&Statement::new(&self.count, &[]), &mut rows).await.unwrap();
        match rows.rows[0][0] {
            Value::I64(count) => count,
            _ => panic!("a count is an integer"),
        }
    }

    pub(crate) async fn ages(&self, executor: &MysqlExecutor, keys: &[i64]) -> Vec<(i64, Value<'static>)> {
        let keys: Vec<Key> = keys.iter().copied().map(Key::Int).collect();
        let mut rows = Rows::of(&[ValueType::I64, ValueType::Text, ValueType::I32]);
        executor.get_many(&self.get, &keys, &mut rows).await.unwrap();
        rows.rows
            .into_iter()
            .map(|row| match row[0] {
                Value::I64(id) => (id, row[2].clone()),
                _ => panic!("an id is an integer"),
            })
            .collect()
    }
}

/// Collects rows; without types as the database holds them.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) types: Vec<ValueType>,
    pub(crate) names: Option<Vec<String>>,
    pub(crate) rows: Vec<Vec<Value<'static>>>,
    pub(crate) restarts: usize,
    pub(crate) stop_after: Option<usize>,
}

impl Rows {
    pub(crate) fn of(types: &[ValueType]) -> Self {
        Self { types: types.to_vec(), ..Self::default() }
    }
}

impl RowSink for Rows {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.names = Some(names.iter().map(|&n| n.to_owned()).collect());
        Ok(())
    }

    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let cells = (0..row.len()).map(|index| match self.types.get(index) {
            Some(expected) => Ok(row.value(index, *expected)?.into_owned()),
            None => Ok(row.any_value(index)?.into_owned()),
        });
        self.rows.push(cells.collect::<Result<_>>()?);
        Ok(if Some(self.rows.len()) == self.stop_after { Flow::Stop } else { Flow::Continue })
    }

    fn restart(&mut self) {
        self.rows.clear();
        self.restarts += 1;
    }
}

pub(crate) async fn raw(executor: &MysqlExecutor, text: &str) -> Result<Written> {
    raw_with(executor, text, &[]).await
}

pub(crate) async fn raw_with(executor: &MysqlExecutor, text: &str, values: &[Value<'_>]) -> Result<Written> {
    executor.write(&Statement::new(&Shape::raw(text), values), &mut NoRows).await
}

/// The first cell of the first row.
pub(crate) async fn one(executor: &MysqlExecutor, text: &str) -> Value<'static> {
    query(executor, text, &[]).await.unwrap().rows.swap_remove(0).swap_remove(0)
}

pub(crate) async fn query(executor: &MysqlExecutor, text: &str, values: &[Value<'_>]) -> Result<Rows> {
    let mut rows = Rows::default();
    executor.fetch(&Statement::new(&Shape::raw(text), values), &mut rows).await?;
    Ok(rows)
}
