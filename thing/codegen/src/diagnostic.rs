//! Diagnostics: mistakes in a schema file, each with its place and a hint.

use std::fmt;
use std::ops::Range;

/// A mistake in a schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub hint: Option<String>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of the line are wrong, at least one.
    pub length: usize,
    /// The line as it is written.
    pub source: String,
}

/// The message, the line with a mark below it, and the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, hint, line, column, length, source } = self;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        // A tab stays one, so that the mark stands below what it means however wide tabs are.
        let before: String = source.chars().take(column - 1).map(|c| if c == '\t' { c } else { ' ' }).collect();
        writeln!(f, "error: {message}")?;
        writeln!(f, "{margin}--> line {line}, column {column}")?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {source}")?;
        write!(f, "{margin} | {before}{}", "^".repeat(*length))?;
        match hint {
            Some(hint) => write!(f, "\n{margin} = {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// A mistake at a place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Mistake {
    pub(crate) fn new(span: &Range<usize>, message: impl Into<String>) -> Self {
        Self { span: span.clone(), message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Offers the known word that is most like the wrong one, or the list of all.
    pub(crate) fn among<'a>(self, word: &str, prefix: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match most_like(word, &known) {
            Some(near) => self.hint(format!("did you mean `{prefix}{near}`?")),
            None if known.is_empty() => self,
            None => self.hint(format!("there are `{prefix}{}`", known.join(&format!("`, `{prefix}")))),
        }
    }

    /// The mistake with the line it is in.
    pub(crate) fn locate(self, text: &str) -> Diagnostic {
        let at = (0..=self.span.start.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let source = text[start..end].trim_end_matches('\r');
        let wrong = (at..=self.span.end.min(end)).rev().find(|&to| text.is_char_boundary(to)).unwrap_or(at);
        Diagnostic {
            message: self.message,
            hint: self.hint,
            line: text[..start].matches('\n').count() + 1,
            column: text[start..at].chars().count() + 1,
            length: text[at..wrong.max(at)].chars().count().max(1),
            source: source.to_owned(),
        }
    }
}

fn most_like<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|known| (strsim::osa_distance(&word.to_lowercase(), &known.to_lowercase()), *known));
    let (distance, near) = near.min()?;
    (distance <= near.len().max(word.len()).div_ceil(3)).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_what_is_wrong() {
        let text = "model User {\n\temail Strin @unique\n}\n";
        let at = text.find("Strin").unwrap();
        let shown =
            Mistake::new(&(at..at + 5), "no type").among("Strin", "", ["String", "Int"]).locate(text).to_string();
        let expected = "error: no type\n --> line 2, column 8\n  |\n2 | \temail Strin @unique\n  | \t      ^^^^^\n  \
                        = did you mean `String`?";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_place_behind_the_end_or_within_a_character_is_shown() {
        assert_eq!(Mistake::new(&(10..12), "end").locate("abc").column, 4);
        assert_eq!(Mistake::new(&(1..1), "middle").locate("é").column, 1);
    }
}
