//! Marks of deletion: the condition of an index that counts living rows only.

use thing_driver_api::schema::without_brackets;
use thing_driver_api::{Column, quote};

/// The condition that a row is not marked as deleted by this column, as [`shown`] gives it.
pub(super) fn condition(column: &Column) -> String {
    written(&column.name, column.nullable)
}

/// The server's words for such a condition, in the form of [`condition`]; `None` for any other.
pub(super) fn shown(words: &str) -> Option<String> {
    let words = without_brackets(words);
    let (name, nullable) = match (words.strip_suffix(" IS NULL"), words.strip_prefix("NOT ")) {
        (Some(name), None) => (name, true),
        (None, Some(name)) => (name, false),
        _ => return None,
    };
    let name = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) if !quoted.replace("\"\"", "").contains('"') => quoted.replace("\"\"", "\""),
        None if name.chars().all(|c| c.is_alphanumeric() || c == '_') => name.to_owned(),
        _ => return None,
    };
    Some(written(&name, nullable))
}

/// Whether an index with this condition counts living rows only: the mark is all of it, or its last part.
pub(super) fn is_of_living(unique: bool, condition: Option<&str>) -> bool {
    unique && condition.is_some_and(|all| shown(all.rsplit_once(" AND ").map_or(all, |(_, last)| last)).is_some())
}

fn written(name: &str, nullable: bool) -> String {
    let mut out = String::from(if nullable { "" } else { "NOT " });
    quote(name, '"', &mut out);
    out.push_str(if nullable { " IS NULL" } else { "" });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_other_conditions() {
        assert_eq!(shown("(deleted_at IS NULL)").as_deref(), Some("\"deleted_at\" IS NULL"));
        assert_eq!(shown("(NOT \"a\"\"b\")").as_deref(), Some("NOT \"a\"\"b\""));
        assert_eq!(shown("((a IS NULL) OR (b IS NULL))"), None);
        assert_eq!(shown("(NOT (a > 1))"), None);
        assert!(is_of_living(true, Some("(a > 1) AND \"gone\" IS NULL")));
        assert!(!is_of_living(false, Some("\"gone\" IS NULL")));
    }
}
