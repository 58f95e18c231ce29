//! Actions: the steps from one state to the next, as a counterexample names them.

use std::fmt;

/// One step. Numbers of readers, writers, processes and tags count from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A reader misses, notes the stamps and reads the database.
    Lease(u8),
    /// A reader reads the database, or takes its snapshot, before it notes stamps.
    ReadEarly(u8),
    /// A reader notes the stamps after its read.
    NoteLate(u8),
    /// A reader finds the entry in the shared cache.
    Hit(u8),
    /// A reader judges an entry that is behind to be unaffected.
    Judge(u8),
    /// The entry that was judged gets new stamps.
    Restamp(u8),
    /// A reader stores what it read.
    Store(u8),
    /// A reader's answer reaches the near cache and its caller.
    Admit(u8),
    /// A process reads the database only.
    Bypass(u8),
    /// A writer marks a tag; with the last one the marks are published.
    Quarantine(u8, u8),
    /// A quarantine is cut from this tag on; the writer gives up or leaves a debt.
    QuarantineCut(u8, u8),
    /// A cut quarantine reaches this tag.
    QuarantineLate(u8, u8),
    /// A writer whose tags are not marked goes on.
    Skip(u8),
    /// A strict writer publishes a barrier.
    Barrier(u8),
    /// A strict writer has waited.
    Settled(u8),
    /// Half the time of a writer's marks passes.
    Pause(u8),
    /// A writer prolongs its marks.
    Renew(u8),
    /// A writer stores its own uncommitted row.
    StoreOwn(u8),
    /// A commit succeeds.
    Commit(u8),
    /// A commit certainly fails.
    CommitFails(u8),
    /// The answer to a COMMIT is lost.
    CommitUnknown(u8),
    /// The database commits after all.
    CommitLate(u8),
    /// The database does not commit.
    CommitNever(u8),
    /// A writer releases a tag; with the last one it returns.
    Release(u8, u8),
    /// A release is cut from this tag on; the writer returns.
    ReleaseCut(u8, u8),
    /// A cut release reaches this tag.
    ReleaseLate(u8, u8),
    /// A repairer locks and reads debt rows, or a part of the feed.
    TakeDebts(u8),
    /// A repairer voids a tag.
    Void(u8, u8),
    /// A repairer publishes what it voids.
    PublishVoid(u8),
    /// A repairer deletes its rows, or moves its position.
    DeleteDebts(u8),
    /// A message reaches a process.
    Deliver(u8),
    /// A process asks whether its stream is alive, and the server answers behind all messages.
    Ask(u8),
    /// A process notices that its stream is dead.
    Notice(u8),
    /// A process subscribes again.
    Reconnect(u8),
    /// The bound passes.
    BoundPasses,
    /// A writer's mark runs out.
    Lapse(u8, u8),
    /// What a process heard of a writer's marks runs out.
    LapseNear(u8, u8),
    /// The server drops the cell of a tag.
    EvictCell(u8),
    /// The server drops the log.
    EvictLog,
    /// The server drops the registrations.
    EvictRegistrations,
    /// The server writes its data to disk.
    Snapshot,
    /// The server restarts.
    Restart,
    /// A process dies. A COMMIT that it has sent may be carried out.
    Crash(u8),
    /// A stream dies silently.
    Partition(u8),
    /// A stream breaks.
    Disconnect(u8),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{self:?}");
        f.write_str(&text.replace('(', " ").replace([')', ','], ""))
    }
}
