//! Reports: what a command found or did, as text and as JSON.

use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::output::Page;

/// What a command has to say.
pub(crate) trait Report {
    /// Writes it for people.
    fn write(&self, page: &mut Page);

    /// The same for programs. Members may be added; those that are there keep their names and meaning.
    fn json(&self) -> Result<Value>;

    /// How it ended.
    fn outcome(&self) -> Outcome {
        Outcome::Done
    }
}

/// How a command ended that has something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is nothing left to do.
    Done,
    /// It found something that somebody should do.
    Found,
}

impl Outcome {
    pub(crate) fn found(found: bool) -> Self {
        if found { Self::Found } else { Self::Done }
    }
}

/// The JSON of what derives `Serialize`.
pub(crate) fn json(report: &impl Serialize) -> Result<Value> {
    serde_json::to_value(report).map_err(|error| Failure::new(format!("the report can't become JSON: {error}")))
}
