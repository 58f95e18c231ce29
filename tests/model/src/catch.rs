//! Where each mutation is caught.

use crate::configuration::{Configuration, Faults};
use crate::explorer::{Report, explore};
use crate::model::Model;
use crate::rules::{Mutation, Rules};
use crate::worlds::{DEBT, FEED, LIST, LIST_THREE_WRITERS, NEAR, NEAR_TWO_READERS, ROW, STRICT_ONE};

impl Mutation {
    /// A world that shows what the broken rule is for, with no more faults than that takes.
    pub fn world(self) -> Configuration {
        use Mutation as M;
        match self {
            M::NoQuarantine
            | M::QuarantineAfterCommit
            | M::ReleaseBeforeCommit
            | M::StampsNotedAfterRead
            | M::OneTokenPerMark
            | M::ReleaseKeepsStamp
            | M::FillFromOldSnapshot
            | M::FillFromOwnWrite
            | M::JoinsEndedFlight => ROW,
            M::ReleaseNotAwaited | M::StampsAreCounters => ROW.with_faults(Faults::EVICT, 1),
            M::LapseKeepsStamp => ROW.with_faults(Faults::CRASH, 1),
            M::ReleaseOfLostMarkIgnored => ROW.with_faults(Faults::LAPSE, 1),
            M::NoEpoch => ROW.with_faults(Faults::RESTART, 1),
            M::UnknownReleasedAsNothing => ROW.with_faults(Faults::DOUBT, 1),
            M::NoRenewal => ROW.with_pauses(2),
            M::UnlistedTakenForNone => LIST_THREE_WRITERS,
            M::RestampedAsOfNow => LIST,
            M::MissingRecordIgnored => LIST.with_faults(Faults::EVICT, 1),
            M::VoidRemovesMarks | M::VoidSparesMarkedStamps | M::VoidPublishedFirst => FEED,
            M::DebtDeletedBeforeVoid => DEBT.with_faults(Faults::CUT, 1),
            M::DebtReadByCursor => DEBT.with_faults(Faults::CUT, 2),
            M::NearAdmitsAlways | M::NearWithoutGate | M::GateFromArrival | M::OwnNearNotClosed => NEAR,
            M::BypassLeavesNearEntry | M::SlowReadOverwrites => NEAR_TWO_READERS,
            M::NearKeptOnDisconnect | M::ReadOutlivesReconnect => NEAR.with_faults(Faults::DISCONNECT, 1),
            M::PublishedAfterCommit => NEAR.with_faults(Faults::CRASH, 1),
            M::RenewalNotPublished => NEAR.with_pauses(2),
            M::LostMarkNotPublished => NEAR.with_faults(Faults::EVICT, 1),
            M::StrictWithoutWaiting | M::RegistrationsReadEarly => STRICT_ONE,
            M::RenewalNotSettled | M::BarriersWithoutName => STRICT_ONE.with_pauses(2),
            M::StrictCountsConnected => STRICT_ONE.with_faults(Faults::PARTITION, 1),
            M::LostRegistrationsBelieved | M::LostMarkNotSettled => STRICT_ONE.with_faults(Faults::EVICT, 1),
        }
    }

    /// Explores that world without the rule.
    pub fn explore(self, max_states: usize) -> Report {
        explore(&Model { plan: self.world(), rules: Rules::without(self) }, max_states)
    }
}
