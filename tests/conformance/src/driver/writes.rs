//! Writes: insert, update, delete, and the rows that they give back.

use std::sync::Arc;

use thing_driver_api::{Column, Comparison, Condition, Shape, Slot, Statement, Value, ValueType, Written};

use super::Database;
use super::database::item;
use super::statements::{
    Rows, Values, compare, count_all, delete, equals, increment, insert, insert_columns, insert_many, sorted, stored,
    update, upsert, write,
};

/// Runs a write and collects the columns it gives back.
async fn write_returning(
    db: &Database<'_>,
    shape: &Arc<Shape>,
    values: &[Value<'_>],
    types: &[ValueType],
) -> (Written, Vec<Values>) {
    let mut rows = Rows::of(types);
    let written = db.executor().write(&Statement::new(shape, values), &mut rows).await.expect("the write succeeds");
    (written, sorted(rows.rows))
}

/// An insert adds one row, with the columns in the order of the statement.
pub async fn insert_adds_one_row(db: &Database<'_>) {
    let table = db.items().await;
    let written = write(&**db.executor(), &insert(&table), &item(1)).await.expect("the row is added");
    assert_eq!(written.rows, 1);
    let shuffled = insert_columns(&table, vec![2, 1, 0], Vec::new());
    let values = [Value::I64(20), Value::Text("item 2".into()), Value::I64(2)];
    write(&**db.executor(), &shuffled, &values).await.expect("the row is added");
    assert_eq!(stored(&**db.executor(), &table).await, [item(1), item(2)]);
}

/// A key that the database makes is given back, differs each time, and finds its row.
pub async fn insert_gives_the_generated_key(db: &Database<'_>) {
    let table = db.numbered().await;
    let shape = insert_columns(&table, vec![1], Vec::new());
    let mut keys = Vec::new();
    for name in ["a", "b", "c"] {
        let written = write(&**db.executor(), &shape, &[Value::Text(name.into())]).await.expect("the row is added");
        assert_eq!(written.rows, 1);
        let key = written.generated_key.expect("the generated key is given back");
        assert!(!keys.contains(&key), "generated keys differ");
        keys.push(key);
    }
    let rows = stored(&**db.executor(), &table).await;
    for (key, name) in keys.iter().zip(["a", "b", "c"]) {
        assert!(rows.contains(&vec![Value::I64(*key), Value::Text(name.into())]));
    }
}

/// The application may give the key of such a table itself.
pub async fn insert_takes_an_explicit_key(db: &Database<'_>) {
    let table = db.numbered().await;
    let row = vec![Value::I64(4711), Value::Text("a".into())];
    let written = write(&**db.executor(), &insert(&table), &row).await.expect("the row is added");
    assert_eq!(written.rows, 1);
    assert_eq!(stored(&**db.executor(), &table).await, [row]);
}

/// An insert that names no column leaves everything to the database.
pub async fn insert_without_columns(db: &Database<'_>) {
    let table = db.numbered().await;
    let shape = insert_columns(&table, Vec::new(), Vec::new());
    let written = write(&**db.executor(), &shape, &[]).await.expect("the row is added");
    let key = written.generated_key.expect("the generated key is given back");
    assert_eq!(stored(&**db.executor(), &table).await, [[Value::I64(key), Value::Null]]);
}

/// A column that an insert leaves out gets its default.
pub async fn left_out_columns_get_their_defaults(db: &Database<'_>) {
    let table = db
        .table("defaults")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("number", ValueType::I32).default_value(Value::I64(-42)))
        .column(Column::new("flag", ValueType::Bool).default_value(Value::Bool(true)))
        .column(Column::new("word", ValueType::Text).nullable(true))
        .key([0]);
    let table = db.create(table).await;
    let shape = insert_columns(&table, vec![0], Vec::new());
    write(&**db.executor(), &shape, &[Value::I64(1)]).await.expect("the row is added");
    let expected = vec![Value::I64(1), Value::I64(-42), Value::Bool(true), Value::Null];
    assert_eq!(stored(&**db.executor(), &table).await, [expected]);
}

