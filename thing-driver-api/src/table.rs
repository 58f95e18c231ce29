//! Table metadata: what the core tells a driver about a model.

use std::borrow::Cow;
use std::fmt;

use crate::schema::Action;
use crate::{Error, Result, Value, ValueType};

/// The most columns a table of a model can have, so that a set of columns fits a [`ColumnSet`].
pub const MAX_COLUMNS: usize = 128;

/// A table as a model declares it. Made by [`Table::builder`], which refuses what can't be a table.
#[derive(Clone, Debug)]
pub struct Table {
    id: TableId,
    name: Cow<'static, str>,
    columns: Vec<Column>,
    key: Vec<usize>,
    generated_key: bool,
    deleted: Option<usize>,
    indexes: Vec<Index>,
    foreign_keys: Vec<ForeignKey>,
    checks: Vec<Check>,
    comment: Option<Cow<'static, str>>,
    former_names: Vec<Cow<'static, str>>,
    scopes: Vec<usize>,
    scopes_digest: u64,
    fingerprint: u64,
}

impl Table {
    /// Starts a table of this name.
    pub fn builder(name: impl Into<Cow<'static, str>>) -> TableBuilder {
        TableBuilder {
            name: name.into(),
            columns: Vec::new(),
            key: Vec::new(),
            generated_key: false,
            deleted: None,
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            comment: None,
            former_names: Vec::new(),
        }
    }

    /// Identifies the table in caches: derived from its name alone, so that every version of a program agrees.
    pub fn id(&self) -> TableId {
        self.id
    }

    /// Identifies the form of the rows: the names, types and nullability of the columns, in order. What a cache holds
    /// under another fingerprint is of another version of the model.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The name in the database, unquoted.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns, in the order in which rows are read and written.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// One column; `index` comes from this table's own shapes and is always in range.
    pub fn column(&self, index: usize) -> &Column {
        &self.columns[index]
    }

    /// The column of this name.
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// The columns of the primary key, at least one.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// True when the database makes the key of a new row. The key is then one integer column.
    pub fn has_generated_key(&self) -> bool {
        self.generated_key
    }

    /// The column that marks a row as deleted while it stays in the table: one of booleans, true for a deleted row, or a
    /// nullable one that is NULL until then. Rows that are so deleted count for no unique index.
    pub fn deleted(&self) -> Option<usize> {
        self.deleted
    }

    /// Whether the index counts the rows only that are not marked as deleted: a unique one of a table with
    /// [`Table::deleted`]. A driver whose database has no such indexes MUST refuse to create it: a full index would keep
    /// deleted rows in the way of new ones.
    pub fn is_partial(&self, index: &Index) -> bool {
        index.unique && self.deleted.is_some()
    }

    /// The declared indexes, the primary key not among them.
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    /// The same table with one index and no other.
    pub(crate) fn with_index(&self, index: &Index) -> Self {
        Self { indexes: vec![index.clone()], ..self.clone() }
    }

    /// The declared foreign keys.
    pub fn foreign_keys(&self) -> &[ForeignKey] {
        &self.foreign_keys
    }

    /// The declared checks.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// What the table is for.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// The names that the table had before, for a database that still has it under one of them.
    pub fn former_names(&self) -> &[Cow<'static, str>] {
        &self.former_names
    }

    /// True for a column of the key or of an index, which some databases can only have of bounded length.
    pub fn is_indexed(&self, column: usize) -> bool {
        self.key.contains(&column) || self.indexes.iter().any(|index| index.columns.contains(&column))
    }

    /// The columns that can scope a cached list: those that lead an index, are not the whole key, and have a type of
    /// which equality is exact ([`ValueType::is_exact`]). A write touches the scopes of these columns only.
    pub fn scopes(&self) -> &[usize] {
        &self.scopes
    }

    /// Identifies the scopes, whatever their order: the names and types of their columns. Programs that agree in it touch
    /// the same tags.
    pub fn scopes_digest(&self) -> u64 {
        self.scopes_digest
    }
}

/// Identifies a table across processes and versions of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub u64);

impl TableId {
    /// That of the table with this name.
    pub fn of(name: &str) -> Self {
        Self(twox_hash::XxHash3_64::oneshot(name.as_bytes()))
    }
}

