//! Migrations: run with the cache informed of what they change.

use std::fmt;

use thing_driver_api::{Error, Result, TableId, async_trait};
use thing_migrate::{Guard, Migrations, Migrator, Version, Work};

use crate::cache::{Announced, Quarantine, Tags};
use crate::{Coherence, Db};

impl Db {
    /// Runs all migrations that are pending, and tells which versions it ran: `self.migrator(migrations).up()`.
    ///
    /// ```text
    /// db.migrate(&thing::migrations!("migrations")?).await?;
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Migrator::run`], and as [`Db::migrator`].
    pub async fn migrate(&self, migrations: &Migrations) -> Result<Vec<Version>> {
        self.migrator(migrations).up().await
    }

    /// What can be done with migrations and this database. What is cached of the tables that they change, in this process
    /// and others, is forgotten as of the moment when they take effect.
    ///
    /// Running a migration is refused with [`ErrorKind::Cache`](crate::ErrorKind::Cache) while the cache can't be told,
    /// also where writes may [owe](crate::CacheOutage::Debt) it.
    pub fn migrator<'a>(&'a self, migrations: &'a Migrations) -> Migrator<'a> {
        let migrator = Migrator::new(self.executor(), migrations);
        if self.cache().is_some() { migrator.guard(CacheGuard { db: self }) } else { migrator }
    }
}

/// Closes the tables while a migration commits.
struct CacheGuard<'a> {
    db: &'a Db,
}

#[async_trait]
impl Guard for CacheGuard<'_> {
    async fn around(&self, tables: &[String], work: Work<'_>) -> Result<()> {
        let Some(cache) = self.db.cache() else { return work.await };
        let mut tags = Tags::default();
        tags.add_tables(tables.iter().map(|table| TableId::of(table)).collect());
        let Announced::Closed(quarantine) = Quarantine::close(self.db, cache, tags, Coherence::Strict).await? else {
            return Err(Error::cache("the migration was refused because the cache could not be told of it"));
        };
        let done = quarantine.during(work).await;
        match &done {
            Ok(()) => quarantine.release_unlisted().await,
            Err(error) => quarantine.fail(error).await,
        }
        done
    }
}

impl fmt::Debug for CacheGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheGuard").finish_non_exhaustive()
    }
}
