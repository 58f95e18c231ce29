//! Images: rows as the server writes them in text, with its settings fixed by [`SETTINGS`].

use std::collections::HashMap;

use thing_driver_api::{Change, RowImage, Table, Value, ValueType};

use crate::calendar;

/// The settings under which each value has one text, from which it can be read exactly.
pub(super) const SETTINGS: [(&str, &str); 5] = [
    ("bytea_output", "hex"),
    ("DateStyle", "ISO"),
    ("extra_float_digits", "1"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
];

/// The most characters of a value that is recorded: 256 bytes in hexadecimal digits. Longer ones decide about no list.
pub(super) const LONGEST: usize = 514;

/// The texts of a row by the names of its columns; `None` is NULL, and what is not there is not known.
pub(super) type Texts<'a> = HashMap<&'a str, Option<&'a str>>;

/// A row with the types of the model.
pub(super) fn image(table: &Table, texts: &Texts<'_>) -> RowImage {
    let values = table.columns().iter().map(|column| match texts.get(column.name.as_ref())? {
        // In a row that is written as JSON, NULL looks like the document `null`.
        None if column.value_type.is_document() => None,
        None => Some(Value::Null),
        Some(text) if text.len() > LONGEST => None,
        Some(text) => value(text, column.value_type),
    });
    RowImage::Row(values.collect())
}

/// The changes of a row that has these texts before and after; `None` where it is not known which row it is. `same` says
/// of a column that its text has stayed.
pub(super) fn changes(
    table: &Table,
    before: Option<&Texts<'_>>,
    after: Option<&Texts<'_>>,
    same: impl Fn(&str) -> bool,
) -> Option<Vec<Change>> {
    let may_be_document = |at: usize| {
        let column = table.column(at);
        column.value_type.is_document()
            && before.is_some_and(|texts| matches!(texts.get(column.name.as_ref()), Some(None)))
    };
    let differs = |at: usize| !same(&table.column(at).name) || may_be_document(at);
    let image = |texts: Option<&Texts<'_>>| texts.map_or(RowImage::Absent, |texts| image(table, texts));
    Change::observed(table, differs, image(before), image(after))
}

/// The value that the text stands for; `None` where that is not certain.
fn value(text: &str, value_type: ValueType) -> Option<Value<'static>> {
    Some(match value_type {
        ValueType::Bool => match text {
            "true" | "t" => Value::Bool(true),
            "false" | "f" => Value::Bool(false),
            _ => return None,
        },
        ValueType::F64 => Value::F64(text.parse().ok().filter(|number: &f64| !number.is_nan())?),
        ValueType::Bytes => return Value::from_text(text.strip_prefix("\\x")?, value_type),
        ValueType::Timestamp => Value::Timestamp(calendar::read_timestamp(text)?),
        ValueType::Date => Value::Date(calendar::read_date(text)?),
        ValueType::Time => Value::Time(calendar::read_time(text)?),
        // The shortest text of a float depends on whether the column is of single precision; JSON has many texts.
        _ => return Value::from_text(text, value_type),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_exactly_or_not_at_all() {
        let read = value;
        assert_eq!(read("true", ValueType::Bool), Some(Value::Bool(true)));
        assert_eq!(read("f", ValueType::Bool), Some(Value::Bool(false)));
        assert_eq!(read("1", ValueType::Bool), None);
        assert_eq!(read("1e+300", ValueType::F64), Some(Value::F64(1e300)));
        assert_eq!(read("-Infinity", ValueType::F64), Some(Value::F64(f64::NEG_INFINITY)));
        assert_eq!(read("NaN", ValueType::F64), None);
        assert_eq!(read("0.1", ValueType::F32), None);
        assert_eq!(read("\\x00fF", ValueType::Bytes), Some(Value::Bytes(vec![0, 255].into())));
        assert_eq!(read("\\x0", ValueType::Bytes), None);
        assert_eq!(read("\\000", ValueType::Bytes), None);
        assert_eq!(read("00000000-0000-0000-0000-0000000000ff", ValueType::Uuid).map(|v| v.kind()), Some("uuid"));
        assert_eq!(read("{}", ValueType::Json), None);
    }
}
