//! What code written by the derive macros uses. Not part of the public interface.

pub use std::sync::{Arc, LazyLock};

pub use thing_driver_api::schema::Action;
pub use thing_driver_api::{
    Check, Column as TableColumn, ColumnSet, Error, ErrorKind, Key, Result, Row, Table, TableBuilder, Value, ValueType,
};

pub use crate::hooks::OwnHooks;
pub use crate::key::GeneratedKey;
pub use crate::listener::Dispatch;
pub use crate::model::{EmbedColumns, EmbedUnset};
#[cfg(feature = "json")]
pub use crate::output::{Computed, JsonOutput, KindFields};
pub use crate::relation::{Foreign, Lookup, Member, MemberOf, NamedRelation, PreloadAny};
pub use crate::schema::{Parent, foreign_key};
pub use crate::validation::check_declared;
pub use crate::visibility::Visibility;
pub use crate::write::{Dependent, OnDelete, UniqueColumn};

use crate::{ColumnSpec, ColumnType, ComparableType, EmbedKey, Model, ModelKey};

/// An index has a column of this type.
pub const fn indexed<T: ComparableType>() {}

/// The field of a column; an error names the column.
pub fn read<C: ColumnSpec>(row: &dyn Row, index: usize, column: &'static str) -> Result<C::Type> {
    named(C::Type::from_row(row, index), C::Type::NULLABLE, row, index, column)
}

/// The field that was read from a row; an error names the column.
#[inline]
pub fn named<T>(field: Result<T>, nullable: bool, row: &dyn Row, index: usize, column: &'static str) -> Result<T> {
    field.map_err(|error| name_column(error, nullable, row, index, column))
}

#[cold]
fn name_column(error: Error, nullable: bool, row: &dyn Row, index: usize, column: &'static str) -> Error {
    if !nullable && row.is_null(index).unwrap_or(false) {
        let advice = format!("column `{column}` holds NULL; declare the field as Option");
        return Error::invalid_data(column, advice).with_source(error);
    }
    Error::invalid_data(column, format!("column `{column}`: {error}")).with_source(error)
}

/// The value of a column's field; an error names the column.
#[inline]
pub fn write<'a, C: ColumnSpec>(field: &'a C::Type, column: &'static str) -> Result<Value<'a>> {
    named_value(field.to_value(), column)
}

/// The value of a field; an error names the column.
#[inline]
pub fn named_value<'a>(value: Result<Value<'a>>, column: &'static str) -> Result<Value<'a>> {
    value.map_err(|error| refused(error, column))
}

#[cold]
fn refused(error: Error, column: &'static str) -> Error {
    Error::invalid_data(column, format!("column `{column}`: {error}")).with_source(error)
}

/// The column of a field.
pub fn column<C: ColumnSpec>(name: &'static str) -> TableColumn {
    TableColumn::new(name, C::Type::TYPE).nullable(C::Type::NULLABLE).secret(C::Type::SECRET)
}

/// The column of a field with a default.
pub fn column_with_default<C: ColumnSpec>(name: &'static str, default: &C::Type) -> TableColumn {
    with_default(column::<C>(name), default.to_value())
}

/// The column with a default. One that can't be stored is left to the insert that meets it.
pub fn with_default(column: TableColumn, default: Result<Value<'_>>) -> TableColumn {
    match default {
        Ok(value) => column.default_value(value.into_owned()),
        Err(_) => column,
    }
}

/// The key that the database generated.
pub fn generated_key<M: Model>(key: i64) -> Result<M::Key> {
    M::Key::from_generated(key)
}

/// [`generated_key`] for an embed.
pub fn generated_embed_key<E: EmbedKey>(key: i64) -> Result<E::Key> {
    E::Key::from_generated(key)
}

/// Bytes that the field of a column holds outside itself.
pub fn heap_size<C: ColumnSpec>(field: &C::Type) -> usize {
    field.heap_size()
}

/// The column of an embed, its names after the prefix.
pub fn prefixed(mut column: TableColumn, prefix: &str) -> TableColumn {
    if !prefix.is_empty() {
        column.name = format!("{prefix}{}", column.name).into();
        column.former_names.iter_mut().for_each(|name| *name = format!("{prefix}{name}").into());
    }
    column
}

/// Compiles when a column of this type can refer to this model.
pub const fn refers<T: Foreign<P::Key>, P: Model>() {}

/// A set of columns.
pub fn columns(positions: &[usize]) -> ColumnSet {
    positions.iter().copied().collect()
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

#[cold]
pub fn unknown_number(name: &'static str, known: &[i32]) -> Error {
    let known: Vec<String> = known.iter().map(i32::to_string).collect();
    Error::new(
        ErrorKind::InvalidData { column: None },
        format!("the stored integer is no `{name}`; known are {}", known.join(", ")),
    )
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
