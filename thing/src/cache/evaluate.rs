//! Evaluation of filters in Rust: would the database say yes to this row?
//!
//! The answer is the set of answers that the database may give: a value that is not known, or whose comparison is the
//! database's own affair, allows all of them. So a wrong guess is not possible, only an imprecise one.

use std::cmp::Ordering;
use std::ops::{BitOr, Not};

#[cfg(feature = "json")]
use super::document;
use thing_driver_api::{Capabilities, Capability, Comparison, Condition, Operand, Table, Value, ValueType};

/// Whose comparisons mean the same in Rust as in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exactness {
    text: bool,
    text_order: bool,
    numbers: bool,
}

impl Exactness {
    pub(crate) fn of(capabilities: &Capabilities) -> Self {
        Self {
            text: capabilities.has(Capability::ExactText),
            text_order: capabilities.has(Capability::OrderedText),
            numbers: capabilities.has(Capability::ExactNumbers),
        }
    }

    pub(crate) fn text(self) -> bool {
        self.text
    }

    fn covers(self, value_type: ValueType, operator: Comparison) -> bool {
        let equality = matches!(operator, Comparison::Equal | Comparison::NotEqual);
        match value_type {
            ValueType::Text => self.text && (equality || self.text_order),
            ValueType::F32 | ValueType::F64 | ValueType::Decimal | ValueType::Timestamp | ValueType::Time => {
                self.numbers
            }
            other => other.is_exact(),
        }
    }
}

/// A set of answers of three-valued logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answers(u8);

impl Answers {
    pub(crate) const TRUE: Self = Self(1);
    pub(crate) const FALSE: Self = Self(2);
    pub(crate) const UNKNOWN: Self = Self(4);
    pub(crate) const ANY: Self = Self(7);

    pub(super) fn of(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }

    fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    /// The row may match.
    pub(crate) fn may_match(self) -> bool {
        self.has(Self::TRUE)
    }

    /// Whether the row matches, where that is certain.
    pub(crate) fn matches(self) -> Option<bool> {
        match self {
            Self::TRUE => Some(true),
            answers if answers.may_match() => None,
            _ => Some(false),
        }
    }

    fn negated_if(self, negated: bool) -> Self {
        if negated { !self } else { self }
    }

    fn and(self, other: Self) -> Self {
        let mut both = Self(0);
        if self.has(Self::FALSE) || other.has(Self::FALSE) {
            both = both | Self::FALSE;
        }
        if self.has(Self::TRUE) && other.has(Self::TRUE) {
            both = both | Self::TRUE;
        }
        let open = Self::TRUE | Self::UNKNOWN;
        if self.has(open) && other.has(open) && (self.has(Self::UNKNOWN) || other.has(Self::UNKNOWN)) {
            both = both | Self::UNKNOWN;
        }
        both
    }

    pub(super) fn or(self, other: Self) -> Self {
        !(!self).and(!other)
    }
}

impl BitOr for Answers {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Not for Answers {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0 >> 1 & 1 | (self.0 & 1) << 1 | self.0 & 4)
    }
}

/// A row and how much its values mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evaluator<'a> {
    pub(crate) table: &'a Table,
    pub(crate) values: &'a [Value<'a>],
    pub(crate) exactness: Exactness,
}

