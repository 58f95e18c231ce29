//! Filters: conditions over one model, with their values.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, Not};

use thing_driver_api::{
    Comparison, Condition, Error, JsonKind, JsonPath, JsonTest, Key, ListTest, Result, Slot, Table, Value,
};

use crate::ColumnType;
use crate::raw::RawValues;

/// A condition over the rows of one model. Made from columns, joined with `&` and `|`, negated with `!`.
///
/// Evaluation is three-valued as in SQL: what compares with NULL is unknown, and a row passes only where the whole is
/// true.
#[must_use = "a filter does nothing until a query uses it"]
pub struct Filter<M> {
    node: Node,
    model: PhantomData<fn() -> M>,
}

impl<M> Filter<M> {
    pub(crate) fn new(node: Node) -> Self {
        Self { node, model: PhantomData }
    }

    /// Every row.
    pub fn everything() -> Self {
        Self::new(Node::Constant(true))
    }

    /// No row.
    pub fn nothing() -> Self {
        Self::new(Node::Constant(false))
    }

    /// A condition in the database's own language: `Filter::raw("length(name) > ?", (10,))`. Each `?` stands for the next of
    /// the values, a tuple of up to eight; `??` stands for a question mark. Text that comes from outside belongs into the
    /// values, never into `text`.
    ///
    /// A cached list or count with such a condition depends on every column of its table, and any change to the table ends it:
    /// Thing can't tell which rows the condition means. So it may speak of columns that the model has, and of nothing else
    /// that changes; what reads other tables or the clock belongs into an [`uncached`](crate::Query::uncached) query.
    ///
    /// A query that uses it fails with [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the values are more or
    /// fewer than the question marks, and with [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) on a database without
    /// SQL.
    pub fn raw(text: impl AsRef<str>, values: impl RawValues) -> Self {
        Self::new(Node::raw(text.as_ref(), values.into_values()))
    }

    /// Both; the same as `&`.
    pub fn and(self, other: Self) -> Self {
        self & other
    }

    /// At least one; the same as `|`.
    pub fn or(self, other: Self) -> Self {
        self | other
    }

    pub(crate) fn into_node(self) -> Node {
        self.node
    }
}

impl<M> BitAnd for Filter<M> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::new(self.node.and(other.node))
    }
}

impl<M> BitOr for Filter<M> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::new(match (self.node, other.node) {
            (Node::Or(mut terms), Node::Or(more)) => {
                terms.extend(more);
                Node::Or(terms)
            }
            (Node::Or(mut terms), node) => {
                terms.push(node);
                Node::Or(terms)
            }
            (node, other) => Node::Or(vec![node, other]),
        })
    }
}

impl<M> Not for Filter<M> {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(Node::Not(Box::new(self.node)))
    }
}

impl<M> Clone for Filter<M> {
    fn clone(&self) -> Self {
        Self::new(self.node.clone())
    }
}

/// Shows the structure; values stay out of logs.
impl<M> fmt::Debug for Filter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut values = Vec::new();
        match self.node.compile(&mut values) {
            Ok(condition) => condition.fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}

/// A filter's tree, values included.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Constant(bool),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare {
        column: usize,
        operator: Comparison,
        operand: Operand,
    },
    In {
        column: usize,
        values: Vec<Value<'static>>,
        negated: bool,
    },
    Between {
        column: usize,
        low: Value<'static>,
        high: Value<'static>,
        negated: bool,
    },
    Like {
        column: usize,
        pattern: String,
        negated: bool,
    },
    IsNull {
        column: usize,
        negated: bool,
    },
    Json {
        column: usize,
        path: JsonPath,
        question: JsonQuestion,
    },
    List {
        column: usize,
        question: ListQuestion,
    },
    /// One piece of text more than there are values.
    Raw {
        pieces: Vec<String>,
        values: Vec<Value<'static>>,
    },
    /// What no query can ask; one that tries fails with this message.
    Invalid(String),
}

