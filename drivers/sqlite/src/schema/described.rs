//! Descriptions: what SQLite tells of a table, and its definition the rest.

use thing_driver_api::schema::{
    Action, CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableSchema,
};
use thing_driver_api::{Flow, Result, Row, RowSink, Value, ValueType, quote};

use super::default;
use super::definition::{ForeignKeyDefinition, IndexDefinition, TableDefinition, WITHOUT_ROWID, is_of_living};
use crate::error;
use crate::row::SqliteRow;

/// Asks for the names of all tables.
pub(super) const TABLES: &str = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
                                 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

/// What is to be asked about a table.
pub(super) fn questions(table: &str) -> Vec<String> {
    let mut name = String::new();
    quote(table, '\'', &mut name);
    vec![
        format!(
            "SELECT type, name, sql FROM sqlite_schema WHERE lower(tbl_name) = lower({name}) \
             AND type IN ('table', 'index', 'trigger') ORDER BY type, name"
        ),
        format!("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo({name})"),
        format!(
            "SELECT list.name, list.\"unique\", list.origin, part.seqno, part.cid, part.name, part.\"desc\", part.coll \
             FROM pragma_index_list({name}) AS list, pragma_index_xinfo(list.name) AS part \
             WHERE part.key AND list.origin <> 'pk' ORDER BY list.name, part.seqno"
        ),
        // A reference without columns is one to the primary key.
        format!(
            "SELECT id, \"table\", \"from\", coalesce(\"to\", (SELECT name FROM pragma_table_info(fk.\"table\") \
             WHERE pk = fk.seq + 1), ''), on_delete, on_update \
             FROM pragma_foreign_key_list({name}) AS fk ORDER BY id DESC, seq"
        ),
    ]
}

/// The rows of the answers, question by question.
#[derive(Debug, Default)]
pub(super) struct Answers {
    answers: Vec<Vec<Cells>>,
    now: Vec<Cells>,
}

#[derive(Debug)]
struct Cells(Vec<Value<'static>>);

impl Cells {
    fn text(&self, at: usize) -> String {
        self.maybe(at).unwrap_or_default()
    }

    fn maybe(&self, at: usize) -> Option<String> {
        match self.0.get(at)? {
            Value::Text(text) => Some(text.clone().into_owned()),
            _ => None,
        }
    }

    fn number(&self, at: usize) -> i64 {
        match self.0.get(at) {
            Some(Value::I64(number)) => *number,
            _ => 0,
        }
    }
}

impl RowSink for Answers {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let cells: Result<Vec<_>> = (0..row.len()).map(|at| row.any_value(at).map(Value::into_owned)).collect();
        self.now.push(Cells(cells?));
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.now.clear();
    }
}

/// Asks on a connection.
pub(super) fn ask(raw: &rusqlite::Connection, questions: &[String]) -> Result<Answers> {
    let translate = |error| error::translate(error, None);
    let mut answers = Answers::default();
    // One state for all the questions.
    let _reading = raw.unchecked_transaction().map_err(translate)?;
    for question in questions {
        let mut statement = raw.prepare(question).map_err(translate)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(translate)? {
            answers.row(&SqliteRow::new(row))?;
        }
        answers.next();
    }
    Ok(answers)
}

impl Answers {
    /// Turns to the next question.
    pub(super) fn next(&mut self) {
        self.answers.push(std::mem::take(&mut self.now));
    }

    /// The texts of the first column of the first answer.
    pub(super) fn texts(self) -> Vec<String> {
        self.answers.into_iter().next().unwrap_or_default().iter().map(|cells| cells.text(0)).collect()
    }

    /// The table that the answers to [`questions`] describe; `None` when there is none.
    pub(super) fn described(self) -> Option<TableSchema> {
        let [objects, columns, indexes, foreign_keys] = self.answers.as_slice() else { return None };
        let table = objects.iter().find(|object| object.text(0) == "table")?;
        let definition = TableDefinition::parse(&table.text(2));
        let mut described = TableSchema::new(table.text(1));
        let mut key: Vec<(i64, String)> = Vec::new();
        for column in columns {
            if column.number(4) > 0 {
                key.push((column.number(4), column.text(0)));
            }
            described.columns.push(self::column(column, &definition));
        }
        key.sort();
        described.key = key.into_iter().map(|(_, name)| name).collect();
        described.options = definition.options;
        mark_address(&mut described);
        described.indexes = self::indexes(indexes, objects, &described);
        described.foreign_keys = self::foreign_keys(foreign_keys, definition.foreign_keys);
        described.checks =
            definition.checks.into_iter().map(|(name, condition)| CheckSchema::new(name, condition)).collect();
        described.checks.sort_by(|a, b| a.name.cmp(&b.name));
        let triggers = objects.iter().filter(|object| object.text(0) == "trigger");
        described.attached = triggers.map(|trigger| trigger.text(2)).collect();
        Some(described)
    }
}

fn column(found: &Cells, definition: &TableDefinition) -> ColumnSchema {
    let name = found.text(0);
    let defined = definition.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name));
    let mut declared = found.text(1);
    if let Some(collation) = defined.and_then(|column| column.collation.as_ref()) {
        declared = format!("{declared} COLLATE {collation}");
    }
    let holds = holds(&declared);
    let mut column = ColumnSchema::new(name, declared, holds);
    column.nullable = found.number(2) == 0;
    column.default = found.maybe(3).and_then(|words| default::shown(&words, &column.declared));
    column.generated = match found.number(5) {
        2 | 3 => defined.and_then(|column| column.generated.clone()).map(|(expression, stored)| {
            if stored { Generated::Stored(expression) } else { Generated::Virtual(expression) }
        }),
        _ => None,
    };
    column
}

