//! What a delete does to the objects that refer to what is deleted, as the relations of its model say: the same on every
//! database.
//!
//! ```text
//! rows to delete ─▶ who refers to them ─ restrict ─▶ refused
//!       ▲              │ cascade  │ set_null
//!       └──────────────┘          └─▶ columns set to NULL, then the rows deleted: those found last first
//! ```

use std::collections::{HashMap, HashSet};
use std::fmt;

use thing_driver_api::{ColumnSet, Condition, Error, Key, Operation, Result, Slot, Statement, Table, TableId, Value};

use super::any_model::AnyModel;
use super::batch::{Batch, key_of_row};
use crate::cache::KnownRow;
use crate::rows::Number;
use crate::session::Handle;
use crate::visibility::{deleted_mark, living_mark};
use crate::{Coherence, Column, ColumnSpec, ColumnType, Transaction};

/// A column of another model that refers to this one, and what becomes of the objects that do when one is deleted.
#[derive(Clone, Copy)]
pub struct OnDelete {
    /// The relation, with its model.
    relation: &'static str,
    model: fn() -> AnyModel,
    column: usize,
    action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Restrict,
    Cascade,
    SetNull,
}

impl OnDelete {
    /// The delete is refused.
    pub fn restrict<C: ColumnSpec>(relation: &'static str, column: Column<C>) -> Self {
        Self::of(relation, column, Action::Restrict)
    }

    /// They are deleted too.
    pub fn cascade<C: ColumnSpec>(relation: &'static str, column: Column<C>) -> Self {
        Self::of(relation, column, Action::Cascade)
    }

    /// The column is set to NULL.
    pub fn set_null<C: ColumnSpec>(relation: &'static str, column: Column<C>) -> Self {
        const { assert!(C::Type::NULLABLE, "`on_delete = \"set_null\"` needs a column that is an Option") };
        Self::of(relation, column, Action::SetNull)
    }

    /// Whether it deletes or changes the objects that refer by this column of the table.
    pub(crate) fn changes(&self, table: &Table, column: usize) -> bool {
        let of = (self.model)().table;
        self.action != Action::Restrict
            && of.id() == table.id()
            && of.column(self.column).name == table.column(column).name
    }

    fn of<C: ColumnSpec>(relation: &'static str, column: Column<C>, action: Action) -> Self {
        Self { relation, model: AnyModel::of::<C::Model>, column: column.index(), action }
    }
}

impl fmt::Debug for OnDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDelete")
            .field("relation", &self.relation)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// Rows that refer are looked for by so many keys at a time.
const KEYS: usize = 500;

/// The rows that go together.
pub(super) struct Removal<'t> {
    transaction: &'t Transaction,
    coherence: Coherence,
    /// Whether the rows leave their tables, instead of being marked.
    for_good: bool,
    seen: HashSet<(TableId, Key)>,
    /// To be deleted, in the order in which they were found.
    doomed: Vec<(AnyModel, Vec<KnownRow>)>,
    /// With the column to be set to NULL.
    orphans: Vec<(AnyModel, usize, Vec<KnownRow>)>,
    /// Relations by which nobody may refer who stays, to rows with these keys.
    restricting: Vec<(OnDelete, Vec<Key>)>,
}

impl<'t> Removal<'t> {
    pub(super) fn new(transaction: &'t Transaction, coherence: Coherence, for_good: bool) -> Self {
        let (doomed, orphans, restricting) = (Vec::new(), Vec::new(), Vec::new());
        Self { transaction, coherence, for_good, seen: HashSet::new(), doomed, orphans, restricting }
    }

