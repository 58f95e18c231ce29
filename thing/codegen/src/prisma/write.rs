//! The writer: model to text, in the form that Prisma's own formatter gives.

use std::fmt::Write;

use thing_driver_api::ValueType;
use thing_driver_api::schema::Action;

use super::relations::{action_word, usual_on_delete};
use crate::model::{Column, DefaultValue, End, Enum, Index, Link, Model, Native, Relation, Table, Type};
use crate::names;
use crate::note::Note;

impl Model {
    /// The Prisma schema of the model for this database: `postgresql`, `mysql` or `sqlite`.
    ///
    /// What is written and read again gives the same text. Checks, and indexes over some rows only, have no words in a
    /// Prisma schema; native types belong to one database. Notes tell of them.
    pub fn to_prisma(&self, provider: &str) -> (String, Vec<Note>) {
        let provider = provider_name(provider);
        let mut writer = Writer { model: self, provider, out: String::new(), notes: Vec::new() };
        writer.schema();
        writer.notes.sort();
        (writer.out, writer.notes)
    }
}

/// What Prisma calls a database that goes by several names.
pub(crate) fn provider_name(name: &str) -> &str {
    match name {
        "postgres" => "postgresql",
        "mariadb" => "mysql",
        other => other,
    }
}

/// A text in quotes, with the escapes of JSON.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // A control character has a code of one unit.
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Writer<'a> {
    model: &'a Model,
    provider: &'a str,
    out: String,
    notes: Vec<Note>,
}

/// A line of a block, whose parts stand below those of the other lines.
struct Line {
    docs: Option<String>,
    name: String,
    of: String,
    attributes: Vec<String>,
}

