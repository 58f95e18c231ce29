//! Shapes and statements: what to do, as data.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::{Condition, Order, Result, Slot, Table, Value};

/// An immutable statement without values, shared by all calls that differ in values only.
///
/// A driver compiles it once into a plan of its own, which the shape keeps ([`Shape::plan`]); each call then only binds
/// values.
pub struct Shape {
    table: Option<Arc<Table>>,
    operation: Operation,
    plans: Plans,
}

impl Shape {
    /// A shape over a table.
    pub fn new(table: Arc<Table>, operation: Operation) -> Arc<Self> {
        Arc::new(Self { table: Some(table), operation, plans: Plans::default() })
    }

    /// A statement in the database's own language, passed on as it stands. `text` holds placeholders of the database's
    /// own kind; values are bound in order.
    pub fn raw(text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { table: None, operation: Operation::Raw { text: text.into() }, plans: Plans::default() })
    }

    /// The table; `None` for raw statements only.
    pub fn table(&self) -> Option<&Arc<Table>> {
        self.table.as_ref()
    }

    /// What to do.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The plan that `owner` keeps with this shape, made by `compile` on first use. When two calls compile at the same
    /// time one result is kept and both get it.
    ///
    /// # Errors
    ///
    /// Those of `compile`; nothing is kept then.
    pub fn plan<P: Any + Send + Sync>(
        &self,
        owner: PlanOwner,
        compile: impl FnOnce(&Self) -> Result<P>,
    ) -> Result<Arc<P>> {
        if let Some(plan) = self.plans.find(owner) {
            return Ok(plan);
        }
        let plan = Arc::new(compile(self)?);
        Ok(self.plans.keep(owner, plan))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shape")
            .field("table", &self.table.as_ref().map(|t| t.name()))
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

/// What a reader that locks rows does about those that another transaction has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lock {
    /// Waits for them.
    Wait,
    /// Leaves them out. A driver without [`Capability::SkipLocked`](crate::Capability::SkipLocked) may read the rows as
    /// without a lock.
    Skip,
    /// Fails with [`ErrorKind::Busy`](crate::ErrorKind::Busy). Required with
    /// [`Capability::SkipLocked`](crate::Capability::SkipLocked).
    NoWait,
}

/// Identifies the keeper of plans: one for each executor (or for executors that render the same text).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlanOwner(u64);

impl PlanOwner {
    /// An owner that differs from every other in this process.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

type AnyPlan = Arc<dyn Any + Send + Sync>;

/// The first owner's plan is found without a lock; most programs have one owner.
#[derive(Default)]
struct Plans {
    first: OnceLock<(PlanOwner, AnyPlan)>,
    others: Mutex<Vec<(PlanOwner, AnyPlan)>>,
}

impl Plans {
    fn find<P: Any + Send + Sync>(&self, owner: PlanOwner) -> Option<Arc<P>> {
        let (first, plan) = self.first.get()?;
        if *first == owner {
            return plan.clone().downcast().ok();
        }
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, plan) = others.iter().find(|(o, plan)| *o == owner && plan.is::<P>())?;
        plan.clone().downcast().ok()
    }

    fn keep<P: Any + Send + Sync>(&self, owner: PlanOwner, plan: Arc<P>) -> Arc<P> {
        if self.first.set((owner, plan.clone())).is_err() {
            if let Some(kept) = self.find(owner) {
                return kept;
            }
            self.others.lock().unwrap_or_else(PoisonError::into_inner).push((owner, plan.clone()));
        }
        plan
    }
}

