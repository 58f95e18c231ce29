//! Values: what is written comes back exactly, or the write is refused.

use std::sync::Arc;

use thing_driver_api::{Column, Error, ErrorKind, Table, Value, ValueType};

use super::Database;
use super::samples::{plain_types, samples};
use super::statements::{insert, stored, write};

/// A table with a key and one column of the type.
async fn table_of(db: &Database<'_>, value_type: ValueType, nullable: bool) -> Arc<Table> {
    let table = db
        .table("rows")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("value", value_type).nullable(nullable))
        .key([0]);
    db.create(table).await
}

async fn write_value(db: &Database<'_>, table: &Arc<Table>, id: i64, value: Value<'_>) -> Result<(), Error> {
    let written = write(&**db.executor(), &insert(table), &[Value::I64(id), value]).await?;
    assert_eq!(written.rows, 1);
    Ok(())
}

async fn read_values(db: &Database<'_>, table: &Arc<Table>) -> Vec<Value<'static>> {
    let rows = stored(&**db.executor(), table).await;
    rows.into_iter().map(|mut row| row.remove(1)).collect()
}

async fn round_trip(db: &Database<'_>, value_type: ValueType, values: Vec<Value<'static>>) {
    let table = table_of(db, value_type, true).await;
    for (id, value) in (0..).zip(&values) {
        write_value(db, &table, id, value.borrowed())
            .await
            .unwrap_or_else(|error| panic!("sample {id} of {value_type} is stored: {error}"));
    }
    write_value(db, &table, values.len() as i64, Value::Null).await.expect("NULL is stored");
    let mut found = read_values(db, &table).await;
    assert_eq!(found.pop(), Some(Value::Null), "NULL of {value_type} comes back");
    assert_eq!(found, values, "values of {value_type} come back exactly");
}

/// Writes values one by one; each comes back exactly or is refused as invalid data.
async fn exact_or_refused(db: &Database<'_>, value_type: ValueType, values: Vec<Value<'static>>) {
    let table = table_of(db, value_type, false).await;
    let mut kept = Vec::new();
    for (id, value) in (0..).zip(values) {
        match write_value(db, &table, id, value.borrowed()).await {
            Ok(()) => kept.push(value),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::InvalidData { .. }),
                "value {id} of {value_type} is refused as invalid data: {error:?}"
            ),
        }
    }
    assert_eq!(read_values(db, &table).await, kept, "what was not refused comes back exactly");
}

/// Truth values and NULL.
pub async fn bools_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::Bool, samples(ValueType::Bool)).await;
}

/// 16-bit integers to their extremes.
pub async fn small_integers_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::I16, samples(ValueType::I16)).await;
}

/// 32-bit integers to their extremes.
pub async fn integers_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::I32, samples(ValueType::I32)).await;
}

/// 64-bit integers to their extremes.
pub async fn large_integers_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::I64, samples(ValueType::I64)).await;
}

/// Floats of single precision to their extremes.
pub async fn single_floats_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::F32, samples(ValueType::F32)).await;
}

/// Floats of double precision to their extremes.
pub async fn floats_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::F64, samples(ValueType::F64)).await;
}

/// Infinite and subnormal floats come back exactly or are refused; never as something else.
pub async fn odd_floats_are_exact_or_refused(db: &Database<'_>) {
    let values = [f64::INFINITY, f64::NEG_INFINITY, f64::from_bits(1), -f64::from_bits(1)];
    exact_or_refused(db, ValueType::F64, values.map(Value::F64).to_vec()).await;
}

/// Negative zero comes back as a zero: databases may forget its sign, as the two compare equal.
pub async fn negative_zero_is_a_zero(db: &Database<'_>) {
    let table = table_of(db, ValueType::F64, false).await;
    write_value(db, &table, 0, Value::F64(-0.0)).await.expect("a zero is stored");
    match read_values(db, &table).await.as_slice() {
        [Value::F64(zero)] => assert!(*zero == 0.0, "-0.0 came back as {zero}"),
        other => panic!("one float is expected, not {other:?}"),
    }
}

/// Text: empty, spaces, quotes, combining characters, emoji.
pub async fn text_round_trips(db: &Database<'_>) {
    let mut values = samples(ValueType::Text);
    let odd = ["'", "\"", "\\", "''", "a\nb\r\tc", "e\u{301}", "👩‍👩‍👧", "\u{feff}", "  both ends  ", "NULL"];
    values.extend(odd.map(|v| Value::Text(v.into())));
    round_trip(db, ValueType::Text, values).await;
}

/// Text with a zero byte comes back exactly or is refused; it is not cut off.
pub async fn text_with_zero_bytes_is_exact_or_refused(db: &Database<'_>) {
    let values = ["a\0b", "\0", "end\0"].map(|v| Value::Text(v.into()));
    exact_or_refused(db, ValueType::Text, values.to_vec()).await;
}

