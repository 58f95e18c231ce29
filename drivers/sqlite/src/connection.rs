//! Connections: opened and set up in one place.

use std::cell::Cell;
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use thing_driver_api::{Decimal, Result};

use crate::config::{Place, SqliteConfig};
use crate::error;
use crate::pool::Pooled;
use crate::watch::Watch;

/// A connection with its watch.
pub(crate) struct Connection {
    pub(crate) raw: rusqlite::Connection,
    pub(crate) watch: Arc<Watch>,
    /// The version of the data when it was last asked for; it changes when others commit.
    pub(crate) data_version: Cell<Option<i64>>,
    /// What makes the connection as it was, for who uses it next.
    pub(crate) restore: Cell<Option<&'static str>>,
}

/// The collation of decimal columns, by the name that SQLite's decimal extension gives it.
const DECIMAL_COLLATION: &str = "decimal";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Reads and writes. The only one that may create the file.
    Writer,
    /// Reads; refuses to write.
    Reader,
}

thread_local! {
    // SQLite tells the size of the log to a function without state, on the thread that commits.
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };
}

impl Connection {
    /// Opens a connection. Blocks: the caller is not on a runtime thread.
    pub(crate) fn open(config: &SqliteConfig, role: Role) -> Result<Self> {
        let raw = match &config.place {
            Place::Memory => rusqlite::Connection::open_in_memory().map_err(|e| error::translate(e, None))?,
            Place::File(path) => open_file(path, config, role)?,
        };
        set_up(&raw, config, role).map_err(|e| error::opening(e, config))?;
        let watch = Watch::set(&raw).map_err(|e| error::opening(e, config))?;
        Ok(Self { raw, watch, data_version: Cell::new(None), restore: Cell::new(None) })
    }

    /// Lets the connection wait for locks of other processes while `work` runs. Blocks.
    pub(crate) fn waiting<T>(raw: &rusqlite::Connection, timeout: Duration, work: impl FnOnce() -> T) -> T {
        // Setting the handler can't fail on an open connection.
        let _ = raw.busy_timeout(timeout);
        let result = work();
        let _ = raw.busy_timeout(Duration::ZERO);
        result
    }
}

/// The pages in the write-ahead log after the last commit on this thread, once.
pub(crate) fn take_log_pages() -> i32 {
    LOG_PAGES.take()
}

impl Pooled for Connection {
    fn clean(&mut self) -> bool {
        self.watch.rest();
        if !self.raw.is_autocommit() {
            // A failed ROLLBACK may still have ended the transaction.
            let _ = self.raw.execute_batch("ROLLBACK");
        }
        let restored = self.restore.take().is_none_or(|text| self.raw.execute_batch(text).is_ok());
        self.raw.is_autocommit() && restored
    }
}

/// Compares the text of decimal numbers by their values, as SQLite's own decimal extension does under this name. What is
/// no number comes last.
fn compare_decimals(a: &str, b: &str) -> Ordering {
    match (a.parse::<Decimal>(), b.parse::<Decimal>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

fn open_file(path: &Path, config: &SqliteConfig, role: Role) -> Result<rusqlite::Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    flags |= if config.read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    if role == Role::Writer && config.create_if_missing && !config.read_only {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    // SQLite is built to take such names for URIs; here a path is a path.
    let plain = if path.to_string_lossy().starts_with("file:") { Path::new(".").join(path) } else { path.to_owned() };
    rusqlite::Connection::open_with_flags(plain, flags).map_err(|e| error::opening(e, config))
}

fn set_up(raw: &rusqlite::Connection, config: &SqliteConfig, role: Role) -> rusqlite::Result<()> {
    Connection::waiting(raw, config.busy_timeout, || {
        raw.set_prepared_statement_cache_capacity(config.statement_cache);
        // Otherwise a quoted name of a column that does not exist would be taken for text.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        raw.create_collation(DECIMAL_COLLATION, compare_decimals)?;
        if !config.in_memory() && !config.read_only && role == Role::Writer {
            raw.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            // Checkpoints wait for the disk; the writer thread makes them.
            raw.wal_hook(Some(|_, pages| {
                LOG_PAGES.set(pages);
                Ok(())
            }));
        } else {
            // Opening is lazy; this finds a file that is no database.
            raw.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
        }
        raw.execute_batch(&format!(
            "PRAGMA synchronous = {}; PRAGMA cache_size = -{}; PRAGMA foreign_keys = {}; PRAGMA case_sensitive_like = ON;",
            config.synchronous.pragma(),
            config.cache_size.div_ceil(1024).max(1),
            if config.foreign_keys { "ON" } else { "OFF" },
        ))?;
        if let Some(pages) = config.max_pages {
            raw.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        }
        if role == Role::Reader {
            raw.execute_batch("PRAGMA query_only = ON")?;
        }
        Ok(())
    })
}
