//! Types of columns: what they hold.

use thing_driver_api::{ListItem, ValueType};

/// A declared type, taken apart: `numeric(10,2)`, `timestamp(3) with time zone`, `text collate "C"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Type<'a> {
    /// The name without size and collation: `timestamp with time zone`.
    pub(super) name: &'a str,
    /// What stands in brackets.
    pub(super) sizes: Vec<i32>,
    pub(super) collation: Option<&'a str>,
}

impl<'a> Type<'a> {
    pub(super) fn read(declared: &'a str) -> Self {
        let (declared, collation) = match declared.split_once(" collate ") {
            Some((declared, collation)) => (declared, Some(collation)),
            None => (declared, None),
        };
        let Some((name, rest)) = declared.split_once('(') else {
            return Self { name: declared, sizes: Vec::new(), collation };
        };
        let (sizes, rest) = rest.split_once(')').unwrap_or((rest, ""));
        let sizes = sizes.split(',').filter_map(|size| size.trim().parse().ok()).collect();
        let name = match (name, rest.trim()) {
            (name, "") => name,
            ("timestamp", "with time zone") => "timestamp with time zone",
            ("timestamp", "without time zone") => "timestamp without time zone",
            ("time", "with time zone") => "time with time zone",
            ("time", "without time zone") => "time without time zone",
            // Arrays of sized types, and intervals of some fields.
            _ => declared,
        };
        Self { name, sizes, collation }
    }

    pub(super) fn is_integer(&self) -> bool {
        matches!(self.name, "smallint" | "integer" | "bigint")
    }

    pub(super) fn is_number(&self) -> bool {
        self.is_integer() || matches!(self.name, "numeric" | "real" | "double precision")
    }

    pub(super) fn is_array(&self) -> bool {
        self.name.ends_with("[]")
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.name, "text" | "character varying" | "character" | "bpchar")
    }
}

/// The type that a column of a model has, as the server says it.
pub(super) fn of_model(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Bool => "boolean",
        ValueType::I16 => "smallint",
        ValueType::I32 => "integer",
        ValueType::I64 => "bigint",
        ValueType::F32 => "real",
        ValueType::F64 => "double precision",
        ValueType::Bytes => "bytea",
        ValueType::Uuid => "uuid",
        ValueType::Timestamp => "timestamp with time zone",
        ValueType::Date => "date",
        ValueType::Time => "time without time zone",
        ValueType::Json => "jsonb",
        ValueType::Decimal => "numeric",
        ValueType::List(ListItem::Bool) => "boolean[]",
        ValueType::List(ListItem::I16) => "smallint[]",
        ValueType::List(ListItem::I32) => "integer[]",
        ValueType::List(ListItem::I64) => "bigint[]",
        ValueType::List(ListItem::Text) => "text[] collate \"C\"",
        ValueType::List(ListItem::Uuid) => "uuid[]",
        _ => "text collate \"C\"",
    }
}

/// The types that come back from a column as they were stored, or whose storing is refused.
pub(super) fn holds(declared: &str) -> Vec<ValueType> {
    let declared = Type::read(declared);
    let whole = declared.sizes.is_empty();
    match declared.name {
        "boolean" => vec![ValueType::Bool],
        "smallint" => vec![ValueType::I16],
        "integer" => vec![ValueType::I16, ValueType::I32],
        "bigint" => vec![ValueType::I16, ValueType::I32, ValueType::I64],
        "real" => vec![ValueType::F32],
        "double precision" => vec![ValueType::F32, ValueType::F64],
        "text" => vec![ValueType::Text, ValueType::Json],
        "character varying" if whole => vec![ValueType::Text, ValueType::Json],
        // What is too long is refused.
        "character varying" => vec![ValueType::Text],
        "bytea" => vec![ValueType::Bytes],
        "uuid" => vec![ValueType::Uuid],
        "timestamp with time zone" | "timestamp without time zone" if whole => vec![ValueType::Timestamp],
        "date" => vec![ValueType::Date],
        "time without time zone" if whole => vec![ValueType::Time],
        "json" | "jsonb" => vec![ValueType::Json],
        "boolean[]" => vec![ValueType::List(ListItem::Bool)],
        "smallint[]" => vec![ValueType::List(ListItem::I16)],
        "integer[]" => vec![ValueType::List(ListItem::I32)],
        "bigint[]" => vec![ValueType::List(ListItem::I64)],
        "text[]" => vec![ValueType::List(ListItem::Text)],
        "uuid[]" => vec![ValueType::List(ListItem::Uuid)],
        "numeric" if whole || holds_decimals(&declared.sizes) => vec![ValueType::Decimal],
        _ => Vec::new(),
    }
}

/// Whether `numeric(precision, scale)` rounds no decimal.
fn holds_decimals(sizes: &[i32]) -> bool {
    matches!(*sizes, [precision, scale] if scale >= 30 && precision - scale >= 35)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_need_their_whole_range() {
        assert_eq!(holds("numeric"), [ValueType::Decimal]);
        assert_eq!(holds("numeric(65,30)"), [ValueType::Decimal]);
        assert!(holds("numeric(10,2)").is_empty());
        assert!(holds("timestamp(3) with time zone").is_empty());
    }

    #[test]
    fn types_are_taken_apart() {
        let (name, collation) = ("timestamp with time zone", None);
        assert_eq!(Type::read("timestamp(3) with time zone"), Type { name, sizes: vec![3], collation });
        let (name, collation) = ("character varying", Some("\"C\""));
        assert_eq!(Type::read("character varying(9) collate \"C\""), Type { name, sizes: vec![9], collation });
        let (name, collation) = ("numeric(3,2)[]", None);
        assert_eq!(Type::read("numeric(3,2)[]").name, name);
        assert_eq!(Type::read("text[]"), Type { name: "text[]", sizes: vec![], collation });
    }
}
