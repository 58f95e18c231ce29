//! One record: 48 bytes.

use crate::model::{RowKey, Seen, WriteId};

pub(super) const SIZE: usize = 48;

/// What happened. Times are those of [`clock::now`](crate::clock::now).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A read saw a row, or that there is none.
    Row {
        /// How it was read.
        source: Source,
        /// Which.
        row: RowKey,
        /// What was seen.
        seen: Seen,
        /// When the read began.
        start: u64,
        /// When it returned.
        end: u64,
    },
    /// A list, a count, or whether there are any.
    Answer {
        /// The question.
        query: Query,
        /// Whether it went past the cache.
        uncached: bool,
        /// The group asked about.
        group: u32,
        /// The answer; of a list, its digest.
        answer: u64,
        /// When the read began.
        start: u64,
        /// When it returned.
        end: u64,
    },
    /// A read failed.
    ReadFailed {
        /// How.
        class: ErrorClass,
        /// When it began.
        start: u64,
        /// When it failed.
        end: u64,
    },
    /// A part of a write is about to be sent.
    Part {
        /// The write.
        write: WriteId,
        /// The row.
        row: RowKey,
        /// The value that it gets; 0 where it is deleted.
        value: u64,
        /// When.
        start: u64,
    },
    /// The database says that the write is committed; its caller does not know yet.
    Committed {
        /// The write.
        write: WriteId,
        /// When.
        time: u64,
    },
    /// A write is about to leave a debt, since the cache can't be told of it.
    Owed {
        /// The write.
        write: WriteId,
        /// When.
        time: u64,
    },
    /// A write returned to its caller.
    Written {
        /// The write.
        write: WriteId,
        /// What it was.
        kind: WriteKind,
        /// How it ended.
        outcome: Outcome,
        /// When it began.
        start: u64,
        /// When it returned.
        end: u64,
    },
    /// Counters of the process, since its start.
    Sample {
        /// When.
        time: u64,
        /// Reads that the cache answered.
        answered: u64,
        /// Reads that it did not answer.
        missed: u64,
        /// Statements sent to the database.
        statements: u64,
    },
}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned in order.
    Done,
    /// It was rolled back on purpose.
    RolledBack,
    /// It failed, and the error says that it had no effect.
    Refused(ErrorClass),
    /// It failed, and the error says that it may have had an effect.
    Unknown(ErrorClass),
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$about])* $variant,)* }

        impl $name {
            /// All, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }
        }
    };
}

codes! {
    /// How a row was read.
    Source {
        /// By its key.
        ById = "by_id",
        /// Among several keys.
        ByIds = "by_ids",
        /// As a member of a list.
        Listed = "rows of lists",
        /// A group, by its key.
        Group = "group by_id",
        /// As a member of a list of a group's children.
        Child = "children of a group",
        /// By its key, past the cache.
        Uncached = "by_id uncached",
        /// As a member of a list, past the cache.
        ListedUncached = "rows of lists uncached",
    }
}

codes! {
    /// A question about a group.
    Query {
        /// All members, by key.
        All = "list by key",
        /// The five newest.
        Newest = "list by value, first 5",
        /// The members with the flag.
        Flagged = "list with flag",
        /// The third to the fifth oldest.
        Page = "list by value, page",
        /// All members, asked for in a way that has the whole table as its scope.
        Range = "list by range",
        /// How many members.
        Count = "count",
        /// How many with the flag.
        CountFlagged = "count with flag",
        /// How many, asked for in a way that has the whole table as its scope.
        CountRange = "count by range",
        /// Whether any has the flag.
        Exists = "exists",
    }
}

codes! {
    /// What a write was.
    WriteKind {
        /// A new value.
        Save = "save",
        /// A new value and the other flag.
        Flag = "save flag",
        /// A new value and another group.
        Move = "move",
        /// All columns of a plain struct.
        Replace = "replace",
        /// A new row.
        Create = "create",
        /// A row deleted by its key.
        Delete = "delete by key",
        /// A row deleted as it was read.
        DeleteLoaded = "delete",
        /// Several rows in one transaction.
        Transaction = "transaction",
        /// A transaction with an inner one that is rolled back.
        Savepoint = "savepoint",
        /// A transaction that is rolled back.
        RollBack = "rollback",
        /// Several new rows.
        CreateMany = "create_many",
        /// Several rows saved.
        SaveMany = "save_many",
        /// Several rows deleted.
        DeleteMany = "delete_many",
        /// A new value of a group.
        SaveGroup = "save group",
    }
}

codes! {
    /// What sort of error.
    ErrorClass {
        /// There is no such row.
        NotFound = "not found",
        /// A constraint.
        Constraint = "constraint",
        /// A deadlock or the like.
        Conflict = "conflict",
        /// A lock was not given in time.
        Busy = "busy",
        /// The connection was lost.
        ConnectionLost = "connection lost",
        /// No answer in time.
        Timeout = "timeout",
        /// The cache could not be told.
        Cache = "cache",
        /// Another.
        Other = "other",
    }
}

impl ErrorClass {
    /// The class of an error.
    pub fn of(error: &thing::Error) -> Self {
        use thing::ErrorKind;
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Constraint(_) => Self::Constraint,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::Busy => Self::Busy,
            ErrorKind::ConnectionLost { .. } => Self::ConnectionLost,
            ErrorKind::Timeout { .. } => Self::Timeout,
            ErrorKind::Cache => Self::Cache,
            _ => Self::Other,
        }
    }
}

