//! Types: what the types that a database declares are to a model.

use thing_driver_api::schema::{CheckSchema, ColumnSchema, TableSchema};
use thing_driver_api::{ListItem, ValueType};

use crate::model::{Column, Native, Type};

/// What a declared type is.
pub(super) enum Declared {
    Enum,
    Type { holds: Type, native: Option<Native>, list: bool },
}

/// What the type of this column is.
pub(super) fn read(provider: &str, table: &TableSchema, column: &ColumnSchema) -> Declared {
    if !column.allowed.is_empty() {
        return Declared::Enum;
    }
    let lower = column.declared.to_ascii_lowercase();
    let bare = lower.split(" collate ").next().unwrap_or_default().trim();
    let (bare, list) = match bare.strip_suffix("[]") {
        Some(element) => (element, true),
        None => (bare, false),
    };
    let (name, sizes) = sizes(bare);
    let found = match provider {
        "mysql" => mysql(&name, &sizes, table, column),
        "sqlite" => sqlite(&name),
        _ => postgres(&name, &sizes),
    };
    let (holds, native) = found.unwrap_or_else(|| (Type::Unsupported(column.declared.clone()), None));
    Declared::Type { holds, native, list }
}

/// The name without what stands in brackets, and that.
fn sizes(declared: &str) -> (String, Vec<String>) {
    let Some((before, rest)) = declared.split_once('(') else {
        return (declared.to_owned(), Vec::new());
    };
    let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
    let name = format!("{} {}", before.trim(), after.trim()).trim().to_owned();
    (name, inside.split(',').map(|size| size.trim().to_owned()).collect())
}

fn postgres(name: &str, sizes: &[String]) -> Option<(Type, Option<Native>)> {
    let plain = |holds| Some((holds, None));
    let native = |holds, name: &str| Some((holds, Some(Native::of(name, sizes))));
    // The database's own precision of times is microseconds.
    let timed = |holds, name: &str| {
        let microseconds = [String::from("6")];
        Some((holds, Some(Native::of(name, if sizes.is_empty() { &microseconds } else { sizes }))))
    };
    match name {
        "boolean" => plain(Type::Boolean),
        "smallint" => native(Type::Int, "SmallInt"),
        "integer" => plain(Type::Int),
        "bigint" => plain(Type::BigInt),
        "oid" => native(Type::Int, "Oid"),
        "real" => native(Type::Float, "Real"),
        "double precision" => plain(Type::Float),
        "numeric" if sizes == ["65", "30"] => plain(Type::Decimal),
        "numeric" => native(Type::Decimal, "Decimal"),
        "money" => native(Type::Decimal, "Money"),
        "text" => plain(Type::String),
        "character varying" => native(Type::String, "VarChar"),
        "character" | "bpchar" => native(Type::String, "Char"),
        "uuid" => native(Type::String, "Uuid"),
        "inet" => native(Type::String, "Inet"),
        "citext" => native(Type::String, "Citext"),
        "xml" => native(Type::String, "Xml"),
        "bit" => native(Type::String, "Bit"),
        "bit varying" => native(Type::String, "VarBit"),
        "timestamp with time zone" => timed(Type::DateTime, "Timestamptz"),
        "timestamp without time zone" => timed(Type::DateTime, "Timestamp"),
        "date" => native(Type::DateTime, "Date"),
        "time without time zone" => timed(Type::DateTime, "Time"),
        "time with time zone" => timed(Type::DateTime, "Timetz"),
        "jsonb" => plain(Type::Json),
        "json" => native(Type::Json, "Json"),
        "bytea" => plain(Type::Bytes),
        _ => None,
    }
}

