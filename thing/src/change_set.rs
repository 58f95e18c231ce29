//! Change sets: what to write to which columns of a row, without a look at it.

use std::fmt;
use std::marker::PhantomData;
use std::ops::BitAnd;

use thing_driver_api::{Error, Result, Value};

use crate::filter::Operand;
use crate::{Model, NumberType};

/// What a write without an object, such as [`Things::update_by_id`](crate::Things::update_by_id) and
/// [`Query::update`](crate::Query::update), writes: new values, made by [`Column::set`](crate::Column::set), and amounts to
/// add, made by [`Column::plus`](crate::Column::plus); joined with `&`. A query and
/// [`Loaded::attach_with`](crate::Loaded::attach_with) take new values only.
///
/// ```text
/// Item::STOCK.plus(-1) & Item::NOTE.set("sold out")
/// ```
#[must_use = "a change set does nothing until it is written"]
pub struct ChangeSet<M> {
    parts: Vec<Result<Part>>,
    model: PhantomData<fn() -> M>,
}

#[derive(Clone)]
enum Part {
    Set(usize, Value<'static>),
    Add(Term),
}

/// What is added to one column.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) column: usize,
    pub(crate) amount: Value<'static>,
    /// As [`NumberType::limit`].
    pub(crate) limit: Option<Value<'static>>,
    sum: fn(&Value<'_>, &Value<'_>) -> Option<Value<'static>>,
}

/// The columns that are written, each once: new values, and what is added.
pub(crate) struct Parts {
    pub(crate) set: Vec<(usize, Value<'static>)>,
    pub(crate) terms: Vec<Term>,
}

impl<M: Model> ChangeSet<M> {
    pub(crate) fn setting(column: usize, operand: Operand) -> Self {
        let part = match operand {
            Operand::Value(value) => Ok(Part::Set(column, value)),
            Operand::Invalid(message) => {
                let name = &M::table().column(column).name;
                Err(Error::invalid_data(name.as_ref(), format!("column `{name}`: {message}")))
            }
            Operand::Column(other) => {
                let (name, other) = (&M::table().column(column).name, &M::table().column(other).name);
                Err(Error::invalid_input(format!(
                    "column `{name}` can't be set to what `{other}` holds; read the object and save it"
                )))
            }
        };
        Self { parts: vec![part], model: PhantomData }
    }

    pub(crate) fn adding<T: NumberType>(column: usize, amount: T::Amount) -> Self {
        let term = T::amount(amount).map(|amount| {
            let limit = T::limit(&amount);
            Part::Add(Term { column, amount, limit, sum: T::sum })
        });
        Self { parts: vec![term], model: PhantomData }
    }

    /// The new values of columns, from the values of a row.
    pub(crate) fn of_values(values: impl IntoIterator<Item = (usize, Value<'static>)>) -> Self {
        let parts = values.into_iter().map(|(column, value)| Ok(Part::Set(column, value))).collect();
        Self { parts, model: PhantomData }
    }

    /// Nothing, to begin with.
    pub(crate) fn empty() -> Self {
        Self { parts: Vec::new(), model: PhantomData }
    }

    /// Both; the same as `&`.
    pub fn and(self, other: Self) -> Self {
        self & other
    }

    /// The parts, of different columns, none of which is the key, the version or the time of the last write.
    pub(crate) fn into_parts(self) -> Result<Parts> {
        let all: Vec<Part> = self.parts.into_iter().collect::<Result<_>>()?;
        let (table, updated) = (M::table(), M::updated_columns());
        for (at, part) in all.iter().enumerate() {
            let column = part.column();
            let what = if table.key().contains(&column) {
                "is the key, which never changes"
            } else if M::VERSION == Some(column) {
                "is the version, which every write raises"
            } else if M::DELETED == Some(column) {
                "marks deleted objects; use `delete` or `restore`"
            } else if updated.contains(&column) {
                "is the time of the last write, which every write sets"
            } else if all[..at].iter().any(|part| part.column() == column) {
                "is written twice; name it once"
            } else {
                continue;
            };
            return Err(Error::invalid_input(format!("column `{}` {what}", table.column(column).name)));
        }
        let mut parts = Parts { set: Vec::new(), terms: Vec::new() };
        for part in all {
            match part {
                Part::Set(column, value) => parts.set.push((column, value)),
                Part::Add(term) => parts.terms.push(term),
            }
        }
        Ok(parts)
    }
}

impl<M: Model> ChangeSet<M> {
    /// The new values, of different columns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where something is added.
    pub(crate) fn into_assignments(self) -> Result<Vec<(usize, Value<'static>)>> {
        let Parts { set, terms } = self.into_parts()?;
        match terms.first() {
            None => Ok(set),
            Some(term) => {
                let name = &M::table().column(term.column).name;
                Err(Error::invalid_input(format!("column `{name}` is added to; here it can only be set")))
            }
        }
    }
}

impl Part {
    fn column(&self) -> usize {
        match self {
            Self::Set(column, _) | Self::Add(Term { column, .. }) => *column,
        }
    }
}

impl Term {
    /// What the column holds afterwards; an error when its type does not hold it.
    pub(crate) fn sum<M: Model>(&self, stored: Option<&Value<'_>>) -> Result<Value<'static>> {
        stored.and_then(|stored| (self.sum)(stored, &self.amount)).ok_or_else(|| {
            let name = &M::table().column(self.column).name;
            Error::invalid_data(name.as_ref(), format!("column `{name}`: the type of the field does not hold the sum"))
        })
    }

    /// What the column held before, where that follows from what it holds now.
    pub(crate) fn undone(&self, sum: Option<&Value<'_>>) -> Option<Value<'static>> {
        match (sum, &self.amount) {
            (Some(Value::I64(sum)), Value::I64(amount)) => sum.checked_sub(*amount).map(Value::I64),
            _ => None,
        }
    }
}

impl<M> BitAnd for ChangeSet<M> {
    type Output = Self;

    fn bitand(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }
}

impl<M> Clone for ChangeSet<M> {
    fn clone(&self) -> Self {
        let parts = self.parts.iter().map(|part| part.as_ref().cloned().map_err(Error::duplicate));
        Self { parts: parts.collect(), model: PhantomData }
    }
}

/// Shows the columns; values stay out of logs.
impl<M: Model> fmt::Debug for ChangeSet<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.parts.iter().flatten().map(|part| &M::table().column(part.column()).name);
        f.debug_list().entries(columns).finish()
    }
}
