//! Texts: values as databases write them.

use crate::{Value, ValueType};

impl Value<'static> {
    /// The value that a text stands for, of a type that databases write in one way: integers and decimals as numbers, text
    /// as it is, bytes as hexadecimal digits, and UUIDs too, with or without hyphens. `None` where the text is none of
    /// these, and for the other types, whose texts only the driver knows.
    ///
    /// For the images of rows that a [`ChangeFeed`](crate::ChangeFeed) reads: exact, or nothing.
    pub fn from_text(text: &str, value_type: ValueType) -> Option<Self> {
        Some(match value_type {
            ValueType::I16 | ValueType::I32 | ValueType::I64 => Self::I64(text.parse().ok()?),
            ValueType::Text => Self::Text(text.to_owned().into()),
            ValueType::Bytes => Self::Bytes(bytes(text)?.into()),
            ValueType::Uuid => Self::Uuid(bytes(&text.replace('-', ""))?.try_into().ok()?),
            ValueType::Decimal => Self::Decimal(text.parse().ok()?),
            _ => return None,
        })
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| Some((digit(high)? * 16 + digit(low)?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_exactly_or_not_at_all() {
        let read = Value::from_text;
        assert_eq!(read("-9223372036854775808", ValueType::I64), Some(Value::I64(i64::MIN)));
        assert_eq!(read("18446744073709551615", ValueType::I64), None);
        assert_eq!(read("1.0", ValueType::I64), None);
        assert_eq!(read("", ValueType::Text), Some(Value::Text("".into())));
        assert_eq!(read("00fF", ValueType::Bytes), Some(Value::Bytes(vec![0, 255].into())));
        assert_eq!(read("", ValueType::Bytes), Some(Value::Bytes(Vec::new().into())));
        assert_eq!(read("00F", ValueType::Bytes), None);
        assert_eq!(read("0x", ValueType::Bytes), None);
        assert_eq!(read("é", ValueType::Bytes), None);
        let mut uuid = [0; 16];
        uuid[15] = 255;
        assert_eq!(read("00000000-0000-0000-0000-0000000000ff", ValueType::Uuid), Some(Value::Uuid(uuid)));
        assert_eq!(read("000000000000000000000000000000FF", ValueType::Uuid), Some(Value::Uuid(uuid)));
        assert_eq!(read("00FF", ValueType::Uuid), None);
        assert_eq!(read("1.500", ValueType::Decimal), "1.5".parse().ok().map(Value::Decimal));
        assert_eq!(read("NaN", ValueType::Decimal), None);
        for (text, value_type) in
            [("1", ValueType::Bool), ("0.1", ValueType::F32), ("0.1", ValueType::F64), ("{}", ValueType::Json)]
        {
            assert_eq!(read(text, value_type), None, "{value_type}");
        }
    }
}
