//! Batches: rows of one table that are read and locked in a transaction, and added, changed or removed together: each by
//! one statement, whatever their number, as long as the database takes their values at once.

use thing_driver_api::{
    Capability, ColumnSet, Comparison, Condition, Error, Key, Lock, NoRows, Operand, Operation, Result, Slot,
    Statement, Table, Tag, Value,
};

use super::any_model::AnyModel;
use super::create::{change_of_insert, insert_columns, row_to_be};
use super::dependents::Effects;
use super::on_delete::Removal;
use super::whole_row;
use crate::cache::{KnownRow, LISTED, deleted, image, inserted, updated};
use crate::rows::WholeRows;
use crate::session::Handle;
use crate::visibility::living_mark;
use crate::{Coherence, Model, ModelKey, Transaction};

/// The most rows that one statement names: all that a rewrite reads.
const ROWS: usize = LISTED + 1;
/// The most where each is named by the parts of its key: SQLite takes no deeper condition than one of 1000 terms.
const ROWS_OF_PARTS: usize = 500;

/// Where the rows are.
pub(crate) struct Batch<'t> {
    transaction: &'t Transaction,
    model: AnyModel,
    coherence: Coherence,
}

impl<'t> Batch<'t> {
    pub(super) fn new(transaction: &'t Transaction, model: AnyModel, coherence: Coherence) -> Self {
        Self { transaction, model, coherence }
    }

    /// The rows of this model.
    pub(crate) fn of<M: Model>(transaction: &'t Transaction) -> Self {
        Self::new(transaction, AnyModel::of::<M>(), M::COHERENCE.unwrap_or(transaction.db().coherence()))
    }

