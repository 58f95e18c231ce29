//! The model: tables, columns, keys, indexes, enums and relations, whatever they were read from.
//!
//! Names are those of the source: a Prisma schema's, or made from a database's. The Rust names follow from them when Rust
//! is written.

use thing_driver_api::schema::Action;
use thing_driver_api::{ListItem, ValueType};

use crate::names;

/// The condition of an index that counts the rows only that are not marked as deleted, whatever the database's words are.
pub(crate) const LIVING: &str = "not deleted";

/// All that is known of a schema. Made by [`from_prisma`](crate::from_prisma), [`from_database`](crate::from_database) or
/// [`from_tables`](crate::from_tables).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Model {
    /// Which database it is for, as Prisma calls it: `postgresql`, `mysql`, `sqlite`.
    pub provider: String,
    /// The enums, by name.
    pub enums: Vec<Enum>,
    /// The tables, by name.
    pub tables: Vec<Table>,
    /// The relations that columns hold, by the table and field that hold them.
    pub relations: Vec<Relation>,
    /// The relations of many to many whose link table has no model of its own, by their first table and field.
    pub links: Vec<Link>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Table {
    /// The name of its model: `User`.
    pub name: String,
    /// The name in the database: `users`.
    pub table: String,
    /// What it is for, line by line.
    pub docs: Option<String>,
    /// The columns, in their order.
    pub columns: Vec<Column>,
    /// The primary key.
    pub key: Option<Key>,
    /// The indexes and unique constraints, in their order.
    pub indexes: Vec<Index>,
    /// The checks.
    pub checks: Vec<Check>,
    /// True when the source says that programs don't use it.
    pub ignored: bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// The name of its field: `createdAt`.
    pub name: String,
    /// The name in the database: `created_at`.
    pub column: String,
    /// What it is for, line by line.
    pub docs: Option<String>,
    /// What it holds.
    pub holds: Type,
    /// The type that the database declares, where it is not the usual one.
    pub native: Option<Native>,
    /// True for a list of values.
    pub list: bool,
    /// True when it may hold NULL.
    pub nullable: bool,
    /// What fills it in where nobody gives a value.
    pub default: Option<DefaultValue>,
    /// True when every write sets it to the present time.
    pub updated: bool,
    /// True when it marks rows as deleted.
    pub deleted: bool,
    /// True when the source says that programs don't use it.
    pub ignored: bool,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// Truth values.
    Boolean,
    /// Integers of 32 bits.
    Int,
    /// Integers of 64 bits.
    BigInt,
    /// Floats.
    Float,
    /// Decimal numbers.
    Decimal,
    /// Text.
    String,
    /// Points in time, dates or times of day.
    DateTime,
    /// Documents.
    Json,
    /// Bytes.
    Bytes,
    /// A variant of the enum of this name.
    Enum(String),
    /// What the database calls so, and nobody else knows.
    Unsupported(String),
}

/// A type as the database declares it: `VarChar(255)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Native {
    /// The name, as Prisma writes it after `@db.`.
    pub name: String,
    /// What stands in the brackets.
    pub arguments: Vec<String>,
}

/// What fills a column in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefaultValue {
    /// A counter of the database.
    AutoIncrement,
    /// The present time.
    Now,
    /// A new UUID of this version.
    Uuid(Option<u8>),
    /// A new CUID of this version.
    Cuid(Option<u8>),
    /// A new ULID.
    Ulid,
    /// A new Nano ID of this length.
    NanoId(Option<u32>),
    /// An expression in the database's words.
    Expression(Option<String>),
    /// A text.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// The variant of this name.
    Variant(String),
    /// Several of these.
    List(Vec<Self>),
}

/// The primary key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Key {
    /// The positions of its columns, in order.
    pub columns: Vec<usize>,
    /// The name of the constraint, where it has one of its own.
    pub name: Option<String>,
    /// The name that programs use for the columns together.
    pub alias: Option<String>,
}

