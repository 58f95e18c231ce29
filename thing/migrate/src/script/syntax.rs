//! How databases write what is not a statement: quotes and comments.

/// The syntax of one database, as far as it decides where a statement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Syntax {
    /// Standard SQL: `'text'`, `"name"`, `-- comment`, `/* comment */`.
    Standard,
    /// SQLite: names also in backticks and brackets, triggers with several statements.
    Sqlite,
    /// PostgreSQL: text between dollars, `E'text'` with backslashes, comments in comments, functions with several
    /// statements.
    Postgres,
    /// MySQL and MariaDB: text with backslashes, also in double quotes, `# comment`, procedures and triggers with several
    /// statements, the command `DELIMITER`.
    Mysql,
}

impl Syntax {
    /// The syntax of a dialect, by its name.
    pub fn of(dialect: &str) -> Self {
        match dialect {
            "sqlite" => Self::Sqlite,
            "postgres" => Self::Postgres,
            "mysql" => Self::Mysql,
            _ => Self::Standard,
        }
    }
}
