//! Defaults: the expressions of databases that mean a value.

use crate::model::{Column, DefaultValue, Enum, Type};

/// What the expression fills the column with; `None` where it is NULL.
pub(super) fn read(expression: &str, column: &Column, enumeration: Option<&Enum>) -> Option<DefaultValue> {
    let bare = without_brackets(without_cast(expression.trim()));
    let lower = bare.to_ascii_lowercase();
    if lower == "null" {
        return None;
    }
    let other = || Some(DefaultValue::Expression(Some(expression.trim().to_owned())));
    let text = quoted(bare);
    if column.list {
        let empty = text.as_deref() == Some("{}") || lower == "array[]";
        return if empty { Some(DefaultValue::List(Vec::new())) } else { other() };
    }
    // Some databases write numbers and truth values in quotes.
    let word = text.as_deref().unwrap_or(&lower);
    match &column.holds {
        Type::Int | Type::BigInt if lower.starts_with("nextval(") => Some(DefaultValue::AutoIncrement),
        Type::DateTime if is_now(&lower) => Some(DefaultValue::Now),
        Type::Boolean => match word {
            "true" | "1" | "b'1'" => Some(DefaultValue::Bool(true)),
            "false" | "0" | "b'0'" => Some(DefaultValue::Bool(false)),
            _ => other(),
        },
        Type::Int | Type::BigInt if word.parse::<i64>().is_ok() => number(word),
        Type::Decimal if is_number(word) => number(word),
        // Some databases write floats with an exponent.
        Type::Float => match word.parse::<f64>() {
            Ok(value) if value.is_finite() => number(&value.to_string()),
            _ => other(),
        },
        Type::Enum(_) => {
            let variant =
                enumeration.and_then(|one| one.variants.iter().find(|variant| Some(&variant.text) == text.as_ref()));
            variant.map(|variant| DefaultValue::Variant(variant.name.clone())).or_else(other)
        }
        Type::String | Type::Json => text.map(DefaultValue::Text).or_else(other),
        _ => other(),
    }
}

/// The default before `on update …`, and whether that sets the present time at every write.
pub(super) fn without_update(expression: &str) -> (&str, bool) {
    let at = expression.to_ascii_lowercase().find(" on update ");
    match at.and_then(|at| expression.split_at_checked(at)) {
        Some((default, update)) => (default, is_now(&update[" on update ".len()..].to_ascii_lowercase())),
        None => (expression, false),
    }
}

fn number(word: &str) -> Option<DefaultValue> {
    Some(DefaultValue::Number(word.trim_start_matches('+').to_owned()))
}

/// Digits, of which some may stand behind a point.
fn is_number(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let bare = word.strip_prefix(['-', '+']).unwrap_or(word);
    match bare.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(bare),
    }
}

fn is_now(lower: &str) -> bool {
    let name = lower.split('(').next().unwrap_or_default().trim();
    ["now", "current_timestamp", "localtimestamp", "transaction_timestamp", "current_date", "current_time", "curdate"]
        .contains(&name)
        || lower.replace(' ', "") == "datetime('now')"
}

/// `'a'::text` without the cast; a cast within the quotes is text.
fn without_cast(expression: &str) -> &str {
    match expression.rsplit_once("::") {
        Some((value, cast)) if !cast.contains('\'') && !cast.contains(')') => without_cast(value.trim()),
        _ => expression,
    }
}

/// `((1))` without the brackets.
fn without_brackets(expression: &str) -> &str {
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) if !inner.contains(['(', ')']) || inner.starts_with('(') => {
            without_brackets(without_cast(inner.trim()))
        }
        _ => expression,
    }
}

/// The text in single quotes, when the whole expression is one.
fn quoted(expression: &str) -> Option<String> {
    let inner = expression.strip_prefix('\'')?.strip_suffix('\'')?;
    let single = inner.replace("''", "");
    (!single.contains('\'')).then(|| inner.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_array_is_an_empty_list() {
        let column = Column { list: true, ..Column::new("a", "a", Type::String) };
        for (expression, empty) in [("'{}'::text[]", true), ("ARRAY[]::text[]", true), ("'{a}'::text[]", false)] {
            let read = read(expression, &column, None);
            assert_eq!(read == Some(DefaultValue::List(Vec::new())), empty, "{expression}: {read:?}");
        }
    }

    #[test]
    fn expressions_that_mean_values_are_read() {
        for (expression, holds, expected) in [
            ("'a''b'::character varying", Type::String, Some(DefaultValue::Text("a'b".into()))),
            ("'x::y'", Type::String, Some(DefaultValue::Text("x::y".into()))),
            ("'5'::bigint", Type::BigInt, Some(DefaultValue::Number("5".into()))),
            ("(-1)", Type::Int, Some(DefaultValue::Number("-1".into()))),
            ("((0))", Type::Boolean, Some(DefaultValue::Bool(false))),
            ("nextval('users_id_seq'::regclass)", Type::Int, Some(DefaultValue::AutoIncrement)),
            ("CURRENT_TIMESTAMP(6)", Type::DateTime, Some(DefaultValue::Now)),
            ("NULL::text", Type::String, None),
            ("lower('A')", Type::String, Some(DefaultValue::Expression(Some("lower('A')".into())))),
            ("1.5e0", Type::Float, Some(DefaultValue::Number("1.5".into()))),
            ("10.50", Type::Decimal, Some(DefaultValue::Number("10.50".into()))),
            ("gen_random_uuid()", Type::String, Some(DefaultValue::Expression(Some("gen_random_uuid()".into())))),
        ] {
            assert_eq!(read(expression, &Column::new("a", "a", holds), None), expected, "{expression}");
        }
    }
}
