//! What is asked of every database, in its own words.

use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;
use thing::driver::{Executor, async_trait};

use crate::failure::{Failure, Result};
use crate::rows::Rows;

/// The words of one vendor's database.
#[async_trait]
pub(crate) trait Vendor: Send + Sync + fmt::Debug {
    /// What the server says of itself.
    async fn server(&self, executor: &dyn Executor) -> Result<Server>;

    /// The tables by name, with what the database believes of their sizes.
    async fn sizes(&self, executor: &dyn Executor) -> Result<Vec<TableSize>>;

    /// The statement that asks for the plan of another one.
    fn explain(&self, sql: &str, how: How, server: &Server) -> Result<String>;

    /// A column, by its name in quotation marks, as text: for types of which the driver knows nothing.
    fn text_of(&self, column: &str) -> String {
        column.to_owned()
    }

    /// Reads what that statement gave.
    fn explained(&self, rows: &Rows, how: How) -> Result<Explained>;

    /// Looks for what is wrong with the server and the database.
    async fn diagnose(&self, executor: &dyn Executor, server: &Server, deep: bool) -> Result<Diagnosis>;
}

/// A server and its database.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Server {
    /// The name of the product: `SQLite`, `PostgreSQL`, `MariaDB`, `MySQL`.
    pub(crate) product: String,
    pub(crate) version: String,
    /// The name of the database.
    pub(crate) database: String,
}

/// The numbers that a version begins with.
pub(crate) fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-', ' ']).map_while(|part| part.parse().ok()).collect()
}

/// A table, as the database's own statistics have it.
#[derive(Clone, Debug)]
pub(crate) struct TableSize {
    pub(crate) name: String,
    /// How many rows it is believed to have.
    pub(crate) estimate: Option<u64>,
    /// The bytes on disk, with its indexes.
    pub(crate) bytes: Option<u64>,
}

/// How to explain a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct How {
    /// As JSON, and not for people.
    pub(crate) json: bool,
    /// The statement is run.
    pub(crate) analyze: bool,
}

/// The plan of a statement.
#[derive(Debug)]
pub(crate) struct Explained {
    /// For people; empty where JSON was asked for.
    pub(crate) lines: Vec<String>,
    /// In the form that the database gives it.
    pub(crate) plan: Json,
    /// The tables of which all rows are read, by the names that the statement uses.
    pub(crate) scans: Vec<String>,
}

/// What was seen of a database, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Diagnosis {
    /// Settings that matter, with their values.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// Which check found it.
    pub(crate) check: &'static str,
    /// What is the matter, and what that means.
    pub(crate) message: String,
    /// What to do.
    pub(crate) advice: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Good to know.
    Note,
    /// Something will be slow, or fail at times.
    Warning,
    /// Something fails or answers wrongly.
    Error,
}

impl Diagnosis {
    pub(crate) fn fact(&mut self, name: &'static str, value: impl Into<String>) {
        self.facts.push((name, value.into()));
    }

    pub(crate) fn finding(
        &mut self,
        severity: Severity,
        check: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.findings.push(Finding { severity, check, message: message.into(), advice: advice.into() });
    }
}

/// A database of which nothing is known but its driver.
#[derive(Debug)]
pub(crate) struct Unknown;

#[async_trait]
impl Vendor for Unknown {
    async fn server(&self, _: &dyn Executor) -> Result<Server> {
        Ok(Server { product: "database".to_owned(), version: String::new(), database: String::new() })
    }

    async fn sizes(&self, _: &dyn Executor) -> Result<Vec<TableSize>> {
        Err(Failure::new("the tables of this database can't be listed; name one: `inspect <table>`"))
    }

    fn explain(&self, _: &str, _: How, _: &Server) -> Result<String> {
        Err(Failure::new("this program does not know how this database explains a statement"))
    }

    fn explained(&self, _: &Rows, _: How) -> Result<Explained> {
        Err(Failure::new("this program does not know how this database explains a statement"))
    }

    async fn diagnose(&self, _: &dyn Executor, _: &Server, _: bool) -> Result<Diagnosis> {
        Ok(Diagnosis::default())
    }
}
