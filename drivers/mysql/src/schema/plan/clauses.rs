//! Clauses: the parts of one `ALTER TABLE`, and what they do together.

use thing_driver_api::schema::{Change, ColumnSchema, Effect, Generated, IndexSchema, Step, TableChange, TableSchema};
use thing_driver_api::{Error, Result};

use super::Way;
use super::alter_column::{self, Altered};
use crate::dialect::{Flavour, MysqlDialect};
use crate::schema::living::{self, LIVING};
use crate::schema::name::{constant, identifier, identifiers};
use crate::schema::types::Type;
use crate::schema::{definition, length};

pub(super) struct Clauses<'a> {
    change: &'a TableChange,
    dialect: &'a MysqlDialect,
    what: Vec<String>,
    sql: Vec<String>,
    effects: Vec<Effect>,
    way: Way,
    /// A column comes or goes, which is instant as long as no index is made with it.
    columns: bool,
    indexes: bool,
    /// The columns that have got a definition.
    defined: Vec<&'a str>,
}

impl<'a> Clauses<'a> {
    pub(super) fn new(change: &'a TableChange, dialect: &'a MysqlDialect) -> Self {
        Self {
            change,
            dialect,
            what: Vec::new(),
            sql: Vec::new(),
            effects: Vec::new(),
            way: Way::Instant,
            columns: false,
            indexes: false,
            defined: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, change: &'a Change) -> Result<()> {
        match change {
            Change::AddColumn(name) => self.add_column(name),
            Change::DropColumn(name) => self.drop_column(name),
            Change::RenameColumn { from, to } => self.rename_column(from, to),
            Change::AlterColumn(name) => self.alter_column(name),
            Change::ChangeKey => self.change_key(),
            Change::CreateIndex(name) => self.create_index(name),
            Change::DropIndex(name) => {
                self.push(format!("drop index `{name}`"), format!("DROP INDEX {}", identifier(name)), Way::Instant);
                Ok(())
            }
            Change::AddForeignKey(name) => self.add_foreign_key(name),
            Change::DropForeignKey(name) => self.drop_foreign_key(name),
            Change::AddCheck(name) => self.add_check(name),
            Change::DropCheck(name) => self.drop_check(name),
            Change::ChangeComment => {
                let comment = self.change.wanted()?.comment.as_deref().unwrap_or_default();
                self.push("change the comment".into(), format!("COMMENT={}", constant(comment)), Way::Instant);
                Ok(())
            }
            other => Err(Error::unsupported(format!("MySQL is not told how to make {other:?} with other changes"))),
        }
    }

    fn add_column(&mut self, name: &str) -> Result<()> {
        let column = self.change.wanted()?.named_column(name)?;
        let way = match column.generated {
            Some(Generated::Stored(_)) => Way::Copying,
            Some(Generated::Key) => Way::Copying,
            _ => Way::Instant,
        };
        self.columns |= !matches!(column.generated, Some(Generated::Virtual(_)));
        // Unlike other databases, these fill in zeros where there is no default, which they refuse for dates.
        if !column.nullable && !column.is_filled() {
            let table = &self.change.wanted()?.name;
            let why =
                format!("table `{table}` has rows, and 0 or an empty text, which they get in `{name}`, does not fit");
            self.effects.push(Effect::MayFail(why));
        }
        self.push(
            format!("add column `{name}`"),
            format!("ADD COLUMN {}", definition::column(column, self.dialect)),
            way,
        );
        Ok(())
    }

    fn drop_column(&mut self, name: &str) -> Result<()> {
        let table = &self.change.existing()?.name;
        self.columns = true;
        self.effects.push(Effect::values_of(name, table));
        self.push(format!("drop column `{name}`"), format!("DROP COLUMN {}", identifier(name)), Way::Instant);
        Ok(())
    }

    /// The server rewrites conditions with the name, but not the declared texts in them.
    fn rename_column(&mut self, from: &'a str, to: &'a str) -> Result<()> {
        let altered =
            self.change.changes.iter().any(|change| matches!(change, Change::AlterColumn(name) if name == to));
        let what = format!("rename column `{from}` to `{to}`");
        if altered {
            self.what.push(what);
        } else {
            self.push(what, format!("RENAME COLUMN {} TO {}", identifier(from), identifier(to)), Way::Instant);
        }
        let (before, after) = (self.change.existing()?, self.change.wanted()?);
        for check in &after.checks {
            let restated = before.check(&check.name).is_some_and(|known| known.condition != check.condition);
            let done = [Change::DropCheck(check.name.clone()), Change::AddCheck(check.name.clone())];
            if restated && !self.change.changes.iter().any(|change| done.contains(change)) {
                let name = identifier(&check.name);
                let sql = format!("DROP CONSTRAINT {name}, ADD {}", definition::check(check));
                if !self.sql.contains(&sql) {
                    self.push(format!("restate check `{}`", check.name), sql, Way::Copying);
                }
            }
        }
        Ok(())
    }

    fn alter_column(&mut self, name: &'a str) -> Result<()> {
        let from = self.change.changes.iter().find_map(|change| match change {
            Change::RenameColumn { from, to } if to == name => Some(from.as_str()),
            _ => None,
        });
        let known = self.change.existing()?.named_column(from.unwrap_or(name))?;
        let wanted = self.change.wanted()?.named_column(name)?;
        let Altered { what, way, effects } = alter_column::between(known, wanted)?;
        self.effects.extend(effects);
        self.defined.push(name);
        let definition = definition::column(wanted, self.dialect);
        let sql = format!("CHANGE COLUMN {} {definition}", identifier(from.unwrap_or(name)));
        self.push(what, sql, way);
        self.keep_check(name)
    }

    fn change_key(&mut self) -> Result<()> {
        let (old, new) = (&self.change.existing()?.key, &self.change.wanted()?.key);
        if let Some(column) = uncounted(self.change.wanted()?) {
            return Err(Error::unsupported(format!(
                "column `{}` counts by itself (AUTO_INCREMENT), and the server wants a key or an index that begins with \
                 it; declare a unique index of it, or take AUTO_INCREMENT from it by a migration",
                column.name
            )));
        }
        let mut sql = Vec::new();
        if !old.is_empty() {
            sql.push("DROP PRIMARY KEY".to_owned());
        }
        if !new.is_empty() {
            sql.push(format!("ADD PRIMARY KEY ({})", identifiers(new)));
        }
        self.effects.push(Effect::no_key(new));
        self.push(format!("make ({}) the primary key", new.join(", ")), sql.join(", "), Way::Rebuilding);
        Ok(())
    }

    fn create_index(&mut self, name: &str) -> Result<()> {
        let table = self.change.wanted()?;
        let index = table.named_index(name)?;
        self.bound(index)?;
        if index.unique {
            self.effects.push(Effect::not_unique(name));
        }
        let way =
            if matches!(index.method.as_deref(), Some("fulltext" | "spatial")) { Way::Copying } else { Way::Reading };
        self.indexes = true;
        self.push(format!("create index `{name}`"), format!("ADD {}", definition::index(index)), way);
        Ok(())
    }

    /// Gives columns of unbounded length a bounded one, where an index is over all of them.
    fn bound(&mut self, index: &IndexSchema) -> Result<()> {
        let whole = index.parts.iter().filter(|part| part.prefix.is_none() && index.method.is_none());
        for name in whole.filter_map(|part| part.of.column()) {
            let existing = self.change.existing()?.column(name).or_else(|| self.change.wanted().ok()?.column(name));
            let Some(existing) = existing.filter(|column| Type::read(&column.declared).is_unbounded()) else {
                continue;
            };
            if self.defined.contains(&existing.name.as_str()) {
                continue;
            }
            let length = length::of_each(index.parts.len());
            let known = Type::read(&existing.declared);
            let mut bounded = existing.clone();
            bounded.declared = match known.collation {
                _ if known.is_bytes() => format!("varbinary({length})"),
                Some(collation) => format!("varchar({length}) collate {collation}"),
                None => format!("varchar({length})"),
            };
            if existing.default.is_some() {
                return Err(Error::unsupported(format!(
                    "column `{name}` is {}, which can't be indexed; change it to {} first",
                    existing.declared, bounded.declared
                )));
            }
            self.defined.push(&existing.name);
            let longer = format!("a value of `{name}` is longer than {length}");
            self.effects.push(Effect::MayFail(longer));
            let sql = format!("MODIFY COLUMN {}", definition::column(&bounded, self.dialect));
            self.push(
                format!("change column `{name}` from {} to {}", existing.declared, bounded.declared),
                sql,
                Way::Copying,
            );
        }
        Ok(())
    }

    /// The rows are looked at, which takes a copy.
    pub(super) fn add_foreign_key(&mut self, name: &str) -> Result<()> {
        let key = self.change.wanted()?.named_foreign_key(name)?;
        self.effects.push(Effect::refers_to_none(key));
        let what = format!("add foreign key `{name}` to `{}`", key.table);
        self.push(what, format!("ADD {}", definition::foreign_key(key)), Way::Copying);
        Ok(())
    }

    /// With it goes the index that the server may have made for it.
    fn drop_foreign_key(&mut self, name: &str) -> Result<()> {
        let table = self.change.existing()?;
        let key = table.named_foreign_key(name)?;
        let leads = |columns: Option<Vec<&str>>| {
            columns
                .is_some_and(|columns| columns.starts_with(&key.columns.iter().map(String::as_str).collect::<Vec<_>>()))
        };
        let covered = leads(Some(table.key.iter().map(String::as_str).collect()))
            || table.indexes.iter().any(|index| leads(index.columns()));
        let mut sql = format!("DROP FOREIGN KEY {}", identifier(name));
        if table.index(name).is_none() {
            match self.dialect.flavour() {
                Flavour::MariaDb => sql.push_str(&format!(", DROP INDEX IF EXISTS {}", identifier(name))),
                Flavour::MySql if !covered => sql.push_str(&format!(", DROP INDEX {}", identifier(name))),
                Flavour::MySql => {}
            }
        }
        self.push(format!("drop foreign key `{name}`"), sql, Way::Instant);
        Ok(())
    }

    fn add_check(&mut self, name: &str) -> Result<()> {
        let check = self.change.wanted()?.named_check(name)?;
        self.effects.push(Effect::does_not_hold(check));
        self.push(format!("add check `{name}`"), format!("ADD {}", definition::check(check)), Way::Copying);
        Ok(())
    }

    /// In MariaDB a check that was declared with a column has its name, and goes when the column is defined without it.
    fn drop_check(&mut self, name: &'a str) -> Result<()> {
        let (what, known) = (format!("drop check `{name}`"), identifier(name));
        let column = self.change.existing()?.column(name).filter(|_| self.dialect.flavour() == Flavour::MariaDb);
        let Some(column) = column else {
            self.push(what, format!("DROP CONSTRAINT {known}"), Way::Instant);
            return Ok(());
        };
        let defined = [Change::AlterColumn(name.to_owned()), Change::DropColumn(name.to_owned())];
        let mut sql = format!("DROP CONSTRAINT IF EXISTS {known}");
        if !self.change.changes.iter().any(|change| defined.contains(change)) {
            sql.push_str(&format!(", MODIFY COLUMN {}", definition::column(column, self.dialect)));
        }
        self.push(what, sql, Way::Instant);
        Ok(())
    }

    /// Keeps the check of a column that is defined anew, as one of the table.
    fn keep_check(&mut self, name: &str) -> Result<()> {
        let (Some(_), Some(check)) = (self.change.existing()?.check(name), self.change.wanted()?.check(name)) else {
            return Ok(());
        };
        let done = [Change::DropCheck(name.to_owned()), Change::AddCheck(name.to_owned())];
        if self.dialect.flavour() == Flavour::MariaDb && !self.change.changes.iter().any(|change| done.contains(change))
        {
            let sql = format!("DROP CONSTRAINT IF EXISTS {}, ADD {}", identifier(name), definition::check(check));
            self.push(format!("restate check `{name}`"), sql, Way::Copying);
        }
        Ok(())
    }

    /// The one statement; `None` without clauses.
    pub(super) fn into_step(mut self, table: &str) -> Result<Option<Step>> {
        if self.sql.is_empty() {
            return Ok(None);
        }
        self.keep_living()?;
        if has_computed_index(self.change.existing()?) && (self.columns || self.way == Way::Rebuilding) {
            self.way = Way::Copying;
        } else if self.columns && self.indexes {
            self.way = self.way.max(Way::Rebuilding);
        }
        let mut step = Step::new(
            format!("change table `{table}`: {}", self.what.join(", ")),
            vec![format!("ALTER TABLE {} {}", identifier(table), self.sql.join(", "))],
        );
        step.effects = self.way.effects();
        for effect in self.effects {
            if !step.effects.contains(&effect) {
                step.effects.push(effect);
            }
        }
        Ok(Some(step.effect(Effect::NotTransactional)))
    }

    /// Sees to the generated column of the indexes of living rows: it comes with the first and goes with the last.
    fn keep_living(&mut self) -> Result<()> {
        let renamed = self.change.changes.iter().any(|change| matches!(change, Change::RenameColumn { .. }));
        let (known, wanted) = (living::of(self.change.existing()?), living::of(self.change.wanted()?));
        let made = self.change.changes.iter().any(|change| {
            let index = |name: &str| self.change.wanted().ok()?.index(name).filter(|index| index.living);
            matches!(change, Change::CreateIndex(name) if index(name).is_some())
        });
        if known == wanted || known.is_some() && wanted.is_some() && renamed && !made {
            return Ok(());
        }
        if known.is_some() {
            self.sql.push(format!("DROP COLUMN {}", identifier(LIVING)));
        }
        if let Some(condition) = wanted {
            self.sql.push(format!("ADD COLUMN {}", living::definition(condition)));
        }
        self.way = Way::Copying;
        Ok(())
    }

    fn push(&mut self, what: String, sql: String, way: Way) {
        self.what.push(what);
        self.sql.push(sql);
        self.way = self.way.max(way);
    }
}

/// Whether an index is over a column that is computed when it is read. The server can't build such a table anew while others
/// write it.
fn has_computed_index(table: &TableSchema) -> bool {
    let is_virtual =
        |name: &str| table.column(name).is_some_and(|column| matches!(column.generated, Some(Generated::Virtual(_))));
    let mut parts = table.indexes.iter().flat_map(|index| &index.parts).filter_map(|part| part.of.column());
    living::of(table).is_some() || parts.any(is_virtual)
}

/// The column that counts by itself, if neither the key nor an index begins with it.
fn uncounted(table: &TableSchema) -> Option<&ColumnSchema> {
    let column = table.columns.iter().find(|column| column.generated == Some(Generated::Key))?;
    let begins = |first: Option<&str>| first.is_some_and(|first| first.eq_ignore_ascii_case(&column.name));
    let of_index = |index: &IndexSchema| begins(index.parts.first().and_then(|part| part.of.column()));
    let served = begins(table.key.first().map(String::as_str)) || table.indexes.iter().any(of_index);
    (!served).then_some(column)
}
