//! Plans: a shape as PostgreSQL runs it, and where it runs.

mod pace;
mod raw;
mod window;

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use thing_driver_api::{Dialect, Error, Operation, Result, Shape, Slot, Table, ValueType, sql};

use crate::bulk::Copy;
use crate::dialect::PostgresDialect;
use crate::error;
use crate::values::{Input, Parameters};

pub(crate) use pace::Pace;
use window::Window;

/// What the driver keeps with a shape.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The text; of a read by key the text for one key.
    pub(crate) text: Text,
    /// The text for many keys.
    many: Option<Text>,
    /// The slot of each placeholder.
    binds: Vec<Slot>,
    /// The limit and offset of a read.
    window: Option<Window>,
    /// True for a statement in SQL of the application.
    pub(crate) raw: bool,
    /// Whether it needs a connection to itself: it locks rows, or nobody knows what it does.
    pub(crate) exclusive: bool,
    /// Whether it removes rows.
    pub(crate) deletes: bool,
    /// Whether the last column of the result is the key that the database made.
    pub(crate) returns_key: bool,
    /// The types of the result's columns, the made key not among them; empty for raw statements.
    pub(crate) types: Vec<ValueType>,
    pub(crate) table: Option<Arc<Table>>,
    /// How many rows are added at once; `None` for what is no insert.
    pub(crate) copy: Option<Copy>,
    pub(crate) pace: Pace,
    /// The columns that an insert or update writes: those of the first slots.
    written: Vec<usize>,
}

impl Plan {
    pub(crate) fn compile(shape: &Shape) -> Result<Self> {
        let table = shape.table();
        let operation = shape.operation();
        if let Operation::Raw { text } = operation {
            if raw::controls_transaction(text) {
                return Err(error::transaction_control());
            }
            if raw::copies(text) {
                return Err(error::copy());
            }
        }
        let mut rendered = sql::render(shape, &PostgresDialect)?;
        let mut returns_key = false;
        let mut written = Vec::new();
        let mut copy = None;
        let mut shown: &[usize] = &[];
        match (operation, table) {
            (Operation::Insert { columns, returning }, Some(table)) => {
                returns_key = table.has_generated_key() && !columns.contains(&table.key()[0]);
                if returns_key {
                    rendered.text.push_str(if returning.is_empty() { " RETURNING " } else { ", " });
                    PostgresDialect.identifier(&table.column(table.key()[0]).name, &mut rendered.text);
                }
                copy = Copy::of(table, columns, returns_key);
                written.clone_from(columns);
                shown = returning;
            }
            (Operation::InsertMany { columns, rows }, _) => {
                written = columns.iter().copied().cycle().take(columns.len() * rows).collect();
            }
            (Operation::Upsert { columns, returning, .. } | Operation::Update { columns, returning, .. }, _) => {
                written.clone_from(columns);
                shown = returning;
            }
            (Operation::Increment { columns, set, returning, .. }, _) => {
                written = columns.iter().chain(set).copied().collect();
                shown = returning;
            }
            (Operation::Delete { returning, .. }, _) => shown = returning,
            (Operation::Select { columns, .. } | Operation::Distinct { columns, .. }, _) => shown = columns,
            _ => {}
        }
        let many = match (operation, table) {
            (Operation::GetMany, Some(table)) => Some(many_keys(table)),
            _ => None,
        };
        let types = match (operation, table) {
            (Operation::Count { .. } | Operation::Exists { .. }, _) => vec![ValueType::I64],
            (Operation::GetMany, Some(table)) => table.columns().iter().map(|column| column.value_type).collect(),
            (_, Some(table)) => shown.iter().map(|&column| table.column(column).value_type).collect(),
            _ => Vec::new(),
        };
        Ok(Self {
            text: Text::new(&rendered.text),
            many: many.as_deref().map(Text::new),
            binds: rendered.binds,
            window: Window::of(shape)?,
            raw: matches!(operation, Operation::Raw { .. }),
            exclusive: matches!(operation, Operation::Raw { .. } | Operation::Select { lock: Some(_), .. }),
            deletes: matches!(operation, Operation::Delete { .. }),
            returns_key,
            types,
            table: table.cloned(),
            copy,
            pace: Pace::default(),
            written,
        })
    }

