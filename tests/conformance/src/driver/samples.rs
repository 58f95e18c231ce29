//! Values of every type, the extremes among them.

use thing_driver_api::{ListItem, Value, ValueType};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The types whose equality and order are exact on every database.
pub(super) const EXACT: [ValueType; 7] = [
    ValueType::Bool,
    ValueType::I16,
    ValueType::I32,
    ValueType::I64,
    ValueType::Bytes,
    ValueType::Uuid,
    ValueType::Date,
];

/// The types that compare exactly with [`Capability::ExactNumbers`](thing_driver_api::Capability::ExactNumbers).
pub(super) const NUMBERS: [ValueType; 5] =
    [ValueType::F32, ValueType::F64, ValueType::Decimal, ValueType::Timestamp, ValueType::Time];

/// The types of a plain value, which is not a document.
pub(super) fn plain_types() -> impl Iterator<Item = ValueType> + Clone {
    EXACT.into_iter().chain(NUMBERS).chain([ValueType::Text])
}

/// All types.
pub(super) fn all_types() -> impl Iterator<Item = ValueType> {
    plain_types().chain([ValueType::Json]).chain(ValueType::LISTS)
}

/// Distinct values of the type, least first; a statement can bind each, a column store each.
pub(super) fn samples(value_type: ValueType) -> Vec<Value<'static>> {
    let integers = |least: i64, greatest: i64| {
        [least, least + 1, -1, 0, 1, 2, 100, greatest - 1, greatest].map(Value::I64).to_vec()
    };
    match value_type {
        ValueType::Bool => vec![Value::Bool(false), Value::Bool(true)],
        ValueType::I16 => integers(i16::MIN.into(), i16::MAX.into()),
        ValueType::I32 => integers(i32::MIN.into(), i32::MAX.into()),
        ValueType::I64 => integers(i64::MIN, i64::MAX),
        ValueType::F32 => [f32::MIN, -1.5, -f32::MIN_POSITIVE, 0.0, f32::MIN_POSITIVE, 0.1, 1.0, f32::MAX]
            .map(|v| Value::F64(v.into()))
            .to_vec(),
        ValueType::F64 => {
            [f64::MIN, -1.5, -f64::MIN_POSITIVE, 0.0, f64::MIN_POSITIVE, 0.1, 1.0, f64::MAX].map(Value::F64).to_vec()
        }
        ValueType::Text => ["", " ", "%", "1", "A", "Z", "a", "a b", r"a\b", "a_b", "ab", "z", "é", "日本", "🦀"]
            .map(|v| Value::Text(v.into()))
            .to_vec(),
        ValueType::Bytes => vec![
            Value::Bytes(Vec::new().into()),
            Value::Bytes(vec![0].into()),
            Value::Bytes(vec![0, 0].into()),
            Value::Bytes(vec![0, 255].into()),
            Value::Bytes(vec![1].into()),
            Value::Bytes(b"abc".to_vec().into()),
            Value::Bytes(vec![128].into()),
            Value::Bytes(vec![255, 0, 39, 92].into()),
        ],
        ValueType::Uuid => vec![
            Value::Uuid([0; 16]),
            Value::Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            Value::Uuid([1, 2, 3, 4, 5, 6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15, 16]),
            Value::Uuid([128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            Value::Uuid([255; 16]),
        ],
        // From the year 1000 to the year 9999, the range that databases share.
        ValueType::Timestamp => {
            [-354_285 * DAY, -DAY, -1_500_001, -1, 0, 1, 1_700_000_000_123_456, 2_932_896 * DAY + DAY - 1]
                .map(Value::Timestamp)
                .to_vec()
        }
        ValueType::Date => [-354_285, -1, 0, 1, 19_000, 2_932_896].map(Value::Date).to_vec(),
        ValueType::Time => [0, 1, 999_999, 43_200_000_000, DAY - 1].map(Value::Time).to_vec(),
        ValueType::Decimal => [
            "-99999999999999999999999999999999999",
            "-1.5",
            "-1.25",
            "-0.000000000000000000000000000001",
            "0",
            "0.000000000000000000000000000001",
            "0.1",
            "9.5",
            "10",
            "12345678901234567890.123456789",
            "99999999999999999999999999999999999.999",
        ]
        .map(|v| Value::Decimal(v.parse().expect("a decimal")))
        .to_vec(),
        ValueType::Json => ["null", "[]", r#"{"a": [1, "é", null]}"#, "1.5"].map(|v| Value::Json(v.into())).to_vec(),
        ValueType::List(item) => match item {
            ListItem::Bool => &["[]", "[true]", "[false,true,true]"][..],
            ListItem::I16 => &["[]", "[-32768,32767,0,0]"],
            ListItem::I32 => &["[]", "[-2147483648,2147483647,7]"],
            ListItem::I64 => &["[]", "[-9223372036854775808,9223372036854775807,9007199254740993]"],
            ListItem::Text => &["[]", r#"["","a","A"," ","é🦀","a\"b\\c,{}\n","NULL","null"]"#],
            ListItem::Uuid => {
                &["[]", r#"["00000000-0000-0000-0000-0000000000ff","01020304-0506-4708-890a-0b0c0d0e0f10"]"#]
            }
        }
        .iter()
        .map(|&text| Value::Json(text.into()))
        .collect(),
        other => panic!("the kit does not know values of {other}"),
    }
}
