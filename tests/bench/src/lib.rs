//! Benchmarks: Thing beside the raw SQLite clients, in one process and in interleaved rounds.
//!
//! ```text
//! data ──▶ template database ── copied for each round ──▶ subjects ── workloads ──▶ measurements ──▶ report, bars
//! ```
//!
//! `cargo bench -p thing-bench` compares; `thing-bench` runs Thing alone and prints one JSON line for each workload.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used, clippy::unwrap_used)]

pub mod arguments;
pub mod data;
pub mod seed;
pub mod subject;
pub mod subjects;
pub mod server;
pub mod meter;
pub mod workload;
pub mod suite;
pub mod report;
pub mod bars;