    fn session(&self) -> Handle<'t> {
        Handle::Transaction(self.transaction)
    }

    /// The matching rows, locked; at most `limit`.
    pub(super) async fn read(
        &self,
        filter: Condition,
        mut values: Vec<Value<'static>>,
        limit: Option<usize>,
    ) -> Result<Vec<KnownRow>> {
        let table = self.model.table;
        let limit = limit.map(|limit| {
            values.push(Value::I64(i64::try_from(limit).unwrap_or(i64::MAX)));
            Slot(values.len() - 1)
        });
        let columns = (0..table.columns().len()).collect();
        let operation =
            Operation::Select { columns, filter, order: Vec::new(), limit, offset: None, lock: Some(Lock::Wait) };
        let shape = self.session().db().shape(table, &operation);
        let mut rows = WholeRows::new(table);
        self.session().fetch(&Statement::new(&shape, &values), &mut rows).await?;
        rows.rows.into_iter().map(|row| whole_row(table, row)).collect()
    }

    /// The living rows in which the column has this value, locked.
    pub(crate) async fn of_column(&self, column: usize, value: Value<'static>) -> Result<Vec<KnownRow>> {
        let operand = Operand::Slot(Slot(0));
        let filter = Condition::Compare { column, operator: Comparison::Equal, operand };
        self.read_living(filter, vec![value]).await
    }

    /// The living rows with these keys, locked; those that are not there are left out.
    pub(crate) async fn of_keys(&self, keys: &[Key]) -> Result<Vec<KnownRow>> {
        let mut rows = Vec::with_capacity(keys.len());
        for part in keys.chunks(self.rows_at_once(self.model.table.key().len(), 1)) {
            let mut values = Vec::new();
            let filter = one_of(self.model.table, part.iter(), &mut values);
            rows.extend(self.read_living(filter, values).await?);
        }
        Ok(rows)
    }

    async fn read_living(&self, filter: Condition, mut values: Vec<Value<'static>>) -> Result<Vec<KnownRow>> {
        let filter = match living_mark(self.model.table) {
            None => filter,
            Some((column, mark)) => {
                values.push(mark);
                Condition::And(vec![filter, Condition::Same { column, slot: Slot(values.len() - 1) }])
            }
        };
        self.read(filter, values, None).await
    }

    /// Adds objects. Generated keys stay unknown.
    pub(crate) async fn insert<M: Model>(&self, objects: &[M]) -> Result<()> {
        let mut rest = objects;
        while let Some(first) = rest.first() {
            let columns = insert_columns(first);
            let alike = rest.iter().take_while(|object| insert_columns(*object) == columns).count();
            // Nothing but a generated key is no list of values.
            let is_list = self.has(Capability::InsertsMany) && !columns.is_empty();
            let most = if is_list { self.rows_at_once(columns.len(), 0) } else { 1 };
            let (chunk, others) = rest.split_at(alike.min(most));
            self.insert_chunk(columns, chunk).await?;
            rest = others;
        }
        Ok(())
    }

    async fn insert_chunk<M: Model>(&self, columns: Vec<usize>, objects: &[M]) -> Result<()> {
        let table = M::table();
        let generated = !table.key().iter().all(|column| columns.contains(column));
        let mut values = Vec::with_capacity(columns.len() * objects.len());
        let mut rows = Vec::with_capacity(objects.len());
        for object in objects {
            for &column in &columns {
                values.push(object.value(column)?);
            }
            let key = if generated { None } else { Some(object.key().to_key()?) };
            rows.push((key, row_to_be(object, generated)?));
        }
        let operation = match objects.len() {
            1 => Operation::Insert { columns, returning: Vec::new() },
            rows => Operation::InsertMany { columns, rows },
        };
        for (key, row) in &rows {
            self.transaction.touch(table, inserted(table, key.as_ref(), row), self.coherence);
        }
        let shape = self.session().db().shape(table, &operation);
        let written = self.session().write(&Statement::new(&shape, &values), &mut NoRows).await;
        self.noted(rows.len(), written.map(drop))?;
        for (key, row) in rows {
            // What has no key yet stays untold: the commit tells of the tags alone.
            if let Some(key) = key {
                self.transaction.changed(change_of_insert(table, &key, row));
            }
        }
        Ok(())
    }

    /// Sets a column of rows that were read here, with what every write sets.
    pub(crate) async fn update(&self, rows: Vec<KnownRow>, set: (usize, Value<'static>)) -> Result<()> {
        let stamps = self.model.stamps(self.transaction.db().now());
        self.set(rows, std::iter::once(set).chain(stamps).collect()).await.map(drop)
    }

    /// Deletes rows that were read here, as [`Things::delete`](crate::Things::delete) does each.
    pub(crate) async fn delete(&self, rows: Vec<KnownRow>) -> Result<()> {
        let for_good = self.model.table.deleted().is_none();
        Removal::new(self.transaction, self.coherence, for_good).run(self.model, rows).await
    }

    /// Sets columns of these rows, and raises their versions. Gives them as they are then.
    pub(super) async fn set(&self, rows: Vec<KnownRow>, set: Vec<(usize, Value<'static>)>) -> Result<Vec<KnownRow>> {
        let model = self.model;
        let columns: ColumnSet = set.iter().map(|(column, _)| *column).chain(model.version).collect();
        let mut images = Vec::with_capacity(rows.len());
        for before in rows {
            let mut after = before.clone();
            set.iter().for_each(|(column, value)| after[*column] = Some(value.clone()));
            if let Some(version) = model.version {
                after[version] = Some(raised(model.table, version, &before)?);
            }
            images.push((key_of_row(model.table, &before)?, before, after));
        }
        for part in images.chunks(self.rows_at_once(model.table.key().len(), set.len() + 1)) {
            for (key, before, after) in part {
                let tags = updated(model.table, key, columns, before, after);
                self.transaction.touch(model.table, tags, self.coherence);
            }
            let written = self.write_set(part, &set).await;
            self.noted(part.len(), written)?;
            for (key, before, after) in part {
                let change = image(model.table, key.clone(), columns, Some(before.clone()), Some(after.clone()));
                self.transaction.changed(change);
            }
        }
        Ok(images.into_iter().map(|(.., after)| after).collect())
    }

    async fn write_set(&self, part: &[(Key, KnownRow, KnownRow)], set: &[(usize, Value<'static>)]) -> Result<()> {
        let table = self.model.table;
        let Some(version) = self.model.version.filter(|_| !adds(self.session())) else {
            let keys = part.iter().map(|(key, ..)| key);
            let of_keys = |values: &mut Vec<Value<'static>>| Ok(one_of(table, keys, values));
            return write_all(self.session(), self.model, set, of_keys).await.map(drop);
        };
        for (key, _, after) in part {
            let (mut columns, mut values): (Vec<usize>, Vec<Value<'static>>) = set.iter().cloned().unzip();
            columns.push(version);
            values.extend(after[version].clone());
            let filter = one_of(table, std::iter::once(key), &mut values);
            let operation = Operation::Update { columns, filter, returning: Vec::new() };
            let shape = self.session().db().shape(table, &operation);
            self.session().write(&Statement::new(&shape, &values), &mut NoRows).await?;
        }
        Ok(())
    }

    /// Removes these rows.
    pub(super) async fn remove(&self, rows: Vec<KnownRow>) -> Result<()> {
        let (table, dependents) = (self.model.table, self.model.dependents());
        let mut removed = Vec::with_capacity(rows.len());
        for row in rows {
            removed.push((key_of_row(table, &row)?, row));
        }
        for part in removed.chunks(self.rows_at_once(table.key().len(), 1)) {
            let mut effects = Effects::default();
            if !dependents.is_empty() && self.session().db().cache().is_some() {
                let keys = part.iter().map(|(key, _)| key);
                effects = Effects::of_delete(self.session(), table.id(), &dependents, keys).await?;
            }
            for (key, row) in part {
                self.transaction.touch(table, deleted(table, key, row), self.coherence);
            }
            effects.touch(self.transaction, self.coherence);
            let mut values = Vec::new();
            let filter = one_of(table, part.iter().map(|(key, _)| key), &mut values);
            let shape = self.session().db().shape(table, &Operation::Delete { filter, returning: Vec::new() });
            let written = self.session().write(&Statement::new(&shape, &values), &mut NoRows).await;
            self.noted(part.len(), written.map(drop))?;
            for (key, row) in part {
                self.transaction.changed(image(table, key.clone(), ColumnSet::ALL, Some(row.clone()), None));
            }
            effects.changed(self.transaction);
        }
        Ok(())
    }

    /// Has the commit forget everything cached of the table: for a statement that changes rows without naming them.
    pub(super) fn close_table(&self) {
        let table = self.model.table;
        self.transaction.touch(table, vec![Tag::table(table.id())], self.coherence);
    }

    /// Notes for each of so many rows that the statement failed, if it did.
    fn noted(&self, rows: usize, written: Result<()>) -> Result<()> {
        written.inspect_err(|error| (0..rows).for_each(|_| self.transaction.failed(error)))
    }

    fn has(&self, capability: Capability) -> bool {
        self.session().db().executor().capabilities().has(capability)
    }

    /// As many rows as fit into a statement with so many values for each, and so many besides.
    fn rows_at_once(&self, values: usize, besides: usize) -> usize {
        let room = self.session().db().executor().capabilities().max_parameters().saturating_sub(besides);
        let most = if self.model.table.key().len() == 1 { ROWS } else { ROWS_OF_PARTS };
        (room / values.max(1)).clamp(1, most)
    }
}

/// Sets columns of all rows that match, and raises their versions, in one statement. Gives their number. The database
/// [adds](adds), if there is a version.
pub(super) async fn write_all(
    session: Handle<'_>,
    model: AnyModel,
    set: &[(usize, Value<'static>)],
    filter: impl FnOnce(&mut Vec<Value<'static>>) -> Result<Condition>,
) -> Result<u64> {
    let mut values: Vec<Value<'static>> = model.version.iter().map(|_| Value::I64(1)).collect();
    values.extend(set.iter().map(|(_, value)| value.clone()));
    let columns: Vec<usize> = set.iter().map(|(column, _)| *column).collect();
    let (filter, returning) = (filter(&mut values)?, Vec::new());
    let operation = match model.version {
        Some(version) => Operation::Increment { columns: vec![version], set: columns, filter, returning },
        None => Operation::Update { columns, filter, returning },
    };
    let shape = session.db().shape(model.table, &operation);
    Ok(session.write(&Statement::new(&shape, &values), &mut NoRows).await?.rows)
}

/// Whether the database raises versions by itself.
pub(super) fn adds(session: Handle<'_>) -> bool {
    session.db().executor().capabilities().has(Capability::Increments)
}

/// The version after one more write.
fn raised(table: &Table, version: usize, row: &KnownRow) -> Result<Value<'static>> {
    match row[version] {
        Some(Value::I64(stored)) if stored < i64::MAX => Ok(Value::I64(stored + 1)),
        _ => {
            let name = &table.column(version).name;
            Err(Error::invalid_data(name.as_ref(), format!("column `{name}` holds no version that can be raised")))
        }
    }
}

/// The key of a row that was read whole.
pub(crate) fn key_of_row(table: &Table, row: &KnownRow) -> Result<Key> {
    let parts: Option<Vec<Value<'static>>> = table.key().iter().map(|&column| row[column].clone()).collect();
    parts
        .and_then(|parts| Key::from_values(&parts))
        .ok_or_else(|| Error::backend(format!("table `{}`: a row without a key", table.name())))
}

/// The condition of the rows with these keys, whose values are appended.
fn one_of<'k>(table: &Table, keys: impl Iterator<Item = &'k Key>, values: &mut Vec<Value<'static>>) -> Condition {
    let mut slot = |value: Value<'_>| {
        values.push(value.into_owned());
        Slot(values.len() - 1)
    };
    if let [column] = table.key() {
        return Condition::In { column: *column, slots: keys.map(|key| slot(key.value(0))).collect(), negated: false };
    }
    let row = |key: &Key| {
        let parts = table.key().iter().enumerate().map(|(part, &column)| Condition::Compare {
            column,
            operator: Comparison::Equal,
            operand: Operand::Slot(slot(key.value(part))),
        });
        Condition::And(parts.collect())
    };
    Condition::Or(keys.map(row).collect())
}
