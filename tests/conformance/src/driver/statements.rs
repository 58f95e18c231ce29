//! Statements and sinks as the cases need them.

use std::sync::Arc;

use thing_driver_api::{
    Comparison, Condition, Executor, Flow, Key, NoRows, Operand, Operation, Order, Result, Row, RowSink, Shape, Slot,
    Statement, Table, Transaction, Value, ValueType, Written,
};

/// An owned row.
pub(super) type Values = Vec<Value<'static>>;

/// A sink that keeps rows of declared types, and honours restarts.
#[derive(Debug, Default)]
pub(super) struct Rows {
    types: Vec<ValueType>,
    pub(super) rows: Vec<Values>,
    pub(super) stop_after: Option<usize>,
    pub(super) names: Vec<Vec<String>>,
}

impl Rows {
    pub(super) fn of(types: impl Into<Vec<ValueType>>) -> Self {
        Self { types: types.into(), ..Self::default() }
    }

    /// The sink for all columns of the table.
    pub(super) fn like(table: &Table) -> Self {
        Self::of(table.columns().iter().map(|c| c.value_type).collect::<Vec<_>>())
    }

    pub(super) fn stop_after(mut self, rows: usize) -> Self {
        self.stop_after = Some(rows);
        self
    }
}

impl RowSink for Rows {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.names.push(names.iter().map(|name| (*name).to_owned()).collect());
        Ok(())
    }

    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        assert_eq!(row.len(), self.types.len(), "a row has the columns asked for");
        assert!(!row.is_empty());
        let mut values = Vec::with_capacity(self.types.len());
        for (index, &expected) in self.types.iter().enumerate() {
            let value = row.value(index, expected)?;
            assert_eq!(value.is_null(), row.is_null(index)?, "`is_null` agrees with `value`");
            values.push(value.into_owned());
        }
        self.rows.push(values);
        Ok(match self.stop_after {
            Some(limit) if self.rows.len() >= limit => Flow::Stop,
            _ => Flow::Continue,
        })
    }

    fn restart(&mut self) {
        self.rows.clear();
    }
}

pub(super) fn all_columns(table: &Table) -> Vec<usize> {
    (0..table.columns().len()).collect()
}

pub(super) fn by_key(table: &Table) -> Vec<Order> {
    table.key().iter().map(|&column| ascending(column)).collect()
}

pub(super) fn ascending(column: usize) -> Order {
    Order { column, descending: false }
}

pub(super) fn descending(column: usize) -> Order {
    Order { column, descending: true }
}

/// `column = slot`.
pub(super) fn equals(column: usize, slot: usize) -> Condition {
    compare(column, Comparison::Equal, slot)
}

pub(super) fn compare(column: usize, operator: Comparison, slot: usize) -> Condition {
    Condition::Compare { column, operator, operand: Operand::Slot(Slot(slot)) }
}

/// A select of all columns.
pub(super) fn select(
    table: &Arc<Table>,
    filter: Condition,
    order: Vec<Order>,
    limit: Option<usize>,
    offset: Option<usize>,
) -> Arc<Shape> {
    Shape::new(
        table.clone(),
        Operation::Select {
            columns: all_columns(table),
            filter,
            order,
            limit: limit.map(Slot),
            offset: offset.map(Slot),
            lock: None,
        },
    )
}

/// A select of all columns of all rows, in the order of the key.
pub(super) fn select_all(table: &Arc<Table>) -> Arc<Shape> {
    select(table, Condition::Constant(true), by_key(table), None, None)
}

/// An insert of all columns.
pub(super) fn insert(table: &Arc<Table>) -> Arc<Shape> {
    insert_columns(table, all_columns(table), Vec::new())
}

pub(super) fn insert_columns(table: &Arc<Table>, columns: Vec<usize>, returning: Vec<usize>) -> Arc<Shape> {
    Shape::new(table.clone(), Operation::Insert { columns, returning })
}

pub(super) fn insert_many(table: &Arc<Table>, columns: Vec<usize>, rows: usize) -> Arc<Shape> {
    Shape::new(table.clone(), Operation::InsertMany { columns, rows })
}

/// An upsert of all columns.
pub(super) fn upsert(
    table: &Arc<Table>,
    on: Vec<usize>,
    update: Vec<usize>,
    raise: Vec<usize>,
    returning: Vec<usize>,
) -> Arc<Shape> {
    Shape::new(table.clone(), Operation::Upsert { columns: all_columns(table), on, update, raise, returning })
}

pub(super) fn update(table: &Arc<Table>, columns: Vec<usize>, filter: Condition, returning: Vec<usize>) -> Arc<Shape> {
    Shape::new(table.clone(), Operation::Update { columns, filter, returning })
}

pub(super) fn increment(
    table: &Arc<Table>,
    columns: Vec<usize>,
    set: Vec<usize>,
    filter: Condition,
    returning: Vec<usize>,
) -> Arc<Shape> {
    Shape::new(table.clone(), Operation::Increment { columns, set, filter, returning })
}

