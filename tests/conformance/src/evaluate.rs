//! A reference evaluator of conditions: what the contract's text says, in plain Rust.
//!
//! It judges rows the way a database must where its capabilities say that text and numbers compare exactly: three-valued
//! logic, text by its bytes, `LIKE` by characters with `\` as the escape.

mod json;

use std::cmp::Ordering;

use thing_driver_api::{Comparison, Condition, Operand, Order, Value};

/// Whether the row passes: `None` is SQL's unknown. `row` holds the values of all the table's columns and `slots` the
/// values of the statement.
///
/// # Panics
///
/// On a kind of condition that this version of the kit does not know.
pub fn evaluate(condition: &Condition, row: &[Value<'_>], slots: &[Value<'_>]) -> Option<bool> {
    match condition {
        Condition::Constant(value) => Some(*value),
        Condition::And(terms) => all(terms.iter().map(|term| evaluate(term, row, slots))),
        Condition::Or(terms) => any(terms.iter().map(|term| evaluate(term, row, slots))),
        Condition::Not(inner) => evaluate(inner, row, slots).map(|value| !value),
        Condition::Compare { column, operator, operand } => {
            let right = match operand {
                Operand::Slot(slot) => &slots[slot.0],
                Operand::Column(other) => &row[*other],
            };
            compare(&row[*column], right).map(|ordering| holds(*operator, ordering))
        }
        Condition::In { column, slots: list, negated } => {
            any(list.iter().map(|slot| equal(&row[*column], &slots[slot.0]))).map(|found| found != *negated)
        }
        Condition::Between { column, low, high, negated } => {
            let above = compare(&slots[low.0], &row[*column]).map(Ordering::is_le);
            let below = compare(&row[*column], &slots[high.0]).map(Ordering::is_le);
            all([above, below].into_iter()).map(|inside| inside != *negated)
        }
        Condition::Like { column, pattern, negated } => match (&row[*column], &slots[pattern.0]) {
            (Value::Text(text), Value::Text(pattern)) => Some(like(pattern, text) != *negated),
            _ => None,
        },
        Condition::IsNull { column, negated } => Some(row[*column].is_null() != *negated),
        Condition::Same { column, slot } => {
            let (left, right) = (&row[*column], &slots[slot.0]);
            Some(equal(left, right).unwrap_or(left.is_null() && right.is_null()))
        }
        Condition::Json { column, path, test } => json::test(&row[*column], path, test, slots),
        Condition::List { column, test } => json::list(&row[*column], test, slots),
        other => panic!("the evaluator does not know {other:?}"),
    }
}

fn all(terms: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut unknown = false;
    for term in terms {
        match term {
            Some(false) => return Some(false),
            Some(true) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(true)
}

fn any(terms: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(terms.map(|term| term.map(|value| !value))).map(|none| !none)
}

fn equal(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    compare(left, right).map(Ordering::is_eq)
}

fn holds(operator: Comparison, ordering: Ordering) -> bool {
    match operator {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    }
}

/// Compares two values of one type; `None` where one is NULL. Floats compare as numbers, so `-0.0` equals `0.0`.
///
/// # Panics
///
/// On values of different types, and on JSON, which has no order.
pub fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return None,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::I64(a), Value::I64(b))
        | (Value::Timestamp(a), Value::Timestamp(b))
        | (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::F64(a), Value::F64(b)) => a.partial_cmp(b).expect("values are never NaN"),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Uuid(a), Value::Uuid(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        _ => panic!("{} and {} do not compare", left.kind(), right.kind()),
    })
}

/// Compares two rows by the terms of an order, NULL least.
pub fn order(terms: &[Order], left: &[Value<'_>], right: &[Value<'_>]) -> Ordering {
    terms
        .iter()
        .map(|term| {
            let (a, b) = (&left[term.column], &right[term.column]);
            let ordering = compare(a, b).unwrap_or_else(|| b.is_null().cmp(&a.is_null()));
            if term.descending { ordering.reverse() } else { ordering }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Whether the text matches the pattern: `%` any text, `_` one character, `\` before one of the three for itself.
pub fn like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches(&pattern, &text)
}

fn matches(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skip| matches(rest, &text[skip..])),
        ['_', rest @ ..] => !text.is_empty() && matches(rest, &text[1..]),
        ['\\', literal @ ('%' | '_' | '\\'), rest @ ..] | [literal, rest @ ..] => {
            text.first() == Some(literal) && matches(rest, &text[1..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thing_driver_api::Slot;

    #[test]
    fn like_takes_percent_underscore_and_escapes() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("a%z", "az", true),
            ("a%z", "abcz", true),
            ("a%z", "abcy", false),
            ("_", "é", true),
            ("_", "", false),
            ("A%", "ab", false),
            (r"100\%", "100%", true),
            (r"100\%", "1000", false),
            (r"a\_b", "axb", false),
            (r"a\\b", r"a\b", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{text:?} LIKE {pattern:?}");
        }
    }

    #[test]
    fn null_makes_comparisons_unknown_and_same_decides() {
        let row = [Value::Null];
        let slots = [Value::I64(1), Value::Null];
        let is_in = Condition::In { column: 0, slots: vec![Slot(0)], negated: true };
        assert_eq!(evaluate(&is_in, &row, &slots), None);
        assert_eq!(evaluate(&Condition::Not(Box::new(is_in)), &row, &slots), None);
        let same = |slot| Condition::Same { column: 0, slot };
        assert_eq!(evaluate(&same(Slot(0)), &row, &slots), Some(false));
        assert_eq!(evaluate(&same(Slot(1)), &row, &slots), Some(true));
    }

    #[test]
    fn not_between_is_decided_by_one_bound() {
        let between = Condition::Between { column: 0, low: Slot(0), high: Slot(1), negated: true };
        let slots = [Value::I64(5), Value::Null];
        assert_eq!(evaluate(&between, &[Value::I64(1)], &slots), Some(true));
        assert_eq!(evaluate(&between, &[Value::I64(6)], &slots), None);
    }
}
