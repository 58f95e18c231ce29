//! Configuration: where the database is, and how SQLite treats it.

pub(crate) mod url;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thing_driver_api::Result;

/// How to open a database.
///
/// A file database is always in WAL mode (unless it is opened read-only, then it stays as it is): readers and the writer
/// don't wait for each other.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteConfig {
    pub(crate) place: Place,
    pub(crate) readers: usize,
    pub(crate) synchronous: Synchronous,
    pub(crate) busy_timeout: Duration,
    pub(crate) cache_size: u32,
    pub(crate) foreign_keys: bool,
    pub(crate) read_only: bool,
    pub(crate) create_if_missing: bool,
    pub(crate) statement_cache: usize,
    pub(crate) max_pages: Option<u32>,
    pub(crate) changes_interval: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Memory,
}

/// When SQLite waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Synchronous {
    /// Never. A power failure can damage the database; a crash of the program alone can't.
    Off,
    /// At checkpoints. A power failure can undo the last transactions but damages nothing; a crash of the program alone
    /// loses nothing.
    #[default]
    Normal,
    /// At every commit. A committed transaction survives a power failure.
    Full,
}

impl Synchronous {
    pub(crate) fn pragma(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Normal => "NORMAL",
            Self::Full => "FULL",
        }
    }
}

impl SqliteConfig {
    /// A database in a file. `:memory:` is [`SqliteConfig::memory`].
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        if path == Path::new(":memory:") {
            return Self::memory();
        }
        Self::new(Place::File(path.to_owned()))
    }

    /// A database in memory, which ends with its executor.
    pub fn memory() -> Self {
        Self::new(Place::Memory)
    }

    /// Reads a URL: `sqlite:path?parameter=value`. A path may begin with `//`, which means nothing: the path of
    /// `sqlite://app.db` is relative and that of `sqlite:///var/app.db` absolute. Signs that mean something in a URL are
    /// written as `%20` and the like. `sqlite::memory:` is [`SqliteConfig::memory`].
    ///
    /// | parameter | means |
    /// |---|---|
    /// | `mode=ro` | [`read_only`](Self::read_only) |
    /// | `mode=rw` | not [`create_if_missing`](Self::create_if_missing) |
    /// | `mode=rwc` | what holds without it: the file is created if there is none |
    /// | `mode=memory` | [`SqliteConfig::memory`], whatever the path |
    /// | `busy_timeout` | [`busy_timeout`](Self::busy_timeout) in milliseconds |
    /// | `changes_interval` | [`changes_interval`](Self::changes_interval) in milliseconds |
    /// | `synchronous` | [`synchronous`](Self::synchronous): `off`, `normal`, `full` |
    /// | `foreign_keys` | [`foreign_keys`](Self::foreign_keys): `true`, `false` |
    /// | `readers`, `cache_size`, `statement_cache`, `max_pages` | the methods of the same names |
    ///
    /// ```
    /// use thing_driver_sqlite::SqliteConfig;
    ///
    /// let config = SqliteConfig::from_url("sqlite:///var/lib/shop.db?mode=rw&synchronous=full&busy_timeout=2000")?;
    /// # Ok::<(), thing_driver_api::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming the parameter that is unknown, or
    /// whose value is.
    pub fn from_url(url: &str) -> Result<Self> {
        url::parse(url)
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            readers: std::thread::available_parallelism().map_or(4, NonZero::get).max(4),
            synchronous: Synchronous::default(),
            busy_timeout: Duration::from_secs(5),
            cache_size: 16 << 20,
            foreign_keys: true,
            read_only: false,
            create_if_missing: true,
            statement_cache: 128,
            max_pages: None,
            changes_interval: Duration::from_millis(20),
        }
    }

    /// The most connections that read at the same time, at least one. Without it the number of processors, but no less
    /// than 4. Long reads have as many connections of their own. A database in memory has one connection for everything.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// When to wait for the disk (`PRAGMA synchronous`); [`Synchronous::Normal`] without it.
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How long to wait for a lock that another process holds, or for a transaction of this program that keeps the writer
    /// (in memory: the connection); 5 seconds without it. The wait blocks no runtime thread.
    /// Longer than 24 days counts as 24 days.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(Duration::from_millis(i32::MAX as u64));
        self
    }

    /// The bytes of pages that each connection keeps in memory (`PRAGMA cache_size`); 16 MiB without it.
    #[must_use]
    pub fn cache_size(mut self, bytes: u32) -> Self {
        self.cache_size = bytes;
        self
    }

    /// Whether foreign keys are enforced (`PRAGMA foreign_keys`); they are without it.
    #[must_use]
    pub fn foreign_keys(mut self, enforced: bool) -> Self {
        self.foreign_keys = enforced;
        self
    }

    /// Whether to open the file for reading only; every write then fails with
    /// [`ErrorKind::ReadOnly`](thing_driver_api::ErrorKind::ReadOnly). The journal mode stays as it is.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Whether a file that does not exist is created; it is without it. Folders are never created.
    #[must_use]
    pub fn create_if_missing(mut self, create: bool) -> Self {
        self.create_if_missing = create;
        self
    }

    /// How many prepared statements each connection keeps; 128 without it.
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements;
        self
    }

    /// The most pages that the database may grow to (`PRAGMA max_page_count`); beyond it a write fails with
    /// [`ErrorKind::StorageFull`](thing_driver_api::ErrorKind::StorageFull). Without it SQLite's own limit holds.
    #[must_use]
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.max_pages = Some(pages);
        self
    }

    /// How often a feed of changes looks whether others wrote (`PRAGMA data_version`); every 20 ms without it. A look takes
    /// the writer for some microseconds.
    #[must_use]
    pub fn changes_interval(mut self, interval: Duration) -> Self {
        self.changes_interval = interval;
        self
    }

    pub(crate) fn in_memory(&self) -> bool {
        matches!(self.place, Place::Memory)
    }
}