/// One column of a [`Table`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Column {
    /// The name in the database, unquoted.
    pub name: Cow<'static, str>,
    /// What the column holds.
    pub value_type: ValueType,
    /// True when it may hold NULL.
    pub nullable: bool,
    /// What the database puts in when a statement outside Thing leaves the column out. Statements of the core always
    /// name every column.
    pub default: Option<Value<'static>>,
    /// True when the values are shown to nobody who does not ask for this column by its name.
    pub secret: bool,
    /// What the column is for.
    pub comment: Option<Cow<'static, str>>,
    /// The names that the column had before, for a database that still has it under one of them.
    pub former_names: Vec<Cow<'static, str>>,
}

impl Column {
    /// A column that can't hold NULL and has no default.
    pub fn new(name: impl Into<Cow<'static, str>>, value_type: ValueType) -> Self {
        let (comment, former_names) = (None, Vec::new());
        Self { name: name.into(), value_type, nullable: false, default: None, secret: false, comment, former_names }
    }

    /// Says whether the column may hold NULL.
    #[must_use]
    pub fn nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// Says whether the values are secrets.
    #[must_use]
    pub fn secret(mut self, secret: bool) -> Self {
        self.secret = secret;
        self
    }

    /// Sets the default.
    #[must_use]
    pub fn default_value(mut self, value: Value<'static>) -> Self {
        self.default = Some(value);
        self
    }

    /// Says what the column is for.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<Cow<'static, str>>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// Adds a name that the column had before.
    #[must_use]
    pub fn former_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.former_names.push(name.into());
        self
    }
}

/// An index over one or more columns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// The name in the database, unquoted.
    pub name: Cow<'static, str>,
    /// The columns, in index order.
    pub columns: Vec<usize>,
    /// True when no two rows may agree in all the columns.
    pub unique: bool,
    /// Those of the columns, by position in the table, whose greatest value comes first.
    pub descending: ColumnSet,
    /// A condition in the database's words: the index counts the rows only for which it holds.
    pub condition: Option<Cow<'static, str>>,
}

/// A foreign key: the database sees to it that the columns refer to a row that is there, or hold NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignKey {
    /// The name in the database, unquoted.
    pub name: Cow<'static, str>,
    /// The columns, by position.
    pub columns: Vec<usize>,
    /// The name of the table referred to.
    pub table: Cow<'static, str>,
    /// The names of its columns, in the same order.
    pub references: Vec<Cow<'static, str>>,
    /// What the database does with a row when the one that it refers to is deleted.
    pub on_delete: Action,
    /// The same when the columns referred to change.
    pub on_update: Action,
}

/// A condition that the database has every row fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The name in the database, unquoted.
    pub name: Cow<'static, str>,
    /// The condition in the database's words.
    pub condition: Cow<'static, str>,
}

impl Index {
    /// Says which of the columns have their greatest value first.
    #[must_use]
    pub fn descending(mut self, columns: ColumnSet) -> Self {
        self.descending = columns;
        self
    }

    /// Says which rows it counts.
    #[must_use]
    pub fn condition(mut self, condition: impl Into<Cow<'static, str>>) -> Self {
        self.condition = Some(condition.into());
        self
    }
}

impl ForeignKey {
    /// A foreign key that does nothing but refuse.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        columns: Vec<usize>,
        table: impl Into<Cow<'static, str>>,
        references: Vec<Cow<'static, str>>,
    ) -> Self {
        let (on_delete, on_update) = (Action::NoAction, Action::NoAction);
        Self { name: name.into(), columns, table: table.into(), references, on_delete, on_update }
    }

    /// Says what becomes of rows that refer to one that is deleted.
    #[must_use]
    pub fn on_delete(mut self, action: Action) -> Self {
        self.on_delete = action;
        self
    }

    /// Says what becomes of rows when the columns change that they refer to.
    #[must_use]
    pub fn on_update(mut self, action: Action) -> Self {
        self.on_update = action;
        self
    }
}

impl Check {
    /// A check.
    pub fn new(name: impl Into<Cow<'static, str>>, condition: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), condition: condition.into() }
    }
}

