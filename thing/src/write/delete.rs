//! Deleting.

use thing_driver_api::{ColumnSet, Key, NoRows, Operation, Result, RowSink, Statement};

use super::dependents::Effects;
use super::rewrite::Action;
use super::soft_delete::remove;
use super::version::{Seen, guard_of, refusal, seen_row};
use super::{ATTEMPTS, Guard, Target, key_of, row_before, row_of};
use crate::cache::{Announced, KnownRow, Quarantine, Tags, deleted, image};
use crate::retry::Retries;
use crate::session::Handle;
use crate::{Coherence, Db, Model, Transaction};

/// Deletes one object; `known` is the row as the caller saw it, whose version it must still have.
pub(super) async fn delete<M: Model>(
    session: Handle<'_>,
    coherence: Coherence,
    key: &Key,
    known: Option<&M>,
) -> Result<()> {
    let seen = known.map_or(Ok(None), Seen::of)?;
    if !is_one_row::<M>() {
        return remove::<M>(session, coherence, key, Action::Delete, seen).await;
    }
    match session {
        _ if session.db().cache().is_none() => blind::<M>(session, key, seen).await,
        Handle::Db(db) if !M::dependents().is_empty() => in_own_transaction::<M>(db, coherence, key, seen, false).await,
        Handle::Db(db) => guarded(db, coherence, key, known, seen).await,
        Handle::Transaction(transaction) => in_transaction::<M>(transaction, coherence, key, seen).await,
    }
}

/// Whether a delete takes the row from its table, and Thing looks after no others.
fn is_one_row<M: Model>() -> bool {
    M::DELETED.is_none() && M::on_delete().is_empty()
}

async fn blind<M: Model>(session: Handle<'_>, key: &Key, seen: Option<Seen>) -> Result<()> {
    let (guard, row) = guard_of::<M>(seen);
    match run::<M>(session, key, guard, &row, &mut NoRows, Vec::new()).await? {
        0 => Err(refusal::<M>(session, key, seen).await),
        _ => Ok(()),
    }
}

async fn in_own_transaction<M: Model>(
    db: &Db,
    coherence: Coherence,
    key: &Key,
    seen: Option<Seen>,
    owing: bool,
) -> Result<()> {
    let mut retries = Retries::new();
    loop {
        let deleted = once_in_own_transaction::<M>(db, coherence, key, seen, owing).await;
        if !retries.again(deleted.as_ref().err()).await {
            return deleted;
        }
    }
}

async fn once_in_own_transaction<M: Model>(
    db: &Db,
    coherence: Coherence,
    key: &Key,
    seen: Option<Seen>,
    owing: bool,
) -> Result<()> {
    let transaction = db.begin().await?;
    transaction.owe(owing);
    in_transaction::<M>(&transaction, coherence, key, seen).await?;
    transaction.commit().await
}

/// The row is read, and locked, before it is deleted.
async fn in_transaction<M: Model>(
    transaction: &Transaction,
    coherence: Coherence,
    key: &Key,
    seen: Option<Seen>,
) -> Result<()> {
    let _turn = transaction.turn().await;
    let row = seen_row::<M>(Handle::Transaction(transaction), key, seen).await?;
    take::<M>(transaction, coherence, key, seen, row).await
}

/// Deletes the row that the transaction has read, and locked. A write of the same transaction that changed the row since has
/// told the cache of it by itself.
pub(super) async fn delete_read<M: Model>(
    transaction: &Transaction,
    coherence: Coherence,
    key: &Key,
    seen: Option<Seen>,
    row: &KnownRow,
) -> Result<()> {
    if !is_one_row::<M>() {
        return remove::<M>(Handle::Transaction(transaction), coherence, key, Action::Delete, seen).await;
    }
    let _turn = transaction.turn().await;
    seen.map_or(Ok(()), |seen| seen.check(row))?;
    take::<M>(transaction, coherence, key, seen, row.clone()).await
}

async fn take<M: Model>(
    transaction: &Transaction,
    coherence: Coherence,
    key: &Key,
    seen: Option<Seen>,
    row: KnownRow,
) -> Result<()> {
    let session = Handle::Transaction(transaction);
    let table = M::table();
    let key = &key_of(table, &row, key);
    let effects = Effects::of_delete(session, table.id(), &M::dependents(), std::iter::once(key)).await?;
    transaction.touch(table, deleted(table, key, &row), coherence);
    effects.touch(transaction, coherence);
    blind::<M>(session, key, seen).await.inspect_err(|error| transaction.failed(error))?;
    transaction.changed(image(table, key.clone(), ColumnSet::ALL, Some(row), None));
    effects.changed(transaction);
    Ok(())
}

/// Alone: one statement, guarded by the values that the touched tags were taken from.
async fn guarded<M: Model>(
    db: &Db,
    coherence: Coherence,
    key: &Key,
    known: Option<&M>,
    seen: Option<Seen>,
) -> Result<()> {
    let session = Handle::Db(db);
    let table = M::table();
    let mut guard = Guard::new(db, table, ColumnSet::EMPTY, seen);
    let Some(cache) = db.cache() else {
        return blind::<M>(session, key, seen).await;
    };
    let mut before = match known {
        Some(row) => row_of(row)?,
        None => row_before::<M>(session, key).await?,
    };
    for _ in 0..ATTEMPTS {
        let own = key_of(table, &before, key);
        let tags = Tags::of(table, deleted(table, &own, &before));
        let Announced::Closed(quarantine) = Quarantine::close(db, cache, tags, coherence).await? else {
            return in_own_transaction::<M>(db, coherence, key, seen, true).await;
        };
        let mut stored = crate::rows::WholeRows::new(table);
        let delete = run::<M>(session, &own, guard.columns, &before, &mut stored, guard.returning.clone());
        match quarantine.during(delete).await {
            Ok(0) => quarantine.untouched().await,
            Ok(_) => {
                let row = stored.rows.pop().unwrap_or_else(|| guard.vouched(table, &before));
                quarantine.release(vec![image(table, own, ColumnSet::ALL, Some(row), None)]).await;
                return Ok(());
            }
            Err(error) => {
                quarantine.fail(&error).await;
                return Err(error);
            }
        }
        before = seen_row::<M>(session, key, seen).await?;
        guard.narrow();
    }
    in_own_transaction::<M>(db, coherence, key, seen, false).await
}

async fn run<M: Model>(
    session: Handle<'_>,
    key: &Key,
    guard: ColumnSet,
    before: &KnownRow,
    rows: &mut dyn RowSink,
    returning: Vec<usize>,
) -> Result<u64> {
    let target = Target::new(M::table(), 0, key, guard, before);
    let operation = Operation::Delete { filter: target.filter, returning };
    let shape = session.db().shape(M::table(), &operation);
    Ok(session.write(&Statement::new(&shape, &target.values), rows).await?.rows)
}
