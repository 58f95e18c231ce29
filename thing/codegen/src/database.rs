//! Databases to model: the schemas of tables read as models.

mod types;
mod defaults;
mod relations;

use thing_driver_api::schema::{
    CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexColumn, IndexSchema, TableSchema,
};
use thing_driver_api::{Table as ModelTable, Value};

use self::types::Declared;
use crate::model::{
    Check, Column, DefaultValue, Enum, Index, IndexPart, Key, LIVING, Model, Native, Table, Type, Variant,
    documentation,
};
use crate::names::{self, Names};
use crate::note::Note;
use crate::prisma::{SCALARS, provider_name};

/// The tables of Thing's own, which no program has models of.
const OWN: [&str; 4] = ["thing_changes", "thing_debts", "thing_migrations", "thing_position"];

/// The model of a database's tables. `dialect` is what the driver calls its database: `postgres`, `mysql`, `sqlite`.
///
/// A model is called by the singular of its table, a field as its column, a relation as the column that holds it without
/// `_id`, or as its target; what leads back is called as the table. Where that is taken, more is said. Tables of Thing's own
/// are passed over.
pub fn from_database(tables: &[TableSchema], dialect: &str) -> (Model, Vec<Note>) {
    let mut tables: Vec<&TableSchema> = tables.iter().filter(|table| !OWN.contains(&&*table.name)).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let mut reader = Reader {
        model: Model { provider: provider_name(dialect).to_owned(), ..Model::default() },
        notes: Vec::new(),
        names: Names::default(),
    };
    SCALARS.iter().for_each(|(name, _)| reader.names.reserve(name));
    reader.names.reserve("Unsupported");
    let (links, others): (Vec<&TableSchema>, Vec<&TableSchema>) =
        tables.iter().partition(|table| relations::is_link(table, &tables));
    // The names of all tables come before those of enums, so that an enum more renames no model.
    let mut named: Vec<(&TableSchema, String)> = Vec::new();
    for table in others {
        named.push((table, reader.model_name(table)));
    }
    let mut linked = Vec::new();
    for table in links {
        match relations::link(table, &named) {
            Some(link) => {
                if table.key.is_empty() {
                    let message = "it has no primary key; `sync` makes one of its columns";
                    reader.note_table(&table.name, message);
                }
                linked.push(link);
            }
            None => named.push((table, reader.model_name(table))),
        }
    }
    for (table, name) in &named {
        let table = reader.table(table, name);
        reader.model.tables.push(table);
    }
    relations::add(&mut reader, &named, linked);
    reader.model.sort();
    reader.notes.sort();
    (reader.model, reader.notes)
}

/// The model of what models declare of their tables, as the database of this dialect would have them.
pub fn from_tables(tables: &[&ModelTable], dialect: &str) -> (Model, Vec<Note>) {
    let provider = provider_name(dialect);
    let schemas: Vec<TableSchema> = tables.iter().map(|table| schema_of(table, provider)).collect();
    from_database(&schemas, dialect)
}

/// What a model says of its table, as a database would describe it.
fn schema_of(table: &ModelTable, provider: &str) -> TableSchema {
    let mut schema = TableSchema::new(table.name());
    let column_names =
        |columns: &[usize]| columns.iter().map(|&at| table.column(at).name.to_string()).collect::<Vec<_>>();
    for (at, column) in table.columns().iter().enumerate() {
        let declared = types::declared(provider, column.value_type);
        let mut described = ColumnSchema::new(column.name.clone(), declared, vec![column.value_type]);
        described.nullable = column.nullable;
        described.default = column.default.as_ref().and_then(literal);
        described.comment = column.comment.as_ref().map(ToString::to_string);
        if table.has_generated_key() && table.key() == [at] {
            described.generated = Some(Generated::Key);
        }
        schema.columns.push(described);
    }
    schema.key = column_names(table.key());
    for index in table.indexes() {
        let parts = index.columns.iter().map(|&at| {
            let mut part = thing_driver_api::schema::IndexPart::column(table.column(at).name.clone());
            part.descending = index.descending.contains(at);
            part
        });
        let mut described = IndexSchema::new(index.name.clone(), parts.collect(), index.unique);
        described.condition = index.condition.as_ref().map(ToString::to_string);
        described.living = table.is_partial(index);
        schema.indexes.push(described);
    }
    for key in table.foreign_keys() {
        let references = key.references.iter().map(ToString::to_string).collect();
        let mut described =
            ForeignKeySchema::new(key.name.clone(), column_names(&key.columns), key.table.clone(), references);
        (described.on_delete, described.on_update) = (key.on_delete, key.on_update);
        schema.foreign_keys.push(described);
    }
    schema.checks =
        table.checks().iter().map(|check| CheckSchema::new(check.name.clone(), check.condition.clone())).collect();
    schema.comment = table.comment().map(str::to_owned);
    schema
}

