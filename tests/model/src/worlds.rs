//! The worlds that are explored.

use crate::configuration::{Configuration, Demand, Faults, Near, WriterKind, WriterPlan};

/// One row, two writers and two readers, each a process of its own, without near caches or past them.
pub const ROW: Configuration = Configuration {
    name: "row",
    tags: 1,
    near: Near::None,
    processes: 2,
    readers: &[2, 2],
    writers: &[WriterPlan::new(0), WriterPlan::new(1)],
    repairers: &[],
    faults: Faults::ALL,
    fault_budget: 0,
    pauses: 0,
    demand: Demand::Promised,
};

/// The same with a third writer.
pub const ROW_THREE_WRITERS: Configuration = Configuration {
    name: "row, three writers",
    processes: 3,
    readers: &[3, 3],
    writers: &[WriterPlan::new(0), WriterPlan::new(1), WriterPlan::new(2)],
    ..ROW
};

/// A list that depends on two tags: one write changes it, one touches both tags and does not.
pub const LIST: Configuration = Configuration {
    name: "list",
    tags: 2,
    writers: &[WriterPlan::new(0).listed(2, true), WriterPlan::new(1).listed(3, false)],
    ..ROW
};

/// A list and three writes, one of which does not list what it changes.
pub const LIST_THREE_WRITERS: Configuration = Configuration {
    name: "list, three writers",
    tags: 2,
    processes: 3,
    readers: &[3],
    writers: &[
        WriterPlan::new(0).listed(3, true),
        WriterPlan::new(1).listed(1, false),
        WriterPlan { listed: false, ..WriterPlan::new(2).listed(2, true) },
    ],
    ..ROW
};

/// Two writers that leave debts when they can't reach the cache, a usual one, and two replayers.
pub const DEBT: Configuration = Configuration {
    name: "debts",
    processes: 3,
    readers: &[3],
    writers: &[
        WriterPlan::new(0).kind(WriterKind::Debt),
        WriterPlan::new(1).kind(WriterKind::Debt),
        WriterPlan::new(2),
    ],
    repairers: &[0, 1],
    ..ROW
};

/// A writer that knows nothing of the cache, and a feed that tells of it, with near caches in two processes.
pub const FEED: Configuration = Configuration {
    name: "feed, near",
    near: Near::Bounded,
    processes: 2,
    readers: &[1],
    writers: &[WriterPlan::new(0).kind(WriterKind::Outside), WriterPlan::new(0)],
    repairers: &[0],
    ..ROW
};

/// Two processes with near caches, a writer and a reader in each.
pub const NEAR: Configuration = Configuration {
    name: "near",
    near: Near::Bounded,
    processes: 2,
    readers: &[0, 1],
    writers: &[WriterPlan::new(0), WriterPlan::new(1)],
    ..ROW
};

/// Two readers of one process with a near cache, a writer in another.
pub const NEAR_TWO_READERS: Configuration =
    Configuration { name: "near, two readers", readers: &[1, 1], writers: &[WriterPlan::new(0)], ..NEAR };

/// Two processes with near caches and strict writers.
pub const STRICT: Configuration = Configuration { name: "strict", near: Near::Strict, ..NEAR };

/// A strict writer and a reader in each of two other processes.
pub const STRICT_THREE: Configuration = Configuration {
    name: "strict, three processes",
    processes: 3,
    readers: &[1, 2],
    writers: &[WriterPlan::new(0)],
    ..STRICT
};

/// A strict writer and one reader in another process.
pub const STRICT_ONE: Configuration =
    Configuration { name: "strict, one reader", processes: 2, readers: &[1], writers: &[WriterPlan::new(0)], ..STRICT };

/// The worlds that are explored to their end, with faults and pauses. Depth 1 takes half a minute and 200 MB,
/// depth 2 half an hour and 4 GB.
pub fn worlds(depth: u8) -> Vec<Configuration> {
    let all = |world: Configuration, budget, pauses| world.with_faults(Faults::ALL, budget).with_pauses(pauses);
    let more = depth.saturating_sub(1);
    let mut worlds = vec![
        all(ROW, 2 + more, 2),
        all(ROW_THREE_WRITERS, 1 + more, 1),
        all(LIST, 2 + more, 0),
        all(LIST, 1 + more, 2),
        all(LIST_THREE_WRITERS, 1 + more, 0),
        all(DEBT, 1 + more, 1),
        all(DEBT, 0, 0).with_faults(Faults::CUT | Faults::CRASH | Faults::RESTART, 2 + more),
        all(FEED, more, 1),
        all(FEED, 0, 0).with_faults(Faults::CRASH | Faults::RESTART, 1 + more),
        all(NEAR, more, 0),
        all(NEAR_TWO_READERS, 1 + more, 0),
        all(NEAR_TWO_READERS, 0, 2),
        all(STRICT, more, 0),
        all(STRICT_ONE, 1 + more, 1),
        all(STRICT_ONE, 0, 2),
        all(STRICT_THREE, more, 0),
    ];
    if depth > 1 {
        worlds.extend([all(NEAR, 0, 2), all(STRICT, 0, 2), all(STRICT_THREE, 0, 2)]);
    }
    worlds
}
