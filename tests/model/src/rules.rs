//! The rules of the protocol, and what happens to it when one is broken.

use std::fmt;

/// The protocol, with at most one of its rules broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules(Option<Mutation>);

impl Rules {
    /// All rules hold.
    pub const PROTOCOL: Self = Self(None);

    /// One rule is broken.
    pub fn without(mutation: Mutation) -> Self {
        Self(Some(mutation))
    }

    /// Whether this rule is broken.
    pub fn is(self, mutation: Mutation) -> bool {
        self.0 == Some(mutation)
    }

    /// Which rule is broken.
    pub fn mutation(self) -> Option<Mutation> {
        self.0
    }

    /// Whether a stamp can come back after it was replaced.
    pub fn stamps_recur(self) -> bool {
        self.is(Mutation::StampsAreCounters) || self.is(Mutation::NoEpoch)
    }
}

macro_rules! mutations {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// A broken rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mutation {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Mutation {
            /// Every mutation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What is broken, in a few words.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

mutations! {
    /// The writer never marks its tags; its release voids them after the commit.
    NoQuarantine = "no quarantine",
    /// The writer marks its tags when it has committed.
    QuarantineAfterCommit = "quarantine after the commit",
    /// The writer returns to its caller before the release has run.
    ReleaseNotAwaited = "release not awaited",
    /// The writer opens its tags before it commits.
    ReleaseBeforeCommit = "release before the commit",
    /// A reader reads the database first and then asks for the stamps.
    StampsNotedAfterRead = "stamps noted after the read",
    /// Stamps count from one in each cell.
    StampsAreCounters = "stamps are counters",
    /// A void takes the marks of writers away.
    VoidRemovesMarks = "void removes marks",
    /// A void leaves the stamps of a marked cell, which the writer may give back.
    VoidSparesMarkedStamps = "void spares the stamps under a mark",
    /// A mark has room for one token.
    OneTokenPerMark = "one token instead of a set",
    /// A server that restarts with old data goes on under its old name.
    NoEpoch = "no epoch: old snapshot comes back",
    /// A release after a commit leaves the stamp as it was.
    ReleaseKeepsStamp = "release keeps the stamp",
    /// A release with unlisted changes is recorded as one without changes.
    UnlistedTakenForNone = "unlisted changes taken for none",
    /// A mark that lapses gives the stamp back.
    LapseKeepsStamp = "lapse keeps the stamp",
    /// A release that does not find its token does nothing.
    ReleaseOfLostMarkIgnored = "release of a lost mark does not void",
    /// A commit of unknown outcome is released as if nothing had happened.
    UnknownReleasedAsNothing = "unknown commit released as nothing",
    /// A reader in a transaction with an old snapshot stores what it reads.
    FillFromOldSnapshot = "fill from an old snapshot",
    /// A writer stores its own uncommitted row.
    FillFromOwnWrite = "fill from an uncommitted write",
    /// A reader joins a fill that noted its stamps before a write ended.
    JoinsEndedFlight = "joins a flight that a write has ended",
    /// A long transaction does not prolong its marks.
    NoRenewal = "no renewal of a long quarantine",
    /// A prolonged mark is not announced to other processes.
    RenewalNotPublished = "renewal not published",
    /// After prolonging its marks a strict writer does not wait again.
    RenewalNotSettled = "strict: renewal not settled",
    /// A near cache admits whatever was read, whenever the read began.
    NearAdmitsAlways = "near: admission without sequence",
    /// A near cache serves without knowing that its stream is alive.
    NearWithoutGate = "near: no gate",
    /// The gate opens until the answer's arrival and a bound, not the question's departure and a bound.
    GateFromArrival = "near: gate counts from the answer's arrival",
    /// A near cache keeps its entries when the stream breaks.
    NearKeptOnDisconnect = "near: not cleared on disconnect",
    /// A read that began without a stream is admitted under the next one.
    ReadOutlivesReconnect = "near: a read outlives a reconnect",
    /// A writer does not close the near cache of its own process.
    OwnNearNotClosed = "near: own process not closed",
    /// A read that passes the near cache by leaves an older entry there.
    BypassLeavesNearEntry = "near: a read past it leaves an older entry",
    /// What a slower read of the same process brings replaces what a faster one admitted.
    SlowReadOverwrites = "near: a slower read overwrites a newer entry",
    /// Invalidations are published with the release.
    PublishedAfterCommit = "invalidation published after the commit",
    /// A release does not tell other processes.
    ReleaseNotPublished = "release not published",
    /// A strict writer does not wait.
    StrictWithoutWaiting = "strict: no wait",
    /// A strict writer waits for the processes whose streams the server sees connected.
    StrictCountsConnected = "strict: counts connected streams only",
    /// A strict writer asks who is registered before its marks are there.
    RegistrationsReadEarly = "strict: registrations read before the quarantine",
    /// A strict writer believes a set of registrations that was lost and began anew.
    LostRegistrationsBelieved = "strict: lost registrations believed",
    /// A strict writer takes the answer to an earlier barrier of its own for that to a later one.
    BarriersWithoutName = "strict: barriers without names",
    /// A strict writer that found its mark lost returns without waiting again.
    LostMarkNotSettled = "strict: release of a lost mark not settled",
    /// A debt row is deleted before its tags are voided.
    DebtDeletedBeforeVoid = "debt deleted before the void",
    /// Debts are read by a cursor over their ids.
    DebtReadByCursor = "debt read by a cursor",
    /// A void is published before the stamp has moved.
    VoidPublishedFirst = "void published before the stamp moved",
    /// A change whose record is lost is taken for none.
    MissingRecordIgnored = "missing log record taken for no change",
    /// An entry that was judged gets the stamps of now, not those up to which it was judged.
    RestampedAsOfNow = "restamped as of now",
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
