//! What a cache in front of a shared one asks of the protocol besides.
//!
//! Entries come from the shared cache in answers to reads that overlap. Each read runs under a lease for rows, which
//! knows what moved since it began, and **arrives**: it moves the digest of its key like the tag of a row. So of the
//! reads of one key that overlap only the first that arrives may store what it got.

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{LeaseId, NewEntry, Tag, Token};

use super::{Protocol, own_tag};
use crate::entries::Dependencies;

impl Protocol {
    /// What the entry depends on besides its row's tag, if it may be stored: the read is running, and since it began
    /// nothing that the entry depends on was touched, and no read of the same key arrived.
    pub(crate) fn admit_answer(
        &mut self,
        read: LeaseId,
        entry: &NewEntry,
        digest: Tag,
        now: Duration,
    ) -> Option<Option<Arc<Dependencies>>> {
        let table = entry.key.table();
        let position = self.rows.position(read, table, now)?;
        let own = own_tag(&entry.key, digest);
        // Nothing would ever end a list that depends on nothing.
        if own.is_none() && entry.tags.is_empty() {
            return None;
        }
        let tags = entry.tags.iter().copied().chain([digest, Tag::table(table)]);
        let still = |tag| !self.writers.is_marked(tag) && self.rows.is_unmoved(tag, position);
        if !tags.into_iter().all(still) {
            return None;
        }
        let others: Vec<Tag> = entry.tags.iter().copied().filter(|&tag| Some(tag) != own).collect();
        if others.is_empty() {
            return Some(None);
        }
        let stamps = others.into_iter().map(|tag| (tag, self.noted(tag, table))).collect();
        // No tag moved since the read began, so no change since then concerns the entry.
        Some(Some(Arc::new(Dependencies { stamps, position: self.position, filled: None })))
    }

    /// Says that a read of the entry with this digest has its answer.
    pub(crate) fn arrive(&mut self, digest: Tag) {
        let position = self.advance();
        self.rows.note_move(digest, position);
    }

    /// Ends all fills and reads, and forgets all stamps. Marks stay. The caller removes the entries after this step.
    pub(crate) fn clear(&mut self) {
        self.advance();
        self.fills.end_all();
        self.rows.end_all();
        self.stamps.forget_all();
    }

    /// Whether a writer is at work.
    pub(crate) fn is_at_work(&self, token: Token) -> bool {
        self.writers.is_at_work(token)
    }
}