/// What is asked of the value at a path of a document.
#[derive(Clone, Debug)]
pub(crate) enum JsonQuestion {
    Compare { kind: JsonKind, operator: Comparison, value: Value<'static> },
    Exists,
    IsNull,
}

/// What is asked of a list.
#[derive(Clone, Debug)]
pub(crate) enum ListQuestion {
    Has { value: Value<'static> },
    IsEmpty,
}

/// The right side of a comparison.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Operand {
    Value(Value<'static>),
    Column(usize),
    /// A value that no column can hold; the query that uses it fails with this message.
    Invalid(String),
}

impl Operand {
    pub(crate) fn of<T: ColumnType>(value: &T) -> Self {
        match value.to_value() {
            Ok(value) => Self::Value(value.into_owned()),
            Err(error) => Self::Invalid(error.to_string()),
        }
    }
}

impl Node {
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(true), node) | (node, Self::Constant(true)) => node,
            (Self::And(mut terms), Self::And(more)) => {
                terms.extend(more);
                Self::And(terms)
            }
            (Self::And(mut terms), node) => {
                terms.push(node);
                Self::And(terms)
            }
            (node, other) => Self::And(vec![node, other]),
        }
    }

    /// The row with this key.
    pub(crate) fn key(table: &Table, key: &Key) -> Self {
        let part = |(part, &column): (usize, &usize)| {
            let operand = Operand::Value(key.value(part).into_owned());
            Self::Compare { column, operator: Comparison::Equal, operand }
        };
        table.key().iter().enumerate().map(part).fold(Self::Constant(true), Self::and)
    }

    /// IN or NOT IN. A NULL among the values can't be found, and makes "not found" unknown: it becomes a comparison with
    /// NULL beside the list.
    pub(crate) fn one_of(column: usize, operands: impl Iterator<Item = Operand>, negated: bool) -> Self {
        let mut values = Vec::new();
        let mut others = Vec::new();
        for operand in operands {
            match operand {
                Operand::Value(value) if !value.is_null() => values.push(value),
                operand => {
                    let operator = if negated { Comparison::NotEqual } else { Comparison::Equal };
                    others.push(Self::Compare { column, operator, operand });
                }
            }
        }
        let list = if values.is_empty() { Self::Constant(negated) } else { Self::In { column, values, negated } };
        if others.is_empty() {
            return list;
        }
        others.insert(0, list);
        if negated { Self::And(others) } else { Self::Or(others) }
    }

    pub(crate) fn between(column: usize, low: Operand, high: Operand, negated: bool) -> Self {
        match (low, high) {
            (Operand::Value(low), Operand::Value(high)) => Self::Between { column, low, high, negated },
            (low, high) => {
                let range = Self::Compare { column, operator: Comparison::GreaterOrEqual, operand: low }
                    .and(Self::Compare { column, operator: Comparison::LessOrEqual, operand: high });
                if negated { Self::Not(Box::new(range)) } else { range }
            }
        }
    }

    fn raw(text: &str, values: Result<Vec<Value<'static>>>) -> Self {
        let mut pieces = vec![String::new()];
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('?') {
            let last = pieces.len() - 1;
            pieces[last].push_str(before);
            rest = match behind.strip_prefix('?') {
                Some(behind) => {
                    pieces[last].push('?');
                    behind
                }
                None => {
                    pieces.push(String::new());
                    behind
                }
            };
        }
        let last = pieces.len() - 1;
        pieces[last].push_str(rest);
        match values {
            Err(error) => Self::Invalid(error.to_string()),
            Ok(values) if values.len() == last => Self::Raw { pieces, values },
            Ok(values) => Self::Invalid(format!(
                "the condition `{text}` has {last} question marks for {} values; write `??` for one that stands for no value",
                values.len()
            )),
        }
    }

    /// Whether a part of it is in the database's own language.
    pub(crate) fn is_raw(&self) -> bool {
        self.has(&|node| matches!(node, Self::Raw { .. }))
    }

    /// Whether a part of it reaches into JSON documents.
    pub(crate) fn is_json(&self) -> bool {
        self.has(&|node| matches!(node, Self::Json { .. } | Self::List { .. }))
    }

    fn has(&self, wanted: &dyn Fn(&Self) -> bool) -> bool {
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().any(|term| term.has(wanted)),
            Self::Not(inner) => inner.has(wanted),
            leaf => wanted(leaf),
        }
    }

    /// Splits the tree into a condition without values and the values of its slots, appended to `values`.
    pub(crate) fn compile(&self, values: &mut Vec<Value<'static>>) -> Result<Condition> {
        let slot = |value: Value<'static>, values: &mut Vec<Value<'static>>| {
            values.push(value);
            Slot(values.len() - 1)
        };
        Ok(match self {
            Self::Constant(value) => Condition::Constant(*value),
            Self::And(terms) => Condition::And(compile_all(terms, values)?),
            Self::Or(terms) => Condition::Or(compile_all(terms, values)?),
            Self::Not(inner) => Condition::Not(Box::new(inner.compile(values)?)),
            Self::Compare { column, operator, operand } => {
                let operand = match operand {
                    Operand::Value(value) => thing_driver_api::Operand::Slot(slot(value.clone(), values)),
                    Operand::Column(column) => thing_driver_api::Operand::Column(*column),
                    Operand::Invalid(message) => return Err(Error::invalid_input(message.clone())),
                };
                Condition::Compare { column: *column, operator: *operator, operand }
            }
            Self::In { column, values: list, negated } => {
                // Repeating the last value keeps the number of different statements small. Long lists are rare, and must
                // not be padded beyond what a database takes.
                const PADDED: usize = 1024;
                let full = if list.len() < PADDED { list.len().next_power_of_two() } else { list.len() };
                let padded = list.iter().chain(list.last().into_iter().cycle()).take(full);
                let slots = padded.map(|value| slot(value.clone(), values)).collect();
                Condition::In { column: *column, slots, negated: *negated }
            }
            Self::Between { column, low, high, negated } => {
                let low = slot(low.clone(), values);
                let high = slot(high.clone(), values);
                Condition::Between { column: *column, low, high, negated: *negated }
            }
            Self::Like { column, pattern, negated } => {
                let pattern = slot(Value::Text(pattern.clone().into()), values);
                Condition::Like { column: *column, pattern, negated: *negated }
            }
            Self::IsNull { column, negated } => Condition::IsNull { column: *column, negated: *negated },
            Self::Json { column, path, question } => {
                let test = match question {
                    JsonQuestion::Compare { kind, operator, value } => {
                        JsonTest::Compare { kind: *kind, operator: *operator, slot: slot(value.clone(), values) }
                    }
                    JsonQuestion::Exists => JsonTest::Exists,
                    JsonQuestion::IsNull => JsonTest::IsNull,
                };
                Condition::Json { column: *column, path: path.clone(), test }
            }
            Self::List { column, question } => {
                let test = match question {
                    ListQuestion::Has { value } => ListTest::Has { slot: slot(value.clone(), values) },
                    ListQuestion::IsEmpty => ListTest::IsEmpty,
                };
                Condition::List { column: *column, test }
            }
            Self::Raw { pieces, values: given } => {
                let slots = given.iter().map(|value| slot(value.clone(), values)).collect();
                Condition::Raw { pieces: pieces.clone(), slots }
            }
            Self::Invalid(message) => return Err(Error::invalid_input(message.clone())),
        })
    }
}

fn compile_all(terms: &[Node], values: &mut Vec<Value<'static>>) -> Result<Vec<Condition>> {
    terms.iter().map(|term| term.compile(values)).collect()
}
