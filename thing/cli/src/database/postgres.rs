//! PostgreSQL in its own words.

use serde_json::{Value as Json, json};
use thing::driver::{Executor, async_trait};
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};

use super::{Diagnosis, Explained, How, Server, Severity, TableSize, Vendor, numbers};
use crate::failure::{Failure, Result};
use crate::rows::Rows;

pub(super) async fn open(url: &str) -> Result<PostgresExecutor> {
    let mut config = PostgresConfig::from_url(url)?.max_connections(2).reader_connections(1);
    if !url.contains("application_name=") {
        config = config.application_name("thing");
    }
    Ok(PostgresExecutor::connect(config).await?)
}

#[derive(Debug)]
pub(super) struct Postgres;

#[async_trait]
impl Vendor for Postgres {
    async fn server(&self, executor: &dyn Executor) -> Result<Server> {
        let version = Rows::one_text(executor, "SELECT current_setting('server_version')").await?;
        let database = Rows::one_text(executor, "SELECT current_database()::text").await?;
        Ok(Server { product: "PostgreSQL".to_owned(), version, database })
    }

    async fn sizes(&self, executor: &dyn Executor) -> Result<Vec<TableSize>> {
        const TABLES: &str = "SELECT c.relname::text, c.reltuples::int8, pg_total_relation_size(c.oid) FROM pg_class c \
                              WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition \
                              AND c.relnamespace = to_regnamespace(quote_ident(current_schema())) \
                              ORDER BY c.relname COLLATE \"C\"";
        let tables = Rows::read(executor, TABLES, &[]).await?;
        let size = |row: &Vec<crate::rows::Cell>| {
            let number = |at: usize| row.get(at)?.integer().and_then(|number| u64::try_from(number).ok());
            Some(TableSize { name: row.first()?.text(), estimate: number(1), bytes: number(2) })
        };
        Ok(tables.rows.iter().filter_map(size).collect())
    }

    /// The parentheses keep a statement that begins with ANALYZE from being run.
    fn explain(&self, sql: &str, how: How, _: &Server) -> Result<String> {
        let format = if how.json { "FORMAT JSON" } else { "FORMAT TEXT" };
        let analyze = if how.analyze { ", ANALYZE, BUFFERS" } else { "" };
        Ok(format!("EXPLAIN ({format}{analyze}) {sql}"))
    }

    fn text_of(&self, column: &str) -> String {
        format!("{column}::text")
    }

    fn explained(&self, rows: &Rows, how: How) -> Result<Explained> {
        let lines: Vec<String> = rows.texts().into_iter().filter_map(|row| row.into_iter().next()).collect();
        if !how.json {
            let scanned = lines.iter().filter_map(|line| line.split_once("Seq Scan on ")?.1.split(' ').next());
            let scans = scanned.map(|name| name.trim_matches('"').to_owned()).collect();
            return Ok(Explained { lines, plan: Json::Null, scans });
        }
        let plan: Json = serde_json::from_str(&lines.concat())
            .map_err(|error| Failure::new(format!("the plan of the server can't be read: {error}")))?;
        let mut scans = Vec::new();
        find_scans(&plan, &mut scans);
        Ok(Explained { lines: Vec::new(), plan, scans })
    }

    async fn diagnose(&self, executor: &dyn Executor, server: &Server, _: bool) -> Result<Diagnosis> {
        let mut diagnosis = Diagnosis::default();
        version(server, &mut diagnosis);
        settings(executor, &mut diagnosis).await?;
        place(executor, &mut diagnosis).await?;
        collations(executor, &mut diagnosis).await?;
        indexes(executor, &mut diagnosis).await?;
        slots(executor, &mut diagnosis).await?;
        Ok(diagnosis)
    }
}

fn find_scans(plan: &Json, scans: &mut Vec<String>) {
    match plan {
        Json::Array(parts) => parts.iter().for_each(|part| find_scans(part, scans)),
        Json::Object(node) => {
            if node.get("Node Type") == Some(&json!("Seq Scan")) {
                scans.extend(node.get("Relation Name").and_then(Json::as_str).map(str::to_owned));
            }
            node.values().for_each(|part| find_scans(part, scans));
        }
        _ => {}
    }
}

fn version(server: &Server, diagnosis: &mut Diagnosis) {
    if numbers(&server.version) < vec![14] {
        diagnosis.finding(
            Severity::Warning,
            "version",
            format!(
                "PostgreSQL {} does not notice that a program is gone while it waits for it; a statement may then be carried \
                 out when the cache answers again",
                server.version
            ),
            "use PostgreSQL 14 or later",
        );
    }
}

