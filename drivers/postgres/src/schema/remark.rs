//! Remarks: comments of indexes and constraints that keep what the server does not.
//!
//! A name that is too long is kept as `thing: <name>`. The server shows conditions in words of its own
//! (`((age >= 1) AND (age <= 9))` for `age BETWEEN 1 AND 9`), so the declared text is kept as `thing as: <condition>`. It is
//! believed as long as the server's words name no column that it does not name. Indexes and constraints can't get another
//! condition without being made again, which ends their comments.

use thing_driver_api::schema::{ColumnSchema, still_declares, without_brackets};

use super::name;

const NAME: &str = "thing: ";
const CONDITION: &str = "thing as: ";

/// What a comment keeps of an index or a constraint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remark {
    name: Option<String>,
    condition: Option<String>,
}

impl Remark {
    /// What has to be kept of one with this name and condition.
    pub(super) fn new(name: &str, condition: Option<&str>) -> Self {
        Self { name: name::shortened(name).map(|_| name.to_owned()), condition: condition.map(str::to_owned) }
    }

    pub(super) fn read(comment: Option<&str>) -> Self {
        let Some(comment) = comment else { return Self::default() };
        if let Some(condition) = comment.strip_prefix(CONDITION) {
            return Self { name: None, condition: Some(condition.to_owned()) };
        }
        let Some(rest) = comment.strip_prefix(NAME) else { return Self::default() };
        match rest.split_once(&format!("\n{CONDITION}")) {
            Some((name, condition)) => Self { name: Some(name.to_owned()), condition: Some(condition.to_owned()) },
            None => Self { name: Some(rest.to_owned()), condition: None },
        }
    }

    /// The comment; `None` when nothing is to be kept.
    pub(super) fn comment(&self) -> Option<String> {
        let name = self.name.as_ref().map(|name| format!("{NAME}{name}"));
        let condition = self.condition.as_ref().map(|condition| format!("{CONDITION}{condition}"));
        match (name, condition) {
            (Some(name), Some(condition)) => Some(format!("{name}\n{condition}")),
            (name, condition) => name.or(condition),
        }
    }

    /// The declared name of what the server calls so.
    pub(super) fn full_name(&self, shown: String) -> String {
        match &self.name {
            Some(full) if name::shortened(full).as_ref() == Some(&shown) => full.clone(),
            _ => shown,
        }
    }

    /// The declared text of the condition that the server shows so, or its own words where that stands for it no more.
    pub(super) fn declared(&self, shown: &str, columns: &[ColumnSchema]) -> String {
        match &self.condition {
            Some(declared) if still_declares(declared, shown, columns) => declared.clone(),
            _ => without_brackets(shown).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_conditions_are_read_as_they_were_written() {
        let long = "n".repeat(80);
        for (name, condition) in [("short", None), ("short", Some("a > 0")), (&*long, None), (&*long, Some("a\n> 0"))] {
            let remark = Remark::new(name, condition);
            assert_eq!(Remark::read(remark.comment().as_deref()), remark);
        }
        assert_eq!(Remark::read(Some("of somebody else")), Remark::default());
    }
}
