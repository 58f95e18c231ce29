//! The SQL renderer: one for every dialect.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::{
    Comparison, Condition, Dialect, Error, JsonDialect, JsonPath, JsonTest, ListTest, Operand, Operation, Order,
    Result, Shape, Slot, Statement, Table, Value, ValueType,
};

/// A rendered shape: text, and which value each placeholder takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlPlan {
    /// The statement.
    pub text: String,
    /// For each placeholder, in order, the slot whose value it takes.
    pub binds: Vec<Slot>,
}

impl SqlPlan {
    /// The values in binding order.
    pub fn bind<'a>(&self, statement: &Statement<'a>) -> impl ExactSizeIterator<Item = &'a Value<'a>> {
        let values = statement.values;
        self.binds.iter().map(move |slot| &values[slot.0])
    }
}

/// Renders a shape. Raw text passes as it stands, with its values in order; [`Operation::GetMany`] is rendered by
/// [`render_get_many`].
///
/// # Errors
///
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for an operation that the dialect can't say.
pub fn render(shape: &Shape, dialect: &dyn Dialect) -> Result<SqlPlan> {
    let Some(table) = shape.table() else {
        let Operation::Raw { text } = shape.operation() else {
            return Err(Error::invalid_input("a shape without a table is not a raw statement"));
        };
        return Ok(SqlPlan { text: text.clone(), binds: Vec::new() });
    };
    let mut writer = Writer::new(table, dialect);
    match shape.operation() {
        Operation::Select { columns, filter, order, limit, offset, lock } => {
            writer.select("SELECT ", columns);
            writer.filter(filter);
            writer.order(order);
            writer.window(*limit, *offset);
            if let Some(lock) = lock {
                writer.push(dialect.lock(*lock));
            }
        }
        Operation::Distinct { columns, filter, order } => {
            writer.select("SELECT DISTINCT ", columns);
            writer.filter(filter);
            writer.order(order);
        }
        Operation::Count { filter } => {
            writer.push("SELECT COUNT(*) FROM ");
            writer.table();
            writer.filter(filter);
        }
        Operation::Exists { filter } => {
            writer.push("SELECT CASE WHEN EXISTS (SELECT 1 FROM ");
            writer.table();
            writer.filter(filter);
            writer.push(") THEN 1 ELSE 0 END");
        }
        Operation::Insert { columns, returning } => {
            writer.insert(columns, 1);
            writer.returning(returning)?;
        }
        Operation::InsertMany { columns, rows } => writer.insert(columns, *rows),
        Operation::Upsert { columns, on, update, raise, returning } => {
            writer.insert(columns, 1);
            writer.upsert(on, update, raise);
            writer.returning(returning)?;
        }
        Operation::Update { columns, filter, returning } => {
            writer.update(columns);
            writer.filter(filter);
            writer.returning(returning)?;
        }
        Operation::Increment { columns, set, filter, returning } => {
            writer.increment(columns, set);
            writer.filter(filter);
            writer.returning(returning)?;
        }
        Operation::Delete { filter, returning } => {
            writer.push("DELETE FROM ");
            writer.table();
            writer.filter(filter);
            writer.returning(returning)?;
        }
        Operation::GetMany => return render_get_many(table, dialect, 1),
        Operation::Raw { text } => writer.push(text),
    }
    writer.finish()
}

/// Renders the read of all columns of `count` rows by their keys, with one slot for each key column: key by key, each
/// in the table's order.
///
/// # Errors
///
/// None today; the signature matches [`render`].
pub fn render_get_many(table: &Table, dialect: &dyn Dialect, count: usize) -> Result<SqlPlan> {
    let mut writer = Writer::new(table, dialect);
    writer.select("SELECT ", &(0..table.columns().len()).collect::<Vec<_>>());
    writer.push(" WHERE ");
    match table.key() {
        [column] if count == 1 => {
            writer.column(*column);
            writer.push(" = ");
            writer.placeholder(Slot(0));
        }
        [column] => {
            writer.column(*column);
            writer.push(" IN (");
            writer.separated(", ", 0..count, |w, n| w.placeholder(Slot(n)));
            writer.push(")");
        }
        parts => writer.separated(" OR ", 0..count, |w, n| {
            w.push("(");
            w.separated(" AND ", parts.iter().enumerate(), |w, (part, &column)| {
                w.column(column);
                w.push(" = ");
                w.placeholder(Slot(n * parts.len() + part));
            });
            w.push(")");
        }),
    }
    writer.finish()
}

struct Writer<'a> {
    table: &'a Table,
    dialect: &'a dyn Dialect,
    text: String,
    binds: Vec<Slot>,
    /// The place in `binds` of each slot that has one.
    places: HashMap<Slot, usize>,
    /// Whether something was asked that the dialect can't say.
    unsupported: bool,
}

