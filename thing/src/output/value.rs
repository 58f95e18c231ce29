//! Values as JSON.

use std::fmt;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use thing_driver_api::calendar::civil_from_days;
use thing_driver_api::{Error, Result, Value, ValueType};

use super::no_json_form;

const DAY: i64 = 86_400_000_000;

/// Writes the value of a column of this type.
pub(super) fn write(value: &Value<'_>, value_type: ValueType, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(v) => return serialize(v, out),
        Value::I64(v) => return serialize(v, out),
        // The shortest text that means this float is that of its own width.
        Value::F64(v) if value_type == ValueType::F32 => return serialize(&(*v as f32), out),
        Value::F64(v) => return serialize(v, out),
        Value::Text(v) => return serialize(v, out),
        Value::Bytes(v) => quoted(format_args!("{}", STANDARD.encode(v)), out),
        Value::Uuid(v) => quoted(format_args!("{}", Hyphenated(v)), out),
        Value::Timestamp(v) => {
            // So many microseconds are fewer days than an `i32` counts.
            let (date, time) = (Date(v.div_euclid(DAY) as i32), Time(v.rem_euclid(DAY)));
            quoted(format_args!("{date}T{time}Z"), out);
        }
        Value::Date(v) => quoted(format_args!("{}", Date(*v)), out),
        Value::Time(v) => quoted(format_args!("{}", Time(*v)), out),
        Value::Json(v) => out.extend_from_slice(v.as_bytes()),
        Value::Decimal(v) => quoted(format_args!("{v}"), out),
        other => return Err(Error::unsupported(format!("a value of type {} has no JSON form", other.kind()))),
    }
    Ok(())
}

fn serialize<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, value).map_err(no_json_form)
}

/// Text of which no character has to be escaped.
fn quoted(text: fmt::Arguments<'_>, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _ = write!(out, "\"{text}\"");
}

struct Hyphenated<'a>(&'a [u8; 16]);

impl fmt::Display for Hyphenated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, byte) in self.0.iter().enumerate() {
            f.write_str(if matches!(n, 4 | 6 | 8 | 10) { "-" } else { "" })?;
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Days since 1970. A year that four digits don't hold has its sign before it.
struct Date(i32);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0);
        match year {
            0..=9999 => write!(f, "{year:04}-{month:02}-{day:02}"),
            _ => write!(f, "{year:+07}-{month:02}-{day:02}"),
        }
    }
}

/// Microseconds since midnight; the fraction is left out where it is zero.
struct Time(i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        write!(f, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        if micros > 0 { write!(f, ".{micros:06}") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_one_form() -> Result<()> {
        for (value, value_type, json) in [
            (Value::Null, ValueType::I64, "null"),
            (Value::I64(i64::MAX), ValueType::I64, "9223372036854775807"),
            (Value::F64(f64::from(0.1_f32)), ValueType::F32, "0.1"),
            (Value::F64(2.0), ValueType::F64, "2.0"),
            (Value::Text("a\"\n\u{7f}é".into()), ValueType::Text, "\"a\\\"\\n\u{7f}é\""),
            (Value::Bytes(vec![0, 255, 3].into()), ValueType::Bytes, "\"AP8D\""),
            (Value::Uuid([17; 16]), ValueType::Uuid, "\"11111111-1111-1111-1111-111111111111\""),
            (Value::Timestamp(0), ValueType::Timestamp, "\"1970-01-01T00:00:00Z\""),
            (Value::Timestamp(-1), ValueType::Timestamp, "\"1969-12-31T23:59:59.999999Z\""),
            (Value::Timestamp(1_709_210_096_000_001), ValueType::Timestamp, "\"2024-02-29T12:34:56.000001Z\""),
            (Value::Date(-719_529), ValueType::Date, "\"-000001-12-31\""),
            (Value::Date(2_932_897), ValueType::Date, "\"+010000-01-01\""),
            (Value::Time(3_723_500_000), ValueType::Time, "\"01:02:03.500000\""),
            (Value::Json("{\"a\": [1]}".into()), ValueType::Json, "{\"a\": [1]}"),
        ] {
            let mut out = Vec::new();
            write(&value, value_type, &mut out)?;
            assert_eq!(String::from_utf8_lossy(&out), json);
        }
        Ok(())
    }
}
