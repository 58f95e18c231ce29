//! Tokens of SQL, as SQLite reads them (<https://www.sqlite.org/c3ref/keyword_check.html> knows the words, this the rest).

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Whether white space or a comment stands before it.
    spaced: bool,
}

impl Token<'_> {
    /// Whether it is this word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it can be a name.
    pub(super) fn is_name(&self) -> bool {
        self.text.starts_with(|c| is_word(c) && !c.is_ascii_digit() || matches!(c, '"' | '`' | '['))
    }

    /// The name, without the quotes that it may have. SQLite takes text for a name too, where there must be one.
    pub(super) fn name(&self) -> String {
        let Some(open) = self.text.chars().next() else { return String::new() };
        let close = match open {
            '"' | '`' | '\'' => open,
            '[' => ']',
            _ => return self.text.to_owned(),
        };
        let inner = self.text.get(1..self.text.len().saturating_sub(1)).unwrap_or_default();
        if open == '[' { inner.to_owned() } else { inner.replace(&format!("{close}{close}"), &close.to_string()) }
    }
}

/// The tokens of the text, without comments.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut spaced = false;
    while let Some(first) = rest.chars().next() {
        let length = length(rest, first);
        let (token, behind) = rest.split_at(length);
        rest = behind;
        if first.is_ascii_whitespace() || token.starts_with("--") || token.starts_with("/*") {
            spaced = true;
        } else {
            tokens.push(Token { text: token, spaced });
            spaced = false;
        }
    }
    tokens
}

/// The tokens as text again, with one space where there was some.
pub(super) fn text(tokens: &[Token<'_>]) -> String {
    let mut out = String::new();
    for token in tokens {
        if token.spaced && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(token.text);
    }
    out
}

/// The text as [`text`] writes it.
pub(super) fn normal(sql: &str) -> String {
    text(&tokens(sql))
}

/// The tokens between the parenthesis at the beginning and the one that closes it, and those behind.
pub(super) fn group<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(&'t [Token<'a>], &'t [Token<'a>])> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return (at > 0).then(|| (&tokens[1..at], &tokens[at + 1..]));
        }
    }
    None
}

/// The parts between commas that stand in no parentheses.
pub(super) fn parts<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0_usize;
    let separates = |token: &Token<'_>| {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.text == ","
    };
    tokens.split(separates).filter(|part| !part.is_empty()).collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii()
}

fn length(rest: &str, first: char) -> usize {
    let up_to = |end: Option<usize>| end.unwrap_or(rest.len());
    let after = |text: &str| rest.find(text).map(|at| at + text.len());
    match first {
        _ if first.is_ascii_whitespace() => up_to(rest.find(|c: char| !c.is_ascii_whitespace())),
        '-' if rest.starts_with("--") => up_to(after("\n")),
        '/' if rest.starts_with("/*") => up_to(rest[2..].find("*/").map(|at| at + 4)),
        '\'' | '"' | '`' => quoted(rest, first),
        '[' => up_to(after("]")),
        'x' | 'X' if rest[1..].starts_with('\'') => 1 + quoted(&rest[1..], '\''),
        _ if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            number(rest)
        }
        _ if is_word(first) => up_to(rest.find(|c| !is_word(c))),
        _ => {
            let operators = ["->>", "->", "||", "<<", ">>", "<=", ">=", "<>", "==", "!="];
            operators.iter().find(|operator| rest.starts_with(**operator)).map_or(first.len_utf8(), |o| o.len())
        }
    }
}

/// The length of a number; the sign of an exponent belongs to it.
fn number(rest: &str) -> usize {
    let mut before = ' ';
    let hexadecimal = rest.starts_with("0x") || rest.starts_with("0X");
    let ends = |(_, c): &(usize, char)| {
        let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !hexadecimal;
        before = *c;
        !(is_word(*c) || *c == '.' || sign)
    };
    rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at)
}

/// The length of what is quoted; a doubled quote does not end it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::{group, normal, parts, tokens};

    fn texts(sql: &str) -> Vec<&str> {
        tokens(sql).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn what_is_quoted_is_one_token() {
        assert_eq!(
            texts("'it''s (,'\"a\"\"b\"[c d]`e``f`x'00ff'"),
            ["'it''s (,'", "\"a\"\"b\"", "[c d]", "`e``f`", "x'00ff'"]
        );
        let names: Vec<_> = tokens("\"a\"\"b\" [c]").iter().map(super::Token::name).collect();
        assert_eq!(names, ["a\"b", "c"]);
        assert_eq!(texts("'open"), ["'open"]);
    }

    #[test]
    fn comments_are_no_tokens() {
        assert_eq!(texts("a -- b, (\n/* c ) */ , d"), ["a", ",", "d"]);
        assert_eq!(normal("a\n\t/* b */  +1"), "a +1");
        assert_eq!(texts("/* open"), Vec::<&str>::new());
    }

    #[test]
    fn numbers_and_operators_are_whole() {
        assert_eq!(
            texts("1e-5<>.5||größe->>'$.a' 0x1F-2"),
            ["1e-5", "<>", ".5", "||", "größe", "->>", "'$.a'", "0x1F", "-", "2"]
        );
    }

    #[test]
    fn groups_and_parts_know_parentheses() {
        let all = tokens("(a, (b, c), d) e");
        let (inner, behind) = group(&all).unwrap();
        assert_eq!(behind.len(), 1);
        assert_eq!(parts(inner).len(), 3);
        assert!(group(&tokens("(a")).is_none() && group(&tokens("a)")).is_none());
    }
}