/// A default as an expression that every database understands; `None` for values that are written differently in each.
fn literal(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::F64(value) if value.is_finite() => value.to_string(),
        Value::Decimal(value) => value.to_string(),
        Value::Text(text) | Value::Json(text) => format!("'{}'", text.replace('\'', "''")),
        _ => return None,
    })
}

struct Reader {
    model: Model,
    notes: Vec<Note>,
    /// Those of models and enums.
    names: Names,
}

impl Reader {
    fn model_name(&mut self, table: &TableSchema) -> String {
        let name = names::model_name(&table.name);
        let row = format!("{name}Row");
        self.names.first_free([name, row], "")
    }

    fn note(&mut self, table: &TableSchema, column: &str, message: impl Into<String>) {
        self.notes.push(Note::new(format!("{}.{column}", table.name), message));
    }

    fn note_table(&mut self, table: &str, message: impl Into<String>) {
        self.notes.push(Note::new(format!("table {table}"), message));
    }

    /// What a comment says, with a note where models do not say it to the letter.
    fn docs(&mut self, about: &str, comment: Option<&str>) -> Option<String> {
        let comment = comment?;
        let docs = documentation(comment);
        if docs.as_ref().is_some_and(|docs| docs != comment) {
            let message = "its comment has spaces around its lines; `sync` writes it without them";
            self.notes.push(Note::new(about, message));
        }
        docs
    }

    fn table(&mut self, described: &TableSchema, name: &str) -> Table {
        let mut table = Table { name: name.to_owned(), table: described.name.clone(), ..Table::default() };
        table.docs = self.docs(&format!("table {}", described.name), described.comment.as_deref());
        let mut fields = Names::default();
        for column in &described.columns {
            let field = fields.first_free([names::field_name(&column.name)], "_");
            let column = self.column(described, name, column, field);
            table.columns.push(column);
        }
        let position = |name: &str| described.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
        if let Some(columns) = described.key.iter().map(|name| position(name)).collect::<Option<Vec<usize>>>()
            && !columns.is_empty()
        {
            for &at in &columns {
                let column = &mut table.columns[at];
                column.nullable = false;
                if column.list {
                    // No key of a Prisma schema is a list.
                    (column.holds, column.list) = (Type::Unsupported(described.columns[at].declared.clone()), false);
                    column.native = None;
                }
            }
            table.key = Some(Key { columns, ..Key::default() });
        }
        for index in &described.indexes {
            match index.parts.iter().map(|part| index_part(part, &position)).collect::<Option<Vec<_>>>() {
                Some(parts) if !parts.is_empty() => table.indexes.push(self.index(&table, index, parts)),
                _ => {
                    let message = "is over an expression, which a model does not declare; it is left out";
                    self.note_table(&described.name, format!("the index `{}` {message}", index.name));
                }
            }
        }
        table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
        let mut check_names = Names::default();
        described.checks.iter().for_each(|check| check_names.reserve(&check.name));
        let checks = described.checks.iter().filter(|check| !types::is_check_of_json(check));
        let checks = checks.map(|check| {
            let name = match check.name.as_str() {
                "" => check_names.first_free([format!("{}_check", described.name)], ""),
                name => name.to_owned(),
            };
            Check { name, condition: check.condition.clone() }
        });
        table.checks = checks.collect();
        self.mark_deleted(described, &mut table);
        let tells_apart = |index: &Index| index.unique && index.condition.is_none();
        table.ignored = table.key.is_none() && !table.indexes.iter().any(tells_apart);
        if table.ignored {
            let message = "it has neither a key nor unique columns, so that no row can be told from another";
            self.note_table(&described.name, message);
        }
        table
    }

    fn index(&mut self, table: &Table, described: &IndexSchema, parts: Vec<IndexPart>) -> Index {
        let mut name = described.name.clone();
        // SQLite names what it makes for a constraint by a number, which nothing can be given.
        if name.is_empty() || name.starts_with("sqlite_autoindex_") {
            let columns: Vec<usize> = parts.iter().map(|part| part.column).collect();
            name = names::constraint(&self.model.provider, &table.table, &table.column_names(&columns), "_key");
        }
        let method = described.method.as_deref().filter(|method| !method.eq_ignore_ascii_case("btree"));
        let method = method.map(|method| match method.to_ascii_lowercase().as_str() {
            "fulltext" => "fulltext".to_owned(),
            "spgist" => "SpGist".to_owned(),
            other => names::type_name(other),
        });
        // That an index counts living rows only is said by the column that marks the others.
        let only_living = described.living && described.condition.as_ref().is_none_or(|all| !all.contains(" AND "));
        let in_own_words = |text: &String| text.starts_with("NOT \"") || text.ends_with("\" IS NULL");
        if only_living && self.model.provider == "sqlite" && !described.condition.as_ref().is_none_or(in_own_words) {
            let message =
                format!("`sync` makes the index `{}` again, with the condition in its own words", described.name);
            self.note_table(&table.table, message);
        }
        let condition = if only_living { Some(LIVING.to_owned()) } else { described.condition.clone() };
        Index { name, alias: None, parts, unique: described.unique, method, condition }
    }

