//! Applying a change set to one row that nobody read: new values and sums, in the statement that writes them.
//!
//! ```text
//! one statement   UPDATE … SET n = n + ?, c = ? WHERE key AND room for the sum AND condition RETURNING *
//!      │          no row: it is gone, has no room, fails the condition, or moved between scopes
//!      └────────▶ transaction: locked row ─▶ sums in Rust ─▶ UPDATE … SET n = ?, c = ?, which tells which of these
//! ```
//!
//! The transaction is also the way where the database gives no rows back, for numbers that it would round otherwise, and
//! where hooks, listeners or rules look at the row.

use std::sync::Arc;

use thing_driver_api::{
    Capability, ColumnSet, Comparison, Condition, Error, ErrorKind, Key, NoRows, Operand, Operation, Result, Shape,
    Slot, Statement, Value,
};

use super::observed::{Rows, after_update, is_observed};
use super::version::guard_of;
use super::{ATTEMPTS, Target, key_of, row_before, row_of};
use crate::cache::{Announced, Cache, KnownRow, Quarantine, Tags, image, updated};
use crate::change_set::{Parts, Term};
use crate::filter::Node;
use crate::retry::Retries;
use crate::rows::{Number, ObjectAndRow, ValueRow};
use crate::session::Handle;
use crate::validation::check;
use crate::visibility::{Visibility, living_mark};
use crate::{ChangeSet, Db, Model, Things, Transaction};

pub(super) async fn apply<M: Model>(
    things: Things<'_, M>,
    key: &Key,
    change: ChangeSet<M>,
    condition: Node,
) -> Result<M> {
    let now = Value::Timestamp(things.session().db().now());
    let Parts { mut set, terms } = change.into_parts()?;
    set.extend(M::updated_columns().into_iter().map(|column| (column, now.clone())));
    Application { things, key: key.clone(), terms, set, condition }.run().await
}

/// One change set for one row.
struct Application<'s, M> {
    things: Things<'s, M>,
    key: Key,
    terms: Vec<Term>,
    /// The columns that get a new value.
    set: Vec<(usize, Value<'static>)>,
    condition: Node,
}

/// What came of the one statement.
enum Attempt<M> {
    Done(M),
    /// It needs a transaction; with a debt if the cache could not be told.
    Unclear {
        owing: bool,
    },
}

