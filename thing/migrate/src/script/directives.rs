//! Directives: comments at the beginning of a script that say how it is run.

use thing_driver_api::{Error, Result};

/// What the lines `-- thing: …` before the first statement say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directives {
    pub(super) in_transaction: bool,
    pub(super) changes: Option<Vec<String>>,
    /// Where the lines end that can say something.
    pub(super) end: usize,
}

impl Directives {
    pub(super) fn read(file: &str, text: &str) -> Result<Self> {
        let mut directives = Self { in_transaction: true, changes: None, end: 0 };
        let head = text.split_inclusive('\n').enumerate().map(|(at, line)| (at + 1, line));
        for (number, line) in head.take_while(|(_, line)| line.trim().is_empty() || line.trim().starts_with("--")) {
            directives.end += line.len();
            let Some(said) = said(line) else { continue };
            match said.split_once(' ') {
                Some(("no", "transaction")) => directives.in_transaction = false,
                Some(("changes", "nothing")) => directives.changes = Some(Vec::new()),
                Some(("changes", tables)) => {
                    let names = tables.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
                    directives.changes.get_or_insert_default().extend(names);
                }
                _ => {
                    return Err(Error::invalid_input(format!(
                        "{file}, line {number}: `thing: {said}` means nothing; write `thing: no transaction`, \
                         `thing: changes users, books` or `thing: changes nothing`"
                    )));
                }
            }
        }
        Ok(directives)
    }
}

/// What a comment of one line says about the script.
pub(super) fn said(comment: &str) -> Option<&str> {
    let comment = comment.trim().strip_prefix("--")?;
    Some(comment.trim_start_matches('-').trim().strip_prefix("thing:")?.trim())
}
