//! Images: rows as the triggers write them.
//!
//! A text begins with a mark, so that what is not known can be told from NULL: `=` before the value, nothing for a value
//! that is left out.

use std::collections::HashMap;

use thing_driver_api::{Change, Column, RowImage, Table, Value, ValueType};

use crate::calendar;

/// Longer values are not recorded: characters of text, or bytes.
pub(super) const LONGEST: usize = 256;

/// The texts of a row by the names of its columns; `None` is NULL.
pub(super) type Texts = HashMap<String, Option<String>>;

/// The changes of a row that has these texts before and after; `None` where it is not known which row it is. `same` says
/// of a column that its value has stayed.
pub(super) fn changes(
    table: &Table,
    before: Option<&Texts>,
    after: Option<&Texts>,
    same: impl Fn(&str) -> bool,
) -> Option<Vec<Change>> {
    let image = |texts: Option<&Texts>| match texts {
        None => RowImage::Absent,
        Some(texts) => RowImage::Row(table.columns().iter().map(|column| known(column, texts)).collect()),
    };
    Change::observed(table, |at| !same(&table.column(at).name), image(before), image(after))
}

fn known(column: &Column, texts: &Texts) -> Option<Value<'static>> {
    match texts.get(column.name.as_ref())? {
        None => Some(Value::Null),
        Some(text) => value(text.strip_prefix('=')?, column.value_type),
    }
}

/// The value that the text stands for; `None` where that is not certain.
fn value(text: &str, value_type: ValueType) -> Option<Value<'static>> {
    Some(match value_type {
        ValueType::Bool => match text {
            "0" => Value::Bool(false),
            "1" => Value::Bool(true),
            _ => return None,
        },
        ValueType::Timestamp => Value::Timestamp(calendar::read_timestamp(text)?),
        ValueType::Date => Value::Date(calendar::read_date(text)?),
        ValueType::Time => Value::Time(calendar::read_time(text)?),
        _ => return Value::from_text(text, value_type),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_exactly_or_not_at_all() {
        let read = value;
        assert_eq!(read("1", ValueType::Bool), Some(Value::Bool(true)));
        assert_eq!(read("2", ValueType::Bool), None);
        assert_eq!(read("00FF", ValueType::Bytes), Some(Value::Bytes(vec![0, 255].into())));
        assert_eq!(read("0.1", ValueType::F64), None);
    }

    #[test]
    fn null_is_told_from_what_is_not_known() {
        let column = Column::new("name", ValueType::Text).nullable(true);
        let texts = |text: Option<&str>| Texts::from([("name".to_owned(), text.map(str::to_owned))]);
        assert_eq!(known(&column, &texts(None)), Some(Value::Null));
        assert_eq!(known(&column, &texts(Some(""))), None);
        assert_eq!(known(&column, &texts(Some("="))), Some(Value::Text("".into())));
        assert_eq!(known(&column, &Texts::new()), None);
    }
}
