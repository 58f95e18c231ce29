//! JSON documents in MySQL and MariaDB.

use std::fmt::Write as _;

use thing_driver_api::{JsonDialect, JsonKind, JsonPath, ListItem};

use super::MysqlDialect;

/// What [`JSON_TYPE`](https://mariadb.com/kb/en/json_type/) calls numbers; MySQL has more names for them than MariaDB.
const NUMBERS: &str = "IN ('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL')";

impl JsonDialect for MysqlDialect {
    fn value(&self, column: &str, path: &JsonPath, kind: JsonKind, out: &mut String) {
        let value = extract(column, &path.to_string());
        let text = format!("JSON_UNQUOTE({value})");
        // Writing to a string does not fail.
        let _ = write!(out, "CASE WHEN {}", through_arrays(column, path));
        let _ = match kind {
            JsonKind::Bool => write!(out, "JSON_TYPE({value}) = 'BOOLEAN' THEN {text} = 'true' END"),
            // Exact for integers; a float beyond what a decimal number holds is beyond every integer too.
            JsonKind::Integer => write!(
                out,
                "JSON_TYPE({value}) {NUMBERS} THEN CASE WHEN {text} REGEXP '^[-0-9.]{{1,30}}$' \
                 THEN CAST({text} AS DECIMAL(65, 30)) \
                 ELSE CAST(GREATEST(-1e34, LEAST(1e34, CAST({text} AS DOUBLE))) AS DECIMAL(65, 30)) END END"
            ),
            JsonKind::Float => write!(out, "JSON_TYPE({value}) {NUMBERS} THEN CAST({text} AS DOUBLE) END"),
            JsonKind::Text => {
                write!(out, "JSON_TYPE({value}) = 'STRING' THEN {text} END COLLATE {}", self.collation())
            }
        };
    }

    fn exists(&self, column: &str, path: &JsonPath, null: bool, out: &mut String) {
        let value = extract(column, &path.to_string());
        let _ = write!(out, "CASE WHEN {}", through_arrays(column, path));
        let _ = match null {
            true => write!(out, "{value} IS NOT NULL THEN 1 ELSE 0 END = 1"),
            false => write!(out, "JSON_TYPE({value}) <> 'NULL' THEN 1 ELSE 0 END = 1"),
        };
    }

    fn has(&self, column: &str, item: ListItem, placeholder: &str, out: &mut String) {
        // JSON_CONTAINS compares integers as floats.
        let (of, element) = match item {
            ListItem::Bool => ("VARCHAR(5)", "CASE element WHEN 'true' THEN 1 WHEN 'false' THEN 0 END".to_owned()),
            ListItem::I16 | ListItem::I32 | ListItem::I64 => ("BIGINT", "element".to_owned()),
            ListItem::Text | ListItem::Uuid => {
                ("LONGTEXT CHARACTER SET utf8mb4", format!("element COLLATE {}", self.collation()))
            }
        };
        // A NULL has no elements, so EXISTS would be false.
        let _ = write!(
            out,
            "CASE WHEN {column} IS NOT NULL THEN EXISTS (SELECT 1 FROM JSON_TABLE({column}, '$[*]' COLUMNS (\
             element {of} PATH '$' NULL ON ERROR)) AS elements WHERE {element} = {placeholder}) END"
        );
    }

    fn length(&self, column: &str, out: &mut String) {
        let _ = write!(out, "JSON_LENGTH({column})");
    }
}

fn extract(column: &str, path: &str) -> String {
    let mut extract = format!("JSON_EXTRACT({column}, ");
    thing_driver_api::quote(path, '\'', &mut extract);
    extract.push(')');
    extract
}

/// Conditions, each with an AND behind it: the path has numbers where there are arrays. The servers take what is no array
/// for an array of one element.
fn through_arrays(column: &str, path: &JsonPath) -> String {
    path.arrays().map(|array| format!("JSON_TYPE({}) = 'ARRAY' AND ", extract(column, &array))).collect()
}
