//! Generations of tables that this process knows, so that a hit of a row needs not ask for them.
//!
//! The server watches them for a connection (`CLIENT TRACKING`): when one changes, it writes that into the stream of
//! the connection, ahead of the replies to all commands that it runs later. Replies are taken from the stream in
//! their order. So while a generation is known here when the reply to a `GET` has come over this connection, it stood
//! when the `GET` ran. No clock is involved, and what is lost with a connection is lost with what was known by it.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind};
use thing_driver_api::TableId;

use crate::cell::Stamp;
use crate::settle::Replies;

/// What one connection knows. Read by every hit, so readers take no lock.
#[derive(Debug, Default)]
pub(crate) struct Known(ArcSwap<State>);

#[derive(Clone, Debug, Default)]
struct State {
    /// Counts what the server said of changes.
    changes: u64,
    generations: HashMap<TableId, Stamp>,
}

impl Known {
    pub(crate) fn get(&self, table: TableId) -> Option<Stamp> {
        self.0.load().generations.get(&table).copied()
    }

    /// How many changes there have been, to be noted before a generation is asked for.
    pub(crate) fn changes(&self) -> u64 {
        self.0.load().changes
    }

    /// Keeps a generation that was asked for, unless something changed since `changes` was noted.
    pub(crate) fn keep(&self, table: TableId, generation: Stamp, changes: u64) {
        self.0.rcu(|state| {
            let mut state = State::clone(state);
            if state.changes == changes {
                state.generations.insert(table, generation);
            }
            state
        });
    }

    /// Changes are rare, so each ends all that is known.
    fn forget(&self) {
        self.0.rcu(|state| State { changes: state.changes + 1, generations: HashMap::new() });
    }
}

/// Told by the connection, in the order of its stream.
pub(crate) struct Listener {
    pub(crate) known: Arc<Known>,
    pub(crate) replies: Arc<Replies>,
}

impl AsyncPushSender for Listener {
    fn send(&self, info: PushInfo) -> Result<(), SendError> {
        match info.kind {
            PushKind::Invalidate | PushKind::Disconnection => self.known.forget(),
            PushKind::Message => self.replies.heard(&info),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_ends_what_is_known_and_what_is_being_asked_for() {
        let (known, table) = (Known::default(), TableId(1));
        known.keep(table, [1; 16], known.changes());
        assert_eq!(known.get(table), Some([1; 16]));
        let before = known.changes();
        known.forget();
        assert_eq!(known.get(table), None);
        known.keep(table, [1; 16], before);
        assert_eq!(known.get(table), None);
        known.keep(table, [2; 16], known.changes());
        assert_eq!(known.get(table), Some([2; 16]));
    }
}
