//! The schema facet of a recording executor.

use std::sync::Arc;

use async_trait::async_trait;
use thing_driver_api::schema::{SchemaSession, Step, TableChange, TableSchema};
use thing_driver_api::{Error, Executor, Index, Result, Schema, Table};

use super::Recorded;
use super::points::Points;

#[derive(Debug)]
pub(super) struct RecordingSchema {
    executor: Arc<dyn Executor>,
    points: Points<Recorded>,
}

impl RecordingSchema {
    pub(super) fn new(executor: Arc<dyn Executor>, points: Points<Recorded>) -> Self {
        Self { executor, points }
    }

    fn inner(&self) -> Result<&dyn Schema> {
        self.executor.schema().ok_or_else(|| Error::unsupported("the wrapped executor has no schema"))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Schema for RecordingSchema {
    async fn tables(&self) -> Result<Vec<String>> {
        self.inner()?.tables().await
    }

    async fn current_schema(&self) -> Result<Option<String>> {
        self.inner()?.current_schema().await
    }

    async fn describe(&self, table: &str) -> Result<Option<TableSchema>> {
        let record = Recorded::Describe { table: table.to_owned() };
        self.points.before(&record).await?;
        let answer = self.inner()?.describe(table).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn describe_in(&self, session: &mut dyn SchemaSession, table: &str) -> Result<Option<TableSchema>> {
        let record = Recorded::Describe { table: table.to_owned() };
        self.points.before(&record).await?;
        let answer = self.inner()?.describe_in(session, table).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    fn wanted(&self, table: &Table) -> Result<TableSchema> {
        self.inner()?.wanted(table)
    }

    fn plan(&self, change: &TableChange) -> Result<Vec<Step>> {
        self.inner()?.plan(change)
    }

    async fn session(&self) -> Result<Box<dyn SchemaSession>> {
        self.inner()?.session().await
    }

    async fn create_table(&self, table: &Table) -> Result<()> {
        let record = Recorded::CreateTable { table: table.name().to_owned() };
        self.points.before(&record).await?;
        let answer = self.inner()?.create_table(table).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn create_index(&self, table: &Table, index: &Index) -> Result<()> {
        let record = Recorded::CreateIndex { table: table.name().to_owned(), index: index.name.to_string() };
        self.points.before(&record).await?;
        let answer = self.inner()?.create_index(table, index).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn record_changes(&self, tables: &[&Table]) -> Result<()> {
        self.inner()?.record_changes(tables).await
    }

    async fn forget_changes(&self, tables: &[&Table]) -> Result<()> {
        self.inner()?.forget_changes(tables).await
    }
}
