//! The promise under every interleaving of small programs: a hit that begins after a commit is never older than it.
//!
//! Each command of the cache is one short critical section, so the interleavings of commands are all there is. The
//! programs are readers and writers of a database in memory; after each step, every entry is looked at. Programs with a
//! mistake in them show that the check would notice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod explorer;
mod world;

mod rows;
mod absence;
mod lists;
mod mistakes;
