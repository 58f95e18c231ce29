//! Databases: opened by the scheme of their URL, and asked in their own words.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod vendor;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use thing::driver::Executor;
use thing::{Db, DbBuilder};

pub(crate) use vendor::{Diagnosis, Explained, Finding, How, Server, Severity, TableSize, Vendor, numbers};

use crate::address::Address;
use crate::failure::{Failure, Result};

/// A database that is open.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) db: Db,
    pub(crate) address: Address,
    pub(crate) vendor: &'static dyn Vendor,
}

/// What a command is going to do with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It reads. Nothing of the database changes, its settings neither.
    Read,
    /// It reads, for a plan. A file that is not there counts as an empty database.
    Plan,
    /// It changes the database.
    Write,
}

/// Opens a database whose URL begins with a scheme.
#[derive(Clone)]
pub(crate) struct Driver {
    pub(crate) scheme: String,
    pub(crate) open: Open,
}

pub(crate) type Open = Arc<dyn Fn(String) -> Opening + Send + Sync>;
pub(crate) type Opening = Pin<Box<dyn Future<Output = thing::Result<Arc<dyn Executor>>> + Send>>;

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens the database of an address.
    #[cfg_attr(not(feature = "sqlite"), allow(unused_variables, reason = "servers open alike for all that follows"))]
    pub(crate) async fn open(
        address: &Address,
        cache: Option<&Address>,
        access: Access,
        drivers: &[Driver],
    ) -> Result<Self> {
        // Who only reads has nothing to tell a cache.
        let cache = cache.filter(|_| access == Access::Write);
        if let Some(driver) = drivers.iter().find(|driver| driver.scheme == address.scheme()) {
            let executor = (driver.open)(address.url().to_owned()).await?;
            return Self::of(executor, address, cache, &vendor::Unknown).await;
        }
        if !address.url().contains(':') {
            let own = schemes(drivers).join(", ");
            return Err(Failure::usage(format!("the database is named by a URL that begins with one of {own}")));
        }
        match address.scheme() {
            #[cfg(feature = "sqlite")]
            "sqlite" => Self::of(sqlite::open(address, access).await?, address, cache, &sqlite::Sqlite).await,
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                Self::of(postgres::open(address.url()).await?, address, cache, &postgres::Postgres).await
            }
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => Self::of(mysql::open(address.url()).await?, address, cache, &mysql::Mysql).await,
            other => Err(Failure::usage(format!(
                "no driver for a database at `{other}:`; this program reaches {}",
                schemes(drivers).join(", ")
            ))),
        }
    }

    async fn of(
        executor: impl Executor,
        address: &Address,
        cache: Option<&Address>,
        vendor: &'static dyn Vendor,
    ) -> Result<Self> {
        let db = Db::builder(executor);
        let db = match cache {
            Some(cache) => told(db, cache).await?,
            None => db,
        };
        Ok(Self { db: db.build(), address: address.clone(), vendor })
    }

    pub(crate) fn executor(&self) -> &dyn Executor {
        self.db.executor()
    }

    /// The name of its dialect.
    pub(crate) fn dialect(&self) -> Result<&'static str> {
        let dialect = self.executor().dialect().ok_or_else(|| Failure::new("this database has no SQL"))?;
        Ok(dialect.name())
    }

    /// The name in the quotation marks of the database.
    pub(crate) fn quoted(&self, name: &str) -> Result<String> {
        let dialect = self.executor().dialect().ok_or_else(|| Failure::new("this database has no SQL"))?;
        let mut quoted = String::new();
        dialect.identifier(name, &mut quoted);
        Ok(quoted)
    }
}

/// The database with its cache, which is told of what changes.
#[cfg(feature = "redis")]
async fn told(db: DbBuilder, cache: &Address) -> Result<DbBuilder> {
    let client = thing_cache_redis::RedisCache::open(cache.url()).await;
    let client = client.map_err(|error| Failure::from(error).map(|message| cache.hide_in(message)))?;
    Ok(db.cache(client))
}

#[cfg(not(feature = "redis"))]
async fn told(_: DbBuilder, _: &Address) -> Result<DbBuilder> {
    Err(Failure::usage(
        "this program reaches no cache, and so can't tell it of changes; build thing-cli with the feature `redis`",
    ))
}

/// What URLs may begin with.
fn schemes(drivers: &[Driver]) -> Vec<String> {
    let own = [
        (cfg!(feature = "sqlite"), "sqlite:"),
        (cfg!(feature = "postgres"), "postgres://"),
        (cfg!(feature = "mysql"), "mysql://"),
    ];
    let own = own.iter().filter(|(built, _)| *built).map(|(_, scheme)| (*scheme).to_owned());
    own.chain(drivers.iter().map(|driver| format!("{}:", driver.scheme))).collect()
}