impl Writer<'_> {
    fn schema(&mut self) {
        let provider = quoted(self.provider);
        let _ = write!(self.out, "datasource db {{\n  provider = {provider}\n  url      = env(\"DATABASE_URL\")\n}}\n");
        let model = self.model;
        model.tables.iter().for_each(|table| self.table(table));
        model.enums.iter().for_each(|one| self.enumeration(one));
    }

    fn docs(&mut self, docs: Option<&str>, indent: &str) {
        for line in docs.into_iter().flat_map(|docs| docs.split('\n')) {
            let _ = writeln!(self.out, "{}", format!("{indent}/// {line}").trim_end());
        }
    }

    fn table(&mut self, table: &Table) {
        let inline = inline_uniques(table);
        let mut lines: Vec<Line> =
            table.columns.iter().enumerate().map(|(at, column)| self.column(table, at, column, &inline)).collect();
        lines.extend(self.relation_lines(table));
        let mut block = Vec::new();
        if let Some(key) = table.key.as_ref().filter(|key| key.columns.len() != 1 || key.alias.is_some()) {
            block.push(format!(
                "@@id([{}]{}{})",
                self.fields(table, &key.columns),
                named("name", key.alias.as_deref()),
                named("map", key.name.as_deref())
            ));
        }
        for (at, index) in table.indexes.iter().enumerate() {
            if !inline.contains(&at) {
                block.extend(self.index(table, index));
            }
        }
        for check in &table.checks {
            let about = format!("table {}", table.table);
            self.notes.push(Note::new(about, format!("a Prisma schema has no checks; `{}` is left out", check.name)));
        }
        if table.table != table.name {
            block.push(format!("@@map({})", quoted(&table.table)));
        }
        if table.ignored {
            block.push("@@ignore".to_owned());
        }
        self.block("model", &table.name, table.docs.as_deref(), &lines, &block);
    }

    fn block(&mut self, word: &str, name: &str, docs: Option<&str>, lines: &[Line], attributes: &[String]) {
        self.out.push('\n');
        self.docs(docs, "");
        let _ = writeln!(self.out, "{word} {name} {{");
        let names = lines.iter().map(|line| line.name.len()).max().unwrap_or_default();
        let types = lines.iter().map(|line| line.of.len()).max().unwrap_or_default();
        for line in lines {
            self.docs(line.docs.as_deref(), "  ");
            let text = format!("  {:names$} {:types$} {}", line.name, line.of, line.attributes.join(" "));
            let _ = writeln!(self.out, "{}", text.trim_end());
        }
        if !attributes.is_empty() {
            self.out.push('\n');
        }
        for attribute in attributes {
            let _ = writeln!(self.out, "  {attribute}");
        }
        self.out.push_str("}\n");
    }

    fn column(&mut self, table: &Table, at: usize, column: &Column, inline: &[usize]) -> Line {
        let mut attributes = Vec::new();
        if let Some(key) = table.key.as_ref().filter(|key| key.columns == [at] && key.alias.is_none()) {
            attributes.push(match &key.name {
                Some(name) => format!("@id(map: {})", quoted(name)),
                None => "@id".to_owned(),
            });
        }
        for index in table.indexes.iter().enumerate().filter(|(at, _)| inline.contains(at)).map(|(_, index)| index) {
            if index.parts[0].column == at {
                let map = self.map_of(table, index);
                attributes.push(map.map_or("@unique".to_owned(), |map| format!("@unique(map: {})", quoted(map))));
            }
        }
        attributes.extend(column.default.as_ref().map(|default| format!("@default({})", default_text(default))));
        if column.updated {
            attributes.push("@updatedAt".to_owned());
        }
        if column.column != column.name {
            attributes.push(format!("@map({})", quoted(&column.column)));
        }
        attributes.extend(self.native(table, column));
        if column.ignored {
            attributes.push("@ignore".to_owned());
        }
        let of = match &column.holds {
            Type::Unsupported(name) => format!("Unsupported({})", quoted(name)),
            Type::Enum(name) => name.clone(),
            Type::Boolean => "Boolean".to_owned(),
            Type::Int => "Int".to_owned(),
            Type::BigInt => "BigInt".to_owned(),
            Type::Float => "Float".to_owned(),
            Type::Decimal => "Decimal".to_owned(),
            Type::String => "String".to_owned(),
            Type::DateTime => "DateTime".to_owned(),
            Type::Json => "Json".to_owned(),
            Type::Bytes => "Bytes".to_owned(),
        };
        if column.list && !["postgresql", "cockroachdb"].contains(&self.provider) {
            let message = format!("{} has no columns of lists; change the type before Prisma reads it", self.provider);
            self.notes.push(Note::new(format!("{}.{}", table.table, column.column), message));
        }
        if column.list && !column.nullable {
            let message = "a list of a Prisma schema may be NULL in the database; that this one may not is left out";
            self.notes.push(Note::new(format!("{}.{}", table.table, column.column), message));
        }
        let sign = match (column.list, column.nullable) {
            (true, _) => "[]",
            (false, true) => "?",
            (false, false) => "",
        };
        Line { docs: column.docs.clone(), name: column.name.clone(), of: of + sign, attributes }
    }

    /// The native type, where the database has that one.
    fn native(&mut self, table: &Table, column: &Column) -> Option<String> {
        let native @ Native { name, arguments } = column.native.as_ref()?;
        if self.provider == self.model.provider && self.provider != "sqlite" {
            return Some(match arguments.as_slice() {
                [] => format!("@db.{name}"),
                arguments => format!("@db.{name}({})", arguments.join(", ")),
            });
        }
        // Integers of SQLite are of any width, and nothing is lost with their native type.
        let matters = matches!(column.value_type(), Some(ValueType::Uuid | ValueType::Date | ValueType::Time));
        if matters || self.provider != self.model.provider {
            let message =
                format!("`@db.{}` is no type of {} in a Prisma schema; it is left out", native.name, self.provider);
            self.notes.push(Note::new(format!("{}.{}", table.table, column.column), message));
        }
        None
    }

    /// The name of the index, where it is not what Prisma calls it.
    fn map_of<'i>(&self, table: &Table, index: &'i Index) -> Option<&'i str> {
        let suffix = if index.unique { "_key" } else { "_idx" };
        let usual = names::constraint(self.provider, &table.table, &table.column_names(&index.columns()), suffix);
        (index.name != usual).then_some(&*index.name)
    }

    fn fields(&self, table: &Table, columns: &[usize]) -> String {
        let names = columns.iter().filter_map(|&at| table.columns.get(at)).map(|column| column.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    }

    fn index(&mut self, table: &Table, index: &Index) -> Option<String> {
        if index.condition.is_some() {
            let message = format!("a Prisma schema has no indexes over some rows; `{}` is left out", index.name);
            self.notes.push(Note::new(format!("table {}", table.table), message));
            return None;
        }
        let parts = index.parts.iter().filter_map(|part| {
            let name = &table.columns.get(part.column)?.name;
            let mut said = Vec::new();
            said.extend(part.length.map(|length| format!("length: {length}")));
            said.extend(part.descending.then(|| "sort: Desc".to_owned()));
            said.extend(part.operators.as_ref().map(|operators| format!("ops: {operators}")));
            Some(if said.is_empty() { name.clone() } else { format!("{name}({})", said.join(", ")) })
        });
        let parts = parts.collect::<Vec<_>>().join(", ");
        let (word, method) = match (index.unique, index.method.as_deref()) {
            (true, method) => ("unique", method),
            (false, Some("fulltext")) => ("fulltext", None),
            (false, method) => ("index", method),
        };
        let method = method.map(|method| format!(", type: {method}")).unwrap_or_default();
        let (alias, map) = (named("name", index.alias.as_deref()), named("map", self.map_of(table, index)));
        Some(format!("@@{word}([{parts}]{alias}{map}{method})"))
    }

    /// The fields that are relations: those that the table holds, those that lead back, those of many to many.
    fn relation_lines(&self, table: &Table) -> Vec<Line> {
        let model = self.model;
        let held = model.relations.iter().filter(|relation| relation.from.table == table.name);
        let held = held.map(|relation| self.held(table, relation));
        let back = model.relations.iter().filter(|relation| relation.to.table == table.name);
        let back = back.map(|relation| {
            let sign = if relation.many { "[]" } else { "?" };
            end_line(&relation.to, &relation.from.table, sign, relation.name.as_deref())
        });
        let links = model.links.iter().flat_map(|Link { name, a, b }| [(a, b, name), (b, a, name)]);
        let links = links
            .filter(|(own, ..)| own.table == table.name)
            .map(|(own, other, name)| end_line(own, &other.table, "[]", name.as_deref()));
        held.chain(back).chain(links).collect()
    }

    fn held(&self, table: &Table, relation: &Relation) -> Line {
        let mut said: Vec<String> = relation.name.iter().map(|name| quoted(name)).collect();
        said.push(format!("fields: [{}]", relation.columns.join(", ")));
        said.push(format!("references: [{}]", relation.references.join(", ")));
        if relation.on_delete != usual_on_delete(relation.optional) {
            said.push(format!("onDelete: {}", action_word(relation.on_delete)));
        }
        if relation.on_update != Action::Cascade {
            said.push(format!("onUpdate: {}", action_word(relation.on_update)));
        }
        let columns: Vec<usize> = relation.columns.iter().filter_map(|field| table.position(field)).collect();
        let usual = names::constraint(self.provider, &table.table, &table.column_names(&columns), "_fkey");
        if relation.constraint != usual {
            said.push(format!("map: {}", quoted(&relation.constraint)));
        }
        let sign = if relation.optional { "?" } else { "" };
        let mut line = end_line(&relation.from, &relation.to.table, sign, None);
        line.attributes.insert(0, format!("@relation({})", said.join(", ")));
        line
    }

    fn enumeration(&mut self, one: &Enum) {
        let lines: Vec<Line> = one
            .variants
            .iter()
            .map(|variant| {
                let map = (variant.text != variant.name).then(|| format!("@map({})", quoted(&variant.text)));
                let (docs, name) = (variant.docs.clone(), variant.name.clone());
                Line { docs, name, of: map.unwrap_or_default(), attributes: Vec::new() }
            })
            .collect();
        let map = (one.database != one.name).then(|| format!("@@map({})", quoted(&one.database)));
        self.block("enum", &one.name, one.docs.as_deref(), &lines, map.as_slice());
    }
}

