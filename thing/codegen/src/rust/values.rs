//! Values: the types of fields, and their defaults as expressions.

use thing_driver_api::{ListItem, ValueType};

use super::plan::{Kind, RustEnum};
use crate::model::{DefaultValue, Type};

/// A type of Rust, and where it comes from.
pub(super) struct RustType {
    pub(super) name: &'static str,
    /// What is imported for it.
    pub(super) imports: &'static [&'static str],
}

pub(super) fn rust_type(value_type: ValueType) -> Option<RustType> {
    let (name, imports): (_, &[&str]) = match value_type {
        ValueType::Bool => ("bool", &[]),
        ValueType::I16 => ("i16", &[]),
        ValueType::I32 => ("i32", &[]),
        ValueType::I64 => ("i64", &[]),
        ValueType::F32 => ("f32", &[]),
        ValueType::F64 => ("f64", &[]),
        ValueType::Text => ("String", &[]),
        ValueType::Bytes => ("Vec<u8>", &[]),
        ValueType::Uuid => ("Uuid", &["uuid::Uuid"]),
        ValueType::Timestamp => ("Timestamp", &["jiff::Timestamp"]),
        ValueType::Date => ("Date", &["jiff::civil::Date"]),
        ValueType::Time => ("Time", &["jiff::civil::Time"]),
        ValueType::Json => ("Json<Value>", &["serde_json::Value", "thing::Json"]),
        ValueType::Decimal => ("Decimal", &["rust_decimal::Decimal"]),
        ValueType::List(ListItem::Bool) => ("List<bool>", &["thing::List"]),
        ValueType::List(ListItem::I16) => ("List<i16>", &["thing::List"]),
        ValueType::List(ListItem::I32) => ("List<i32>", &["thing::List"]),
        ValueType::List(ListItem::I64) => ("List<i64>", &["thing::List"]),
        ValueType::List(ListItem::Text) => ("List<String>", &["thing::List"]),
        ValueType::List(ListItem::Uuid) => ("List<Uuid>", &["thing::List", "uuid::Uuid"]),
        _ => return None,
    };
    Some(RustType { name, imports })
}

/// What a default is to a field.
pub(super) enum Filled {
    /// Nothing: the application gives a value.
    No,
    /// `#[thing(default = …)]`, with what the expression needs.
    Expression(String),
    /// A counter of the database.
    Counter,
    /// The present time.
    Now,
}

/// The default of a field; an error says why it has none in Rust. Keys may have defaults that differ each time.
pub(super) fn filled(default: &DefaultValue, kind: &Kind<'_>, is_key: bool) -> Result<Filled, String> {
    let left = |why: &str| Err(format!("{why}; the application gives the value"));
    Ok(match (default, kind) {
        (DefaultValue::AutoIncrement, _) => Filled::Counter,
        (DefaultValue::Now, Kind::Plain(ValueType::Timestamp)) => Filled::Now,
        (DefaultValue::Now, _) => return left("the present day or time is no default of a model"),
        (DefaultValue::Uuid(_), _) | (DefaultValue::Expression(Some(_)), Kind::Plain(ValueType::Uuid)) if !is_key => {
            return left("a model has defaults that differ each time for its key only");
        }
        (DefaultValue::Uuid(version), Kind::Plain(of)) => new_uuid(*version, *of)?,
        (DefaultValue::Expression(Some(text)), Kind::Plain(of @ ValueType::Uuid))
            if ["gen_random_uuid()", "uuid_generate_v4()", "uuid()"].contains(&text.as_str()) =>
        {
            new_uuid(None, *of)?
        }
        (DefaultValue::Cuid(_), _) => return left("Thing makes no CUIDs"),
        (DefaultValue::Ulid, _) => return left("Thing makes no ULIDs"),
        (DefaultValue::NanoId(_), _) => return left("Thing makes no Nano IDs"),
        (DefaultValue::Expression(_), _) => {
            return left("the default is an expression of the database, and Thing writes every column");
        }
        (DefaultValue::Bool(value), Kind::Plain(ValueType::Bool)) => Filled::Expression(value.to_string()),
        (DefaultValue::Text(text), Kind::Plain(ValueType::Text)) => Filled::Expression(format!("{text:?}")),
        (DefaultValue::Text(text), Kind::Plain(ValueType::Json)) => match text.replace(' ', "").as_str() {
            "{}" => Filled::Expression("Json(serde_json::json!({}))".to_owned()),
            "[]" => Filled::Expression("Json(serde_json::json!([]))".to_owned()),
            _ => return left("a document is no default of a model, unless it is empty"),
        },
        (DefaultValue::Number(number), Kind::Plain(of)) => match number_of(number, *of) {
            Some(expression) => Filled::Expression(expression),
            None => return left("the default does not fit the type"),
        },
        (DefaultValue::List(list), Kind::Plain(ValueType::List(_))) if list.is_empty() => {
            Filled::Expression("List::default()".to_owned())
        }
        (DefaultValue::Variant(name), Kind::Enum(RustEnum { name: of, variants, .. })) => {
            match variants.iter().find(|(variant, _)| variant.name == *name) {
                Some((_, variant)) => Filled::Expression(format!("{of}::{variant}")),
                None => Filled::No,
            }
        }
        _ => return left("the default has no counterpart"),
    })
}

fn new_uuid(version: Option<u8>, of: ValueType) -> Result<Filled, String> {
    let call = match version {
        None | Some(4) => "uuid::Uuid::new_v4()",
        Some(7) => "uuid::Uuid::now_v7()",
        Some(other) => return Err(format!("there are no UUIDs of version {other}; the application gives the value")),
    };
    Ok(Filled::Expression(match of {
        ValueType::Uuid => call.replace("uuid::Uuid", "Uuid"),
        _ => format!("{call}.to_string()"),
    }))
}

/// The number as a literal of the type.
fn number_of(number: &str, of: ValueType) -> Option<String> {
    match of {
        ValueType::I16 => number.parse::<i16>().ok().map(|number| number.to_string()),
        ValueType::I32 => number.parse::<i32>().ok().map(|number| number.to_string()),
        ValueType::I64 => number.parse::<i64>().ok().map(|number| number.to_string()),
        ValueType::F32 => {
            number.parse::<f32>().ok().filter(|number| number.is_finite()).map(|number| format!("{number:?}"))
        }
        ValueType::F64 => {
            number.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| format!("{number:?}"))
        }
        ValueType::Decimal => {
            let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
            let units = format!("{whole}{fraction}").parse::<i64>().ok()?;
            (fraction.len() <= 28).then(|| format!("Decimal::new({units}, {})", fraction.len()))
        }
        _ => None,
    }
}

/// What the key of a model can be made of.
pub(super) fn is_key_type(holds: &Type, value_type: ValueType) -> bool {
    let plain = value_type.is_integer() || matches!(value_type, ValueType::Text | ValueType::Uuid);
    plain && !matches!(holds, Type::Enum(_))
}
