//! The history: a row of the table `thing_migrations` for each migration that was run, or begun.

use std::time::{Duration, SystemTime};

use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Dialect, Error, ErrorKind, Flow, Result, Row, RowSink, Schema, Value};

use crate::script::checksum_of;
use crate::version::timestamp;
use crate::{Direction, Migration, SqlStatement, TABLE, Version};

/// A row of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) version: Version,
    pub(crate) name: String,
    /// Of the file as it was when the migration was begun, and when it was finished.
    pub(crate) checksum: String,
    pub(crate) phase: Phase,
    /// How many statements were finished, while the migration is not.
    pub(crate) done: usize,
    /// The number of the statement that was begun last: `done`, or the one behind it.
    pub(crate) begun: usize,
    /// Of the statements that were finished.
    pub(crate) done_checksum: String,
    pub(crate) error: Option<String>,
    pub(crate) at: String,
    pub(crate) took: Duration,
}

/// How far a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Applied,
    /// On its way, and not finished.
    Underway(Direction),
}

impl Phase {
    fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Underway(Direction::Up) => "applying",
            Self::Underway(Direction::Down) => "undoing",
        }
    }

    fn of(word: &str) -> Result<Self> {
        [Self::Applied, Self::Underway(Direction::Up), Self::Underway(Direction::Down)]
            .into_iter()
            .find(|phase| phase.word() == word)
            .ok_or_else(|| {
                let said = format!("the table `{TABLE}` holds the unknown state `{word}`; a newer version wrote it");
                Error::new(ErrorKind::InvalidData { column: Some("state".to_owned()) }, said)
            })
    }
}

impl Record {
    /// The row of a migration that has ended now.
    pub(crate) fn applied(migration: &Migration, took: Duration) -> Self {
        Self {
            version: migration.version(),
            name: migration.name().to_owned(),
            checksum: migration.checksum(),
            phase: Phase::Applied,
            done: 0,
            begun: 0,
            done_checksum: checksum_of(&[]),
            error: None,
            at: timestamp(SystemTime::now()),
            took,
        }
    }

    /// The row at the beginning of another phase.
    pub(crate) fn in_phase(self, phase: Phase) -> Self {
        Self { phase, done: 0, begun: 0, done_checksum: checksum_of(&[]), error: None, ..self }
    }

    /// Sees to it that the first of these statements are those that were run.
    pub(crate) fn check_done(&self, statements: &[SqlStatement]) -> Result<()> {
        if statements.get(..self.done).is_some_and(|done| checksum_of(done) == self.done_checksum) {
            return Ok(());
        }
        let said = format!(
            "the migration `{}` stopped behind statement {}, and what was run until then is not what the file says now; \
             put these statements back as they were",
            self.title(),
            self.done
        );
        Err(Error::new(ErrorKind::Schema, said))
    }

    pub(crate) fn is_applied(&self) -> bool {
        self.phase == Phase::Applied
    }

    pub(crate) fn title(&self) -> String {
        format!("{}_{}", self.version, self.name)
    }

    fn read(row: &dyn Row) -> Result<Self> {
        let count = |index| row.i64(index).map(|count| usize::try_from(count).unwrap_or_default());
        let text = |index| row.text(index).map(|text| text.into_owned());
        Ok(Self {
            version: Version::of_number(row.i64(0)?),
            name: text(1)?,
            checksum: text(2)?,
            phase: Phase::of(&row.text(3)?)?,
            done: count(4)?,
            begun: count(5)?,
            done_checksum: text(6)?,
            error: if row.is_null(7)? { None } else { Some(text(7)?) },
            at: text(8)?,
            took: Duration::from_millis(u64::try_from(row.i64(9)?).unwrap_or_default()),
        })
    }
}

/// The longest error that is kept.
const LONGEST_ERROR: usize = 2000;

/// The columns, in the order of [`Record::read`].
const COLUMNS: &str =
    "version, name, checksum, state, statements_done, statement_begun, done_checksum, error, applied_at, took_ms";

/// Reads and writes the table. Names of its columns are reserved in no database.
#[derive(Clone, Debug)]
pub(crate) struct History<'d> {
    dialect: &'d dyn Dialect,
    /// The name as SQL: of the schema, too, since statements of migrations may set where names are looked for.
    table: String,
}

impl<'d> History<'d> {
    /// That of the schema in which tables are made.
    pub(crate) async fn of(schema: &dyn Schema, dialect: &'d dyn Dialect) -> Result<Self> {
        let mut table = String::new();
        if let Some(name) = schema.current_schema().await? {
            dialect.identifier(&name, &mut table);
            table.push('.');
        }
        table.push_str(TABLE);
        Ok(Self { dialect, table })
    }

    /// Makes the table, if there is none.
    pub(crate) async fn create(&self, session: &mut dyn SchemaSession) -> Result<()> {
        let text = format!(
            "CREATE TABLE IF NOT EXISTS {} (\
             version BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, checksum VARCHAR(64) NOT NULL, \
             state VARCHAR(20) NOT NULL, statements_done BIGINT NOT NULL, statement_begun BIGINT NOT NULL, \
             done_checksum VARCHAR(64) NOT NULL, error TEXT, applied_at VARCHAR(30) NOT NULL, took_ms BIGINT NOT NULL){}",
            self.table,
            self.dialect.table_options()
        );
        session.execute(&text).await
    }

    /// All rows, the oldest version first.
    pub(crate) async fn read(&self, session: &mut dyn SchemaSession) -> Result<Vec<Record>> {
        let mut records = Records::default();
        session.fetch(&format!("SELECT {COLUMNS} FROM {} ORDER BY version", self.table), &mut records).await?;
        Ok(records.0)
    }

    pub(crate) async fn find(&self, session: &mut dyn SchemaSession, version: Version) -> Result<Option<Record>> {
        let mut records = Records::default();
        let text = format!("SELECT {COLUMNS} FROM {} WHERE version = {version}", self.table);
        session.fetch(&text, &mut records).await?;
        Ok(records.0.pop())
    }

    /// Writes a row in place of that of the version, if there is one. In a transaction.
    pub(crate) async fn put(&self, session: &mut dyn SchemaSession, record: &Record) -> Result<()> {
        self.delete(session, record.version).await?;
        let mut text = format!("INSERT INTO {} ({COLUMNS}) VALUES ({}, ", self.table, record.version);
        self.text(&record.name, &mut text)?;
        text.push_str(", ");
        self.text(&record.checksum, &mut text)?;
        text.push_str(&format!(", '{}', {}, {}, ", record.phase.word(), record.done, record.begun));
        self.text(&record.done_checksum, &mut text)?;
        text.push_str(", ");
        match &record.error {
            Some(error) => self.text(&error.chars().take(LONGEST_ERROR).collect::<String>(), &mut text)?,
            None => text.push_str("NULL"),
        }
        text.push_str(&format!(", '{}', {})", record.at, record.took.as_millis()));
        session.execute(&text).await
    }

    pub(crate) async fn delete(&self, session: &mut dyn SchemaSession, version: Version) -> Result<()> {
        session.execute(&format!("DELETE FROM {} WHERE version = {version}", self.table)).await
    }

    fn text(&self, text: &str, out: &mut String) -> Result<()> {
        self.dialect.literal(&Value::Text(text.replace('\0', "").into()), out)
    }
}

#[derive(Default)]
struct Records(Vec<Record>);

impl RowSink for Records {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.0.push(Record::read(row)?);
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.0.clear();
    }
}
