//! Names, and texts between quotation marks.

use thing_driver_api::{Result, quote};

use crate::error;

/// The most characters of a name.
const LONGEST_NAME: usize = 64;

/// Refuses a name that the server would refuse.
pub(super) fn check(sort: &str, name: &str) -> Result<()> {
    if name.chars().count() > LONGEST_NAME { Err(error::name_too_long(sort, name)) } else { Ok(()) }
}

pub(super) fn identifier(name: &str) -> String {
    let mut out = String::new();
    quote(name, '`', &mut out);
    out
}

pub(super) fn identifiers(names: &[String]) -> String {
    names.iter().map(|name| identifier(name)).collect::<Vec<_>>().join(", ")
}

/// A text for a session of the driver, where a backslash escapes.
pub(super) fn constant(text: &str) -> String {
    let mut out = String::new();
    quote(&text.replace('\\', "\\\\"), '\'', &mut out);
    out
}

/// The text of a constant at the beginning, as the server shows it, and what follows it.
pub(super) fn read_constant(shown: &str) -> Option<(String, &str)> {
    let quoted = shown.strip_prefix('\'')?;
    let mut text = String::new();
    let mut rest = quoted.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '\'' => match rest.next_if(|(_, next)| *next == '\'') {
                Some(_) => text.push('\''),
                None => return Some((text, &quoted[at + 1..])),
            },
            '\\' => text.push(match rest.next()?.1 {
                '0' => '\0',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'Z' => '\u{1a}',
                other => other,
            }),
            _ => text.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_as_they_are_written() {
        for text in ["", "it's", "a \\ b", "\\'"] {
            assert_eq!(read_constant(&constant(text)), Some((text.to_owned(), "")));
        }
        assert_eq!(read_constant("'it\\'s' is null"), Some(("it's".to_owned(), " is null")));
        assert_eq!(read_constant("'open"), None);
    }
}
