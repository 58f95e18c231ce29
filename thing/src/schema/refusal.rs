//! Refusals: what stands in the way of a change.

use std::fmt;

use super::consent::full;

/// A reason not to make a change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// What is in the way. More may be added:
    ///
    /// - `unfilled_column`: a column that no field and no default fills, so that nothing can be inserted;
    /// - `unfillable_column`: a new column for which the rows that are there have no value;
    /// - `contradiction`: models of the table that give a column types which don't go together;
    /// - `undeclared_action`: a foreign key that changes rows, of which the model that it refers to does not say so;
    /// - `loss`: something would be lost for good;
    /// - `unsupported`: the database can't make the change.
    pub kind: &'static str,
    /// The table.
    pub table: String,
    /// What is wrong.
    pub reason: String,
    /// What can be done, where there is more to do than to [allow](Refusal::consent) it.
    pub advice: Option<String>,
    /// What to [allow](super::Consent::allow), where that is enough.
    pub consent: Option<String>,
}

impl Refusal {
    pub(super) fn new(kind: &'static str, table: &str, reason: impl Into<String>) -> Self {
        Self { kind, table: table.to_owned(), reason: reason.into(), advice: None, consent: None }
    }

    pub(super) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// It is enough to allow the loss of this part of the table.
    pub(super) fn unless_allowed(mut self, part: &str) -> Self {
        self.consent = Some(full(&self.table, part));
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table `{}`: {}", self.table, self.reason)?;
        if let Some(advice) = &self.advice {
            write!(f, "; {advice}")?;
        }
        match &self.consent {
            Some(name) => write!(f, "; if that is meant, allow(\"{name}\")"),
            None => Ok(()),
        }
    }
}
