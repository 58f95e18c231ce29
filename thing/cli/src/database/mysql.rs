//! MariaDB and MySQL in their own words.

use serde_json::Value as Json;
use thing::driver::{Executor, async_trait};
use thing_driver_mysql::{MysqlConfig, MysqlExecutor};

use super::{Diagnosis, Explained, How, Server, Severity, TableSize, Vendor, numbers};
use crate::failure::{Failure, Result};
use crate::rows::{Cell, Rows};

pub(super) async fn open(url: &str) -> Result<MysqlExecutor> {
    Ok(MysqlExecutor::connect(MysqlConfig::from_url(url)?.max_connections(2)).await?)
}

#[derive(Debug)]
pub(super) struct Mysql;

#[async_trait]
impl Vendor for Mysql {
    async fn server(&self, executor: &dyn Executor) -> Result<Server> {
        let version = Rows::one_text(executor, "SELECT @@version").await?;
        let database = Rows::one_text(executor, "SELECT DATABASE()").await?;
        let product = if version.to_ascii_lowercase().contains("mariadb") { "MariaDB" } else { "MySQL" };
        Ok(Server { product: product.to_owned(), version, database })
    }

    async fn sizes(&self, executor: &dyn Executor) -> Result<Vec<TableSize>> {
        const TABLES: &str = "SELECT table_name, table_rows, data_length + index_length FROM information_schema.tables \
                              WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name";
        let tables = Rows::read(executor, TABLES, &[]).await?;
        let size = |row: &Vec<Cell>| {
            let number = |at: usize| row.get(at)?.integer().and_then(|number| u64::try_from(number).ok());
            Some(TableSize { name: row.first()?.text(), estimate: number(1), bytes: number(2) })
        };
        Ok(tables.rows.iter().filter_map(size).collect())
    }

    /// The format keeps a statement that begins with ANALYZE from being run.
    fn explain(&self, sql: &str, how: How, server: &Server) -> Result<String> {
        let is_mariadb = server.product == "MariaDB";
        let format = if how.json { "JSON" } else { "TRADITIONAL" };
        match (how.analyze, is_mariadb) {
            (false, _) => Ok(format!("EXPLAIN FORMAT={format} {sql}")),
            (true, true) => Ok(format!("ANALYZE FORMAT={format} {sql}")),
            (true, false) if how.json => {
                Err(Failure::new("MySQL does not say in JSON what a statement took; leave out --json"))
            }
            (true, false) => Ok(format!("EXPLAIN ANALYZE {sql}")),
        }
    }

    fn explained(&self, rows: &Rows, how: How) -> Result<Explained> {
        let texts = rows.texts();
        if how.json {
            let text: String = texts.into_iter().flatten().collect();
            let plan: Json = serde_json::from_str(&text)
                .map_err(|error| Failure::new(format!("the plan of the server can't be read: {error}")))?;
            let mut scans = Vec::new();
            find_scans(&plan, &mut scans);
            return Ok(Explained { lines: Vec::new(), plan, scans });
        }
        let (Some(table), Some(access)) = (rows.column("table"), rows.column("type")) else {
            let lines = texts.iter().flatten().flat_map(|text| text.lines()).map(str::to_owned).collect();
            return Ok(Explained { lines, plan: Json::Null, scans: Vec::new() });
        };
        let whole = texts.iter().filter(|row| row[access] == "ALL");
        let scans = whole.map(|row| row[table].clone()).collect();
        // What a row says nothing about is left out.
        let told = |row: &Vec<String>| {
            let cells = rows.names.iter().zip(row).filter(|(_, cell)| *cell != "NULL" && !cell.is_empty());
            cells.map(|(name, cell)| format!("{name}={}", cell.trim())).collect::<Vec<_>>().join("  ")
        };
        Ok(Explained { lines: texts.iter().map(told).collect(), plan: Json::Null, scans })
    }

    async fn diagnose(&self, executor: &dyn Executor, server: &Server, _: bool) -> Result<Diagnosis> {
        let mut diagnosis = Diagnosis::default();
        version(server, &mut diagnosis);
        variables(executor, &mut diagnosis).await?;
        place(executor, &mut diagnosis).await?;
        engines(executor, &mut diagnosis).await?;
        collations(executor, &mut diagnosis).await?;
        Ok(diagnosis)
    }
}

fn find_scans(plan: &Json, scans: &mut Vec<String>) {
    match plan {
        Json::Array(parts) => parts.iter().for_each(|part| find_scans(part, scans)),
        Json::Object(node) => {
            if node.get("access_type").and_then(Json::as_str) == Some("ALL") {
                scans.extend(node.get("table_name").and_then(Json::as_str).map(str::to_owned));
            }
            node.values().for_each(|part| find_scans(part, scans));
        }
        _ => {}
    }
}

fn version(server: &Server, diagnosis: &mut Diagnosis) {
    let (oldest, needed) = match server.product.as_str() {
        "MariaDB" => ([10, 6, 0], "MariaDB 10.6"),
        _ => ([8, 0, 17], "MySQL 8.0.17"),
    };
    if numbers(&server.version).as_slice() < &oldest[..] {
        diagnosis.finding(
            Severity::Error,
            "version",
            format!(
                "{} {} lacks what Thing uses: rows that are passed over when locked, JSON tables",
                server.product, server.version
            ),
            format!("use {needed} or later"),
        );
    }
}

