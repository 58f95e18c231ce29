//! A cache in this process's memory: for a program that is the only one to write its database, or as the near part of
//! a shared cache.
//!
//! ```text
//! peek/load ──▶ entries (a bounded store) ──▶ an object's presence is its validity; anything else compares stamps
//! lease, store, quarantine, release, void ──▶ protocol (one mutex, short critical sections)
//!     writers  who marks which tag        stamps  when a tag last moved         log  what moved it
//!     fills    who may store what         rows    which rows moved lately
//! ```
//!
//! ```
//! use thing_cache_memory::{MemoryCache, MemoryConfig};
//!
//! let cache = MemoryCache::new(MemoryConfig::default().max_bytes(256 << 20));
//! let for_the_db = cache.clone(); // the same cache; keep one for its statistics
//! # drop(for_the_db);
//! # use thing_driver_api::CacheClient;
//! assert_eq!(cache.statistics().hits, 0);
//! ```
//!
//! Nothing survives the process, and no other process is told of a write. Where several processes write one database,
//! use a cache that they share.

mod client;
mod near;
mod config;
mod entries;
mod protocol;
mod counters;
mod clock;

pub use client::MemoryCache;
pub use clock::{Clock, CoarseClock};
pub use config::MemoryConfig;
