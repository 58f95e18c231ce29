//! What a database can hold and compare, found out by asking it.

use std::cell::Cell;
use std::sync::Arc;

use thing::driver::{Capability, Executor, Value, ValueType};
use thing::{Column, Db, ErrorKind, Model};

use super::filters::Spec;
use super::schema::{Dynamic, KeyKind, Schema, TYPES};
use super::values::pool;

thread_local! {
    static LIKE_STOPS_AT_ZERO: Cell<bool> = const { Cell::new(false) };
}

/// Whether LIKE looks as far as the first zero byte of a text.
pub(crate) fn like_stops_at_zero() -> bool {
    LIKE_STOPS_AT_ZERO.get()
}

/// The values of the pools that a database refuses to store, and the types that it compares as Rust does.
#[derive(Debug)]
pub(crate) struct Storable {
    types: Vec<ValueType>,
    refused: Vec<(ValueType, Value<'static>)>,
}

impl Storable {
    /// Tries to store every value of the pools: each comes back as it was, or is refused and leaves no trace.
    pub(crate) async fn of(executor: &Arc<dyn Executor>) -> Self {
        let capabilities = executor.capabilities();
        let exact = |value_type: &ValueType| match value_type {
            ValueType::Text => capabilities.has(Capability::ExactText) && capabilities.has(Capability::OrderedText),
            ValueType::F32 | ValueType::F64 | ValueType::Decimal | ValueType::Timestamp => {
                capabilities.has(Capability::ExactNumbers)
            }
            _ => true,
        };
        let types: Vec<ValueType> = TYPES.into_iter().filter(exact).collect();
        let mut refused = Vec::new();
        for &value_type in &types {
            // A `Db` takes a model's table for fixed.
            let db = Db::builder(executor.clone()).build();
            let schema = Schema { key: KeyKind::Generated, columns: vec![(value_type, false)], indexes: Vec::new() };
            schema.choose();
            db.sync::<Dynamic>().await.unwrap();
            refused.extend(refused_of(&db).await.into_iter().map(|value| (value_type, value)));
            if value_type == ValueType::Text {
                let found = db.things::<Dynamic>().filter(Column::<Spec>::at(1).like("a")).all().await.unwrap();
                let stops = |object: &Dynamic| object.0[1] == Value::Text("a\0b".into());
                LIKE_STOPS_AT_ZERO.set(found.iter().any(|object| stops(object)));
            }
            let drop = format!("DROP TABLE {}", Dynamic::table().name());
            db.raw(drop).execute().await.unwrap();
        }
        println!("refused: {refused:?}");
        Self { types, refused }
    }

    pub(crate) fn types(&self) -> &[ValueType] {
        &self.types
    }

    /// Whether the column refuses the value.
    pub(crate) fn refuses(&self, column: usize, value: &Value<'_>) -> bool {
        let value_type = Dynamic::table().column(column).value_type;
        self.refused.iter().any(|(refused_type, refused)| *refused_type == value_type && refused == value)
    }

    /// Whether one of the columns refuses its value.
    pub(crate) fn refuses_row(&self, row: &[Value<'_>]) -> bool {
        row.iter().enumerate().any(|(column, value)| self.refuses(column, value))
    }
}

async fn refused_of(db: &Db) -> Vec<Value<'static>> {
    let mut values: Vec<Value<'static>> = Vec::new();
    for value in (0..=u8::MAX).map(|choice| pool(1, choice)) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let mut refused = Vec::new();
    for value in values {
        let before = db.things::<Dynamic>().count().await.unwrap();
        match db.things::<Dynamic>().create(Dynamic(vec![Value::I64(0), value.clone()])).await {
            Ok(created) => {
                let stored = db.things::<Dynamic>().by_id(created.key()).await.unwrap();
                assert_eq!(stored.0[1], value, "stored otherwise");
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{value:?} is refused with {error:?}");
                assert_eq!(db.things::<Dynamic>().count().await.unwrap(), before, "{value:?} left a trace");
                refused.push(value);
            }
        }
    }
    refused
}
