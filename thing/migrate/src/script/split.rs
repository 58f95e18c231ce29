//! Splitting: where one statement ends and the next begins.

use super::Syntax;
use super::token::{self, Token, TokenKind};

/// A part of a script: a statement with what stands before it and the sign that ends it, or what stands behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece<'t> {
    /// The whole part. All parts joined are the script.
    pub text: &'t str,
    statement: Option<&'t str>,
    /// The line on which the statement begins, counted from 1.
    pub line: usize,
}

impl<'t> Piece<'t> {
    /// The statement, without comments before it and white space and the semicolon behind it; `None` where there is none.
    pub fn statement(&self) -> Option<&'t str> {
        self.statement
    }
}

/// Cuts a script into its statements.
///
/// Semicolons in quotes and comments do not count, nor those in the body of a trigger, a procedure or a function between
/// BEGIN and END. In MySQL's syntax the line `DELIMITER //` sets the sign that ends statements.
///
/// # Errors
///
/// The line of a quote, a comment or a body that has no end, and what it is.
pub fn pieces(text: &str, syntax: Syntax) -> Result<Vec<Piece<'_>>, (usize, String)> {
    let mut splitter = Splitter { text, syntax, at: 0, delimiter: ";", pieces: Vec::new() };
    while splitter.at < text.len() {
        splitter.piece()?;
    }
    Ok(splitter.pieces)
}

/// Whether the statement begins or ends a transaction.
pub(super) fn controls_transaction(sql: &str, syntax: Syntax) -> bool {
    let mut words = significant(sql, syntax).map(|token| token.text.to_ascii_lowercase());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match first.as_str() {
        "begin" | "commit" | "abort" | "end" => true,
        "start" | "prepare" => second == "transaction",
        "rollback" => second != "to",
        _ => false,
    }
}

/// Whether running the statement once more does no harm: it makes or drops what is not there or there.
pub(crate) fn is_repeatable(sql: &str, syntax: Syntax) -> bool {
    let words: Vec<String> = significant(sql, syntax).take(12).map(|token| token.text.to_ascii_lowercase()).collect();
    let has = |phrase: &[&str]| words.windows(phrase.len()).any(|part| part.iter().eq(phrase));
    let is_definition = words.first().is_some_and(|first| first == "create" || first == "drop");
    // PostgreSQL leaves an invalid index behind.
    let leaves_pieces = words.iter().any(|word| word == "concurrently");
    is_definition
        && !leaves_pieces
        && (has(&["if", "not", "exists"]) || has(&["if", "exists"]) || has(&["or", "replace"]))
}

/// Whether the statement may change what rows hold in tables that it does not name: that is known of few statements.
pub(super) fn reaches_further(sql: &str, syntax: Syntax) -> bool {
    let mut words = significant(sql, syntax).map(|token| token.text.to_ascii_lowercase());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    !match first.as_str() {
        "create" | "comment" | "set" | "analyze" | "vacuum" | "reindex" | "pragma" | "grant" | "revoke" => true,
        "alter" | "drop" => matches!(second.as_str(), "table" | "index" | "view" | "trigger" | "sequence"),
        _ => false,
    }
}

/// Whether the statement changes rows and nothing else, so that a transaction can hold it everywhere.
pub(crate) fn changes_rows(sql: &str, syntax: Syntax) -> bool {
    const WORDS: [&str; 5] = ["insert", "update", "delete", "replace", "with"];
    significant(sql, syntax).next().is_some_and(|first| WORDS.iter().any(|word| first.text.eq_ignore_ascii_case(word)))
}

fn significant(sql: &str, syntax: Syntax) -> impl Iterator<Item = Token<'_>> {
    let says_nothing = [TokenKind::Space, TokenKind::Comment, TokenKind::Conditional];
    token::tokens(sql, syntax).filter(move |token| !says_nothing.contains(&token.kind))
}

struct Splitter<'t> {
    text: &'t str,
    syntax: Syntax,
    at: usize,
    delimiter: &'t str,
    pieces: Vec<Piece<'t>>,
}

