//! Commands, and how they are drawn.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use thing_test_model::Outcome;

use super::{ENTRIES, TAGS, WRITERS};

/// A command.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Quarantine {
        writer: usize,
        duration: u64,
    },
    Release {
        writer: usize,
        outcome: Outcome,
    },
    Void {
        tag: usize,
    },
    VoidTable,
    Lease {
        entry: usize,
    },
    LeaseRows,
    /// A lease and a store at once.
    Fill {
        entry: usize,
    },
    /// A quarantine and a release at once.
    Write {
        writer: usize,
        outcome: Outcome,
    },
    Store {
        lease: usize,
    },
    Restamp,
    Pass {
        time: u64,
    },
}

/// The tags of each writer, one bit for each.
pub(crate) type World = [u8; WRITERS];

/// A world and commands in it; if time stands still, marks do not lapse.
pub(crate) fn commands(time: bool, length: usize) -> impl Strategy<Value = (World, Vec<Command>)> {
    let writer = 0..WRITERS;
    let outcome = prop_oneof![1 => Just(Outcome::Nothing), 3 => Just(Outcome::Changed), 1 => Just(Outcome::Unlisted)];
    let duration = if time { (1_u64..40).boxed() } else { Just(600_000).boxed() };
    let pass =
        if time { (1_u64..30).prop_map(|time| Command::Pass { time }).boxed() } else { Just(Command::Restamp).boxed() };
    let command = prop_oneof![
        4 => (writer.clone(), duration).prop_map(|(writer, duration)| Command::Quarantine { writer, duration }),
        8 => (writer.clone(), outcome.clone()).prop_map(|(writer, outcome)| Command::Release { writer, outcome }),
        8 => (writer, outcome).prop_map(|(writer, outcome)| Command::Write { writer, outcome }),
        1 => (0..TAGS).prop_map(|tag| Command::Void { tag }),
        1 => Just(Command::VoidTable),
        5 => (0..ENTRIES).prop_map(|entry| Command::Lease { entry }),
        2 => Just(Command::LeaseRows),
        8 => any::<usize>().prop_map(|lease| Command::Store { lease }),
        12 => (0..ENTRIES).prop_map(|entry| Command::Fill { entry }),
        20 => Just(Command::Restamp),
        2 => pass,
    ];
    (prop::array::uniform(1_u8..1 << TAGS), prop::collection::vec(command, 1..length))
}
