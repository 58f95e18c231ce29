//! Plain values as bytes: a byte for the type, then the value. Integers are big-endian. This form is sealed and stored, so
//! it never changes; another one would be another format of the envelope.

use thing_driver_api::{Decimal, Error, Result, Value};
use zeroize::{Zeroize, Zeroizing};

const NULL: u8 = 0;
const BOOL: u8 = 1;
const I64: u8 = 2;
const F64: u8 = 3;
const TEXT: u8 = 4;
const BYTES: u8 = 5;
const UUID: u8 = 6;
const TIMESTAMP: u8 = 7;
const DATE: u8 = 8;
const TIME: u8 = 9;
const JSON: u8 = 10;
const DECIMAL: u8 = 11;

/// The bytes of a value.
pub(super) fn write(value: &Value<'_>) -> Result<Zeroizing<Vec<u8>>> {
    Ok(match value {
        Value::Null => of(NULL, &[]),
        Value::Bool(value) => of(BOOL, &[u8::from(*value)]),
        Value::I64(value) => of(I64, &value.to_be_bytes()),
        Value::F64(value) => of(F64, &value.to_bits().to_be_bytes()),
        Value::Text(text) => of(TEXT, text.as_bytes()),
        Value::Bytes(bytes) => of(BYTES, bytes),
        Value::Uuid(bytes) => of(UUID, bytes),
        Value::Timestamp(microseconds) => of(TIMESTAMP, &microseconds.to_be_bytes()),
        Value::Date(days) => of(DATE, &days.to_be_bytes()),
        Value::Time(microseconds) => of(TIME, &microseconds.to_be_bytes()),
        Value::Json(text) => of(JSON, text.as_bytes()),
        Value::Decimal(value) => {
            let mut bytes = [value.scale(); 17];
            bytes[1..].copy_from_slice(&value.coefficient().to_be_bytes());
            of(DECIMAL, &bytes)
        }
        other => return Err(Error::unsupported(format!("a value of type {} can't be sealed", other.kind()))),
    })
}

fn of(kind: u8, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    // Never moved while it grows, which would leave a copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(1 + bytes.len()));
    plain.push(kind);
    plain.extend_from_slice(bytes);
    plain
}

/// The value of bytes; `None` where they are none.
pub(super) fn read(bytes: &[u8]) -> Option<Value<'static>> {
    let (kind, bytes) = bytes.split_first()?;
    Some(match *kind {
        NULL if bytes.is_empty() => Value::Null,
        BOOL => match bytes {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            _ => return None,
        },
        I64 => Value::I64(i64::from_be_bytes(bytes.try_into().ok()?)),
        F64 => Value::F64(f64::from_bits(u64::from_be_bytes(bytes.try_into().ok()?))),
        TEXT => Value::Text(str::from_utf8(bytes).ok()?.to_owned().into()),
        BYTES => Value::Bytes(bytes.to_vec().into()),
        UUID => Value::Uuid(bytes.try_into().ok()?),
        TIMESTAMP => Value::Timestamp(i64::from_be_bytes(bytes.try_into().ok()?)),
        DATE => Value::Date(i32::from_be_bytes(bytes.try_into().ok()?)),
        TIME => Value::Time(i64::from_be_bytes(bytes.try_into().ok()?)),
        JSON => Value::Json(str::from_utf8(bytes).ok()?.to_owned().into()),
        DECIMAL => {
            let (scale, coefficient) = bytes.split_first()?;
            Value::Decimal(Decimal::new(i128::from_be_bytes(coefficient.try_into().ok()?), *scale)?)
        }
        _ => return None,
    })
}

/// Overwrites what a value holds outside itself.
pub(super) fn wipe(value: Value<'static>) {
    match value {
        Value::Text(text) | Value::Json(text) => text.into_owned().zeroize(),
        Value::Bytes(bytes) => bytes.into_owned().zeroize(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() -> Result<()> {
        for value in [
            Value::Null,
            Value::Bool(true),
            Value::I64(i64::MIN),
            Value::F64(-0.5),
            Value::Text("ünï".into()),
            Value::Text("".into()),
            Value::Bytes(vec![0, 255].into()),
            Value::Uuid([7; 16]),
            Value::Timestamp(-1),
            Value::Date(i32::MAX),
            Value::Time(1),
            Value::Json("{}".into()),
            Value::Decimal("-12345678901234567890.125".parse()?),
        ] {
            let bytes = write(&value)?;
            assert_eq!(read(&bytes), Some(value), "{bytes:?}");
            for short in 0..bytes.len() {
                let read = read(&bytes[..short]);
                assert!(read.is_none() || matches!(bytes[0], TEXT | BYTES | JSON), "{read:?}");
            }
        }
        assert_eq!(read(&[NULL, 0]), None);
        assert_eq!(read(&[BOOL, 2]), None);
        assert_eq!(read(&[TEXT, 255]), None);
        assert_eq!(read(&[12]), None);
        Ok(())
    }
}