/// An index or a unique constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// The name in the database.
    pub name: String,
    /// The name that programs use for the columns together.
    pub alias: Option<String>,
    /// What it is over, in order.
    pub parts: Vec<IndexPart>,
    /// True when no two rows may agree in all parts.
    pub unique: bool,
    /// The sort of the index, where it is not the usual one: `Gin`, `Hash`, `fulltext`.
    pub method: Option<String>,
    /// The condition of the rows that it counts, in the database's words; `not deleted` where it counts those that are not
    /// marked by the column with [`Column::deleted`].
    pub condition: Option<String>,
}

/// A part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexPart {
    /// The position of the column.
    pub column: usize,
    /// True when the greatest comes first.
    pub descending: bool,
    /// How much of the beginning counts.
    pub length: Option<u32>,
    /// The class of operators, as Prisma writes it.
    pub operators: Option<String>,
}

/// A condition that every row fulfils.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The name in the database.
    pub name: String,
    /// The condition in the database's words.
    pub condition: String,
}

/// An enum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Enum {
    /// The name: `Role`.
    pub name: String,
    /// The name of the type in the database.
    pub database: String,
    /// What it is for, line by line.
    pub docs: Option<String>,
    /// The variants, in their order.
    pub variants: Vec<Variant>,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variant {
    /// The name.
    pub name: String,
    /// The text in the database.
    pub text: String,
    /// What it means, line by line.
    pub docs: Option<String>,
}

/// A relation whose one table holds the key of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relation {
    /// What tells it from other relations of the same tables.
    pub name: Option<String>,
    /// The table with the columns, and the field that leads to the other.
    pub from: End,
    /// The table referred to, and the field that leads back.
    pub to: End,
    /// The fields of the columns.
    pub columns: Vec<String>,
    /// The fields of the columns referred to, in the same order.
    pub references: Vec<String>,
    /// True when a row may refer to none.
    pub optional: bool,
    /// True when several rows may refer to one.
    pub many: bool,
    /// What becomes of a row when the one that it refers to is deleted.
    pub on_delete: Action,
    /// The same when the columns referred to change.
    pub on_update: Action,
    /// The name of the foreign key.
    pub constraint: String,
}

/// A relation of many to many by a table with the columns `A` and `B`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// What tells it from other relations of the same tables.
    pub name: Option<String>,
    /// The table whose key is in column `A`, and its field.
    pub a: End,
    /// The table whose key is in column `B`, and its field.
    pub b: End,
}

/// One end of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// The name of the table's model.
    pub table: String,
    /// The field that leads to the other end.
    pub field: String,
    /// What the field is for, line by line.
    pub docs: Option<String>,
    /// True when the source says that programs don't use the field.
    pub ignored: bool,
}

impl Model {
    /// The table whose model has this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The enum of this name.
    pub fn enumeration(&self, name: &str) -> Option<&Enum> {
        self.enums.iter().find(|one| one.name == name)
    }

    /// Brings everything into its order.
    pub(crate) fn sort(&mut self) {
        self.enums.sort_by(|a, b| a.name.cmp(&b.name));
        self.tables.sort_by(|a, b| a.name.cmp(&b.name));
        self.relations.sort_by(|a, b| a.from.place().cmp(&b.from.place()));
        self.links.sort_by(|a, b| a.a.place().cmp(&b.a.place()));
    }
}

impl Table {
    /// The position of the column with this field.
    pub fn position(&self, field: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == field)
    }

    /// The column with this field.
    pub fn column(&self, field: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == field)
    }

    /// Whether no two rows agree in these columns.
    pub(crate) fn is_unique(&self, columns: &[usize]) -> bool {
        self.key.as_ref().is_some_and(|key| key.columns == columns)
            || self.indexes.iter().any(|index| index.unique && index.condition.is_none() && index.columns() == columns)
    }

    pub(crate) fn column_names(&self, columns: &[usize]) -> Vec<&str> {
        columns.iter().filter_map(|&at| self.columns.get(at)).map(|column| column.column.as_str()).collect()
    }
}

