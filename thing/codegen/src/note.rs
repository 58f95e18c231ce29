//! Notes: what could not be said, and what to know about what was.

use std::fmt;

/// What is left out or said differently, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Note {
    /// What it is about: `table users`, `users.price`.
    pub about: String,
    /// What became of it, and what to do.
    pub message: String,
}

impl Note {
    pub(crate) fn new(about: impl Into<String>, message: impl Into<String>) -> Self {
        Self { about: about.into(), message: message.into() }
    }
}

/// `users.price: …`
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.message)
    }
}
