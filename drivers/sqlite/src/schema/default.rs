//! Defaults, in one form: what definitions call `TRUE`, `((5))`, `"a"`, and `'5'` of an integer, is `1`, `5`, `'a'` and
//! `5` here.

use thing_driver_api::{Decimal, quote};

use super::tokens::{Token, group, text, tokens};

/// A constant, as a column keeps it.
#[derive(Debug)]
enum Constant {
    Integer(i64),
    Real(f64),
    Text(String),
    /// In hexadecimal digits.
    Blob(String),
}

/// Up to here a float without fraction is the integer that it looks like.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The default of a column with this declared type: of a constant the value that the column keeps, any other expression
/// as it stands. `None` for NULL.
pub(super) fn shown(words: &str, declared: &str) -> Option<String> {
    let all = tokens(words);
    let mut inner = all.as_slice();
    while let Some((inside, [])) = group(inner) {
        inner = inside;
    }
    if matches!(inner, [word] if word.is("NULL")) {
        return None;
    }
    let written = Constant::read(inner).and_then(|constant| constant.kept(declared)).and_then(Constant::written);
    Some(written.unwrap_or_else(|| text(inner)))
}

impl Constant {
    fn read(tokens: &[Token<'_>]) -> Option<Self> {
        let [signs @ .., value] = tokens else { return None };
        let negative = match signs {
            [] => false,
            [sign] if sign.is("+") || sign.is("-") => sign.is("-"),
            _ => return None,
        };
        let minus = if negative { "-" } else { "" };
        match value.text.chars().next()? {
            c if c.is_ascii_digit() || c == '.' => Self::number(&format!("{minus}{}", value.text)),
            _ if !signs.is_empty() => None,
            'x' | 'X' if value.text.ends_with('\'') => {
                Some(Self::Blob(value.text.get(2..value.text.len() - 1)?.to_ascii_lowercase()))
            }
            '\'' => Some(Self::Text(value.name())),
            _ if value.is("TRUE") => Some(Self::Integer(1)),
            _ if value.is("FALSE") => Some(Self::Integer(0)),
            _ if ["CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"].iter().any(|word| value.is(word)) => None,
            // There are no columns here: a name is a text.
            _ if value.is_name() => Some(Self::Text(value.name())),
            _ => None,
        }
    }

    /// The number in these digits, which may stand in a text.
    fn number(digits: &str) -> Option<Self> {
        if !digits.contains(|c: char| c.is_ascii_digit()) || digits.contains(|c| !"0123456789.eE+-".contains(c)) {
            return None;
        }
        match digits.parse() {
            Ok(integer) => Some(Self::Integer(integer)),
            Err(_) => digits.parse().ok().map(Self::Real),
        }
    }

    /// What a column of this declared type makes of it; `None` where that is not known here. The rules are those of
    /// <https://www.sqlite.org/datatype3.html>, section 3, where floats without fraction count as the integers that
    /// most columns make of them.
    fn kept(self, declared: &str) -> Option<Self> {
        let declared = declared.to_ascii_uppercase();
        let says = |words: &[&str]| words.iter().any(|word| declared.contains(word));
        if !says(&["INT"]) && says(&["CHAR", "CLOB", "TEXT"]) {
            let text = match self {
                Self::Integer(number) => number.to_string(),
                Self::Real(number) => written_out(number)?,
                Self::Text(text) => text,
                Self::Blob(digits) => return Some(Self::Blob(digits)),
            };
            let number = declared.starts_with("DECIMAL_TEXT").then(|| text.parse::<Decimal>().ok()).flatten();
            return Some(Self::Text(number.map_or(text, |number| number.to_string())));
        }
        // Columns that convert nothing.
        if !says(&["INT"]) && (declared.is_empty() || declared == "ANY" || says(&["BLOB"])) {
            return Some(self);
        }
        Some(match self {
            Self::Text(text) => Self::number(text.trim()).map_or(Self::Text(text), Self::without_fraction),
            other => other.without_fraction(),
        })
    }

    fn without_fraction(self) -> Self {
        match self {
            #[allow(clippy::cast_possible_truncation, reason = "it has no fraction and fits")]
            Self::Real(number) if number.fract() == 0.0 && number.abs() < EXACT => Self::Integer(number as i64),
            other => other,
        }
    }

    /// The constant in SQL; `None` for one that has no words of its own.
    fn written(self) -> Option<String> {
        match self {
            // The parser reads a minus apart from its number, and 9223372036854775808 is no integer.
            Self::Integer(i64::MIN) => None,
            Self::Integer(number) => Some(number.to_string()),
            Self::Real(number) => number.is_finite().then(|| format!("{number:?}")),
            Self::Text(text) => {
                let mut out = String::new();
                quote(&text, '\'', &mut out);
                Some(out)
            }
            Self::Blob(digits) => Some(format!("x'{digits}'")),
        }
    }
}

/// The text that SQLite makes of a float, where it is one without exponent that loses no digits.
fn written_out(number: f64) -> Option<String> {
    let text = format!("{number:?}");
    let short = text.bytes().filter(u8::is_ascii_digit).count() <= 15;
    (short && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn constants_have_one_form() {
        let forms = [
            ("TRUE", "BOOLEAN", "1"),
            ("(false)", "boolean", "0"),
            ("\"true\"", "BOOLEAN", "'true'"),
            ("((5))", "INTEGER", "5"),
            ("+5", "INTEGER", "5"),
            ("'5'", "BIGINT", "5"),
            ("5.0", "INTEGER", "5"),
            ("- 5", "INT", "-5"),
            ("'many'", "INTEGER", "'many'"),
            ("\"a\"", "TEXT", "'a'"),
            ("[it's]", "TEXT", "'it''s'"),
            ("word", "VARCHAR(9)", "'word'"),
            ("5", "TEXT", "'5'"),
            ("2.50", "TEXT", "'2.5'"),
            ("'5'", "TEXT", "'5'"),
            ("9.90", "DECIMAL_TEXT COLLATE decimal", "'9.9'"),
            ("'9.90'", "DECIMAL_TEXT COLLATE decimal", "'9.9'"),
            ("2.5e0", "DOUBLE PRECISION", "2.5"),
            ("5e0", "REAL", "5"),
            ("1e300", "REAL", "1e300"),
            ("-9e999", "REAL", "-9e999"),
            ("X'00FF'", "BLOB", "x'00ff'"),
            ("5.0", "BLOB", "5.0"),
            ("'5'", "", "'5'"),
            ("inf", "REAL", "'inf'"),
        ];
        for (words, declared, form) in forms {
            assert_eq!(shown(words, declared).as_deref(), Some(form), "{words} of {declared}");
            assert_eq!(shown(form, declared).as_deref(), Some(form), "{form} of {declared}");
        }
        assert_eq!(shown("(NULL)", "TEXT"), None);
    }

    #[test]
    fn other_expressions_stay_as_they_are() {
        for words in
            ["CURRENT_TIMESTAMP", "(1) + (2)", "-9223372036854775807 - 1", "0x1F", "lower('A')", "-9223372036854775808"]
        {
            assert_eq!(shown(words, "INTEGER").as_deref(), Some(words));
        }
        assert_eq!(shown("(datetime( 'now' ))", "TEXT").as_deref(), Some("datetime( 'now' )"));
    }
}
