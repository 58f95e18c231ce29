//! Everything above the drivers, on every database and with every cache. A test's name tells what it ran on:
//! `operations::postgres_redis::both_styles_do_the_same`.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests report by panicking")]

#[macro_use]
mod support;

mod caching;
mod chunks;
mod cascades;
mod coherence;
mod collations;
mod debts;
mod decimals;
mod deployment;
mod edges;
mod encoded;
mod increments;
mod limits;
mod merging;
mod operations;
mod or_create;
mod outside;
mod pages;
mod pluck;
mod properties;
mod relations;
mod reports;
mod raw;
mod raw_filters;
mod raw_changes;
mod schema;
mod several;
mod stale;
mod urls;
mod renewal;
mod retries;
mod retried;
mod versions;
mod without_returning;
