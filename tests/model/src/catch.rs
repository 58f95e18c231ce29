//! Where each mutation is caught.

use crate::configuration::{Configuration, Faults};
use crate::explorer::{Report, explore};
use crate::model::Model;
use crate::rules::{Mutation, Rules};
use crate::worlds::{DEBT, FEED, LIST, LIST_THREE_WRITERS, NEAR, NEAR_TWO_READERS, ROW, STRICT_ONE};

impl Mutation {
    /// A world that shows what the broken rule is for, with no more faults than that takes.
    pub fn world(self) -> Configuration {
        match self {
            Self::NoQuarantine
            | Self::QuarantineAfterCommit
            | Self::ReleaseBeforeCommit
            | Self::StampsNotedAfterRead
            | Self::OneTokenPerMark
            | Self::ReleaseKeepsStamp
            | Self::FillFromOldSnapshot
            | Self::FillFromOwnWrite
            | Self::JoinsEndedFlight => ROW,
            Self::ReleaseNotAwaited | Self::StampsAreCounters => ROW.with_faults(Faults::EVICT, 1),
            Self::LapseKeepsStamp => ROW.with_faults(Faults::CRASH, 1),
            Self::ReleaseOfLostMarkIgnored => ROW.with_faults(Faults::LAPSE, 1),
            Self::NoEpoch => ROW.with_faults(Faults::RESTART, 1),
            Self::UnknownReleasedAsNothing => ROW.with_faults(Faults::DOUBT, 1),
            Self::NoRenewal => ROW.with_pauses(2),
            Self::UnlistedTakenForNone => LIST_THREE_WRITERS,
            Self::RestampedAsOfNow => LIST,
            Self::MissingRecordIgnored => LIST.with_faults(Faults::EVICT, 1),
            Self::VoidRemovesMarks | Self::VoidSparesMarkedStamps | Self::VoidPublishedFirst => FEED,
            Self::DebtDeletedBeforeVoid => DEBT.with_faults(Faults::CUT, 1),
            Self::DebtReadByCursor => DEBT.with_faults(Faults::CUT, 2),
            Self::NearAdmitsAlways | Self::NearWithoutGate | Self::GateFromArrival | Self::OwnNearNotClosed => NEAR,
            Self::BypassLeavesNearEntry | Self::SlowReadOverwrites => NEAR_TWO_READERS,
            Self::NearKeptOnDisconnect | Self::ReadOutlivesReconnect => NEAR.with_faults(Faults::DISCONNECT, 1),
            Self::PublishedAfterCommit => NEAR.with_faults(Faults::CRASH, 1),
            Self::RenewalNotPublished => NEAR_TWO_READERS.with_faults(Faults::CRASH, 1).with_pauses(2),
            Self::ReleaseNotPublished => NEAR.with_faults(Faults::EVICT | Faults::CRASH, 2),
            Self::StrictWithoutWaiting | Self::RegistrationsReadEarly => STRICT_ONE,
            Self::RenewalNotSettled | Self::BarriersWithoutName => STRICT_ONE.with_pauses(2),
            Self::StrictCountsConnected => STRICT_ONE.with_faults(Faults::PARTITION, 1),
            Self::LostRegistrationsBelieved => STRICT_ONE.with_faults(Faults::EVICT, 1),
            Self::LostMarkNotSettled => STRICT_ONE.with_faults(Faults::LAPSE, 2),
        }
    }

    /// Explores that world without the rule.
    pub fn explore(self, max_states: usize) -> Report {
        explore(&Model { plan: self.world(), rules: Rules::without(self) }, max_states)
    }
}
