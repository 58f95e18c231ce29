//! What the tests share: a schema that ends with the test, a table, a sink.

#![allow(dead_code)] // Each test binary uses a part.

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    Column, Comparison, Condition, Error, Executor, Flow, Key, NoRows, Operand, Operation, Order, Result, Row, RowSink,
    Schema, Shape, Slot, Statement, Table, Value, ValueType, Written,
};
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};
use thing_test_servers::PostgresSchema;

/// A schema with an executor on it.
pub(crate) struct Place {
    pub(crate) schema: PostgresSchema,
    pub(crate) executor: PostgresExecutor,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(|config| config).await
    }

    pub(crate) async fn with(configure: impl FnOnce(PostgresConfig) -> PostgresConfig) -> Self {
        let schema = PostgresSchema::create().await;
        let config = configure(patient(PostgresConfig::from_url(schema.url()).unwrap()));
        Self { executor: PostgresExecutor::connect(config).await.unwrap(), schema }
    }

    /// A connection beside the driver.
    pub(crate) async fn other(&self) -> tokio_postgres::Client {
        other(self.schema.url()).await
    }

    pub(crate) async fn run(&self, text: &str) {
        self.other().await.batch_execute(text).await.unwrap();
    }
}

/// A machine that runs many tests at once may be slow to connect.
pub(crate) fn patient(config: PostgresConfig) -> PostgresConfig {
    config.connect_timeout(Duration::from_secs(60)).pool_timeout(Duration::from_secs(60))
}

pub(crate) async fn other(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
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
    pub(crate) insert_with_id: Arc<Shape>,
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
    pub(crate) async fn create(executor: &PostgresExecutor) -> Self {
        let users = Self::new();
        executor.create_table(&users.table).await.unwrap();
        users
    }

    pub(crate) fn new() -> Self {
        let table = users();
        let shape = |operation| Shape::new(table.clone(), operation);
        Self {
            insert: shape(Operation::Insert { columns: vec![1, 2], returning: vec![] }),
            insert_with_id: shape(Operation::Insert { columns: vec![0, 1, 2], returning: vec![] }),
            get: shape(Operation::GetMany),
            all: select(&table, Condition::Constant(true)),
            count: shape(Operation::Count { filter: Condition::Constant(true) }),
            set_age: shape(Operation::Update { columns: vec![2], filter: by_id(1), returning: vec![] }),
            delete: shape(Operation::Delete { filter: by_id(0), returning: vec![] }),
            table,
        }
    }

    pub(crate) async fn add(&self, executor: &dyn Executor, name: &str) -> Result<Written> {
        let values = [Value::Text(name.into()), Value::I64(1)];
        executor.write(&Statement::new(&self.insert, &values), &mut NoRows).await
    }

    /// Adds users in one transaction.
    pub(crate) async fn add_many(
        &self,
        executor: &dyn Executor,
        names: &[String],
    ) -> Result<Vec<Written>, (usize, Error)> {
        let values: Vec<_> = names.iter().map(|name| [Value::Text(name.as_str().into()), Value::I64(1)]).collect();
        let statements: Vec<_> = values.iter().map(|values| Statement::new(&self.insert, values)).collect();
        executor.write_atomic(&statements).await
    }

    pub(crate) async fn count(&self, executor: &dyn Executor) -> i64 {
        let mut rows = Rows::of(&[ValueType::I64]);
        executor.fetch(&Statement::new(&self.count, &[]), &mut rows).await.unwrap();
        match rows.rows[0][0] {
            Value::I64(count) => count,
            _ => panic!("a count is an integer"),
        }
    }

    /// Reads users by key.
    pub(crate) async fn get(&self, executor: &dyn Executor, keys: &[i64]) -> Result<Rows> {
        let keys: Vec<Key> = keys.iter().copied().map(Key::Int).collect();
        let mut rows = Rows::of(&[ValueType::I64, ValueType::Text, ValueType::I32]);
        executor.get_many(&self.get, &keys, &mut rows).await?;
        Ok(rows)
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

pub(crate) async fn raw(executor: &dyn Executor, text: &str) -> Result<Written> {
    raw_with(executor, text, &[]).await
}

pub(crate) async fn raw_with(executor: &dyn Executor, text: &str, values: &[Value<'_>]) -> Result<Written> {
    executor.write(&Statement::new(&Shape::raw(text), values), &mut NoRows).await
}

pub(crate) async fn query(executor: &dyn Executor, text: &str, values: &[Value<'_>]) -> Result<Rows> {
    query_as(executor, text, values, &[]).await
}

pub(crate) async fn query_as(
    executor: &dyn Executor,
    text: &str,
    values: &[Value<'_>],
    types: &[ValueType],
) -> Result<Rows> {
    let mut rows = Rows::of(types);
    executor.fetch(&Statement::new(&Shape::raw(text), values), &mut rows).await?;
    Ok(rows)
}

/// Polls the future at most so many times and drops it; `None` if it did not complete.
pub(crate) async fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
            std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await
}