/// A megabyte of text.
pub async fn large_text_round_trips(db: &Database<'_>) {
    let text: String = "0123456789abcdé".chars().cycle().take(1 << 20).collect();
    let table = table_of(db, ValueType::Text, false).await;
    write_value(db, &table, 1, Value::Text(text.as_str().into())).await.expect("the text is stored");
    let found = read_values(db, &table).await;
    assert!(found == [Value::Text(text.into())], "a megabyte of text comes back");
}

/// Bytes: empty, zero bytes, what is no UTF-8.
pub async fn bytes_round_trip(db: &Database<'_>) {
    let mut values = samples(ValueType::Bytes);
    values.push(Value::Bytes((0..=255).collect::<Vec<u8>>().into()));
    round_trip(db, ValueType::Bytes, values).await;
}

/// A megabyte of bytes.
pub async fn large_bytes_round_trip(db: &Database<'_>) {
    let bytes: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let table = table_of(db, ValueType::Bytes, false).await;
    write_value(db, &table, 1, Value::Bytes(bytes.as_slice().into())).await.expect("the bytes are stored");
    let found = read_values(db, &table).await;
    assert!(found == [Value::Bytes(bytes.into())], "a megabyte of bytes comes back");
}

/// UUIDs, whatever their version.
pub async fn uuids_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::Uuid, samples(ValueType::Uuid)).await;
}

/// Timestamps to the microsecond, before 1970 too.
pub async fn timestamps_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::Timestamp, samples(ValueType::Timestamp)).await;
}

/// Dates, before 1970 too.
pub async fn dates_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::Date, samples(ValueType::Date)).await;
}

/// Times of day to the microsecond.
pub async fn times_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::Time, samples(ValueType::Time)).await;
}

/// Decimal numbers to 35 digits before the point and 30 behind it.
pub async fn decimals_round_trip(db: &Database<'_>) {
    round_trip(db, ValueType::Decimal, samples(ValueType::Decimal)).await;
}

/// JSON means the same; white space between its tokens may differ.
pub async fn json_round_trips(db: &Database<'_>) {
    let table = table_of(db, ValueType::Json, true).await;
    let values = samples(ValueType::Json);
    for (id, value) in (0..).zip(&values) {
        write_value(db, &table, id, value.borrowed()).await.expect("JSON is stored");
    }
    let found = read_values(db, &table).await;
    assert_eq!(found.len(), values.len());
    for (found, value) in found.iter().zip(&values) {
        assert_eq!(compact(found), compact(value), "JSON comes back");
    }
}

/// Lists of each type have the same elements in the same order.
pub async fn lists_round_trip(db: &Database<'_>) {
    for list in ValueType::LISTS {
        let table = db
            .table(&format!("{list:?}").to_lowercase())
            .column(Column::new("id", ValueType::I64))
            .column(Column::new("value", list).nullable(true))
            .key([0]);
        let table = db.create(table).await;
        let values = samples(list);
        for (id, value) in (0..).zip(&values) {
            write_value(db, &table, id, value.borrowed()).await.expect("a list is stored");
        }
        write_value(db, &table, values.len() as i64, Value::Null).await.expect("NULL is stored");
        let mut found = read_values(db, &table).await;
        assert_eq!(found.pop(), Some(Value::Null), "NULL of {list} comes back");
        let parsed = |values: &[Value<'_>]| -> Vec<serde_json::Value> { values.iter().map(parsed).collect() };
        assert_eq!(parsed(&found), parsed(&values), "values of {list} come back");
    }
}

fn parsed(list: &Value<'_>) -> serde_json::Value {
    match list {
        Value::Json(text) => serde_json::from_str(text).expect("a list is JSON"),
        other => panic!("JSON is expected, not {}", other.kind()),
    }
}

/// The JSON text without white space outside strings.
fn compact(json: &Value<'_>) -> String {
    let Value::Json(text) = json else {
        panic!("JSON is expected, not {}", json.kind());
    };
    let mut inside = false;
    text.chars()
        .filter(|&c| {
            inside ^= c == '"';
            inside || !c.is_whitespace()
        })
        .collect()
}

/// A row with a column of each type, all NULL but the key and then all set.
pub async fn all_types_share_a_row(db: &Database<'_>) {
    let table = db.of_every_type().await;
    let row = |id: i64, value: fn(ValueType) -> Value<'static>| -> Vec<Value<'static>> {
        std::iter::once(Value::I64(id)).chain(plain_types().map(value)).collect()
    };
    let rows = vec![
        row(1, |_| Value::Null),
        row(2, |t| samples(t).swap_remove(0)),
        row(3, |t| samples(t).pop().expect("there are samples")),
    ];
    for row in &rows {
        write(&**db.executor(), &insert(&table), row).await.expect("the row is added");
    }
    assert_eq!(stored(&**db.executor(), &table).await, rows);
}
