//! Counts allocations: runs a part of the suite and prints workload, subject and allocations for each operation.
//!
//! Run by the comparison, with the names of the workloads as its only argument. Apart from it, because the counting
//! itself takes time. What SQLite allocates is not counted.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use thing_bench::meter::Meter;
use thing_bench::seed::Template;
use thing_bench::suite::{self, Options};
use thing_bench::workload::Load;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocations() -> u64 {
    let counted = ALLOCATOR.stats();
    (counted.allocations + counted.reallocations) as u64
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map(std::path::PathBuf::from).expect("the first argument is a folder");
    let only = arguments.next().and_then(|only| only.into_string().ok()).unwrap_or_default();
    let options = Options {
        rounds: 1,
        load: Load { scale: 0.1, meter: Meter::with_allocations(allocations) },
        subjects: Vec::new(),
        only: only.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    };
    let copies = tempfile::tempdir_in(&folder).expect("a folder for copies is made");
    let outcome = suite::run(&options, &Template::in_folder(&folder), copies.path());
    for sample in outcome.samples {
        if let Some(count) = sample.measurement.allocations {
            println!("{}\t{}\t{count}", sample.workload, sample.subject);
        }
    }
}
