//! Schemas: tables are described as they were declared, whatever their names.

mod changes;
mod wanted;

use std::sync::Arc;

use thing_driver_api::schema::{IndexPart, IndexSchema, TableSchema};
use thing_driver_api::{Column, Key, Schema, Table, Value, ValueType};

pub use changes::{
    columns_are_added, columns_are_dropped, columns_are_widened, columns_change_in_all_ways_at_once,
    columns_of_foreign_keys_are_changed, conditions_are_renamed_with_their_columns, constraints_come_and_go,
    constraints_that_rows_break_are_not_added, keys_are_changed, keys_come_to_count, tables_and_columns_are_renamed,
    tables_are_dropped, tables_are_listed, values_that_do_not_fit_stop_the_change,
};
pub use wanted::{
    conditions_are_told_as_they_are, names_are_kept_or_refused, wanted_checks_are_described,
    wanted_columns_are_described, wanted_defaults_are_described, wanted_foreign_keys_are_described,
    wanted_indexes_are_described, wanted_indexes_of_living_rows_are_described,
    wanted_indexes_of_some_rows_are_described, wanted_keys_are_described,
};

use super::Database;
use super::samples::all_types;
use super::statements::{equals, get_many, insert, stored, update, write};

fn schema<'a>(db: &'a Database<'_>) -> &'a dyn Schema {
    db.executor().schema().expect("`Capability::Schema` is stated, so there is a schema")
}

/// The table of this name; `None` when there is none.
async fn described(db: &Database<'_>, table: &str) -> Option<TableSchema> {
    schema(db).describe(table).await.expect("the table is described")
}

async fn describe(db: &Database<'_>, table: &Table) -> TableSchema {
    described(db, table.name()).await.expect("the table exists")
}

/// A description says what was declared.
async fn assert_as_declared(db: &Database<'_>, table: &Table) {
    let existing = describe(db, table).await;
    assert_eq!(existing.columns.len(), table.columns().len());
    for (found, declared) in existing.columns.iter().zip(table.columns()) {
        assert_eq!(found.name, declared.name);
        assert_eq!(found.nullable, declared.nullable, "`{}` holds NULL", found.name);
        assert!(
            found.holds.contains(&declared.value_type),
            "`{}`, declared {}, holds {}: {:?}",
            found.name,
            found.declared,
            declared.value_type,
            found.holds
        );
        assert!(!found.declared.is_empty(), "`{}` says its declared type", found.name);
    }
    let names = |columns: &[usize]| -> Vec<String> {
        columns.iter().map(|&column| table.column(column).name.to_string()).collect()
    };
    assert_eq!(existing.key, names(table.key()));
    let mut found = existing.indexes;
    let mut declared: Vec<_> = table
        .indexes()
        .iter()
        .map(|index| {
            let parts = names(&index.columns).into_iter().map(IndexPart::column).collect();
            IndexSchema::new(index.name.clone(), parts, index.unique)
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    declared.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(found, declared, "indexes, the key's own not among them");
}

/// A table that does not exist is described as none; that is no error.
pub async fn a_missing_table_is_none(db: &Database<'_>) {
    assert_eq!(described(db, &db.name("nowhere")).await, None);
}

/// A column of each type, nullable and not, holds what was declared.
pub async fn every_type_holds_itself(db: &Database<'_>) {
    let mut table = db.table("types").column(Column::new("id", ValueType::I64)).key([0]);
    for value_type in all_types() {
        for nullable in [false, true] {
            let name = format!("{value_type:?}_{nullable}").to_lowercase().replace(['(', ')'], "_");
            table = table.column(Column::new(name, value_type).nullable(nullable));
        }
    }
    let table = db.create(table).await;
    assert_as_declared(db, &table).await;
}

/// Generated, text, UUID and composite keys.
pub async fn keys_are_described(db: &Database<'_>) {
    let numbered = db.numbered().await;
    assert_as_declared(db, &numbered).await;
    assert!(describe(db, &numbered).await.columns[0].is_filled(), "the database fills in a generated key");
    for (suffix, value_type) in [("text", ValueType::Text), ("uuid", ValueType::Uuid), ("int", ValueType::I32)] {
        let table = db.table(suffix).column(Column::new("id", value_type)).key([0]);
        let table = db.create(table).await;
        assert_as_declared(db, &table).await;
    }
    let table = db
        .table("pair")
        .column(Column::new("a", ValueType::I64))
        .column(Column::new("b", ValueType::I64))
        .column(Column::new("c", ValueType::Text))
        .key([2, 0]);
    let table = db.create(table).await;
    assert_as_declared(db, &table).await;
}

/// Indexes keep their names, the order of their columns and whether they are unique.
pub async fn indexes_are_described(db: &Database<'_>) {
    let table = db
        .table("indexed")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("a", ValueType::I32))
        .column(Column::new("b", ValueType::I32).nullable(true))
        .column(Column::new("c", ValueType::Date))
        .key([0])
        .index(None, [1], false)
        .index(Some(&db.name("c_then_a")), [3, 1], false)
        .index(None, [2, 1, 3], true);
    let table = db.create(table).await;
    assert_as_declared(db, &table).await;
}

/// An index can be added to a table that exists, and then holds.
pub async fn an_index_is_added(db: &Database<'_>) {
    let plain = db.items().await;
    let indexed = super::database::items(db.table("items")).index(None, [1, 0], false).index(None, [2], true);
    let indexed = Arc::new(indexed.build().expect("a valid table"));
    for index in indexed.indexes() {
        schema(db).create_index(&plain, index).await.expect("the index is added");
    }
    assert_as_declared(db, &indexed).await;
    let row = |id: i64| [Value::I64(id), Value::Text("a".into()), Value::I64(1)];
    write(&**db.executor(), &insert(&plain), &row(1)).await.expect("the first is added");
    let refused = write(&**db.executor(), &insert(&plain), &row(2)).await.expect_err("a duplicate");
    assert!(refused.is_unique_violation(), "{refused:?}");
}

/// Defaults are described as such.
pub async fn defaults_are_described(db: &Database<'_>) {
    let table = db
        .table("defaults")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("with", ValueType::I32).default_value(Value::I64(5)))
        .column(Column::new("without", ValueType::I32))
        .key([0]);
    let table = db.create(table).await;
    let described = describe(db, &table).await;
    let defaults: Vec<_> = described.columns[1..].iter().map(|column| column.is_filled()).collect();
    assert_eq!(defaults, [true, false]);
}

