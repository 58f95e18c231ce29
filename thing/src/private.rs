//! What code written by the derive macros uses. Not part of the public interface.

pub use std::sync::{Arc, LazyLock};

pub use thing_driver_api::{
    Column as TableColumn, Error, ErrorKind, Key, Result, Row, Table, TableBuilder, Value, ValueType,
};

pub use crate::key::GeneratedKey;
pub use crate::model::{EmbedColumns, EmbedUnset};

use crate::{ColumnSpec, ColumnType};

/// Reads a field; an error names the column.
pub fn read<T: ColumnType>(row: &dyn Row, index: usize, column: &'static str) -> Result<T> {
    T::from_row(row, index).map_err(|error| name_column::<T>(error, row, index, column))
}

#[cold]
fn name_column<T: ColumnType>(error: Error, row: &dyn Row, index: usize, column: &'static str) -> Error {
    if !T::NULLABLE && row.is_null(index).unwrap_or(false) {
        let advice = format!("column `{column}` holds NULL; declare the field as Option");
        return Error::invalid_data(column, advice).with_source(error);
    }
    Error::invalid_data(column, format!("column `{column}`: {error}")).with_source(error)
}

/// [`read`] for the field of a column.
pub fn read_column<C: ColumnSpec>(row: &dyn Row, index: usize, column: &'static str) -> Result<C::Type> {
    read(row, index, column)
}

/// The value of a field; an error names the column.
pub fn write<'a, T: ColumnType>(field: &'a T, column: &'static str) -> Result<Value<'a>> {
    field
        .to_value()
        .map_err(|error| Error::invalid_data(column, format!("column `{column}`: {error}")).with_source(error))
}

/// [`write`] for the field of a column.
pub fn write_column<'a, C: ColumnSpec>(field: &'a C::Type, column: &'static str) -> Result<Value<'a>> {
    write(field, column)
}

/// The column of a field.
pub fn column<T: ColumnType>(name: &'static str) -> TableColumn {
    TableColumn::new(name, T::TYPE).nullable(T::NULLABLE)
}

/// Bytes that the field of a column holds outside itself.
pub fn heap_size<C: ColumnSpec>(field: &C::Type) -> usize {
    field.heap_size()
}

/// The column of an embed, its name after the prefix.
pub fn prefixed(mut column: TableColumn, prefix: &str) -> TableColumn {
    if !prefix.is_empty() {
        column.name = format!("{prefix}{}", column.name).into();
    }
    column
}

/// The name of an embed's index, after the prefix.
pub fn prefixed_name(name: &str, prefix: &str) -> String {
    format!("{prefix}{name}")
}

/// Text that needs no copy.
pub fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

#[cold]
pub fn no_column(owner: &'static str, column: usize) -> Error {
    Error::invalid_input(format!("`{owner}` has no column {column}"))
}

#[cold]
pub fn key_is_assigned(model: &'static str, key: i64) -> Error {
    Error::invalid_input(format!(
        "the database generated the key {key}, but the key of `{model}` is made by the application"
    ))
}

#[cold]
pub fn unknown_variant(name: &'static str, known: &[&'static str]) -> Error {
    Error::new(
        ErrorKind::InvalidData { column: None },
        format!("the stored text is no `{name}`; known are `{}`", known.join("`, `")),
    )
}

/// A column with a default. A default that can't be stored is left to the insert that meets it.
pub fn column_with_default<T: ColumnType>(name: &'static str, default: &T) -> TableColumn {
    match default.to_value() {
        Ok(value) => column::<T>(name).default_value(value.into_owned()),
        Err(_) => column::<T>(name),
    }
}

/// The table of a model. What the derive macro could not check is a mistake in the program.
pub fn table(builder: TableBuilder, model: &'static str) -> Arc<Table> {
    match builder.build() {
        Ok(table) => Arc::new(table),
        // The declaration is source code: a mistake in it is found by the first test that touches the model.
        #[allow(clippy::panic)]
        Err(error) => panic!("model `{model}`: {error}"),
    }
}
