//! Configuration: where the server is, and how it is used.

use std::fmt;
use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, SslOpts};
use thing_driver_api::Result;

use crate::error;

/// How to reach a server and how to treat it. Made by [`MysqlConfig::from_url`]; `Debug` hides the password.
#[derive(Clone)]
#[non_exhaustive]
pub struct MysqlConfig {
    opts: Opts,
    pub(crate) max_connections: usize,
    pub(crate) min_connections: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) pool_timeout: Duration,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) lock_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) statement_cache: usize,
    pub(crate) exact_text: bool,
    pub(crate) changes_from: ChangeSource,
    pub(crate) changes_interval: Duration,
    pub(crate) recorded: bool,
    tls: Option<Tls>,
}

/// Where a [feed of changes](thing_driver_api::Executor::changes) learns what others write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeSource {
    /// Triggers write each change into the table `thing_changes`, from which it is taken and deleted. Each row that others
    /// write costs them one more row.
    ///
    /// No trigger fires for `TRUNCATE`, for what a foreign key changes by a cascade, nor for rows that replication brings.
    /// It needs MySQL 8.0 or MariaDB 10.6, the privilege `TRIGGER`, and on MySQL with a binary log
    /// `log_bin_trust_function_creators = 1` or an administrator.
    #[default]
    Triggers,
    /// The server's binary log, which the feed reads as a replica does. Others write as fast as before. Every feed reads
    /// for itself, so that several processes may each be told everything. The writes of Thing itself are reported too.
    ///
    /// The server needs `log_bin`, `binlog_format = ROW` and `binlog_row_image = FULL`, the user the privileges
    /// `REPLICATION SLAVE` and `REPLICATION CLIENT` (in MariaDB `BINLOG MONITOR`). What a foreign key changes by a cascade
    /// is not in the log.
    Binlog,
}

#[derive(Clone, Default)]
struct Tls {
    /// Certificates of authorities in PEM; the public ones without.
    authorities: Vec<Vec<u8>>,
    /// Any certificate will do.
    unverified: bool,
}

impl MysqlConfig {
    /// A server by its address: `mysql://user:password@host:3306/database`, or `mariadb://`. Marks in the password are
    /// percent-encoded. Without a port it is 3306; a socket is named by `?socket=/run/mysqld/mysqld.sock`. TLS can be
    /// asked for by `?require_ssl=true`, too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) when the address is none, or names no
    /// database.
    pub fn from_url(url: impl AsRef<str>) -> Result<Self> {
        let url = url.as_ref();
        let rest = url.strip_prefix("mariadb://").or_else(|| url.strip_prefix("mysql://"));
        let Some(rest) = rest else {
            return Err(error::no_address("it begins with neither mysql:// nor mariadb://"));
        };
        let opts = Opts::from_url(&format!("mysql://{rest}")).map_err(error::address)?;
        if opts.db_name().is_none_or(str::is_empty) {
            return Err(error::no_address("it names no database"));
        }
        let tls = opts.ssl_opts().map(|_| Tls::default());
        Ok(Self {
            opts,
            max_connections: 16,
            min_connections: 0,
            connect_timeout: Duration::from_secs(5),
            pool_timeout: Duration::from_secs(5),
            statement_timeout: None,
            lock_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(600),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            statement_cache: 256,
            exact_text: false,
            changes_from: ChangeSource::default(),
            changes_interval: Duration::from_millis(100),
            recorded: false,
            tls,
        })
    }

    /// The most connections at a time, at least one; 16 without it. Each transaction and each stream holds one.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How many connections are opened when the executor connects, at least one; one without it.
    #[must_use]
    pub fn min_connections(mut self, connections: usize) -> Self {
        self.min_connections = connections;
        self
    }

    /// How long connecting may take, logging in included; 5 seconds without it. Beyond it the error is
    /// [`ErrorKind::Timeout`](thing_driver_api::ErrorKind::Timeout).
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long to wait for a connection when all are in use; 5 seconds without it. Beyond it the error is
    /// [`ErrorKind::Timeout`](thing_driver_api::ErrorKind::Timeout).
    #[must_use]
    pub fn pool_timeout(mut self, timeout: Duration) -> Self {
        self.pool_timeout = timeout;
        self
    }

