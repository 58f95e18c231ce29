//! The SQL of MySQL and MariaDB.

use std::borrow::Cow;
use std::fmt::Write as _;

use thing_driver_api::{Dialect, Error, Result, Table, Value, ValueType, quote};

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

    fn column_type(&self, table: &Table, index: usize) -> Cow<'static, str> {
        let indexed = table.is_indexed(index);
        Cow::Borrowed(match table.column(index).value_type {
            ValueType::Bool => "TINYINT(1)",
            ValueType::I16 => "SMALLINT",
            ValueType::I32 => "INT",
            ValueType::I64 => "BIGINT",
            ValueType::F32 => "FLOAT",
            ValueType::F64 => "DOUBLE",
            ValueType::Text if indexed => {
                let length = indexed_length(table, index) / BYTES_OF_A_CHARACTER;
                let collation = self.collation();
                return format!("VARCHAR({length}) CHARACTER SET utf8mb4 COLLATE {collation}").into();
            }
            ValueType::Text => {
                return format!("LONGTEXT CHARACTER SET utf8mb4 COLLATE {}", self.collation()).into();
            }
            ValueType::Bytes if indexed => {
                return format!("VARBINARY({})", indexed_length(table, index).min(LONGEST_INDEXED)).into();
            }
            ValueType::Uuid => "BINARY(16)",
            ValueType::Timestamp => "DATETIME(6)",
            ValueType::Date => "DATE",
            ValueType::Time => "TIME(6)",
            ValueType::Json => "JSON",
            ValueType::Decimal => "DECIMAL(65, 30)",
            _ => "LONGBLOB",
        })
    }

    fn generated_key(&self, value_type: ValueType) -> &'static str {
        match value_type {
            ValueType::I16 => "SMALLINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
            ValueType::I32 => "INT NOT NULL AUTO_INCREMENT PRIMARY KEY",
            _ => "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
        }
    }

    fn literal(&self, value: &Value<'_>, out: &mut String) -> Result<()> {
        // Text and bytes can have a default only as an expression in brackets.
        let written = match value {
            Value::Null => write!(out, "NULL"),
            Value::Bool(v) => write!(out, "{}", i64::from(*v)),
            Value::I64(v) => write!(out, "{v}"),
            Value::F64(v) if v.is_finite() => write!(out, "{v:e}"),
            Value::Text(v) | Value::Json(v) if v.contains(['\\', '\0']) => {
                write!(out, "(CONVERT({} USING utf8mb4))", Hexadecimal(v.as_bytes()))
            }
            Value::Text(v) | Value::Json(v) => {
                out.push('(');
                quote(v, '\'', out);
                out.push(')');
                Ok(())
            }
            Value::Decimal(v) => write!(out, "{v}"),
            Value::Bytes(v) => write!(out, "({})", Hexadecimal(v)),
            Value::Uuid(v) => write!(out, "({})", Hexadecimal(v)),
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

    fn nulls_least(&self, _: bool) -> &'static str {
        ""
    }

    fn unlimited(&self) -> Option<&'static str> {
        Some("18446744073709551615")
    }

    fn returning(&self) -> bool {
        false
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

/// What one character of utf8mb4 takes in an index.
const BYTES_OF_A_CHARACTER: usize = 4;
/// The bytes that the columns of one index may have together.
const INDEX_BYTES: usize = 3072;
/// The most characters, or bytes, of one column in an index.
const LONGEST_INDEXED: usize = 255;

/// The bytes that an indexed column of text or bytes can have, so that it fits all its indexes.
fn indexed_length(table: &Table, column: usize) -> usize {
    let keys = table.indexes().iter().map(|index| index.columns.as_slice()).chain([table.key()]);
    let room = keys.filter(|columns| columns.contains(&column)).map(|columns| {
        let grows = |&&column: &&usize| matches!(table.column(column).value_type, ValueType::Text | ValueType::Bytes);
        let growing = columns.iter().filter(grows).count();
        // What does not grow takes 30 bytes at most, its NULL mark included (a decimal).
        let fixed = 30 * (columns.len() - growing);
        // Two bytes of length and one NULL mark.
        INDEX_BYTES.saturating_sub(fixed) / growing.max(1) - 3
    });
    room.min().unwrap_or(INDEX_BYTES).min(LONGEST_INDEXED * BYTES_OF_A_CHARACTER)
}

/// The characters that each of so many columns of one index can have.
pub(crate) fn bounded_length(columns: usize) -> usize {
    ((INDEX_BYTES / columns.max(1) - 3) / BYTES_OF_A_CHARACTER).min(LONGEST_INDEXED)
}

fn no_literal(value: &Value<'_>) -> Error {
    Error::unsupported(format!("this {} has no literal in MySQL; leave the default to the application", value.kind()))
}

struct Hexadecimal<'a>(&'a [u8]);

impl std::fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x'")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("'")
    }
}
