//! Ways: how the server makes a change, as it chooses it by itself.

use thing_driver_api::schema::Effect;

/// From the least disturbing to the most. Each also takes a short lock at its end, for which open transactions on the
/// table have to finish.
///
/// What takes which is said in the manual of MariaDB (InnoDB Online DDL) and has been tried on MariaDB 10.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// The rows stay as they are (`ALGORITHM=INSTANT`).
    Instant,
    /// All rows are read, while others write (`ALGORITHM=NOCOPY, LOCK=NONE`).
    Reading,
    /// The table is built anew, while others write (`ALGORITHM=INPLACE, LOCK=NONE`).
    Rebuilding,
    /// The table is built anew, and others only read (`LOCK=SHARED`).
    Copying,
}

impl Way {
    pub(super) fn effects(self) -> Vec<Effect> {
        match self {
            Self::Instant => Vec::new(),
            Self::Reading => vec![Effect::Scans],
            Self::Rebuilding => vec![Effect::Rewrites],
            Self::Copying => vec![Effect::BlocksWrites, Effect::Rewrites],
        }
    }
}