    /// How to run it with this input.
    pub(crate) fn way<'a>(&'a self, input: Input<'a>) -> Way<'a> {
        let mut way = self.whole(input);
        if let (Some(window), Input::Values(values)) = (&self.window, input) {
            match window.fixed(values) {
                Some(fixed) => {
                    way.text = Cow::Owned(fixed);
                    way.parameters = Parameters::new(input, Some(&self.binds[..self.binds.len() - window.slots()]));
                }
                None => way.planned_each_time = true,
            }
        }
        way
    }

    /// How to run it with this input, in the one text that serves for all.
    pub(crate) fn whole<'a>(&'a self, input: Input<'a>) -> Way<'a> {
        let text = match (input, &self.many) {
            (Input::Keys(_), Some(many)) => many,
            _ => &self.text,
        };
        let binds = match input {
            Input::Values(_) if !self.raw => Some(self.binds.as_slice()),
            _ => None,
        };
        Way { text: Cow::Borrowed(text), parameters: Parameters::new(input, binds), planned_each_time: false }
    }

    /// The column that a parameter is written to, or the only one it can be about.
    pub(crate) fn column_of(&self, parameter: usize) -> Option<String> {
        let table = self.table.as_ref()?;
        if self.many.is_some() {
            return table.key().get(parameter).map(|&column| table.column(column).name.to_string());
        }
        let slot = self.binds.get(parameter)?;
        self.written.get(slot.0).map(|&column| table.column(column).name.to_string())
    }
}

/// A plan with its input.
pub(crate) struct Way<'a> {
    pub(crate) text: Cow<'a, Text>,
    pub(crate) parameters: Parameters<'a>,
    /// Whether the server has to make a new plan for these values.
    pub(crate) planned_each_time: bool,
}

impl Plan {
    /// Names the column in the error of a value that an insert writes there.
    pub(crate) fn about_column(&self, slot: usize, refused: Error) -> Error {
        match self.table.as_ref().zip(self.written.get(slot)) {
            Some((table, &column)) => {
                let name = &table.column(column).name;
                Error::invalid_data(name.as_ref(), format!("column `{name}`: {}", refused.message()))
            }
            None => refused,
        }
    }
}

/// The read of all columns of the rows with many keys: one array for each column of the key, however many keys there are.
fn many_keys(table: &Table) -> String {
    let mut text = String::from("SELECT ");
    let names = |out: &mut String, columns: &mut dyn Iterator<Item = usize>| {
        for (at, column) in columns.enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            PostgresDialect.identifier(&table.column(column).name, out);
        }
    };
    names(&mut text, &mut (0..table.columns().len()));
    text.push_str(" FROM ");
    PostgresDialect.identifier(table.name(), &mut text);
    text.push_str(" WHERE ");
    if let [column] = table.key() {
        names(&mut text, &mut std::iter::once(*column));
        text.push_str(" = ANY($1)");
        return text;
    }
    text.push('(');
    names(&mut text, &mut table.key().iter().copied());
    text.push_str(") IN (SELECT * FROM unnest(");
    for (at, &column) in table.key().iter().enumerate() {
        let element = match table.column(column).value_type {
            ValueType::Uuid => "uuid",
            ValueType::I16 | ValueType::I32 | ValueType::I64 => "bigint",
            _ => "text",
        };
        text.push_str(&format!("{}${}::{element}[]", if at > 0 { ", " } else { "" }, at + 1));
    }
    text.push_str("))");
    text
}

/// The text of a statement, with its hash: connections look up by it what they prepared.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: Arc<str>,
    hash: u64,
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let mut hasher = std::hash::DefaultHasher::new();
        text.hash(&mut hasher);
        Self { text: text.into(), hash: hasher.finish() }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Arc::ptr_eq(&self.text, &other.text) || self.text == other.text)
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}
