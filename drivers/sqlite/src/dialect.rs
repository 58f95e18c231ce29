//! The SQL of SQLite.

mod json;

use std::fmt::Write as _;

use thing_driver_api::{Dialect, Error, JsonDialect, Lock, Result, Value};

/// What SQLite writes differently from other databases.
///
/// Each value type has a column type of its own, chosen so that its affinity changes no value that Thing stores, and so
/// that declarations tell what a table holds:
///
/// | value | column | stored as |
/// |---|---|---|
/// | bool | `BOOLEAN` | integer 0 or 1 |
/// | integers | `INTEGER`, which makes a single key the row's own address | integer |
/// | floats | `FLOAT`, `DOUBLE` | 8-byte float |
/// | text, JSON | `TEXT`, `JSON_TEXT` | text |
/// | bytes, UUID | `BLOB`, `UUID_BLOB` | blob (a UUID is 16 bytes, big-endian) |
/// | timestamp | `TIMESTAMP` | integer, microseconds since 1970 UTC |
/// | date | `DATE` | integer, days since 1970 |
/// | time | `TIME` | integer, microseconds since midnight |
/// | decimal | `DECIMAL_TEXT COLLATE decimal` | text, compared as a number by the collation of SQLite's decimal extension, which the driver brings along |
///
/// A generated key is `INTEGER PRIMARY KEY AUTOINCREMENT` whatever its width: a key that was used once is never given
/// to another row, so that a cached or bookmarked key can't come to mean something else.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SqliteDialect;

impl SqliteDialect {
    /// The dialect.
    pub fn new() -> Self {
        Self
    }
}

impl Dialect for SqliteDialect {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn placeholder(&self, number: usize, out: &mut String) {
        // Writing to a string does not fail.
        let _ = write!(out, "?{number}");
    }

    fn reuses_placeholders(&self) -> bool {
        true
    }

    fn literal(&self, value: &Value<'_>, out: &mut String) -> Result<()> {
        let written = match value {
            Value::Null => write!(out, "NULL"),
            Value::Bool(v) => write!(out, "{}", i64::from(*v)),
            // The parser reads a minus apart from its number, and 9223372036854775808 is no integer.
            Value::I64(i64::MIN) | Value::Timestamp(i64::MIN) | Value::Time(i64::MIN) => {
                write!(out, "(-9223372036854775807 - 1)")
            }
            Value::I64(v) | Value::Timestamp(v) | Value::Time(v) => write!(out, "{v}"),
            Value::Date(v) => write!(out, "{v}"),
            Value::F64(v) if v.is_finite() => write!(out, "{v:e}"),
            Value::F64(v) if v.is_infinite() => write!(out, "{}9e999", if *v < 0.0 { "-" } else { "" }),
            Value::Text(v) | Value::Json(v) if !v.contains('\0') => {
                thing_driver_api::quote(v, '\'', out);
                Ok(())
            }
            Value::Decimal(v) => write!(out, "'{v}'"),
            Value::Bytes(v) => hexadecimal(v, out),
            Value::Uuid(v) => hexadecimal(v, out),
            other => {
                return Err(Error::unsupported(format!(
                    "this {} has no literal in SQLite; leave the default to the application",
                    other.kind()
                )));
            }
        };
        written.map_err(|_| Error::backend("the literal could not be written"))
    }

    fn same(&self) -> &'static str {
        " IS "
    }

    fn json(&self) -> Option<&dyn JsonDialect> {
        Some(self)
    }

    fn nulls_least(&self, _: bool) -> &'static str {
        ""
    }

    fn unlimited(&self) -> Option<&'static str> {
        Some("-1")
    }

    fn lock(&self, _: Lock) -> &'static str {
        ""
    }
}

fn hexadecimal(bytes: &[u8], out: &mut String) -> std::fmt::Result {
    out.push_str("x'");
    for byte in bytes {
        write!(out, "{byte:02x}")?;
    }
    out.push('\'');
    Ok(())
}
