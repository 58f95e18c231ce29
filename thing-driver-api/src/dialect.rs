//! Dialects: how one database spells SQL, in token-level answers.

use std::borrow::Cow;
use std::fmt;

use crate::{Lock, Result, Table, Value, ValueType};

/// What one SQL database writes differently from the others.
///
/// The renderer ([`sql::render`](crate::sql::render)) builds every statement; a dialect only answers for tokens. The
/// defaults are standard SQL, so that a new dialect states its differences only.
pub trait Dialect: Send + Sync + fmt::Debug {
    /// The name for messages and plans: `sqlite`, `postgres`.
    fn name(&self) -> &'static str;

    /// Appends an identifier, quoted. Quotes inside the name MUST be doubled: names come from programs, not from users,
    /// but a table may be called anything.
    fn identifier(&self, name: &str, out: &mut String) {
        quote(name, '"', out);
    }

    /// Appends the placeholder of the `number`th bound value, counted from 1.
    fn placeholder(&self, number: usize, out: &mut String) {
        let _ = number;
        out.push('?');
    }

    /// True when one placeholder can be used twice (`?1`, `$1`), so that a value is bound once.
    fn reuses_placeholders(&self) -> bool {
        false
    }

    /// The type of the table's column at `index` for `CREATE TABLE`, without NOT NULL and default. The table is there for
    /// databases that type a column of a key or an index otherwise: see [`Table::is_indexed`].
    fn column_type(&self, table: &Table, index: usize) -> Cow<'static, str>;

    /// The whole column definition behind the name for a key that the database generates, PRIMARY KEY included.
    fn generated_key(&self, value_type: ValueType) -> &'static str;

    /// Appends a literal for `DEFAULT`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a value that has no literal here.
    fn literal(&self, value: &Value<'_>, out: &mut String) -> Result<()>;

    /// The operator for "equal, or both NULL".
    fn same(&self) -> &'static str {
        " IS NOT DISTINCT FROM "
    }

    /// What follows the pattern's placeholder of `LIKE` so that `\` escapes.
    fn like_escape(&self) -> &'static str {
        " ESCAPE '\\'"
    }

    /// What follows an order term so that NULL counts as the least value; empty where the database does so by itself.
    fn nulls_least(&self, descending: bool) -> &'static str {
        if descending { " NULLS LAST" } else { " NULLS FIRST" }
    }

    /// What stands for "no limit" where OFFSET needs a LIMIT before it; `None` where it doesn't.
    fn unlimited(&self) -> Option<&'static str> {
        None
    }

    /// What follows a SELECT that locks its rows; empty where a writing transaction locks anyway.
    fn lock(&self, lock: Lock) -> &'static str {
        match lock {
            Lock::Wait => " FOR UPDATE",
            Lock::Skip => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// True when INSERT, UPDATE and DELETE can end in RETURNING.
    fn returning(&self) -> bool {
        true
    }

    /// What follows the column list of an INSERT that names no columns.
    fn insert_defaults(&self) -> &'static str {
        " DEFAULT VALUES"
    }

    /// What follows the closing bracket of CREATE TABLE.
    fn table_options(&self) -> &'static str {
        ""
    }
}

/// Appends `name` between two `mark`s, doubling the marks inside.
pub fn quote(name: &str, mark: char, out: &mut String) {
    out.push(mark);
    for c in name.chars() {
        if c == mark {
            out.push(mark);
        }
        out.push(c);
    }
    out.push(mark);
}
