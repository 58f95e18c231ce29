//! Steps of a change, and what each does to those who use the database.

use std::fmt;

/// A step that is done at once or not at all, where the database can.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Step {
    /// What it does, as a sentence without a full stop: "add column `age` to table `users`".
    pub what: String,
    /// The statements, in their order, each without a semicolon at its end.
    pub sql: Vec<String>,
    /// What it does besides.
    pub effects: Vec<Effect>,
    /// Statements that put back what it takes away for a moment, and the next step brings back: they are run when that one
    /// fails, where no transaction does it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub restore: Vec<String>,
}

/// What a step does besides its purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Effect {
    /// Nobody else reads or writes the table meanwhile.
    BlocksReads,
    /// Nobody else writes the table meanwhile.
    BlocksWrites,
    /// All rows are read: the time grows with the table.
    Scans,
    /// All rows are written anew: time and space grow with the table.
    Rewrites,
    /// It fails, and nothing has changed, where the rows are not as this says: "a row has NULL in `age`".
    MayFail(String),
    /// What this says is lost for good: "the values of column `age`".
    Loses(String),
    /// It can't be undone by a rollback: the database ends the transaction before it, or refuses to be in one.
    NotTransactional,
}

impl Step {
    /// A step without effects.
    pub fn new(what: impl Into<String>, sql: Vec<String>) -> Self {
        Self { what: what.into(), sql, effects: Vec::new(), restore: Vec::new() }
    }

    /// Adds an effect.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    /// What is lost for good, if anything is.
    pub fn loses(&self) -> impl Iterator<Item = &str> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Loses(what) => Some(&**what),
            _ => None,
        })
    }
}

/// For people, without a full stop.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlocksReads => f.write_str("nobody else reads or writes the table meanwhile"),
            Self::BlocksWrites => f.write_str("nobody else writes the table meanwhile"),
            Self::Scans => f.write_str("all rows are read, so it takes longer the more there are"),
            Self::Rewrites => {
                f.write_str("all rows are written anew, so it takes time and space as the table has rows")
            }
            Self::MayFail(when) => write!(f, "fails, and changes nothing, if {when}"),
            Self::Loses(what) => write!(f, "loses {what} for good"),
            Self::NotTransactional => f.write_str("can't be rolled back once it is done"),
        }
    }
}
