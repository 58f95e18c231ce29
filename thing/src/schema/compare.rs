//! Comparison: what differs between a table as it is and as it is wanted.

use std::fmt;

use thing_driver_api::schema::{
    Change, CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexColumn, IndexPart, IndexSchema, TableChange,
    TableSchema,
};

use super::rename::mentions;
use super::{Consent, Refusal, Wanted};

/// What the comparison of one table found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// What is to change; `None` for nothing. The table as it is to be has what is left alone.
    pub change: Option<TableChange>,
    /// What the table has, and nobody wants.
    pub left: Vec<Left>,
    /// What stands in the way of the change.
    pub refusals: Vec<Refusal>,
}

/// A part of a table that nobody wants. It stays; [`Consent::allow`] has it go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Left {
    /// What it is: `column`, `default`, `expression`, `index`, `foreign key` or `check`.
    pub kind: &'static str,
    /// The table.
    pub table: String,
    /// Its name, of a default or an expression that of the column; empty where it has none.
    pub name: String,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.name.is_empty()) {
            (kind @ ("default" | "expression"), _) => {
                write!(f, "the {kind} of column `{}` of table `{}`", self.name, self.table)
            }
            (kind, true) => write!(f, "{kind} of table `{}`", self.table),
            (kind, false) => write!(f, "{kind} `{}` of table `{}`", self.name, self.table),
        }
    }
}

/// Compares a table as it is, under the names that it is to have, with what is wanted. Renames are made before: see
/// [`SchemaPlan::new`](super::SchemaPlan::new).
pub fn compare(before: &TableSchema, wanted: &Wanted, consent: &Consent) -> Comparison {
    compare_renamed(before, wanted, consent, false)
}

/// As [`compare`], of a table that was just renamed, or columns of it: its indexes have names made of the old ones.
pub(super) fn compare_renamed(before: &TableSchema, wanted: &Wanted, consent: &Consent, renamed: bool) -> Comparison {
    let mut comparing = Comparing {
        before,
        wanted,
        consent,
        renamed,
        after: before.clone(),
        left: Vec::new(),
        refusals: Vec::new(),
        gone: Vec::new(),
        drops: Vec::new(),
        columns: Vec::new(),
        adds: Vec::new(),
    };
    comparing.columns();
    comparing.key();
    comparing.indexes();
    comparing.checks();
    comparing.foreign_keys();
    comparing.comment();
    comparing.finish()
}

struct Comparing<'a> {
    before: &'a TableSchema,
    wanted: &'a Wanted,
    consent: &'a Consent,
    renamed: bool,
    after: TableSchema,
    left: Vec<Left>,
    refusals: Vec<Refusal>,
    /// The columns that go.
    gone: Vec<String>,
    /// What goes before the columns change.
    drops: Vec<Change>,
    columns: Vec<Change>,
    /// What comes after they changed.
    adds: Vec<Change>,
}