async fn variables(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    const VARIABLES: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('sql_mode', 'read_only', 'foreign_key_checks', \
        'innodb_flush_log_at_trx_commit', 'max_allowed_packet', 'wait_timeout', 'tx_isolation', 'transaction_isolation', \
        'max_connections', 'innodb_strict_mode')";
    for row in Rows::read(executor, VARIABLES, &[]).await?.texts() {
        let (name, value) = (row[0].to_ascii_lowercase(), row[1].as_str());
        let number: u64 = value.parse().unwrap_or(u64::MAX);
        match name.as_str() {
            "sql_mode" if !value.contains("STRICT_") => diagnosis.finding(
                Severity::Note,
                "sql_mode",
                "the server's sql_mode is not strict: what other programs write is cut to what a column holds; Thing sets its \
                 own",
                "SET GLOBAL sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')",
            ),
            "read_only" if value == "ON" || value == "1" => diagnosis.finding(
                Severity::Error,
                "read_only",
                "the server is read-only, a replica perhaps: what it answers may be old, which must not fill a cache",
                "connect to the primary",
            ),
            "foreign_key_checks" if value == "OFF" || value == "0" => diagnosis.finding(
                Severity::Warning,
                "foreign_keys",
                "foreign keys are not looked at (foreign_key_checks = OFF)",
                "SET GLOBAL foreign_key_checks = ON",
            ),
            "innodb_flush_log_at_trx_commit" if value != "1" => diagnosis.finding(
                Severity::Note,
                "durability",
                "innodb_flush_log_at_trx_commit is not 1: a crash undoes the last transactions, which the cache may have seen",
                "flush the cache after a crash of the server, or set it to 1",
            ),
            "max_allowed_packet" if number < 16 << 20 => diagnosis.finding(
                Severity::Note,
                "max_allowed_packet",
                format!("a statement has at most {value} bytes (max_allowed_packet)"),
                "SET GLOBAL max_allowed_packet = 67108864 where rows are larger",
            ),
            "wait_timeout" if number < 600 => diagnosis.finding(
                Severity::Note,
                "wait_timeout",
                format!("the server closes connections that are idle for {value} s; the driver keeps them for 600 s"),
                "set `MysqlConfig::idle_timeout` below it",
            ),
            "tx_isolation" | "transaction_isolation" => {
                if value == "READ-UNCOMMITTED" {
                    diagnosis.finding(
                        Severity::Warning,
                        "isolation",
                        "transactions see what others may yet roll back (READ-UNCOMMITTED)",
                        "SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                    );
                }
                diagnosis.fact("isolation", value);
            }
            "max_connections" => diagnosis.fact("max_connections", value),
            _ => {}
        }
    }
    Ok(())
}

async fn place(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    let character_set = Rows::one_text(executor, "SELECT @@character_set_database").await?;
    if character_set != "utf8mb4" {
        diagnosis.finding(
            Severity::Warning,
            "encoding",
            format!("new tables of other programs store text as {character_set}, which does not hold every text"),
            "ALTER DATABASE … CHARACTER SET utf8mb4",
        );
    }
    diagnosis.fact("encoding", character_set);
    let encrypted = Rows::read(executor, "SHOW SESSION STATUS LIKE 'Ssl_cipher'", &[]).await?.texts();
    let cipher = encrypted.first().and_then(|row| row.get(1)).map_or("", String::as_str);
    diagnosis.fact("encryption", if cipher.is_empty() { "no" } else { "yes" });
    Ok(())
}

async fn engines(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    const OTHERS: &str = "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE() \
                          AND table_type = 'BASE TABLE' AND engine <> 'InnoDB' ORDER BY table_name";
    for row in Rows::read(executor, OTHERS, &[]).await?.texts() {
        diagnosis.finding(
            Severity::Error,
            "engine",
            format!("`{}` is a table of {}, which has no transactions: a rollback leaves its changes", row[0], row[1]),
            format!("ALTER TABLE `{}` ENGINE = InnoDB", row[0]),
        );
    }
    Ok(())
}

/// Existing text columns usually compare without letter case, which is right and costs precision.
async fn collations(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    const OTHERS: &str = "SELECT table_name, column_name, collation_name FROM information_schema.columns \
        WHERE table_schema = DATABASE() AND collation_name IS NOT NULL \
        AND collation_name NOT IN ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin', 'utf8mb3_nopad_bin') \
        AND data_type IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext') \
        AND NOT (data_type = 'longtext' AND collation_name = 'utf8mb4_bin') ORDER BY table_name, ordinal_position";
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for mut row in Rows::read(executor, OTHERS, &[]).await?.texts() {
        let column = format!("`{}` ({})", row[1], row[2]);
        match tables.last_mut() {
            Some((table, columns)) if *table == row[0] => columns.push(column),
            _ => tables.push((row.swap_remove(0), vec![column])),
        }
    }
    for (table, columns) in tables {
        diagnosis.finding(
            Severity::Note,
            "collation",
            format!(
                "text of `{table}` does not compare by its bytes: {}; lists follow the column, and the cache takes every \
                 change of it for one that concerns them",
                columns.join(", ")
            ),
            "nothing, or give them COLLATE utf8mb4_nopad_bin (MySQL: utf8mb4_0900_bin), and say \
             `MysqlConfig::exact_text(true)`",
        );
    }
    Ok(())
}
