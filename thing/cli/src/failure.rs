//! Failures: what the program says when it can't do what it was asked for.

use std::fmt;

use serde_json::{Map, Value};

/// A failure, as its reader sees it.
#[derive(Debug)]
pub(crate) struct Failure {
    usage: bool,
    message: String,
    /// What programs are told besides.
    details: Map<String, Value>,
}

/// The result of everything that may fail.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// It was tried, and failed.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { usage: false, message: message.into(), details: Map::new() }
    }

    /// It was asked for wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { usage: true, message: message.into(), details: Map::new() }
    }

    /// Says what was being done.
    pub(crate) fn context(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Tells programs something besides.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The message and the rest, for programs.
    pub(crate) fn json(&self) -> Value {
        let mut error = self.details.clone();
        error.insert("message".to_owned(), self.message.clone().into());
        Value::Object(error)
    }

    /// The same with another message.
    pub(crate) fn map(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.message = change(&self.message);
        self
    }

    pub(crate) fn is_usage(&self) -> bool {
        self.usage
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<thing::Error> for Failure {
    fn from(error: thing::Error) -> Self {
        Self::new(error.to_string())
    }
}
