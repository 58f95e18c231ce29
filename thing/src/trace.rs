//! Spans and events of the crate `tracing`, all with the target `thing::cache` but the last; nothing without the feature `tracing`.
//!
//! | | level | |
//! |---|---|---|
//! | span `quarantine` | debug | a write tells the cache what it is about to change |
//! | span `settle` | debug | a strict write waits for the near caches of other processes |
//! | span `commit` | debug | the statement, or the commit, between the two |
//! | span `release` | debug | a write tells the cache what it did |
//! | span `fill` | debug | a read of the database that the cache will remember |
//! | event `miss` | debug | the cache did not answer, with the reason |
//! | event `cache error` | warn | the cache failed a command |
//! | event `debt`, `debts paid` | warn, info | a write was carried out although the cache could not be told; that was made good |
//! | event `listener failed` | error | a hook or a listener failed after the end of a transaction; target `thing::hooks` |

#[cfg(feature = "tracing")]
mod enabled {
    use tracing::Instrument as _;

    /// Runs the work in a span; `size` is how many things it is about.
    pub(crate) fn span<F: Future>(name: &'static str, size: usize, work: F) -> impl Future<Output = F::Output> {
        let span = match name {
            "quarantine" => tracing::debug_span!(target: "thing::cache", "quarantine", tags = size),
            "settle" => tracing::debug_span!(target: "thing::cache", "settle"),
            "commit" => tracing::debug_span!(target: "thing::cache", "commit"),
            "release" => tracing::debug_span!(target: "thing::cache", "release", tags = size),
            _ => tracing::debug_span!(target: "thing::cache", "fill"),
        };
        work.instrument(span)
    }

    pub(crate) fn miss(reason: impl std::fmt::Debug) {
        tracing::debug!(target: "thing::cache", ?reason, "miss");
    }

    pub(crate) fn cache_error() {
        tracing::warn!(target: "thing::cache", "cache error");
    }

    pub(crate) fn debt() {
        tracing::warn!(target: "thing::cache", "debt");
    }

    pub(crate) fn debts_paid(count: u64) {
        tracing::info!(target: "thing::cache", count, "debts paid");
    }

    pub(crate) fn listener_error(error: Option<&thing_driver_api::Error>) {
        let error = error.map_or_else(|| "it panicked".to_owned(), ToString::to_string);
        tracing::error!(target: "thing::hooks", error, "listener failed");
    }
}

#[cfg(not(feature = "tracing"))]
mod disabled {
    pub(crate) fn span<F: Future>(_: &'static str, _: usize, work: F) -> F {
        work
    }

    pub(crate) fn miss(_: impl std::fmt::Debug) {}

    pub(crate) fn cache_error() {}

    pub(crate) fn debt() {}

    pub(crate) fn debts_paid(_: u64) {}

    pub(crate) fn listener_error(_: Option<&thing_driver_api::Error>) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) use disabled::{cache_error, debt, debts_paid, listener_error, miss, span};
#[cfg(feature = "tracing")]
pub(crate) use enabled::{cache_error, debt, debts_paid, listener_error, miss, span};
