//! Scripts: the text of a migration, its statements, and what its first lines say about it.

mod syntax;
mod token;
mod split;
mod directives;

use sha2::{Digest, Sha256};
use thing_driver_api::{Error, Result};

pub use split::{Piece, pieces};
pub(crate) use split::{changes_rows, is_repeatable};
pub use syntax::Syntax;

use directives::Directives;
use token::{Token, TokenKind};

/// The text of a file, with the ends of its lines as `\n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    file: String,
    text: String,
    directives: Directives,
}

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqlStatement {
    /// The text, without the comments before it and the semicolon behind it.
    pub sql: String,
    /// The line of the file on which it begins, counted from 1.
    pub line: usize,
}

impl Script {
    /// A script. `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming the line that begins with
    /// `-- thing:` and says something unknown.
    pub fn new(file: impl Into<String>, text: &str) -> Result<Self> {
        let (file, text) = (file.into(), text.trim_start_matches('\u{feff}').replace("\r\n", "\n"));
        let directives = Directives::read(&file, &text)?;
        Ok(Self { file, text, directives })
    }

    /// The name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// False with the line `-- thing: no transaction`.
    pub fn in_transaction(&self) -> bool {
        self.directives.in_transaction
    }

    /// The tables whose rows it changes, as the line `-- thing: changes users, books` says.
    pub fn changes(&self) -> Option<&[String]> {
        self.directives.changes.as_deref()
    }

    /// The SHA-256 of the text, in hexadecimal digits. How lines end makes no difference.
    pub fn checksum(&self) -> String {
        hexadecimal(&Sha256::digest(self.text.as_bytes()))
    }

    /// The statements, in their order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming the line of a quote or a comment that
    /// has no end, of a statement that begins or ends a transaction, of a command of psql, and of a line `-- thing: …` that
    /// is not one of the first.
    pub fn statements(&self, syntax: Syntax) -> Result<Vec<SqlStatement>> {
        let at = |line: usize, what: &str| Error::invalid_input(format!("{}, line {line}: {what}", self.file));
        let pieces = pieces(&self.text, syntax).map_err(|(line, what)| at(line, &what))?;
        if let Some((line, said)) = self.misplaced(syntax) {
            let said =
                format!("`thing: {said}` says nothing here; write it at the beginning of the file, before all else");
            return Err(at(line, &said));
        }
        let mut statements = Vec::new();
        for piece in &pieces {
            let Some(sql) = piece.statement() else { continue };
            if syntax == Syntax::Postgres && sql.starts_with('\\') {
                let said = "what begins with a backslash is a command of psql and no SQL; leave out the line";
                return Err(at(piece.line, said));
            }
            if split::controls_transaction(sql, syntax) {
                let said = "a migration is in a transaction of its own, or in none with the first line \
                            `-- thing: no transaction`; leave out what begins or ends one";
                return Err(at(piece.line, said));
            }
            statements.push(SqlStatement { sql: sql.to_owned(), line: piece.line });
        }
        Ok(statements)
    }

    /// What says how the script is run where nobody looks for it, with its line.
    fn misplaced(&self, syntax: Syntax) -> Option<(usize, &str)> {
        let later = token::tokens(&self.text, syntax).filter(|token| token.start >= self.directives.end);
        later.filter(|token| token.kind == TokenKind::Comment).find_map(|token| {
            let line = self.text[..token.start].matches('\n').count() + 1;
            directives::said(token.text).map(|said| (line, said))
        })
    }

    /// The words outside of comments that can be names of tables, and whether others may change too: by a word that
    /// changes rows, for triggers and foreign keys go on from there, or by a statement that does not say what it changes.
    pub(crate) fn words(&self, syntax: Syntax) -> (Vec<String>, bool) {
        const CHANGE: [&str; 9] =
            ["insert", "update", "delete", "replace", "merge", "truncate", "call", "do", "select"];
        let unknown = |sql: &str| split::reaches_further(sql, syntax);
        let mut changes =
            pieces(&self.text, syntax).map_or(true, |pieces| pieces.iter().filter_map(Piece::statement).any(unknown));
        let mut words = Vec::new();
        for Token { kind, text, .. } in token::tokens(&self.text, syntax) {
            match kind {
                TokenKind::Word => {
                    changes |= CHANGE.iter().any(|word| text.eq_ignore_ascii_case(word));
                    words.push(text.to_owned());
                }
                TokenKind::Name => words.push(unquoted(text)),
                // It takes text for a name where there must be one.
                TokenKind::Text if syntax == Syntax::Sqlite => words.push(unquoted(text)),
                // Bodies of functions.
                TokenKind::DollarText => changes = true,
                _ => {}
            }
        }
        (words, changes)
    }
}

/// The name in the quotes.
fn unquoted(name: &str) -> String {
    let inner = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
    match name.chars().next_back() {
        Some(quote) => inner.replace(&format!("{quote}{quote}"), &quote.to_string()),
        None => String::new(),
    }
}

/// The SHA-256 of the first statements of a script, for a script of which only these were run.
pub(crate) fn checksum_of(statements: &[SqlStatement]) -> String {
    let mut digest = Sha256::new();
    for statement in statements {
        digest.update(statement.sql.as_bytes());
        digest.update([0]);
    }
    hexadecimal(&digest.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
