//! The feed of a replication slot: what the write-ahead log says, looked at, told, and left behind.
//!
//! The log is read by functions of SQL. Each look reads it anew from where the slot stands, and what was told is left
//! behind by advancing the slot. One feed of several reads at a time; another takes over when its session ends.

mod observer;
mod pgoutput;
mod snapshot;

use thing_driver_api::{ConstraintKind, Error, ErrorKind, Result, Table};
use tokio_postgres::types::ToSql;

use super::patiently;
use super::place::{Place, identifier, text};
use crate::connection::Connection;
use crate::error;
use crate::executor::PostgresExecutor;

pub(super) use observer::SlotObserver;

/// The plugin that comes with every server.
const PLUGIN: &str = "pgoutput";

/// How often something is tried that another program may do at the same moment.
const ATTEMPTS: usize = 5;

pub(super) async fn create(executor: &PostgresExecutor, name: &str, tables: &[&Table]) -> Result<()> {
    check_name(name)?;
    let connection = executor.database.pool.open().await?;
    check_server(&connection).await?;
    for attempt in 1.. {
        // The slot comes last: it can't read what was logged before there was a publication.
        match publish(executor, &connection, name, tables).await {
            Ok(()) => break,
            Err(error) if attempt < ATTEMPTS && is_there_now(&error) => {}
            Err(error) => return Err(error),
        }
    }
    if has_slot(&connection, name).await? {
        return Ok(());
    }
    const CREATE: &str = "SELECT pg_catalog.pg_create_logical_replication_slot($1::text::name, $2::text::name)::text";
    // It waits for all transactions that are under way, so that there is no limit.
    let parameters: [&(dyn ToSql + Sync); 2] = [&name, &PLUGIN];
    match connection.client().query_one(CREATE, &parameters).await {
        Ok(_) => Ok(()),
        Err(_) if has_slot(&connection, name).await? => Ok(()),
        Err(error) => Err(error::slot(error, name)),
    }
}

pub(super) async fn drop(executor: &PostgresExecutor, name: &str, tables: &[&Table]) -> Result<()> {
    check_name(name)?;
    let connection = executor.database.pool.open().await?;
    let mut published = published(&connection, name).await?;
    let mut texts = Vec::new();
    for table in tables {
        let Some(place) = Place::find(&connection, table).await? else { continue };
        let Some(at) = published.iter().position(|other| *other == place) else { continue };
        published.remove(at);
        texts.push(format!("ALTER PUBLICATION {} DROP TABLE {}", identifier(name), place.quoted()));
        texts.push(format!("ALTER TABLE {} REPLICA IDENTITY DEFAULT", place.quoted()));
    }
    if published.is_empty() {
        texts.push(format!("DROP PUBLICATION IF EXISTS {}", identifier(name)));
        drop_slot(&connection, name).await?;
    }
    executor.change(&texts).await
}

/// Another program made the same since it was looked for. Who waited for its commit is told so by an index of the catalog.
fn is_there_now(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Schema => true,
        ErrorKind::Constraint(violated) => violated.kind == ConstraintKind::Unique,
        _ => false,
    }
}

/// Drops the slot, if it is there. A feed may be reading from it for a moment.
async fn drop_slot(connection: &Connection, name: &str) -> Result<()> {
    const DROP: &str = "\
        SELECT pg_catalog.pg_drop_replication_slot(slot_name) IS NULL FROM pg_catalog.pg_replication_slots \
        WHERE slot_name = $1::text";
    for attempt in 1.. {
        match patiently(connection.client().query(DROP, &[&name])).await {
            Err(error) if attempt < 10 * ATTEMPTS && *error.kind() == ErrorKind::Busy => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            result => return result.map(std::mem::drop),
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > 63 || !name.bytes().all(fits) {
        return Err(error::slot_name(name));
    }
    Ok(())
}

async fn check_server(connection: &Connection) -> Result<()> {
    const SERVER: &str = "\
        SELECT pg_catalog.current_setting('wal_level') = 'logical', \
        (SELECT rolsuper OR rolreplication FROM pg_catalog.pg_roles WHERE rolname = current_user), \
        current_user::text";
    let row = patiently(connection.client().query_one(SERVER, &[])).await?;
    if !row.get::<_, bool>(0) {
        let said = "the server does not log what a replication slot needs; \
                    set wal_level = logical and restart it, or take changes from triggers";
        return Err(error::not_recordable(said.to_owned()));
    }
    if !row.get::<_, bool>(1) {
        let user: String = row.get(2);
        let said = format!(
            "the user `{user}` may not make replication slots; \
             run ALTER ROLE {} REPLICATION as an administrator, or take changes from triggers",
            identifier(&user)
        );
        return Err(error::not_recordable(said));
    }
    Ok(())
}

/// Publishes the tables with their rows before each change.
async fn publish(executor: &PostgresExecutor, connection: &Connection, name: &str, tables: &[&Table]) -> Result<()> {
    let published = published(connection, name).await?;
    let mut texts = Vec::new();
    if !has_publication(connection, name).await? {
        // Of a partitioned table changes are those of the whole, by whatever partition they went.
        texts.push(format!("CREATE PUBLICATION {} WITH (publish_via_partition_root = true)", identifier(name)));
    }
    for table in tables {
        let place = Place::of(connection, table).await?;
        if !published.contains(&place) {
            texts.push(format!("ALTER PUBLICATION {} ADD TABLE {}", identifier(name), place.quoted()));
        }
        if !has_full_identity(connection, &place).await? {
            texts.push(format!("ALTER TABLE {} REPLICA IDENTITY FULL", place.quoted()));
        }
    }
    if texts.is_empty() { Ok(()) } else { executor.change(&texts).await }
}

/// The tables of the publication.
async fn published(connection: &Connection, name: &str) -> Result<Vec<Place>> {
    const TABLES: &str = "\
        SELECT schemaname::text, tablename::text FROM pg_catalog.pg_publication_tables WHERE pubname = $1::text";
    let rows = patiently(connection.client().query(TABLES, &[&name])).await?;
    Ok(rows.iter().map(|row| Place { schema: row.get(0), name: row.get(1) }).collect())
}

async fn has_publication(connection: &Connection, name: &str) -> Result<bool> {
    const PUBLICATIONS: &str = "SELECT count(*) FROM pg_catalog.pg_publication WHERE pubname = $1::text";
    let row = patiently(connection.client().query_one(PUBLICATIONS, &[&name])).await?;
    Ok(row.get::<_, i64>(0) > 0)
}

async fn has_full_identity(connection: &Connection, place: &Place) -> Result<bool> {
    let identity = format!(
        "SELECT relreplident = 'f' FROM pg_catalog.pg_class WHERE oid = {}::pg_catalog.regclass",
        text(&place.quoted())
    );
    let row = patiently(connection.client().query_one(&identity, &[])).await?;
    Ok(row.get(0))
}

/// Whether the slot is there, in this database and with the plugin that the driver reads.
async fn has_slot(connection: &Connection, name: &str) -> Result<bool> {
    const SLOTS: &str = "\
        SELECT coalesce(plugin = $2::text AND database = pg_catalog.current_database(), false) \
        FROM pg_catalog.pg_replication_slots WHERE slot_name = $1::text";
    let parameters: [&(dyn ToSql + Sync); 2] = [&name, &PLUGIN];
    match patiently(connection.client().query_opt(SLOTS, &parameters)).await? {
        None => Ok(false),
        Some(row) if row.get(0) => Ok(true),
        Some(_) => Err(error::foreign_slot(name)),
    }
}
