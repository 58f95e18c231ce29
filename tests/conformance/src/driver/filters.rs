//! Filters: every kind of condition on chosen rows.

use std::sync::Arc;

use thing_driver_api::{Column, Comparison, Condition, Operand, Slot, Table, Value, ValueType};

use super::Database;
use super::samples::{EXACT, NUMBERS, plain_types, samples};
use super::statements::{Values, compare, equals, passing, write_all};
use crate::evaluate::evaluate;

pub(super) const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

/// A table `id`, `a`, `b` with a row for each pair of neighbouring values, and rows with NULL.
async fn pairs(db: &Database<'_>, value_type: ValueType) -> (Arc<Table>, Vec<Values>) {
    let suffix = format!("{value_type:?}").to_lowercase();
    let table = db
        .table(&suffix)
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("a", value_type).nullable(true))
        .column(Column::new("b", value_type).nullable(true))
        .key([0]);
    let table = db.create(table).await;
    let mut values = samples(value_type);
    values.push(Value::Null);
    let mut rows = Vec::new();
    for (n, value) in values.iter().enumerate() {
        for step in [0, 1, values.len() - 1] {
            let other = &values[(n + step) % values.len()];
            rows.push(vec![Value::I64(rows.len() as i64), value.clone(), other.clone()]);
        }
    }
    write_all(&**db.executor(), &table, &rows).await;
    (table, rows)
}

