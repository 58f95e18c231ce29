//! The feed of the binary log: what the server tells its replicas.
//!
//! Each feed reads by itself, from where the log is when it begins, so that it says first that nobody knows what was
//! before. The log holds a transaction a moment before others see what it did; since commits happen in the order of the
//! log, a small one of our own, made when the transaction was read, tells when that is over.

mod columns;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use mysql_async::binlog::events::{Event, EventData, RowsEventData};
use mysql_async::{BinlogStream, BinlogStreamRequest};
use thing_driver_api::{Observations, Observer, Result, Table, async_trait};

use self::columns::Columns;
use super::patiently;
use crate::connection::Connection;
use crate::error::{self, About, Failure};
use crate::executor::{Database, MysqlExecutor};
use crate::pool::Purpose;
use crate::schema::cell;

/// The table whose one row the feeds count up.
const POSITION: &str = "thing_position";

/// A server that has nothing to say says so this often.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// A server that is silent for longer is gone.
const SILENCE: Duration = Duration::from_secs(7);
/// What comes so soon behind a transaction is told together with it.
const TOGETHER: Duration = Duration::from_millis(1);

pub(super) async fn create(executor: &MysqlExecutor, tables: &[&Table]) -> Result<()> {
    for table in tables {
        Columns::of(executor, table).await?;
    }
    for text in [
        format!(
            "CREATE TABLE IF NOT EXISTS {POSITION} (id TINYINT NOT NULL PRIMARY KEY, number BIGINT NOT NULL) ENGINE=InnoDB"
        ),
        format!("INSERT IGNORE INTO {POSITION} VALUES (1, 0)"),
    ] {
        let mut lease = executor.database.pool.acquire(Purpose::Once).await?;
        lease
            .control(text, None)
            .await
            .map_err(|failure| failure.explain(About { commits: true, ..About::default() }))?;
    }
    let mut connection = executor.database.pool.connector.connect().await?;
    check_server(&mut connection).await
}

/// Reads the log as a replica does.
pub(super) struct BinlogObserver {
    executor: MysqlExecutor,
    stream: BinlogStream,
    /// For everything but the log.
    connection: Connection,
    tables: Vec<(Arc<Table>, Columns)>,
    /// The file that is being read.
    file: String,
    /// Where the log was when the columns were looked up: what is before may be of other columns.
    known_from: (String, u64),
    /// What is still to be given: at first, that nobody knows what was before.
    found: Observations,
}

/// What an event means for the feed.
enum Step {
    /// More of the same transaction may come.
    Within,
    /// A transaction is over.
    Ended,
}

impl BinlogObserver {
    pub(super) async fn open(database: &Arc<Database>, tables: &[Arc<Table>]) -> Result<Self> {
        let executor = MysqlExecutor { database: database.clone() };
        let mut connection = database.pool.connector.connect().await?;
        check_server(&mut connection).await?;
        if executor.show(format!("SHOW COLUMNS FROM {POSITION}")).await?.is_none() {
            let first = tables.first().map_or(POSITION, |table| table.name());
            return Err(error::not_recorded(first));
        }
        let (file, position) = position(&mut connection).await?;
        let mut reader = database.pool.connector.connect().await?;
        let heartbeat = format!("SET @master_heartbeat_period = {}", HEARTBEAT.as_nanos());
        patiently(reader.control(&heartbeat)).await?;
        let request = BinlogStreamRequest::new(server_id()).with_filename(file.as_bytes()).with_pos(position);
        let stream = patiently(async { Ok(reader.into_raw().get_binlog_stream(request).await?) }).await?;
        let mut observer = Self {
            tables: tables.iter().map(|table| (table.clone(), Columns::default())).collect(),
            executor,
            stream,
            connection,
            known_from: (file.clone(), position),
            file,
            found: Observations::everything(),
        };
        observer.look_up_columns().await?;
        Ok(observer)
    }

    async fn look_up_columns(&mut self) -> Result<()> {
        for (table, columns) in &mut self.tables {
            *columns = Columns::of(&self.executor, table).await?;
        }
        self.known_from = position(&mut self.connection).await?;
        Ok(())
    }

    /// Reads events to the end of a transaction; false when no event came in time.
    async fn read(&mut self, limit: Duration) -> Result<bool> {
        let mut limit = limit;
        loop {
            let Ok(event) = tokio::time::timeout(limit, self.stream.next()).await else {
                return if limit == TOGETHER { Ok(false) } else { Err(explain(Failure::TimedOut(SILENCE))) };
            };
            let event = event.ok_or_else(error::log_ended)?.map_err(|error| explain(error.into()))?;
            if let Step::Ended = self.take(&event).await? {
                return Ok(true);
            }
            limit = SILENCE;
        }
    }

