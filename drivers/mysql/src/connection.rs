//! Connections: one session with the server, and the statements it has prepared.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{BinaryProtocol, Conn, Opts, Params, QueryResult, Row, Statement, Value as Native};
use thing_driver_api::{Flow, Page, Result, RowSink};

use crate::changes;
use crate::config::MysqlConfig;
use crate::dialect::Flavour;
use crate::error::{self, Failure};
use crate::plan::Text;
use crate::row::{self, MysqlRow};

/// How to connect.
pub(crate) struct Connector {
    pub(crate) config: MysqlConfig,
    opts: Opts,
}

/// What the server said about itself when it let the connection in.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) flavour: Flavour,
    pub(crate) version: String,
    /// The most bytes of one statement.
    pub(crate) max_packet: usize,
}

impl Server {
    /// Refuses a server that can't pass over rows that others lock.
    pub(crate) fn passes_over_locks(&self) -> Result<()> {
        let numbers: Vec<u32> = self.version.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
        if self.flavour == Flavour::MariaDb && numbers.as_slice() < &[10, 6][..] {
            return Err(error::too_old(&self.version, "MariaDB 10.6"));
        }
        Ok(())
    }
}

/// One session.
pub(crate) struct Connection {
    raw: Conn,
    pub(crate) server: Arc<Server>,
    statements: HashMap<u64, Prepared>,
    /// The most statements to keep.
    kept: usize,
    /// Counts uses, to tell which statement was used longest ago.
    uses: u64,
    pub(crate) opened: Instant,
    pub(crate) used: Instant,
    /// Which generation of the pool's connections it is of.
    pub(crate) generation: u64,
    /// The distance of two generated keys, when the last batch began.
    pub(crate) key_increment: i64,
    /// Rows of the last statement that were not read.
    unread: bool,
}

struct Prepared {
    statement: Statement,
    used: u64,
}

impl Connector {
    pub(crate) fn new(config: MysqlConfig) -> Self {
        if config.uses_tls() {
            // The TLS library asks the process which cryptography to use; the program may have answered already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Self { opts: config.native(), config }
    }

    /// Opens a connection whose session is set up.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let limit = self.config.connect_timeout;
        match tokio::time::timeout(limit, self.connect_without_limit()).await {
            Ok(connected) => connected.map_err(|e| error::connecting(e, &self.config)),
            Err(_) => Err(error::connecting_timed_out(&self.config)),
        }
    }

    async fn connect_without_limit(&self) -> mysql_async::Result<Connection> {
        let mut raw = Conn::new(self.opts.clone()).await?;
        raw.query_drop(self.session_without_timeout()).await?;
        let facts: Option<(String, u64)> = raw.query_first("SELECT @@version, @@max_allowed_packet").await?;
        let (version, max_packet) = facts.unwrap_or_default();
        let flavour = if version.to_ascii_lowercase().contains("mariadb") { Flavour::MariaDb } else { Flavour::MySql };
        if let Some(limit) = self.config.statement_timeout {
            raw.query_drop(session_timeout(flavour, limit)).await?;
        }
        let now = Instant::now();
        Ok(Connection {
            raw,
            server: Arc::new(Server {
                flavour,
                version,
                max_packet: usize::try_from(max_packet).unwrap_or(usize::MAX),
            }),
            statements: HashMap::new(),
            kept: self.config.statement_cache,
            uses: 0,
            opened: now,
            used: now,
            generation: 0,
            key_increment: 1,
            unread: false,
        })
    }

    /// Sets up a session: strict, in UTC, with text compared by its bytes where no column decides, and whatever the
    /// server's defaults are.
    fn session_without_timeout(&self) -> String {
        let seconds = self.config.lock_timeout.as_secs().clamp(1, 31_536_000);
        let recorded = if self.config.recorded { "@thing_writer = NULL" } else { changes::NOT_RECORDED };
        format!(
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin, autocommit = 1, time_zone = '+00:00', \
             innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}, sql_mode = '{SQL_MODE}', {recorded}"
        )
    }

    /// Asks the server, over a connection of its own, to end what this connection of ours is doing.
    pub(crate) async fn kill(&self, id: u32) {
        let kill = async {
            let mut raw = Conn::new(self.opts.clone()).await?;
            raw.query_drop(format!("KILL QUERY {id}")).await?;
            raw.disconnect().await
        };
        // The statement may be over by now, or the server gone.
        let _ = tokio::time::timeout(self.config.connect_timeout, kill).await;
    }
}

