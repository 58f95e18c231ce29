//! SQLite in its own words.

use serde_json::json;
use thing::driver::{Executor, async_trait};
use thing_driver_sqlite::{SqliteConfig, SqliteExecutor};

use super::{Access, Diagnosis, Explained, How, Server, Severity, TableSize, Vendor};
use crate::address::Address;
use crate::failure::{Failure, Result};
use crate::rows::Rows;

/// Opens the file. A read neither makes it nor changes its journal.
pub(super) async fn open(address: &Address, access: Access) -> Result<SqliteExecutor> {
    let config = SqliteConfig::from_url(address.url())?;
    let config = match (access, address.file()) {
        (Access::Plan, Some(file)) if !file.exists() => SqliteConfig::memory(),
        (Access::Read | Access::Plan, Some(_)) => config.create_if_missing(false).read_only(true),
        _ => config,
    };
    Ok(SqliteExecutor::connect(config).await?)
}

#[derive(Debug)]
pub(super) struct Sqlite;

#[async_trait]
impl Vendor for Sqlite {
    async fn server(&self, executor: &dyn Executor) -> Result<Server> {
        let version = Rows::one_text(executor, "SELECT sqlite_version()").await?;
        let file = Rows::one_text(executor, "SELECT file FROM pragma_database_list WHERE name = 'main'").await?;
        let database = if file.is_empty() { "memory".to_owned() } else { file };
        Ok(Server { product: "SQLite".to_owned(), version, database })
    }

    /// The statistics of the planner say how many rows there are, if `ANALYZE` made them.
    async fn sizes(&self, executor: &dyn Executor) -> Result<Vec<TableSize>> {
        const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                              ORDER BY name";
        const STATISTICS: &str = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl";
        let tables = Rows::read(executor, TABLES, &[]).await?.texts();
        let analyzed = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'";
        let statistics = match Rows::one_text(executor, analyzed).await?.as_str() {
            "0" => Vec::new(),
            _ => Rows::read(executor, STATISTICS, &[]).await?.texts(),
        };
        let estimate = |name: &str| statistics.iter().find(|row| row[0] == name).and_then(|row| row[1].parse().ok());
        Ok(tables
            .into_iter()
            .filter_map(|row| row.into_iter().next())
            .map(|name| TableSize { estimate: estimate(&name), bytes: None, name })
            .collect())
    }

    fn explain(&self, sql: &str, how: How, _: &Server) -> Result<String> {
        if how.analyze {
            return Err(Failure::new("SQLite does not say what a statement took; leave out --analyze"));
        }
        Ok(format!("EXPLAIN QUERY PLAN {sql}"))
    }

    /// Each row has a number and that of the row above it: a tree.
    fn explained(&self, rows: &Rows, _: How) -> Result<Explained> {
        let mut explained = Explained { lines: Vec::new(), plan: json!([]), scans: Vec::new() };
        let mut depths: Vec<(i64, usize)> = Vec::new();
        let mut steps = Vec::new();
        for row in &rows.rows {
            let [id, parent, _, detail] = row.as_slice() else { continue };
            let (id, parent, detail) = (id.integer().unwrap_or(0), parent.integer().unwrap_or(0), detail.text());
            let depth = depths.iter().find(|(known, _)| *known == parent).map_or(0, |(_, depth)| depth + 1);
            depths.push((id, depth));
            explained.lines.push(format!("{}{detail}", "  ".repeat(depth)));
            if let Some(scanned) = detail.strip_prefix("SCAN ")
                && !scanned.contains(" USING ")
                && scanned != "CONSTANT ROW"
            {
                explained.scans.extend(scanned.split(' ').next().map(str::to_owned));
            }
            steps.push(json!({ "id": id, "parent": parent, "detail": detail }));
        }
        explained.plan = steps.into();
        Ok(explained)
    }

    async fn diagnose(&self, executor: &dyn Executor, server: &Server, deep: bool) -> Result<Diagnosis> {
        let mut diagnosis = Diagnosis::default();
        journal(executor, server, &mut diagnosis).await?;
        encoding(executor, &mut diagnosis).await?;
        collations(executor, &mut diagnosis).await?;
        if deep {
            damage(executor, &mut diagnosis).await?;
        }
        Ok(diagnosis)
    }
}

async fn journal(executor: &dyn Executor, server: &Server, diagnosis: &mut Diagnosis) -> Result<()> {
    let journal = Rows::one_text(executor, "PRAGMA journal_mode").await?;
    if server.database != "memory" && !journal.eq_ignore_ascii_case("wal") {
        diagnosis.finding(
            Severity::Note,
            "journal",
            format!("the journal mode is {journal}: readers and the writer wait for each other"),
            "nothing; the program switches to WAL when it opens the database for writing",
        );
    }
    diagnosis.fact("journal mode", journal);
    Ok(())
}

async fn encoding(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    let encoding = Rows::one_text(executor, "PRAGMA encoding").await?;
    if encoding != "UTF-8" {
        diagnosis.finding(
            Severity::Error,
            "encoding",
            format!(
                "text is stored as {encoding}, whose order is not that of UTF-8: cached lists would be judged wrongly"
            ),
            "copy the data into a new database (`sqlite3 old.db .dump | sqlite3 new.db`), or use no cache",
        );
    }
    diagnosis.fact("encoding", encoding);
    Ok(())
}

/// Finds collations in the texts that made the tables: no other place has them.
async fn collations(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    let texts = Rows::read(
        executor,
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND instr(upper(sql), 'COLLATE') > 0 ORDER BY name",
        &[],
    );
    for row in texts.await?.texts() {
        let (table, sql) = (&row[0], &row[1]);
        let words: Vec<&str> =
            sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
        let other = words.windows(2).find(|pair| {
            pair[0].eq_ignore_ascii_case("collate") && !["binary", "decimal"].contains(&&*pair[1].to_ascii_lowercase())
        });
        if let Some([_, collation]) = other {
            diagnosis.finding(
                Severity::Error,
                "collation",
                format!(
                    "a column of `{table}` compares text by {collation}, not by its bytes: cached lists and counts would be \
                     judged wrongly"
                ),
                "rebuild the table without the collation, or use no cache",
            );
        }
    }
    Ok(())
}

async fn damage(executor: &dyn Executor, diagnosis: &mut Diagnosis) -> Result<()> {
    for row in Rows::read(executor, "PRAGMA quick_check", &[]).await?.texts() {
        if row.first().is_some_and(|answer| answer != "ok") {
            diagnosis.finding(
                Severity::Error,
                "damage",
                format!("the file is damaged: {}", row[0]),
                "restore a backup, or save what can be read with `sqlite3 app.db .recover`",
            );
        }
    }
    const LOST: &str = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check() GROUP BY 1, 2";
    for row in Rows::read(executor, LOST, &[]).await?.texts() {
        diagnosis.finding(
            Severity::Error,
            "foreign_keys",
            format!("{} rows of `{}` refer to rows of `{}` that are not there", row[2], row[0], row[1]),
            "delete them, or add what they refer to; other programs switch foreign keys on by PRAGMA foreign_keys",
        );
    }
    diagnosis.fact("file", "read whole");
    Ok(())
}
