//! A column that changes: type, nullability, default, identity, expression, comment.

use thing_driver_api::schema::{ColumnSchema, Effect, Generated, IndexColumn, Step, TableSchema, still_declares};
use thing_driver_api::{Error, Result};

use super::conversion;
use crate::schema::definition::{self, constant, identifier};
use crate::schema::types::Type;

/// The steps: one for the values of an enumeration, one for all the rest.
pub(super) fn steps(
    table: &str,
    before: &ColumnSchema,
    after: &ColumnSchema,
    whole: &TableSchema,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    if before.declared == after.declared && before.allowed != after.allowed {
        steps.push(enumeration(before, after)?);
    }
    let mut altering =
        Altering { table, before, after, whole, clauses: Vec::new(), sql: Vec::new(), effects: Vec::new() };
    altering.values()?;
    altering.nullability();
    let Altering { clauses, mut sql, mut effects, .. } = altering;
    if !clauses.is_empty() {
        sql.insert(0, format!("ALTER TABLE {} {}", identifier(table), clauses.join(", ")));
        effects.insert(0, Effect::BlocksReads);
    }
    if before.comment != after.comment {
        sql.push(definition::column_comment(table, &after.name, after.comment.as_deref())?);
    }
    if !sql.is_empty() {
        let what = match after.difference(before) {
            Some(difference) => format!("change column `{}` of table `{table}` {difference}", after.name),
            None => format!("change the comment of column `{}` of table `{table}`", after.name),
        };
        let mut step = Step::new(what, sql);
        step.effects = effects;
        steps.push(step);
    }
    Ok(steps)
}

/// Values can be added to an enumeration, in a transaction since PostgreSQL 12; they can be used when it is committed.
fn enumeration(before: &ColumnSchema, after: &ColumnSchema) -> Result<Step> {
    let kept: Vec<&String> = after.allowed.iter().filter(|value| before.allowed.contains(value)).collect();
    if !kept.iter().copied().eq(&before.allowed) {
        return Err(Error::unsupported(format!(
            "PostgreSQL takes no value out of the enumeration {} and gives it no other order; make another type, change \
             column `{}` to it, and drop the old one",
            before.declared, after.name
        )));
    }
    let mut sql = Vec::new();
    for (at, value) in after.allowed.iter().enumerate().filter(|(_, value)| !before.allowed.contains(value)) {
        let place = match (at.checked_sub(1).and_then(|at| after.allowed.get(at)), before.allowed.first()) {
            (Some(previous), _) => format!(" AFTER {}", constant(previous)?),
            (None, Some(first)) => format!(" BEFORE {}", constant(first)?),
            (None, None) => String::new(),
        };
        sql.push(format!("ALTER TYPE {} ADD VALUE {}{place}", after.declared, constant(value)?));
    }
    Ok(Step::new(format!("add values to the enumeration {}", after.declared), sql))
}

struct Altering<'a> {
    table: &'a str,
    before: &'a ColumnSchema,
    after: &'a ColumnSchema,
    whole: &'a TableSchema,
    /// Of one ALTER TABLE, which goes over the rows once.
    clauses: Vec<String>,
    /// What follows it.
    sql: Vec<String>,
    effects: Vec<Effect>,
}