impl<'t> Splitter<'t> {
    fn piece(&mut self) -> Result<(), (usize, String)> {
        let start = self.at;
        let mut body = Body::new(self.syntax);
        let mut begun = None;
        let mut end = start;
        loop {
            if begun.is_none() && self.delimiter_line(start) {
                return Ok(());
            }
            if self.text[self.at..].starts_with(self.delimiter) && (body.is_outside() || self.delimiter != ";") {
                self.at += self.delimiter.len();
                break;
            }
            let Some(token) = token::next(self.text, self.at, self.syntax) else {
                if begun.is_some() && !body.is_outside() && self.delimiter == ";" {
                    return Err((self.line(body.opened), "BEGIN without END".to_owned()));
                }
                break;
            };
            if !token.ended {
                let what = if token.kind == TokenKind::Comment { "comment" } else { "quote" };
                return Err((self.line(token.start), format!("a {what} without an end")));
            }
            // A word may hold dollars, and so the sign that ends the statement.
            let cut = token.text.find(self.delimiter).filter(|_| token.kind == TokenKind::Word);
            self.at += cut.unwrap_or(token.text.len());
            if !matches!(token.kind, TokenKind::Space | TokenKind::Comment) {
                begun.get_or_insert(token.start);
                end = self.at;
                body.see(&token);
            }
        }
        let statement = begun.map(|begun| &self.text[begun..end]);
        let line = self.line(begun.unwrap_or(start));
        self.pieces.push(Piece { text: &self.text[start..self.at], statement, line });
        Ok(())
    }

    /// The command `DELIMITER` of MySQL's own client, which is a line of its own.
    fn delimiter_line(&mut self, start: usize) -> bool {
        let line_begins = self.at == 0 || self.text[..self.at].ends_with('\n');
        if self.syntax != Syntax::Mysql || !line_begins {
            return false;
        }
        let rest = &self.text[self.at..];
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let mut words = rest[..length].split_whitespace();
        let (Some(command), Some(delimiter), None) = (words.next(), words.next(), words.next()) else { return false };
        if !command.eq_ignore_ascii_case("delimiter") {
            return false;
        }
        self.delimiter = delimiter;
        let line = self.line(self.at);
        self.at += length;
        self.pieces.push(Piece { text: &self.text[start..self.at], statement: None, line });
        true
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }
}

/// Counts the bodies that are open in a statement that can have some.
struct Body {
    syntax: Syntax,
    words: usize,
    /// It begins with CREATE.
    creates: bool,
    /// It is of a sort that has a body.
    has_body: bool,
    depth: usize,
    /// Where the outermost was opened.
    opened: usize,
    last: Last,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Begin,
    Dot,
    End,
    Other,
}

impl Body {
    fn new(syntax: Syntax) -> Self {
        let last = Last::Other;
        Self { syntax, words: 0, creates: false, has_body: false, depth: 0, opened: 0, last }
    }

    fn is_outside(&self) -> bool {
        self.depth == 0
    }

    fn see(&mut self, token: &Token<'_>) {
        if token.kind != TokenKind::Word {
            self.last = if token.text == "." { Last::Dot } else { Last::Other };
            return;
        }
        // What stands behind a dot is a name: `NEW.end`.
        if self.last == Last::Dot {
            self.last = Last::Other;
            return;
        }
        let word = token.text.to_ascii_uppercase();
        let word = word.as_str();
        self.words += 1;
        if self.words == 1 {
            self.creates = word == "CREATE";
        } else if self.creates && !self.has_body {
            self.has_body = match self.syntax {
                Syntax::Sqlite | Syntax::Standard => word == "TRIGGER",
                Syntax::Postgres => matches!(word, "FUNCTION" | "PROCEDURE"),
                Syntax::Mysql => matches!(word, "TRIGGER" | "FUNCTION" | "PROCEDURE" | "EVENT"),
            };
            // These have none, and columns may be called `event` and `begin`.
            self.creates = !matches!(word, "TABLE" | "INDEX" | "VIEW");
        } else if self.has_body {
            self.count(word, token.start);
        }
    }

    fn count(&mut self, word: &str, start: usize) {
        let before = std::mem::replace(&mut self.last, Last::Other);
        match word {
            // Only `BEGIN ATOMIC` of PostgreSQL is no word of another language.
            "BEGIN" if self.syntax == Syntax::Postgres => self.last = Last::Begin,
            "ATOMIC" if before == Last::Begin => self.open(start),
            "BEGIN" => self.open(start),
            "CASE" if before == Last::End => {}
            "CASE" if self.depth > 0 => self.open(start),
            // `END IF` and its like: the END was counted, though nothing was opened.
            "IF" | "LOOP" | "WHILE" | "REPEAT" | "FOR" if before == Last::End && self.syntax == Syntax::Mysql => {
                self.depth += 1;
            }
            "END" => {
                self.depth = self.depth.saturating_sub(1);
                self.last = Last::End;
            }
            _ => {}
        }
    }

    fn open(&mut self, start: usize) {
        if self.depth == 0 {
            self.opened = start;
        }
        self.depth += 1;
    }
}
