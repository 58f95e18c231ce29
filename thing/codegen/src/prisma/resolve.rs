//! Syntax to model: what the names and attributes mean.

use std::collections::BTreeMap;

use super::arguments::{Item, arguments, items, name, text, written};
use super::relations::{Pending, relations};
use super::syntax::{Attribute, Block, BlockKind, Document, Expression, ExpressionKind, Field, Member, Word};
use crate::diagnostic::Mistake;
use crate::model::{Column, DefaultValue, Enum, Index, IndexPart, Key, Model, Native, Table, Type, Variant};
use crate::names;
use crate::note::Note;

pub(crate) const SCALARS: [(&str, Type); 9] = [
    ("BigInt", Type::BigInt),
    ("Boolean", Type::Boolean),
    ("Bytes", Type::Bytes),
    ("DateTime", Type::DateTime),
    ("Decimal", Type::Decimal),
    ("Float", Type::Float),
    ("Int", Type::Int),
    ("Json", Type::Json),
    ("String", Type::String),
];
const PROVIDERS: [&str; 7] = ["cockroachdb", "mongodb", "mysql", "postgres", "postgresql", "sqlite", "sqlserver"];
const ON_FIELDS: [&str; 8] = ["default", "id", "ignore", "map", "relation", "unique", "updatedAt", "db"];
const ON_MODELS: [&str; 7] = ["fulltext", "id", "ignore", "index", "map", "schema", "unique"];

/// What names stand for.
struct Known<'a> {
    models: BTreeMap<&'a str, &'a Block>,
    enums: BTreeMap<&'a str, &'a Block>,
    /// Views and composite types, which have no counterpart.
    others: BTreeMap<&'a str, &'a Block>,
}

/// The model, as far as it can be made out.
pub(super) fn resolve(document: &Document, mistakes: &mut Vec<Mistake>) -> (Model, Vec<Note>) {
    let mut notes = Vec::new();
    let mut model = Model { provider: provider(document, mistakes), ..Model::default() };
    let known = known(document, mistakes, &mut notes);
    for block in known.enums.values() {
        model.enums.push(enumeration(block, mistakes, &mut notes));
    }
    let mut pending = Vec::new();
    for block in known.models.values() {
        let table = Resolver { known: &known, provider: &model.provider, block, mistakes, notes: &mut notes };
        model.tables.push(table.table(&mut pending));
    }
    relations(&mut model, pending, mistakes);
    refuse_equal(&model, &known, mistakes);
    model.sort();
    notes.sort();
    (model, notes)
}

/// Two models can't have one table.
fn refuse_equal(model: &Model, known: &Known<'_>, mistakes: &mut Vec<Mistake>) {
    let mut tables: BTreeMap<String, &str> = model.links.iter().map(|link| (link.table(), "a relation")).collect();
    for table in &model.tables {
        if let Some(other) = tables.insert(table.table.clone(), &table.name)
            && let Some(block) = known.models.get(table.name.as_str())
        {
            let message = format!("the table `{}` is that of `{other}` already", table.table);
            mistakes.push(Mistake::new(&block.name.span, message).hint("give one of them another with `@@map`"));
        }
    }
}

/// Which database the schema is for. Without a data source it is PostgreSQL, the one whose types Prisma's defaults are.
fn provider(document: &Document, mistakes: &mut Vec<Mistake>) -> String {
    let sources = document.blocks.iter().filter(|block| block.kind == BlockKind::Datasource);
    let settings = sources.flat_map(|block| &block.members);
    let value = settings.into_iter().find_map(|member| match member {
        Member::Setting(name, value) if name.text == "provider" => Some(value),
        _ => None,
    });
    let Some(value) = value else { return "postgresql".to_owned() };
    let Some(name) = text(value, mistakes) else { return "postgresql".to_owned() };
    if !PROVIDERS.contains(&name.as_str()) {
        let mistake = Mistake::new(&value.span, format!("`{name}` is no provider"));
        mistakes.push(mistake.among(&name, "", PROVIDERS));
    }
    if name == "mongodb" {
        let mistake = Mistake::new(&value.span, "a schema for MongoDB has no tables");
        mistakes.push(mistake.hint("models of Thing are rows of tables: `postgresql`, `mysql` and `sqlite` have them"));
    }
    if name == "postgres" { "postgresql".to_owned() } else { name }
}

