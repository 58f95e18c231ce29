//! Tables in the words of one database.

use crate::{Error, Result, ValueType};

/// A table as a database has it, or is to have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TableSchema {
    /// The name.
    pub name: String,
    /// The columns, in their order.
    pub columns: Vec<ColumnSchema>,
    /// The names of the primary key's columns, in order; empty without one.
    pub key: Vec<String>,
    /// The indexes and unique constraints, without those that the database made for the key, by name.
    pub indexes: Vec<IndexSchema>,
    /// The foreign keys, by name.
    pub foreign_keys: Vec<ForeignKeySchema>,
    /// The checks, by name.
    pub checks: Vec<CheckSchema>,
    /// What the table is for.
    pub comment: Option<String>,
    /// What else the database says of the table, in words of its driver, who alone reads them: `STRICT`, for example.
    /// Nobody compares them.
    #[cfg_attr(feature = "serde", serde(default))]
    pub options: Vec<String>,
    /// Statements that make what is attached to the table and goes with it where the table is made anew: triggers. Kept
    /// by drivers that rebuild tables, empty otherwise. Nobody compares them.
    #[cfg_attr(feature = "serde", serde(default))]
    pub attached: Vec<String>,
}

/// A column as a database has it, or is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ColumnSchema {
    /// The name.
    pub name: String,
    /// The declared type as the database reports it, with its collation where that is not the usual one.
    pub declared: String,
    /// The types of a model that the column can hold exactly.
    pub holds: Vec<ValueType>,
    /// The texts that an enumeration of the database allows, in their order; empty for other types.
    pub allowed: Vec<String>,
    /// True when it may hold NULL.
    pub nullable: bool,
    /// The default as an expression in the database's words; `None` without one, or with NULL.
    pub default: Option<String>,
    /// Made by the database.
    pub generated: Option<Generated>,
    /// What the column is for.
    pub comment: Option<String>,
}

/// How a database makes the values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Generated {
    /// It counts: the key of new rows.
    Key,
    /// By this expression, when a row is written.
    Stored(String),
    /// By this expression, when a row is read.
    Virtual(String),
}

/// An index, or a unique constraint, as a database has it, or is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct IndexSchema {
    /// The name.
    pub name: String,
    /// What it is over, in order.
    pub parts: Vec<IndexPart>,
    /// True when no two rows may agree in all parts.
    pub unique: bool,
    /// The condition of the rows that it counts, in the database's words; `None` when it counts all.
    pub condition: Option<String>,
    /// True when it counts the rows only that are not marked as deleted, as [`Table::is_partial`](crate::Table::is_partial)
    /// asks for, in whatever way this database does it.
    pub living: bool,
    /// The sort of the index where it is not the usual one: `gin`, `hash`, `fulltext`.
    pub method: Option<String>,
    /// True when the database made it for a UNIQUE constraint, and drops it with that alone.
    pub constraint: bool,
}

/// A part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct IndexPart {
    /// What is sorted.
    pub of: IndexColumn,
    /// True when the greatest comes first.
    pub descending: bool,
    /// How much of the beginning counts (characters or bytes, as the database says); `None` for all.
    pub prefix: Option<u32>,
}

/// What a part of an index sorts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum IndexColumn {
    /// A column of this name.
    Column(String),
    /// An expression in the database's words.
    Expression(String),
}

/// A foreign key as a database has it, or is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ForeignKeySchema {
    /// The name; empty where the database keeps none.
    pub name: String,
    /// The names of the referring columns, in order.
    pub columns: Vec<String>,
    /// The table referred to.
    pub table: String,
    /// The names of the columns referred to, in the same order.
    pub references: Vec<String>,
    /// What becomes of a row when the row that it refers to is deleted.
    pub on_delete: Action,
    /// The same when the columns referred to change.
    pub on_update: Action,
}

/// What a database does with rows that refer to one that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Action {
    /// It refuses at the end of the statement or transaction. What databases do where nothing is said.
    #[default]
    NoAction,
    /// It refuses at once.
    Restrict,
    /// They go too.
    Cascade,
    /// Their columns become NULL.
    SetNull,
    /// Their columns become their defaults.
    SetDefault,
}

/// A check as a database has it, or is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CheckSchema {
    /// The name; empty where it has none.
    pub name: String,
    /// What must hold, in the database's words.
    pub condition: String,
}

