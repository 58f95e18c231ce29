//! Plans: what a query will do, for people to read.

use std::fmt;

use thing_driver_api::{ColumnSet, Dialect, Result, Scope, Shape, Value, sql};

use crate::cache::Question;

/// What a query will do. `Display` shows it on a few lines.
#[derive(Clone)]
pub struct Plan {
    table: String,
    sql: Option<String>,
    values: Vec<Value<'static>>,
    cached: bool,
    scope: String,
    columns: Vec<String>,
    filtered: Vec<String>,
}

impl Plan {
    pub(crate) fn of(
        shape: &Shape,
        values: &[Value<'static>],
        question: &Question<'_>,
        dialect: Option<&dyn Dialect>,
        cached: bool,
    ) -> Result<Self> {
        let sql = dialect.map(|dialect| sql::render(shape, dialect)).transpose()?.map(|plan| plan.text);
        let table = question.table;
        let scope = match question.scope() {
            Scope::Table => format!("all rows of {}", table.name()),
            Scope::Equal(column, _) => format!("rows of {} with one value of {column}", table.name()),
        };
        let names = |columns: ColumnSet| columns.iter().map(|c| table.column(c).name.to_string()).collect();
        let (columns, filtered) = (names(question.mentioned()), names(question.filtered()));
        Ok(Self { table: table.name().to_owned(), sql, values: values.to_vec(), cached, scope, columns, filtered })
    }

    /// The table.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The SQL; `None` for a database without.
    pub fn sql(&self) -> Option<&str> {
        self.sql.as_deref()
    }

    /// The values for the placeholders of the SQL, in their order.
    pub fn values(&self) -> &[Value<'static>] {
        &self.values
    }

    /// The columns that the filter looks at, those of the model's own rule among them.
    pub fn filters_by(&self) -> &[String] {
        &self.filtered
    }

    /// Whether the cache is asked first.
    pub fn is_cached(&self) -> bool {
        self.cached
    }

    /// The columns whose changes make the database be asked again, if they change in a row that matches.
    pub fn depends_on(&self) -> &[String] {
        &self.columns
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sql:     {}", self.sql.as_deref().unwrap_or("none, the driver reads the statement itself"))?;
        writeln!(f, "values:  {}", self.values.len())?;
        if !self.cached {
            return write!(f, "cache:   not used");
        }
        write!(f, "cache:   kept until, among {}, a matching row comes, goes", self.scope)?;
        match self.columns.as_slice() {
            [] => Ok(()),
            columns => write!(f, " or changes its {}", columns.join(", ")),
        }
    }
}

/// Says how many values there are; they may be secrets.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("table", &self.table)
            .field("sql", &self.sql)
            .field("values", &self.values.len())
            .field("cached", &self.cached)
            .field("scope", &self.scope)
            .field("columns", &self.columns)
            .field("filtered", &self.filtered)
            .finish()
    }
}