/// A table that exists is not made again, nor changed.
pub async fn a_table_is_not_made_twice(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let error = schema(db).create_table(&table).await.expect_err("the table exists");
    assert!(!error.is_not_found(), "{error:?}");
    assert_eq!(stored(&**db.executor(), &table).await.len(), 2);
    assert_as_declared(db, &table).await;
}

/// Tables and columns may be called anything: reserved words, with spaces, quotes, or beyond ASCII.
pub async fn odd_names_work(db: &Database<'_>) {
    let names = ["order", "select", "it's", "a b", "say \"hi\"", "back`tick", "größe", "%_", "a.b", "[x]"];
    for suffix in ["group", "two words", "quo\"te", "tick`s"] {
        let mut table = db.table(suffix).column(Column::new("key", ValueType::I64)).key([0]).index(None, [1], false);
        for name in names {
            table = table.column(Column::new(name, ValueType::I32).nullable(true));
        }
        let table = db.create(table).await;
        assert_as_declared(db, &table).await;
        let mut row: Vec<_> = (0..=names.len() as i64).map(Value::I64).collect();
        write(&**db.executor(), &insert(&table), &row).await.expect("the row is added");
        for (column, value) in row.iter_mut().enumerate().skip(1) {
            let shape = update(&table, vec![column], equals(column, 1), Vec::new());
            let values = [Value::I64(100), value.clone()];
            let written = write(&**db.executor(), &shape, &values).await.expect("the row is changed");
            assert_eq!(written.rows, 1);
            *value = Value::I64(100);
        }
        let found = get_many(&**db.executor(), &table, &[Key::Int(0)]).await;
        assert_eq!(found, [row]);
    }
}

/// Two tables with equal column names are kept apart, also when one name begins with the other.
pub async fn tables_are_kept_apart(db: &Database<'_>) {
    let column = |name| Column::new(name, ValueType::I64);
    let short = db.create(db.table("a").column(column("id")).key([0])).await;
    let long = db.create(db.table("a_b").column(column("id")).column(column("extra")).key([0, 1])).await;
    assert_as_declared(db, &short).await;
    assert_as_declared(db, &long).await;
}
