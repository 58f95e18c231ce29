//! Saving: the changed columns of a loaded object, all columns of a plain one.

use thing_driver_api::{ColumnSet, Error, Key, NoRows, Operation, Result, Statement, Value};

use super::observed::{Rows, is_observed};
use super::version::{Seen, guard_of, refusal, seen_row};
use super::{ATTEMPTS, Guard, Target, key_of, row_before, row_of};
use crate::cache::{Announced, KnownRow, Quarantine, Tags, image, updated};
use crate::retry::Retries;
use crate::session::Handle;
use crate::things::not_found;
use crate::validation::check;
use crate::{Coherence, Db, Loaded, Model, ModelKey};

/// Saves what changed since the object was read, or last saved.
pub(super) async fn save<M: Model>(
    session: Handle<'_>,
    coherence: Coherence,
    object: &mut Loaded<M>,
) -> Result<Option<Rows>> {
    object.settle();
    let mut columns = object.changes()?;
    if columns.is_empty() {
        return Ok(None);
    }
    check::<M>(object)?;
    let table = M::table();
    if table.key().iter().any(|&column| columns.contains(column)) {
        return Err(Error::invalid_input("the key was changed; create a new object and delete the old one"));
    }
    if M::VERSION.is_some_and(|column| columns.contains(column)) {
        return Err(Error::invalid_input(
            "the version was changed, which only a save does; save a plain struct instead",
        ));
    }
    let key = object.original().key().to_key()?;
    check_living(object.original(), &key)?;
    if M::DELETED.is_some_and(|column| columns.contains(column)) {
        return Err(marked_by_hand());
    }
    let seen = Seen::of(object.original())?;
    let mut new = (**object).clone();
    if let Some(seen) = seen {
        seen.raise(&mut new)?;
        columns.insert(seen.column());
    }
    if new.touch(session.db().now(), false) {
        for column in 0..table.columns().len() {
            if new.value(column)? != object.original().value(column)? {
                columns.insert(column);
            }
        }
    }
    let write = Write { session, coherence, key, columns, new: &new, seen };
    // Without a cache nobody asks what was before.
    let known = session.db().cache().map(|_| row_of(object.original())).transpose()?;
    let rows = write.run(known).await?;
    object.accept(new, session.fate());
    Ok(rows)
}

/// Writes all columns of a plain object, and raises its version.
pub(super) async fn replace<M: Model>(
    session: Handle<'_>,
    coherence: Coherence,
    mut object: M,
) -> Result<(Loaded<M>, Option<Rows>)> {
    check(&object)?;
    let fate = session.fate();
    // What it is again when the transaction is rolled back.
    let given = fate.as_ref().filter(|_| M::VERSION.is_some()).map(|_| object.clone());
    object.touch(session.db().now(), false);
    let rows = write_all(session, coherence, &mut object).await?;
    let Some(given) = given else { return Ok((Loaded::of(object), rows)) };
    let mut saved = Loaded::of(given);
    saved.accept(object, fate);
    Ok((saved, rows))
}

async fn write_all<M: Model>(session: Handle<'_>, coherence: Coherence, object: &mut M) -> Result<Option<Rows>> {
    let table = M::table();
    let columns: ColumnSet = (0..table.columns().len()).filter(|column| !table.key().contains(column)).collect();
    let key = object.key().to_key()?;
    if M::DELETED.is_some() && object.is_deleted() {
        return Err(marked_by_hand());
    }
    if columns.is_empty() {
        // A table of keys: there is nothing to write, but the row must be there.
        return row_before::<M>(session, &key).await.map(|_| None);
    }
    let seen = Seen::of(object)?;
    if let Some(seen) = seen {
        seen.raise(object)?;
    }
    Write { session, coherence, key, columns, new: object, seen }.run(None).await
}

/// Refuses the write of an object that was read as a deleted one.
fn check_living<M: Model>(object: &M, key: &Key) -> Result<()> {
    if M::DELETED.is_some() && object.is_deleted() {
        return Err(not_found::<M>(key).context("it is deleted; restore it first"));
    }
    Ok(())
}

fn marked_by_hand() -> Error {
    Error::invalid_input("the mark of deleted objects was changed, which only `delete` and `restore` do")
}

/// One update.
struct Write<'a, M> {
    session: Handle<'a>,
    coherence: Coherence,
    key: Key,
    columns: ColumnSet,
    new: &'a M,
    seen: Option<Seen>,
}

