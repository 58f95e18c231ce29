//! JSON: conditions on what stands in documents and lists.

use std::sync::Arc;

use thing_driver_api::{
    Column, Comparison, Condition, JsonKind, JsonPath, JsonTest, ListItem, ListTest, Slot, Table, Value, ValueType,
};

use super::Database;
use super::filters::{COMPARISONS, judge};
use super::statements::{Values, delete, stored, update, write, write_all};
use crate::evaluate::evaluate;
use crate::random::Random;

/// Documents whose values meet each other in every way; an object for each place that a path leads to.
const DOCUMENTS: [&str; 16] = [
    r#"{"a": 1, "b": {"c": "x", "d": [1, 2, {"e": true}]}}"#,
    r#"{"a": "1", "b": {"c": "X", "d": []}}"#,
    r#"{"a": true, "b": {"c": "x ", "d": [null]}}"#,
    r#"{"a": false, "b": []}"#,
    r#"{"a": null, "b": null}"#,
    r#"{"a": "true", "b": "c"}"#,
    r#"{"a": 1.5, "b": {"c": 0}}"#,
    r#"{"a": -2, "b": {"c": "é", "d": ["x", "1", 1, true]}}"#,
    r#"{"a": 9007199254740993, "b": {"c": "🦀", "d": {"0": 1}}}"#,
    r#"{"a": 9223372036854775807, "b": {"c": "a\"b\\c\n\u0001", "d": "scalar"}}"#,
    r#"{"a": -9223372036854775808, "b": {"c": ""}}"#,
    r#"{"a": "", "it's": 1, "a.b": 2, "x y": 3, "é": 4, "it -- $.": 5, "[0]": 6, "": 7}"#,
    r#"{"a": 1e300, "b": {"c": "null"}}"#,
    r#"[1, [2, "x"], {"a": 1}]"#,
    r#"1"#,
    r#"{}"#,
];

const PATHS: [&str; 16] = [
    "a",
    "b",
    "b.c",
    "b.d",
    "b.d[0]",
    "b.d[2].e",
    "b.d[2]",
    "a[0]",
    "b.d.0",
    r#""b.c""#,
    "it's",
    r#""a.b""#,
    r#""it -- $.""#,
    "é",
    "[1][1]",
    r#""""#,
];

async fn documents(db: &Database<'_>) -> (Arc<Table>, Vec<Values>) {
    let table = db
        .table("documents")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("value", ValueType::Json).nullable(true))
        .key([0]);
    let table = db.create(table).await;
    let documents = DOCUMENTS.iter().map(|&text| Value::Json(text.into())).chain([Value::Null]);
    let rows: Vec<Values> = (0..).zip(documents).map(|(id, document)| vec![Value::I64(id), document]).collect();
    write_all(&**db.executor(), &table, &rows).await;
    (table, rows)
}

fn path(text: &str) -> JsonPath {
    text.parse().expect("a path")
}

fn at(place: &str, kind: JsonKind, operator: Comparison, slot: usize) -> Condition {
    Condition::Json { column: 1, path: path(place), test: JsonTest::Compare { kind, operator, slot: Slot(slot) } }
}

/// Texts, integers, floats and truth values compare with their like only; other kinds and nothing at all are unknown.
pub async fn values_compare_with_their_kind(db: &Database<'_>) {
    let (table, rows) = documents(db).await;
    for place in PATHS {
        for operator in COMPARISONS {
            for value in [1, 0, -2, 2] {
                judge(db, &table, &rows, at(place, JsonKind::Integer, operator, 0), &[Value::I64(value)]).await;
            }
            for value in ["x", "1", "true", ""] {
                judge(db, &table, &rows, at(place, JsonKind::Text, operator, 0), &[Value::Text(value.into())]).await;
            }
            for value in [true, false] {
                judge(db, &table, &rows, at(place, JsonKind::Bool, operator, 0), &[Value::Bool(value)]).await;
            }
            for value in [1.5, 0.25, -2.0] {
                judge(db, &table, &rows, at(place, JsonKind::Float, operator, 0), &[Value::F64(value)]).await;
            }
        }
    }
}