fn known<'a>(document: &'a Document, mistakes: &mut Vec<Mistake>, notes: &mut Vec<Note>) -> Known<'a> {
    let mut known = Known { models: BTreeMap::new(), enums: BTreeMap::new(), others: BTreeMap::new() };
    let mut all: BTreeMap<&str, &Word> = BTreeMap::new();
    for block in &document.blocks {
        let name = block.name.text.as_str();
        let place = match block.kind {
            BlockKind::Datasource | BlockKind::Generator => continue,
            BlockKind::Model => &mut known.models,
            BlockKind::Enum => &mut known.enums,
            BlockKind::View | BlockKind::Type => {
                let what = if block.kind == BlockKind::View { "a view" } else { "a composite type" };
                notes.push(Note::new(name, format!("{what} has no model; it is left out")));
                &mut known.others
            }
        };
        check_name(&block.name, mistakes);
        if SCALARS.iter().any(|(scalar, _)| *scalar == name) {
            let mistake = Mistake::new(&block.name.span, format!("`{name}` is a type of Prisma"));
            mistakes.push(mistake.hint("give it another name, and the old one with `@@map`"));
        }
        if all.insert(name, &block.name).is_some() {
            mistakes.push(Mistake::new(&block.name.span, format!("`{name}` is declared twice")).hint("rename one"));
        }
        place.insert(name, block);
    }
    known
}

fn check_name(name: &Word, mistakes: &mut Vec<Mistake>) {
    if !name.text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let mistake = Mistake::new(&name.span, format!("`{}` does not start with a letter", name.text));
        mistakes.push(mistake.hint("rename it, and give the old name with `@map`"));
    }
}

fn enumeration(block: &Block, mistakes: &mut Vec<Mistake>, notes: &mut Vec<Note>) -> Enum {
    let name = block.name.text.clone();
    let mut result = Enum { database: name.clone(), name, docs: block.docs.clone(), variants: Vec::new() };
    for attribute in &block.attributes {
        match attribute.name.text.as_str() {
            "map" => result.database = mapped(attribute, mistakes).unwrap_or(result.database),
            "schema" => {
                notes.push(Note::new(&result.name, "`@@schema` is left out: tables are looked up by their names"))
            }
            other => mistakes.push(unknown(attribute, other, "@@", "an enum", &["map", "schema"])),
        }
    }
    for member in &block.members {
        let Member::Value(value) = member else { continue };
        check_name(&value.name, mistakes);
        let name = value.name.text.clone();
        let mut variant = Variant { text: name.clone(), name, docs: value.docs.clone() };
        for attribute in &value.attributes {
            match attribute.name.text.as_str() {
                "map" if maps_to_nothing(attribute) => variant.text.clear(),
                "map" => variant.text = mapped(attribute, mistakes).unwrap_or(variant.text),
                other => mistakes.push(unknown(attribute, other, "@", "a value of an enum", &["map"])),
            }
        }
        if result.variants.iter().any(|other| other.name == variant.name || other.text == variant.text) {
            mistakes.push(Mistake::new(&value.name.span, format!("`{}` is declared twice", variant.text)));
        }
        result.variants.push(variant);
    }
    if result.variants.is_empty() {
        mistakes.push(Mistake::new(&block.name.span, format!("the enum `{}` has no values", result.name)));
    }
    result
}

/// A value of an enum may be the empty text.
fn maps_to_nothing(attribute: &Attribute) -> bool {
    let [argument] = attribute.arguments.as_slice() else { return false };
    matches!(&argument.value.kind, ExpressionKind::Text(text) if text.is_empty())
}

fn mapped(attribute: &Attribute, mistakes: &mut Vec<Mistake>) -> Option<String> {
    let [name] = arguments(attribute, ["name"], 1, mistakes);
    match name {
        Some(name) => text(name, mistakes),
        None => {
            let mistake = Mistake::new(&attribute.name.span, format!("`{}` names nothing", attribute.name.text));
            mistakes.push(mistake.hint("write `map(\"name_in_the_database\")`"));
            None
        }
    }
}

fn unknown(attribute: &Attribute, name: &str, sign: &str, place: &str, known: &[&str]) -> Mistake {
    Mistake::new(&attribute.name.span, format!("`{sign}{name}` is no attribute of {place}")).among(
        name,
        sign,
        known.iter().copied(),
    )
}