/// The ids of the rows that the reference evaluator lets pass.
pub(super) fn expected(condition: &Condition, rows: &[Values], slots: &[Value<'_>]) -> Vec<i64> {
    rows.iter()
        .filter(|row| evaluate(condition, row, slots) == Some(true))
        .map(|row| super::statements::id(row))
        .collect()
}

/// Asks the database and the reference evaluator, for the condition and for its negation.
pub(super) async fn judge(
    db: &Database<'_>,
    table: &Arc<Table>,
    rows: &[Values],
    condition: Condition,
    slots: &[Value<'_>],
) {
    for condition in [condition.clone(), Condition::Not(Box::new(condition))] {
        let found = passing(&**db.executor(), table, condition.clone(), slots)
            .await
            .unwrap_or_else(|error| panic!("{condition:?} with {slots:?} fails: {error}"));
        let expected = expected(&condition, rows, slots);
        assert_eq!(found, expected, "ids of rows that pass {condition:?} with {slots:?}");
    }
}

async fn every_comparison(db: &Database<'_>, value_type: ValueType) {
    let (table, rows) = pairs(db, value_type).await;
    for operator in COMPARISONS {
        for value in samples(value_type) {
            judge(db, &table, &rows, compare(1, operator, 0), &[value]).await;
        }
        let columns = Condition::Compare { column: 1, operator, operand: Operand::Column(2) };
        judge(db, &table, &rows, columns, &[]).await;
    }
}

/// Every comparison on every exact type, with values and between columns.
pub async fn comparisons_of_exact_types(db: &Database<'_>) {
    for value_type in EXACT {
        every_comparison(db, value_type).await;
    }
}

/// Every comparison on floats, timestamps and times.
pub async fn comparisons_of_numbers(db: &Database<'_>) {
    for value_type in NUMBERS {
        every_comparison(db, value_type).await;
    }
}

/// Every comparison on text, which is by its bytes.
pub async fn comparisons_of_text(db: &Database<'_>) {
    every_comparison(db, ValueType::Text).await;
}

/// A comparison with NULL is unknown, and so is its negation.
pub async fn comparisons_with_null_are_unknown(db: &Database<'_>) {
    let (table, rows) = pairs(db, ValueType::I64).await;
    for operator in COMPARISONS {
        judge(db, &table, &rows, compare(1, operator, 0), &[Value::Null]).await;
    }
}

/// IN and NOT IN, with rows that hold NULL, repeated values, one value and many.
pub async fn in_lists(db: &Database<'_>) {
    for value_type in EXACT {
        let (table, rows) = pairs(db, value_type).await;
        let values = samples(value_type);
        let lists = [vec![0], vec![0, 1], vec![1, 1], vec![0, 1, 1, 1], (0..values.len()).collect()];
        for list in lists {
            let slots: Vec<_> = list.iter().map(|&n| values[n].clone()).collect();
            for negated in [false, true] {
                judge(db, &table, &rows, is_in(1, slots.len(), negated), &slots).await;
            }
        }
    }
}

fn is_in(column: usize, slots: usize, negated: bool) -> Condition {
    Condition::In { column, slots: (0..slots).map(Slot).collect(), negated }
}

/// A list of 512 values, or as many as a statement can bind.
pub async fn in_list_is_long(db: &Database<'_>) {
    let table = db.filled_items(20).await;
    let many = db.executor().capabilities().max_parameters().min(512);
    let slots: Vec<_> = (0..many as i64).map(|n| Value::I64(11 + n)).collect();
    let found = passing(&**db.executor(), &table, is_in(0, slots.len(), false), &slots).await;
    assert_eq!(found.expect("the list is read"), (11..=20).collect::<Vec<_>>());
}

/// BETWEEN includes its bounds, is empty when they cross, and is unknown with NULL where the other bound does not decide.
pub async fn between(db: &Database<'_>) {
    for value_type in EXACT {
        let (table, rows) = pairs(db, value_type).await;
        let values = samples(value_type);
        let last = values.len() - 1;
        for (low, high) in [(0, last), (0, 0), (last, 0), (1, last), (1, last / 2)] {
            for negated in [false, true] {
                let slots = [values[low].clone(), values[high].clone()];
                judge(db, &table, &rows, is_between(1, negated), &slots).await;
            }
        }
        for slots in [[values[1].clone(), Value::Null], [Value::Null, values[1].clone()]] {
            judge(db, &table, &rows, is_between(1, true), &slots).await;
        }
    }
}

fn is_between(column: usize, negated: bool) -> Condition {
    Condition::Between { column, low: Slot(0), high: Slot(1), negated }
}

async fn judge_patterns(db: &Database<'_>, texts: &[&'static str], patterns: &[&'static str]) {
    let table = db
        .table("texts")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("text", ValueType::Text).nullable(true))
        .key([0]);
    let table = db.create(table).await;
    let values = texts.iter().map(|&text| Value::Text(text.into())).chain([Value::Null]);
    let rows: Vec<Values> = (0..).zip(values).map(|(id, value)| vec![Value::I64(id), value]).collect();
    write_all(&**db.executor(), &table, &rows).await;
    for &pattern in patterns {
        for negated in [false, true] {
            let condition = Condition::Like { column: 1, pattern: Slot(0), negated };
            judge(db, &table, &rows, condition, &[Value::Text(pattern.into())]).await;
        }
    }
}

/// `%` stands for any text and `_` for one character.
pub async fn like_takes_wildcards(db: &Database<'_>) {
    let texts = ["", "a", "ab", "abc", "az", "a z", "xabz", "banana"];
    let patterns = ["", "%", "_", "a%", "%z", "a%z", "%a%", "__", "_%_", "b%n%", "%%", "abc"];
    judge_patterns(db, &texts, &patterns).await;
}

/// `\` before `%`, `_` or `\` takes it as it is.
pub async fn like_takes_escapes(db: &Database<'_>) {
    let texts = ["100%", "1000", "100", "a_b", "axb", r"a\b", r"a\_b", r"\", "%", "_"];
    let patterns = [r"100\%", r"a\_b", r"a\\b", r"%\%", r"\_", r"\\", r"\%", r"a\\\_b", r"%\\%"];
    judge_patterns(db, &texts, &patterns).await;
}

/// Letter case matters in patterns.
pub async fn like_tells_letter_case_apart(db: &Database<'_>) {
    judge_patterns(db, &["abc", "ABC", "Abc", "aBC"], &["a%", "A%", "abc", "%C", "_bc", "AB_"]).await;
}

/// Patterns beyond ASCII: `_` is a character, not a byte, and letters with and without accents differ.
pub async fn like_counts_characters(db: &Database<'_>) {
    let texts = ["é", "e", "É", "日本", "🦀", "🦀🦀", "straße", "strasse"];
    judge_patterns(db, &texts, &["_", "__", "é", "e", "É%", "日_", "%🦀", "stra_e", "%ß%"]).await;
}

/// IS NULL and IS NOT NULL on every type.
pub async fn is_null(db: &Database<'_>) {
    for value_type in plain_types() {
        let (table, rows) = pairs(db, value_type).await;
        for negated in [false, true] {
            judge(db, &table, &rows, Condition::IsNull { column: 1, negated }, &[]).await;
        }
    }
}

/// Same is equality with NULL equal to NULL, and is never unknown.
pub async fn same_takes_null(db: &Database<'_>) {
    for value_type in EXACT {
        let (table, rows) = pairs(db, value_type).await;
        let same = |column| Condition::Same { column, slot: Slot(0) };
        for value in samples(value_type).into_iter().take(3).chain([Value::Null]) {
            judge(db, &table, &rows, same(1), std::slice::from_ref(&value)).await;
            let both = Condition::And(vec![same(1), Condition::Not(Box::new(same(2)))]);
            judge(db, &table, &rows, both, &[value]).await;
        }
    }
}

/// Negations, brackets and the precedence of AND over OR.
pub async fn nested_conditions(db: &Database<'_>) {
    let (table, rows) = pairs(db, ValueType::I32).await;
    let [a, b, c] = [equals(1, 0), compare(2, Comparison::Less, 1), Condition::IsNull { column: 2, negated: false }];
    let not = |condition: &Condition| Condition::Not(Box::new(condition.clone()));
    let and = |x: &Condition, y: &Condition| Condition::And(vec![x.clone(), y.clone()]);
    let or = |x: &Condition, y: &Condition| Condition::Or(vec![x.clone(), y.clone()]);
    let conditions = [
        or(&a, &and(&b, &c)),
        and(&or(&a, &b), &c),
        and(&or(&a, &b), &or(&b, &c)),
        not(&or(&a, &c)),
        not(&not(&b)),
        and(&not(&a), &not(&and(&b, &c))),
        or(&and(&not(&b), &c), &not(&a)),
        Condition::And(vec![Condition::Or(vec![a.clone()])]),
        or(&Condition::Constant(false), &b),
        and(&Condition::Constant(true), &not(&b)),
    ];
    for condition in conditions {
        judge(db, &table, &rows, condition, &[Value::I64(1), Value::I64(2)]).await;
    }
}

/// Constants match everything and nothing.
pub async fn constants(db: &Database<'_>) {
    let (table, rows) = pairs(db, ValueType::Bool).await;
    for value in [false, true] {
        judge(db, &table, &rows, Condition::Constant(value), &[]).await;
    }
}

/// One slot used several times takes one value.
pub async fn a_slot_is_used_twice(db: &Database<'_>) {
    let (table, rows) = pairs(db, ValueType::I64).await;
    let condition = Condition::Or(vec![
        Condition::And(vec![equals(1, 1), compare(2, Comparison::NotEqual, 0)]),
        Condition::And(vec![equals(2, 1), equals(1, 0)]),
    ]);
    judge(db, &table, &rows, condition, &[Value::I64(0), Value::I64(1)]).await;
}