/// Integers beyond what a float holds are told apart, and floats beyond all integers are.
pub async fn integers_are_exact(db: &Database<'_>) {
    let (table, rows) = documents(db).await;
    for operator in COMPARISONS {
        for value in [9_007_199_254_740_992, 9_007_199_254_740_993, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1] {
            judge(db, &table, &rows, at("a", JsonKind::Integer, operator, 0), &[Value::I64(value)]).await;
        }
        judge(db, &table, &rows, at("a", JsonKind::Float, operator, 0), &[Value::F64(1e299)]).await;
    }
}

/// Texts compare by their bytes: letter case, spaces at the end, accents, quotes and control characters matter.
pub async fn texts_compare_by_bytes(db: &Database<'_>) {
    let (table, rows) = documents(db).await;
    for operator in COMPARISONS {
        for value in ["x", "X", "x ", "é", "e", "🦀", "a\"b\\c\n\u{1}", "null", "\"x\""] {
            judge(db, &table, &rows, at("b.c", JsonKind::Text, operator, 0), &[Value::Text(value.into())]).await;
        }
    }
}

/// Whether something stands at a path, and whether it is null or nothing, is never unknown.
pub async fn existence_is_never_unknown(db: &Database<'_>) {
    let (table, rows) = documents(db).await;
    for place in PATHS {
        for test in [JsonTest::Exists, JsonTest::IsNull] {
            judge(db, &table, &rows, Condition::Json { column: 1, path: path(place), test }, &[]).await;
        }
    }
}

async fn lists(db: &Database<'_>, suffix: &str, item: ListItem, lists: &[&'static str]) -> (Arc<Table>, Vec<Values>) {
    let table = db
        .table(suffix)
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("value", ValueType::List(item)).nullable(true))
        .key([0]);
    let table = db.create(table).await;
    let lists = lists.iter().map(|&text| Value::Json(text.into())).chain([Value::Null]);
    let rows: Vec<Values> = (0..).zip(lists).map(|(id, list)| vec![Value::I64(id), list]).collect();
    write_all(&**db.executor(), &table, &rows).await;
    (table, rows)
}

fn has(slot: usize) -> Condition {
    Condition::List { column: 1, test: ListTest::Has { slot: Slot(slot) } }
}

