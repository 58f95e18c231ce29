//! What a raw statement changes, and how the cache learns of it.
//!
//! ```text
//! tables alone    close the tables ─▶ statement ─▶ open them, everything forgotten
//! rows            transaction: rows before, locked ─▶ statement ─▶ rows after ─▶ COMMIT as of any other write
//! ```

use std::sync::Arc;

use thing_driver_api::{Change, ColumnSet, Key, Result, RowSink, Statement, Table, Tag, Written};

use crate::cache::{Announced, KnownRow, Quarantine, Tags, deleted, image, inserted, updated};
use crate::session::Handle;
use crate::write::{find_row, key_of};
use crate::{Coherence, Db, Model, Transaction};

/// The tables and rows that a raw statement says it changes.
#[derive(Clone, Default)]
pub(super) struct Changes {
    tables: Vec<&'static Arc<Table>>,
    rows: Vec<(&'static Arc<Table>, Key)>,
    strict: bool,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.rows.is_empty()
    }

    pub(super) fn with_table<M: Model>(mut self) -> Self {
        self.tables.push(M::table());
        self.strict |= M::COHERENCE == Some(Coherence::Strict);
        self
    }

    pub(super) fn with_rows<M: Model>(mut self, keys: Vec<Key>) -> Self {
        self.rows.extend(keys.into_iter().map(|key| (M::table(), key)));
        self.strict |= M::COHERENCE == Some(Coherence::Strict);
        self
    }

    /// Runs the statement, and has the cache know what it changed.
    pub(super) async fn around(
        &self,
        session: Handle<'_>,
        statement: &Statement<'_>,
        rows: &mut dyn RowSink,
    ) -> Result<Written> {
        match session {
            _ if self.is_empty() || session.db().cache().is_none() => session.write(statement, rows).await,
            Handle::Db(db) if self.rows.is_empty() => self.alone(db, statement, rows).await,
            Handle::Db(db) => self.in_own_transaction(db, false, statement, rows).await,
            Handle::Transaction(transaction) => self.within(transaction, statement, rows).await,
        }
    }

    fn coherence(&self, db: &Db) -> Coherence {
        if self.strict { Coherence::Strict } else { db.coherence() }
    }

    async fn alone(&self, db: &Db, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let session = Handle::Db(db);
        let Some(cache) = db.cache() else { return session.write(statement, rows).await };
        let mut tags = Tags::default();
        self.tables.iter().for_each(|table| tags.add(table, vec![Tag::table(table.id())]));
        let Announced::Closed(quarantine) = Quarantine::close(db, cache, tags, self.coherence(db)).await? else {
            return self.in_own_transaction(db, true, statement, rows).await;
        };
        let written = quarantine.during(session.write(statement, rows)).await;
        match &written {
            Ok(_) => quarantine.release_unlisted().await,
            Err(error) => quarantine.fail(error).await,
        }
        written
    }

    async fn in_own_transaction(
        &self,
        db: &Db,
        owing: bool,
        statement: &Statement<'_>,
        rows: &mut dyn RowSink,
    ) -> Result<Written> {
        let transaction = db.begin().await?;
        transaction.owe(owing);
        let written = self.within(&transaction, statement, rows).await?;
        transaction.commit().await?;
        Ok(written)
    }

    async fn within(
        &self,
        transaction: &Transaction,
        statement: &Statement<'_>,
        rows: &mut dyn RowSink,
    ) -> Result<Written> {
        let session = Handle::Transaction(transaction);
        let coherence = self.coherence(transaction.db());
        let _turn = transaction.turn().await;
        // Until it is known what the statement did it may have done anything.
        let mut suspected: Vec<&'static Arc<Table>> = self.rows.iter().map(|(table, _)| *table).collect();
        suspected.dedup_by_key(|table| table.id());
        suspected.iter().for_each(|table| transaction.suspect(table, coherence));
        let whole = |table: &&Arc<Table>| transaction.touch(table, vec![Tag::table(table.id())], coherence);
        self.tables.iter().for_each(whole);
        let before = self.images(session).await?;
        let written = session.write(statement, rows).await?;
        let after = self.images(session).await?;
        let mut absent = Vec::new();
        for (((table, key), before), after) in self.rows.iter().zip(before).zip(after) {
            if before.is_none() {
                absent.push(table.id());
            }
            for (tags, change) in effects(table, key, before, after) {
                transaction.touch(table, tags, coherence);
                transaction.changed(change);
            }
        }
        // Nothing locks a row that is not there: another may have added it meanwhile, and the statement have changed it.
        suspected.retain(|table| !absent.contains(&table.id()));
        suspected.iter().for_each(|table| transaction.clear(table));
        Ok(written)
    }

    async fn images(&self, session: Handle<'_>) -> Result<Vec<Option<KnownRow>>> {
        let mut images = Vec::with_capacity(self.rows.len());
        for (table, key) in &self.rows {
            images.push(find_row(session, table, key).await?);
        }
        Ok(images)
    }
}

/// What became of one row. It goes by the key that it has in the database; one that is spelt anew is another.
fn effects(
    table: &Table,
    key: &Key,
    before: Option<KnownRow>,
    after: Option<KnownRow>,
) -> Vec<(Vec<Tag>, Arc<Change>)> {
    let add = |key: Key, row| (inserted(table, Some(&key), &row), image(table, key, ColumnSet::ALL, None, Some(row)));
    let remove = |key: Key, row| (deleted(table, &key, &row), image(table, key, ColumnSet::ALL, Some(row), None));
    let own = |row: &KnownRow| key_of(table, row, key);
    match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(row)) => vec![add(own(&row), row)],
        (Some(row), None) => vec![remove(own(&row), row)],
        (Some(old), Some(new)) if own(&old) != own(&new) => vec![remove(own(&old), old), add(own(&new), new)],
        (Some(old), Some(new)) => {
            let differing: ColumnSet =
                (0..table.columns().len()).filter(|&column| old[column] != new[column]).collect();
            if differing.is_empty() {
                return Vec::new();
            }
            let (tags, key) = (updated(table, &own(&old), differing, &old, &new), own(&old));
            vec![(tags, image(table, key, differing, Some(old), Some(new)))]
        }
    }
}