/// An insert gives back columns of the stored row, the generated key among them.
pub async fn insert_returning(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert_columns(&table, vec![0, 1, 2], vec![2, 0]);
    let (written, rows) = write_returning(db, &shape, &item(7), &[ValueType::I64, ValueType::I64]).await;
    assert_eq!((written.rows, rows), (1, vec![vec![Value::I64(70), Value::I64(7)]]));
}

/// The generated key comes by both ways when it is also asked for.
pub async fn insert_returning_the_generated_key(db: &Database<'_>) {
    let table = db.numbered().await;
    let shape = insert_columns(&table, vec![1], vec![0, 1]);
    let values = [Value::Text("a".into())];
    let (written, rows) = write_returning(db, &shape, &values, &[ValueType::I64, ValueType::Text]).await;
    let key = written.generated_key.expect("the generated key is given back");
    assert_eq!(rows, [[Value::I64(key), Value::Text("a".into())]]);
}

/// An update changes the rows that the filter matches and no others, and counts them.
pub async fn update_changes_what_matches(db: &Database<'_>) {
    let table = db.filled_items(5).await;
    let shape = update(&table, vec![2, 1], compare(0, Comparison::Greater, 2), Vec::new());
    let values = [Value::Null, Value::Text("late".into()), Value::I64(3)];
    let written = write(&**db.executor(), &shape, &values).await.expect("the rows are changed");
    assert_eq!(written.rows, 2);
    assert_eq!(written.generated_key, None, "an update makes no key");
    let late = |id| vec![Value::I64(id), Value::Text("late".into()), Value::Null];
    let expected = [item(1), item(2), item(3), late(4), late(5)];
    assert_eq!(stored(&**db.executor(), &table).await, expected);
}

/// Rows that match are counted also when the new values are the old ones.
pub async fn update_counts_unchanged_rows(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = update(&table, vec![2], equals(0, 1), Vec::new());
    for _ in 0..2 {
        let written = write(&**db.executor(), &shape, &[Value::I64(20), Value::I64(2)]).await;
        assert_eq!(written.expect("the row is updated").rows, 1, "matched rows are counted");
    }
}

/// An update that matches nothing counts zero and is no error.
pub async fn update_of_nothing(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = update(&table, vec![2], equals(0, 1), Vec::new());
    let written = write(&**db.executor(), &shape, &[Value::I64(1), Value::I64(99)]).await;
    assert_eq!(written.expect("nothing to update is no error").rows, 0);
}

/// An update guarded by old values, NULL among them, happens only while they hold.
pub async fn guarded_update(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let guard = Condition::And(vec![equals(0, 1), Condition::Same { column: 2, slot: Slot(2) }]);
    let shape = update(&table, vec![2], guard, Vec::new());
    let steps = [
        (Value::Null, Value::I64(11), 0),
        (Value::Null, Value::I64(10), 1),
        (Value::I64(5), Value::I64(10), 0),
        (Value::I64(5), Value::Null, 1),
        (Value::I64(6), Value::Null, 0),
    ];
    for (new, old, matched) in steps {
        let values = [new.clone(), Value::I64(1), old.clone()];
        let written = write(&**db.executor(), &shape, &values).await.expect("the guard is tried");
        assert_eq!(written.rows, matched, "from {old:?} to {new:?}");
    }
}

/// An update gives back each row as it is after the change.
pub async fn update_returning(db: &Database<'_>) {
    let table = db.filled_items(4).await;
    let shape = update(&table, vec![2], compare(0, Comparison::LessOrEqual, 1), vec![0, 2]);
    let values = [Value::I64(-1), Value::I64(2)];
    let (written, rows) = write_returning(db, &shape, &values, &[ValueType::I64, ValueType::I64]).await;
    assert_eq!(written.rows, 2);
    let changed = |id| vec![Value::I64(id), Value::I64(-1)];
    assert_eq!(rows, [changed(1), changed(2)]);
}

