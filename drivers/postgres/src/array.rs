//! Arrays: as JSON text.

use bytes::{BufMut, BytesMut};
use thing_driver_api::{Result, Value, ValueType};
use tokio_postgres::types::{Kind, Type};

use crate::json;
use crate::row::{self, invalid};
use crate::values::{Codec, put_sized, refused};

/// Appends the binary form of an array of one dimension, of elements given by their codec, in their order.
pub(crate) fn encode<'v>(
    element: &Type,
    count: usize,
    values: impl Iterator<Item = Result<Value<'v>>>,
    out: &mut BytesMut,
) -> Result<()> {
    let codec = Codec::of(element);
    // An array without elements has no dimension.
    out.put_i32(i32::from(count > 0));
    out.put_i32(0); // no NULL among them
    out.put_u32(element.oid());
    if count > 0 {
        out.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
        out.put_i32(1); // the first index
    }
    for value in values {
        put_sized(&value?, codec, out)?;
    }
    Ok(())
}

/// Appends the binary form of the array that a JSON text is.
///
/// # Errors
///
/// [`ErrorKind::InvalidData`](thing_driver_api::ErrorKind::InvalidData) for a text that is no array, and for elements
/// that one of the declared type does not hold exactly.
pub(crate) fn encode_json(json: &str, element: &Type, out: &mut BytesMut) -> Result<()> {
    let elements: Vec<serde_json::Value> = serde_json::from_str(json)
        .map_err(|error| refused("is no JSON array, but its column is").with_source(error))?;
    let codec = Codec::of(element);
    encode(element, elements.len(), elements.iter().map(|element| value(element, codec)), out)
}

fn value(element: &serde_json::Value, codec: Codec) -> Result<Value<'_>> {
    let value = match element {
        serde_json::Value::Bool(v) => Some(Value::Bool(*v)),
        serde_json::Value::Number(v) => v.as_i64().map(Value::I64).or_else(|| v.as_f64().map(Value::F64)),
        serde_json::Value::String(v) if codec == Codec::Uuid => Value::from_text(v, ValueType::Uuid),
        serde_json::Value::String(v) => Some(Value::Text(v.as_str().into())),
        _ => None,
    };
    value.ok_or_else(|| refused(&format!("is a list with an element that is no {codec:?}")))
}

/// The array that a JSON text is, as the server writes it: `{1,2}`, `{a,"b c"}`. `None` for a text that is none, and for
/// elements that no declared type has.
pub(crate) fn text(json: &str) -> Option<String> {
    let elements: Vec<serde_json::Value> = serde_json::from_str(json).ok()?;
    let words = elements.iter().map(|element| match element {
        serde_json::Value::Bool(v) => Some(if *v { "t" } else { "f" }.to_owned()),
        serde_json::Value::Number(v) => Some(v.to_string()),
        serde_json::Value::String(v) => Some(quoted(v)),
        _ => None,
    });
    Some(format!("{{{}}}", words.collect::<Option<Vec<String>>>()?.join(",")))
}

/// In quotes where it could be taken for something else.
fn quoted(element: &str) -> String {
    let is_special = |c: char| matches!(c, '"' | '\\' | '{' | '}' | ',') || c.is_ascii_whitespace() || c == '\x0b';
    if element.is_empty() || element.eq_ignore_ascii_case("null") || element.contains(is_special) {
        return format!("\"{}\"", element.replace('\\', "\\\\").replace('"', "\\\""));
    }
    element.to_owned()
}

/// The type of the elements of an array, or of a domain over one.
pub(crate) fn element(declared: &Type) -> Option<&Type> {
    match declared.kind() {
        Kind::Array(element) => Some(element),
        Kind::Domain(base) => element(base),
        _ => None,
    }
}

/// An array as JSON text, dimension by dimension.
pub(crate) fn decode(index: usize, bytes: &[u8], declared: &Type) -> Result<String> {
    let broken = || invalid(index, "an array whose bytes don't fit", declared.name());
    let element = element(declared).ok_or_else(broken)?;
    let mut rest = bytes;
    let dimensions = take(&mut rest).ok_or_else(broken)?;
    take(&mut rest).ok_or_else(broken)?;
    take(&mut rest).ok_or_else(broken)?;
    let mut sizes = Vec::new();
    for _ in 0..dimensions {
        sizes.push(take(&mut rest).and_then(|size| usize::try_from(size).ok()).ok_or_else(broken)?);
        take(&mut rest).ok_or_else(broken)?;
    }
    let mut out = String::new();
    if sizes.is_empty() {
        out.push_str("[]");
        return Ok(out);
    }
    elements(index, &mut rest, element, &sizes, &mut out)?;
    Ok(out)
}

fn elements(index: usize, rest: &mut &[u8], element: &Type, sizes: &[usize], out: &mut String) -> Result<()> {
    let broken = || invalid(index, "an array whose bytes don't fit", element.name());
    let (count, inner) = sizes.split_first().ok_or_else(broken)?;
    out.push('[');
    for at in 0..*count {
        if at > 0 {
            out.push(',');
        }
        if !inner.is_empty() {
            elements(index, rest, element, inner, out)?;
            continue;
        }
        let length = take(rest).ok_or_else(broken)?;
        match usize::try_from(length) {
            Err(_) => out.push_str("null"),
            Ok(length) => {
                let (bytes, behind) = rest.split_at_checked(length).ok_or_else(broken)?;
                *rest = behind;
                json::write(&row::decode(index, bytes, element)?, out);
            }
        }
    }
    out.push(']');
    Ok(())
}

fn take(rest: &mut &[u8]) -> Option<i32> {
    let (head, behind) = rest.split_first_chunk::<4>()?;
    *rest = behind;
    Some(i32::from_be_bytes(*head))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn arrays_are_written_as_by_the_server() {
        let cases = [
            ("[]", Some("{}")),
            ("[1, -2]", Some("{1,-2}")),
            ("[true,false]", Some("{t,f}")),
            (r#"["a", "", "null", "b c", "it's", "x\"\\,"]"#, Some(r#"{a,"","null","b c",it's,"x\"\\,"}"#)),
            ("[[1]]", None),
            ("{}", None),
        ];
        for (json, expected) in cases {
            assert_eq!(text(json).as_deref(), expected, "{json}");
        }
    }
}
