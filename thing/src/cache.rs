//! The core's side of the cache: how entries are named, what they hold, when they are read, and when they stop being
//! true.
//!
//! ```text
//! read    question ─▶ read_through ── hit ──────────────▶ stored
//!                        │  └─ behind ─▶ judge ─ unaffected ─▶ stored
//!                        └─ miss ─▶ flight (lease) ─▶ database ─▶ stored
//! write   image ─▶ touched tags ─▶ invalidate: quarantine ─▶ database ─▶ release
//! ```

mod stored;
mod codec;
mod question;
mod touched;
mod judge;
mod evaluate;
#[cfg(feature = "json")]
mod document;
mod flight;
mod leases;
mod read_through;
mod invalidate;
mod usage;
mod renew;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::clock::Clock;
use thing_driver_api::{CacheClient, CacheStatistics};

pub(crate) use evaluate::{Evaluator, Exactness};
pub(crate) use flight::{Filling, Moment, Turn};
pub(crate) use invalidate::{Announced, Quarantine};
pub(crate) use judge::has_text;
pub(crate) use leases::Leases;
pub(crate) use question::{Kind, Question};
pub(crate) use read_through::{Answer, ObjectAnswer, Reach};
pub(crate) use stored::{Keys, Stored};
pub(crate) use touched::{KnownRow, LISTED, Tags, deleted, image, inserted, updated};
pub(crate) use usage::{Counts, Missed, Usage};

/// How long a quarantine lasts when its writer never ends it. A write takes far less; a busy database may hold it for
/// the driver's busy timeout.
pub(crate) const QUARANTINE: Duration = Duration::from_secs(30);
/// How often the quarantines of writes that are under way are renewed: so often that two renewals may fail.
const RENEWAL: Duration = Duration::from_secs(10);

/// The cache of one `Db`.
pub(crate) struct Cache {
    client: Arc<dyn CacheClient>,
    /// Ticks while there are writes under way.
    ticks: Arc<Clock>,
    renewals: Arc<renew::Renewals>,
    flights: flight::Flights,
    /// Lists with more keys are not remembered.
    list_limit: usize,
}

impl Cache {
    pub(crate) fn new(client: Arc<dyn CacheClient>, list_limit: usize) -> Self {
        Self {
            client,
            ticks: Clock::new(RENEWAL),
            renewals: Arc::default(),
            flights: flight::Flights::default(),
            list_limit,
        }
    }

    /// The client itself: called through its `Arc`, each call would make a second boxed future.
    pub(crate) fn client(&self) -> &dyn CacheClient {
        &*self.client
    }

    pub(crate) fn list_limit(&self) -> usize {
        self.list_limit
    }

    pub(crate) fn statistics(&self) -> CacheStatistics {
        self.client.statistics()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("client", &self.client).finish_non_exhaustive()
    }
}