fn end_line(end: &End, target: &str, sign: &str, name: Option<&str>) -> Line {
    let mut attributes: Vec<String> = name.iter().map(|name| format!("@relation({})", quoted(name))).collect();
    if end.ignored {
        attributes.push("@ignore".to_owned());
    }
    Line { docs: end.docs.clone(), name: end.field.clone(), of: format!("{target}{sign}"), attributes }
}

/// The positions of the indexes that can be said on a field: the first plain unique one of each column.
fn inline_uniques(table: &Table) -> Vec<usize> {
    let mut columns = Vec::new();
    let mut indexes = Vec::new();
    for (at, index) in table.indexes.iter().enumerate() {
        let [part] = index.parts.as_slice() else { continue };
        let plain = !part.descending && part.length.is_none() && part.operators.is_none();
        let said = index.alias.is_some() || index.method.is_some() || index.condition.is_some();
        if index.unique && plain && !said && !columns.contains(&part.column) {
            columns.push(part.column);
            indexes.push(at);
        }
    }
    indexes
}

/// `, word: "text"`
fn named(word: &str, text: Option<&str>) -> String {
    text.map(|text| format!(", {word}: {}", quoted(text))).unwrap_or_default()
}

fn default_text(default: &DefaultValue) -> String {
    let with = |name: &str, number: Option<u32>| match number {
        Some(number) => format!("{name}({number})"),
        None => format!("{name}()"),
    };
    match default {
        DefaultValue::AutoIncrement => "autoincrement()".to_owned(),
        DefaultValue::Now => "now()".to_owned(),
        DefaultValue::Uuid(version) => with("uuid", version.map(u32::from)),
        DefaultValue::Cuid(version) => with("cuid", version.map(u32::from)),
        DefaultValue::Ulid => "ulid()".to_owned(),
        DefaultValue::NanoId(length) => with("nanoid", *length),
        DefaultValue::Expression(None) => "dbgenerated()".to_owned(),
        DefaultValue::Expression(Some(expression)) => format!("dbgenerated({})", quoted(expression)),
        DefaultValue::Text(text) => quoted(text),
        DefaultValue::Number(number) => number.clone(),
        DefaultValue::Bool(value) => value.to_string(),
        DefaultValue::Variant(name) => name.clone(),
        DefaultValue::List(list) => format!("[{}]", list.iter().map(default_text).collect::<Vec<_>>().join(", ")),
    }
}