/// A list has its elements, exactly; a list that is NULL is unknown.
pub async fn lists_have_their_elements(db: &Database<'_>) {
    let texts = ["[]", r#"["a"]"#, r#"["a", "A", "a "]"#, r#"["é", "🦀", "a\"b\\", "1", "true"]"#, r#"["", "ab"]"#];
    let (table, rows) = lists(db, "texts", ListItem::Text, &texts).await;
    for value in ["a", "A", "a ", "é", "e", "🦀", "a\"b\\", "1", "true", "", "b", "%"] {
        judge(db, &table, &rows, has(0), &[Value::Text(value.into())]).await;
    }
    let integers = ["[]", "[1]", "[1, 2, 1]", "[9007199254740993, -1]", "[9223372036854775807, -9223372036854775808]"];
    let (table, rows) = lists(db, "integers", ListItem::I64, &integers).await;
    for value in [1, 2, -1, 0, 9_007_199_254_740_992, 9_007_199_254_740_993, i64::MAX, i64::MIN] {
        judge(db, &table, &rows, has(0), &[Value::I64(value)]).await;
    }
    judge(db, &table, &rows, Condition::List { column: 1, test: ListTest::IsEmpty }, &[]).await;
    let (table, rows) = lists(db, "flags", ListItem::Bool, &["[]", "[true]", "[false, true]", "[false]"]).await;
    for value in [true, false] {
        judge(db, &table, &rows, has(0), &[Value::Bool(value)]).await;
    }
    for (suffix, item) in [("small", ListItem::I16), ("medium", ListItem::I32)] {
        let (table, rows) = lists(db, suffix, item, &["[]", "[1]", "[-32768, 32767, 1]"]).await;
        for value in [1, 0, -32768, 32767] {
            judge(db, &table, &rows, has(0), &[Value::I64(value)]).await;
        }
    }
    let uuids = ["[]", r#"["00000000-0000-0000-0000-0000000000ff"]"#];
    let (table, rows) = lists(db, "uuids", ListItem::Uuid, &uuids).await;
    for value in ["00000000-0000-0000-0000-0000000000ff", "00000000-0000-0000-0000-0000000000fe"] {
        judge(db, &table, &rows, has(0), &[Value::Text(value.into())]).await;
    }
}

/// Conditions on documents and lists decide what updates and deletes write.
pub async fn conditions_decide_what_is_written(db: &Database<'_>) {
    let (table, rows) = lists(db, "written", ListItem::I64, &["[1]", "[2]", "[1, 2]", "[]"]).await;
    let executor = &**db.executor();
    let with_two = Condition::List { column: 1, test: ListTest::Has { slot: Slot(1) } };
    let set = [Value::Json("[7]".into()), Value::I64(2)];
    let written = write(executor, &update(&table, vec![1], with_two, Vec::new()), &set).await;
    assert_eq!(written.expect("the update runs").rows, 2);
    let with_seven = Condition::List { column: 1, test: ListTest::Has { slot: Slot(0) } };
    let written = write(executor, &delete(&table, with_seven, Vec::new()), &[Value::I64(7)]).await;
    assert_eq!(written.expect("the delete runs").rows, 2);
    assert_eq!(stored(executor, &table).await.len(), rows.len() - 2);
    let (table, rows) = documents(db).await;
    let condition = at("a", JsonKind::Integer, Comparison::Equal, 0);
    let chosen = rows.iter().filter(|row| evaluate(&condition, row, &[Value::I64(1)]) == Some(true)).count();
    assert!(chosen > 0, "a document is chosen");
    let written = write(executor, &delete(&table, condition, Vec::new()), &[Value::I64(1)]).await;
    assert_eq!(written.expect("the delete runs").rows, chosen as u64);
    assert_eq!(stored(executor, &table).await.len(), rows.len() - chosen);
}

/// Random conditions over the documents.
pub async fn conditions_agree(db: &Database<'_>) {
    let (table, rows) = documents(db).await;
    let mut random = Random::new(4);
    for _ in 0..200 {
        let mut slots = Vec::new();
        let condition = condition(3, &mut random, &mut slots);
        judge(db, &table, &rows, condition, &slots).await;
    }
}

fn condition(depth: usize, random: &mut Random, slots: &mut Vec<Value<'static>>) -> Condition {
    if depth > 0 && !random.one_in(3) {
        let mut terms = || (0..=random.below(3)).map(|_| condition(depth - 1, random, slots)).collect();
        let terms: Vec<Condition> = terms();
        return match random.below(3) {
            0 => Condition::And(terms),
            1 => Condition::Or(terms),
            _ => Condition::Not(Box::new(Condition::And(terms))),
        };
    }
    let path = path(random.pick::<&str>(&PATHS));
    let test = match random.below(6) {
        0 => JsonTest::Exists,
        1 => JsonTest::IsNull,
        kind => {
            let (kind, value) = match kind {
                2 => (JsonKind::Bool, Value::Bool(random.one_in(2))),
                3 => (JsonKind::Integer, Value::I64(*random.pick(&[-2, 0, 1, 2, 9_007_199_254_740_993]))),
                4 => (JsonKind::Float, Value::F64(*random.pick(&[-2.0, 0.5, 1.5, 1e299]))),
                _ => (JsonKind::Text, Value::Text((*random.pick(&["x", "1", "", "é", "true"])).into())),
            };
            slots.push(value);
            JsonTest::Compare { kind, operator: *random.pick(&COMPARISONS), slot: Slot(slots.len() - 1) }
        }
    };
    Condition::Json { column: 1, path, test }
}
