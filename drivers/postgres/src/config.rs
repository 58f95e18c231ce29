//! Configuration: where the server is, and how the driver uses it.

mod url;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thing_driver_api::Result;

/// How to reach a server, and how many connections to use.
///
/// ```
/// use std::time::Duration;
/// use thing_driver_postgres::PostgresConfig;
///
/// let config = PostgresConfig::from_url("postgres://app:secret@db.example.com/shop?sslmode=verify-full")?
///     .max_connections(20)
///     .statement_timeout(Duration::from_secs(10));
/// # Ok::<(), thing_driver_api::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresConfig {
    pub(crate) server: tokio_postgres::Config,
    pub(crate) encryption: Encryption,
    pub(crate) root_certificate: Option<PathBuf>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) max_connections: usize,
    pub(crate) reader_connections: usize,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) connect_timeout: Duration,
    pub(crate) pool_timeout: Duration,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) statement_cache: usize,
    pub(crate) bytewise_text: bool,
    pub(crate) changes_from: ChangeSource,
    pub(crate) changes_interval: Duration,
    pub(crate) recorded: bool,
}

/// Where a [feed of changes](thing_driver_api::Executor::changes) learns what others write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeSource {
    /// Triggers write each change into the table `thing_changes`, from which it is taken and deleted. Every server has
    /// them; each row that others write costs them one more row.
    #[default]
    Triggers,
    /// A replication slot, which reads the server's write-ahead log (logical decoding, plugin `pgoutput`). Others write as
    /// fast as before. The server needs `wal_level = logical` and a free slot (`max_replication_slots`), the user the
    /// attribute `REPLICATION` and the tables as their owner. The writes of Thing itself are reported too.
    ///
    /// **A slot that nobody reads keeps the whole log until the disk is full.** Drop it with
    /// [`forget_changes`](thing_driver_api::Schema::forget_changes), and set `max_slot_wal_keep_size`.
    LogicalSlot {
        /// The name of the slot and of the publication, unique on the server: small letters, digits and underscores.
        name: String,
    },
}

/// Whether the connection is encrypted, and what is verified: the `sslmode` of PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// `disable`: plain text.
    Disable,
    /// `prefer`: encrypted where the server can. Nothing is verified, so that somebody between the two can read and
    /// change everything, or switch encryption off.
    #[default]
    Prefer,
    /// `require`: encrypted. Without a root certificate nothing is verified, so that somebody between the two can read
    /// and change everything; with one this is [`Encryption::VerifyCa`].
    Require,
    /// `verify-ca`: encrypted, and the server's certificate is signed by a trusted authority. Any host with such a
    /// certificate can stand in for the server.
    VerifyCa,
    /// `verify-full`: encrypted, and the server's certificate is signed by a trusted authority for this very host name.
    VerifyFull,
}

impl PostgresConfig {
    /// Reads a URL: `postgres://user:password@host:port/database?parameter=value`, or `postgresql://`. Signs that mean
    /// something in a URL are percent-encoded.
    ///
    /// Parameters: `sslmode` ([`Encryption`]), `sslrootcert` (a PEM file, or `system`), `application_name`,
    /// `search_path`, `options` (`-c name=value`), `connect_timeout` (seconds), `host` (a folder of a Unix socket),
    /// `target_session_attrs`, `channel_binding`, `keepalives` and others of PostgreSQL's own that the client library
    /// knows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) saying what is wrong. The message holds no
    /// password.
    pub fn from_url(url: &str) -> Result<Self> {
        url::parse(url)
    }

    fn new(server: tokio_postgres::Config) -> Self {
        Self {
            server,
            encryption: Encryption::default(),
            root_certificate: None,
            settings: Vec::new(),
            max_connections: 16,
            reader_connections: 2,
            statement_timeout: None,
            connect_timeout: Duration::from_secs(10),
            pool_timeout: Duration::from_secs(10),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            statement_cache: 256,
            bytewise_text: false,
            changes_from: ChangeSource::default(),
            changes_interval: Duration::from_millis(100),
            recorded: false,
        }
    }

    /// The most connections that one statement, transaction or stream each has to itself, at least one; 16 without it.
    /// The reader connections come on top.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How many connections many reads share at the same time; 2 without it. With 0 every read has a connection to
    /// itself.
    #[must_use]
    pub fn reader_connections(mut self, connections: usize) -> Self {
        self.reader_connections = connections;
        self
    }

