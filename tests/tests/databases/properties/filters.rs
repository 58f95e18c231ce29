//! Random filters, and what they mean.

use std::cmp::Ordering;

use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use thing::driver::{Result, Row, Value, ValueType};
use thing::{Column, ColumnSpec, ColumnType, ComparableType, Filter, Model, TextType};
use thing_conformance::evaluate::{compare, like};

use super::schema::Dynamic;
use super::storable::{Storable, like_stops_at_zero};
use super::values::pool;

/// A value of whatever type.
#[derive(Clone, Debug)]
pub(crate) struct Any(pub(crate) Value<'static>);

impl ColumnType for Any {
    // Not asked for: the table says what its columns hold.
    const TYPE: ValueType = ValueType::Text;

    fn to_value(&self) -> Result<Value<'_>> {
        Ok(self.0.borrowed())
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        Ok(Self(row.any_value(index)?.into_owned()))
    }
}

impl ComparableType for Any {}
impl TextType for Any {}

/// Every column of the table.
#[derive(Debug)]
pub(crate) struct Spec;

impl ColumnSpec for Spec {
    type Model = Dynamic;
    type Type = Any;
}

/// A filter before it knows its table: columns and values are numbers.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Constant(bool),
    Compare {
        column: u8,
        operator: u8,
        value: u8,
    },
    /// With NULL, by way of `Option::None`.
    CompareNull {
        column: u8,
        operator: u8,
    },
    Columns {
        left: u8,
        operator: u8,
        right: u8,
    },
    In {
        column: u8,
        values: Vec<u8>,
        null: bool,
        negated: bool,
    },
    Between {
        column: u8,
        low: u8,
        high: u8,
        negated: bool,
    },
    Like {
        column: u8,
        how: u8,
        text: u8,
        negated: bool,
    },
    Null {
        column: u8,
        negated: bool,
    },
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

pub(crate) fn plans() -> BoxedStrategy<Plan> {
    let byte = any::<u8>;
    let leaf = prop_oneof![
        6 => (byte(), byte(), byte()).prop_map(|(column, operator, value)| Plan::Compare { column, operator, value }),
        // Equality is what scopes lists.
        4 => (byte(), byte()).prop_map(|(column, value)| Plan::Compare { column, operator: 0, value }),
        1 => (byte(), byte()).prop_map(|(column, operator)| Plan::CompareNull { column, operator }),
        2 => (byte(), byte(), byte()).prop_map(|(left, operator, right)| Plan::Columns { left, operator, right }),
        2 => (byte(), proptest::collection::vec(byte(), 0..4), proptest::bool::weighted(0.2), any::<bool>())
            .prop_map(|(column, values, null, negated)| Plan::In { column, values, null, negated }),
        2 => (byte(), byte(), byte(), any::<bool>())
            .prop_map(|(column, low, high, negated)| Plan::Between { column, low, high, negated }),
        2 => (byte(), byte(), byte(), any::<bool>())
            .prop_map(|(column, how, text, negated)| Plan::Like { column, how, text, negated }),
        2 => (byte(), any::<bool>()).prop_map(|(column, negated)| Plan::Null { column, negated }),
        1 => any::<bool>().prop_map(Plan::Constant),
    ];
    let tree = leaf.prop_recursive(3, 8, 3, |inner| {
        let many = || proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            2 => many().prop_map(Plan::And),
            2 => many().prop_map(Plan::Or),
            1 => inner.clone().prop_map(|plan| Plan::Not(Box::new(plan))),
        ]
    });
    prop_oneof![1 => Just(Plan::Constant(true)), 8 => tree].boxed()
}

/// Three-valued: `None` is unknown.
type Answer = Option<bool>;

/// The column that a number chooses: half of the numbers choose among those that scope lists.
pub(crate) fn column(number: u8) -> usize {
    let table = Dynamic::table();
    let number = usize::from(number);
    match table.scopes() {
        scopes if number >= 128 && !scopes.is_empty() => scopes[number % scopes.len()],
        _ => number % table.columns().len(),
    }
}

