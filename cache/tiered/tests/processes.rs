//! The conformance suite where each step is done by another of several processes, whose writers settle: no reader of any
//! process is ever behind.

mod support;

use std::time::Duration;

use support::{Several, SharedMemory, process};
use thing_conformance::cache::CASES;

/// What one cache does and several near caches need not: see at once an entry that another process stored without a
/// write, stamped anew, or gave a time to live.
const OF_ONE_CACHE: [&str; 4] = [
    "entries::a_later_fill_replaces_the_entry",
    "entries::time_to_live_ends",
    "lists::restamp_revives",
    "lists::a_restamp_does_not_bring_back_the_old_content",
];
/// Twenty thousand writes each, of which the memory cache's own tests say the same.
const LENGTHY: [&str; 2] = ["rows::a_touch_long_ago_counts", "lists::behind_is_complete_or_a_miss"];

async fn empty_caches() -> Several {
    let server = SharedMemory::new();
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(process(&server, Duration::from_secs(10)).await.cache);
    }
    Several::new(clients)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_is_behind_a_writer_that_settles() {
    let left_out = |name| OF_ONE_CACHE.contains(&name) || LENGTHY.contains(&name);
    for case in CASES.iter().filter(|case| !left_out(case.name)) {
        case.run(&empty_caches).await;
    }
}
