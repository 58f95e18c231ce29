//! Defaults, in one form: the server shows `1.50000` and `'it\'s'` for what is `1.5` and `'it''s'` here.

use thing_driver_api::schema::without_brackets;
use thing_driver_api::{Decimal, Dialect, Result, Value, quote};

use super::name::read_constant;
use super::types::Type;
use crate::dialect::{Hexadecimal, MysqlDialect};

/// A default that a model declares; `None` for NULL.
pub(super) fn declared(value: &Value<'_>, column: &Type<'_>, dialect: &MysqlDialect) -> Result<Option<String>> {
    if matches!(value, Value::Null) {
        return Ok(None);
    }
    let mut literal = String::new();
    dialect.literal(value, &mut literal)?;
    Ok(Some(shown(&literal, column)))
}

/// A default as the server shows it.
pub(super) fn shown(words: &str, column: &Type<'_>) -> String {
    let inner = without_brackets(words);
    let number = |text: &str| number(text, column);
    match read_constant(inner) {
        Some((text, "")) if column.is_text() || column.name == "json" => constant(&text),
        Some((text, "")) => number(&text).unwrap_or_else(|| constant(&text)),
        Some(_) => inner.to_owned(),
        None => number(inner).unwrap_or_else(|| inner.to_owned()),
    }
}

/// A number of the column's type in its shortest form.
fn number(text: &str, column: &Type<'_>) -> Option<String> {
    if column.width().is_some() {
        return text.parse::<i128>().ok().map(|number| number.to_string());
    }
    match column.name {
        "decimal" => text.parse::<Decimal>().ok().map(|number| number.to_string()),
        "float" => text.parse::<f32>().ok().map(|number| format!("{number:e}")),
        "double" => text.parse::<f64>().ok().map(|number| format!("{number:e}")),
        "bit" => {
            let bits = text.strip_prefix("b'").and_then(|rest| rest.strip_suffix('\''));
            let number = bits.map_or_else(|| text.parse(), |bits| u64::from_str_radix(bits, 2));
            number.ok().map(|number| number.to_string())
        }
        _ => None,
    }
}

/// A text that means the same under every `sql_mode`, and is shown as it is written.
pub(super) fn constant(text: &str) -> String {
    if text.contains(['\\', '\0']) {
        return format!("convert({} using utf8mb4)", Hexadecimal(text.as_bytes()));
    }
    let mut out = String::new();
    quote(text, '\'', &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_have_one_form() {
        let forms = [
            ("'it\\'s'", "longtext", "'it''s'"),
            ("'a\\\\b'", "varchar(9)", "convert(X'615c62' using utf8mb4)"),
            ("convert(X'615c62' using utf8mb4)", "varchar(9)", "convert(X'615c62' using utf8mb4)"),
            ("1.500000000000000000000000000000", "decimal(65,30)", "1.5"),
            ("'5'", "int", "5"),
            ("-5", "bigint", "-5"),
            ("1e300", "double", "1e300"),
            ("100000", "float", "1e5"),
            ("current_timestamp(6)", "datetime(6)", "current_timestamp(6)"),
            ("'00:00:01'", "time(6)", "'00:00:01'"),
            ("unhex('00ff')", "binary(16)", "unhex('00ff')"),
            ("('a')", "varchar(9)", "'a'"),
            ("b'1'", "bit(1)", "1"),
            ("0", "bit(1)", "0"),
        ];
        for (words, declared, form) in forms {
            assert_eq!(shown(words, &Type::read(declared)), form, "{words}");
        }
    }
}
