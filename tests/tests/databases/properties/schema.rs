//! Random schemas: one model whose table is chosen for each case.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use thing::driver::{Column, Key, Result, Row, Table, Value, ValueType};
use thing::{Model, ModelKey};

use super::values::pool;

/// A row of the table that the case chose. The test runs on one thread, so that the choice can be a thread's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dynamic(pub(crate) Vec<Value<'static>>);

thread_local! {
    static TABLE: Cell<Option<&'static Arc<Table>>> = const { Cell::new(None) };
}

/// The key of a [`Dynamic`], whatever its columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DynamicKey(pub(crate) Key);

impl ModelKey for DynamicKey {
    fn to_key(&self) -> Result<Key> {
        Ok(self.0.clone())
    }

    fn from_generated(key: i64) -> Result<Self> {
        Ok(Self(Key::Int(key)))
    }

    fn is_unset(&self) -> bool {
        self.0 == Key::Int(0)
    }
}

impl Model for Dynamic {
    type Key = DynamicKey;

    const NAME: &'static str = "Dynamic";

    fn table() -> &'static Arc<Table> {
        TABLE.get().expect("the case chose a schema")
    }

    fn key(&self) -> DynamicKey {
        let parts: Vec<Value<'static>> = Self::table().key().iter().map(|&column| self.0[column].clone()).collect();
        DynamicKey(Key::from_values(&parts).expect("key columns hold values that can be keys"))
    }

    fn set_generated_key(&mut self, key: i64) -> Result<()> {
        self.0[Self::table().key()[0]] = Value::I64(key);
        Ok(())
    }

    fn from_row(row: &dyn Row) -> Result<Self> {
        let read = |(at, column): (usize, &Column)| Ok(row.value(at, column.value_type)?.into_owned());
        Self::table().columns().iter().enumerate().map(read).collect::<Result<_>>().map(Self)
    }

    fn value(&self, column: usize) -> Result<Value<'_>> {
        Ok(self.0[column].borrowed())
    }

    fn touch(&mut self, _: i64, _: bool) -> bool {
        false
    }

    fn heap_size(&self) -> usize {
        self.0.iter().map(|value| size_of_val(value) + value.heap_size()).sum()
    }
}

/// How a table's rows are identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Generated,
    Integer,
    Text,
    Uuid,
    /// A text and an integer.
    Composite,
}

/// A table to be; the key's columns come before the others.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    pub(crate) key: KeyKind,
    /// The type of each column after the key, and whether it may hold NULL.
    pub(crate) columns: Vec<(ValueType, bool)>,
    /// The columns of each index, counted modulo the number of columns, and whether it is unique.
    pub(crate) indexes: Vec<(Vec<usize>, bool)>,
}

pub(crate) const TYPES: [ValueType; 12] = [
    ValueType::I32,
    ValueType::Text,
    ValueType::Bool,
    ValueType::I16,
    ValueType::I64,
    ValueType::F64,
    ValueType::F32,
    ValueType::Bytes,
    ValueType::Uuid,
    ValueType::Timestamp,
    ValueType::Date,
    ValueType::Decimal,
];

/// Schemas with columns of these types.
pub(crate) fn schemas(types: &[ValueType]) -> impl Strategy<Value = Schema> + use<> {
    let text = u32::from(types.contains(&ValueType::Text));
    let key = prop_oneof![
        3 => Just(KeyKind::Generated),
        2 => Just(KeyKind::Integer),
        2 * text => Just(KeyKind::Text),
        1 => Just(KeyKind::Uuid),
        2 * text => Just(KeyKind::Composite),
    ];
    let columns = proptest::collection::vec((select(types.to_vec()), any::<bool>()), 1..6);
    let unique = proptest::bool::weighted(0.25);
    let indexes = proptest::collection::vec((proptest::collection::vec(0..8usize, 1..3), unique), 0..4);
    (key, columns, indexes).prop_map(|(key, columns, indexes)| Schema { key, columns, indexes })
}

impl Schema {
    /// Makes this the table of [`Dynamic`], under a name of its own. It is never freed; a run has some thousands.
    pub(crate) fn choose(&self) {
        static TABLES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("dynamics_{}", TABLES.fetch_add(1, Ordering::Relaxed));
        let mut key = match self.key {
            KeyKind::Generated | KeyKind::Integer => vec![ValueType::I64],
            KeyKind::Text => vec![ValueType::Text],
            KeyKind::Uuid => vec![ValueType::Uuid],
            KeyKind::Composite => vec![ValueType::Text, ValueType::I32],
        };
        let parts = key.len();
        let mut table = Table::builder(name.clone())
            .key((0..parts).collect::<Vec<_>>())
            .generated_key(self.key == KeyKind::Generated);
        for (at, value_type) in key.drain(..).enumerate() {
            table = table.column(Column::new(format!("k{at}"), value_type));
        }
        for (at, &(value_type, nullable)) in self.columns.iter().enumerate() {
            table = table.column(Column::new(format!("c{at}"), value_type).nullable(nullable));
        }
        let width = parts + self.columns.len();
        for (at, (columns, unique)) in self.indexes.iter().enumerate() {
            let mut columns: Vec<usize> = columns.iter().map(|column| column % width).collect();
            columns.dedup();
            table = table.index(Some(&format!("{name}_{at}")), columns, *unique);
        }
        let table = table.build().expect("random schemas are valid");
        TABLE.set(Some(Box::leak(Box::new(Arc::new(table)))));
    }
}

/// A row from the pools: `choices` choose the value of each column. A generated key is left to the database.
pub(crate) fn row(choices: &[u8]) -> Dynamic {
    let table = Dynamic::table();
    let choice = |column: usize| choices.get(column).copied().unwrap_or_default();
    let value = |column: usize| {
        if table.has_generated_key() && table.key().contains(&column) {
            return Value::I64(0);
        }
        pool(column, choice(column))
    };
    Dynamic((0..table.columns().len()).map(value).collect())
}

/// A key that rows may have.
pub(crate) fn key(choices: &[u8]) -> DynamicKey {
    if Dynamic::table().has_generated_key() {
        return DynamicKey(Key::Int(i64::from(choices.first().copied().unwrap_or_default() % 16)));
    }
    row(choices).key()
}

/// The key of an object whose key the database is to make.
pub(crate) fn unset() -> DynamicKey {
    DynamicKey(Key::Int(0))
}

/// A key that no row ever has.
pub(crate) fn unused(number: usize) -> DynamicKey {
    DynamicKey(Key::Int(-1 - i64::try_from(number).expect("small")))
}