impl<M: Model> Write<'_, M> {
    /// Runs the update; `known` is the row as the caller saw it.
    async fn run(&self, known: Option<KnownRow>) -> Result<Option<Rows>> {
        match self.session {
            Handle::Transaction(_) if is_observed::<M>(self.session) => self.in_transaction().await,
            _ if self.session.db().cache().is_none() => self.blind().await.map(|()| None),
            Handle::Db(db) => self.guarded(db, known).await.map(|()| None),
            Handle::Transaction(_) => self.in_transaction().await,
        }
    }

    async fn in_own_transaction(&self, db: &Db, owing: bool) -> Result<()> {
        let mut retries = Retries::new();
        loop {
            let written = self.once_in_own_transaction(db, owing).await;
            if !retries.again(written.as_ref().err()).await {
                return written;
            }
        }
    }

    async fn once_in_own_transaction(&self, db: &Db, owing: bool) -> Result<()> {
        let transaction = db.begin().await?;
        transaction.owe(owing);
        let session = Handle::Transaction(&transaction);
        let within = Write { session, key: self.key.clone(), ..*self };
        within.in_transaction().await?;
        transaction.commit().await
    }

    /// Without a cache nobody asks what was before.
    async fn blind(&self) -> Result<()> {
        let (guard, row) = guard_of::<M>(self.seen);
        match self.update(guard, &row, &mut NoRows, Vec::new()).await? {
            0 => Err(refusal::<M>(self.session, &self.key, self.seen).await),
            _ => Ok(()),
        }
    }

    /// In a transaction the row is read, and locked, before it is written.
    async fn in_transaction(&self) -> Result<Option<Rows>> {
        let Handle::Transaction(transaction) = self.session else {
            return self.blind().await.map(|()| None);
        };
        let _turn = transaction.turn().await;
        let before = seen_row::<M>(self.session, &self.key, self.seen).await?;
        let mut after = before.clone();
        for (column, value) in self.new_values()? {
            after[column] = Some(value);
        }
        let table = M::table();
        let key = key_of(table, &before, &self.key);
        transaction.touch(table, updated(table, &key, self.columns, &before, &after), self.coherence);
        self.blind().await.inspect_err(|error| transaction.failed(error))?;
        let rows = Rows::kept::<M>(self.session, &before, &after);
        transaction.changed(image(table, key, self.columns, Some(before), Some(after)));
        Ok(rows)
    }

    /// Alone: one statement, guarded by the values that the touched tags were taken from.
    async fn guarded(&self, db: &Db, known: Option<KnownRow>) -> Result<()> {
        let table = M::table();
        let Some(cache) = db.cache() else {
            return self.blind().await;
        };
        let mut guard = Guard::new(db, table, self.columns, self.seen);
        let mut before = match known {
            Some(row) => row,
            None => seen_row::<M>(self.session, &self.key, self.seen).await?,
        };
        for _ in 0..ATTEMPTS {
            let mut expected = before.clone();
            for (column, value) in self.new_values()? {
                expected[column] = Some(value);
            }
            let differs = |&column: &usize| !guard.columns.contains(column) || before[column] != expected[column];
            let columns = self.written().filter(differs).collect();
            let key = key_of(table, &before, &self.key);
            let tags = Tags::of(table, updated(table, &key, columns, &before, &expected));
            let Announced::Closed(quarantine) = Quarantine::close(db, cache, tags, self.coherence).await? else {
                return self.in_own_transaction(db, true).await;
            };
            let mut stored = crate::rows::WholeRows::new(table);
            let update = self.update(guard.columns, &before, &mut stored, guard.returning.clone());
            match quarantine.during(update).await {
                Ok(0) => quarantine.untouched().await,
                Ok(_) => {
                    // The statement changed its own columns only; of these, the guard vouches for the old values.
                    let vouched = guard.vouched(table, &before);
                    let (mut known, after) = match stored.rows.pop() {
                        Some(after) => (after.clone(), after),
                        None => {
                            let mut after = vouched.clone();
                            self.written().for_each(|column| after[column] = expected[column].clone());
                            (vouched.clone(), after)
                        }
                    };
                    self.written().for_each(|column| known[column] = vouched[column].clone());
                    let change = image(table, key, columns, Some(known), Some(after));
                    quarantine.release(vec![change]).await;
                    return Ok(());
                }
                Err(error) => {
                    quarantine.fail(&error).await;
                    return Err(error);
                }
            }
            before = seen_row::<M>(self.session, &self.key, self.seen).await?;
            guard.narrow();
        }
        self.in_own_transaction(db, false).await
    }

    async fn update(
        &self,
        guard: ColumnSet,
        before: &KnownRow,
        rows: &mut dyn thing_driver_api::RowSink,
        returning: Vec<usize>,
    ) -> Result<u64> {
        let columns: Vec<usize> = self.written().collect();
        let target = Target::new(M::table(), columns.len(), &self.key, guard, before);
        let mut values = Vec::with_capacity(columns.len() + target.values.len());
        for &column in &columns {
            values.push(self.new.value(column)?);
        }
        values.extend(target.values);
        let operation = Operation::Update { columns, filter: target.filter, returning };
        let shape = self.session.db().shape(M::table(), &operation);
        Ok(self.session.write(&Statement::new(&shape, &values), rows).await?.rows)
    }

    fn written(&self) -> impl Iterator<Item = usize> {
        let count = M::table().columns().len();
        self.columns.iter().take_while(move |&column| column < count)
    }

    fn new_values(&self) -> Result<Vec<(usize, Value<'static>)>> {
        self.written().map(|column| Ok((column, self.new.value(column)?.into_owned()))).collect()
    }
}