impl Comparing<'_> {
    fn allows(&self, name: &str) -> bool {
        self.consent.allows(&self.before.name, name)
    }

    fn leave(&mut self, kind: &'static str, name: &str) {
        self.left.push(Left { kind, table: self.before.name.clone(), name: name.to_owned() });
    }

    fn columns(&mut self) {
        let (mut kept, mut altered, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
        for known in &self.before.columns {
            if let Some(wanted) = self.wanted.schema.column(&known.name) {
                let after = self.column(known, wanted);
                if after != *known {
                    altered.push(Change::AlterColumn(after.name.clone()));
                }
                kept.push(after);
            } else if self.allows(&known.name) {
                dropped.push(Change::DropColumn(known.name.clone()));
                self.gone.push(known.name.clone());
            } else {
                if !known.nullable && !known.is_filled() {
                    let is_new = |wanted: &ColumnSchema| self.before.column(&wanted.name).is_none();
                    let renamed = match self.wanted.schema.columns.iter().any(is_new) {
                        true => format!("say `#[thing(was = \"{}\")]` if it is a field that was renamed, ", known.name),
                        false => String::new(),
                    };
                    let reason = format!(
                        "column `{}` is NOT NULL without default and no field fills it, so nothing can be inserted",
                        known.name
                    );
                    let refusal = Refusal::new("unfilled_column", &self.before.name, reason)
                        .advice(format!("{renamed}give it a default or make it nullable, or drop it"))
                        .unless_allowed(&known.name);
                    self.refusals.push(refusal);
                }
                self.leave("column", &known.name);
                kept.push(known.clone());
            }
        }
        for wanted in &self.wanted.schema.columns {
            if self.before.column(&wanted.name).is_none() {
                self.columns.push(Change::AddColumn(wanted.name.clone()));
                kept.push(wanted.clone());
            }
        }
        if !same_names(&self.before.key, &self.wanted.schema.key) {
            self.columns.push(Change::ChangeKey);
            let options = self.wanted.schema.options.iter().filter(|option| !self.before.options.contains(option));
            self.after.options.extend(options.cloned());
        }
        // A column that leaves the key may hold NULL only then.
        self.columns.extend(altered);
        self.columns.extend(dropped);
        self.after.columns = kept;
    }

    /// The column as it is to be: what need not change stays as it is.
    fn column(&mut self, known: &ColumnSchema, wanted: &ColumnSchema) -> ColumnSchema {
        let mut after = known.clone();
        let fits = match self.wanted.value_type(&wanted.name) {
            Some(value_type) => known.holds.contains(&value_type),
            None => known.declared.eq_ignore_ascii_case(&wanted.declared) && known.allowed == wanted.allowed,
        };
        if !fits {
            after.declared.clone_from(&wanted.declared);
            after.holds.clone_from(&wanted.holds);
            after.allowed.clone_from(&wanted.allowed);
        }
        if wanted.comment.is_some() || self.consent.is_everything() {
            after.comment.clone_from(&wanted.comment);
        }
        let computed = matches!(known.generated, Some(Generated::Stored(_) | Generated::Virtual(_)));
        if computed && wanted.generated.is_none() && !self.allows(&known.name) {
            // Whether it may hold NULL is said by the expression.
            self.leave("expression", &known.name);
            return after;
        }
        after.nullable = wanted.nullable;
        let counts = known.generated == Some(Generated::Key) && wanted.generated.is_none();
        if !counts {
            after.generated.clone_from(&wanted.generated);
        }
        if wanted.default.is_some() || known.default.is_none() || self.allows(&known.name) {
            after.default.clone_from(&wanted.default);
        } else {
            self.leave("default", &known.name);
        }
        after
    }

    fn key(&mut self) {
        self.after.key.clone_from(&self.wanted.schema.key);
    }

    /// Whether something goes with the columns that go.
    fn goes_along<'c>(&self, mut columns: impl Iterator<Item = &'c str>) -> bool {
        columns.any(|column| self.gone.iter().any(|gone| gone.eq_ignore_ascii_case(column)))
    }

    fn indexes(&mut self) {
        let mut after = Vec::new();
        for known in &self.before.indexes {
            match self.wanted.schema.index(&known.name) {
                Some(wanted) if same_index(known, wanted) => after.push(known.clone()),
                Some(_) => self.drops.push(Change::DropIndex(known.name.clone())),
                None if self.allows(&known.name) || self.index_goes_along(known) || self.is_replaced(known) => {
                    self.drops.push(Change::DropIndex(known.name.clone()));
                }
                None if self.wanted.schema.indexes.iter().any(|wanted| self.serves(known, wanted)) => {
                    after.push(known.clone());
                }
                None => {
                    self.leave("index", &known.name);
                    after.push(known.clone());
                }
            }
        }
        for wanted in &self.wanted.schema.indexes {
            let there = |kept: &IndexSchema| kept.name.eq_ignore_ascii_case(&wanted.name) || self.serves(kept, wanted);
            if !after.iter().any(there) {
                self.adds.push(Change::CreateIndex(wanted.name.clone()));
                after.push(wanted.clone());
            }
        }
        self.after.indexes = after;
    }

    /// Whether a UNIQUE constraint is all that is wanted, but for its name, which a database may have given it.
    fn serves(&self, known: &IndexSchema, wanted: &IndexSchema) -> bool {
        known.constraint
            && self.wanted.schema.index(&known.name).is_none()
            && self.before.index(&wanted.name).is_none()
            && same_index(known, wanted)
    }

    /// Whether an index is made that is the same under a name made of the new names.
    fn is_replaced(&self, known: &IndexSchema) -> bool {
        let replaces = |wanted: &IndexSchema| self.before.index(&wanted.name).is_none() && same_index(known, wanted);
        self.renamed && !known.constraint && self.wanted.schema.indexes.iter().any(replaces)
    }

    fn index_goes_along(&self, index: &IndexSchema) -> bool {
        let texts = index.parts.iter().filter_map(|part| match &part.of {
            IndexColumn::Expression(text) => Some(text),
            IndexColumn::Column(_) => None,
        });
        self.goes_along(index.parts.iter().filter_map(|part| part.of.column()))
            || texts.chain(&index.condition).any(|text| self.gone.iter().any(|gone| mentions(text, gone)))
    }

    fn checks(&mut self) {
        let mut after: Vec<CheckSchema> = Vec::new();
        for known in &self.before.checks {
            let wanted = if known.name.is_empty() { None } else { self.wanted.schema.check(&known.name) };
            let same = |wanted: &CheckSchema| wanted.condition == known.condition;
            match wanted.or_else(|| self.wanted.schema.checks.iter().find(|wanted| same(wanted))) {
                Some(wanted) if same(wanted) => after.push(known.clone()),
                Some(_) => self.drops.push(Change::DropCheck(known.name.clone())),
                None if self.allows(&known.name) || self.gone.iter().any(|gone| mentions(&known.condition, gone)) => {
                    self.drops.push(Change::DropCheck(known.name.clone()));
                }
                None => {
                    self.leave("check", &known.name);
                    after.push(known.clone());
                }
            }
        }
        for wanted in &self.wanted.schema.checks {
            let there =
                |kept: &CheckSchema| kept.name.eq_ignore_ascii_case(&wanted.name) || kept.condition == wanted.condition;
            if !after.iter().any(there) {
                self.adds.push(Change::AddCheck(wanted.name.clone()));
                after.push(wanted.clone());
            }
        }
        self.after.checks = after;
    }

    fn foreign_keys(&mut self) {
        let mut after: Vec<ForeignKeySchema> = Vec::new();
        for known in &self.before.foreign_keys {
            let serves = |wanted: &&ForeignKeySchema| self.serving(wanted).is_some_and(|one| std::ptr::eq(one, known));
            let wanted = &self.wanted.schema.foreign_keys;
            match wanted.iter().find(serves).or_else(|| wanted.iter().find(|wanted| *wanted == known)) {
                Some(wanted) if same_foreign_key(known, wanted) => after.push(known.clone()),
                Some(_) => self.drops.push(Change::DropForeignKey(known.name.clone())),
                None if self.allows(&known.name) || self.goes_along(known.columns.iter().map(|c| &**c)) => {
                    self.drops.push(Change::DropForeignKey(known.name.clone()));
                }
                None => {
                    self.leave("foreign key", &known.name);
                    after.push(known.clone());
                }
            }
        }
        for wanted in &self.wanted.schema.foreign_keys {
            if !after.iter().any(|kept| same_foreign_key(kept, wanted)) {
                self.adds.push(Change::AddForeignKey(wanted.name.clone()));
                after.push(wanted.clone());
            }
        }
        self.after.foreign_keys = after;
    }

    /// The foreign key that stands for a wanted one: that of its name, or an equal one, or one from the same columns to the
    /// same. Others like it are wanted by nobody.
    fn serving(&self, wanted: &ForeignKeySchema) -> Option<&ForeignKeySchema> {
        let all = || self.before.foreign_keys.iter();
        let named = |known: &&ForeignKeySchema| !known.name.is_empty() && known.name.eq_ignore_ascii_case(&wanted.name);
        all()
            .find(named)
            .or_else(|| all().find(|known| same_foreign_key(known, wanted)))
            .or_else(|| all().find(|known| same_reference(known, wanted)))
    }

    fn comment(&mut self) {
        let wanted = &self.wanted.schema.comment;
        if *wanted != self.before.comment && (wanted.is_some() || self.consent.is_everything()) {
            self.after.comment.clone_from(wanted);
            self.adds.push(Change::ChangeComment);
        }
    }

    fn finish(self) -> Comparison {
        let Self { before, after, left, refusals, mut drops, columns, adds, .. } = self;
        drops.sort_by_key(|change| match change {
            Change::DropForeignKey(_) => 0,
            Change::DropCheck(_) => 1,
            _ => 2,
        });
        let changes: Vec<Change> = drops.into_iter().chain(columns).chain(adds).collect();
        let change = (!changes.is_empty()).then(|| TableChange::alter(before.clone(), after, changes));
        Comparison { change, left, refusals }
    }
}

