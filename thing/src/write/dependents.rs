//! Dependents: rows of other tables that the database deletes or changes along with a row, as the models declare it
//! (`ON DELETE CASCADE`, `ON DELETE SET NULL`).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use thing_driver_api::{
    Change, ColumnSet, Comparison, Condition, Key, Lock, Operand, Operation, Result, Slot, Statement, Table, TableId,
    Tag, Value,
};

use super::key_of;
use crate::cache::{KnownRow, deleted, image, updated};
use crate::rows::WholeRows;
use crate::session::Handle;
use crate::{Coherence, Column, ColumnSpec, Model, Transaction};

/// A column of another model that refers to this one, and what becomes of the rows that do when a row is deleted.
#[derive(Clone, Copy)]
pub struct Dependent {
    table: &'static Arc<Table>,
    column: usize,
    fate: Fate,
    coherence: Option<Coherence>,
    dependents: fn() -> Vec<Self>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Deleted,
    SetToNull,
}

impl Dependent {
    /// The rows are deleted.
    pub fn deleted_along<C: ColumnSpec>(column: Column<C>) -> Self {
        Self::of(column, Fate::Deleted)
    }

    /// The column is set to NULL.
    pub fn set_to_null<C: ColumnSpec>(column: Column<C>) -> Self {
        Self::of(column, Fate::SetToNull)
    }

    fn of<C: ColumnSpec>(column: Column<C>, fate: Fate) -> Self {
        Self {
            table: C::Model::table(),
            column: column.index(),
            fate,
            coherence: C::Model::COHERENCE,
            dependents: C::Model::dependents,
        }
    }

    /// Whether it is this column of the table.
    pub(crate) fn is_of(&self, table: &Table, column: usize) -> bool {
        self.table.id() == table.id() && self.table.column(self.column).name == table.column(column).name
    }

    fn is_strict(&self, session: Handle<'_>) -> bool {
        self.coherence.unwrap_or(session.db().coherence()) == Coherence::Strict
    }

    /// The rows that refer to this key, locked; at most `limit`.
    async fn rows(&self, session: Handle<'_>, key: &Key, limit: usize) -> Result<Vec<KnownRow>> {
        let operand = Operand::Slot(Slot(0));
        let operation = Operation::Select {
            columns: (0..self.table.columns().len()).collect(),
            filter: Condition::Compare { column: self.column, operator: Comparison::Equal, operand },
            order: Vec::new(),
            limit: Some(Slot(1)),
            offset: None,
            lock: Some(Lock::Wait),
        };
        let shape = session.db().shape(self.table, &operation);
        let values = [key.value(0).into_owned(), Value::I64(i64::try_from(limit).unwrap_or(i64::MAX))];
        let mut rows = WholeRows::new(self.table);
        session.fetch(&Statement::new(&shape, &values), &mut rows).await?;
        Ok(rows.rows)
    }
}

impl fmt::Debug for Dependent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = &self.table.column(self.column).name;
        f.debug_struct("Dependent").field("table", &self.table.name()).field("column", column).finish_non_exhaustive()
    }
}

/// A delete with more dependent rows closes their tables whole.
const NAMED: usize = 1000;

/// What a delete does to rows of other tables.
#[derive(Default)]
pub(super) struct Effects {
    rows: Vec<(&'static Table, Vec<Tag>, Arc<Change>)>,
    /// Rows as they are with some columns set to NULL: another column of such a row may be set too, and what is true of
    /// the row afterwards is in no change that tells of one column alone.
    nulled: HashMap<(TableId, Key), KnownRow>,
    /// Tables of which more is changed than is named.
    tables: Vec<&'static Table>,
    strict: bool,
}

impl Effects {
    /// Looks for everything that depends on the rows with these keys, directly or not, which one statement deletes.
    pub(super) async fn of_delete(
        session: Handle<'_>,
        table: TableId,
        dependents: &[Dependent],
        keys: impl Iterator<Item = &Key>,
    ) -> Result<Self> {
        let mut effects = Self::default();
        let mut seen = HashSet::new();
        let mut waiting: Vec<(Dependent, Key)> = Vec::new();
        for key in keys {
            seen.insert((table, key.clone()));
            waiting.extend(dependents.iter().map(|one| (*one, key.clone())));
        }
        while let Some((dependent, key)) = waiting.pop() {
            let table: &'static Table = dependent.table;
            effects.strict |= dependent.is_strict(session);
            let room = NAMED.saturating_sub(effects.rows.len());
            let rows = dependent.rows(session, &key, room + 1).await?;
            if rows.len() > room {
                effects.give_up(session, dependent);
                continue;
            }
            for before in rows {
                let key = key_of(table, &before, &key);
                if dependent.fate == Fate::SetToNull {
                    effects.add_null(&dependent, key, before);
                } else if seen.insert((table.id(), key.clone())) {
                    waiting.extend((dependent.dependents)().into_iter().map(|one| (one, key.clone())));
                    let tags = deleted(table, &key, &before);
                    effects.rows.push((table, tags, image(table, key, ColumnSet::ALL, Some(before), None)));
                }
            }
        }
        Ok(effects)
    }

    fn add_null(&mut self, dependent: &Dependent, key: Key, read: KnownRow) {
        let table: &'static Table = dependent.table;
        let before = self.nulled.remove(&(table.id(), key.clone())).unwrap_or(read);
        let mut after = before.clone();
        after[dependent.column] = Some(Value::Null);
        let columns: ColumnSet = std::iter::once(dependent.column).collect();
        let tags = updated(table, &key, columns, &before, &after);
        self.nulled.insert((table.id(), key.clone()), after.clone());
        self.rows.push((table, tags, image(table, key, columns, Some(before), Some(after))));
    }

    /// Takes everything of the table, and of those that depend on it, for changed.
    fn give_up(&mut self, session: Handle<'_>, dependent: Dependent) {
        self.strict |= dependent.is_strict(session);
        if self.tables.iter().any(|table| table.id() == dependent.table.id()) {
            return;
        }
        self.tables.push(dependent.table);
        (dependent.dependents)().into_iter().for_each(|further| self.give_up(session, further));
    }

    /// Notes the effects, before the statement that has them.
    pub(super) fn touch(&self, transaction: &Transaction, coherence: Coherence) {
        let coherence = if self.strict { Coherence::Strict } else { coherence };
        for table in &self.tables {
            transaction.touch(table, vec![Tag::table(table.id())], coherence);
        }
        for (table, tags, _) in &self.rows {
            transaction.touch(table, tags.clone(), coherence);
        }
    }

    /// Notes that they came about.
    pub(super) fn changed(self, transaction: &Transaction) {
        self.rows.into_iter().for_each(|(_, _, change)| transaction.changed(change));
    }
}