impl TableSchema {
    /// A table without columns.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The column of this name. Databases do not tell letter case in names of columns.
    pub fn column(&self, name: &str) -> Option<&ColumnSchema> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The index of this name.
    pub fn index(&self, name: &str) -> Option<&IndexSchema> {
        self.indexes.iter().find(|index| index.name.eq_ignore_ascii_case(name))
    }

    /// The foreign key of this name.
    pub fn foreign_key(&self, name: &str) -> Option<&ForeignKeySchema> {
        self.foreign_keys.iter().find(|key| key.name.eq_ignore_ascii_case(name))
    }

    /// The check of this name.
    pub fn check(&self, name: &str) -> Option<&CheckSchema> {
        self.checks.iter().find(|check| check.name.eq_ignore_ascii_case(name))
    }

    /// As [`TableSchema::column`], for a change that names it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) without it.
    pub fn named_column(&self, name: &str) -> Result<&ColumnSchema> {
        self.column(name).ok_or_else(|| missing("column", name))
    }

    /// As [`TableSchema::index`], for a change that names it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) without it.
    pub fn named_index(&self, name: &str) -> Result<&IndexSchema> {
        self.index(name).ok_or_else(|| missing("index", name))
    }

    /// As [`TableSchema::foreign_key`], for a change that names it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) without it.
    pub fn named_foreign_key(&self, name: &str) -> Result<&ForeignKeySchema> {
        self.foreign_key(name).ok_or_else(|| missing("foreign key", name))
    }

    /// As [`TableSchema::check`], for a change that names it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) without it.
    pub fn named_check(&self, name: &str) -> Result<&CheckSchema> {
        self.check(name).ok_or_else(|| missing("check", name))
    }
}

fn missing(sort: &str, name: &str) -> Error {
    Error::invalid_input(format!("the change names {sort} `{name}`, which the table has not"))
}

impl ColumnSchema {
    /// A column that can't hold NULL and has no default.
    pub fn new(name: impl Into<String>, declared: impl Into<String>, holds: Vec<ValueType>) -> Self {
        Self {
            name: name.into(),
            declared: declared.into(),
            holds,
            allowed: Vec::new(),
            nullable: false,
            default: None,
            generated: None,
            comment: None,
        }
    }

    /// True when the database fills it in where an insert leaves it out.
    pub fn is_filled(&self) -> bool {
        self.default.is_some() || self.generated.is_some()
    }
}

impl IndexSchema {
    /// An index over all rows.
    pub fn new(name: impl Into<String>, parts: Vec<IndexPart>, unique: bool) -> Self {
        Self { name: name.into(), parts, unique, condition: None, living: false, method: None, constraint: false }
    }

    /// The names of its columns, in order; `None` where a part is an expression or the beginning of a column.
    pub fn columns(&self) -> Option<Vec<&str>> {
        let whole = |part: &'_ IndexPart| part.prefix.is_none();
        self.parts.iter().map(|part| part.of.column().filter(|_| whole(part))).collect()
    }
}

impl IndexPart {
    /// A whole column, the least first.
    pub fn column(name: impl Into<String>) -> Self {
        Self { of: IndexColumn::Column(name.into()), descending: false, prefix: None }
    }

    /// An expression, the least first.
    pub fn expression(text: impl Into<String>) -> Self {
        Self { of: IndexColumn::Expression(text.into()), descending: false, prefix: None }
    }
}

impl IndexColumn {
    /// The name of the column; `None` for an expression.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column(name) => Some(name),
            Self::Expression(_) => None,
        }
    }
}

impl ForeignKeySchema {
    /// A foreign key that does nothing but refuse.
    pub fn new(
        name: impl Into<String>,
        columns: Vec<String>,
        table: impl Into<String>,
        references: Vec<String>,
    ) -> Self {
        let (on_delete, on_update) = (Action::NoAction, Action::NoAction);
        Self { name: name.into(), columns, table: table.into(), references, on_delete, on_update }
    }
}

impl Action {
    /// The words of SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }
}

impl CheckSchema {
    /// A check.
    pub fn new(name: impl Into<String>, condition: impl Into<String>) -> Self {
        Self { name: name.into(), condition: condition.into() }
    }
}
