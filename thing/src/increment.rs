//! Increments: what to add to which columns of one model.

use std::fmt;
use std::marker::PhantomData;
use std::ops::BitAnd;

use thing_driver_api::{Error, Result, Value};

use crate::{Model, NumberType};

/// What [`Things::increment`](crate::Things::increment) adds. Made by [`Column::plus`](crate::Column::plus), joined with
/// `&`.
#[must_use = "an increment does nothing until it is given to `increment`"]
pub struct Increment<M> {
    terms: Vec<Result<Term>>,
    model: PhantomData<fn() -> M>,
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

impl<M: Model> Increment<M> {
    pub(crate) fn of<T: NumberType>(column: usize, amount: T::Amount) -> Self {
        let term = T::amount(amount).map(|amount| {
            let limit = T::limit(&amount);
            Term { column, amount, limit, sum: T::sum }
        });
        Self { terms: vec![term], model: PhantomData }
    }

    /// Both; the same as `&`.
    pub fn and(self, other: Self) -> Self {
        self & other
    }

    /// The terms, of different columns, none of which is the key or the version.
    pub(crate) fn into_terms(self) -> Result<Vec<Term>> {
        let terms: Vec<Term> = self.terms.into_iter().collect::<Result<_>>()?;
        let table = M::table();
        for (at, Term { column, .. }) in terms.iter().enumerate() {
            let what = if table.key().contains(column) {
                "is the key, which never changes"
            } else if M::VERSION == Some(*column) {
                "is the version, which every write raises"
            } else if terms[..at].iter().any(|term| term.column == *column) {
                "is added to twice; add the amounts up"
            } else {
                continue;
            };
            return Err(Error::invalid_input(format!("column `{}` {what}", table.column(*column).name)));
        }
        Ok(terms)
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

impl<M> BitAnd for Increment<M> {
    type Output = Self;

    fn bitand(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self
    }
}

/// Shows the columns; amounts stay out of logs.
impl<M: Model> fmt::Debug for Increment<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.terms.iter().flatten().map(|term| &M::table().column(term.column).name);
        f.debug_list().entries(columns).finish()
    }
}