/// Builds a [`Table`].
#[derive(Clone, Debug)]
pub struct TableBuilder {
    name: Cow<'static, str>,
    columns: Vec<Column>,
    key: Vec<usize>,
    generated_key: bool,
    deleted: Option<usize>,
    indexes: Vec<Index>,
    foreign_keys: Vec<ForeignKey>,
    checks: Vec<Check>,
    comment: Option<Cow<'static, str>>,
    former_names: Vec<Cow<'static, str>>,
}

impl TableBuilder {
    /// Appends a column.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Declares the primary key by the positions of its columns.
    #[must_use]
    pub fn key(mut self, columns: impl Into<Vec<usize>>) -> Self {
        self.key = columns.into();
        self
    }

    /// Says that the database makes the key of a new row.
    #[must_use]
    pub fn generated_key(mut self, generated: bool) -> Self {
        self.generated_key = generated;
        self
    }

    /// Declares the column that marks a row as deleted: see [`Table::deleted`].
    #[must_use]
    pub fn deleted(mut self, column: usize) -> Self {
        self.deleted = Some(column);
        self
    }

    /// Declares an index; without a name it is called `<table>_<column>..._index` or `..._unique`.
    #[must_use]
    pub fn index(mut self, name: Option<&str>, columns: impl Into<Vec<usize>>, unique: bool) -> Self {
        let columns = columns.into();
        let name = name.map_or_else(
            || {
                let names: Vec<&str> =
                    columns.iter().filter_map(|&c| self.columns.get(c)).map(|c| c.name.as_ref()).collect();
                format!("{}_{}_{}", self.name, names.join("_"), if unique { "unique" } else { "index" })
            },
            str::to_owned,
        );
        let (descending, condition) = (ColumnSet::EMPTY, None);
        self.indexes.push(Index { name: Cow::Owned(name), columns, unique, descending, condition });
        self
    }

    /// Changes the index declared last.
    #[must_use]
    pub fn last_index(mut self, change: impl FnOnce(Index) -> Index) -> Self {
        if let Some(index) = self.indexes.pop() {
            self.indexes.push(change(index));
        }
        self
    }

    /// Declares a foreign key.
    #[must_use]
    pub fn foreign_key(mut self, foreign_key: ForeignKey) -> Self {
        self.foreign_keys.push(foreign_key);
        self
    }

