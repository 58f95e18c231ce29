//! A near cache in each process over a shared cache: hot entries are answered from memory, and writes of other
//! processes reach them in time.
//!
//! ```text
//! peek/load ─▶ gate open? ─▶ memory ── hit, or behind by known changes ───────────────▶ answer
//!                  └─ no ─────┴─ no ─▶ shared cache ─▶ kept, if nothing came between ─▶ answer
//! lease, store ─▶ shared cache ─▶ what it kept is kept
//! write    quarantine: memory ─▶ shared     release, void: shared ─▶ memory
//! keeper   shared ── invalidations ──▶ memory, and the gate: until when it may answer
//!     near     the memory and its gate        fills    what was noted for which lease
//! ```
//!
//! ```no_run
//! use thing_cache_memory::MemoryConfig;
//! use thing_cache_tiered::{TieredCache, TieredConfig};
//! # use thing_driver_api::CacheClient;
//!
//! # fn example(redis: impl CacheClient) {
//! let cache = TieredCache::new(MemoryConfig::default(), redis, TieredConfig::default());
//! let for_the_db = cache.clone(); // the same cache; keep one for its statistics
//! # drop(for_the_db);
//! # }
//! ```
//!
//! # What is promised
//!
//! 1. **A hit is never older than the bound.** What another process committed is seen by every read that begins
//!    [`TieredConfig::bound`] later, whatever became of messages. Messages need a fraction of a millisecond.
//! 2. **Own writes are seen at once**, by every read that begins after the write returned.
//! 3. **Reads of one entry never go back** within the process: what a read got from either cache, or stored, no later
//!    read is behind. A read that passes by the cache, or that the cache sent to the database without leave to store (a
//!    writer is at work, the cache fails), is not known here; it may be ahead of a hit, by the bound at most.
//! 4. **Where writers [settle](thing_driver_api::CacheClient::settle)** between quarantine and commit, and for a
//!    [fresh](thing_driver_api::Wanted::fresh) read, it is as if there were the shared cache alone.
//!
//! # Why a hit is never wrong
//!
//! The memory runs the whole protocol of the memory cache. An invalidation is a quarantine, release or void in it, so
//! its own log judges its own lists. What is said there holds here for everything that the memory was told. What
//! remains is that it is told in time, and that nothing comes in behind what it was told.
//!
//! - **The gate comes first, then the look.** While the gate is open, every invalidation is applied that was sent more
//!   than the bound ago, and every one whose writer has settled: the gate opens only behind what was sent before, and a
//!   writer settles by being heard or by the gate's end. So what is found by a look *after* it was seen open is as new as
//!   that, at the moment it was seen open, and that is after the read began. The other way round an entry that was found
//!   could be invalidated and the gate close and open again before it is looked at.
//! - **A mark outlives no commit.** The message of a quarantine is sent before the commit. Until it is applied, what the
//!   memory holds is what promises 1 and 4 allow. From then until the release is applied, the memory has neither the
//!   rows, nor lists that depend on the tags, nor takes any. A release whose quarantine it never heard voids.
//! - **What comes in is as new as its lease** (R14). The memory gives a lease before the shared cache is asked, or before
//!   the shared cache gives its own and the database is read. The memory keeps the answer only if nothing that the entry
//!   depends on was marked, released or voided since. So for each commit either the answer has it, or its invalidation
//!   comes after the answer and ends it. Entries from the shared cache depend on the tags that the reader names, those
//!   that say that a row is absent on the rows of the table too; a list of which no tag is named is not kept.
//! - **Of answers that overlap only the first is kept**, and one that comes later and says something else ends it. The
//!   shared cache is linearizable: of two answers the newer can be told only if one was asked for after the other came.
//!   So an answer ends what is held under its key and all leases of before for that key, unless it replaces it or says
//!   the same (promise 3). An answer that is no hit does too.
//! - **Own writes** mark the memory before the shared cache and open it after: a read that overlaps the write brings
//!   nothing in that it got before the release. If the shared cache refuses the quarantine, the write has not happened,
//!   and the memory goes back; but not where the quarantine renews an earlier one, whose writer may be about to commit.
//! - **Voids** go to the shared cache first. The other way round a reader in between would bring back from there what
//!   the memory just forgot, under a lease of after it.
//! - **One stream, one life.** When a stream breaks, its gate closes for good and the memory is cleared. It is cleared
//!   again, with all leases, when the next stream is there and before its gate takes the old one's place: nothing that
//!   was leased while no stream told of writes is ever stored, and nothing stored then is ever served. Marks stay; those
//!   whose release went unheard lapse.
//! - **Silence.** A message may be late or lost, a connection dead, a server restarted or its process stopped: the gate
//!   closes by time. While it is closed reads go to the shared cache, with its promise. What they bring is kept, because
//!   the gate opens again only behind what was sent meanwhile. Time is that of [`Instant`](std::time::Instant), which
//!   stands still on some systems while the machine sleeps or is moved: after that, the bound is what was left of it.
//! - **Programs with other scopes** ([`declare`](thing_driver_api::CacheClient::declare)): as soon as the shared client
//!   says that there are some, lists of the table are forgotten, with all leases, and none is held until it says that
//!   they are gone.
//! - **A memory that is out of order** (a thread panicked in it) can't be told anything. Its gate closes, and it can't be
//!   cleared for another.
//!
//! # What it costs
//!
//! A hit of a row is the memory cache's hit, with one atomic load and one reading of the clock before it. A read of the
//! shared cache is two short critical sections longer. A write pays two such sections in its own process,
//! and two in each other: every process hears of every write, whether it holds what was written or not. An entry in memory is decoded once, by its first reader, and shared from then on.
//!
//! The shared client belongs to the `TieredCache`: a client does not hear what it did itself, so a write by another
//! handle to the same client would be seen here only when entries expire. Everything that writes through Thing in this
//! process uses clones of the `TieredCache`, or has a client of its own.

mod client;
mod config;
mod near;
mod load;
mod lease;
mod store;
mod write;
mod fills;
mod keeper;
mod counters;

pub use client::TieredCache;
pub use config::TieredConfig;
