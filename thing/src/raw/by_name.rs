//! Objects from the rows of raw statements, by the names of their columns.

use thing_driver_api::{Error, ErrorKind, Flow, Result, Row, RowSink, Value, ValueType};

use crate::Model;

/// Where a model's columns are in a result.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<usize>);

impl Columns {
    pub(crate) fn find<M: Model>(names: &[&str]) -> Result<Self> {
        let place = |column: &thing_driver_api::Column| {
            let same = |name: &&str| *name == column.name || name.eq_ignore_ascii_case(&column.name);
            names.iter().position(|name| *name == column.name).or_else(|| names.iter().position(same)).ok_or_else(
                || {
                    Error::new(
                        ErrorKind::InvalidData { column: Some(column.name.to_string()) },
                        format!("{}: the result has no column `{}`; select it by that name", M::NAME, column.name),
                    )
                },
            )
        };
        M::table().columns().iter().map(place).collect::<Result<_>>().map(Self)
    }

    pub(crate) fn read<M: Model>(&self, row: &dyn Row) -> Result<M> {
        M::from_row(&Picked { row, columns: &self.0 }).map_err(|error| error.context(M::NAME))
    }
}

/// Decodes objects.
pub(crate) struct ByName<M> {
    columns: Columns,
    pub(crate) rows: Vec<M>,
}

impl<M> ByName<M> {
    pub(crate) fn new() -> Self {
        Self { columns: Columns::default(), rows: Vec::new() }
    }
}

impl<M: Model> RowSink for ByName<M> {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.columns = Columns::find::<M>(names)?;
        Ok(())
    }

    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.rows.push(self.columns.read(row)?);
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.rows.clear();
    }
}

/// A row with its columns in another order.
struct Picked<'a> {
    row: &'a dyn Row,
    columns: &'a [usize],
}

impl Picked<'_> {
    /// Out of range leads to a column that the row does not have, and so to its error.
    fn at(&self, index: usize) -> usize {
        self.columns.get(index).copied().unwrap_or(usize::MAX)
    }
}

impl Row for Picked<'_> {
    fn len(&self) -> usize {
        self.columns.len()
    }

    fn is_null(&self, index: usize) -> Result<bool> {
        self.row.is_null(self.at(index))
    }

    fn value(&self, index: usize, expected: ValueType) -> Result<Value<'_>> {
        self.row.value(self.at(index), expected)
    }

    fn any_value(&self, index: usize) -> Result<Value<'_>> {
        self.row.any_value(self.at(index))
    }
}