impl Altering<'_> {
    /// Type, default and what the server makes.
    fn values(&mut self) -> Result<()> {
        let (before, after) = (self.before, self.after);
        let counted = before.generated == Some(Generated::Key);
        let counts = after.generated == Some(Generated::Key);
        let retyped = before.declared != after.declared;
        match (&before.generated, &after.generated) {
            (before, after) if before == after => {}
            (None | Some(Generated::Key), None | Some(Generated::Key)) => {}
            (Some(Generated::Stored(_)), None) => self.clause("DROP EXPRESSION"),
            _ => {
                return Err(Error::unsupported(format!(
                    "PostgreSQL gives column `{}` no other expression; drop it and add it again",
                    after.name
                )));
            }
        }
        if counted && !counts {
            // It counted as an identity, or by a default.
            self.clause("DROP IDENTITY IF EXISTS");
            self.clause("DROP DEFAULT");
        }
        let replaced = before.default != after.default || counts && !counted;
        if before.default.is_some() && (replaced || retyped) {
            self.clause("DROP DEFAULT");
        }
        if retyped {
            self.retype(counted && counts)?;
        }
        if counts && !counted {
            self.count()?;
        } else if let Some(default) = after.default.as_ref().filter(|_| replaced || retyped) {
            self.clause(&format!("SET DEFAULT {default}"));
        }
        Ok(())
    }

    fn retype(&mut self, counts: bool) -> Result<()> {
        let (name, declared) = (&self.after.name, &self.after.declared);
        let conversion = conversion::between(name, &self.before.declared, declared)?;
        let using = conversion.using.map(|using| format!(" USING {using}")).unwrap_or_default();
        self.clause(&format!("TYPE {declared}{using}"));
        if conversion.rewrites {
            self.effects.push(Effect::Rewrites);
        } else if self.is_depended_on() {
            self.effects.push(Effect::Scans);
        }
        self.effects.extend(conversion.may_fail);
        self.effects.extend(conversion.loses);
        if counts && Type::read(declared).is_integer() {
            self.sql.push(self.of_sequence(&format!("'ALTER SEQUENCE %s AS {}'", Type::read(declared).name))?);
        }
        Ok(())
    }

    /// Whether indexes are built or conditions looked at again with another type or collation.
    fn is_depended_on(&self) -> bool {
        let column = &self.after.name;
        let own = std::slice::from_ref(self.after);
        let in_index = |of: &IndexColumn| match of {
            IndexColumn::Column(name) => name == column,
            IndexColumn::Expression(text) => !still_declares("", text, own),
        };
        self.whole.key.contains(column)
            || self.whole.indexes.iter().any(|index| index.parts.iter().any(|part| in_index(&part.of)))
            || self.whole.checks.iter().any(|check| !still_declares("", &check.condition, own))
    }

    /// Has the column count from behind what it holds.
    fn count(&mut self) -> Result<()> {
        if !Type::read(&self.after.declared).is_integer() {
            return Err(Error::unsupported(format!(
                "column `{}` is {}, only integers count; change its type first",
                self.after.name, self.after.declared
            )));
        }
        if self.before.nullable {
            self.clause("SET NOT NULL");
        }
        self.clause("ADD GENERATED BY DEFAULT AS IDENTITY");
        let (table, column) = (identifier(self.table), identifier(&self.after.name));
        self.sql.push(format!(
            "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence({}, {}), \
             (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)",
            constant(&table)?,
            constant(&self.after.name)?
        ));
        self.effects.push(Effect::Scans);
        Ok(())
    }

    /// A statement about the sequence of the column, whose name is not known here. There is none where it counts by a
    /// sequence that is not its own.
    fn of_sequence(&self, format: &str) -> Result<String> {
        let (table, column) = (constant(&identifier(self.table))?, constant(&self.after.name)?);
        let own = format!("pg_catalog.pg_get_serial_sequence({table}, {column})");
        Ok(format!(
            "DO $thing$ BEGIN IF {own} IS NOT NULL THEN EXECUTE pg_catalog.format({format}, {own}); END IF; END $thing$"
        ))
    }

    fn nullability(&mut self) {
        let counts = self.after.generated == Some(Generated::Key) && self.before.generated.is_none();
        match (self.before.nullable, self.after.nullable) {
            (true, false) => {
                if !counts {
                    self.clause("SET NOT NULL");
                }
                if !self.effects.contains(&Effect::Rewrites) && !self.effects.contains(&Effect::Scans) {
                    self.effects.push(Effect::Scans);
                }
                self.effects.push(Effect::null_in(&self.after.name));
            }
            (false, true) => self.clause("DROP NOT NULL"),
            _ => {}
        }
    }

    fn clause(&mut self, what: &str) {
        self.clauses.push(format!("ALTER COLUMN {} {what}", identifier(&self.after.name)));
    }
}