/// Resolves one model.
struct Resolver<'a, 'b> {
    known: &'b Known<'a>,
    provider: &'b str,
    block: &'a Block,
    mistakes: &'b mut Vec<Mistake>,
    notes: &'b mut Vec<Note>,
}

impl<'a> Resolver<'a, '_> {
    /// The table, and the fields that are relations.
    fn table(mut self, pending: &mut Vec<Pending<'a>>) -> Table {
        let name = self.block.name.text.clone();
        let mut table = Table { table: name.clone(), name, docs: self.block.docs.clone(), ..Table::default() };
        for attribute in self.block.attributes.iter().filter(|attribute| attribute.name.text == "map") {
            table.table = mapped(attribute, self.mistakes).unwrap_or(table.table);
        }
        let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
        let fields: Vec<&'a Field> = self.block.members.iter().filter_map(field).collect();
        for field in &fields {
            check_name(&field.name, self.mistakes);
            if seen.insert(&field.name.text, ()).is_some() {
                let message = format!("the field `{}` is declared twice", field.name.text);
                self.mistakes.push(Mistake::new(&field.name.span, message).hint("rename one"));
                continue;
            }
            match self.holds(field) {
                Some(Holds::Column(holds)) => self.column(field, holds, &mut table),
                Some(Holds::Model) => pending.push(Pending::new(&table.name, field, self.mistakes)),
                None => {}
            }
        }
        for (at, column) in table.columns.iter().enumerate() {
            if table.columns[..at].iter().any(|other| other.column == column.column) {
                let message = format!("the column `{}` is declared twice", column.column);
                self.mistakes.push(Mistake::new(&self.block.name.span, message).hint("change one `@map`"));
            }
        }
        for field in &fields {
            self.key_of_field(field, &mut table);
        }
        for attribute in &self.block.attributes {
            self.block_attribute(attribute, &mut table);
        }
        if table.key.is_none() && !table.indexes.iter().any(|index| index.unique) && !table.ignored {
            let mistake = Mistake::new(&self.block.name.span, format!("the model `{}` has no key", table.name));
            self.mistakes.push(mistake.hint("mark a field with `@id`, or list several with `@@id([…])`"));
        }
        table
    }

    fn holds(&mut self, field: &Field) -> Option<Holds> {
        let name = field.of.name.text.as_str();
        if let Some(unsupported) = &field.of.unsupported {
            return Some(Holds::Column(Type::Unsupported(unsupported.clone())));
        }
        if let Some((_, scalar)) = SCALARS.iter().find(|(scalar, _)| *scalar == name) {
            return Some(Holds::Column(scalar.clone()));
        }
        if self.known.enums.contains_key(name) {
            return Some(Holds::Column(Type::Enum(name.to_owned())));
        }
        if self.known.models.contains_key(name) {
            return Some(Holds::Model);
        }
        let about = format!("{}.{}", self.block.name.text, field.name.text);
        if self.known.others.contains_key(name) {
            self.notes.push(Note::new(about, format!("`{name}` has no counterpart; the field is left out")));
            return None;
        }
        let known = SCALARS.iter().map(|(scalar, _)| *scalar).chain(self.known.enums.keys().copied());
        let known: Vec<&str> = known.chain(self.known.models.keys().copied()).chain(["Unsupported"]).collect();
        let mistake = Mistake::new(&field.of.name.span, format!("`{name}` is no type, model or enum"));
        self.mistakes.push(mistake.among(name, "", known));
        None
    }

    fn column(&mut self, field: &Field, holds: Type, table: &mut Table) {
        let mut column = Column::new(&field.name.text, &field.name.text, holds);
        column.docs.clone_from(&field.docs);
        // Prisma declares no column of lists as NOT NULL.
        (column.list, column.nullable) = (field.of.list, field.of.optional || field.of.list);
        for (at, attribute) in field.attributes.iter().enumerate() {
            let name = attribute.name.text.as_str();
            if field.attributes[..at].iter().any(|other| other.name.text == name) {
                self.mistakes.push(Mistake::new(&attribute.name.span, format!("`@{name}` is given twice")));
                continue;
            }
            match name {
                "id" | "unique" => {}
                "map" => column.column = mapped(attribute, self.mistakes).unwrap_or(column.column),
                "default" => column.default = self.default(attribute, &column),
                "updatedAt" if column.holds == Type::DateTime => column.updated = true,
                "updatedAt" => self
                    .mistakes
                    .push(Mistake::new(&attribute.name.span, "`@updatedAt` goes on a field of type `DateTime`")),
                "ignore" => column.ignored = true,
                "relation" => {
                    let mistake =
                        Mistake::new(&attribute.name.span, "`@relation` goes on a field whose type is a model");
                    let of = &field.of.name.text;
                    self.mistakes.push(mistake.hint(format!("`{of}` is not one; relate by another field")));
                }
                _ if name.starts_with("db.") => {
                    let arguments = attribute.arguments.iter().map(|argument| written(&argument.value)).collect();
                    column.native = Some(Native { name: name["db.".len()..].to_owned(), arguments });
                }
                _ => self.mistakes.push(unknown(attribute, name, "@", "a field", &ON_FIELDS)),
            }
        }
        table.columns.push(column);
    }

    fn default(&mut self, attribute: &Attribute, column: &Column) -> Option<DefaultValue> {
        let [value, _] = arguments(attribute, ["value", "map"], 1, self.mistakes);
        let Some(value) = value else {
            let mistake = Mistake::new(&attribute.name.span, "`@default` says no value");
            self.mistakes.push(mistake.hint("write `@default(…)`"));
            return None;
        };
        self.default_value(value, column)
    }

    fn default_value(&mut self, value: &Expression, column: &Column) -> Option<DefaultValue> {
        const FUNCTIONS: [&str; 7] = ["autoincrement", "cuid", "dbgenerated", "nanoid", "now", "ulid", "uuid"];
        let wrong = |message: String| Mistake::new(&value.span, message);
        let found = match &value.kind {
            ExpressionKind::List(list) if column.list => {
                let each = list.iter().filter_map(|value| self.default_value(value, column));
                return Some(DefaultValue::List(each.collect()));
            }
            ExpressionKind::List(_) => Err(wrong("a list is the default of a field that is a list".into())),
            ExpressionKind::Text(text) => Ok(DefaultValue::Text(text.clone())),
            ExpressionKind::Number(number) => Ok(DefaultValue::Number(number.clone())),
            ExpressionKind::Name(name) => match (name.as_str(), &column.holds) {
                ("true", Type::Boolean) => Ok(DefaultValue::Bool(true)),
                ("false", Type::Boolean) => Ok(DefaultValue::Bool(false)),
                (name, Type::Enum(of)) => {
                    let values = self.known.enums.get(of.as_str()).map(|block| values(block)).unwrap_or_default();
                    match values.contains(&name) {
                        true => Ok(DefaultValue::Variant(name.to_owned())),
                        false => Err(wrong(format!("`{name}` is no value of `{of}`")).among(name, "", values)),
                    }
                }
                (name, _) => Err(wrong(format!("`{name}` is no default")).hint(format!("did you mean `{name}()`?"))),
            },
            ExpressionKind::Call(name, given) => {
                let given = match given.as_slice() {
                    [] => None,
                    [only] => Some(&only.value.kind),
                    _ => {
                        self.mistakes.push(wrong(format!("`{name}` takes one argument at most")));
                        return None;
                    }
                };
                let number = match given {
                    Some(ExpressionKind::Number(number)) => number.parse::<u32>().ok(),
                    _ => None,
                };
                let version = number.and_then(|number| u8::try_from(number).ok());
                match (name.as_str(), given) {
                    ("autoincrement", None) => Ok(DefaultValue::AutoIncrement),
                    ("now", None) => Ok(DefaultValue::Now),
                    ("uuid", _) if given.is_none() || version.is_some() => Ok(DefaultValue::Uuid(version)),
                    ("cuid", _) if given.is_none() || version.is_some() => Ok(DefaultValue::Cuid(version)),
                    ("nanoid", _) if given.is_none() || number.is_some() => Ok(DefaultValue::NanoId(number)),
                    ("ulid", None) => Ok(DefaultValue::Ulid),
                    ("dbgenerated", None) => Ok(DefaultValue::Expression(None)),
                    ("dbgenerated", Some(ExpressionKind::Text(text))) => {
                        Ok(DefaultValue::Expression(Some(text.clone())))
                    }
                    (known, _) if FUNCTIONS.contains(&known) => {
                        Err(wrong(format!("`{known}` does not take this argument")))
                    }
                    _ => Err(wrong(format!("`{name}` is no function")).among(name, "", FUNCTIONS)),
                }
            }
        };
        let found =
            found.and_then(|found| match fits(&found, &column.holds) {
                true => Ok(found),
                false => Err(wrong(format!("this is no default for `{}`", column.name))
                    .hint("give a value of the field's own type")),
            });
        found.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    /// `@id` and `@unique` on a field.
    fn key_of_field(&mut self, field: &Field, table: &mut Table) {
        let Some(position) = table.position(&field.name.text) else {
            return;
        };
        for attribute in &field.attributes {
            if !["id", "unique"].contains(&attribute.name.text.as_str()) {
                continue;
            }
            let [map, length, sort, _] = arguments(attribute, ["map", "length", "sort", "clustered"], 0, self.mistakes);
            let map = map.and_then(|map| text(map, self.mistakes));
            if attribute.name.text == "unique" {
                let mut part = IndexPart::new(position);
                part.length = length.and_then(|length| self.length(length));
                part.descending = sort.is_some_and(|sort| self.descends(sort));
                self.index(vec![part], true, map, None, None, table);
                continue;
            }
            let key = Key { columns: vec![position], name: map, alias: None };
            self.key(key, attribute, table);
        }
    }

    fn key(&mut self, mut key: Key, attribute: &Attribute, table: &mut Table) {
        if table.key.is_some() {
            let mistake = Mistake::new(&attribute.name.span, format!("the model `{}` has two keys", table.name));
            self.mistakes.push(mistake.hint("list the fields of one key with `@@id([…])`"));
            return;
        }
        for &column in &key.columns {
            if table.columns.get(column).is_some_and(|column| column.nullable || column.list) {
                let mistake = Mistake::new(&attribute.name.span, "a key can't be optional, and no list");
                self.mistakes.push(mistake.hint("drop the `?` or `[]` behind the type"));
            }
        }
        // PostgreSQL alone keeps the names of keys.
        let usual = names::constraint(self.provider, &table.table, &[], "_pkey");
        key.name = key.name.filter(|name| *name != usual);
        table.key = Some(key);
    }

    fn block_attribute(&mut self, attribute: &Attribute, table: &mut Table) {
        match attribute.name.text.as_str() {
            "map" => {}
            "ignore" => table.ignored = true,
            "schema" => {
                self.notes.push(Note::new(&table.name, "`@@schema` is left out: tables are looked up by their names"));
            }
            "id" => {
                let known = ["fields", "name", "map", "clustered"];
                let [fields, alias, map, _] = arguments(attribute, known, 1, self.mistakes);
                let columns = self.parts(fields, attribute, table).iter().map(|part| part.column).collect();
                let alias = alias.and_then(|alias| text(alias, self.mistakes));
                let name = map.and_then(|map| text(map, self.mistakes));
                self.key(Key { columns, name, alias }, attribute, table);
            }
            "unique" | "index" | "fulltext" => {
                let known = ["fields", "name", "map", "type", "clustered"];
                let [fields, alias, map, kind, _] = arguments(attribute, known, 1, self.mistakes);
                let parts = self.parts(fields, attribute, table);
                let alias = alias.and_then(|alias| text(alias, self.mistakes));
                let map = map.and_then(|map| text(map, self.mistakes));
                let kind = kind.and_then(|kind| name(kind, self.mistakes)).filter(|kind| *kind != "BTree");
                let method = match attribute.name.text.as_str() {
                    "fulltext" => Some("fulltext".to_owned()),
                    _ => kind.map(str::to_owned),
                };
                // In schemas of old, the name of an index was its name in the database.
                let (alias, map) = match (attribute.name.text == "unique", alias, map) {
                    (false, alias, None) => (None, alias),
                    (_, alias, map) => (alias, map),
                };
                self.index(parts, attribute.name.text == "unique", map, alias, method, table);
            }
            other => self.mistakes.push(unknown(attribute, other, "@@", "a model", &ON_MODELS)),
        }
    }

    fn index(
        &mut self,
        parts: Vec<IndexPart>,
        unique: bool,
        map: Option<String>,
        alias: Option<String>,
        method: Option<String>,
        table: &mut Table,
    ) {
        if parts.is_empty() {
            return;
        }
        let columns: Vec<usize> = parts.iter().map(|part| part.column).collect();
        let suffix = if unique { "_key" } else { "_idx" };
        let name = map
            .unwrap_or_else(|| names::constraint(self.provider, &table.table, &table.column_names(&columns), suffix));
        table.indexes.push(Index { name, alias, parts, unique, method, condition: None });
    }

    fn parts(&mut self, fields: Option<&Expression>, attribute: &Attribute, table: &Table) -> Vec<IndexPart> {
        let Some(fields) = fields else {
            let word = &attribute.name;
            let mistake = Mistake::new(&word.span, format!("`@@{}` lists no fields", word.text));
            self.mistakes.push(mistake.hint(format!("write `@@{}([a, b])`", word.text)));
            return Vec::new();
        };
        let mut parts: Vec<IndexPart> = Vec::new();
        for Item { name: field, span, arguments } in items(fields, self.mistakes) {
            let Some(position) = table.position(field) else {
                let message = format!("`{field}` is no field of `{}` with a column", table.name);
                let known = table.columns.iter().map(|column| column.name.as_str());
                self.mistakes.push(Mistake::new(span, message).among(field, "", known));
                continue;
            };
            if parts.iter().any(|part| part.column == position) {
                self.mistakes.push(Mistake::new(span, format!("`{field}` is listed twice")));
                continue;
            }
            let mut part = IndexPart::new(position);
            for argument in arguments {
                match argument.name.as_ref().map(|name| name.text.as_str()) {
                    Some("sort") => part.descending = self.descends(&argument.value),
                    Some("length") => part.length = self.length(&argument.value),
                    Some("ops") => part.operators = Some(written(&argument.value)),
                    other => {
                        let other = other.unwrap_or_default();
                        let mistake = Mistake::new(&argument.value.span, "a field of an index takes no such argument");
                        self.mistakes.push(mistake.among(other, "", ["length", "ops", "sort"]));
                    }
                }
            }
            parts.push(part);
        }
        parts
    }

    fn descends(&mut self, value: &Expression) -> bool {
        match name(value, self.mistakes) {
            Some("Desc") => true,
            Some("Asc") | None => false,
            Some(other) => {
                let mistake = Mistake::new(&value.span, format!("`{other}` is no order"));
                self.mistakes.push(mistake.among(other, "", ["Asc", "Desc"]));
                false
            }
        }
    }

    fn length(&mut self, value: &Expression) -> Option<u32> {
        let length = match &value.kind {
            ExpressionKind::Number(number) => number.parse().ok(),
            _ => None,
        };
        if length.is_none() {
            self.mistakes.push(Mistake::new(&value.span, "a length is a whole number"));
        }
        length
    }
}