fn mysql(name: &str, sizes: &[String], table: &TableSchema, column: &ColumnSchema) -> Option<(Type, Option<Native>)> {
    let name = name.trim_end_matches(" zerofill");
    let fractional = ["decimal", "double", "float"].iter().any(|word| name.starts_with(word));
    let name = if fractional { name.trim_end_matches(" unsigned") } else { name };
    let plain = |holds| Some((holds, None));
    let native = |holds, name: &str| Some((holds, Some(Native::of(name, sizes))));
    let bare = |holds, name: &str| Some((holds, Some(Native::new(name, &[]))));
    match name {
        "tinyint" if sizes == ["1"] => plain(Type::Boolean),
        "bit" if sizes == ["1"] => native(Type::Boolean, "Bit"),
        "tinyint" => bare(Type::Int, "TinyInt"),
        "tinyint unsigned" => bare(Type::Int, "UnsignedTinyInt"),
        "smallint" => bare(Type::Int, "SmallInt"),
        "smallint unsigned" => bare(Type::Int, "UnsignedSmallInt"),
        "mediumint" => bare(Type::Int, "MediumInt"),
        "mediumint unsigned" => bare(Type::Int, "UnsignedMediumInt"),
        "int" => plain(Type::Int),
        "int unsigned" => bare(Type::Int, "UnsignedInt"),
        "year" => bare(Type::Int, "Year"),
        "bigint" => plain(Type::BigInt),
        "bigint unsigned" => bare(Type::BigInt, "UnsignedBigInt"),
        "float" => bare(Type::Float, "Float"),
        "double" => plain(Type::Float),
        "decimal" if sizes == ["65", "30"] => plain(Type::Decimal),
        "decimal" => native(Type::Decimal, "Decimal"),
        // MariaDB has documents as text with a check.
        "longtext" if is_json(table, column) => plain(Type::Json),
        "json" => plain(Type::Json),
        "varchar" if sizes == ["191"] => plain(Type::String),
        "varchar" => native(Type::String, "VarChar"),
        "char" => native(Type::String, "Char"),
        "tinytext" => native(Type::String, "TinyText"),
        "text" => native(Type::String, "Text"),
        "mediumtext" => native(Type::String, "MediumText"),
        "longtext" => native(Type::String, "LongText"),
        // MariaDB alone has it.
        "uuid" => native(Type::String, "Uuid"),
        "binary" => native(Type::Bytes, "Binary"),
        "varbinary" => native(Type::Bytes, "VarBinary"),
        "tinyblob" => native(Type::Bytes, "TinyBlob"),
        "blob" => native(Type::Bytes, "Blob"),
        "mediumblob" => native(Type::Bytes, "MediumBlob"),
        "longblob" => plain(Type::Bytes),
        "datetime" => times(sizes, "DateTime"),
        "timestamp" => times(sizes, "Timestamp"),
        "time" => times(sizes, "Time"),
        "date" => bare(Type::DateTime, "Date"),
        _ => None,
    }
}

/// A time of MySQL, which counts whole seconds where nothing is said.
fn times(sizes: &[String], name: &str) -> Option<(Type, Option<Native>)> {
    let seconds = [String::from("0")];
    Some((Type::DateTime, Some(Native::of(name, if sizes.is_empty() { &seconds } else { sizes }))))
}

fn is_json(table: &TableSchema, column: &ColumnSchema) -> bool {
    table.checks.iter().any(|check| is_check_of_json(check) && check.condition.contains(&format!("`{}`", column.name)))
}

/// Whether the check is that of a document in MariaDB, which belongs to the type.
pub(super) fn is_check_of_json(check: &CheckSchema) -> bool {
    let condition = check.condition.trim_start_matches('(').to_ascii_lowercase();
    condition.starts_with("json_valid(") && condition.matches('(').count() == 1
}