impl Column {
    pub(crate) fn new(name: impl Into<String>, column: impl Into<String>, holds: Type) -> Self {
        Self {
            name: name.into(),
            column: column.into(),
            docs: None,
            holds,
            native: None,
            list: false,
            nullable: false,
            default: None,
            updated: false,
            deleted: false,
            ignored: false,
        }
    }

    /// The type of its values in models; `None` where models have none.
    pub fn value_type(&self) -> Option<ValueType> {
        let one = self.type_of_one()?;
        match (&self.holds, self.list) {
            (_, false) => Some(one),
            // An array of a type of its own is none of text.
            (Type::Enum(_), true) => None,
            (_, true) => ListItem::ALL.into_iter().find(|item| item.value_type() == one).map(ValueType::List),
        }
    }

    /// The type of a value, or of one of a list.
    fn type_of_one(&self) -> Option<ValueType> {
        let native = self.native.as_ref();
        let name = native.map_or("", |native| &native.name);
        Some(match (&self.holds, name) {
            (Type::Unsupported(_), _) => return None,
            (
                Type::String | Type::Decimal | Type::Int | Type::DateTime,
                "Inet" | "Citext" | "Xml" | "Bit" | "VarBit" | "Money" | "Oid" | "Timetz",
            ) => return None,
            (Type::Boolean, _) => ValueType::Bool,
            (Type::Int, "SmallInt" | "TinyInt" | "UnsignedTinyInt" | "Year") => ValueType::I16,
            (Type::Int, "UnsignedInt" | "BigInt") => ValueType::I64,
            (Type::Int, _) => ValueType::I32,
            (Type::BigInt, _) => ValueType::I64,
            (Type::Float, "Real" | "Float") => ValueType::F32,
            (Type::Float, _) => ValueType::F64,
            (Type::Decimal, _) => ValueType::Decimal,
            (Type::String, "Uuid") => ValueType::Uuid,
            (Type::Bytes, "Uuid") => ValueType::Uuid,
            (Type::Bytes, "Binary") if native.is_some_and(|native| native.arguments == ["16"]) => ValueType::Uuid,
            (Type::String | Type::Enum(_), _) => ValueType::Text,
            (Type::Bytes, _) => ValueType::Bytes,
            (Type::DateTime, "Date") => ValueType::Date,
            (Type::DateTime, "Time") => ValueType::Time,
            (Type::DateTime, _) => ValueType::Timestamp,
            (Type::Json, _) => ValueType::Json,
        })
    }
}

impl Native {
    pub(crate) fn new(name: &str, arguments: &[&str]) -> Self {
        Self { name: name.to_owned(), arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
    }
}

impl Index {
    /// The positions of its columns, in order.
    pub fn columns(&self) -> Vec<usize> {
        self.parts.iter().map(|part| part.column).collect()
    }
}

impl IndexPart {
    pub(crate) fn new(column: usize) -> Self {
        Self { column, descending: false, length: None, operators: None }
    }
}

impl Link {
    /// The name of the link table.
    pub fn table(&self) -> String {
        names::link_table(self.name.as_deref(), &self.a.table, &self.b.table)
    }
}

impl End {
    pub(crate) fn new(table: impl Into<String>, field: impl Into<String>) -> Self {
        Self { table: table.into(), field: field.into(), docs: None, ignored: false }
    }

    fn place(&self) -> (&str, &str) {
        (&self.table, &self.field)
    }
}

/// What something is for: the lines without spaces around them; `None` when they say nothing.
pub(crate) fn documentation(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.split(['\n', '\r']).map(str::trim).collect();
    lines.iter().any(|line| !line.is_empty()).then(|| lines.join("\n"))
}