    /// Unique indexes over living rows tell that rows are marked as deleted; their conditions, or the names of the
    /// columns, tell which column does it.
    fn mark_deleted(&mut self, described: &TableSchema, table: &mut Table) {
        let living: Vec<&IndexSchema> = described.indexes.iter().filter(|index| index.living).collect();
        if living.is_empty() {
            return;
        }
        let words = living.iter().filter_map(|index| index.condition.as_deref());
        let words: Vec<&str> = words.flat_map(|all| all.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
        let named = |column: &Column| words.iter().any(|word| word.eq_ignore_ascii_case(&column.column));
        let called = |column: &Column| {
            let lower = column.column.to_ascii_lowercase();
            lower.starts_with("deleted") || lower.ends_with("deleted")
        };
        let marks = |column: &&mut Column| {
            let timed = column.holds == Type::DateTime && column.nullable;
            let flagged = column.holds == Type::Boolean && !column.nullable;
            (timed || flagged) && if words.is_empty() { called(column) } else { named(column) }
        };
        let mut marking: Vec<&mut Column> = table.columns.iter_mut().filter(marks).collect();
        match marking.as_mut_slice() {
            [only] => only.deleted = true,
            _ => {
                let message = "its unique indexes count some rows only; where a column marks the others as deleted, \
                               say so with `#[thing(deleted)]`";
                self.note_table(&described.name, message);
            }
        }
    }

    fn column(&mut self, table: &TableSchema, model: &str, described: &ColumnSchema, field: String) -> Column {
        let declared = types::read(&self.model.provider, table, described);
        let (holds, native, list) = match declared {
            Declared::Enum => (self.enumeration(model, described), None, false),
            Declared::Type { holds, native, list } => (holds, native, list),
        };
        let mut column = Column::new(field, &described.name, holds);
        (column.native, column.list, column.nullable) = (native, list, described.nullable);
        column.docs = self.docs(&format!("{}.{}", table.name, described.name), described.comment.as_deref());
        column.default = match &described.generated {
            Some(Generated::Key) => Some(DefaultValue::AutoIncrement),
            Some(_) => {
                column.ignored = true;
                self.note(table, &described.name, "the database computes it, so that models leave it out");
                None
            }
            None => described.default.as_deref().and_then(|text| {
                let enumeration = match &column.holds {
                    Type::Enum(name) => self.model.enumeration(name),
                    _ => None,
                };
                let (text, updated) = defaults::without_update(text);
                column.updated = updated && column.holds == Type::DateTime;
                defaults::read(text, &column, enumeration)
            }),
        };
        if let Some(message) = types::inexact(described, &column) {
            self.note(table, &described.name, message);
        }
        column
    }

    /// The enum of a column. PostgreSQL's have names, and columns share them.
    fn enumeration(&mut self, model: &str, described: &ColumnSchema) -> Type {
        let own = self.model.provider != "postgresql";
        let database = match own {
            true => format!("{model}{}", names::type_name(&described.name)),
            false => types::bare_name(&described.declared),
        };
        if let Some(known) = self.model.enums.iter().find(|one| !own && one.database == database) {
            return Type::Enum(known.name.clone());
        }
        let name = names::type_name(&database);
        let kind = format!("{name}Kind");
        let name = self.names.first_free([name, kind], "");
        let mut taken = Names::default();
        let variants = described.allowed.iter().map(|text| {
            let bare = if text.is_empty() { "empty".to_owned() } else { names::identifier(text, "value_") };
            Variant { name: taken.first_free([bare], "_"), text: text.clone(), docs: None }
        });
        let variants = variants.collect();
        let database = if own { name.clone() } else { database };
        self.model.enums.push(Enum { name: name.clone(), database, docs: None, variants });
        Type::Enum(name)
    }
}

fn index_part(
    part: &thing_driver_api::schema::IndexPart,
    position: &impl Fn(&str) -> Option<usize>,
) -> Option<IndexPart> {
    let IndexColumn::Column(name) = &part.of else { return None };
    let mut read = IndexPart::new(position(name)?);
    (read.descending, read.length) = (part.descending, part.prefix);
    Some(read)
}

impl Native {
    fn of(name: &str, sizes: &[String]) -> Self {
        Self { name: name.to_owned(), arguments: sizes.to_vec() }
    }
}