async fn settings(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    const SETTINGS: &str = "SELECT name::text, setting::text FROM pg_settings WHERE name IN ('server_encoding', \
        'default_transaction_isolation', 'default_transaction_read_only', 'fsync', 'full_page_writes', \
        'synchronous_commit', 'max_connections') ORDER BY name";
    for row in Rows::read(executor, SETTINGS, &[]).await?.texts() {
        match (row[0].as_str(), row[1].as_str()) {
            ("server_encoding", encoding) => {
                if encoding != "UTF8" {
                    diagnosis.finding(
                        Severity::Error,
                        "encoding",
                        format!("the database stores text as {encoding}, which does not hold every text"),
                        "create a database with ENCODING 'UTF8', and copy the data",
                    );
                }
                diagnosis.fact("encoding", encoding);
            }
            ("default_transaction_isolation", isolation) => diagnosis.fact("isolation", isolation),
            ("default_transaction_read_only", "on") => diagnosis.finding(
                Severity::Error,
                "read_only",
                "transactions do not write unless they say so (default_transaction_read_only)",
                "connect as another user, or ALTER ROLE … SET default_transaction_read_only = off",
            ),
            (setting @ ("fsync" | "full_page_writes"), "off") => diagnosis.finding(
                Severity::Warning,
                "durability",
                format!("{setting} is off: a power failure can damage the whole database"),
                format!("ALTER SYSTEM SET {setting} = on, unless the data may be lost"),
            ),
            ("synchronous_commit", "off") => diagnosis.finding(
                Severity::Note,
                "durability",
                "synchronous_commit is off: a crash of the server undoes the last transactions, which the cache may have seen",
                "flush the cache after a crash of the server, or ALTER SYSTEM SET synchronous_commit = on",
            ),
            ("max_connections", connections) => diagnosis.fact("max_connections", connections),
            _ => {}
        }
    }
    Ok(())
}

/// Where tables are looked for and made, and by whom.
async fn place(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    const PLACE: &str = "SELECT current_schema()::text, pg_is_in_recovery(), d.datcollate::text, \
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), \
        coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false) \
        FROM pg_database d WHERE d.datname = current_database()";
    let rows = Rows::read(executor, PLACE, &[]).await?.texts();
    let Some([schema, recovering, collation, may_create, encrypted]) = rows.first().map(Vec::as_slice) else {
        return Ok(());
    };
    diagnosis.fact("schema", schema);
    diagnosis.fact("collation", collation);
    if schema == "NULL" {
        diagnosis.finding(
            Severity::Error,
            "schema",
            "no schema of the search_path exists: tables are neither found nor made",
            "CREATE SCHEMA, or name one in the URL: ?search_path=public",
        );
    } else if may_create == "false" {
        diagnosis.finding(
            Severity::Note,
            "privileges",
            format!("this user may not make tables in the schema `{schema}`"),
            format!("to sync or migrate, connect as another user, or GRANT CREATE ON SCHEMA {schema}"),
        );
    }
    if recovering == "true" {
        diagnosis.finding(
            Severity::Error,
            "replica",
            "this server is a replica: it takes no writes, and what it answers may be old, which must not fill a cache",
            "connect to the primary; with several hosts in the URL, add target_session_attrs=read-write",
        );
    }
    diagnosis.fact("encryption", if encrypted == "true" { "yes" } else { "no" });
    Ok(())
}

async fn collations(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    const COLUMNS: &str = "SELECT c.relname::text, a.attname::text, l.collname::text FROM pg_attribute a \
        JOIN pg_class c ON c.oid = a.attrelid JOIN pg_collation l ON l.oid = a.attcollation \
        WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND NOT l.collisdeterministic \
        AND c.relnamespace = to_regnamespace(quote_ident(current_schema())) ORDER BY 1, a.attnum";
    for row in Rows::read(executor, COLUMNS, &[]).await?.texts() {
        diagnosis.finding(
            Severity::Error,
            "collation",
            format!(
                "column `{}` of `{}` has the nondeterministic collation {}: cached lists and counts would be judged wrongly",
                row[1], row[0], row[2]
            ),
            "give it a deterministic collation, or use no cache",
        );
    }
    Ok(())
}

async fn indexes(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    const INVALID: &str = "SELECT i.relname::text, t.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
        JOIN pg_class t ON t.oid = x.indrelid WHERE NOT x.indisvalid AND t.relkind = 'r' \
        AND i.relnamespace = to_regnamespace(quote_ident(current_schema())) ORDER BY 1";
    for row in Rows::read(executor, INVALID, &[]).await?.texts() {
        diagnosis.finding(
            Severity::Warning,
            "invalid_index",
            format!(
                "index `{}` of `{}` is invalid: it is kept up and never used, as CREATE INDEX CONCURRENTLY leaves it \
                     when it fails",
                row[0], row[1]
            ),
            "drop it, and make it again",
        );
    }
    Ok(())
}

async fn slots(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    const IDLE: &str = "SELECT slot_name::text FROM pg_replication_slots WHERE NOT active \
                        AND database = current_database() ORDER BY 1";
    for row in Rows::read(executor, IDLE, &[]).await?.texts() {
        diagnosis.finding(
            Severity::Warning,
            "slot",
            format!("nobody reads the replication slot `{}`: the server keeps its log until the disk is full", row[0]),
            "start what reads it, or drop it: SELECT pg_drop_replication_slot(…); set max_slot_wal_keep_size",
        );
    }
    Ok(())
}