    /// The longest time that the server works on one statement; without it the server's own setting holds, which usually
    /// is no limit. Streams and changes of the schema are not limited.
    ///
    /// MariaDB ends every statement and MySQL ends every SELECT; the error is
    /// [`ErrorKind::Timeout`](thing_driver_api::ErrorKind::Timeout) then, and the statement had no effect. When no answer
    /// comes at all the driver gives up a second later, and whether a write happened is not known.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = Some(timeout);
        self
    }

    /// How long a statement waits for a row or a table that another transaction holds, in whole seconds, at least one;
    /// 10 seconds without it. Beyond it the error is [`ErrorKind::Busy`](thing_driver_api::ErrorKind::Busy).
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long a connection may lie unused before it is closed; 10 minutes without it. It should be less than the
    /// server's `wait_timeout` and than what firewalls on the way allow.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// After which time a connection is not used again but replaced; 30 minutes without it, `None` for never.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// How many prepared statements each connection keeps, at least one; 256 without it. The server limits the sum over
    /// all connections (`max_prepared_stmt_count`).
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements.max(1);
        self
    }

    /// Declares that every text column which Thing reads compares by its bytes and minds trailing spaces, as those do that
    /// `sync` makes: the collation is `utf8mb4_nopad_bin` (MariaDB) or `utf8mb4_0900_bin` (MySQL). The executor then
    /// states [`Capability::ExactText`](thing_driver_api::Capability::ExactText) and
    /// [`Capability::OrderedText`](thing_driver_api::Capability::OrderedText), and cached lists by text stay in the cache
    /// when rows change that are not theirs.
    ///
    /// A wrong declaration makes cached lists wrong. `sync` checks it: columns with another collation then count as
    /// columns that hold no text.
    #[must_use]
    pub fn exact_text(mut self, exact: bool) -> Self {
        self.exact_text = exact;
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

    /// Asks for TLS, and connects to no server without it. The certificate has to be valid for the host and signed by a
    /// public authority, or by one of [`MysqlConfig::tls_root_certificate`].
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls.get_or_insert_default();
        self
    }

    /// Asks for TLS, and trusts this authority, in PEM, instead of the public ones. May be called for several.
    #[must_use]
    pub fn tls_root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.get_or_insert_default().authorities.push(pem.into());
        self
    }

    /// Whether the server's certificate is verified; it is without it. Unverified TLS hides what is said from who listens,
    /// but not from who pretends to be the server.
    #[must_use]
    pub fn tls_verification(mut self, verified: bool) -> Self {
        self.tls.get_or_insert_default().unverified = !verified;
        self
    }

    /// The name of the server, for messages.
    pub(crate) fn server(&self) -> String {
        match self.opts.socket() {
            Some(socket) => socket.to_owned(),
            None => format!("{}:{}", self.opts.ip_or_hostname(), self.opts.tcp_port()),
        }
    }

    pub(crate) fn host(&self) -> &str {
        self.opts.ip_or_hostname()
    }

    pub(crate) fn user(&self) -> &str {
        self.opts.user().unwrap_or_default()
    }

    pub(crate) fn database(&self) -> &str {
        self.opts.db_name().unwrap_or_default()
    }

    pub(crate) fn uses_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What the client library needs to know.
    pub(crate) fn native(&self) -> Opts {
        // The client asks the server for both unless it is told; the driver asks for what it needs itself.
        const LARGEST_PACKET: usize = 1 << 30;
        const NEVER: usize = 365 * 24 * 3600;
        let tls = self.tls.as_ref().map(|tls| {
            SslOpts::default()
                .with_disable_built_in_roots(!tls.authorities.is_empty())
                .with_root_certs(tls.authorities.iter().cloned().map(Into::into).collect())
                .with_danger_accept_invalid_certs(tls.unverified)
        });
        OptsBuilder::from_opts(self.opts.clone())
            .ssl_opts(tls)
            .prefer_socket(false)
            .client_found_rows(true)
            .stmt_cache_size(0)
            .max_allowed_packet(Some(LARGEST_PACKET))
            .wait_timeout(Some(NEVER))
            .tcp_keepalive(Some(Duration::from_secs(30)))
            .into()
    }
}

impl fmt::Debug for MysqlConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlConfig")
            .field("server", &self.server())
            .field("user", &self.user())
            .field("database", &self.database())
            .field("tls", &self.uses_tls())
            .field("max_connections", &self.max_connections)
            .field("min_connections", &self.min_connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("pool_timeout", &self.pool_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_lifetime", &self.max_lifetime)
            .field("statement_cache", &self.statement_cache)
            .field("exact_text", &self.exact_text)
            .field("changes_from", &self.changes_from)
            .field("changes_interval", &self.changes_interval)
            .field("recorded", &self.recorded)
            .finish_non_exhaustive()
    }
}
