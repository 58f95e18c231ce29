//! Choices: the text form of a list of fields.

use thing_driver_api::{Error, Result};

/// So deep may lists stand in lists: the text may come from outside.
const DEPTH: usize = 16;

/// One part of the text.
#[derive(Debug, PartialEq)]
pub struct Choice {
    /// A name, or `*`.
    pub(super) name: String,
    /// Where it stands in the text, in characters, counted from 1.
    pub(super) position: usize,
    /// Whether it is left out: `-name`.
    pub(super) excluded: bool,
    /// What stands in braces behind it.
    pub(super) fields: Option<Vec<Self>>,
}

impl Choice {
    pub(super) fn mistake(&self, what: &str) -> Error {
        Error::invalid_input(format!("`{}` (character {}) {what}", self.name, self.position))
    }

    /// There is nothing of this name.
    pub(super) fn unknown<'n>(&self, owner: &str, what: &str, known: impl Iterator<Item = &'n str>) -> Error {
        let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
        let of = if known.is_empty() { "there are none".to_owned() } else { format!("known are {}", known.join(", ")) };
        Error::invalid_input(format!("{owner} has no {what} `{}` (character {}); {of}", self.name, self.position))
    }
}

/// What the choices name, in their order: `find` knows it by its name, `chosen` is what of it is chosen. `rest` gives what has
/// none of these names, for `*` and for choices that only leave out.
pub(super) fn pick<'k, T: 'k>(
    choices: &[Choice],
    find: impl Fn(&Choice) -> Result<&'k T>,
    chosen: impl Fn(&T, &Choice) -> Result<T>,
    rest: impl Fn(&[&str]) -> Vec<T>,
) -> Result<Vec<T>> {
    let mut named: Vec<&str> = Vec::new();
    for choice in choices {
        if choice.name != "*" {
            find(choice)?;
        }
        if named.contains(&choice.name.as_str()) {
            return Err(choice.mistake("is named twice"));
        }
        named.push(&choice.name);
    }
    let mut picked = Vec::new();
    for choice in choices.iter().filter(|choice| !choice.excluded) {
        if choice.name == "*" {
            picked.extend(rest(&named));
        } else {
            picked.push(chosen(find(choice)?, choice)?);
        }
    }
    if choices.iter().all(|choice| choice.excluded) {
        picked.extend(rest(&named));
    }
    Ok(picked)
}

/// Reads `name,books{title,-id},-secret`.
pub(super) fn parse(text: &str) -> Result<Vec<Choice>> {
    let mut reader = Reader { rest: text.chars().collect(), at: 0 };
    let choices = reader.list(0)?;
    match reader.peek() {
        None => Ok(choices),
        Some(other) => Err(reader.unexpected(other, "`,` or the end")),
    }
}

struct Reader {
    rest: Vec<char>,
    at: usize,
}

impl Reader {
    fn list(&mut self, depth: usize) -> Result<Vec<Choice>> {
        if depth > DEPTH {
            return Err(Error::invalid_input(format!(
                "the fields nest more than {DEPTH} deep at character {}; ask for less",
                self.at
            )));
        }
        let mut choices = vec![self.choice(depth)?];
        while self.take(',') {
            choices.push(self.choice(depth)?);
        }
        Ok(choices)
    }

    fn choice(&mut self, depth: usize) -> Result<Choice> {
        let excluded = self.take('-');
        self.skip_spaces();
        let position = self.at + 1;
        let name = if !excluded && self.take('*') { "*".to_owned() } else { self.name()? };
        let mut fields = None;
        if !excluded && name != "*" && self.take('{') {
            fields = Some(self.list(depth + 1)?);
            if !self.take('}') {
                return Err(match self.peek() {
                    Some(other) => self.unexpected(other, "`,` or `}`"),
                    None => self.ended("`}`"),
                });
            }
        }
        Ok(Choice { name, position, excluded, fields })
    }

    fn name(&mut self) -> Result<String> {
        let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
        let name: String = self.rest[self.at..].iter().copied().take_while(is_part).collect();
        self.at += name.chars().count();
        match self.peek() {
            _ if !name.is_empty() => Ok(name),
            Some(other) => Err(self.unexpected(other, "the name of a field")),
            None => Err(self.ended("the name of a field")),
        }
    }

    /// Goes past the character, if it is the next one.
    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_spaces();
        self.rest.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest[self.at..].iter().take_while(|c| c.is_whitespace()).count();
    }

    fn unexpected(&self, found: char, expected: &str) -> Error {
        Error::invalid_input(format!("found {found:?} at character {}, expected {expected}", self.at + 1))
    }

    fn ended(&self, expected: &str) -> Error {
        Error::invalid_input(format!("the fields end where {expected} is expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(name: &str, position: usize) -> Choice {
        Choice { name: name.to_owned(), position, excluded: false, fields: None }
    }

    #[test]
    fn lists_nest() -> Result<()> {
        let books = Choice { fields: Some(vec![choice("title", 13)]), ..choice("books", 7) };
        let secret = Choice { excluded: true, ..choice("secret", 22) };
        assert_eq!(parse("name, books{title}, -secret, *")?, [choice("name", 1), books, secret, choice("*", 30)]);
        Ok(())
    }

    #[test]
    fn mistakes_are_told_by_their_place() {
        for (text, message) in [
            ("", "the fields end where the name of a field is expected"),
            ("a,,b", "found ',' at character 3, expected the name of a field"),
            ("a{b", "the fields end where `}` is expected"),
            ("a{b c}", "found 'c' at character 5, expected `,` or `}`"),
            ("a}", "found '}' at character 2, expected `,` or the end"),
            ("-*", "found '*' at character 2, expected the name of a field"),
            ("é,$", "found '$' at character 3, expected the name of a field"),
        ] {
            let error = parse(text).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(message), "{text}");
        }
        assert!(parse(&"a{".repeat(100)).is_err_and(|error| error.to_string().contains("16 deep")));
    }
}