impl Evaluator<'_> {
    /// What the database may answer for the row; `None` stands for a value that is not known.
    pub(crate) fn evaluate(&self, condition: &Condition, row: &[Option<Value<'static>>]) -> Answers {
        match condition {
            Condition::Constant(value) => Answers::of(*value),
            Condition::And(terms) => terms.iter().fold(Answers::TRUE, |all, term| all.and(self.evaluate(term, row))),
            Condition::Or(terms) => terms.iter().fold(Answers::FALSE, |any, term| any.or(self.evaluate(term, row))),
            Condition::Not(inner) => !self.evaluate(inner, row),
            Condition::Compare { column, operator, operand } => {
                let other = match operand {
                    Operand::Slot(slot) => self.values.get(slot.0),
                    Operand::Column(other) => row.get(*other).and_then(Option::as_ref),
                };
                self.compare(*column, row, *operator, other)
            }
            Condition::In { column, slots, negated } => {
                let found = slots.iter().fold(Answers::FALSE, |any, slot| {
                    any.or(self.compare(*column, row, Comparison::Equal, self.values.get(slot.0)))
                });
                found.negated_if(*negated)
            }
            Condition::Between { column, low, high, negated } => {
                let low = self.compare(*column, row, Comparison::GreaterOrEqual, self.values.get(low.0));
                let high = self.compare(*column, row, Comparison::LessOrEqual, self.values.get(high.0));
                low.and(high).negated_if(*negated)
            }
            Condition::Like { column, pattern, negated } => {
                self.like(*column, row, self.values.get(pattern.0)).negated_if(*negated)
            }
            Condition::IsNull { column, negated } => match row.get(*column).and_then(Option::as_ref) {
                Some(value) => Answers::of(value.is_null() != *negated),
                None => Answers::TRUE | Answers::FALSE,
            },
            Condition::Same { column, slot } => {
                match (row.get(*column).and_then(Option::as_ref), self.values.get(slot.0)) {
                    (Some(Value::Null), Some(Value::Null)) => Answers::TRUE,
                    (Some(Value::Null), Some(_)) | (Some(_), Some(Value::Null)) => Answers::FALSE,
                    (None, Some(Value::Null)) => Answers::TRUE | Answers::FALSE,
                    (_, other) => match self.compare(*column, row, Comparison::Equal, other) {
                        Answers::ANY => Answers::TRUE | Answers::FALSE,
                        known => known,
                    },
                }
            }
            #[cfg(feature = "json")]
            Condition::Json { column, path, test } => {
                let document = row.get(*column).and_then(Option::as_ref);
                document.map_or(Answers::ANY, |document| document::test(document, path, test, self.values))
            }
            #[cfg(feature = "json")]
            Condition::List { column, test } => {
                let list = row.get(*column).and_then(Option::as_ref);
                list.map_or(Answers::ANY, |list| document::list(list, test, self.values))
            }
            _ => Answers::ANY,
        }
    }

    fn compare(
        &self,
        column: usize,
        row: &[Option<Value<'static>>],
        operator: Comparison,
        other: Option<&Value<'_>>,
    ) -> Answers {
        let left = row.get(column).and_then(Option::as_ref);
        if matches!(left, Some(Value::Null)) || matches!(other, Some(Value::Null)) {
            return Answers::UNKNOWN;
        }
        let (Some(left), Some(right)) = (left, other) else {
            return Answers::ANY;
        };
        if !self.exactness.covers(self.table.column(column).value_type, operator) {
            return Answers::ANY;
        }
        let Some(order) = order(left, right) else {
            return Answers::ANY;
        };
        Answers::of(holds(operator, order))
    }

    fn like(&self, column: usize, row: &[Option<Value<'static>>], pattern: Option<&Value<'_>>) -> Answers {
        match (row.get(column).and_then(Option::as_ref), pattern) {
            (Some(Value::Null), _) | (_, Some(Value::Null)) => Answers::UNKNOWN,
            (Some(Value::Text(text)), Some(Value::Text(pattern))) if self.exactness.text => {
                like(text, pattern).map_or(Answers::ANY, Answers::of)
            }
            _ => Answers::ANY,
        }
    }
}

pub(super) fn holds(operator: Comparison, order: Ordering) -> bool {
    match operator {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::I64(a), Value::I64(b))
        | (Value::Timestamp(a), Value::Timestamp(b))
        | (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::F64(a), Value::F64(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Uuid(a), Value::Uuid(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Decimal(a), Value::Decimal(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// LIKE with `\` as escape, letter case significant; `None` where databases differ: zero bytes, and an escape at the end
/// or before an ordinary character.
fn like(text: &str, pattern: &str) -> Option<bool> {
    enum Part {
        Any,
        One,
        Char(char),
    }
    if text.contains('\0') || pattern.contains('\0') {
        return None;
    }
    let mut parts = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '%' => Part::Any,
            '_' => Part::One,
            '\\' => Part::Char(chars.next().filter(|c| matches!(c, '%' | '_' | '\\'))?),
            c => Part::Char(c),
        });
    }
    // Greedy with one point of return: the classical wildcard match, linear in memory.
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut part) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        let fits = match parts.get(part) {
            Some(Part::Any) => {
                retry = Some((part, at));
                part += 1;
                continue;
            }
            Some(Part::One) => true,
            Some(Part::Char(c)) => *c == text[at],
            None => false,
        };
        if fits {
            at += 1;
            part += 1;
        } else if let Some((any, from)) = retry {
            part = any + 1;
            at = from + 1;
            retry = Some((any, from + 1));
        } else {
            return Some(false);
        }
    }
    Some(parts[part..].iter().all(|part| matches!(part, Part::Any)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_whole_texts() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("a", "", false),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "A%", false),
            ("abc", "a_c", true),
            ("aXbXc", "a%X%c", true),
            ("aab", "%ab", true),
            ("a%z", "a\\%z", true),
            ("abz", "a\\%z", false),
            ("a\\z", "a\\\\z", true),
            ("åä", "_ä", true),
            ("mississippi", "m%iss%pi", true),
            ("mississippi", "m%iss%px", false),
        ] {
            assert_eq!(like(text, pattern), Some(expected), "{text} LIKE {pattern}");
        }
        assert_eq!(like("a", "a\\"), None);
        assert_eq!(like("a\0b", "a%"), None);
    }

    #[test]
    fn sets_of_answers_follow_three_valued_logic() {
        let (t, f, n) = (Answers::TRUE, Answers::FALSE, Answers::UNKNOWN);
        for (a, b, and, or) in [
            (t, t, t, t),
            (t, f, f, t),
            (f, f, f, f),
            (t, n, n, t),
            (f, n, f, n),
            (n, n, n, n),
            (f, Answers::ANY, f, Answers::ANY),
            (t, Answers::ANY, Answers::ANY, t),
        ] {
            assert_eq!(a.and(b), and, "{a:?} and {b:?}");
            assert_eq!(b.and(a), and, "{b:?} and {a:?}");
            assert_eq!(a.or(b), or, "{a:?} or {b:?}");
            assert_eq!(b.or(a), or, "{b:?} or {a:?}");
        }
        assert_eq!(!t, f);
        assert_eq!(!f, t);
        assert_eq!(!n, n);
    }
}
