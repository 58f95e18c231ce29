//! The SQL of MySQL and MariaDB.

mod json;

use std::fmt::Write as _;

use thing_driver_api::{Dialect, Error, JsonDialect, Result, Value, quote};

use crate::calendar::{self, Moment};

/// Which of the two servers it is. They share a protocol and most of their SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flavour {
    /// MariaDB.
    MariaDb,
    /// MySQL, and what calls itself so.
    MySql,
}

/// What MySQL and MariaDB write differently from other databases.
///
/// | value | column |
/// |---|---|
/// | bool | `TINYINT(1)` |
/// | integers | `SMALLINT`, `INT`, `BIGINT` |
/// | floats | `FLOAT`, `DOUBLE` |
/// | text | `LONGTEXT`; `VARCHAR(255)` in keys and indexes |
/// | bytes | `LONGBLOB`; `VARBINARY(255)` in keys and indexes |
/// | UUID | `BINARY(16)`, big-endian |
/// | timestamp | `DATETIME(6)`, in UTC |
/// | date, time | `DATE`, `TIME(6)` |
/// | JSON | `JSON`, which MariaDB keeps as text |
/// | decimal | `DECIMAL(65, 30)` |
///
/// Text compares by its code points and minds trailing spaces: the collation is `utf8mb4_nopad_bin` in MariaDB and
/// `utf8mb4_0900_bin` in MySQL. Where the columns of one index would be longer than the 3072 bytes that InnoDB allows,
/// each of them holds less than 255.
///
/// What is written means the same under every `sql_mode`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MysqlDialect {
    flavour: Flavour,
}

impl MysqlDialect {
    /// The dialect of one of the two.
    pub fn new(flavour: Flavour) -> Self {
        Self { flavour }
    }

    /// Which of the two it is.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// The collation of text columns.
    pub(crate) fn collation(&self) -> &'static str {
        match self.flavour {
            Flavour::MariaDb => "utf8mb4_nopad_bin",
            Flavour::MySql => "utf8mb4_0900_bin",
        }
    }
}

impl Dialect for MysqlDialect {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn identifier(&self, name: &str, out: &mut String) {
        quote(name, '`', out);
    }

    fn literal(&self, value: &Value<'_>, out: &mut String) -> Result<()> {
        // Text and bytes can have a default only as an expression in brackets.
        let written = match value {
            Value::Null => write!(out, "NULL"),
            Value::Bool(v) => write!(out, "{}", i64::from(*v)),
            Value::I64(v) => write!(out, "{v}"),
            Value::F64(v) if v.is_finite() => write!(out, "{v:e}"),
            Value::Text(v) | Value::Json(v) if v.contains(['\\', '\0']) => {
                write!(out, "(convert({} using utf8mb4))", Hexadecimal(v.as_bytes()))
            }
            Value::Text(v) | Value::Json(v) => {
                out.push('(');
                quote(v, '\'', out);
                out.push(')');
                Ok(())
            }
            Value::Decimal(v) => write!(out, "{v}"),
            // The server shows bytes that stand for themselves as text, and not all of them.
            Value::Bytes(v) => write!(out, "(unhex('{:x}'))", Hexadecimal(v)),
            Value::Uuid(v) => write!(out, "(unhex('{:x}'))", Hexadecimal(v)),
            Value::Timestamp(v) => match calendar::moment(*v) {
                Some(Moment { year, month, day, hour, minute, second, micros }) => {
                    write!(out, "'{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}'")
                }
                None => return Err(no_literal(value)),
            },
            Value::Date(v) => match calendar::date(*v) {
                Some((year, month, day)) => write!(out, "'{year:04}-{month:02}-{day:02}'"),
                None => return Err(no_literal(value)),
            },
            Value::Time(v) => match calendar::time(*v) {
                Some((hour, minute, second, micros)) => {
                    write!(out, "'{hour:02}:{minute:02}:{second:02}.{micros:06}'")
                }
                None => return Err(no_literal(value)),
            },
            other => return Err(no_literal(other)),
        };
        written.map_err(|_| Error::backend("the literal could not be written"))
    }

    fn same(&self) -> &'static str {
        " <=> "
    }

    fn like_escape(&self) -> &'static str {
        // A backslash between quotes would mean two things, depending on the sql_mode.
        " ESCAPE x'5C'"
    }

    fn json(&self) -> Option<&dyn JsonDialect> {
        Some(self)
    }

    fn nulls_least(&self, _: bool) -> &'static str {
        ""
    }

    fn unlimited(&self) -> Option<&'static str> {
        Some("18446744073709551615")
    }

    fn returning(&self) -> bool {
        false
    }

    fn upsert(&self, _: &str, out: &mut String) {
        // The database goes by any unique key, whatever it is told.
        out.push_str(UPSERT);
    }

    fn proposed(&self, column: &str, out: &mut String) {
        out.push_str("VALUES(");
        out.push_str(column);
        out.push(')');
    }

    fn insert_defaults(&self) -> &'static str {
        " () VALUES ()"
    }

    fn table_options(&self) -> &'static str {
        match self.flavour {
            Flavour::MariaDb => " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin",
            Flavour::MySql => " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin",
        }
    }
}

/// What stands between the rows of an upsert and what it sets.
pub(crate) const UPSERT: &str = " ON DUPLICATE KEY UPDATE ";

fn no_literal(value: &Value<'_>) -> Error {
    Error::unsupported(format!("this {} has no literal in MySQL; leave the default to the application", value.kind()))
}

/// Bytes: `X'00ff'`, and as `{:x}` the digits alone.
pub(crate) struct Hexadecimal<'a>(pub(crate) &'a [u8]);

impl std::fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "X'{self:x}'")
    }
}

impl std::fmt::LowerHex for Hexadecimal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
