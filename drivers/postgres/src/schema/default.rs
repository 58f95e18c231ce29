//! Defaults, in one form: the server shows `'-5'::integer`, `'x'::text` and `1.50` for what is `-5`, `'x'` and `1.5` here.

use std::fmt::Write as _;

use thing_driver_api::schema::without_brackets;
use thing_driver_api::{Decimal, Result, Value};

use super::types::Type;
use crate::array;
use crate::calendar;
use crate::dialect;

/// A default that a model declares; `None` for NULL.
pub(super) fn declared(value: &Value<'_>, column: &Type<'_>) -> Result<Option<String>> {
    let Some(text) = text(value, column) else { return Err(dialect::no_literal(value)) };
    match value {
        Value::Null => return Ok(None),
        Value::Bool(_) => return Ok(Some(text)),
        _ => {}
    }
    match in_one_form(&text, column) {
        Some(form) => Ok(Some(form)),
        None => Err(dialect::no_literal(value)),
    }
}

/// A default as the server shows it; `None` for NULL. What is no constant of the column's type stays as it is.
pub(super) fn shown(words: &str, column: &Type<'_>) -> Option<String> {
    if words.starts_with("NULL::") {
        return None;
    }
    let inner = without_brackets(words);
    let form = match constant(inner) {
        Some((text, cast)) => {
            let cast = Type::read(cast);
            let fits = cast.name == column.name || cast.is_number() && column.is_number() || cast.is_text();
            fits.then(|| in_one_form(&text, column)).flatten()
        }
        None if column.is_number() => in_one_form(inner, column),
        None => None,
    };
    Some(form.unwrap_or_else(|| words.to_owned()))
}

/// Whether a default is a number or a text, and nothing that is computed.
pub(super) fn is_constant(form: &str) -> bool {
    form.parse::<f64>().is_ok() || constant(&format!("{form}::text")).is_some()
}

/// A constant of the column's type by its text.
fn in_one_form(text: &str, column: &Type<'_>) -> Option<String> {
    let quoted = |text: &str| {
        let mut out = String::new();
        dialect::write_text(text, &mut out).map(|()| out)
    };
    match column.name {
        "smallint" | "integer" | "bigint" => text.parse::<i64>().ok().map(|number| number.to_string()),
        "numeric" => text.parse::<Decimal>().ok().map(|number| number.to_string()),
        "real" | "double precision" => {
            let number: f64 = text.parse().ok()?;
            // The shortest text that gives the number back.
            let (small, long) = if column.name == "real" {
                let number: f32 = text.parse().ok()?;
                (number.to_string(), format!("{number:e}"))
            } else {
                (number.to_string(), format!("{number:e}"))
            };
            match number.abs() {
                size if !size.is_finite() => quoted(text),
                0.0 | 1e-5..1e15 => Some(small),
                _ => Some(long),
            }
        }
        "json" | "jsonb" => {
            let document: serde_json::Value = serde_json::from_str(text).ok()?;
            quoted(&document.to_string())
        }
        _ => quoted(text),
    }
}

/// The text of a value of the column, as the server writes it.
fn text(value: &Value<'_>, column: &Type<'_>) -> Option<String> {
    let mut out = String::new();
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Bool(v) => write!(out, "{v}").ok()?,
        Value::I64(v) => write!(out, "{v}").ok()?,
        Value::F64(v) if v.is_infinite() => out.push_str(if *v < 0.0 { "-Infinity" } else { "Infinity" }),
        Value::F64(v) if v.is_finite() => write!(out, "{v:e}").ok()?,
        Value::Decimal(v) => write!(out, "{v}").ok()?,
        Value::Text(v) => out.push_str(v),
        Value::Json(v) if column.is_array() => out = array::text(v)?,
        Value::Json(v) => out.push_str(v),
        Value::Bytes(v) => {
            out.push_str("\\x");
            v.iter().try_for_each(|byte| write!(out, "{byte:02x}")).ok()?;
        }
        Value::Uuid(v) => {
            for (at, byte) in v.iter().enumerate() {
                write!(out, "{}{byte:02x}", if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" }).ok()?;
            }
        }
        Value::Timestamp(v) => {
            calendar::write_timestamp(*v, &mut out)?;
            out = format!("{}+00", without_zeros(&out.replace('T', " ").replace('Z', "")));
        }
        Value::Date(v) => calendar::write_date(*v, &mut out)?,
        Value::Time(v) => {
            calendar::write_time(*v, &mut out)?;
            out = without_zeros(&out).to_owned();
        }
        _ => return None,
    }
    Some(out)
}

