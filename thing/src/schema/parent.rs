//! Parents: models that a foreign key refers to, and what the database does when their rows go.

use std::sync::Arc;

use thing_driver_api::schema::Action;
use thing_driver_api::{ForeignKey, Table};

use super::Refusal;
use super::model_set::Declared;
use crate::Model;
use crate::write::{Dependent, OnDelete};

/// A model that a foreign key refers to whose `on_delete` changes the rows that refer.
#[derive(Clone, Copy, Debug)]
pub struct Parent {
    name: &'static str,
    /// The constant of the column that refers: `Book::AUTHOR_ID`.
    constant: &'static str,
    column: usize,
    action: Action,
    dependents: fn() -> Vec<Dependent>,
    on_delete: fn() -> Vec<OnDelete>,
}

impl Parent {
    /// The model `P`, to which this column refers.
    pub fn of<P: Model>(constant: &'static str, column: usize, action: Action) -> Self {
        let (dependents, on_delete) = (P::dependents, P::on_delete);
        Self { name: P::NAME, constant, column, action, dependents, on_delete }
    }

    fn knows(&self, table: &Table) -> bool {
        let column = self.column;
        (self.dependents)().iter().any(|dependent| dependent.is_of(table, column))
            || (self.on_delete)().iter().any(|relation| relation.changes(table, column))
    }
}

/// A foreign key to the key of a model.
pub fn foreign_key<P: Model>(name: Option<&str>, table: &str, columns: &[(&str, usize)]) -> ForeignKey {
    let (parent, references) = P::referred();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let name = name.map_or_else(|| format!("{table}_{}_foreign", names.join("_")), str::to_owned);
    let positions: Vec<usize> = columns.iter().map(|(_, position)| *position).collect();
    ForeignKey::new(name, positions, parent, references.into_iter().map(Into::into).collect())
}

/// The foreign keys that change rows which a cache may hold, and whose parents don't say so.
pub(super) fn undeclared(models: &[Declared]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for model in models {
        let table: &'static Arc<Table> = model.table;
        for parent in (model.parents)().iter().filter(|parent| !parent.knows(table)) {
            let (does, word) = match parent.action {
                Action::Cascade => ("deletes rows", "cascades"),
                _ => ("changes rows", "nulls"),
            };
            let Parent { name, constant, .. } = parent;
            let reason = format!(
                "the foreign key of column `{}` {does} that a cache may hold when a `{name}` is deleted, and `{name}` does \
                 not say so",
                table.column(parent.column).name
            );
            let advice = format!("add `#[thing({word}({constant}))]` to it, or an `on_delete` to its relation");
            refusals.push(Refusal::new("undeclared_action", table.name(), reason).advice(advice));
        }
    }
    refusals
}
