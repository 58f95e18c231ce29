//! Keeps the memory told: hears what other processes invalidate, and opens a new stream when one ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thing_driver_api::{CacheClient, Error, Gate, Invalidation, InvalidationStream, Result};

use crate::near::Near;

/// The pause between two streams, however often they end.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Runs until it is aborted, or until the shared cache says that it tells no invalidations.
pub(crate) async fn keep(near: Arc<Near>, shared: Arc<dyn CacheClient>) {
    let mut pause = PAUSE;
    loop {
        let began = Instant::now();
        match shared.invalidations(near.config.bound).await {
            Ok(Some(stream)) => {
                if let Err(error) = hear(&near, stream).await {
                    near.explain(error);
                }
            }
            // The memory stays closed: most caches say this because they have no stream, not because nobody writes.
            Ok(None) => {
                return near.explain(Error::unsupported("the shared cache does not tell what others invalidate"));
            }
            Err(error) => near.explain(error),
        }
        if began.elapsed() > LONGEST_PAUSE {
            pause = PAUSE;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Serves until the stream ends, or an invalidation can't be applied.
async fn hear(near: &Near, mut stream: Box<dyn InvalidationStream>) -> Result<()> {
    // Ends before the stream does.
    let serving = Serving { near, gate: stream.gate() };
    near.open(serving.gate.clone())?;
    loop {
        let invalidation = stream.next().await?;
        near.counters.heard.add(1);
        apply(near, invalidation).await?;
    }
}

/// The time in which the memory serves by one stream.
struct Serving<'a> {
    near: &'a Near,
    gate: Arc<Gate>,
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.gate.close();
        self.near.shut();
    }
}

/// Does to the memory what another process did to the shared cache.
async fn apply(near: &Near, invalidation: Invalidation) -> Result<()> {
    let memory = &near.memory;
    match invalidation {
        Invalidation::Quarantined { tags, token, duration } => memory.quarantine(&tags, token, duration).await,
        Invalidation::Released { tags, token, outcome } => memory.release(&tags, token, outcome).await,
        Invalidation::Voided(tags) => memory.void(&tags).await,
        Invalidation::VoidedTable(table) => memory.void_table(table).await,
    }
}
