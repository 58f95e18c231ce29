//! Evaluation of conditions on JSON documents in Rust.
//!
//! Databases differ in what they make of odd documents. What is odd is not judged: a key that stands twice in an object,
//! zero bytes in texts, numbers beyond 64 bits, floats that are nearly equal, and deep nesting.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use thing_driver_api::{JsonPath, JsonStep, JsonTest, ListTest, Value};

use super::evaluate::{Answers, holds};

/// Beyond, one database answers NULL.
const DEPTH: usize = 16;

/// A document whose meaning is the same everywhere.
#[derive(Debug, PartialEq)]
enum Document {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// What a database may answer about the value at a path.
pub(super) fn test(column: &Value<'_>, path: &JsonPath, test: &JsonTest, values: &[Value<'_>]) -> Answers {
    let document = match column {
        Value::Null => None,
        Value::Json(text) => match Document::read(text) {
            Some(document) => Some(document),
            None => return Answers::ANY,
        },
        _ => return Answers::ANY,
    };
    let found = document.as_ref().and_then(|document| document.at(path));
    match test {
        JsonTest::Compare { operator, slot, .. } => match (found, values.get(slot.0)) {
            (_, Some(Value::Null)) => Answers::UNKNOWN,
            (Some(found), Some(value)) => match found.compare(value) {
                Comparable::No => Answers::UNKNOWN,
                Comparable::Perhaps => Answers::ANY,
                Comparable::Ordered(order) => Answers::of(holds(*operator, order)),
            },
            (None, Some(_)) => Answers::UNKNOWN,
            (_, None) => Answers::ANY,
        },
        JsonTest::Exists => Answers::of(found.is_some()),
        JsonTest::IsNull => Answers::of(matches!(found, None | Some(Document::Null))),
        _ => Answers::ANY,
    }
}

/// What a database may answer about a list.
pub(super) fn list(column: &Value<'_>, test: &ListTest, values: &[Value<'_>]) -> Answers {
    let elements = match column {
        Value::Null => return Answers::UNKNOWN,
        Value::Json(text) => match Document::read(text) {
            Some(Document::List(elements)) => elements,
            _ => return Answers::ANY,
        },
        _ => return Answers::ANY,
    };
    match test {
        ListTest::IsEmpty => Answers::of(elements.is_empty()),
        ListTest::Has { slot, .. } => {
            let Some(value) = values.get(slot.0) else { return Answers::ANY };
            let answers = elements.iter().map(|element| match element.compare(value) {
                Comparable::Ordered(order) => Answers::of(order.is_eq()),
                // A list holds elements of one kind; what a database makes of others is its own affair.
                Comparable::No | Comparable::Perhaps => Answers::TRUE | Answers::FALSE,
            });
            answers.fold(Answers::FALSE, Answers::or)
        }
        _ => Answers::ANY,
    }
}

enum Comparable {
    Ordered(Ordering),
    /// Of different kinds.
    No,
    /// So near to each other that databases may differ.
    Perhaps,
}

impl Document {
    /// `None` for what is odd.
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|document: &Self| document.is_shallow(DEPTH))
    }

    fn is_shallow(&self, levels: usize) -> bool {
        match self {
            Self::List(elements) => levels > 0 && elements.iter().all(|element| element.is_shallow(levels - 1)),
            Self::Object(entries) => levels > 0 && entries.iter().all(|(_, value)| value.is_shallow(levels - 1)),
            _ => true,
        }
    }

    fn at(&self, path: &JsonPath) -> Option<&Self> {
        path.steps().iter().try_fold(self, |value, step| match (value, step) {
            (Self::Object(entries), JsonStep::Key(key)) => {
                entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
            }
            (Self::List(elements), JsonStep::Index(index)) => elements.get(usize::try_from(*index).ok()?),
            _ => None,
        })
    }

    fn compare(&self, value: &Value<'_>) -> Comparable {
        match (self, value) {
            (Self::Bool(a), Value::Bool(b)) => Comparable::Ordered(a.cmp(b)),
            (Self::Integer(a), Value::I64(b)) => Comparable::Ordered(a.cmp(b)),
            (Self::Integer(a), Value::F64(b)) => floats(*a as f64, *b),
            (Self::Float(a), Value::I64(b)) => floats(*a, *b as f64),
            (Self::Float(a), Value::F64(b)) => floats(*a, *b),
            (Self::Text(a), Value::Text(b)) if a.contains('\0') || b.contains('\0') => Comparable::Perhaps,
            (Self::Text(a), Value::Text(b)) => Comparable::Ordered(a.as_str().cmp(b)),
            _ => Comparable::No,
        }
    }
}

/// Floats are read and rounded in the databases' own ways: only a clear difference is one everywhere.
fn floats(a: f64, b: f64) -> Comparable {
    let near = 1e-12 * a.abs().max(b.abs()).max(1.0);
    match a.partial_cmp(&b) {
        Some(order) if (a - b).abs() > near => Comparable::Ordered(order),
        _ => Comparable::Perhaps,
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Document, E> {
        i64::try_from(value).map(Document::Integer).map_err(|_| E::custom("an integer beyond 64 bits"))
    }

    /// A long integer is read as a float, too.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Document, E> {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        match value.abs() < LIMIT {
            true => Ok(Document::Float(value)),
            false => Err(E::custom("a number beyond 64 bits")),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut object: Vec<(String, Document)> = Vec::new();
        while let Some((key, value)) = entries.next_entry::<String, _>()? {
            // A number, where somebody wants all digits of it: the feature `arbitrary_precision` of serde_json.
            if key.starts_with("$serde_json::private::") {
                return Err(A::Error::custom("a number that is not read"));
            }
            if object.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom("a key that stands twice"));
            }
            object.push((key, value));
        }
        Ok(Document::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thing_driver_api::{Comparison, JsonKind, Slot};

    fn answers(document: &str, path: &str, operator: Comparison, value: Value<'static>) -> Answers {
        let compare = JsonTest::Compare { kind: JsonKind::Text, operator, slot: Slot(0) };
        test(&Value::Json(document.into()), &path.parse().unwrap(), &compare, &[value])
    }

    #[test]
    fn kinds_do_not_mix() {
        let document = r#"{"a": {"b": [1, "1", true, null, 1.5]}}"#;
        let at = |path: &str, value| answers(document, path, Comparison::Equal, value);
        assert_eq!(at("a.b[0]", Value::I64(1)), Answers::TRUE);
        assert_eq!(at("a.b[0]", Value::Text("1".into())), Answers::UNKNOWN);
        assert_eq!(at("a.b[1]", Value::I64(1)), Answers::UNKNOWN);
        assert_eq!(at("a.b[2]", Value::Bool(false)), Answers::FALSE);
        assert_eq!(at("a.b[3]", Value::Bool(false)), Answers::UNKNOWN);
        assert_eq!(at("a.b[4]", Value::I64(1)), Answers::FALSE);
        assert_eq!(at("a.b[4]", Value::F64(1.5)), Answers::ANY);
        assert_eq!(at("a[0]", Value::I64(1)), Answers::UNKNOWN);
    }

    #[test]
    fn odd_documents_are_not_judged() {
        for document in [
            "{\"a\":1,\"a\":2}",
            "{\"a\":99999999999999999999}",
            "{\"a\":1e999}",
            "{\"$serde_json::private::Number\":\"1\"}",
            "{",
            &"[".repeat(99),
        ] {
            assert_eq!(answers(document, "a", Comparison::Equal, Value::I64(1)), Answers::ANY, "{document}");
        }
    }
}
