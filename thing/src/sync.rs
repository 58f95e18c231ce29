//! Synchronising the schema: creating what is missing, refusing what would need a migration.

use std::sync::Arc;

use thing_driver_api::{Error, ErrorKind, ExistingTable, Index, Result, Schema, Table};

use crate::debt::Debt;
use crate::{Db, Model};

impl Db {
    /// Creates the tables and indexes of these models that the database lacks.
    ///
    /// Tables that exist are compared with their models and never changed, indexes apart.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Schema`] listing every difference of every table that would need a migration: a missing column, a
    /// column of another type, nullability, another key, an index of the same name over other columns, a column of the
    /// table that no model has and that has no default. Nothing has been created then.
    /// [`ErrorKind::Unsupported`] where the driver has no schema.
    pub async fn sync<S: ModelSet>(&self) -> Result<()> {
        let Some(schema) = self.executor().schema() else {
            return Err(Error::unsupported("this driver does not change schemas; create the tables by other means"));
        };
        let mut work = Vec::new();
        let mut differences = Vec::new();
        let own = self.debts().map(|_| Debt::table());
        for table in S::tables().into_iter().chain(own) {
            let existing = schema.describe(table.name()).await?;
            if let Some(existing) = &existing {
                compare(table, existing, &mut differences);
            }
            work.push((table, existing));
        }
        if !differences.is_empty() {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("the database differs from the models: {}; migrate it by hand", differences.join("; ")),
            ));
        }
        for (table, existing) in work {
            match existing {
                None => create(schema, table).await?,
                Some(existing) => create_indexes(schema, table, &existing).await?,
            }
        }
        Ok(())
    }
}

async fn create(schema: &dyn Schema, table: &Table) -> Result<()> {
    let Err(error) = schema.create_table(table).await else {
        return Ok(());
    };
    // Another process may have been quicker.
    match schema.describe(table.name()).await? {
        Some(existing) => {
            let mut differences = Vec::new();
            compare(table, &existing, &mut differences);
            if differences.is_empty() { create_indexes(schema, table, &existing).await } else { Err(error) }
        }
        None => Err(error.context(format!("create table `{}`", table.name()))),
    }
}

async fn create_indexes(schema: &dyn Schema, table: &Table, existing: &ExistingTable) -> Result<()> {
    for index in table.indexes() {
        if existing.indexes.iter().any(|known| known.name.eq_ignore_ascii_case(&index.name)) {
            continue;
        }
        if let Err(error) = schema.create_index(table, index).await {
            let now = schema.describe(table.name()).await?;
            let quicker =
                now.is_some_and(|t| t.indexes.iter().any(|known| known.name.eq_ignore_ascii_case(&index.name)));
            if !quicker {
                return Err(error.context(format!("create index `{}` of table `{}`", index.name, table.name())));
            }
        }
    }
    Ok(())
}

fn compare(table: &Table, existing: &ExistingTable, differences: &mut Vec<String>) {
    let mut differs = |what: String| differences.push(format!("table `{}`: {what}", table.name()));
    for column in table.columns() {
        let Some(known) = existing.columns.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name)) else {
            differs(format!("column `{}` is missing", column.name));
            continue;
        };
        if !known.holds.contains(&column.value_type) {
            let (name, declared) = (&column.name, &known.declared);
            differs(format!("column `{name}` is `{declared}`, which does not hold {}", column.value_type));
        }
        if known.nullable != column.nullable {
            let (is, wanted) = if known.nullable { ("nullable", "NOT NULL") } else { ("NOT NULL", "nullable") };
            differs(format!("column `{}` is {is}, the model says {wanted}", column.name));
        }
    }
    for known in &existing.columns {
        let modelled = table.columns().iter().any(|column| column.name.eq_ignore_ascii_case(&known.name));
        if !modelled && !known.nullable && !known.has_default {
            differs(format!(
                "column `{}` is NOT NULL without default and no field fills it, so nothing can be inserted",
                known.name
            ));
        }
    }
    let key: Vec<&str> = table.key().iter().map(|&column| table.column(column).name.as_ref()).collect();
    if !same_names(&existing.key, &key) {
        differs(format!("the key is ({}), the model says ({})", existing.key.join(", "), key.join(", ")));
    }
    for index in table.indexes() {
        let known = existing.indexes.iter().find(|known| known.name.eq_ignore_ascii_case(&index.name));
        if let Some(known) = known
            && (known.unique != index.unique || !same_names(&known.columns, &names(table, index)))
        {
            differs(format!("index `{}` is over other columns or of another sort", index.name));
        }
    }
}

fn names<'a>(table: &'a Table, index: &Index) -> Vec<&'a str> {
    index.columns.iter().map(|&column| table.column(column).name.as_ref()).collect()
}

fn same_names(known: &[String], wanted: &[&str]) -> bool {
    known.len() == wanted.len() && known.iter().zip(wanted).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// A model, or a tuple of up to twelve models: what [`Db::sync`] takes.
pub trait ModelSet {
    #[doc(hidden)]
    fn tables() -> Vec<&'static Arc<Table>>;
}

impl<M: Model> ModelSet for M {
    fn tables() -> Vec<&'static Arc<Table>> {
        vec![M::table()]
    }
}

macro_rules! tuples {
    ($(($($model:ident),*);)*) => {$(
        impl<$($model: Model),*> ModelSet for ($($model,)*) {
            fn tables() -> Vec<&'static Arc<Table>> {
                vec![$($model::table()),*]
            }
        }
    )*};
}

tuples! {
    (A);
    (A, B);
    (A, B, C);
    (A, B, C, D);
    (A, B, C, D, E);
    (A, B, C, D, E, F);
    (A, B, C, D, E, F, G);
    (A, B, C, D, E, F, G, H);
    (A, B, C, D, E, F, G, H, I);
    (A, B, C, D, E, F, G, H, I, J);
    (A, B, C, D, E, F, G, H, I, J, K);
    (A, B, C, D, E, F, G, H, I, J, K, L);
}