impl<M: Model> Application<'_, M> {
    async fn run(&self) -> Result<M> {
        let session = self.things.session();
        let attempt = match (session, session.db().cache()) {
            _ if is_observed::<M>(session) || M::RULES || !self.is_left_to_database() => {
                Attempt::Unclear { owing: false }
            }
            (_, None) => self.blind().await?,
            (Handle::Db(db), Some(cache)) => self.guarded(db, cache).await?,
            // The row before is wanted anyway.
            (Handle::Transaction(_), Some(_)) => Attempt::Unclear { owing: false },
        };
        match (attempt, session) {
            (Attempt::Done(object), _) => Ok(object),
            (Attempt::Unclear { .. }, Handle::Transaction(transaction)) => self.locked(transaction).await,
            (Attempt::Unclear { owing }, Handle::Db(db)) => self.in_own_transaction(db, owing).await,
        }
    }

    fn adds_nothing(&self) -> bool {
        self.terms.is_empty() && M::VERSION.is_none()
    }

    /// Whether the database adds as Rust does, and gives the row back.
    fn is_left_to_database(&self) -> bool {
        let capabilities = self.things.session().db().executor().capabilities();
        (self.adds_nothing() || capabilities.has(Capability::Increments))
            && capabilities.has(Capability::Returning)
            && self.terms.iter().all(|term| term.limit.is_some())
    }

    /// Without a cache nobody asks what was before.
    async fn blind(&self) -> Result<Attempt<M>> {
        let (guard, row) = guard_of::<M>(None);
        let (shape, values) = self.statement(&self.key, guard, &row)?;
        let mut stored = ObjectAndRow::new();
        self.things.session().write(&Statement::new(&shape, &values), &mut stored).await?;
        stored.object.map_or(Ok(Attempt::Unclear { owing: false }), |object| object.map(Attempt::Done))
    }

    /// Guarded by the scopes that the touched tags were taken from, and by the mark of deleted rows.
    async fn guarded(&self, db: &Db, cache: &Cache) -> Result<Attempt<M>> {
        let table = M::table();
        let guard: ColumnSet = table.scopes().iter().copied().chain(table.deleted()).collect();
        let columns = self.columns();
        let mut before = self.guess().await?;
        for _ in 0..ATTEMPTS {
            let Ok(expected) = self.after(&before) else { break };
            let key = key_of(table, &before, &self.key);
            let (shape, values) = self.statement(&key, guard, &before)?;
            let tags = Tags::of(table, updated(table, &key, columns, &before, &expected));
            let Announced::Closed(quarantine) = Quarantine::close(db, cache, tags, self.things.coherence()).await?
            else {
                return Ok(Attempt::Unclear { owing: true });
            };
            let mut stored = ObjectAndRow::new();
            let statement = Statement::new(&shape, &values);
            match quarantine.during(self.things.session().write(&statement, &mut stored)).await {
                Ok(_) => {}
                Err(error) => {
                    quarantine.fail(&error).await;
                    return Err(error);
                }
            }
            if let (Some(object), Some(after)) = (stored.object, stored.row) {
                quarantine
                    .release(vec![image(table, key, columns, Some(self.before(&after, guard, &before)), Some(after))])
                    .await;
                return object.map(Attempt::Done);
            }
            quarantine.untouched().await;
            let latest = row_before::<M>(self.things.session(), &self.key).await?;
            let moved = guard.iter().any(|column| before[column] != latest[column]);
            if !moved {
                break;
            }
            before = latest;
        }
        Ok(Attempt::Unclear { owing: false })
    }

    /// As much of the row before as the tags need: what is cached may be old, which the guard finds out.
    async fn guess(&self) -> Result<KnownRow> {
        let table = M::table();
        let peeked = self.things.peek_object(&self.key);
        if let Some(object) = peeked.filter(|object| Visibility::LIVING.sees_life(&object.0)) {
            return row_of(&object.0);
        }
        let is_exact = |&column: &usize| table.column(column).value_type.is_exact();
        if table.scopes().is_empty() && table.key().iter().all(is_exact) {
            let mut unknown = vec![None; table.columns().len()];
            living_mark(table).into_iter().for_each(|(column, mark)| unknown[column] = Some(mark));
            return Ok(unknown);
        }
        row_before::<M>(self.things.session(), &self.key).await
    }

    async fn in_own_transaction(&self, db: &Db, owing: bool) -> Result<M> {
        let mut retries = Retries::new();
        loop {
            let done = self.once_in_own_transaction(db, owing).await;
            if !retries.again(done.as_ref().err()).await {
                return done;
            }
        }
    }

    async fn once_in_own_transaction(&self, db: &Db, owing: bool) -> Result<M> {
        let transaction = db.begin().await?;
        transaction.owe(owing);
        let done = self.locked(&transaction).await;
        transaction.finish(done).await
    }

    /// Writes the sums, and tells of it.
    async fn locked(&self, transaction: &Transaction) -> Result<M> {
        let (object, rows) = self.write_locked(transaction).await?;
        if rows.is_some() {
            Box::pin(after_update(&object, rows, transaction)).await?;
        }
        Ok(object)
    }

    /// Reads the row, locks it, and writes the sums.
    async fn write_locked(&self, transaction: &Transaction) -> Result<(M, Option<Rows>)> {
        let session = Handle::Transaction(transaction);
        let _turn = transaction.turn().await;
        let table = M::table();
        let before = row_before::<M>(session, &self.key).await?;
        let key = key_of(table, &before, &self.key);
        let after = match self.after(&before) {
            Ok(after) => after,
            Err(_) if !self.is_met(session, &key).await? => return Err(condition_failed()),
            Err(error) => return Err(error),
        };
        let object = M::from_row(&ValueRow(&after))?;
        check(&object)?;
        let columns = self.columns();
        let written: Vec<usize> = columns.iter().collect();
        let mut values: Vec<Value<'static>> = written.iter().filter_map(|&column| after[column].clone()).collect();
        let mut target = Target::new(table, values.len(), &key, ColumnSet::EMPTY, &before);
        values.append(&mut target.values);
        let filter = Condition::And(vec![target.filter, self.condition.compile(&mut values)?]);
        let operation = Operation::Update { columns: written, filter, returning: Vec::new() };
        let shape = session.db().shape(table, &operation);
        transaction.touch(table, updated(table, &key, columns, &before, &after), self.things.coherence());
        let update = session.write(&Statement::new(&shape, &values), &mut NoRows).await;
        let update = update.and_then(|update| match update.rows {
            0 => Err(condition_failed()),
            _ => Ok(()),
        });
        update.inspect_err(|error| transaction.failed(error))?;
        let rows = Rows::kept::<M>(session, &before, &after);
        transaction.changed(image(table, key, columns, Some(before), Some(after)));
        Ok((object, rows))
    }

    /// Whether the row meets the condition.
    async fn is_met(&self, session: Handle<'_>, key: &Key) -> Result<bool> {
        let Target { filter, mut values } = Target::new(M::table(), 0, key, ColumnSet::EMPTY, &Vec::new());
        let filter = Condition::And(vec![filter, self.condition.compile(&mut values)?]);
        let shape = session.db().shape(M::table(), &Operation::Exists { filter });
        let mut met = Number::default();
        session.fetch(&Statement::new(&shape, &values), &mut met).await?;
        Ok(met.get()? > 0)
    }

    /// The one statement, for a row with these values in the columns of the guard.
    fn statement(&self, key: &Key, guard: ColumnSet, before: &KnownRow) -> Result<(Arc<Shape>, Vec<Value<'static>>)> {
        let table = M::table();
        let added = self.terms.iter().map(|term| (term.column, term.amount.clone()));
        let version = M::VERSION.map(|column| (column, Value::I64(1)));
        let (columns, mut values): (Vec<usize>, Vec<Value<'static>>) = added.chain(version).unzip();
        values.extend(self.set.iter().map(|(_, value)| value.clone()));
        let mut target = Target::new(table, values.len(), key, guard, before);
        values.append(&mut target.values);
        let mut filter = vec![target.filter];
        for Term { column, amount, limit, .. } in &self.terms {
            let is_negative =
                matches!(amount, Value::I64(..0)) || matches!(amount, Value::F64(amount) if *amount < 0.0);
            let operator = if is_negative { Comparison::GreaterOrEqual } else { Comparison::LessOrEqual };
            let operand = Operand::Slot(Slot(values.len()));
            filter.push(Condition::Compare { column: *column, operator, operand });
            values.extend(limit.clone());
        }
        filter.push(self.condition.compile(&mut values)?);
        let set = self.set.iter().map(|(column, _)| *column).collect();
        let returning = (0..table.columns().len()).collect();
        let filter = Condition::And(filter);
        let operation = match columns.is_empty() {
            true => Operation::Update { columns: set, filter, returning },
            false => Operation::Increment { columns, set, filter, returning },
        };
        Ok((self.things.session().db().shape(table, &operation), values))
    }

    /// The columns that are written.
    fn columns(&self) -> ColumnSet {
        let terms = self.terms.iter().map(|term| term.column);
        terms.chain(M::VERSION).chain(self.set.iter().map(|(column, _)| *column)).collect()
    }

    /// The row after, as far as the row before is known.
    fn after(&self, before: &KnownRow) -> Result<KnownRow> {
        let mut after = before.clone();
        for term in &self.terms {
            if let Some(stored) = &before[term.column] {
                after[term.column] = Some(term.sum::<M>(Some(stored))?);
            }
        }
        if let Some(column) = M::VERSION
            && let Some(Value::I64(version)) = before[column]
        {
            after[column] = Some(Value::I64(version.saturating_add(1)));
        }
        for (column, value) in &self.set {
            after[*column] = Some(value.clone());
        }
        Ok(after)
    }

    /// The row before, as far as it follows from the row after, and from the guard.
    fn before(&self, after: &KnownRow, guard: ColumnSet, seen: &KnownRow) -> KnownRow {
        let mut before = after.clone();
        for term in &self.terms {
            before[term.column] = term.undone(after[term.column].as_ref());
        }
        for column in M::VERSION.into_iter().chain(self.set.iter().map(|(column, _)| *column)) {
            before[column] = seen[column].clone().filter(|_| guard.contains(column));
        }
        before
    }
}

fn condition_failed() -> Error {
    Error::new(ErrorKind::ConditionFailed, "the row is there, but does not meet the condition")
}
