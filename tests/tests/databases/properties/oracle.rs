//! What is true: a copy of the rows, read by a full scan.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use thing::driver::{Order, Value};
use thing::{ErrorKind, Model};
use thing_conformance::evaluate::{compare, order as compare_rows};

use super::filters::Plan;
use super::program::Window;
use super::schema::{Dynamic, DynamicKey};

pub(crate) type Values = Vec<Value<'static>>;

/// The rows of one state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows(pub(crate) BTreeMap<DynamicKey, Values>);

/// How an operation must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    NotFound,
    NotUnique,
    Violation,
    Refused,
    /// The database does not hold such values.
    Unstorable,
}

impl Outcome {
    pub(crate) fn of<T>(result: &thing::Result<T>) -> Result<Self, String> {
        match result {
            Ok(_) => Ok(Self::Done),
            Err(error) if error.is_not_found() => Ok(Self::NotFound),
            Err(error) if error.is_unique_violation() => Ok(Self::Violation),
            Err(error) => match error.kind() {
                ErrorKind::NotUnique => Ok(Self::NotUnique),
                ErrorKind::InvalidInput => Ok(Self::Refused),
                ErrorKind::InvalidData { .. } => Ok(Self::Unstorable),
                _ => Err(format!("unexpected error: {error:?}")),
            },
        }
    }
}

impl Rows {
    /// The key that `number` chooses among those that exist.
    pub(crate) fn existing(&self, number: u8) -> Option<DynamicKey> {
        self.0.keys().nth(usize::from(number) % self.0.len().max(1)).cloned()
    }

    fn violates(&self, row: &Values, except: Option<&DynamicKey>) -> bool {
        let others = || self.0.iter().filter(|(key, _)| Some(*key) != except).map(|(_, other)| other);
        let unique = Dynamic::table().indexes().iter().filter(|index| index.unique).map(|index| &index.columns);
        unique.into_iter().any(|columns| {
            let equal = |other: &Values| columns.iter().all(|&c| compare(&row[c], &other[c]) == Some(Ordering::Equal));
            others().any(equal)
        })
    }

    /// `known` is the key of an object that has one by now; a generated key comes from the database.
    pub(crate) fn insert(&mut self, row: Values, known: Option<DynamicKey>) -> Outcome {
        let key = known.unwrap_or_else(|| Dynamic(row.clone()).key());
        if self.0.contains_key(&key) || self.violates(&row, None) {
            return Outcome::Violation;
        }
        self.0.insert(key, row);
        Outcome::Done
    }

    pub(crate) fn update(&mut self, key: &DynamicKey, changes: &[(usize, Value<'static>)]) -> Outcome {
        let Some(mut row) = self.0.get(key).cloned() else { return Outcome::NotFound };
        for (column, value) in changes {
            row[*column] = value.clone();
        }
        if self.violates(&row, Some(key)) {
            return Outcome::Violation;
        }
        self.0.insert(key.clone(), row);
        Outcome::Done
    }

    pub(crate) fn delete(&mut self, key: &DynamicKey) -> Outcome {
        if self.0.remove(key).is_some() { Outcome::Done } else { Outcome::NotFound }
    }

    /// All or none.
    pub(crate) fn together(&mut self, steps: impl IntoIterator<Item = impl FnOnce(&mut Self) -> Outcome>) -> Outcome {
        let mut staged = self.clone();
        for step in steps {
            let outcome = step(&mut staged);
            if outcome != Outcome::Done {
                return outcome;
            }
        }
        *self = staged;
        Outcome::Done
    }

    pub(crate) fn matching(&self, plan: &Plan) -> Vec<DynamicKey> {
        self.0.iter().filter(|(_, row)| plan.answer(row) == Some(true)).map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn count(&self, plan: &Plan) -> u64 {
        self.0.values().filter(|row| plan.answer(row) == Some(true)).count() as u64
    }

    pub(crate) fn list(&self, plan: &Plan, order: &[Order], window: Window) -> Vec<Values> {
        let mut found: Vec<Values> = self.0.values().filter(|row| plan.answer(row) == Some(true)).cloned().collect();
        let key = Dynamic::table().key().iter().map(|&column| Order { column, descending: false });
        let order: Vec<Order> = order.iter().copied().chain(key).collect();
        found.sort_by(|a, b| compare_rows(&order, a, b));
        let (offset, limit) = match window {
            Window::All => (0, usize::MAX),
            Window::First => (0, 1),
            Window::One => (0, 2),
            Window::Fetch { offset, limit } => (offset as usize, limit as usize),
        };
        found.into_iter().skip(offset).take(limit).collect()
    }
}