/// Declarations of SQLite are free; these are those of Thing and of other programs that mean a type by them. Integers are
/// of 64 bits whatever they are called.
fn sqlite(name: &str) -> Option<(Type, Option<Native>)> {
    let plain = |holds| Some((holds, None));
    let native = |holds, name: &str| Some((holds, Some(Native::new(name, &[]))));
    match name {
        "boolean" | "bool" => plain(Type::Boolean),
        "timestamp" | "datetime" => plain(Type::DateTime),
        "date" => native(Type::DateTime, "Date"),
        "time" => native(Type::DateTime, "Time"),
        "json_text" | "json" | "jsonb" => plain(Type::Json),
        "decimal_text" => plain(Type::Decimal),
        "uuid_blob" => native(Type::Bytes, "Uuid"),
        "bigint" => plain(Type::BigInt),
        name if name.contains("int") && !name.contains("point") => native(Type::Int, "BigInt"),
        name if ["char", "clob", "text"].iter().any(|word| name.contains(word)) => plain(Type::String),
        name if name.contains("blob") => plain(Type::Bytes),
        name if ["real", "floa", "doub"].iter().any(|word| name.contains(word)) => plain(Type::Float),
        "numeric" | "decimal" => plain(Type::Float),
        _ => None,
    }
}

/// The type that the database of this provider has for a column of a model.
pub(super) fn declared(provider: &str, value_type: ValueType) -> &'static str {
    let [postgres, mysql, sqlite] = match value_type {
        ValueType::Bool => ["boolean", "tinyint(1)", "boolean"],
        ValueType::I16 => ["smallint", "smallint", "integer"],
        ValueType::I32 => ["integer", "int", "integer"],
        ValueType::I64 => ["bigint", "bigint", "integer"],
        ValueType::F32 => ["real", "float", "float"],
        ValueType::F64 => ["double precision", "double", "double"],
        ValueType::Bytes => ["bytea", "longblob", "blob"],
        ValueType::Uuid => ["uuid", "binary(16)", "uuid_blob"],
        ValueType::Timestamp => ["timestamp with time zone", "datetime(6)", "timestamp"],
        ValueType::Date => ["date", "date", "date"],
        ValueType::Time => ["time without time zone", "time(6)", "time"],
        ValueType::Json => ["jsonb", "json", "json_text"],
        ValueType::Decimal => ["numeric(65,30)", "decimal(65,30)", "decimal_text"],
        ValueType::List(ListItem::Bool) => ["boolean[]", "json", "json_text"],
        ValueType::List(ListItem::I16) => ["smallint[]", "json", "json_text"],
        ValueType::List(ListItem::I32) => ["integer[]", "json", "json_text"],
        ValueType::List(ListItem::I64) => ["bigint[]", "json", "json_text"],
        ValueType::List(ListItem::Text) => ["text[]", "json", "json_text"],
        ValueType::List(ListItem::Uuid) => ["uuid[]", "json", "json_text"],
        _ => ["text", "longtext", "text"],
    };
    match provider {
        "mysql" => mysql,
        "sqlite" => sqlite,
        _ => postgres,
    }
}

/// The name of a type without its schema and quotes.
pub(super) fn bare_name(declared: &str) -> String {
    let last = match declared.strip_suffix('"') {
        Some(quoted) => quoted.rsplit_once('"').map_or(quoted, |(_, name)| name),
        None => declared.rsplit_once('.').map_or(declared, |(_, name)| name),
    };
    last.to_owned()
}

/// What to know where the column does not keep every value that the field can have. Of text the collation decides, of
/// which `sync` speaks, so that only text of a fixed length is told of.
pub(super) fn inexact(described: &ColumnSchema, column: &Column) -> Option<String> {
    let declared = &described.declared;
    let Some(value_type) = column.value_type() else {
        return Some(format!("models have no type for `{declared}`"));
    };
    let fixed = column.native.as_ref().is_some_and(|native| native.name == "Char");
    if described.holds.contains(&value_type) || value_type == ValueType::Text && !fixed {
        return None;
    }
    Some(match declared.as_str() {
        // MariaDB's own type gives and takes text.
        "uuid" => "models read no `uuid`; `sync` makes `binary(16)` of it".to_owned(),
        _ => format!("`{declared}` does not keep every {value_type} exactly; `sync` will ask for a wider type"),
    })
}