/// Nothing is cut or guessed: what a column can't hold is an error. A key of 0 is 0.
const SQL_MODE: &str = "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
                        ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION";

fn session_timeout(flavour: Flavour, limit: Duration) -> String {
    match flavour {
        Flavour::MariaDb => format!("SET max_statement_time = {}", limit.as_secs_f64().clamp(0.001, 31_536_000.0)),
        Flavour::MySql => {
            format!("SET max_execution_time = {}", limit.as_millis().clamp(1, u128::from(u32::MAX)))
        }
    }
}

impl Connection {
    pub(crate) fn id(&self) -> u32 {
        self.raw.id()
    }

    /// Whether it is closed, or was left in the middle of a packet.
    pub(crate) fn is_broken(&self) -> bool {
        self.raw.is_disconnected()
    }

    /// Whether rows of the last statement wait to be read.
    pub(crate) fn has_unread(&self) -> bool {
        self.unread
    }

    /// Whether the server said after the last statement that no transaction is open. After an error it says nothing.
    pub(crate) fn in_transaction(&self) -> Option<bool> {
        let flags = self.raw.last_ok_packet()?.status_flags();
        let open = flags.contains(StatusFlags::SERVER_STATUS_IN_TRANS);
        Some(open || !flags.contains(StatusFlags::SERVER_STATUS_AUTOCOMMIT))
    }

    pub(crate) fn affected_rows(&self) -> u64 {
        self.raw.affected_rows()
    }

    /// The first of the keys that the last statement made.
    pub(crate) fn generated_key(&self) -> Option<u64> {
        self.raw.last_insert_id()
    }

    /// Runs a statement; its rows, if it has any, are to be read next.
    pub(crate) async fn execute(&mut self, text: &Text, values: Vec<Native>) -> Result<(), Failure> {
        let prepared = self.prepare(text).await;
        let statement = match prepared {
            Ok(statement) => statement,
            Err(Failure::Native(mysql_async::Error::Server(e))) if e.code == NOT_PREPARABLE && values.is_empty() => {
                return self.control(&text.sql).await;
            }
            Err(failure) => return Err(failure),
        };
        let wanted = usize::from(statement.num_params());
        if wanted != values.len() {
            return Err(Failure::Values { wanted, given: values.len() });
        }
        self.unread = true;
        let result = self.raw.exec_iter(statement, Params::Positional(values)).await;
        self.unread = match result {
            Ok(result) if result.is_empty() => {
                result.drop_result().await?;
                false
            }
            Ok(_) => true,
            Err(error) => {
                self.unread = false;
                return Err(error.into());
            }
        };
        Ok(())
    }

    async fn prepare(&mut self, text: &Text) -> Result<Statement, Failure> {
        self.uses += 1;
        if let Some(prepared) = self.statements.get_mut(&text.number) {
            prepared.used = self.uses;
            return Ok(prepared.statement.clone());
        }
        if self.statements.len() >= self.kept {
            let oldest = self.statements.iter().min_by_key(|(_, prepared)| prepared.used).map(|(&number, _)| number);
            if let Some(prepared) = oldest.and_then(|number| self.statements.remove(&number)) {
                self.raw.close(prepared.statement).await?;
            }
        }
        let statement = self.raw.prep(text.sql.as_str()).await?;
        self.statements.insert(text.number, Prepared { statement: statement.clone(), used: self.uses });
        Ok(statement)
    }

    /// Keeps the prepared statement no longer.
    pub(crate) async fn forget(&mut self, text: &Text) -> Result<(), Failure> {
        match self.statements.remove(&text.number) {
            Some(prepared) => Ok(self.raw.close(prepared.statement).await?),
            None => Ok(()),
        }
    }

