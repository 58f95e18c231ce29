//! Conditions of checks, as they were declared.
//!
//! The servers show conditions in words of their own and keep no comment of a check. So a check is made with its declared
//! text in it, which changes nothing about what it checks:
//!
//! ```sql
//! CHECK (age BETWEEN 1 AND 9 OR 'thing: age BETWEEN 1 AND 9' IS NULL)
//! ```
//!
//! The text is believed as long as the server's words name no column that it does not name: the servers rewrite conditions
//! when a column is renamed.

use thing_driver_api::schema::{ColumnSchema, still_declares, without_brackets};

use super::name::{constant, read_constant};

const MARK: &str = "thing: ";

/// The condition that keeps its own text.
pub(super) fn written(declared: &str) -> String {
    format!("({declared}) OR {} IS NULL", constant(&format!("{MARK}{declared}")))
}

/// The declared text of a condition that the server shows so, or its own words where there is none that stands for it.
pub(super) fn declared(shown: &str, columns: &[ColumnSchema]) -> String {
    match kept(shown) {
        Some((words, declared)) if still_declares(&declared, words, columns) => declared,
        Some((words, _)) => without_brackets(words).to_owned(),
        None => without_brackets(shown).to_owned(),
    }
}

/// The server's words for the condition alone, and the text in it.
fn kept(shown: &str) -> Option<(&str, String)> {
    let inner = without_brackets(shown);
    inner.match_indices(&format!("'{MARK}")).find_map(|(at, _)| {
        let (text, rest) = read_constant(&inner[at..])?;
        if !rest.trim_end_matches(')').trim().eq_ignore_ascii_case("is null") {
            return None;
        }
        // MySQL says of which character set the text is, and sets brackets.
        let before = inner[..at].strip_suffix("_utf8mb4").unwrap_or(&inner[..at]);
        let words = before.trim_end_matches(['(', ' ']);
        let words = words.strip_suffix("or").or_else(|| words.strip_suffix("OR"))?;
        Some((words.trim(), text.strip_prefix(MARK)?.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_text_is_found_in_the_words_of_both_servers() {
        let columns = [ColumnSchema::new("a", "int", Vec::new()), ColumnSchema::new("b", "int", Vec::new())];
        let shown = "`a` between 1 and 9 or 'thing: a BETWEEN 1 AND 9' is null";
        assert_eq!(declared(shown, &columns), "a BETWEEN 1 AND 9");
        let shown = "((`a` > 0) or (_utf8mb4'thing: a > 0' is null))";
        assert_eq!(declared(shown, &columns), "a > 0");
        let shown = "`b` > 0 or 'thing: a > 0' is null";
        assert_eq!(declared(shown, &columns), "`b` > 0");
        assert_eq!(declared("`b` > 0", &columns), "`b` > 0");
        assert_eq!(written("a <> '\\\\'"), "(a <> '\\\\') OR 'thing: a <> ''\\\\\\\\''' IS NULL");
    }
}