pub(super) fn delete(table: &Arc<Table>, filter: Condition, returning: Vec<usize>) -> Arc<Shape> {
    Shape::new(table.clone(), Operation::Delete { filter, returning })
}

pub(super) fn count(table: &Arc<Table>, filter: Condition) -> Arc<Shape> {
    Shape::new(table.clone(), Operation::Count { filter })
}

pub(super) fn exists(table: &Arc<Table>, filter: Condition) -> Arc<Shape> {
    Shape::new(table.clone(), Operation::Exists { filter })
}

/// Runs a select of all columns of the shape's table.
pub(super) async fn fetch(executor: &dyn Executor, shape: &Arc<Shape>, values: &[Value<'_>]) -> Result<Vec<Values>> {
    let mut rows = Rows::like(shape.table().expect("a shape over a table"));
    executor.fetch(&Statement::new(shape, values), &mut rows).await?;
    Ok(rows.rows)
}

/// All rows of the table, by key.
pub(super) async fn stored(executor: &dyn Executor, table: &Arc<Table>) -> Vec<Values> {
    fetch(executor, &select_all(table), &[]).await.expect("the rows are read")
}

/// As [`stored`], in a transaction.
pub(super) async fn stored_in(transaction: &mut Box<dyn Transaction>, table: &Arc<Table>) -> Vec<Values> {
    let mut rows = Rows::like(table);
    let shape = select_all(table);
    transaction.fetch(&Statement::new(&shape, &[]), &mut rows).await.expect("the rows are read in the transaction");
    rows.rows
}

/// Runs a count or exists.
pub(super) async fn number(executor: &dyn Executor, shape: &Arc<Shape>, values: &[Value<'_>]) -> i64 {
    let mut rows = Rows::of([ValueType::I64]);
    executor.fetch(&Statement::new(shape, values), &mut rows).await.expect("the rows are counted");
    match rows.rows.as_slice() {
        [row] => match row.as_slice() {
            [Value::I64(number)] => *number,
            other => panic!("one integer is expected, not {other:?}"),
        },
        other => panic!("one row is expected, not {}", other.len()),
    }
}

pub(super) async fn count_all(executor: &dyn Executor, table: &Arc<Table>) -> i64 {
    number(executor, &count(table, Condition::Constant(true)), &[]).await
}

/// The ids (first column) of the rows that pass, in the order of the key.
pub(super) async fn passing(
    executor: &dyn Executor,
    table: &Arc<Table>,
    filter: Condition,
    values: &[Value<'_>],
) -> Result<Vec<i64>> {
    let shape = select(table, filter, by_key(table), None, None);
    let rows = fetch(executor, &shape, values).await?;
    Ok(rows.iter().map(|row| id(row)).collect())
}

pub(super) fn id(row: &[Value<'_>]) -> i64 {
    match row.first() {
        Some(Value::I64(id)) => *id,
        other => panic!("the first column is an integer, not {other:?}"),
    }
}

/// Runs a write that returns no rows.
pub(super) async fn write(executor: &dyn Executor, shape: &Arc<Shape>, values: &[Value<'_>]) -> Result<Written> {
    executor.write(&Statement::new(shape, values), &mut NoRows).await
}

pub(super) async fn write_in(
    transaction: &mut Box<dyn Transaction>,
    shape: &Arc<Shape>,
    values: &[Value<'_>],
) -> Result<Written> {
    transaction.write(&Statement::new(shape, values), &mut NoRows).await
}

/// Adds rows with all columns, as one transaction.
pub(super) async fn write_all(executor: &dyn Executor, table: &Arc<Table>, rows: &[Values]) {
    let shape = insert(table);
    let statements: Vec<_> = rows.iter().map(|row| Statement::new(&shape, row)).collect();
    let written = executor.write_atomic(&statements).await.expect("the rows are added");
    assert_eq!(written.len(), rows.len(), "one result for each statement");
    assert!(written.iter().all(|w| w.rows == 1), "each statement added one row");
}

/// Reads rows by key and sorts them by their values' encoding, as the order is the driver's choice.
pub(super) async fn get_many(executor: &dyn Executor, table: &Arc<Table>, keys: &[Key]) -> Vec<Values> {
    let shape = Shape::new(table.clone(), Operation::GetMany);
    let mut rows = Rows::like(table);
    executor.get_many(&shape, keys, &mut rows).await.expect("the rows are read by key");
    sorted(rows.rows)
}

/// The rows in an order that does not depend on the database.
pub(super) fn sorted(mut rows: Vec<Values>) -> Vec<Values> {
    rows.sort_by_cached_key(|row| {
        let mut bytes = Vec::new();
        row.iter().for_each(|value| value.write_canonical(&mut bytes));
        bytes
    });
    rows
}