fn same_names(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

fn same_index(known: &IndexSchema, wanted: &IndexSchema) -> bool {
    known.unique == wanted.unique
        && known.living == wanted.living
        && known.condition == wanted.condition
        && known.method == wanted.method
        && known.parts.len() == wanted.parts.len()
        && known.parts.iter().zip(&wanted.parts).all(|(known, wanted)| same_part(known, wanted))
}

fn same_part(known: &IndexPart, wanted: &IndexPart) -> bool {
    let same = match (&known.of, &wanted.of) {
        (IndexColumn::Column(known), IndexColumn::Column(wanted)) => known.eq_ignore_ascii_case(wanted),
        (known, wanted) => known == wanted,
    };
    same && known.descending == wanted.descending && known.prefix == wanted.prefix
}

/// Whether the two refer from the same columns to the same.
fn same_reference(known: &ForeignKeySchema, wanted: &ForeignKeySchema) -> bool {
    same_names(&known.columns, &wanted.columns)
        && known.table.eq_ignore_ascii_case(&wanted.table)
        && same_names(&known.references, &wanted.references)
}

fn same_foreign_key(known: &ForeignKeySchema, wanted: &ForeignKeySchema) -> bool {
    same_reference(known, wanted) && known.on_delete == wanted.on_delete && known.on_update == wanted.on_update
}

#[cfg(test)]
mod tests;
