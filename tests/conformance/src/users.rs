//! The fixture of the tests that a driver has of its own: a table, statements over it, and a sink that keeps rows.
//!
//! ```
//! use thing_conformance::users::{Users, one};
//! use thing_driver_api::Value;
//! use thing_driver_sqlite::SqliteExecutor;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let executor = SqliteExecutor::memory().await.unwrap();
//! let users = Users::create(&executor).await;
//! users.add(&executor, "ann").await.unwrap();
//! assert_eq!(one(&executor, "SELECT name FROM users").await, Value::Text("ann".into()));
//! # }
//! ```
//!
//! Functions that give no `Result` panic where the database fails.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use thing_driver_api::{
    Column, Comparison, Condition, Error, Executor, Flow, Key, NoRows, Operand, Operation, Order, Result, Row, RowSink,
    Shape, Slot, Statement, Table, Value, ValueType, Written,
};

/// Statements over [`users`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Users {
    /// The table.
    pub table: Arc<Table>,
    /// Inserts a name and an age.
    pub insert: Arc<Shape>,
    /// Inserts an id, a name and an age.
    pub insert_with_id: Arc<Shape>,
    /// Reads by key.
    pub get: Arc<Shape>,
    /// Selects all columns of all rows, by id.
    pub all: Arc<Shape>,
    /// Counts all rows.
    pub count: Arc<Shape>,
    /// Sets the age, slot 0, of the row with the id, slot 1.
    pub set_age: Arc<Shape>,
    /// Deletes the row with the id.
    pub delete: Arc<Shape>,
}

impl Users {
    /// Creates the table, and gives the statements over it.
    pub async fn create(executor: &dyn Executor) -> Self {
        let users = Self::new();
        executor.schema().expect("the executor creates tables").create_table(&users.table).await.unwrap();
        users
    }

    /// The statements alone, where the test creates the table.
    pub fn new() -> Self {
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

    /// Adds a user of age 1.
    pub async fn add(&self, executor: &dyn Executor, name: &str) -> Result<Written> {
        let values = [Value::Text(name.into()), Value::I64(1)];
        executor.write(&Statement::new(&self.insert, &values), &mut NoRows).await
    }

    /// Adds users of age 1 in one transaction.
    pub async fn add_many(&self, executor: &dyn Executor, names: &[String]) -> Result<Vec<Written>, (usize, Error)> {
        let values: Vec<_> = names.iter().map(|name| [Value::Text(name.as_str().into()), Value::I64(1)]).collect();
        let statements: Vec<_> = values.iter().map(|values| Statement::new(&self.insert, values)).collect();
        executor.write_atomic(&statements).await
    }

    /// The number of users.
    pub async fn count(&self, executor: &dyn Executor) -> i64 {
        let mut rows = Rows::of(&[ValueType::I64]);
        executor.fetch(&Statement::new(&self.count, &[]), &mut rows).await.unwrap();
        match rows.rows[0][0] {
            Value::I64(count) => count,
            _ => panic!("a count is an integer"),
        }
    }

    /// Reads users by key, in the order of the driver.
    pub async fn get(&self, executor: &dyn Executor, keys: &[i64]) -> Result<Rows> {
        let keys: Vec<Key> = keys.iter().copied().map(Key::Int).collect();
        let mut rows = Rows::of(&[ValueType::I64, ValueType::Text, ValueType::I32]);
        executor.get_many(&self.get, &keys, &mut rows).await?;
        Ok(rows)
    }

    /// As [`get`](Self::get), the ids and ages alone.
    pub async fn ages(&self, executor: &dyn Executor, keys: &[i64]) -> Vec<(i64, Value<'static>)> {
        let rows = self.get(executor, keys).await.unwrap().rows;
        rows.into_iter()
            .map(|mut row| match row[0] {
                Value::I64(id) => (id, row.swap_remove(2)),
                _ => panic!("an id is an integer"),
            })
            .collect()
    }
}

impl Default for Users {
    fn default() -> Self {
        Self::new()
    }
}

/// `users(id generated, name text unique, age i32 nullable)`.
pub fn users() -> Arc<Table> {
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

/// A select of all columns, in the order of the first.
pub fn select(table: &Arc<Table>, filter: Condition) -> Arc<Shape> {
    let operation = Operation::Select {
        columns: (0..table.columns().len()).collect(),
        filter,
        order: vec![Order { column: 0, descending: false }],
        limit: None,
        offset: None,
        lock: None,
    };
    Shape::new(table.clone(), operation)
}

/// The first column is equal to the slot.
pub fn by_id(slot: usize) -> Condition {
    Condition::Compare { column: 0, operator: Comparison::Equal, operand: Operand::Slot(Slot(slot)) }
}

/// Runs a write in the database's words.
pub async fn raw(executor: &dyn Executor, text: &str) -> Result<Written> {
    raw_with(executor, text, &[]).await
}

/// As [`raw`], with values.
pub async fn raw_with(executor: &dyn Executor, text: &str, values: &[Value<'_>]) -> Result<Written> {
    executor.write(&Statement::new(&Shape::raw(text), values), &mut NoRows).await
}

/// Runs a read in the database's words and keeps its rows as the database holds them.
pub async fn query(executor: &dyn Executor, text: &str, values: &[Value<'_>]) -> Result<Rows> {
    query_as(executor, text, values, &[]).await
}

/// As [`query`], with columns of these types.
pub async fn query_as(executor: &dyn Executor, text: &str, values: &[Value<'_>], types: &[ValueType]) -> Result<Rows> {
    let mut rows = Rows::of(types);
    executor.fetch(&Statement::new(&Shape::raw(text), values), &mut rows).await?;
    Ok(rows)
}

/// The first value of the first row of a [`query`].
pub async fn one(executor: &dyn Executor, text: &str) -> Value<'static> {
    query(executor, text, &[]).await.unwrap().rows.swap_remove(0).swap_remove(0)
}

/// A sink that keeps rows: columns with a type as that type, others as the database holds them.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Rows {
    /// The types of the first columns.
    pub types: Vec<ValueType>,
    /// The names of the columns, where the driver told them.
    pub names: Option<Vec<String>>,
    /// The rows since the last restart.
    pub rows: Vec<Vec<Value<'static>>>,
    /// How often the driver began again.
    pub restarts: usize,
    /// The number of rows after which the sink stops the read.
    pub stop_after: Option<usize>,
}

impl Rows {
    /// A sink for columns of these types.
    pub fn of(types: &[ValueType]) -> Self {
        Self { types: types.to_vec(), ..Self::default() }
    }

    /// Stops the read after so many rows.
    #[must_use]
    pub fn stop_after(mut self, rows: usize) -> Self {
        self.stop_after = Some(rows);
        self
    }
}

impl RowSink for Rows {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.names = Some(names.iter().map(|&name| name.to_owned()).collect());
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

/// Polls the future at most so many times and drops it; `None` if it did not complete.
pub async fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