    /// Runs one or more statements without values, and drops what rows they give.
    pub(crate) async fn control(&mut self, sql: &str) -> Result<(), Failure> {
        Ok(self.raw.query_drop(sql).await?)
    }

    /// Begins a transaction, and asks how far keys of one statement will be apart: programs and clusters change it.
    pub(crate) async fn begin_batch(&mut self) -> Result<(), Failure> {
        let text = "SELECT @@auto_increment_increment; START TRANSACTION";
        let increment: Option<i64> = self.raw.query(text).await?.pop();
        self.key_increment = increment.unwrap_or(1).max(1);
        Ok(())
    }

    /// Runs one statement without values, and gives its rows, whose cells are all text.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Vec<Row>, Failure> {
        self.unread = true;
        let rows = self.raw.query(sql).await;
        self.unread = false;
        Ok(rows?)
    }

    /// The connection itself.
    pub(crate) fn into_inner(self) -> Conn {
        self.raw
    }

    /// Asks whether the server is there, and in which state the connection is.
    pub(crate) async fn ping(&mut self) -> Result<(), Failure> {
        Ok(self.raw.ping().await?)
    }

    /// Hands the rows to the sink, until it has enough or fails.
    pub(crate) async fn deliver(&mut self, raw: bool, rows: &mut dyn RowSink) -> Result<Result<(), Failure>> {
        if !self.unread {
            return Ok(Ok(()));
        }
        let mut result = QueryResult::<BinaryProtocol>::new(&mut self.raw);
        if raw {
            let names: Vec<_> = result.columns_ref().iter().map(|column| column.name_str()).collect();
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            rows.columns(&names)?;
        }
        loop {
            match result.next().await {
                Ok(Some(row)) => {
                    if rows.row(&MysqlRow::new(&row))? == Flow::Stop {
                        return Ok(Ok(()));
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.unread = false;
                    return Ok(Err(error.into()));
                }
            }
        }
        Ok(self.read_rest().await)
    }

    /// The next row of the result.
    pub(crate) async fn next_row(&mut self) -> Result<Option<Row>, Failure> {
        if !self.unread {
            return Ok(None);
        }
        match QueryResult::<BinaryProtocol>::new(&mut self.raw).next().await {
            Ok(Some(row)) => Ok(Some(row)),
            Ok(None) => {
                self.read_rest().await?;
                Ok(None)
            }
            Err(error) => {
                self.unread = false;
                Err(error.into())
            }
        }
    }

    /// An empty page for the rows of a raw statement.
    pub(crate) fn empty_page(&mut self) -> Page {
        row::raw_page(QueryResult::<BinaryProtocol>::new(&mut self.raw).columns_ref())
    }

    /// The rows of a raw statement, all of them.
    pub(crate) async fn page(&mut self) -> Result<Result<Page, Failure>> {
        let mut page = self.empty_page();
        loop {
            match self.next_row().await {
                Ok(Some(row)) => row::fill_raw(&mut page, &MysqlRow::new(&row))?,
                Ok(None) => return Ok(Ok(page)),
                Err(failure) => return Ok(Err(failure)),
            }
        }
    }

    /// Reads what is left of the results, and drops it.
    pub(crate) async fn read_rest(&mut self) -> Result<(), Failure> {
        if self.unread {
            QueryResult::<BinaryProtocol>::new(&mut self.raw).drop_result().await?;
            self.unread = false;
        }
        Ok(())
    }

    /// The connection of the client library.
    pub(crate) fn into_raw(self) -> Conn {
        self.raw
    }

    /// Closes the connection without waiting for anything: what it has not read stays unread.
    pub(crate) fn close(self) {
        // The client library would read all rows first. It does not for a connection that it is disconnecting.
        let mut disconnecting = Box::pin(self.raw.disconnect());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = disconnecting.as_mut().poll(&mut context);
    }
}

/// What the client library knows holds the password.
impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A statement that can only be sent as text.
const NOT_PREPARABLE: u16 = 1295;

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("id", &self.id()).field("server", &self.server).finish_non_exhaustive()
    }
}
