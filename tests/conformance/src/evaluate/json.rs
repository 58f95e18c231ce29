//! Conditions on JSON documents.

use std::cmp::Ordering;

use serde_json::Value as Json;
use thing_driver_api::{JsonKind, JsonPath, JsonStep, JsonTest, ListTest, Value};

use super::holds;

/// What a condition says of the value at a path of a column.
pub(super) fn test(column: &Value<'_>, path: &JsonPath, test: &JsonTest, slots: &[Value<'_>]) -> Option<bool> {
    let document = parsed(column);
    let found = document.as_ref().and_then(|document| at(document, path));
    match test {
        JsonTest::Compare { kind, operator, slot } => {
            compare(found?, *kind, &slots[slot.0]).map(|order| holds(*operator, order))
        }
        JsonTest::Exists => Some(found.is_some()),
        JsonTest::IsNull => Some(found.is_none_or(Json::is_null)),
        other => panic!("the evaluator does not know {other:?}"),
    }
}

/// What a condition says of a list.
pub(super) fn list(column: &Value<'_>, test: &ListTest, slots: &[Value<'_>]) -> Option<bool> {
    let document = parsed(column)?;
    let elements = document.as_array().expect("the column of a list holds an array");
    Some(match test {
        ListTest::Has { slot } => {
            let value = &slots[slot.0];
            let kind = match value {
                Value::Bool(_) => JsonKind::Bool,
                Value::I64(_) => JsonKind::Integer,
                _ => JsonKind::Text,
            };
            elements.iter().any(|element| compare(element, kind, value) == Some(Ordering::Equal))
        }
        ListTest::IsEmpty => elements.is_empty(),
        other => panic!("the evaluator does not know {other:?}"),
    })
}

fn parsed(column: &Value<'_>) -> Option<Json> {
    match column {
        Value::Null => None,
        Value::Json(text) => Some(serde_json::from_str(text).expect("a stored document is JSON")),
        other => panic!("{} is no document", other.kind()),
    }
}

fn at<'a>(document: &'a Json, path: &JsonPath) -> Option<&'a Json> {
    path.steps().iter().try_fold(document, |value, step| match (value, step) {
        (Json::Object(entries), JsonStep::Key(key)) => entries.get(key),
        (Json::Array(elements), JsonStep::Index(index)) => elements.get(*index as usize),
        _ => None,
    })
}

fn compare(found: &Json, kind: JsonKind, value: &Value<'_>) -> Option<Ordering> {
    match (kind, found, value) {
        (JsonKind::Bool, Json::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (JsonKind::Text, Json::String(a), Value::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (JsonKind::Integer, Json::Number(a), Value::I64(b)) => match a.as_i64() {
            Some(a) => Some(a.cmp(b)),
            None => a.as_f64()?.partial_cmp(&(*b as f64)),
        },
        (JsonKind::Float, Json::Number(a), Value::F64(b)) => a.as_f64()?.partial_cmp(b),
        _ => None,
    }
}
