//! Rows: reading a value as something else is an error, not a guess.

use std::sync::Arc;

use thing_driver_api::{Column, Error, ErrorKind, Flow, Result, Row, RowSink, Statement, Table, Value, ValueType};

use super::Database;
use super::statements::{insert, select_all, write};

/// A sink that calls a function with each row.
struct Look<F>(F);

impl<F: FnMut(&dyn Row) -> Result<()> + Send> RowSink for Look<F> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        (self.0)(row).map(|()| Flow::Continue)
    }

    fn restart(&mut self) {}
}

async fn look(db: &Database<'_>, table: &Arc<Table>, look: impl FnMut(&dyn Row) -> Result<()> + Send) -> Result<()> {
    let shape = select_all(table);
    db.executor().fetch(&Statement::new(&shape, &[]), &mut Look(look)).await
}

/// One row: `id` 1, text `seven`, bytes 1 2 3, NULL.
async fn one_row(db: &Database<'_>) -> Arc<Table> {
    let table = db
        .table("rows")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("word", ValueType::Text))
        .column(Column::new("data", ValueType::Bytes))
        .column(Column::new("missing", ValueType::I64).nullable(true))
        .key([0]);
    let table = db.create(table).await;
    let row = [Value::I64(1), Value::Text("seven".into()), Value::Bytes(vec![1, 2, 3].into()), Value::Null];
    write(&**db.executor(), &insert(&table), &row).await.expect("the row is added");
    table
}

fn assert_invalid<T: std::fmt::Debug>(result: Result<T>, what: &str) {
    match result {
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{what} is invalid data, not {error:?}")
        }
        Ok(value) => panic!("{what} is an error, not {value:?}"),
    }
}

/// Text is not read as a number, a date, a UUID or bytes.
pub async fn text_is_not_read_as_another_type(db: &Database<'_>) {
    let table = one_row(db).await;
    let others = [
        ValueType::Bool,
        ValueType::I16,
        ValueType::I64,
        ValueType::F64,
        ValueType::Bytes,
        ValueType::Uuid,
        ValueType::Timestamp,
        ValueType::Date,
        ValueType::Time,
        ValueType::Decimal,
    ];
    look(db, &table, |row| {
        for other in others {
            assert_invalid(row.value(1, other), &format!("text as {other}"));
        }
        assert_invalid(row.bool(1), "text by `bool`");
        assert_invalid(row.i64(1), "text by `i64`");
        assert_invalid(row.f64(1), "text by `f64`");
        assert_invalid(row.bytes(1), "text by `bytes`");
        assert_eq!(row.text(1)?, "seven", "the row can still be read");
        Ok(())
    })
    .await
    .expect("the row is read");
}

/// Three bytes are neither text nor a UUID nor a number.
pub async fn bytes_are_not_read_as_another_type(db: &Database<'_>) {
    let table = one_row(db).await;
    look(db, &table, |row| {
        for other in [ValueType::Uuid, ValueType::I64, ValueType::F64, ValueType::Bool] {
            assert_invalid(row.value(2, other), &format!("bytes as {other}"));
        }
        assert_eq!(&*row.bytes(2)?, &[1, 2, 3]);
        Ok(())
    })
    .await
    .expect("the row is read");
}

/// An integer is not text, bytes or a UUID.
pub async fn integers_are_not_read_as_text(db: &Database<'_>) {
    let table = one_row(db).await;
    look(db, &table, |row| {
        for other in [ValueType::Text, ValueType::Bytes, ValueType::Uuid] {
            assert_invalid(row.value(0, other), &format!("an integer as {other}"));
        }
        assert_eq!(row.i64(0)?, 1);
        assert_eq!(row.any_value(0)?, Value::I64(1), "`any_value` gives what is there");
        Ok(())
    })
    .await
    .expect("the row is read");
}

/// NULL is a value where a value is asked for, and an error where a bare type is.
pub async fn null_has_no_bare_value(db: &Database<'_>) {
    let table = one_row(db).await;
    look(db, &table, |row| {
        assert!(row.is_null(3)? && !row.is_null(0)?);
        assert_eq!(row.value(3, ValueType::I64)?, Value::Null);
        assert_eq!(row.any_value(3)?, Value::Null);
        assert_invalid(row.i64(3), "NULL by `i64`");
        assert_invalid(row.bool(3), "NULL by `bool`");
        assert_invalid(row.f64(3), "NULL by `f64`");
        assert_invalid(row.text(3), "NULL by `text`");
        assert_invalid(row.bytes(3), "NULL by `bytes`");
        Ok(())
    })
    .await
    .expect("the row is read");
}

/// A column that the row does not have is an error, not a panic.
pub async fn a_column_out_of_range_is_an_error(db: &Database<'_>) {
    let table = one_row(db).await;
    look(db, &table, |row| {
        assert_eq!(row.len(), 4);
        for index in [4, 100, usize::MAX] {
            assert!(row.is_null(index).is_err(), "`is_null({index})`");
            assert!(row.value(index, ValueType::I64).is_err(), "`value({index})`");
            assert!(row.any_value(index).is_err(), "`any_value({index})`");
            assert!(row.text(index).is_err(), "`text({index})`");
            assert!(row.i64(index).is_err(), "`i64({index})`");
        }
        Ok(())
    })
    .await
    .expect("the row is read");
}

/// A column declared with a type that the database does not hold: the read fails as the sink does, and is no panic.
pub async fn a_wrong_declaration_is_invalid_data(db: &Database<'_>) {
    one_row(db).await;
    let wrong =
        db.table("rows").column(Column::new("id", ValueType::I64)).column(Column::new("word", ValueType::I64)).key([0]);
    let wrong = Arc::new(wrong.build().expect("a valid table"));
    let read: Result<(), Error> = look(db, &wrong, |row| row.i64(1).map(|_| ())).await;
    assert_invalid(read, "text in a column declared as integer");
}