    async fn take(&mut self, event: &Event) -> Result<Step> {
        // MariaDB's compressed statements and rows.
        const COMPRESSED: std::ops::RangeInclusive<u8> = 165..=171;
        if COMPRESSED.contains(&event.header().event_type_raw()) {
            self.all();
            return Ok(Step::Within);
        }
        let end = u64::from(event.header().log_pos());
        match event.read_data() {
            Ok(Some(EventData::RotateEvent(rotate))) => self.file = rotate.name().into_owned(),
            Ok(Some(EventData::RowsEvent(rows))) => self.rows(&rows, end),
            Ok(Some(EventData::XidEvent(_))) => return Ok(Step::Ended),
            Ok(Some(EventData::QueryEvent(query))) => return self.query(&query.schema(), &query.query()).await,
            Ok(Some(EventData::IncidentEvent(_))) | Err(_) => self.all(),
            // MariaDB's own events are not known to the client library, and are not about rows.
            Ok(_) => {}
        }
        Ok(Step::Within)
    }

    /// A statement: the end of a transaction, a change of the schema, or a write that is logged as such.
    async fn query(&mut self, schema: &str, text: &str) -> Result<Step> {
        let first = text.trim_start().split([' ', ';', '\n']).next().unwrap_or_default().to_ascii_uppercase();
        match first.as_str() {
            "BEGIN" | "START" | "SAVEPOINT" => return Ok(Step::Within),
            "COMMIT" | "ROLLBACK" => return Ok(Step::Ended),
            _ => {}
        }
        let ours = self.executor.database.pool.connector.config.database();
        if schema == ours || text.contains(ours) {
            self.look_up_columns().await?;
            self.all();
        }
        Ok(Step::Ended)
    }

    /// Anything of the tables may have changed.
    fn all(&mut self) {
        for (table, _) in &self.tables {
            self.found.add(table, None);
        }
    }

    fn rows(&mut self, rows: &RowsEventData<'_>, end: u64) {
        let Some(map) = self.stream.get_tme(rows.table_id()) else { return self.all() };
        if map.database_name() != self.executor.database.pool.connector.config.database() {
            return;
        }
        let name = map.table_name();
        let Some((table, columns)) = self.tables.iter().find(|(table, _)| table.name() == name) else { return };
        let known = (self.file.len(), self.file.as_str(), end)
            > (self.known_from.0.len(), self.known_from.0.as_str(), self.known_from.1);
        if !known || !columns.fit(map, rows) {
            return self.found.add(table, None);
        }
        for row in rows.rows(map) {
            let changes = row.ok().and_then(|(before, after)| columns.changes(table, before.as_ref(), after.as_ref()));
            self.found.add(table, changes);
        }
    }

    /// Waits until everybody sees what was read.
    async fn await_visibility(&mut self) -> Result<()> {
        patiently(self.connection.control(&format!("UPDATE {POSITION} SET number = number + 1"))).await
    }
}

#[async_trait]
impl Observer for BinlogObserver {
    async fn observe(&mut self) -> Result<Observations> {
        if self.found.is_empty() {
            while !self.read(SILENCE).await? {}
            while self.read(TOGETHER).await? && !self.found.is_full() {}
            if !self.found.is_empty() {
                self.await_visibility().await?;
            }
        }
        Ok(std::mem::take(&mut self.found))
    }
}

impl std::fmt::Debug for BinlogObserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BinlogObserver").field("file", &self.file).finish_non_exhaustive()
    }
}

fn explain(failure: Failure) -> thing_driver_api::Error {
    failure.explain(About::default())
}

/// Whether the log holds rows as a whole, and commits are in its order.
async fn check_server(connection: &mut Connection) -> Result<()> {
    let wanted =
        [("log_bin", "ON"), ("binlog_format", "ROW"), ("binlog_row_image", "FULL"), ("binlog_order_commits", "ON")];
    let names: Vec<String> = wanted.iter().map(|(name, _)| format!("'{name}'")).collect();
    let listed = format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({})", names.join(", "));
    for row in patiently(connection.query(&listed)).await? {
        let (name, value) = (cell(&row, "Variable_name").unwrap_or_default(), cell(&row, "Value").unwrap_or_default());
        if let Some((_, right)) = wanted.iter().find(|(wanted, _)| *wanted == name)
            && !value.eq_ignore_ascii_case(right)
        {
            return Err(error::not_recordable(format!(
                "{name} is {value} on the server; set it to {right} and restart the server, or take changes from triggers"
            )));
        }
    }
    Ok(())
}

/// Where the log is.
async fn position(connection: &mut Connection) -> Result<(String, u64)> {
    // MySQL renamed the statement in 8.2.
    const UNKNOWN: u16 = 1064;
    let rows = match connection.query("SHOW MASTER STATUS").await {
        Err(failure) if failure.code() == Some(UNKNOWN) => connection.query("SHOW BINARY LOG STATUS").await,
        rows => rows,
    };
    let rows = rows.map_err(explain)?;
    let position = rows.first().and_then(|row| Some((cell(row, "File")?, cell(row, "Position")?.parse().ok()?)));
    position.ok_or_else(|| error::not_recordable("the server writes no binary log; set log_bin".to_owned()))
}

/// A number that no server and no other feed has, in all likelihood.
fn server_id() -> u32 {
    let random = RandomState::new().hash_one(std::process::id());
    random as u32 | 1 << 31
}