impl Outcome {
    /// The outcome of a write.
    pub fn of<T>(result: &thing::Result<T>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) if error.may_have_executed() => Self::Unknown(ErrorClass::of(error)),
            Err(error) => Self::Refused(ErrorClass::of(error)),
        }
    }

    fn codes(self) -> (u8, u32) {
        match self {
            Self::Done => (0, 0),
            Self::RolledBack => (1, 0),
            Self::Refused(class) => (2, class as u32),
            Self::Unknown(class) => (3, class as u32),
        }
    }

    fn from_codes(code: u8, class: u32) -> Option<Self> {
        let class = ErrorClass::from_code(u8::try_from(class).ok()?)?;
        match code {
            0 => Some(Self::Done),
            1 => Some(Self::RolledBack),
            2 => Some(Self::Refused(class)),
            3 => Some(Self::Unknown(class)),
            _ => None,
        }
    }
}

const TORN: u64 = 1 << 63;

/// The fields as they lie in a file.
struct Raw {
    kind: u8,
    code: u8,
    flag: u8,
    count: u32,
    words: [u64; 5],
}

impl Record {
    pub(super) fn encode(self) -> [u8; SIZE] {
        let raw = self.raw();
        let mut bytes = [0; SIZE];
        (bytes[0], bytes[1], bytes[2]) = (raw.kind, raw.code, raw.flag);
        bytes[4..8].copy_from_slice(&raw.count.to_le_bytes());
        for (place, word) in bytes[8..].chunks_exact_mut(8).zip(raw.words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8; SIZE]) -> Option<Self> {
        let count = u32::from_le_bytes(bytes[4..8].try_into().ok()?);
        let mut words = [0; 5];
        for (word, place) in words.iter_mut().zip(bytes[8..].chunks_exact(8)) {
            *word = u64::from_le_bytes(place.try_into().ok()?);
        }
        Self::from_raw(&Raw { kind: bytes[0], code: bytes[1], flag: bytes[2], count, words })
    }

    fn raw(self) -> Raw {
        let raw = |kind, code, flag, count, words| Raw { kind, code, flag, count, words };
        match self {
            Self::Row { source, row, seen: Seen { value, form, torn }, start, end } => {
                let form = if torn { form | TORN } else { form };
                raw(1, source as u8, 0, 0, [start, end, row.0, value, form])
            }
            Self::Answer { query, uncached, group, answer, start, end } => {
                raw(2, query as u8, uncached.into(), group, [start, end, answer, 0, 0])
            }
            Self::ReadFailed { class, start, end } => raw(3, class as u8, 0, 0, [start, end, 0, 0, 0]),
            Self::Part { write, row, value, start } => raw(4, 0, 0, 0, [start, write.bits(), row.0, value, 0]),
            Self::Committed { write, time } => raw(5, 0, 0, 0, [time, write.bits(), 0, 0, 0]),
            Self::Owed { write, time } => raw(8, 0, 0, 0, [time, write.bits(), 0, 0, 0]),
            Self::Written { write, kind, outcome, start, end } => {
                let (code, class) = outcome.codes();
                raw(6, kind as u8, code, class, [start, end, write.bits(), 0, 0])
            }
            Self::Sample { time, answered, missed, statements } => {
                raw(7, 0, 0, 0, [time, answered, missed, statements, 0])
            }
        }
    }

    fn from_raw(raw: &Raw) -> Option<Self> {
        let &Raw { kind, code, flag, count, words: [start, b, c, d, e] } = raw;
        Some(match kind {
            1 => {
                let seen = Seen { value: d, form: e & !TORN, torn: e & TORN != 0 };
                Self::Row { source: Source::from_code(code)?, row: RowKey(c), seen, start, end: b }
            }
            2 => {
                let query = Query::from_code(code)?;
                Self::Answer { query, uncached: flag != 0, group: count, answer: c, start, end: b }
            }
            3 => Self::ReadFailed { class: ErrorClass::from_code(code)?, start, end: b },
            4 => Self::Part { write: WriteId::from_bits(b), row: RowKey(c), value: d, start },
            5 => Self::Committed { write: WriteId::from_bits(b), time: start },
            6 => {
                let (kind, outcome) = (WriteKind::from_code(code)?, Outcome::from_codes(flag, count)?);
                Self::Written { write: WriteId::from_bits(c), kind, outcome, start, end: b }
            }
            7 => Self::Sample { time: start, answered: b, missed: c, statements: d },
            8 => Self::Owed { write: WriteId::from_bits(b), time: start },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were() {
        let write = WriteId::new(7, 8);
        let seen = Seen { value: write.value(3), form: crate::model::form(9, true), torn: true };
        let records = [
            Record::Row { source: Source::Child, row: RowKey::group(5), seen, start: 1, end: 2 },
            Record::Answer { query: Query::Exists, uncached: true, group: 4, answer: u64::MAX, start: 3, end: 4 },
            Record::ReadFailed { class: ErrorClass::Timeout, start: 5, end: 6 },
            Record::Part { write, row: RowKey::item(3), value: write.value(1), start: 7 },
            Record::Committed { write, time: 8 },
            Record::Owed { write, time: 8 },
            Record::Written {
                write,
                kind: WriteKind::SaveGroup,
                outcome: Outcome::Unknown(ErrorClass::Other),
                start: 9,
                end: 10,
            },
            Record::Sample { time: 11, answered: 12, missed: 13, statements: 14 },
        ];
        for record in records {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }
}
