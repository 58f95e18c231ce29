//! Plucking: some columns of the matching rows instead of whole objects.

use thing_driver_api::{Condition, Error, Flow, Operation, Result, Row, RowSink, Statement};

use super::Query;
use crate::{Column, ColumnSpec, ColumnType, Model};

/// What [`Query::pluck`] and [`Query::distinct`] read: a column of the model, which gives plain values, or a tuple of up to
/// eight, which gives tuples.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a column of `{M}`, nor a tuple of up to eight of them",
    label = "expected a column such as `{M}::ID`, or a tuple of columns"
)]
pub trait ColumnList<M>: Copy + Send {
    /// What a row gives.
    type Row: Send;

    /// The positions of the columns in the table.
    #[doc(hidden)]
    fn columns(self) -> Vec<usize>;

    /// Reads a row that has these columns only.
    #[doc(hidden)]
    fn read(row: &dyn Row) -> Result<Self::Row>;
}

impl<C: ColumnSpec> ColumnList<C::Model> for Column<C> {
    type Row = C::Type;

    fn columns(self) -> Vec<usize> {
        vec![self.index()]
    }

    fn read(row: &dyn Row) -> Result<C::Type> {
        C::Type::from_row(row, 0)
    }
}

macro_rules! tuples {
    ($($($part:ident $index:tt),*;)*) => {$(
        impl<M: Model, $($part: ColumnSpec<Model = M>),*> ColumnList<M> for ($(Column<$part>,)*) {
            type Row = ($($part::Type,)*);

            fn columns(self) -> Vec<usize> {
                vec![$(self.$index.index()),*]
            }

            fn read(row: &dyn Row) -> Result<Self::Row> {
                Ok(($($part::Type::from_row(row, $index)?,)*))
            }
        }
    )*};
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}

impl<M: Model> Query<'_, M> {
    /// Some columns of all matching rows, in the order of the query: `pluck(User::NAME)` gives names,
    /// `pluck((User::ID, User::NAME))` pairs.
    ///
    /// Read from the database each time: the cache holds whole objects, and is not asked.
    ///
    /// # Errors
    ///
    /// As [`Query::all`].
    pub async fn pluck<L: ColumnList<M>>(self, columns: L) -> Result<Vec<L::Row>> {
        let order = self.total_order();
        self.read_columns::<L>(|filter| Operation::Select {
            columns: columns.columns(),
            filter,
            order,
            limit: None,
            offset: None,
            lock: None,
        })
        .await
    }

    /// The different values that a column has among the matching rows, least first, NULL before all; of several columns the
    /// different combinations. An order of the query is kept, and may be by these columns only.
    ///
    /// What is different, the database says: under a collation without letter case one spelling stands for all.
    ///
    /// Read from the database each time: the cache holds whole objects, and is not asked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an order by another column; else as [`Query::all`].
    pub async fn distinct<L: ColumnList<M>>(self, columns: L) -> Result<Vec<L::Row>> {
        let columns = columns.columns();
        if let Some(other) = self.order.iter().find(|term| !columns.contains(&term.column)) {
            return Err(Error::invalid_input(format!(
                "{}: different values can't be in the order of `{}`, of which each may have several; order by what is asked \
                 for",
                M::NAME,
                M::table().column(other.column).name
            )));
        }
        let order = self.order_and_then(&columns);
        self.read_columns::<L>(|filter| Operation::Distinct { columns, filter, order }).await
    }

    async fn read_columns<L: ColumnList<M>>(
        &self,
        operation: impl FnOnce(Condition) -> Operation,
    ) -> Result<Vec<L::Row>> {
        if self.lock.is_some() {
            return Err(self.lock_without_objects());
        }
        let (filter, values) = self.condition()?;
        let shape = self.session.db().shape(M::table(), &operation(filter));
        let mut rows = Rows::<M, L> { rows: Vec::new() };
        self.session.fetch(&Statement::new(&shape, &values), &mut rows).await?;
        Ok(rows.rows)
    }
}

struct Rows<M, L: ColumnList<M>> {
    rows: Vec<L::Row>,
}

impl<M: Model, L: ColumnList<M>> RowSink for Rows<M, L> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.rows.push(L::read(row).map_err(|error| error.context(M::NAME))?);
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.rows.clear();
    }
}
