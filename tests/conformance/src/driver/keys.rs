//! Reads by key: any number of keys, of any kind, missing rows left out.

use thing_driver_api::{Column, Key, NoRows, Operation, Shape, Value, ValueType};

use super::Database;
use super::database::item;
use super::statements::{Rows, Values, get_many, sorted, write_all};

/// No keys give no rows.
pub async fn no_keys(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    assert!(get_many(&**db.executor(), &table, &[]).await.is_empty());
}

/// One key.
pub async fn one_key(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    assert_eq!(get_many(&**db.executor(), &table, &[Key::Int(2)]).await, [item(2)]);
}

/// Missing rows are left out, also when all are.
pub async fn missing_rows_are_left_out(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let keys = [Key::Int(-7), Key::Int(3), Key::Int(4), Key::Int(1), Key::Int(i64::MAX)];
    assert_eq!(get_many(&**db.executor(), &table, &keys).await, sorted(vec![item(1), item(3)]));
    let none = [Key::Int(8), Key::Int(9)];
    assert!(get_many(&**db.executor(), &table, &none).await.is_empty());
    assert!(get_many(&**db.executor(), &table, &none[..1]).await.is_empty());
}

/// Every number of keys up to a few dozen, as drivers may fill up their statements.
pub async fn every_small_number_of_keys(db: &Database<'_>) {
    let table = db.filled_items(40).await;
    for count in 0..=40 {
        let keys: Vec<_> = (1..=count).map(Key::Int).collect();
        let expected = sorted((1..=count).map(item).collect());
        assert_eq!(get_many(&**db.executor(), &table, &keys).await, expected, "{count} keys");
    }
}

/// 1000 and 5000 keys, every other of which exists: more than one statement of many databases can bind.
pub async fn thousands_of_keys(db: &Database<'_>) {
    let table = db.items().await;
    let rows: Vec<_> = (0..2500).map(|n| item(n * 2)).collect();
    write_all(&**db.executor(), &table, &rows).await;
    for count in [1000, 5000] {
        let keys: Vec<_> = (0..count).rev().map(Key::Int).collect();
        let expected = sorted(rows[..count as usize / 2].to_vec());
        assert_eq!(get_many(&**db.executor(), &table, &keys).await, expected, "{count} keys");
    }
}

/// Text keys, with quotes and beyond ASCII.
pub async fn text_keys(db: &Database<'_>) {
    let table = db
        .table("words")
        .column(Column::new("word", ValueType::Text))
        .column(Column::new("length", ValueType::I32))
        .key([0]);
    let table = db.create(table).await;
    let words = ["a", "it's", "\"q\"", "naïve", "日本", "100%", r"a\b"];
    let row = |word: &str| -> Values { vec![Value::Text(word.to_owned().into()), Value::I64(word.len() as i64)] };
    let rows: Vec<_> = words.iter().map(|word| row(word)).collect();
    write_all(&**db.executor(), &table, &rows).await;
    let keys: Vec<_> = words.iter().chain(&["missing", "it"]).map(|&word| Key::Text(word.into())).collect();
    assert_eq!(get_many(&**db.executor(), &table, &keys).await, sorted(rows));
    assert_eq!(get_many(&**db.executor(), &table, &keys[1..2]).await, [row("it's")]);
}

/// UUID keys.
pub async fn uuid_keys(db: &Database<'_>) {
    let table = db
        .table("things")
        .column(Column::new("id", ValueType::Uuid))
        .column(Column::new("number", ValueType::I32))
        .key([0]);
    let table = db.create(table).await;
    let uuid = |n: u8| [n, 255, 0, 1, 2, 3, 0x40 | n, 5, 0x80 | n, 7, 8, 9, 10, 11, 12, n];
    let rows: Vec<Values> = (0..20).map(|n| vec![Value::Uuid(uuid(n)), Value::I64(n.into())]).collect();
    write_all(&**db.executor(), &table, &rows).await;
    let keys: Vec<_> = (5..30).map(|n| Key::Uuid(uuid(n))).collect();
    assert_eq!(get_many(&**db.executor(), &table, &keys).await, sorted(rows[5..].to_vec()));
}

/// Keys of several columns, declared in another order than the columns: parts are not mixed up, and a row is found by
/// all of them only.
pub async fn composite_keys(db: &Database<'_>) {
    let table = db
        .table("seats")
        .column(Column::new("price", ValueType::I32))
        .column(Column::new("seat", ValueType::I64))
        .column(Column::new("hall", ValueType::Text))
        .key([2, 1]);
    let table = db.create(table).await;
    let row = |hall: &'static str, seat: i64| -> Values {
        vec![Value::I64(seat * 2), Value::I64(seat), Value::Text(hall.into())]
    };
    let rows: Vec<_> = ["x", "y", "z"].iter().flat_map(|&hall| (1..=400).map(move |seat| row(hall, seat))).collect();
    write_all(&**db.executor(), &table, &rows).await;
    let key = |hall: &str, seat: i64| Key::Composite(Box::new([Key::Text(hall.into()), Key::Int(seat)]));
    let keys = [key("x", 2), key("z", 1), key("w", 1), key("y", 401)];
    let expected = sorted(vec![row("x", 2), row("z", 1)]);
    assert_eq!(get_many(&**db.executor(), &table, &keys).await, expected);
    assert_eq!(get_many(&**db.executor(), &table, &keys[..1]).await, [row("x", 2)]);
    let all: Vec<_> = ["x", "y", "z"].iter().flat_map(|&hall| (1..=450).map(move |seat| key(hall, seat))).collect();
    assert_eq!(get_many(&**db.executor(), &table, &all).await, sorted(rows));
}

/// A sink that stops ends the read, whatever the number of keys.
pub async fn a_sink_stops_a_read_by_keys(db: &Database<'_>) {
    let table = db.filled_items(3000).await;
    let keys: Vec<_> = (1..=3000).map(Key::Int).collect();
    let shape = Shape::new(table.clone(), Operation::GetMany);
    let mut rows = Rows::like(&table).stop_after(5);
    db.executor().get_many(&shape, &keys, &mut rows).await.expect("the read stops");
    assert_eq!(rows.rows.len(), 5, "no row is delivered after `Flow::Stop`");
    db.executor().get_many(&shape, &keys, &mut NoRows).await.expect("the executor still works");
}
