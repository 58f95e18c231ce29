//! Plans: a shape as the server runs it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use thing_driver_api::{Condition, Dialect, Operand, Operation, Result, Shape, Slot, Table, Value, ValueType, sql};

use crate::dialect::{Flavour, MysqlDialect, UPSERT};
use crate::error::{self, About};

/// The most values of one statement.
pub(crate) const MAX_PARAMETERS: usize = 65_535;
/// The most keys that one statement reads. MariaDB turns a list of a thousand and more into a join with a table.
const MOST_KEYS: usize = 512;
/// The most rows that one statement adds.
const MOST_ROWS: usize = 1024;
/// One more than the binary logarithm of the most keys or rows.
const SIZES: usize = MOST_ROWS.ilog2() as usize + 1;

/// The text of a statement. Connections know it by its number.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) number: u64,
    pub(crate) sql: String,
}

impl Text {
    pub(crate) fn new(sql: String) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), sql }
    }
}

/// What the driver keeps with a shape.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) text: Arc<Text>,
    /// The slot of each placeholder.
    pub(crate) binds: Vec<usize>,
    /// The table of the shape; `None` for a statement in SQL of the application.
    pub(crate) table: Option<Arc<Table>>,
    /// The types of the columns that it reads; empty for a statement in SQL of the application.
    pub(crate) types: Vec<ValueType>,
    /// Whether the database makes the key of the row that this inserts.
    pub(crate) generates_key: bool,
    /// Whether it adds a row.
    pub(crate) inserts: bool,
    /// Whether it changes the row in the way instead.
    upserts: bool,
    /// Whether it would commit a transaction in which it runs.
    pub(crate) commits_implicitly: bool,
    dialect: MysqlDialect,
    /// The same for 2, 4, 8, ... keys or rows.
    sizes: [OnceLock<Arc<Text>>; SIZES],
    /// The same for 2, 4, 8, ... rows that give back their keys.
    sizes_returning: [OnceLock<Arc<Text>>; SIZES],
}

impl Plan {
    pub(crate) fn compile(shape: &Shape, dialect: MysqlDialect) -> Result<Self> {
        let operation = shape.operation();
        let mut commits_implicitly = false;
        if let Operation::Raw { text } = operation {
            let words = first_words(text);
            if controls_transaction(&words) {
                return Err(error::transaction_control());
            }
            commits_implicitly = commits(&words);
        }
        let rendered = render(shape, dialect)?;
        let table = shape.table();
        let types = match (operation, table) {
            (Operation::Select { columns, .. } | Operation::Distinct { columns, .. }, Some(table)) => {
                columns.iter().map(|&column| table.column(column).value_type).collect()
            }
            (Operation::GetMany, Some(table)) => table.columns().iter().map(|column| column.value_type).collect(),
            (Operation::Count { .. } | Operation::Exists { .. }, _) => vec![ValueType::I64],
            _ => Vec::new(),
        };
        Ok(Self {
            text: Arc::new(Text::new(rendered.text)),
            binds: rendered.binds.iter().map(|slot| slot.0).collect(),
            table: table.cloned(),
            types,
            generates_key: matches!((operation, table), (Operation::Insert { columns, .. }, Some(table))
                if table.has_generated_key() && !columns.contains(&table.key()[0])),
            inserts: matches!(operation, Operation::Insert { .. } | Operation::Upsert { .. }),
            upserts: matches!(operation, Operation::Upsert { .. }),
            commits_implicitly,
            dialect,
            sizes: Default::default(),
            sizes_returning: Default::default(),
        })
    }

    pub(crate) fn raw(&self) -> bool {
        self.table.is_none()
    }