/// A delete removes what matches, counts it, and leaves the rest.
pub async fn delete_removes_what_matches(db: &Database<'_>) {
    let table = db.filled_items(5).await;
    let shape = delete(&table, compare(0, Comparison::GreaterOrEqual, 0), Vec::new());
    for expected in [3, 0] {
        let written = write(&**db.executor(), &shape, &[Value::I64(3)]).await.expect("the rows are removed");
        assert_eq!(written.rows, expected);
    }
    assert_eq!(stored(&**db.executor(), &table).await, [item(1), item(2)]);
}

/// A delete of every row counts them all.
pub async fn delete_of_everything_is_counted(db: &Database<'_>) {
    let table = db.filled_items(25).await;
    let shape = delete(&table, Condition::Constant(true), Vec::new());
    let written = write(&**db.executor(), &shape, &[]).await.expect("the rows are removed");
    assert_eq!(written.rows, 25);
    assert_eq!(count_all(&**db.executor(), &table).await, 0);
}

/// A delete gives back each row as it was.
pub async fn delete_returning(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = delete(&table, compare(0, Comparison::Greater, 0), vec![1, 0]);
    let (written, rows) = write_returning(db, &shape, &[Value::I64(1)], &[ValueType::Text, ValueType::I64]).await;
    assert_eq!(written.rows, 2);
    let was = |id: i64| vec![Value::Text(format!("item {id}").into()), Value::I64(id)];
    assert_eq!(rows, [was(2), was(3)]);
}

/// One statement adds several rows, with the columns in the order of the statement.
pub async fn insert_many_adds_each_row(db: &Database<'_>) {
    let table = db.items().await;
    let values = |ids: std::ops::Range<i64>| ids.flat_map(|id| item(id).into_iter().rev()).collect::<Vec<_>>();
    for ids in [1..2, 2..5, 5..105] {
        let rows = usize::try_from(ids.end - ids.start).expect("a number of rows");
        let shape = insert_many(&table, vec![2, 1, 0], rows);
        let written = write(&**db.executor(), &shape, &values(ids)).await.expect("the rows are added");
        assert_eq!(written.rows, rows as u64);
    }
    assert_eq!(stored(&**db.executor(), &table).await, (1..105).map(item).collect::<Vec<_>>());
}

/// Of a statement with a row that is refused nothing is added.
pub async fn insert_many_is_all_or_nothing(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = insert_many(&table, vec![0, 1, 2], 2);
    let refused = write(&**db.executor(), &shape, &[item(4), item(2)].concat()).await;
    assert!(refused.expect_err("the key is taken").is_unique_violation());
    assert_eq!(count_all(&**db.executor(), &table).await, 3);
}

/// The database makes a key for each row.
pub async fn insert_many_makes_keys(db: &Database<'_>) {
    let table = db.numbered().await;
    let shape = insert_many(&table, vec![1], 3);
    let names = ["a", "b", "c"].map(|name| Value::Text(name.into()));
    assert_eq!(write(&**db.executor(), &shape, &names).await.expect("the rows are added").rows, 3);
    let rows = stored(&**db.executor(), &table).await;
    assert_eq!(rows.iter().map(|row| row[1].clone()).collect::<Vec<_>>(), names);
}

/// An upsert adds a row, or changes the one with its key: what it takes over, and what it raises.
pub async fn upsert_adds_or_changes(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let shape = upsert(&table, vec![0], vec![1], vec![2], Vec::new());
    let row =
        |id: i64, name: &'static str, number: i64| vec![Value::I64(id), Value::Text(name.into()), Value::I64(number)];
    let before = stored(&**db.executor(), &table).await;
    let Value::I64(number) = before[1][2] else { panic!("the third column is an integer") };
    for new in [row(3, "new", 7), row(2, "changed", 9), row(2, "again", 9)] {
        write(&**db.executor(), &shape, &new).await.expect("the upsert runs");
    }
    let rows = stored(&**db.executor(), &table).await;
    assert_eq!(rows, [before[0].clone(), row(2, "again", number + 2), row(3, "new", 7)]);
}

