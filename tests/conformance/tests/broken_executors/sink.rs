//! Rows on their way through a broken executor.

use thing_driver_api::{Flow, Result, Row, RowSink};

use super::executor::Fault;

pub(crate) struct BrokenSink<'a> {
    inner: &'a mut dyn RowSink,
    fault: Fault,
    rows: usize,
}

impl<'a> BrokenSink<'a> {
    pub(crate) fn new(inner: &'a mut dyn RowSink, fault: Fault) -> Self {
        Self { inner, fault, rows: 0 }
    }
}

#[deny(clippy::missing_trait_methods)]
impl RowSink for BrokenSink<'_> {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.inner.columns(names)
    }

    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.rows += 1;
        if self.fault == Fault::LosesARow && self.rows == 1 {
            return Ok(Flow::Continue);
        }
        if self.fault == Fault::RepeatsARow && self.rows == 1 {
            self.inner.row(row)?;
        }
        match self.inner.row(row) {
            Ok(_) if self.fault == Fault::IgnoresStop => Ok(Flow::Continue),
            Err(_) if self.fault == Fault::SwallowsErrors => Ok(Flow::Stop),
            other => other,
        }
    }

    fn restart(&mut self) {
        self.rows = 0;
        self.inner.restart();
    }
}