    /// Deletes these rows, which were read in the transaction, and what goes with them.
    pub(super) async fn run(mut self, model: AnyModel, rows: Vec<KnownRow>) -> Result<()> {
        self.doom(model, rows);
        let mut next = 0;
        while let Some((model, rows)) = self.doomed.get(next) {
            let relations = model.on_delete();
            let keys: Vec<Key> = rows.iter().map(|row| key_of_row(model.table, row)).collect::<Result<_>>()?;
            for relation in relations {
                for part in keys.chunks(KEYS) {
                    self.follow(relation, part).await?;
                }
            }
            next += 1;
        }
        for (relation, keys) in std::mem::take(&mut self.restricting) {
            self.refuse(relation, &keys).await?;
        }
        self.release_orphans().await?;
        let mut tables = Vec::new();
        children_first(model, &mut HashSet::new(), &mut tables);
        for table in tables {
            let (of_table, others) = self.doomed.into_iter().partition(|(model, _)| model.table.id() == table);
            self.doomed = others;
            for (model, rows) in Vec::into_iter(of_table).rev() {
                self.delete(model, rows).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, model: AnyModel, rows: Vec<KnownRow>) -> Result<()> {
        let now = self.transaction.db().now();
        let batch = self.batch(model);
        match deleted_mark(model.table, now).filter(|_| !self.for_good) {
            Some(mark) => batch.set(rows, std::iter::once(mark).chain(model.stamps(now)).collect()).await.map(drop),
            None => batch.remove(rows).await,
        }
    }

    fn doom(&mut self, model: AnyModel, mut rows: Vec<KnownRow>) {
        let table = model.table;
        rows.retain(|row| key_of_row(table, row).is_ok_and(|key| self.seen.insert((table.id(), key))));
        if !rows.is_empty() {
            self.doomed.push((model, rows));
        }
    }

    /// Looks for the rows that refer to one of these keys.
    async fn follow(&mut self, relation: OnDelete, keys: &[Key]) -> Result<()> {
        let model = (relation.model)();
        let (filter, values) = self.referring(model, relation.column, keys);
        match relation.action {
            Action::Restrict => {
                // Who refers may be found to go too.
                self.restricting.push((relation, keys.to_vec()));
                Ok(())
            }
            // What is only marked is there still: rows that can't be marked, and columns, keep what they refer to.
            Action::Cascade if !self.for_good && model.table.deleted().is_none() => Ok(()),
            Action::SetNull if !self.for_good => Ok(()),
            Action::Cascade => {
                let rows = self.batch(model).read(filter, values, None).await?;
                self.doom(model, rows);
                Ok(())
            }
            Action::SetNull => {
                let rows = self.batch(model).read(filter, values, None).await?;
                self.orphans.push((model, relation.column, rows));
                Ok(())
            }
        }
    }

    /// The rows whose column has one of these values; of those that can be marked as deleted the living, if the rest may
    /// stay.
    fn referring(&self, model: AnyModel, column: usize, keys: &[Key]) -> (Condition, Vec<Value<'static>>) {
        let mut values: Vec<Value<'static>> = keys.iter().map(|key| key.value(0).into_owned()).collect();
        let slots = (0..values.len()).map(Slot).collect();
        let mut terms = vec![Condition::In { column, slots, negated: false }];
        if let Some((column, mark)) = living_mark(model.table).filter(|_| !self.for_good) {
            terms.push(Condition::Same { column, slot: Slot(values.len()) });
            values.push(mark);
        }
        (Condition::And(terms), values)
    }

    /// Refuses to go on where a row refers that does not go too.
    async fn refuse(&self, relation: OnDelete, keys: &[Key]) -> Result<()> {
        let model = (relation.model)();
        let table = model.table;
        let (filter, values) = self.referring(model, relation.column, keys);
        // Read with a lock, and not counted: a count may be of an old snapshot.
        let going = self.seen.iter().filter(|(id, _)| *id == table.id()).count();
        let rows = self.batch(model).read(filter.clone(), values.clone(), Some(going + 1)).await?;
        let found = rows.len();
        let goes = |row: &KnownRow| key_of_row(table, row).is_ok_and(|key| self.seen.contains(&(table.id(), key)));
        let staying = rows.iter().filter(|row| !goes(row)).count();
        if staying == 0 {
            return Ok(());
        }
        let session = Handle::Transaction(self.transaction);
        let shape = session.db().shape(table, &Operation::Count { filter });
        let mut number = Number::default();
        session.fetch(&Statement::new(&shape, &values), &mut number).await?;
        let others = number.get()?.saturating_sub((found - staying) as u64);
        Err(Error::restricted(relation.relation, model.name, others.max(staying as u64)))
    }

    /// Sets the columns to NULL of the rows that stay, all of a row at once.
    async fn release_orphans(&mut self) -> Result<()> {
        let mut places: HashMap<(TableId, Key), usize> = HashMap::new();
        let mut orphans: Vec<(AnyModel, KnownRow, ColumnSet)> = Vec::new();
        for (model, column, rows) in std::mem::take(&mut self.orphans) {
            for row in rows {
                let place = (model.table.id(), key_of_row(model.table, &row)?);
                if self.seen.contains(&place) {
                    continue;
                }
                let at = *places.entry(place).or_insert(orphans.len());
                if at == orphans.len() {
                    orphans.push((model, row, ColumnSet::EMPTY));
                }
                orphans[at].2.insert(column);
            }
        }
        let now = self.transaction.db().now();
        while let Some(&(model, _, columns)) = orphans.first() {
            let alike = |(other, _, set): &(AnyModel, KnownRow, ColumnSet)| {
                other.table.id() == model.table.id() && *set == columns
            };
            let (group, others) = orphans.into_iter().partition(alike);
            orphans = others;
            let rows = Vec::into_iter(group).map(|(_, row, _)| row).collect();
            let set = columns.iter().map(|column| (column, Value::Null)).chain(model.stamps(now)).collect();
            self.batch(model).set(rows, set).await?;
        }
        Ok(())
    }

    fn batch(&self, model: AnyModel) -> Batch<'t> {
        Batch::new(self.transaction, model, model.coherence_along(self.transaction.db(), self.coherence))
    }
}

/// The tables of the objects that go along with one of this model, each behind those that refer to it.
fn children_first(model: AnyModel, seen: &mut HashSet<TableId>, tables: &mut Vec<TableId>) {
    if !seen.insert(model.table.id()) {
        return;
    }
    for relation in model.on_delete() {
        if relation.action == Action::Cascade {
            children_first((relation.model)(), seen, tables);
        }
    }
    tables.push(model.table.id());
}
