//! Writing: the order in which the two caches are told.

use std::time::Duration;

use thing_driver_api::{CacheClient, Outcome, Result, TableId, Tag, Token};

use crate::client::Tiers;

impl Tiers {
    /// The memory first: a write that the shared cache refuses is undone here, which no other process has to hear.
    pub(crate) async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        let memory = &self.near.memory;
        let renewal = memory.is_at_work(token)?;
        memory.quarantine(tags, token, duration).await?;
        let closed = self.shared.quarantine(tags, token, duration).await;
        // A renewal that failed is of a write that may be about to commit: its marks stay until they lapse.
        if closed.is_err() && !renewal {
            memory.release(tags, token, Outcome::Nothing).await?;
        }
        closed
    }

    /// The shared cache first. What this process reads in between it does not keep: the memory is closed until after.
    pub(crate) async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        let released = self.shared.release(tags, token, outcome.clone()).await;
        let outcome = if released.is_ok() { outcome } else { Outcome::Unlisted };
        self.near.memory.release(tags, token, outcome).await?;
        released
    }

    /// The shared cache first: the other way round a reader in between would bring back from there what was just
    /// forgotten here. What it brings before this forgets the memory it does not keep.
    pub(crate) async fn void(&self, tags: &[Tag]) -> Result<()> {
        let voided = self.shared.void(tags).await;
        self.near.memory.void(tags).await?;
        voided
    }

    /// As [`Tiers::void`].
    pub(crate) async fn void_table(&self, table: TableId) -> Result<()> {
        let voided = self.shared.void_table(table).await;
        self.near.memory.void_table(table).await?;
        voided
    }
}