/// A time without the zeros at the end of its fraction.
fn without_zeros(time: &str) -> &str {
    time.trim_end_matches('0').strip_suffix('.').unwrap_or(time.trim_end_matches('0'))
}

/// The text and the type of `'text'::type`, and of nothing else.
fn constant(words: &str) -> Option<(String, &str)> {
    let (escapes, quoted) = match words.strip_prefix("E'") {
        Some(quoted) => (true, quoted),
        None => (false, words.strip_prefix('\'')?),
    };
    let mut text = String::new();
    let mut rest = quoted.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '\'' => match rest.next_if(|(_, next)| *next == '\'') {
                Some(_) => text.push('\''),
                None => {
                    let cast = quoted[at + 1..].strip_prefix("::")?;
                    let is_type = |c: char| c.is_alphanumeric() || " _\".,()[]".contains(c);
                    return cast.chars().all(is_type).then_some((text, cast));
                }
            },
            '\\' if escapes => text.push(rest.next()?.1),
            _ => text.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_have_one_form() {
        let forms = [
            ("'-5'::integer", "bigint", "-5"),
            ("(-5)", "integer", "-5"),
            ("1.50", "numeric", "1.5"),
            ("'1e300'::double precision", "double precision", "1e300"),
            ("0.1", "real", "0.1"),
            ("'-Infinity'::double precision", "double precision", "'-Infinity'"),
            ("'it''s'::character varying", "text collate \"C\"", "'it''s'"),
            ("'a\\b'::text", "text", "E'a\\\\b'"),
            ("'{\"b\": 1, \"a\": 2}'::jsonb", "jsonb", "'{\"a\":2,\"b\":1}'"),
            ("'x'::mood", "mood", "'x'"),
            ("now()", "timestamp with time zone", "now()"),
            ("('a'::text || 'b'::text)", "text", "('a'::text || 'b'::text)"),
            ("'2020-01-01'::date", "timestamp with time zone", "'2020-01-01'::date"),
        ];
        for (words, declared, form) in forms {
            assert_eq!(shown(words, &Type::read(declared)).as_deref(), Some(form), "{words}");
        }
        assert_eq!(shown("NULL::character varying", &Type::read("text")), None);
    }

    #[test]
    fn lists_are_written_as_arrays() {
        for (list, declared, form) in [
            ("[]", "text[] collate \"C\"", "'{}'"),
            ("[true,false]", "boolean[]", "'{t,f}'"),
            ("[1, -2]", "bigint[]", "'{1,-2}'"),
            (r#"["a","it's","a b","","NULL"]"#, "text[]", r#"'{a,it''s,"a b","","NULL"}'"#),
            (r#"["a\"b\\"]"#, "text[]", r#"E'{"a\\"b\\\\"}'"#),
        ] {
            let column = Type::read(declared);
            let form = Some(form.to_owned());
            assert_eq!(super::declared(&Value::Json(list.into()), &column).unwrap(), form, "{list}");
            let words = format!("{}::{}", form.as_deref().unwrap(), column.name);
            assert_eq!(shown(&words, &column), form, "{words}");
        }
        assert!(super::declared(&Value::Json("[[]]".into()), &Type::read("text[]")).is_err());
    }

    #[test]
    fn times_end_in_no_zeros() {
        assert_eq!(without_zeros("10:20:00.000000"), "10:20:00");
        assert_eq!(without_zeros("10:20:00.100000"), "10:20:00.1");
    }
}
