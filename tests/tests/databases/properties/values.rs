//! The pools that values are drawn from: small, so that filters match often.

use thing::Model;
use thing::driver::{Value, ValueType};

use super::schema::Dynamic;

const INTEGERS: [i64; 8] = [0, 1, -1, 2, 7, 7, 0, 1];
const TEXTS: [&str; 16] =
    ["", "a", "A", "a ", "ab", "aB", "a%b", "a_b", "a\\b", "%", "_", "\\", "a\0b", "ä", "😀a", "Straße"];
const FLOATS: [f64; 8] = [0.0, 1.0, -1.0, 0.5, 1e300, -1e300, f64::INFINITY, 9_007_199_254_740_993.0];
const BYTES: [&[u8]; 6] = [b"", b"\0", b"\0\0", b"a", b"\xff", b"a\0"];
const DECIMALS: [&str; 7] = ["0", "1", "-1", "0.1", "10", "9.5", "-99999999999999999999999999999999999"];
const DAYS: [i32; 5] = [0, 1, -1, 19_000, -700_000];
const MICROSECONDS: [i64; 6] = [0, 1, -1, 1_000_000, 1_700_000_000_123_456, -62_135_596_800_000_000];

/// A value that fits the column. A quarter of a nullable column's choices is NULL.
pub(crate) fn pool(column: usize, choice: u8) -> Value<'static> {
    let declared = Dynamic::table().column(column);
    if declared.nullable && choice % 4 == 3 {
        return Value::Null;
    }
    let at = usize::from(choice);
    match declared.value_type {
        ValueType::Bool => Value::Bool(at % 2 == 0),
        ValueType::I16 => integer(at, i16::MIN.into(), i16::MAX.into()),
        ValueType::I32 => integer(at, i32::MIN.into(), i32::MAX.into()),
        ValueType::I64 => integer(at, i64::MIN, i64::MAX),
        ValueType::F32 => Value::F64([0.0, 0.5, -0.5, f64::from(f32::MAX), f64::from(0.1f32)][at % 5]),
        ValueType::F64 => Value::F64(FLOATS[at % FLOATS.len()]),
        ValueType::Text => Value::Text(TEXTS[at % TEXTS.len()].into()),
        ValueType::Bytes => Value::Bytes(BYTES[at % BYTES.len()].into()),
        ValueType::Uuid => Value::Uuid([if choice.is_multiple_of(2) { choice % 5 } else { 0xff - choice % 5 }; 16]),
        ValueType::Timestamp => Value::Timestamp(MICROSECONDS[at % MICROSECONDS.len()]),
        ValueType::Date => Value::Date(DAYS[at % DAYS.len()]),
        ValueType::Decimal => Value::Decimal(DECIMALS[at % DECIMALS.len()].parse().expect("a decimal")),
        other => panic!("no pool of {other}"),
    }
}

fn integer(at: usize, least: i64, greatest: i64) -> Value<'static> {
    Value::I64(match at % 16 {
        14 => least,
        15 => greatest,
        small => INTEGERS[small % INTEGERS.len()],
    })
}