/// An upsert gives back the row as it is stored, added or changed.
pub async fn upsert_returning(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let shape = upsert(&table, vec![0], vec![1], vec![2], vec![2, 1]);
    let types = [ValueType::I64, ValueType::Text];
    let Value::I64(number) = item(1)[2] else { panic!("the third column is an integer") };
    for (id, stored) in [(1, number + 1), (2, 5)] {
        let values = [Value::I64(id), Value::Text("new".into()), Value::I64(5)];
        let (_, rows) = write_returning(db, &shape, &values, &types).await;
        assert_eq!(rows, [vec![Value::I64(stored), Value::Text("new".into())]]);
    }
}

/// Upserts in a batch see one another.
pub async fn upserts_run_as_a_batch(db: &Database<'_>) {
    let table = db.filled_items(50).await;
    let shape = upsert(&table, vec![0], vec![1, 2], Vec::new(), Vec::new());
    let row = |id: i64| vec![Value::I64(id), Value::Text("new".into()), Value::I64(id)];
    let rows: Vec<Values> = (26..100).chain([99]).map(row).collect();
    let statements: Vec<_> = rows.iter().map(|row| Statement::new(&shape, row)).collect();
    let written = db.executor().write_atomic(&statements).await.expect("the upserts run");
    assert_eq!(written.len(), rows.len(), "one result for each statement");
    let expected: Vec<Values> = (1..26).map(item).chain((26..100).map(row)).collect();
    assert_eq!(stored(&**db.executor(), &table).await, expected);
}

/// A row in the way on another unique key than that of the upsert refuses it.
pub async fn upsert_goes_by_its_key(db: &Database<'_>) {
    let named =
        db.table("named").column(Column::new("id", ValueType::I64)).column(Column::new("name", ValueType::Text));
    let table = db.create(named.key([0]).index(None, [1], true)).await;
    let row = |id: i64, name: &'static str| vec![Value::I64(id), Value::Text(name.into())];
    let on_name = upsert(&table, vec![1], vec![1], Vec::new(), Vec::new());
    for new in [row(1, "a"), row(2, "b"), row(3, "b")] {
        write(&**db.executor(), &on_name, &new).await.expect("the upsert runs");
    }
    let refused = write(&**db.executor(), &on_name, &row(1, "c")).await;
    assert!(refused.expect_err("the key is taken").is_unique_violation());
    assert_eq!(stored(&**db.executor(), &table).await, [row(1, "a"), row(2, "b")]);
}

/// An increment adds to what is there, sets other columns, and changes no other row.
pub async fn increment_adds_and_sets(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let filter = Condition::And(vec![equals(0, 2), compare(2, Comparison::LessOrEqual, 3)]);
    let shape = increment(&table, vec![2], vec![1], filter, Vec::new());
    for (amount, limit, matches) in [(5, 20, true), (-100, 25, true), (1, -76, false)] {
        let values = [Value::I64(amount), Value::Text("added".into()), Value::I64(2), Value::I64(limit)];
        let written = write(&**db.executor(), &shape, &values).await.expect("the increment runs");
        assert_eq!(written.rows, u64::from(matches));
    }
    let changed = vec![Value::I64(2), Value::Text("added".into()), Value::I64(-75)];
    assert_eq!(stored(&**db.executor(), &table).await, [item(1), changed, item(3)]);
}

/// An increment gives back the sum.
pub async fn increment_returning(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = increment(&table, vec![2], Vec::new(), equals(0, 1), vec![2, 0]);
    let types = [ValueType::I64, ValueType::I64];
    let (written, rows) = write_returning(db, &shape, &[Value::I64(7), Value::I64(2)], &types).await;
    assert_eq!((written.rows, rows), (1, vec![vec![Value::I64(27), Value::I64(2)]]));
}

/// A write that matches nothing gives back no rows.
pub async fn returning_nothing_gives_no_rows(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = delete(&table, equals(0, 0), vec![0]);
    let (written, rows) = write_returning(db, &shape, &[Value::I64(99)], &[ValueType::I64]).await;
    assert_eq!((written.rows, rows.len()), (0, 0));
}
