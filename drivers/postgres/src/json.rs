//! JSON text of values: how the elements of arrays are shown.

use std::fmt::Write as _;

use thing_driver_api::Value;

use crate::calendar;

/// Appends a value. Numbers stay exact; what JSON has no form for becomes a string.
pub(crate) fn write(value: &Value<'_>, out: &mut String) {
    // Writing to a string does not fail.
    let _ = match value {
        Value::Bool(v) => write!(out, "{v}"),
        Value::I64(v) => write!(out, "{v}"),
        Value::F64(v) if v.is_finite() => write!(out, "{v:?}"),
        Value::F64(v) => write!(out, "\"{v}\""),
        Value::Decimal(v) => write!(out, "{v}"),
        Value::Json(v) => write!(out, "{v}"),
        Value::Text(v) => {
            string(v, out);
            Ok(())
        }
        Value::Bytes(v) => quoted_hexadecimal(v, out),
        Value::Uuid(v) => {
            let part = |range: std::ops::Range<usize>| {
                v[range].iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
            };
            write!(out, "\"{}-{}-{}-{}-{}\"", part(0..4), part(4..6), part(6..8), part(8..10), part(10..16))
        }
        Value::Timestamp(v) => quoted(out, |out| calendar::write_timestamp(*v, out), *v),
        Value::Date(v) => quoted(out, |out| calendar::write_date(*v, out), i64::from(*v)),
        Value::Time(v) => quoted(out, |out| calendar::write_time(*v, out), *v),
        _ => write!(out, "null"),
    };
}

/// Appends text in quotes, or the plain number where it has no form.
fn quoted(out: &mut String, form: impl FnOnce(&mut String) -> Option<()>, number: i64) -> std::fmt::Result {
    let mut text = String::new();
    match form(&mut text) {
        Some(()) => write!(out, "\"{text}\""),
        None => write!(out, "{number}"),
    }
}

fn quoted_hexadecimal(bytes: &[u8], out: &mut String) -> std::fmt::Result {
    out.push_str("\"\\\\x");
    for byte in bytes {
        write!(out, "{byte:02x}")?;
    }
    out.push('"');
    Ok(())
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_json() {
        let written = |value: Value<'_>| {
            let mut out = String::new();
            write(&value, &mut out);
            out
        };
        assert_eq!(written(Value::Text("a\"b\\\n".into())), r#""a\"b\\\u000a""#);
        assert_eq!(written(Value::F64(1.0)), "1.0");
        assert_eq!(written(Value::F64(f64::INFINITY)), "\"inf\"");
        assert_eq!(written(Value::Bytes(vec![1, 255].into())), r#""\\x01ff""#);
        assert_eq!(written(Value::Uuid([0xab; 16])), "\"abababab-abab-abab-abab-abababababab\"");
        assert_eq!(written(Value::Date(0)), "\"1970-01-01\"");
    }
}