/// What a field holds.
enum Holds {
    Column(Type),
    Model,
}

fn field(member: &Member) -> Option<&Field> {
    match member {
        Member::Field(field) => Some(field),
        Member::Value(_) | Member::Setting(..) => None,
    }
}

fn values(block: &Block) -> Vec<&str> {
    let values = block.members.iter().filter_map(|member| match member {
        Member::Value(value) => Some(value.name.text.as_str()),
        Member::Field(_) | Member::Setting(..) => None,
    });
    values.collect()
}

/// Whether a default is of the type.
fn fits(default: &DefaultValue, holds: &Type) -> bool {
    use DefaultValue as D;
    match default {
        D::Expression(_) => true,
        D::AutoIncrement => matches!(holds, Type::Int | Type::BigInt),
        D::Now => matches!(holds, Type::DateTime),
        D::Uuid(_) | D::Cuid(_) | D::Ulid | D::NanoId(_) => matches!(holds, Type::String),
        D::Text(_) => matches!(holds, Type::String | Type::Json | Type::DateTime | Type::Bytes),
        D::Number(number) => match holds {
            Type::Int | Type::BigInt => !number.contains('.'),
            Type::Float | Type::Decimal => true,
            _ => false,
        },
        D::Bool(_) => matches!(holds, Type::Boolean),
        D::Variant(_) => matches!(holds, Type::Enum(_)),
        D::List(_) => true,
    }
}
