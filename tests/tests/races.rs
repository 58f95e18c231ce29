//! Races between readers and writers, played in chosen orders instead of by chance.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests report by panicking")]

#[path = "races/broken.rs"]
mod broken;
#[path = "races/explorer.rs"]
mod explorer;
#[path = "races/fake.rs"]
mod fake;
#[path = "races/faults.rs"]
mod faults;
#[path = "races/gates.rs"]
mod gates;
#[path = "races/interleavings.rs"]
mod interleavings;
#[path = "races/scripts.rs"]
mod scripts;
#[path = "races/stage.rs"]
mod stage;
#[path = "races/transactions.rs"]
mod transactions;