/// A column of the same type as `like`.
fn similar(like: usize, number: u8) -> usize {
    let table = Dynamic::table();
    let same: Vec<usize> = (0..table.columns().len())
        .filter(|&column| table.column(column).value_type == table.column(like).value_type)
        .collect();
    same[usize::from(number) % same.len()]
}

fn is_text(column: usize) -> bool {
    Dynamic::table().column(column).value_type == ValueType::Text
}

fn text(column: usize, number: u8) -> String {
    // NULL is no pattern.
    match pool(column, number & !3) {
        Value::Text(text) => text.into_owned(),
        other => panic!("a text column holds {}", other.kind()),
    }
}

impl Plan {
    /// The filter as an application writes it.
    pub(crate) fn filter(&self) -> Filter<Dynamic> {
        let at = Column::<Spec>::at;
        match self {
            Self::Constant(true) => Filter::everything(),
            Self::Constant(false) => Filter::nothing(),
            Self::Compare { column: number, operator, value } => {
                let column = column(*number);
                compared(at(column), *operator, Any(pool(column, *value)))
            }
            Self::CompareNull { column: number, operator } => {
                compared(at(column(*number)), *operator, Any(Value::Null))
            }
            Self::Columns { left, operator, right } => {
                let left = column(*left);
                let right = at(similar(left, *right));
                let left = at(left);
                match operator % 6 {
                    0 => left.eq(right),
                    1 => left.ne(right),
                    2 => left.lt(right),
                    3 => left.le(right),
                    4 => left.gt(right),
                    _ => left.ge(right),
                }
            }
            Self::In { column: number, values, null, negated } => {
                let column = column(*number);
                let null = null.then_some(Any(Value::Null));
                let values = values.iter().map(|value| Any(pool(column, *value))).chain(null);
                if *negated { at(column).not_in(values) } else { at(column).is_in(values) }
            }
            Self::Between { column: number, low, high, negated } => {
                let column = column(*number);
                let (low, high) = (Any(pool(column, *low)), Any(pool(column, *high)));
                if *negated { at(column).not_between(low, high) } else { at(column).between(low, high) }
            }
            Self::Like { column: number, how, text: choice, negated } => {
                let column = column(*number);
                if !is_text(column) {
                    return at(column).is_not_null();
                }
                let text = text(column, *choice);
                match (how % 4, negated) {
                    (0, true) => at(column).not_like(pattern(&text)),
                    (0, false) => at(column).like(pattern(&text)),
                    (1, true) => !at(column).starts_with(text),
                    (1, false) => at(column).starts_with(text),
                    (2, true) => !at(column).ends_with(text),
                    (2, false) => at(column).ends_with(text),
                    (_, true) => !at(column).contains(text),
                    (_, false) => at(column).contains(text),
                }
            }
            Self::Null { column: number, negated: false } => at(column(*number)).is_null(),
            Self::Null { column: number, negated: true } => at(column(*number)).is_not_null(),
            Self::Not(plan) => !plan.filter(),
            Self::And(plans) => plans.iter().map(Self::filter).reduce(|a, b| a & b).expect("terms"),
            Self::Or(plans) => plans.iter().map(Self::filter).reduce(|a, b| a | b).expect("terms"),
        }
    }

    /// Whether a value of the filter can't be in its column.
    pub(crate) fn is_refused(&self, storable: &Storable) -> bool {
        let refuses = |number: u8, choice: u8| storable.refuses(column(number), &pool(column(number), choice));
        match self {
            Self::Compare { column, value, .. } => refuses(*column, *value),
            Self::In { column, values, .. } => values.iter().any(|value| refuses(*column, *value)),
            Self::Between { column, low, high, .. } => refuses(*column, *low) || refuses(*column, *high),
            Self::Like { column, text, .. } => refuses(*column, text & !3),
            Self::Not(plan) => plan.is_refused(storable),
            Self::And(plans) | Self::Or(plans) => plans.iter().any(|plan| plan.is_refused(storable)),
            Self::Constant(_) | Self::CompareNull { .. } | Self::Columns { .. } | Self::Null { .. } => false,
        }
    }