    /// What errors say about it. `alone` for a statement that is a transaction of its own.
    pub(crate) fn about(&self, alone: bool) -> About<'_> {
        let text = self.raw().then_some(self.text.sql.as_str());
        let writes = self.types.is_empty();
        About { table: self.table.as_deref(), text, commits: alone && writes }
    }

    /// The most keys of one read.
    pub(crate) fn most_keys(&self) -> usize {
        let parts = self.table.as_ref().map_or(1, |table| table.key().len());
        if parts == 1 { MOST_KEYS } else { (MOST_KEYS / 4).min(MAX_PARAMETERS / parts) }
    }

    /// The read of so many keys, and for how many keys it really is.
    pub(crate) fn keys(&self, count: usize) -> Result<(Arc<Text>, usize)> {
        let count = count.next_power_of_two();
        let Some(table) = self.table.as_ref().filter(|_| count > 1) else {
            return Ok((self.text.clone(), 1));
        };
        let size = &self.sizes[count.ilog2() as usize];
        if let Some(text) = size.get() {
            return Ok((text.clone(), count));
        }
        let text = Arc::new(Text::new(sql::render_get_many(table, &self.dialect, count)?.text));
        Ok((size.get_or_init(|| text).clone(), count))
    }

    /// The most rows, a power of two, that one insert adds.
    pub(crate) fn most_rows(&self) -> usize {
        let most = (MAX_PARAMETERS / self.binds.len().max(1)).min(MOST_ROWS);
        1 << most.ilog2()
    }

    /// Whether the server can give back the keys that it makes for several rows.
    pub(crate) fn returns_keys(&self) -> bool {
        self.generates_key && self.dialect.flavour() == Flavour::MariaDb
    }

    /// The insert of so many rows, a power of two, which gives back their keys or doesn't.
    pub(crate) fn rows(&self, count: usize, returning: bool) -> Arc<Text> {
        let sizes = if returning { &self.sizes_returning } else { &self.sizes };
        let text = sizes[count.ilog2() as usize].get_or_init(|| {
            let single = &self.text.sql;
            let end = if self.upserts { single.rfind(UPSERT) } else { None }.unwrap_or(single.len());
            let (insert, upsert) = single.split_at(end);
            let row = insert.rfind("VALUES ").map_or("()", |at| &insert[at + "VALUES ".len()..]);
            let mut sql = String::with_capacity(single.len() + count * (row.len() + 1) + 32);
            sql.push_str(insert);
            for _ in 1..count {
                sql.push(',');
                sql.push_str(row);
            }
            sql.push_str(upsert);
            if let Some(table) = self.table.as_ref().filter(|_| returning) {
                sql.push_str(" RETURNING ");
                self.dialect.identifier(&table.column(table.key()[0]).name, &mut sql);
            }
            Arc::new(Text::new(sql))
        });
        text.clone()
    }
}

/// Renders with placeholders of which the server knows the type, where it would guess wrong.
fn render(shape: &Shape, dialect: MysqlDialect) -> Result<sql::SqlPlan> {
    let plain = sql::render(shape, &dialect)?;
    let Some(table) = shape.table() else {
        return Ok(plain);
    };
    let mut typed = Vec::new();
    match shape.operation() {
        Operation::Select { filter, .. }
        | Operation::Distinct { filter, .. }
        | Operation::Count { filter }
        | Operation::Exists { filter }
        | Operation::Update { filter, .. }
        | Operation::Increment { filter, .. }
        | Operation::Delete { filter, .. } => compared(filter, table, &mut typed),
        _ => {}
    }
    let typed: HashMap<Slot, ValueType> = typed.into_iter().collect();
    let cast = |slot: &Slot| {
        match (typed.get(slot)?, dialect.flavour()) {
            // A decimal number and a text compare as floats.
            (ValueType::Decimal, _) => Some("CAST(? AS DECIMAL(65, 30))"),
            // A JSON document equals no text.
            (ValueType::Json | ValueType::List(_), Flavour::MySql) => Some("CAST(? AS JSON)"),
            _ => None,
        }
    };
    let casts: Vec<Option<&'static str>> = plain.binds.iter().map(cast).collect();
    if casts.iter().all(Option::is_none) {
        return Ok(plain);
    }
    sql::render(shape, &Typed { dialect, casts })
}

/// The slots that are compared with columns, and the types of these.
fn compared(condition: &Condition, table: &Table, found: &mut Vec<(Slot, ValueType)>) {
    let of = |column: usize| table.column(column).value_type;
    match condition {
        Condition::And(terms) | Condition::Or(terms) => {
            terms.iter().for_each(|term| compared(term, table, found));
        }
        Condition::Not(inner) => compared(inner, table, found),
        Condition::Compare { column, operand: Operand::Slot(slot), .. } | Condition::Same { column, slot } => {
            found.push((*slot, of(*column)));
        }
        Condition::In { column, slots, .. } => found.extend(slots.iter().map(|slot| (*slot, of(*column)))),
        Condition::Between { column, low, high, .. } => {
            found.extend([(*low, of(*column)), (*high, of(*column))]);
        }
        _ => {}
    }
}

/// The dialect with other placeholders.
#[derive(Debug)]
struct Typed {
    dialect: MysqlDialect,
    casts: Vec<Option<&'static str>>,
}

