//! Writes: what is about to be written goes into the history before it is sent, and how it ended as soon as that is known.

use thing::{Loaded, Result, Transaction};

use super::client::Client;
use crate::clock;
use crate::history::{ErrorClass, Outcome, Record, WriteKind};
use crate::instrument::WRITE;
use crate::model::{Item, RowKey, WriteId, note_of};

const WRITES: &[(u64, WriteKind)] = &[
    (360, WriteKind::Save),
    (70, WriteKind::Flag),
    (110, WriteKind::Move),
    (40, WriteKind::Replace),
    (130, WriteKind::Create),
    (40, WriteKind::Delete),
    (40, WriteKind::DeleteLoaded),
    (70, WriteKind::Transaction),
    (20, WriteKind::Savepoint),
    (40, WriteKind::RollBack),
    (20, WriteKind::CreateMany),
    (20, WriteKind::SaveMany),
    (10, WriteKind::DeleteMany),
    (30, WriteKind::SaveGroup),
];

/// A write in progress.
struct Writing<'a> {
    client: &'a Client,
    id: WriteId,
    parts: u8,
    start: u64,
}

impl Client {
    /// One write; whether it succeeded, or failed for a reason of its own.
    pub(super) async fn write(&self) -> bool {
        let kind = self.random.weighted(WRITES).unwrap_or(WriteKind::Save);
        let mut writing = Writing { client: self, id: self.next_write(), parts: 0, start: clock::now() };
        let result = WRITE.scope(writing.id, writing.perform(kind)).await;
        let outcome = if kind == WriteKind::RollBack { Outcome::RolledBack } else { Outcome::of(&result) };
        if writing.parts > 0 || result.is_err() {
            let Writing { id: write, start, .. } = writing;
            self.history().write(Record::Written { write, kind, outcome, start, end: clock::now() });
        }
        match &result {
            Ok(()) => true,
            Err(error) => matches!(ErrorClass::of(error), ErrorClass::NotFound | ErrorClass::Constraint),
        }
    }
}

impl Writing<'_> {
    async fn perform(&mut self, kind: WriteKind) -> Result<()> {
        let client = self.client;
        match kind {
            WriteKind::Save | WriteKind::Flag | WriteKind::Move | WriteKind::Replace => {
                let Some(mut item) = client.find(client.some_item()).await? else { return Ok(()) };
                self.change(&mut item, kind);
                if kind == WriteKind::Replace {
                    return client.db().things::<Item>().save_plain(item.into_inner()).await.map(drop);
                }
                item.save(client.db()).await
            }
            WriteKind::Create => {
                let mut id = client.any_item();
                for _ in 0..10 {
                    // Most are there; one that is not is a better try.
                    if client.find(id).await?.is_none() {
                        break;
                    }
                    id = client.any_item();
                }
                let item = self.new_item(id);
                client.db().things::<Item>().create(item).await.map(drop)
            }
            WriteKind::Delete | WriteKind::DeleteLoaded => {
                let Some(item) = client.find(client.some_item()).await? else { return Ok(()) };
                self.part(RowKey::item(item.id), 0);
                if kind == WriteKind::Delete {
                    return client.db().things::<Item>().delete(item.id).await;
                }
                item.delete(client.db()).await
            }
            WriteKind::Transaction | WriteKind::RollBack => {
                let transaction = client.db().begin().await?;
                self.several(&transaction).await?;
                if kind == WriteKind::RollBack { transaction.rollback().await } else { transaction.commit().await }
            }
            WriteKind::Savepoint => {
                let transaction = client.db().begin().await?;
                self.several(&transaction).await?;
                let inner = transaction.begin().await?;
                self.several(&inner).await?;
                inner.rollback().await?;
                transaction.commit().await
            }
            WriteKind::CreateMany | WriteKind::SaveMany | WriteKind::DeleteMany => self.many(kind).await,
            WriteKind::SaveGroup => {
                let Some(mut group) = client.find_group(client.some_group()).await? else { return Ok(()) };
                group.value = self.value(RowKey::group(group.id));
                group.note = note_of(group.value);
                group.save(client.db()).await
            }
        }
    }

    /// Changes some rows in a transaction; in the order of their keys, so that few transactions lock each other out.
    async fn several(&mut self, transaction: &Transaction) -> Result<()> {
        let client = self.client;
        let mut ids: Vec<i64> = (0..client.random.between(2, 4)).map(|_| client.some_item()).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let items = transaction.things::<Item>();
            match items.find(id).await? {
                None => drop(items.create(self.new_item(id)).await?),
                Some(item) if client.random.per_mille(200) => {
                    self.part(RowKey::item(id), 0);
                    item.delete(transaction).await?;
                }
                Some(mut item) => {
                    let kind = if client.random.per_mille(400) { WriteKind::Move } else { WriteKind::Save };
                    self.change(&mut item, kind);
                    item.save(transaction).await?;
                }
            }
        }
        Ok(())
    }

    async fn many(&mut self, kind: WriteKind) -> Result<()> {
        let client = self.client;
        let mut ids: Vec<i64> = (0..20).map(|_| client.any_item()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found = client.find_several(&ids).await?;
        found.sort_unstable_by_key(|item| item.id);
        let items = client.db().things::<Item>();
        match kind {
            WriteKind::CreateMany => {
                ids.retain(|id| found.iter().all(|item| item.id != *id));
                ids.truncate(4);
                let new: Vec<Item> = ids.iter().map(|id| self.new_item(*id)).collect();
                items.create_many(new).await.map(drop)
            }
            WriteKind::SaveMany => {
                found.truncate(4);
                found.iter_mut().for_each(|item| self.change(item, WriteKind::Flag));
                items.save_many(&mut found).await
            }
            _ => {
                found.truncate(2);
                found.iter().for_each(|item| self.part(RowKey::item(item.id), 0));
                items.delete_many(found.iter().map(|item| item.id)).await
            }
        }
    }

    fn change(&mut self, item: &mut Loaded<Item>, kind: WriteKind) {
        item.value = self.value(RowKey::item(item.id));
        item.note = note_of(item.value);
        if matches!(kind, WriteKind::Flag | WriteKind::Replace) {
            item.flag = !item.flag;
        }
        if matches!(kind, WriteKind::Move | WriteKind::Replace) {
            item.group_id = self.client.any_group();
        }
    }

    fn new_item(&mut self, id: i64) -> Item {
        let value = self.value(RowKey::item(id));
        let flag = self.client.random.per_mille(333);
        Item { id, group_id: self.client.any_group(), value, note: note_of(value), flag }
    }

    /// Says that a row is about to get a value, and which.
    fn value(&mut self, row: RowKey) -> i64 {
        let value = self.id.value(self.parts);
        self.part(row, value);
        value.cast_signed()
    }

    fn part(&mut self, row: RowKey, value: u64) {
        self.parts += 1;
        self.client.history().write(Record::Part { write: self.id, row, value, start: clock::now() });
    }
}
