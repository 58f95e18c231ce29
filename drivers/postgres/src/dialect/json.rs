//! JSON documents in PostgreSQL. A column may also be of the type `json`, hence the casts; of `jsonb` they are nothing.

use std::fmt::Write as _;

use thing_driver_api::{JsonDialect, JsonKind, JsonPath, ListItem};

use super::PostgresDialect;

impl JsonDialect for PostgresDialect {
    fn value(&self, column: &str, path: &JsonPath, kind: JsonKind, out: &mut String) {
        let (json_type, cast) = match kind {
            JsonKind::Bool => ("boolean", "::boolean"),
            // Exact for integers; and the floats that a document holds are decimal numbers.
            JsonKind::Integer | JsonKind::Float => ("number", "::numeric"),
            JsonKind::Text => ("string", " COLLATE \"C\""),
        };
        out.push('(');
        first(column, path, &format!(" ? (@.type() == \"{json_type}\")"), out);
        let _ = write!(out, " #>> '{{}}'){cast}");
    }

    fn operand(&self, kind: JsonKind, placeholder: &str, out: &mut String) {
        let _ = match kind {
            JsonKind::Bool => write!(out, "{placeholder}::boolean"),
            JsonKind::Integer => write!(out, "{placeholder}::bigint"),
            // A cast from a float to a number keeps 15 digits; its JSON form is the shortest that means the same float.
            JsonKind::Float => write!(out, "(to_jsonb({placeholder}::double precision) #>> '{{}}')::numeric"),
            JsonKind::Text => write!(out, "{placeholder}::text"),
        };
    }

    fn exists(&self, column: &str, path: &JsonPath, null: bool, out: &mut String) {
        first(column, path, if null { "" } else { " ? (@.type() != \"null\")" }, out);
        out.push_str(" IS NOT NULL");
    }

    fn has(&self, column: &str, item: ListItem, placeholder: &str, out: &mut String) {
        let cast = match item {
            ListItem::Bool => "::boolean",
            ListItem::I16 => "::smallint",
            ListItem::I32 => "::integer",
            ListItem::I64 => "::bigint",
            ListItem::Text => "::text",
            // The value is a text, and so is the placeholder.
            ListItem::Uuid => "::text::uuid",
        };
        // The operator that an index of kind GIN answers.
        let _ = write!(out, "{column} @> ARRAY[{placeholder}{cast}]");
    }

    fn length(&self, column: &str, out: &mut String) {
        let _ = write!(out, "cardinality({column})");
    }
}

/// Appends the value at a path; NULL where a step does not fit, which is what strict and silent mean. Other than the
/// arrow operators, it takes a number for an element of an array only, and a text for a key of an object only.
fn first(column: &str, path: &JsonPath, filter: &str, out: &mut String) {
    let _ = write!(out, "jsonb_path_query_first({column}::jsonb, ");
    thing_driver_api::quote(&format!("strict {path}{filter}"), '\'', out);
    out.push_str(", '{}', true)");
}
