//! Conditions in the database's own language, within filters: each lets the rows pass that the same condition as data does.

use std::sync::Arc;

use thing_driver_api::{
    Comparison, Condition, Executor, NoRows, Operation, Shape, Slot, Statement, Table, TransactionOptions, Value,
    ValueType,
};

use super::Database;
use super::database::item;
use super::filters::expected;
use super::statements::{
    Rows, Values, ascending, by_key, compare, count, count_all, delete, equals, exists, id, increment, number, passing,
    select, stored, stored_in, update, write, write_all, write_in,
};
use super::streaming::streamed;

const ID: usize = 0;
const NAME: usize = 1;
const AMOUNT: usize = 2;

/// Rows 1 to 9 as [`item`] has them, and two with NULL, of which one has a name that needs care.
async fn filled(db: &Database<'_>) -> (Arc<Table>, Vec<Values>) {
    let table = db.filled_items(9).await;
    let others = [(10, "item 10"), (11, "it's ? $1 \\ odd")];
    let others = others.map(|(id, name)| vec![Value::I64(id), Value::Text(name.into()), Value::Null]);
    write_all(&**db.executor(), &table, &others).await;
    let rows = (1..=9).map(item).chain(others).collect();
    (table, rows)
}

/// A condition from text in which `{0}`, `{1}`, ... stand for the columns and each `?` for the next of the slots.
fn raw(db: &Database<'_>, table: &Table, text: &str, slots: &[usize]) -> Condition {
    let dialect = db.executor().dialect().expect("raw statements have a dialect");
    let mut text = text.to_owned();
    for (at, column) in table.columns().iter().enumerate() {
        let mut name = String::new();
        dialect.identifier(&column.name, &mut name);
        text = text.replace(&format!("{{{at}}}"), &name);
    }
    let pieces: Vec<String> = text.split('?').map(str::to_owned).collect();
    assert_eq!(pieces.len(), slots.len() + 1, "one piece more than there are slots");
    Condition::Raw { pieces, slots: slots.iter().copied().map(Slot).collect() }
}

fn and(terms: &[&Condition]) -> Condition {
    Condition::And(terms.iter().map(|&term| term.clone()).collect())
}

fn or(terms: &[&Condition]) -> Condition {
    Condition::Or(terms.iter().map(|&term| term.clone()).collect())
}

fn not(condition: &Condition) -> Condition {
    Condition::Not(Box::new(condition.clone()))
}