    /// The longest time that the server works on one statement (`statement_timeout`); then it fails with
    /// [`ErrorKind::Timeout`](thing_driver_api::ErrorKind::Timeout) without effect. When no answer comes at all the
    /// driver gives up two seconds later. Without it the server's own setting holds, which usually is no limit.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = Some(timeout);
        self
    }

    /// How long a connection may take to be opened; 10 seconds without it.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long to wait while all connections are in use; 10 seconds without it.
    #[must_use]
    pub fn pool_timeout(mut self, timeout: Duration) -> Self {
        self.pool_timeout = timeout;
        self
    }

    /// After which time a connection is not used again but replaced; 30 minutes without it, `None` for never.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// How many prepared statements each connection keeps; 256 without it.
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements.max(1);
        self
    }

    /// Whether the connection is encrypted, and what is verified.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// The file with the certificates of trusted authorities (PEM). Without it `verify-ca` and `verify-full` trust those
    /// that the system trusts.
    #[must_use]
    pub fn root_certificate(mut self, file: impl AsRef<Path>) -> Self {
        self.root_certificate = Some(file.as_ref().to_owned());
        self
    }

    /// The name under which the server lists the connections.
    #[must_use]
    pub fn application_name(mut self, name: &str) -> Self {
        self.server.application_name(name);
        self
    }

    /// The schemas in which tables are looked for and made (`search_path`), as in SQL: `shop, public`.
    #[must_use]
    pub fn search_path(self, schemas: &str) -> Self {
        self.setting("search_path", schemas)
    }

    /// A setting of the server for every connection, such as `lock_timeout`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says that every text column of the models orders by its bytes: those that `sync` makes do, and others with the
    /// collation `C`. The driver then states
    /// [`Capability::OrderedText`](thing_driver_api::Capability::OrderedText), and lists in the order of text are kept
    /// in a cache more precisely. Said wrongly, cached lists become wrong; `sync` refuses columns of another collation.
    #[must_use]
    pub fn bytewise_text(mut self, bytewise: bool) -> Self {
        self.bytewise_text = bytewise;
        self
    }

    /// Where a feed of changes learns what others write; triggers without it. All programs that follow the same tables
    /// say the same.
    #[must_use]
    pub fn changes_from(mut self, source: ChangeSource) -> Self {
        self.changes_from = source;
        self
    }

    /// How often a feed of changes looks for what others wrote; every 100 ms without it.
    #[must_use]
    pub fn changes_interval(mut self, interval: Duration) -> Self {
        self.changes_interval = interval;
        self
    }

    /// Whether what this executor writes is recorded by [`ChangeSource::Triggers`] like the writes of others; it is not
    /// without it, because these writes reach the cache by themselves. For a program that uses the database with another
    /// cache, or with none.
    #[must_use]
    pub fn recorded(mut self, recorded: bool) -> Self {
        self.recorded = recorded;
        self
    }

    /// The configuration of the client library, complete.
    pub(crate) fn client(&self) -> tokio_postgres::Config {
        let mut server = self.server.clone();
        server.ssl_mode(match self.encryption {
            Encryption::Disable => tokio_postgres::config::SslMode::Disable,
            Encryption::Prefer => tokio_postgres::config::SslMode::Prefer,
            _ => tokio_postgres::config::SslMode::Require,
        });
        let mut options = server.get_options().unwrap_or_default().to_owned();
        let mut set = |name: &str, value: &str| {
            options.push_str(" -c ");
            options.push_str(name);
            options.push('=');
            // A space ends a value unless it is escaped.
            for c in value.chars() {
                if c == '\\' || c.is_whitespace() {
                    options.push('\\');
                }
                options.push(c);
            }
        };
        if let Some(timeout) = self.statement_timeout {
            set("statement_timeout", &timeout.as_millis().clamp(1, i32::MAX as u128).to_string());
        }
        self.settings.iter().for_each(|(name, value)| set(name, value));
        if !options.is_empty() {
            server.options(options.trim_start());
        }
        server.connect_timeout(self.connect_timeout);
        server
    }

    /// Where the server is, for messages.
    pub(crate) fn place(&self) -> String {
        let ports = self.server.get_ports();
        let hosts = self.server.get_hosts().iter().enumerate().map(|(at, host)| {
            let port = ports.get(at).or(ports.first()).unwrap_or(&5432);
            match host {
                tokio_postgres::config::Host::Tcp(host) => format!("{host}:{port}"),
                #[cfg(unix)]
                tokio_postgres::config::Host::Unix(folder) => folder.display().to_string(),
            }
        });
        hosts.collect::<Vec<_>>().join(", ")
    }
}

/// Shows no password.
impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("host", &self.place())
            .field("user", &self.server.get_user())
            .field("database", &self.server.get_dbname())
            .field("encryption", &self.encryption)
            .field("root_certificate", &self.root_certificate)
            .field("settings", &self.settings)
            .field("max_connections", &self.max_connections)
            .field("reader_connections", &self.reader_connections)
            .field("statement_timeout", &self.statement_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("pool_timeout", &self.pool_timeout)
            .field("max_lifetime", &self.max_lifetime)
            .field("statement_cache", &self.statement_cache)
            .field("bytewise_text", &self.bytewise_text)
            .field("changes_from", &self.changes_from)
            .field("changes_interval", &self.changes_interval)
            .field("recorded", &self.recorded)
            .finish_non_exhaustive()
    }
}
