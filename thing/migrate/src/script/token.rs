//! Tokens: a text of SQL in parts of which none is lost.

use super::Syntax;

/// A part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind,
    pub(super) text: &'t str,
    /// Where it begins.
    pub(super) start: usize,
    /// False for a quote or a comment that the text does not end.
    pub(super) ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Space,
    Comment,
    /// The beginning of a comment that MySQL or MariaDB runs. Its end is two signs, and what stands between is tokens.
    Conditional,
    /// A keyword, a name or a number.
    Word,
    /// A name in quotes.
    Name,
    /// Text in quotes.
    Text,
    /// Text between dollars.
    DollarText,
    /// Any other sign.
    Sign,
}

/// The tokens of the text. Joined they are the text.
pub(super) fn tokens(text: &str, syntax: Syntax) -> impl Iterator<Item = Token<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let token = next(text, start, syntax)?;
        start += token.text.len();
        Some(token)
    })
}

/// The token that begins there.
pub(super) fn next(text: &str, start: usize, syntax: Syntax) -> Option<Token<'_>> {
    let rest = &text[start..];
    let first = rest.chars().next()?;
    let token = |kind, length: Option<usize>| {
        let (length, ended) = length.map_or((rest.len(), false), |length| (length, true));
        Some(Token { kind, text: &rest[..length], start, ended })
    };
    let while_so = |so: fn(char) -> bool| Some(rest.find(|c| !so(c)).unwrap_or(rest.len()));
    let line = || Some(rest.find('\n').map_or(rest.len(), |end| end + 1));
    match first {
        c if c.is_whitespace() => token(TokenKind::Space, while_so(char::is_whitespace)),
        '-' if is_line_comment(rest, syntax) => token(TokenKind::Comment, line()),
        '#' if syntax == Syntax::Mysql => token(TokenKind::Comment, line()),
        '/' if syntax == Syntax::Mysql && conditional(rest) > 0 => {
            token(TokenKind::Conditional, Some(conditional(rest)))
        }
        '/' if rest.starts_with("/*") => match comment_end(rest, syntax == Syntax::Postgres) {
            // SQLite takes the end of the text for that of the comment.
            None if syntax == Syntax::Sqlite => token(TokenKind::Comment, Some(rest.len())),
            end => token(TokenKind::Comment, end),
        },
        '\'' => token(TokenKind::Text, quote_end(rest, '\'', syntax == Syntax::Mysql)),
        'e' | 'E' if syntax == Syntax::Postgres && rest[1..].starts_with('\'') => {
            token(TokenKind::Text, quote_end(&rest[1..], '\'', true).map(|end| end + 1))
        }
        '"' if syntax == Syntax::Mysql => token(TokenKind::Text, quote_end(rest, '"', true)),
        '"' => token(TokenKind::Name, quote_end(rest, '"', false)),
        '`' if matches!(syntax, Syntax::Mysql | Syntax::Sqlite) => token(TokenKind::Name, quote_end(rest, '`', false)),
        '[' if syntax == Syntax::Sqlite => token(TokenKind::Name, rest.find(']').map(|end| end + 1)),
        '$' if syntax == Syntax::Postgres => match dollar_tag(rest) {
            Some(tag) => {
                let end = rest[tag.len()..].find(tag).map(|end| end + 2 * tag.len());
                token(TokenKind::DollarText, end)
            }
            None => token(TokenKind::Sign, Some(1)),
        },
        c if is_word(c) => token(TokenKind::Word, while_so(|c| is_word(c) || c == '$')),
        c => token(TokenKind::Sign, Some(c.len_utf8())),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || !c.is_ascii() && !c.is_whitespace()
}

/// In MySQL two dashes begin a comment only where white space follows.
fn is_line_comment(rest: &str, syntax: Syntax) -> bool {
    let Some(behind) = rest.strip_prefix("--") else { return false };
    syntax != Syntax::Mysql || behind.chars().next().is_none_or(|c| c.is_whitespace() || c.is_control())
}

/// The length of what opens a comment that the server runs, with the least version for which it does: `/*!50001`,
/// `/*M!100401`. None is as long as 0.
fn conditional(rest: &str) -> usize {
    let Some(behind) = rest.strip_prefix("/*!").or_else(|| rest.strip_prefix("/*M!")) else { return 0 };
    rest.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len()
}

fn comment_end(rest: &str, nested: bool) -> Option<usize> {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let end = at + rest[at..].find("*/")?;
        match rest[at..end].find("/*").filter(|_| nested) {
            Some(inner) => {
                at += inner + 2;
                depth += 1;
            }
            None => {
                at = end + 2;
                depth -= 1;
            }
        }
    }
    Some(at)
}

/// The end of a text in quotes; a doubled quote is one of the text.
fn quote_end(rest: &str, quote: char, backslashes: bool) -> Option<usize> {
    let mut signs = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = signs.next() {
        match c {
            '\\' if backslashes => _ = signs.next(),
            c if c == quote => match signs.peek() {
                Some((_, next)) if *next == quote => _ = signs.next(),
                _ => return Some(at + 1),
            },
            _ => {}
        }
    }
    None
}

/// The mark of a text between dollars: `$$` or `$name$`. A parameter such as `$1` is none.
fn dollar_tag(rest: &str) -> Option<&str> {
    let end = rest[1..].find(|c: char| !is_word(c))? + 1;
    let is_tag = rest[end..].starts_with('$') && !rest[1..].starts_with(|c: char| c.is_ascii_digit());
    is_tag.then(|| &rest[..=end])
}