/// The rows that pass the one are those that the reference evaluator lets pass the other; and of the negations, too.
async fn judge(
    db: &Database<'_>,
    (table, rows): &(Arc<Table>, Vec<Values>),
    condition: &Condition,
    same: &Condition,
    slots: &[Value<'_>],
) {
    for (condition, same) in [(condition.clone(), same.clone()), (not(condition), not(same))] {
        let found = passing(&**db.executor(), table, condition.clone(), slots).await;
        let found = found.unwrap_or_else(|error| panic!("{condition:?} with {slots:?} fails: {error}"));
        assert_eq!(found, expected(&same, rows, slots), "ids of rows that pass {condition:?} with {slots:?}");
    }
}

/// Values take their places by slot, whichever order these have, and one may be used twice.
pub async fn values_come_in_order(db: &Database<'_>) {
    let items = filled(db).await;
    let slots = [Value::I64(80), Value::I64(9), Value::I64(3)];
    let text = "{0} > ? AND {2} < ? OR {0} = ? OR {0} = ?";
    let same = or(&[
        &and(&[&compare(ID, Comparison::Greater, 2), &compare(AMOUNT, Comparison::Less, 0)]),
        &equals(ID, 1),
        &equals(ID, 2),
    ]);
    judge(db, &items, &raw(db, &items.0, text, &[2, 0, 1, 2]), &same, &slots).await;
    let named = raw(db, &items.0, "{1} = ?", &[0]);
    for name in ["item 4", "it's ? $1 \\ odd", "nobody"] {
        judge(db, &items, &named, &equals(NAME, 0), &[Value::Text(name.into())]).await;
    }
    judge(db, &items, &raw(db, &items.0, "{0} > 3", &[]), &compare(ID, Comparison::Greater, 0), &[Value::I64(3)]).await;
}

/// Beside typed conditions the text is one term, also where it has an OR of its own.
pub async fn they_join_typed_conditions(db: &Database<'_>) {
    let items = filled(db).await;
    let slots = [20, 2, 5, 9].map(Value::I64);
    let text = raw(db, &items.0, "{0} = ? OR {0} = ?", &[1, 2]);
    let same = or(&[&equals(ID, 1), &equals(ID, 2)]);
    let before = compare(AMOUNT, Comparison::Greater, 0);
    let behind = compare(ID, Comparison::Less, 3);
    judge(db, &items, &and(&[&before, &text, &behind]), &and(&[&before, &same, &behind]), &slots).await;
    judge(db, &items, &and(&[&text, &before]), &and(&[&same, &before]), &slots).await;
    judge(db, &items, &or(&[&before, &text]), &or(&[&before, &same]), &slots).await;
    judge(db, &items, &and(&[&text, &text]), &and(&[&same, &same]), &slots).await;
}

/// Inside NOT, AND and OR the text is as one bracket.
pub async fn they_are_negated_and_nested(db: &Database<'_>) {
    let items = filled(db).await;
    let slots = [2, 5, 70].map(Value::I64);
    let (text, same) = (raw(db, &items.0, "{0} = ? OR {0} = ?", &[0, 1]), or(&[&equals(ID, 0), &equals(ID, 1)]));
    let (high, typed) = (raw(db, &items.0, "{2} >= ?", &[2]), compare(AMOUNT, Comparison::GreaterOrEqual, 2));
    judge(db, &items, &not(&not(&text)), &same, &slots).await;
    judge(db, &items, &or(&[&not(&text), &high]), &or(&[&not(&same), &typed]), &slots).await;
    judge(db, &items, &and(&[&not(&text), &not(&high)]), &and(&[&not(&same), &not(&typed)]), &slots).await;
    judge(db, &items, &not(&or(&[&text, &and(&[&high, &text])])), &not(&or(&[&same, &and(&[&typed, &same])])), &slots)
        .await;
}

/// What is unknown is so within a typed condition, too.
pub async fn unknown_stays_unknown(db: &Database<'_>) {
    let items = filled(db).await;
    let slots = [Value::I64(30)];
    let (text, same) = (raw(db, &items.0, "{2} > ?", &[0]), compare(AMOUNT, Comparison::Greater, 0));
    judge(db, &items, &text, &same, &slots).await;
    let missing = Condition::IsNull { column: AMOUNT, negated: false };
    judge(db, &items, &or(&[&text, &missing]), &or(&[&same, &missing]), &slots).await;
    judge(db, &items, &and(&[&not(&text), &not(&missing)]), &and(&[&not(&same), &not(&missing)]), &slots).await;
}

/// Shapes that differ in the text alone are told apart, each with its own plan.
pub async fn pieces_differ_and_shapes_too(db: &Database<'_>) {
    let (table, rows) = filled(db).await;
    let slots = [Value::I64(4)];
    let shape = |text| select(&table, raw(db, &table, text, &[0]), by_key(&table), None, None);
    let (less, more) = (shape("{0} < ?"), shape("{0} > ?"));
    for _ in 0..3 {
        for (shape, operator) in [(&less, Comparison::Less), (&more, Comparison::Greater)] {
            let found = super::statements::fetch(&**db.executor(), shape, &slots).await.expect("the rows are read");
            let found: Vec<i64> = found.iter().map(|row| id(row)).collect();
            assert_eq!(found, expected(&compare(ID, operator, 0), &rows, &slots), "{operator:?}");
        }
    }
}

/// Counts and EXISTS take them.
pub async fn counts_and_existence(db: &Database<'_>) {
    let (table, _) = filled(db).await;
    let filter = || and(&[&raw(db, &table, "{0} = ? OR {0} > ?", &[0, 1]), &compare(AMOUNT, Comparison::Less, 2)]);
    for (values, counted) in [([2, 6, 90], 3), ([2, 6, 20], 0), ([20, 20, 90], 0)] {
        let values = values.map(Value::I64);
        assert_eq!(number(&**db.executor(), &count(&table, filter()), &values).await, counted, "{values:?}");
        let there = number(&**db.executor(), &exists(&table, filter()), &values).await;
        assert_eq!(there, i64::from(counted > 0), "{values:?}");
    }
}

/// Distinct values are those of the rows that pass.
pub async fn distinct_values(db: &Database<'_>) {
    let (table, _) = filled(db).await;
    let filter = raw(db, &table, "{0} > ? OR {0} = ?", &[0, 1]);
    let operation = Operation::Distinct { columns: vec![AMOUNT], filter, order: vec![ascending(AMOUNT)] };
    let mut rows = Rows::of([ValueType::I64]);
    let shape = Shape::new(table, operation);
    let values = [Value::I64(8), Value::I64(1)];
    db.executor().fetch(&Statement::new(&shape, &values), &mut rows).await.expect("the values are read");
    assert_eq!(rows.rows, [[Value::Null], [Value::I64(10)], [Value::I64(90)]]);
}

/// Updates write the rows that pass and no others; what they write takes slots of its own.
pub async fn updates_change_what_matches(db: &Database<'_>) {
    let (table, mut rows) = filled(db).await;
    let filter = and(&[&raw(db, &table, "{0} = ? OR {0} = ?", &[1, 2]), &compare(AMOUNT, Comparison::Less, 3)]);
    let shape = update(&table, vec![AMOUNT], filter, Vec::new());
    for (values, changed) in [([7, 2, 5, 40], &[2][..]), ([8, 6, 6, 90], &[6]), ([9, 20, 20, 90], &[])] {
        let values = values.map(Value::I64);
        let written = write(&**db.executor(), &shape, &values).await.expect("the rows are changed");
        assert_eq!(written.rows, changed.len() as u64, "{values:?}");
        for row in rows.iter_mut().filter(|row| changed.contains(&id(row))) {
            row[AMOUNT] = values[0].clone();
        }
        assert_eq!(stored(&**db.executor(), &table).await, rows, "{values:?}");
    }
}

/// What is added to is chosen by them.
pub async fn increments_change_what_matches(db: &Database<'_>) {
    let (table, mut rows) = filled(db).await;
    let filter = and(&[&equals(ID, 1), &raw(db, &table, "{2} + ? < 100", &[0])]);
    let shape = increment(&table, vec![AMOUNT], Vec::new(), filter, Vec::new());
    for (values, changed) in [([5, 3], 1), ([500, 3], 0)] {
        let written = write(&**db.executor(), &shape, &values.map(Value::I64)).await.expect("the row is changed");
        assert_eq!(written.rows, changed, "{values:?}");
    }
    rows[2][AMOUNT] = Value::I64(35);
    assert_eq!(stored(&**db.executor(), &table).await, rows);
}

/// Deletes remove the rows that pass and no others, alone and as a batch.
pub async fn deletes_remove_what_matches(db: &Database<'_>) {
    let (table, mut rows) = filled(db).await;
    let shape = delete(&table, or(&[&raw(db, &table, "{0} > ? AND {0} < ?", &[0, 1]), &equals(ID, 2)]), Vec::new());
    let values = [2, 5, 9].map(Value::I64);
    assert_eq!(write(&**db.executor(), &shape, &values).await.expect("the rows are removed").rows, 3);
    let more = [5, 7, 8].map(Value::I64);
    let batch = [Statement::new(&shape, &more), Statement::new(&shape, &values)];
    let written = db.executor().write_atomic(&batch).await.expect("the rows are removed");
    assert_eq!(written.iter().map(|written| written.rows).collect::<Vec<_>>(), [2, 0]);
    rows.retain(|row| ![3, 4, 9, 6, 8].contains(&id(row)));
    assert_eq!(stored(&**db.executor(), &table).await, rows);
}

/// Streams take them.
pub async fn streams_filter(db: &Database<'_>) {
    let (table, _) = filled(db).await;
    let shape = select(&table, not(&raw(db, &table, "{0} > ? OR {0} = ?", &[0, 1])), by_key(&table), None, None);
    let values = [Value::I64(4), Value::I64(2)];
    assert_eq!(streamed(db, &shape, &values).await.0, [1, 3, 4]);
}

/// In a transaction they see what it wrote, and nothing stays when it is rolled back.
pub async fn a_transaction_sees_its_own_writes(db: &Database<'_>) {
    let (table, rows) = filled(db).await;
    let filter = || raw(db, &table, "{2} = ? OR {2} = ?", &[1, 2]);
    let mut transaction = db.executor().begin(&TransactionOptions::default()).await.expect("a transaction begins");
    let set = update(&table, vec![AMOUNT], filter(), Vec::new());
    let values = [20, 50, 60].map(Value::I64);
    assert_eq!(write_in(&mut transaction, &set, &values).await.expect("the rows are changed").rows, 2);
    let gone = delete(&table, raw(db, &table, "{2} = ?", &[0]), Vec::new());
    assert_eq!(write_in(&mut transaction, &gone, &[Value::I64(20)]).await.expect("the rows are removed").rows, 3);
    assert_eq!(stored_in(&mut transaction, &table).await.len(), rows.len() - 3);
    transaction.rollback().await.expect("the transaction rolls back");
    assert_eq!(stored(&**db.executor(), &table).await, rows);
}

/// Text that the database can't read, or that names what is not there, is an error of every statement with it; nothing is
/// changed, and the executor goes on.
pub async fn nonsense_is_an_error(db: &Database<'_>) {
    let (table, rows) = filled(db).await;
    let executor = &**db.executor();
    for text in ["{0} >", "no_such_column_anywhere = ?", "{0} = ? AND no_such_function_anywhere(1)"] {
        let slots = [0].into_iter().cycle().take(text.matches('?').count()).collect::<Vec<usize>>();
        let filter = || raw(db, &table, text, &slots);
        let values = [Value::I64(1)];
        let values = &values[..slots.len()];
        for shape in [select(&table, filter(), Vec::new(), None, None), count(&table, filter())] {
            let error = executor.fetch(&Statement::new(&shape, values), &mut NoRows).await.expect_err(text);
            assert!(!error.is_not_found() && !error.is_retryable(), "{text}: {error:?}");
        }
        let gone = delete(&table, filter(), Vec::new());
        let error = write(executor, &gone, values).await.expect_err(text);
        assert!(!error.is_not_found() && !error.may_have_executed(), "{text}: {error:?}");
        let first = delete(&table, equals(ID, 0), Vec::new());
        let batch = [Statement::new(&first, &[Value::I64(1)]), Statement::new(&gone, values)];
        let (at, error) = executor.write_atomic(&batch).await.expect_err(text);
        assert!(at == 1 && !error.may_have_executed(), "{text}: {at}, {error:?}");
    }
    assert_eq!(count_all(executor, &table).await, rows.len() as i64);
    assert_eq!(stored(executor, &table).await, rows);
}
