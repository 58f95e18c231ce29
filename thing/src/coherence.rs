//! How close what is read stands to what other processes write.

/// What reads and writes promise where each process has a near cache in front of a shared one (`TieredCache`). With
/// other caches all three are the same: a read that begins after a commit has returned sees it, in every process.
///
/// Chosen for a [`Db`](crate::DbBuilder::coherence), for a model by `#[thing(coherence = "…")]`, for one call by
/// [`Things::fresh`](crate::Things::fresh), [`Query::fresh`](crate::Query::fresh) and
/// [`Things::strict`](crate::Things::strict); the nearer choice counts.
///
/// Writes of the own process are visible to it at once, whatever is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coherence {
    /// Reads pass by the near cache: they cost a round trip to the shared one, and are up to date with every process.
    Fresh,
    /// Reads are answered by the near cache; what another process writes is visible to them within the bound of the
    /// cache.
    #[default]
    Bounded,
    /// Reads are answered by the near cache, and writes wait before they commit until no process would be answered by
    /// what they change: reads are up to date with every process whose writes are strict.
    Strict,
}
