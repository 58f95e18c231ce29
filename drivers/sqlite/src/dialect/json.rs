//! JSON documents in SQLite.

use std::fmt::Write as _;

use thing_driver_api::{JsonDialect, JsonKind, JsonPath, ListItem};

use super::SqliteDialect;

impl JsonDialect for SqliteDialect {
    fn value(&self, column: &str, path: &JsonPath, kind: JsonKind, out: &mut String) {
        let path = literal(path);
        // Writing to a string does not fail.
        let _ = match kind {
            JsonKind::Bool => {
                write!(out, "CASE json_type({column}, {path}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END")
            }
            JsonKind::Integer | JsonKind::Float => write!(
                out,
                "CASE WHEN json_type({column}, {path}) IN ('integer', 'real') THEN json_extract({column}, {path}) END"
            ),
            JsonKind::Text => {
                write!(out, "CASE json_type({column}, {path}) WHEN 'text' THEN json_extract({column}, {path}) END")
            }
        };
    }

    fn exists(&self, column: &str, path: &JsonPath, null: bool, out: &mut String) {
        let path = literal(path);
        let _ = match null {
            true => write!(out, "json_type({column}, {path}) IS NOT NULL"),
            false => write!(out, "coalesce(json_type({column}, {path}), 'null') <> 'null'"),
        };
    }

    fn has(&self, column: &str, item: ListItem, placeholder: &str, out: &mut String) {
        let element = match item {
            ListItem::Bool => "CASE type WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
            ListItem::I16 | ListItem::I32 | ListItem::I64 => "CASE WHEN type IN ('integer', 'real') THEN value END",
            ListItem::Text | ListItem::Uuid => "CASE type WHEN 'text' THEN value END",
        };
        // A NULL has no elements, so EXISTS would be false.
        let _ = write!(
            out,
            "CASE WHEN {column} IS NOT NULL THEN EXISTS (\
             SELECT 1 FROM json_each({column}) WHERE {element} = {placeholder}) END"
        );
    }

    fn length(&self, column: &str, out: &mut String) {
        let _ = write!(out, "json_array_length({column})");
    }
}

/// A path between apostrophes.
fn literal(path: &JsonPath) -> String {
    let mut literal = String::new();
    thing_driver_api::quote(&path.to_string(), '\'', &mut literal);
    literal
}
