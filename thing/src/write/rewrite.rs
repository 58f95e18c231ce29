//! Rewrites: rows that a condition finds, changed or deleted whatever else they hold. The cache is told of each of them up
//! to a number, beyond it of their table.
//!
//! ```text
//! transaction   rows, locked ─▶ by their keys: set, or delete with what depends on them ─▶ COMMIT as of any other write
//!                    └─ too many ─▶ the table closed ─▶ one statement by the condition
//! no cache      one statement by the condition, where nothing depends on the rows
//! ```

use thing_driver_api::{Condition, NoRows, Operation, Result, Statement, Value};

use super::any_model::AnyModel;
use super::batch::{Batch, adds, write_all};
use super::on_delete::Removal;
use super::version::Seen;
use crate::cache::{KnownRow, LISTED};
use crate::filter::Node;
use crate::retry::Retries;
use crate::session::Handle;
use crate::visibility::deleted_mark;
use crate::{Coherence, Model, Transaction};

/// What is done to which rows.
pub(crate) struct Rewrite {
    model: AnyModel,
    coherence: Coherence,
    filter: Node,
    action: Action,
    /// The version that the caller saw.
    seen: Option<Seen>,
}

/// What becomes of the rows.
pub(crate) enum Action {
    /// They get these values.
    Set(Vec<(usize, Value<'static>)>),
    /// They are marked as deleted, where their table can do so, else removed.
    Delete,
    /// They leave their table.
    Remove,
}

/// What a rewrite did.
#[derive(Default)]
pub(crate) struct Rewritten {
    pub(crate) rows: u64,
    /// The last row as it is afterwards, if it was read and is there.
    pub(crate) last: Option<KnownRow>,
}

impl Rewrite {
    pub(crate) fn new<M: Model>(coherence: Coherence, filter: Node, action: Action) -> Self {
        Self { model: AnyModel::of::<M>(), coherence, filter, action, seen: None }
    }

    /// Only if the rows have the version that the caller saw.
    pub(crate) fn seen(mut self, seen: Option<Seen>) -> Self {
        self.seen = seen;
        self
    }

    /// Runs it, and reads the rows even if nobody has to know them.
    pub(crate) async fn run_reading(&self, session: Handle<'_>) -> Result<Rewritten> {
        let mut retries = Retries::new();
        loop {
            let done = self.once(session).await;
            // What failed within a transaction can be tried again by its owner alone.
            if matches!(session, Handle::Transaction(_)) || !retries.again(done.as_ref().err()).await {
                return done;
            }
        }
    }

    /// Runs it, and gives the number of rows.
    pub(crate) async fn run(&self, session: Handle<'_>) -> Result<u64> {
        if session.db().cache().is_none() && self.seen.is_none() && self.is_one_statement(session) {
            return self.by_condition(session).await;
        }
        self.run_reading(session).await.map(|done| done.rows)
    }

    async fn once(&self, session: Handle<'_>) -> Result<Rewritten> {
        match session {
            // One statement needs no savepoint.
            Handle::Transaction(transaction) if self.is_one_write(session) => self.within(transaction).await,
            session => {
                let transaction = session.begin_within().await?;
                let done = self.within(&transaction).await?;
                transaction.commit().await?;
                Ok(done)
            }
        }
    }

    /// Whether one statement writes all rows that are read, however many these are.
    fn is_one_write(&self, session: Handle<'_>) -> bool {
        let set = if let Action::Set(set) = &self.action { set.len() } else { 1 };
        let room = session.db().executor().capabilities().max_parameters();
        let fits = self.model.table.key().len() == 1 && LISTED + set + 2 <= room;
        fits && !self.depended_on() && self.is_one_statement(session)
    }

    async fn within(&self, transaction: &Transaction) -> Result<Rewritten> {
        let _turn = transaction.turn().await;
        let session = Handle::Transaction(transaction);
        let batch = Batch::new(transaction, self.model, self.coherence);
        let deletes = !matches!(self.action, Action::Set(_));
        let mut done = Rewritten::default();
        loop {
            let (filter, values) = self.condition()?;
            // What one statement can't set is read whole.
            let limit = (deletes || self.is_one_statement(session)).then_some(LISTED + 1);
            let rows = batch.read(filter, values, limit).await?;
            let more = rows.len() > LISTED;
            if more && !self.depended_on() && self.is_one_statement(session) {
                batch.close_table();
                done.rows += self.by_condition(session).await.inspect_err(|error| transaction.failed(error))?;
                return Ok(done);
            }
            if let Some(seen) = self.seen {
                rows.iter().try_for_each(|row| seen.check(row))?;
            }
            done.rows += rows.len() as u64;
            match &self.action {
                Action::Set(set) => done.last = batch.set(rows, set.clone()).await?.pop(),
                Action::Delete | Action::Remove => {
                    let removal = Removal::new(transaction, self.coherence, self.is_removal());
                    removal.run(self.model, rows).await?;
                }
            }
            // What was deleted is not found again; what was set is.
            if !more || !deletes {
                return Ok(done);
            }
        }
    }

    /// Whether other rows change along with a row.
    fn depended_on(&self) -> bool {
        match self.action {
            Action::Set(_) => false,
            _ => !self.model.on_delete().is_empty() || self.is_removal() && !self.model.dependents().is_empty(),
        }
    }

    fn is_removal(&self) -> bool {
        matches!(self.action, Action::Remove) || self.model.table.deleted().is_none()
    }

    /// Whether one statement does it, as far as this table goes.
    fn is_one_statement(&self, session: Handle<'_>) -> bool {
        let deletes = !matches!(self.action, Action::Set(_));
        let raises = self.model.version.is_some() && !(deletes && self.is_removal());
        (!deletes || self.model.on_delete().is_empty()) && (!raises || adds(session))
    }

    async fn by_condition(&self, session: Handle<'_>) -> Result<u64> {
        let now = session.db().now();
        let set = match &self.action {
            Action::Set(set) => set.clone(),
            _ if self.is_removal() => {
                let (filter, values) = self.condition()?;
                let shape = session.db().shape(self.model.table, &Operation::Delete { filter, returning: Vec::new() });
                return Ok(session.write(&Statement::new(&shape, &values), &mut NoRows).await?.rows);
            }
            _ => deleted_mark(self.model.table, now).into_iter().chain(self.model.stamps(now)).collect(),
        };
        let filter = |values: &mut Vec<Value<'static>>| self.filter.compile(values);
        write_all(session, self.model, &set, filter).await
    }

    /// The condition, and its values.
    fn condition(&self) -> Result<(Condition, Vec<Value<'static>>)> {
        let mut values = Vec::new();
        let filter = self.filter.compile(&mut values)?;
        Ok((filter, values))
    }
}
