//! Conditions: the filter of a shape, a tree over columns and numbered slots.

use crate::{JsonPath, JsonTest, ListTest};

/// The number of a value in [`Statement::values`](crate::Statement::values).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub usize);

/// A filter without values.
///
/// Evaluation is three-valued as in SQL: a comparison with NULL is unknown, `NOT unknown` is unknown, and a row passes
/// only where the whole is true.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Condition {
    /// Always true, or never: an empty `IN` is `Constant(false)`.
    Constant(bool),
    /// All of these; never empty.
    And(Vec<Self>),
    /// At least one of these; never empty.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// A comparison.
    Compare {
        /// The column on the left.
        column: usize,
        /// How the two compare.
        operator: Comparison,
        /// The right side.
        operand: Operand,
    },
    /// The column equals one of the values, which are not NULL. At least one slot; the core fills the list up to a
    /// power of two by repeating a value, so that a statement has few variants.
    In {
        /// The column.
        column: usize,
        /// The values.
        slots: Vec<Slot>,
        /// True for NOT IN.
        negated: bool,
    },
    /// `low <= column AND column <= high`.
    Between {
        /// The column.
        column: usize,
        /// The least value.
        low: Slot,
        /// The greatest value.
        high: Slot,
        /// True for NOT BETWEEN.
        negated: bool,
    },
    /// A text pattern: `%` stands for any text, `_` for one character, and `\` before one of the three for itself.
    /// Letter case matters on every database.
    Like {
        /// The column.
        column: usize,
        /// The pattern.
        pattern: Slot,
        /// True for NOT LIKE.
        negated: bool,
    },
    /// The column is NULL.
    IsNull {
        /// The column.
        column: usize,
        /// True for IS NOT NULL.
        negated: bool,
    },
    /// The column and the value are equal, or both NULL; never unknown. Guards of writes use it.
    Same {
        /// The column.
        column: usize,
        /// The value.
        slot: Slot,
    },
    /// What stands at a path of a JSON document. A driver that does not state
    /// [`Capability::JsonConditions`](crate::Capability::JsonConditions) never gets one.
    Json {
        /// The column, of JSON.
        column: usize,
        /// The path into the document.
        path: JsonPath,
        /// What is asked about the value there.
        test: JsonTest,
    },
    /// What a JSON array holds; where [`Condition::Json`] is possible.
    List {
        /// The column, of JSON.
        column: usize,
        /// What is asked about the array.
        test: ListTest,
    },
    /// A condition in the database's own language. A driver without SQL never gets one: the core refuses it where
    /// [`Executor::dialect`](crate::Executor::dialect) is `None`.
    Raw {
        /// The text before, between and behind the values: one piece more than there are slots.
        pieces: Vec<String>,
        /// The values.
        slots: Vec<Slot>,
    },
}

/// How two values compare.
///
/// Exhaustive: a driver that could not say one of them would answer wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// The right side of a comparison.
///
/// Exhaustive, as [`Comparison`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A value of the call.
    Slot(Slot),
    /// Another column of the same row.
    Column(usize),
}

/// One term of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// The column.
    pub column: usize,
    /// Greatest first. NULL counts as less than every value on every database.
    pub descending: bool,
}