/// What a shape does. Columns are positions in the shape's table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Reads all columns of the rows with given keys. Goes to [`Executor::get_many`](crate::Executor::get_many) only,
    /// which takes the keys.
    GetMany,
    /// Reads rows.
    Select {
        /// The columns to read, in this order.
        columns: Vec<usize>,
        /// Which rows.
        filter: Condition,
        /// In which order; the core makes it total by appending the key.
        order: Vec<Order>,
        /// At most so many rows, an integer not below zero.
        limit: Option<Slot>,
        /// After leaving out so many rows, an integer not below zero.
        offset: Option<Slot>,
        /// How to lock the rows against other writers until the transaction ends; `None` not to.
        lock: Option<Lock>,
    },
    /// Reads the different values of columns among the rows: each combination once, NULL being one value.
    Distinct {
        /// The columns to read, in this order; at least one.
        columns: Vec<usize>,
        /// Of which rows.
        filter: Condition,
        /// In which order: each of `columns` is a term, and no other column is.
        order: Vec<Order>,
    },
    /// Counts rows: gives one row with one integer.
    Count {
        /// Which rows.
        filter: Condition,
    },
    /// Tells whether there is a row: gives one row with one integer, 0 or 1.
    Exists {
        /// Which rows.
        filter: Condition,
    },
    /// Adds one row. Slot n holds the value of `columns[n]`. A generated key that is not among `columns` is returned
    /// in [`Written::generated_key`](crate::Written::generated_key).
    Insert {
        /// The columns to write.
        columns: Vec<usize>,
        /// The columns to give back, from the stored row.
        returning: Vec<usize>,
    },
    /// Adds several rows. Slot `r * columns.len() + n` holds the value of `columns[n]` in row r. Generated keys are not told.
    /// Required with [`Capability::InsertsMany`](crate::Capability::InsertsMany).
    InsertMany {
        /// The columns to write, at least one.
        columns: Vec<usize>,
        /// The number of rows, at least one; the core keeps the values below
        /// [`Capabilities::max_parameters`](crate::Capabilities::max_parameters).
        rows: usize,
    },
    /// Adds one row, or changes the row that is in its way on one unique key. Slot n holds the value of `columns[n]`. The
    /// number of rows says nothing, and generated keys are not told. Required with
    /// [`Capability::Upserts`](crate::Capability::Upserts).
    ///
    /// A row in the way on another unique key is a violation; see
    /// [`Capability::UpsertsByKey`](crate::Capability::UpsertsByKey).
    Upsert {
        /// The columns of the new row.
        columns: Vec<usize>,
        /// The columns of the unique key: those of a unique index, or the table's key. They are among `columns`.
        on: Vec<usize>,
        /// The columns that the row in the way takes over from the new one; they are among `columns`.
        update: Vec<usize>,
        /// The integer columns of the row in the way to which one is added.
        raise: Vec<usize>,
        /// The columns to give back, from the stored row.
        returning: Vec<usize>,
    },
    /// Changes rows. Slot n holds the new value of `columns[n]`; the filter's slots follow.
    Update {
        /// The columns to write.
        columns: Vec<usize>,
        /// Which rows: a key, and perhaps a guard.
        filter: Condition,
        /// The columns to give back, from each stored row after the change.
        returning: Vec<usize>,
    },
    /// Changes rows by adding to what is there. Slot n holds what is added to `columns[n]`, a number; behind them are the
    /// new values of `set`, in order, then the filter's slots. Required with
    /// [`Capability::Increments`](crate::Capability::Increments).
    ///
    /// The core adds to integers and 64-bit floats only, and its filter leaves out rows whose sum would not fit.
    Increment {
        /// The columns to add to.
        columns: Vec<usize>,
        /// The columns to write.
        set: Vec<usize>,
        /// Which rows: a key, and perhaps a guard.
        filter: Condition,
        /// The columns to give back, from each stored row after the change.
        returning: Vec<usize>,
    },
    /// Removes rows.
    Delete {
        /// Which rows: a key, and perhaps a guard.
        filter: Condition,
        /// The columns to give back, from each row as it was.
        returning: Vec<usize>,
    },
    /// A statement in the database's own language.
    Raw {
        /// The text.
        text: String,
    },
}

/// A shape with the values of one call.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Statement<'a> {
    /// What to do.
    pub shape: &'a Arc<Shape>,
    /// The values of the shape's slots; not NaN, not out of range.
    pub values: &'a [Value<'a>],
    /// How fresh a read must be.
    pub consistency: Consistency,
}

impl<'a> Statement<'a> {
    /// A statement that reads the newest committed state.
    pub fn new(shape: &'a Arc<Shape>, values: &'a [Value<'a>]) -> Self {
        Self { shape, values, consistency: Consistency::Latest }
    }

    /// Sets how fresh a read must be.
    #[must_use]
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }
}

/// Values stay out of logs.
impl fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.values.iter().map(Value::kind).collect();
        f.debug_struct("Statement")
            .field("shape", self.shape)
            .field("values", &kinds)
            .field("consistency", &self.consistency)
            .finish()
    }
}

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// Everything committed before the read began. Fills of the cache need it: a driver that sends such a read to a
    /// replica makes the cache wrong.
    #[default]
    Latest,
    /// Some committed state; a replica may answer.
    Eventual,
}