impl<'a> Writer<'a> {
    fn new(table: &'a Table, dialect: &'a dyn Dialect) -> Self {
        Self {
            table,
            dialect,
            text: String::with_capacity(128),
            binds: Vec::new(),
            places: HashMap::new(),
            unsupported: false,
        }
    }

    fn finish(self) -> Result<SqlPlan> {
        if self.unsupported {
            return Err(Error::unsupported(format!("{} has no conditions on JSON documents", self.dialect.name())));
        }
        Ok(SqlPlan { text: self.text, binds: self.binds })
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn table(&mut self) {
        self.dialect.identifier(self.table.name(), &mut self.text);
    }

    fn column(&mut self, column: usize) {
        self.dialect.identifier(&self.table.column(column).name, &mut self.text);
    }

    fn placeholder(&mut self, slot: Slot) {
        let known = if self.dialect.reuses_placeholders() { self.places.get(&slot).copied() } else { None };
        let place = known.unwrap_or_else(|| {
            self.binds.push(slot);
            self.places.insert(slot, self.binds.len() - 1);
            self.binds.len() - 1
        });
        self.dialect.placeholder(place + 1, &mut self.text);
    }

    fn separated<T>(
        &mut self,
        separator: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                self.push(separator);
            }
            write(self, item);
        }
    }

    fn select(&mut self, select: &str, columns: &[usize]) {
        self.push(select);
        self.separated(", ", columns, |w, &c| w.column(c));
        self.push(" FROM ");
        self.table();
    }

    fn insert(&mut self, columns: &[usize], rows: usize) {
        self.push("INSERT INTO ");
        self.table();
        if columns.is_empty() {
            self.push(self.dialect.insert_defaults());
            return;
        }
        self.push(" (");
        self.separated(", ", columns, |w, &c| w.column(c));
        self.push(") VALUES ");
        self.separated(", ", 0..rows, |w, row| {
            let first = row * columns.len();
            w.push("(");
            w.separated(", ", first..first + columns.len(), |w, n| w.placeholder(Slot(n)));
            w.push(")");
        });
    }

    fn upsert(&mut self, on: &[usize], update: &[usize], raise: &[usize]) {
        let quoted = |column: usize| {
            let mut name = String::new();
            self.dialect.identifier(&self.table.column(column).name, &mut name);
            name
        };
        let names: Vec<String> = on.iter().map(|&column| quoted(column)).collect();
        let taken: Vec<String> = update.iter().map(|&column| quoted(column)).collect();
        self.dialect.upsert(&names.join(", "), &mut self.text);
        self.separated(", ", &taken, |w, name| {
            w.push(name);
            w.push(" = ");
            w.dialect.proposed(name, &mut w.text);
        });
        for (n, &column) in raise.iter().enumerate() {
            if n > 0 || !taken.is_empty() {
                self.push(", ");
            }
            self.column(column);
            self.push(" = ");
            self.table();
            self.push(".");
            self.column(column);
            self.push(" + 1");
        }
    }

    fn update(&mut self, columns: &[usize]) {
        self.push("UPDATE ");
        self.table();
        self.push(" SET ");
        self.separated(", ", columns.iter().enumerate(), |w, (n, &c)| {
            w.column(c);
            w.push(" = ");
            w.placeholder(Slot(n));
        });
    }

    fn increment(&mut self, columns: &[usize], set: &[usize]) {
        self.push("UPDATE ");
        self.table();
        self.push(" SET ");
        self.separated(", ", columns.iter().chain(set).enumerate(), |w, (n, &c)| {
            w.column(c);
            w.push(" = ");
            if n < columns.len() {
                w.column(c);
                w.push(" + ");
            }
            w.placeholder(Slot(n));
        });
    }

    fn returning(&mut self, columns: &[usize]) -> Result<()> {
        if columns.is_empty() {
            return Ok(());
        }
        if !self.dialect.returning() {
            return Err(Error::unsupported(format!(
                "{} has no RETURNING; read the row in the same transaction",
                self.dialect.name()
            )));
        }
        self.push(" RETURNING ");
        self.separated(", ", columns, |w, &c| w.column(c));
        Ok(())
    }

    fn filter(&mut self, filter: &Condition) {
        if *filter == Condition::Constant(true) {
            return;
        }
        self.push(" WHERE ");
        self.condition(filter, false);
    }

    /// Writes a condition; `nested` asks for brackets around what binds less tightly than AND and NOT.
    fn condition(&mut self, condition: &Condition, nested: bool) {
        match condition {
            Condition::Constant(value) => self.push(if *value { "1 = 1" } else { "1 = 0" }),
            Condition::And(terms) => self.joined(" AND ", terms, nested),
            Condition::Or(terms) => self.joined(" OR ", terms, nested),
            Condition::Not(inner) => {
                self.push("NOT (");
                self.condition(inner, false);
                self.push(")");
            }
            Condition::Compare { column, operator, operand } => {
                self.column(*column);
                self.push(symbol(*operator));
                match operand {
                    Operand::Slot(slot) => self.placeholder(*slot),
                    Operand::Column(other) => self.column(*other),
                }
            }
            Condition::In { column, slots, negated } => {
                self.column(*column);
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                self.separated(", ", slots, |w, &slot| w.placeholder(slot));
                self.push(")");
            }
            Condition::Between { column, low, high, negated } => {
                self.column(*column);
                self.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.placeholder(*low);
                self.push(" AND ");
                self.placeholder(*high);
            }
            Condition::Like { column, pattern, negated } => {
                self.column(*column);
                self.push(if *negated { " NOT LIKE " } else { " LIKE " });
                self.placeholder(*pattern);
                self.push(self.dialect.like_escape());
            }
            Condition::IsNull { column, negated } => {
                self.column(*column);
                self.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            Condition::Same { column, slot } => {
                self.column(*column);
                self.push(self.dialect.same());
                self.placeholder(*slot);
            }
            Condition::Json { column, path, test } => self.json(|w, json| w.json_test(json, *column, path, test)),
            Condition::List { column, test } => self.json(|w, json| w.list_test(json, *column, test)),
            Condition::Raw { pieces, slots } => {
                self.push("(");
                for (n, piece) in pieces.iter().enumerate() {
                    self.push(piece);
                    slots.get(n).into_iter().for_each(|&slot| self.placeholder(slot));
                }
                self.push(")");
            }
        }
    }

    fn json(&mut self, write: impl FnOnce(&mut Self, &dyn JsonDialect)) {
        match self.dialect.json() {
            Some(json) => write(self, json),
            None => self.unsupported = true,
        }
    }

    fn json_test(&mut self, json: &dyn JsonDialect, column: usize, path: &JsonPath, test: &JsonTest) {
        let column = self.qualified(column);
        match test {
            JsonTest::Compare { kind, operator, slot } => {
                json.value(&column, path, *kind, &mut self.text);
                self.push(symbol(*operator));
                let placeholder = self.placeholder_apart(*slot);
                json.operand(*kind, &placeholder, &mut self.text);
            }
            JsonTest::Exists => json.exists(&column, path, true, &mut self.text),
            JsonTest::IsNull => {
                self.push("NOT (");
                json.exists(&column, path, false, &mut self.text);
                self.push(")");
            }
        }
    }

    fn list_test(&mut self, json: &dyn JsonDialect, column: usize, test: &ListTest) {
        let item = match self.table.column(column).value_type {
            ValueType::List(item) => Some(item),
            _ => None,
        };
        let column = self.qualified(column);
        match test {
            ListTest::Has { slot } => match item {
                Some(item) => {
                    let placeholder = self.placeholder_apart(*slot);
                    json.has(&column, item, &placeholder, &mut self.text);
                }
                None => self.unsupported = true,
            },
            ListTest::IsEmpty => {
                json.length(&column, &mut self.text);
                self.push(" = 0");
            }
        }
    }

    /// The name of a column behind that of its table: tables made of documents have columns of their own.
    fn qualified(&self, column: usize) -> String {
        let mut name = String::new();
        self.dialect.identifier(self.table.name(), &mut name);
        name.push('.');
        self.dialect.identifier(&self.table.column(column).name, &mut name);
        name
    }

    /// The placeholder of a slot, not yet written.
    fn placeholder_apart(&mut self, slot: Slot) -> String {
        let end = self.text.len();
        self.placeholder(slot);
        self.text.split_off(end)
    }

    fn joined(&mut self, word: &str, terms: &[Condition], nested: bool) {
        if nested {
            self.push("(");
        }
        self.separated(word, terms, |w, term| w.condition(term, true));
        if nested {
            self.push(")");
        }
    }

    fn order(&mut self, order: &[Order]) {
        if order.is_empty() {
            return;
        }
        self.push(" ORDER BY ");
        self.separated(", ", order, |w, term| {
            w.column(term.column);
            w.push(if term.descending { " DESC" } else { "" });
            if w.table.column(term.column).nullable {
                w.push(w.dialect.nulls_least(term.descending));
            }
        });
    }

    fn window(&mut self, limit: Option<Slot>, offset: Option<Slot>) {
        if let Some(limit) = limit {
            self.push(" LIMIT ");
            self.placeholder(limit);
        } else if let Some(unlimited) = self.dialect.unlimited().filter(|_| offset.is_some()) {
            self.push(" LIMIT ");
            self.push(unlimited);
        }
        if let Some(offset) = offset {
            self.push(" OFFSET ");
            self.placeholder(offset);
        }
    }
}

/// The beginning of a statement, for messages.
pub fn shortened(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

fn symbol(operator: Comparison) -> &'static str {
    match operator {
        Comparison::Equal => " = ",
        Comparison::NotEqual => " <> ",
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
        Comparison::Greater => " > ",
        Comparison::GreaterOrEqual => " >= ",
    }
}