    /// What the filter says of a row, by the rules of SQL.
    pub(crate) fn answer(&self, row: &[Value<'static>]) -> Answer {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Compare { column: number, operator, value } => {
                let column = column(*number);
                judged(&row[column], *operator, &pool(column, *value))
            }
            Self::CompareNull { column: number, operator } => judged(&row[column(*number)], *operator, &Value::Null),
            Self::Columns { left, operator, right } => {
                let left = column(*left);
                let right = &row[similar(left, *right)];
                compare(&row[left], right).map(|order| holds(*operator, order))
            }
            Self::In { column: number, values, null, negated } => {
                let column = column(*number);
                let null = null.then_some(Value::Null);
                let values = values.iter().map(|value| pool(column, *value)).chain(null);
                let found = any_of(values.map(|value| compare(&row[column], &value).map(Ordering::is_eq)));
                found.map(|found| found != *negated)
            }
            Self::Between { column: number, low, high, negated } => {
                let column = column(*number);
                let low = compare(&row[column], &pool(column, *low)).map(Ordering::is_ge);
                let high = compare(&row[column], &pool(column, *high)).map(Ordering::is_le);
                all_of([low, high].into_iter()).map(|within| within != *negated)
            }
            Self::Like { column: number, how, text: choice, negated } => {
                let column = column(*number);
                if !is_text(column) {
                    return Some(!row[column].is_null());
                }
                let Value::Text(value) = &row[column] else { return None };
                let text = text(column, *choice);
                let pattern = match how % 4 {
                    0 => pattern(&text),
                    1 => format!("{}%", escaped(&text)),
                    2 => format!("%{}", escaped(&text)),
                    _ => format!("%{}%", escaped(&text)),
                };
                Some(like(until_zero(&pattern), until_zero(value)) != *negated)
            }
            Self::Null { column: number, negated } => Some(row[column(*number)].is_null() != *negated),
            Self::Not(plan) => plan.answer(row).map(|answer| !answer),
            Self::And(plans) => all_of(plans.iter().map(|plan| plan.answer(row))),
            Self::Or(plans) => any_of(plans.iter().map(|plan| plan.answer(row))),
        }
    }
}

fn compared(column: Column<Spec>, operator: u8, value: Any) -> Filter<Dynamic> {
    match operator % 6 {
        0 => column.eq(value),
        1 => column.ne(value),
        2 => column.lt(value),
        3 => column.le(value),
        4 => column.gt(value),
        _ => column.ge(value),
    }
}

fn judged(left: &Value<'_>, operator: u8, right: &Value<'_>) -> Answer {
    match (operator % 6, right) {
        (0, Value::Null) => Some(left.is_null()),
        (1, Value::Null) => Some(!left.is_null()),
        _ => compare(left, right).map(|order| holds(operator, order)),
    }
}

fn holds(operator: u8, order: Ordering) -> bool {
    match operator % 6 {
        0 => order.is_eq(),
        1 => order.is_ne(),
        2 => order.is_lt(),
        3 => order.is_le(),
        4 => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn all_of(answers: impl Iterator<Item = Answer>) -> Answer {
    let answers: Vec<Answer> = answers.collect();
    if answers.contains(&Some(false)) {
        return Some(false);
    }
    (!answers.contains(&None)).then_some(true)
}

fn any_of(answers: impl Iterator<Item = Answer>) -> Answer {
    all_of(answers.map(|answer| answer.map(|answer| !answer))).map(|answer| !answer)
}

/// A pattern whose wildcards are the text's own, and whose backslashes are doubled.
fn pattern(text: &str) -> String {
    text.replace('\\', "\\\\")
}

fn escaped(text: &str) -> String {
    pattern(text).replace('%', "\\%").replace('_', "\\_")
}

/// As far as LIKE looks at a text.
fn until_zero(text: &str) -> &str {
    if like_stops_at_zero() { text.split('\0').next().unwrap_or_default() } else { text }
}