/// A single INTEGER PRIMARY KEY is the row's own address: never NULL, and made by SQLite where it is left out.
pub(super) fn mark_address(table: &mut TableSchema) {
    let [key] = table.key.as_slice() else { return };
    let (key, rowid) = (key.clone(), !table.options.iter().any(|option| option == WITHOUT_ROWID));
    let address = |column: &&mut ColumnSchema| column.name == key && column.declared.eq_ignore_ascii_case("INTEGER");
    if let Some(column) = table.columns.iter_mut().find(address).filter(|_| rowid) {
        column.nullable = false;
        column.generated = Some(Generated::Key);
    }
}

fn indexes(found: &[Cells], objects: &[Cells], table: &TableSchema) -> Vec<IndexSchema> {
    let mut indexes: Vec<IndexSchema> = Vec::new();
    for part in found {
        let name = part.text(0);
        let sql = objects.iter().find(|object| object.text(0) == "index" && object.text(1) == name);
        let definition = sql.map(|sql| IndexDefinition::parse(&sql.text(2))).unwrap_or_default();
        if indexes.last().is_none_or(|last| last.name != name) {
            let mut index = IndexSchema::new(name, Vec::new(), part.number(1) != 0);
            index.constraint = part.text(2) == "u";
            index.living = index.unique && definition.condition.as_deref().is_some_and(is_of_living);
            index.condition = definition.condition;
            indexes.push(index);
        }
        let text = usize::try_from(part.number(3)).ok().and_then(|at| definition.parts.get(at));
        let of_column = part.maybe(5).filter(|column| {
            let own = table.column(column).and_then(|column| column.declared.split_once(" COLLATE "));
            part.text(7).eq_ignore_ascii_case(own.map_or("BINARY", |(_, collation)| collation))
        });
        let mut part_of_index = match (of_column, text) {
            (Some(column), _) => IndexPart::column(column),
            (None, Some(text)) => IndexPart::expression(text),
            // A constraint over a column that is sorted by another collation than its own has no text of its own.
            (None, None) => IndexPart::column(part.text(5)),
        };
        part_of_index.descending = part.number(6) != 0;
        if let Some(index) = indexes.last_mut() {
            index.parts.push(part_of_index);
        }
    }
    indexes
}

fn foreign_keys(found: &[Cells], mut definitions: Vec<ForeignKeyDefinition>) -> Vec<ForeignKeySchema> {
    let mut keys: Vec<(i64, ForeignKeySchema)> = Vec::new();
    for part in found {
        let id = part.number(0);
        if keys.last().is_none_or(|(last, _)| *last != id) {
            let mut key = ForeignKeySchema::new("", Vec::new(), part.text(1), Vec::new());
            key.on_delete = action(&part.text(4));
            key.on_update = action(&part.text(5));
            keys.push((id, key));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(part.text(2));
            key.references.push(part.text(3));
        }
    }
    let mut keys: Vec<ForeignKeySchema> = keys.into_iter().map(|(_, key)| key).collect();
    for key in &mut keys {
        let same = |known: &ForeignKeyDefinition| {
            let names = known.columns.iter().zip(&key.columns).all(|(a, b)| a.eq_ignore_ascii_case(b));
            names && known.columns.len() == key.columns.len() && known.table.eq_ignore_ascii_case(&key.table)
        };
        if let Some(at) = definitions.iter().position(same) {
            key.name = definitions.remove(at).name;
        }
    }
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    keys
}

fn action(text: &str) -> Action {
    match text {
        "RESTRICT" => Action::Restrict,
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// The types that come back from a column as they were stored, by SQLite's rules of affinity
/// (<https://www.sqlite.org/datatype3.html>, section 3.1).
pub(super) fn holds(declared: &str) -> Vec<ValueType> {
    const INTEGERS: [ValueType; 7] = [
        ValueType::Bool,
        ValueType::I16,
        ValueType::I32,
        ValueType::I64,
        ValueType::Timestamp,
        ValueType::Date,
        ValueType::Time,
    ];
    const FLOATS: [ValueType; 2] = [ValueType::F32, ValueType::F64];
    const TEXTS: [ValueType; 2] = [ValueType::Text, ValueType::Json];
    const BLOBS: [ValueType; 2] = [ValueType::Bytes, ValueType::Uuid];
    let declared = declared.to_ascii_uppercase();
    let (declared, collation) = declared.split_once(" COLLATE ").unwrap_or((&declared, ""));
    let says = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    // Blobs are stored as they are under every affinity, but a program that declares another type means another type.
    if declared == "DECIMAL_TEXT" && collation == "DECIMAL" {
        vec![ValueType::Decimal]
    } else if says(&["INT"]) {
        INTEGERS.to_vec()
    } else if says(&["CHAR", "CLOB", "TEXT"]) {
        [&TEXTS[..], &ValueType::LISTS].concat()
    } else if declared.is_empty() {
        // Nothing is converted.
        [&INTEGERS[..], &FLOATS, &TEXTS, &ValueType::LISTS, &BLOBS].concat()
    } else if says(&["BLOB"]) {
        BLOBS.to_vec()
    } else if says(&["REAL", "FLOA", "DOUB"]) {
        FLOATS.to_vec()
    } else {
        // NUMERIC: integers stay as they are; a float without fraction becomes an integer and is read as a float.
        [&INTEGERS[..], &FLOATS].concat()
    }
}