#[deny(clippy::missing_trait_methods)]
impl Dialect for Typed {
    fn name(&self) -> &'static str {
        self.dialect.name()
    }

    fn identifier(&self, name: &str, out: &mut String) {
        self.dialect.identifier(name, out);
    }

    fn placeholder(&self, number: usize, out: &mut String) {
        match self.casts.get(number - 1) {
            Some(Some(cast)) => out.push_str(cast),
            _ => self.dialect.placeholder(number, out),
        }
    }

    fn reuses_placeholders(&self) -> bool {
        self.dialect.reuses_placeholders()
    }

    fn literal(&self, value: &Value<'_>, out: &mut String) -> Result<()> {
        self.dialect.literal(value, out)
    }

    fn same(&self) -> &'static str {
        self.dialect.same()
    }

    fn like_escape(&self) -> &'static str {
        self.dialect.like_escape()
    }

    fn json(&self) -> Option<&dyn thing_driver_api::JsonDialect> {
        self.dialect.json()
    }

    fn nulls_least(&self, descending: bool) -> &'static str {
        self.dialect.nulls_least(descending)
    }

    fn unlimited(&self) -> Option<&'static str> {
        self.dialect.unlimited()
    }

    fn lock(&self, lock: thing_driver_api::Lock) -> &'static str {
        self.dialect.lock(lock)
    }

    fn returning(&self) -> bool {
        self.dialect.returning()
    }

    fn upsert(&self, on: &str, out: &mut String) {
        self.dialect.upsert(on, out);
    }

    fn proposed(&self, column: &str, out: &mut String) {
        self.dialect.proposed(column, out);
    }

    fn insert_defaults(&self) -> &'static str {
        self.dialect.insert_defaults()
    }

    fn table_options(&self) -> &'static str {
        self.dialect.table_options()
    }
}

/// The first words of a statement in small letters, also behind comments.
fn first_words(text: &str) -> Vec<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';' || c == '(');
        rest = if let Some(comment) = rest.strip_prefix("--").or_else(|| rest.strip_prefix('#')) {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if rest.starts_with("/*!") || rest.starts_with("/*M!") {
            // Not a comment: it is carried out from a version on.
            rest.trim_start_matches(|c: char| !c.is_whitespace())
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            break;
        };
    }
    rest.split(|c: char| !c.is_ascii_alphabetic() && c != '_')
        .filter(|word| !word.is_empty())
        .take(3)
        .map(str::to_ascii_lowercase)
        .collect()
}

/// True for BEGIN, COMMIT and their like.
fn controls_transaction(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["begin" | "commit" | "rollback" | "savepoint" | "release" | "xa", ..]
            | ["start", "transaction", ..]
            | ["set", "autocommit", ..]
            | ["set", "session" | "local", "autocommit", ..]
            | ["lock" | "unlock", "table" | "tables", ..]
    )
}

/// True for what commits the open transaction:
/// <https://dev.mysql.com/doc/refman/8.0/en/implicit-commit.html>.
fn commits(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["create" | "drop", "temporary", ..] => false,
        ["alter" | "create" | "drop" | "rename" | "truncate" | "grant" | "revoke" | "install" | "uninstall", ..] => {
            true
        }
        ["analyze" | "check" | "optimize" | "repair", "table" | "tables" | "local" | "no_write_to_binlog", ..] => true,
        ["flush" | "reset" | "cache" | "change" | "load", ..] => !matches!(words.as_slice(), ["load", "data", ..]),
        ["set", "password", ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transaction_control_is_seen_behind_comments() {
        let controls = |text: &str| controls_transaction(&first_words(text));
        assert!(controls(" -- now\n /* go */ # here\n;begin"));
        assert!(controls("/*!50000 START TRANSACTION */"));
        assert!(
            controls("SET autocommit = 0") && controls("set @@session.autocommit=0") && controls("LOCK TABLES t READ")
        );
        assert!(!controls("SELECT 1 -- begin") && !controls("/* begin") && !controls("(SELECT 1) UNION SELECT 2"));
    }

    #[test]
    fn schema_changes_commit_but_temporary_tables_do_not() {
        assert!(commits(&first_words("CREATE TABLE t (a INT)")) && commits(&first_words("truncate t")));
        assert!(!commits(&first_words("CREATE TEMPORARY TABLE t (a INT)")) && !commits(&first_words("INSERT INTO t")));
    }
}
