//! Expressions of a database, as texts.

use super::ColumnSchema;

/// Whether the text that once declared an expression still stands for it, now that the database shows it as `shown`:
/// every column named there is named in the declared text, too.
///
/// Databases show expressions in words of their own, so drivers keep the declared text beside. When a column is renamed,
/// the database rewrites its own words only; then the kept text does not stand for it any more.
pub fn still_declares(declared: &str, shown: &str, columns: &[ColumnSchema]) -> bool {
    let declared = names(declared);
    let named = |name: &str| declared.iter().any(|known| known.eq_ignore_ascii_case(name));
    names(shown).iter().all(|name| {
        let is_column = columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        !is_column || named(name)
    })
}

/// The expression without the brackets around all of it, and without spaces around them.
pub fn without_brackets(expression: &str) -> &str {
    let mut inner = expression.trim();
    while let Some(inside) = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        if !is_balanced(inside) {
            break;
        }
        inner = inside.trim();
    }
    inner
}

/// Whether no bracket closes what was not opened inside.
fn is_balanced(text: &str) -> bool {
    let mut depth = 0_i64;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) => quote = (open != c).then_some(open),
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// Words and quoted names, without what stands in texts.
fn names(expression: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            '\'' | '"' | '`' => {
                let quoted: String = rest.by_ref().take_while(|&c| c != first).collect();
                if first != '\'' {
                    names.push(quoted);
                }
            }
            c if c.is_alphanumeric() || c == '_' => {
                let mut name = String::from(c);
                while let Some(c) = rest.next_if(|&c| c.is_alphanumeric() || c == '_' || c == '$') {
                    name.push(c);
                }
                names.push(name);
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_column_ends_what_was_declared() {
        let columns = ["age", "years"].map(|name| ColumnSchema::new(name, "integer", Vec::new()));
        assert!(still_declares("age > 0", "(\"age\" > 0)", &columns));
        assert!(still_declares("AGE in (1, 2)", "((age = 1) or (age = 2))", &columns));
        assert!(!still_declares("age > 0", "(`years` > 0)", &columns));
        assert!(still_declares("age <> 'x'", "age <> 'years'", &columns), "a text names no column");
    }

    #[test]
    fn brackets_around_all_of_it_are_left_out() {
        assert_eq!(without_brackets("((a > 0))"), "a > 0");
        assert_eq!(without_brackets("(a) or (b)"), "(a) or (b)");
        assert_eq!(without_brackets("(a = ')')"), "a = ')'");
    }
}