    /// Declares a check.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Says what the table is for.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<Cow<'static, str>>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// Adds a name that the table had before.
    #[must_use]
    pub fn former_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.former_names.push(name.into());
        self
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) naming the table and what is wrong: no columns or too
    /// many, an empty or repeated name, no key, a nullable key, a generated key that is not one integer column, a column
    /// for deleted rows that is neither of booleans nor nullable, an index or a foreign key without columns or over columns
    /// that don't exist.
    pub fn build(self) -> Result<Table> {
        let table = self.name.clone();
        let wrong = |what: String| Err(Error::invalid_input(format!("table `{table}`: {what}")));
        if self.name.is_empty() || self.name.contains('\0') {
            return wrong("the name is empty or holds a zero byte; give it a name".into());
        }
        if self.columns.is_empty() || self.columns.len() > MAX_COLUMNS {
            return wrong(format!("{} columns; a table has 1 to {MAX_COLUMNS}", self.columns.len()));
        }
        for (at, column) in self.columns.iter().enumerate() {
            if column.name.is_empty() || column.name.contains('\0') {
                return wrong(format!("column {at} has an empty name or one with a zero byte; rename it"));
            }
            if self.columns[..at].iter().any(|c| c.name.eq_ignore_ascii_case(&column.name)) {
                return wrong(format!("column `{}` is declared twice; rename one", column.name));
            }
        }
        if self.key.is_empty() {
            return wrong("no primary key; declare one".into());
        }
        for (at, &part) in self.key.iter().enumerate() {
            match self.columns.get(part) {
                None => return wrong(format!("the key names column {part}, which does not exist")),
                Some(c) if c.nullable => {
                    return wrong(format!("key column `{}` is nullable; a key can't be NULL", c.name));
                }
                Some(c) if self.key[..at].contains(&part) => {
                    return wrong(format!("the key names column `{}` twice", c.name));
                }
                Some(_) => {}
            }
        }
        if self.generated_key && (self.key.len() != 1 || !self.columns[self.key[0]].value_type.is_integer()) {
            return wrong("a generated key is one integer column; let the application make this key".into());
        }
        let marks_deleted = |column: &Column| (column.value_type == ValueType::Bool) != column.nullable;
        if let Some(deleted) = self.deleted
            && (self.key.contains(&deleted) || !self.columns.get(deleted).is_some_and(marks_deleted))
        {
            return wrong("rows are marked as deleted by a column of booleans, or by a nullable time stamp".into());
        }
        for (at, index) in self.indexes.iter().enumerate() {
            if index.columns.is_empty() || index.columns.iter().any(|&c| c >= self.columns.len()) {
                return wrong(format!("index `{}` has no columns or names one that does not exist", index.name));
            }
            if self.indexes[..at].iter().any(|i| i.name.eq_ignore_ascii_case(&index.name)) {
                return wrong(format!("index `{}` is declared twice; name one of them", index.name));
            }
            if index.descending.iter().any(|c| !index.columns.contains(&c)) {
                return wrong(format!("index `{}` sorts by a column that it does not have", index.name));
            }
        }
        for (at, key) in self.foreign_keys.iter().enumerate() {
            if key.columns.is_empty() || key.columns.iter().any(|&c| c >= self.columns.len()) {
                return wrong(format!("foreign key `{}` has no columns or names one that does not exist", key.name));
            }
            if key.columns.len() != key.references.len() {
                return wrong(format!("foreign key `{}` refers to more or fewer columns than it has", key.name));
            }
            if self.foreign_keys[..at].iter().any(|k| k.name.eq_ignore_ascii_case(&key.name)) {
                return wrong(format!("foreign key `{}` is declared twice; name one of them", key.name));
            }
        }
        for (at, check) in self.checks.iter().enumerate() {
            if self.checks[..at].iter().any(|c| c.name.eq_ignore_ascii_case(&check.name)) {
                return wrong(format!("check `{}` is declared twice; rename one", check.name));
            }
        }
        let mut scopes = Vec::new();
        let leaders = self.indexes.iter().map(|i| i.columns[0]).chain(self.key.first().copied());
        for column in leaders {
            let whole_key = self.key == [column];
            if !whole_key && !scopes.contains(&column) && self.columns[column].value_type.is_exact() {
                scopes.push(column);
            }
        }
        let described = |column: &Column| format!("{}:{:?};", column.name, column.value_type);
        let mut of_scopes: Vec<String> = scopes.iter().map(|&scope| described(&self.columns[scope])).collect();
        of_scopes.sort_unstable();
        let mut form = String::with_capacity(256);
        for column in &self.columns {
            form.push_str(&format!("{}:{:?}:{};", column.name, column.value_type, column.nullable));
        }
        Ok(Table {
            fingerprint: twox_hash::XxHash3_64::oneshot(form.as_bytes()),
            id: TableId::of(&self.name),
            name: self.name,
            columns: self.columns,
            key: self.key,
            generated_key: self.generated_key,
            deleted: self.deleted,
            indexes: self.indexes,
            foreign_keys: self.foreign_keys,
            checks: self.checks,
            comment: self.comment,
            former_names: self.former_names,
            scopes,
            scopes_digest: twox_hash::XxHash3_64::oneshot(of_scopes.concat().as_bytes()),
        })
    }
}

/// A set of columns of one table, by position.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ColumnSet(u128);

impl ColumnSet {
    /// No column.
    pub const EMPTY: Self = Self(0);
    /// Every column a table can have.
    pub const ALL: Self = Self(u128::MAX);

    /// Adds a column; positions are below [`MAX_COLUMNS`].
    pub fn insert(&mut self, column: usize) {
        self.0 |= 1 << column;
    }

    /// Whether the column is in the set.
    pub fn contains(self, column: usize) -> bool {
        self.0 >> column & 1 == 1
    }

    /// True without columns.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The number of columns.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the two sets share a column.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The columns, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_COLUMNS).filter(move |&c| self.contains(c))
    }
}

impl FromIterator<usize> for ColumnSet {
    fn from_iter<I: IntoIterator<Item = usize>>(columns: I) -> Self {
        let mut set = Self::EMPTY;
        columns.into_iter().for_each(|c| set.insert(c));
        set
    }
}

impl fmt::Debug for ColumnSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
