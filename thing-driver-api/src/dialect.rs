//! Dialects: how one database spells SQL, in token-level answers.

use std::fmt;

use crate::{JsonDialect, Lock, Result, Value};

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

    /// How conditions reach into JSON documents; `None` where they can't.
    fn json(&self) -> Option<&dyn JsonDialect> {
        None
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
            Lock::NoWait => " FOR UPDATE NOWAIT",
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

    /// Appends what follows the values of an INSERT that changes the row in its way on these columns, up to what is set.
    fn upsert(&self, on: &str, out: &mut String) {
        out.push_str(" ON CONFLICT (");
        out.push_str(on);
        out.push_str(") DO UPDATE SET ");
    }

    /// Appends what stands, in an upsert, for the new row's value of this column, which is quoted.
    fn proposed(&self, column: &str, out: &mut String) {
        out.push_str("excluded.");
        out.push_str(column);
    }

    /// What follows the closing bracket of `CREATE TABLE`, so that the table keeps every text.
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
