//! The schema: what tables there are, and how they change.

mod tokens;
mod definition;
mod default;
mod described;
mod wanted;
mod render;
mod steps;
mod rebuild;

use thing_driver_api::schema::{SchemaSession, Step, TableChange, TableSchema};
use thing_driver_api::{Result, Schema, Table, async_trait};

use crate::changes;
use crate::connection::Connection;
use crate::executor::SqliteExecutor;
use crate::session::SqliteSession;
use described::{Answers, questions};

#[async_trait]
impl Schema for SqliteExecutor {
    async fn tables(&self) -> Result<Vec<String>> {
        Ok(self.answers(vec![described::TABLES.to_owned()]).await?.texts())
    }

    /// Tables of connections come before those of the file where no schema is named.
    async fn current_schema(&self) -> Result<Option<String>> {
        Ok(Some("main".to_owned()))
    }

    async fn describe(&self, table: &str) -> Result<Option<TableSchema>> {
        Ok(self.answers(questions(table)).await?.described())
    }

    async fn describe_in(&self, session: &mut dyn SchemaSession, table: &str) -> Result<Option<TableSchema>> {
        let mut answers = Answers::default();
        for question in questions(table) {
            session.fetch(&question, &mut answers).await?;
            answers.next();
        }
        Ok(answers.described())
    }

    fn wanted(&self, table: &Table) -> Result<TableSchema> {
        wanted::wanted(table)
    }

    fn plan(&self, change: &TableChange) -> Result<Vec<Step>> {
        steps::steps(change)
    }

    async fn session(&self) -> Result<Box<dyn SchemaSession>> {
        Ok(Box::new(SqliteSession::new(self)))
    }

    /// SQLite counts the commits of others by itself.
    async fn record_changes(&self, _: &[&Table]) -> Result<()> {
        changes::check(&self.database)
    }

    async fn forget_changes(&self, _: &[&Table]) -> Result<()> {
        changes::check(&self.database)
    }
}

impl SqliteExecutor {
    /// The answers to questions, all of one state of the database.
    async fn answers(&self, questions: Vec<String>) -> Result<Answers> {
        let busy_timeout = self.database.config.busy_timeout;
        let seat = self.database.seat().await?;
        let ask = move |raw: &rusqlite::Connection| described::ask(raw, &questions);
        let (_, answers) = seat.run(false, move |raw, _| Connection::waiting(raw, busy_timeout, || ask(raw))).await?;
        answers
    }
}
