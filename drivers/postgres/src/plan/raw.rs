//! Raw statements that the driver does not pass on.

/// True for BEGIN, COMMIT and their like, also behind comments.
pub(super) fn controls_transaction(text: &str) -> bool {
    let rest = behind_comments(text);
    let first = word(rest);
    let control = ["begin", "commit", "end", "rollback", "abort", "savepoint", "release"];
    if control.iter().any(|control| first.eq_ignore_ascii_case(control)) {
        return true;
    }
    let second = word(behind_comments(&rest[first.len()..]));
    let begins = ["start", "prepare"].iter().any(|begin| first.eq_ignore_ascii_case(begin));
    begins && second.eq_ignore_ascii_case("transaction")
}

/// True for COPY from or to the client, for which the connection would wait forever.
pub(super) fn copies(text: &str) -> bool {
    let is_copy = word(behind_comments(text)).eq_ignore_ascii_case("copy");
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric());
    is_copy && words().any(|word| word.eq_ignore_ascii_case("stdin") || word.eq_ignore_ascii_case("stdout"))
}

fn behind_comments(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if rest.starts_with("/*") {
            behind_comment(rest)
        } else {
            return rest;
        };
    }
}

/// Comments nest.
fn behind_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        if let Some(inner) = rest.strip_prefix("/*") {
            depth += 1;
            rest = inner;
        } else if let Some(outer) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = outer;
            if depth == 0 {
                return rest;
            }
        } else {
            let mut chars = rest.chars();
            if chars.next().is_none() {
                return "";
            }
            rest = chars.as_str();
        }
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transaction_control_is_seen_behind_comments() {
        for text in [
            " -- now\n /* go /* on */ */ ;begin isolation level serializable",
            "COMMIT",
            "abort;",
            "START /* a */ TRANSACTION",
            "prepare transaction 'x'",
        ] {
            assert!(controls_transaction(text), "{text}");
        }
        for text in ["SELECT 1 -- begin", "/* begin", "prepare plan as select 1", "ending", ""] {
            assert!(!controls_transaction(text), "{text}");
        }
    }

    #[test]
    fn copies_with_the_client_are_seen() {
        assert!(copies("/* all */ COPY users FROM STDIN (FORMAT binary)"));
        assert!(copies("copy (select 1) to stdout"));
        assert!(!copies("COPY users FROM '/tmp/file'"));
        assert!(!copies("SELECT 'stdin'"));
    }
}
