//! The bytes of entries, for caches that keep them outside the process.
//!
//! ```text
//! format byte │ fingerprint of the table (of objects) │ cells, by bincode │ digest of all before
//! ```
//!
//! Whatever does not fit exactly (another format, another version of the model, damage) is no entry. Nothing outside this
//! file knows how cells are written: another library can take bincode's place with another format byte.

use std::borrow::Cow;

use bincode::config::{Configuration, standard};
use bincode::{BorrowDecode, Encode};
use thing_driver_api::{Decimal, Error, Key, Page, Result, Value, digest};

use super::Keys;
use crate::Model;

const OBJECT: u8 = 0x21;
const LIST: u8 = 0x22;
const COUNT: u8 = 0x23;
const PAGE: u8 = 0x24;

/// Variable-width integers, little-endian.
const FORM: Configuration = standard();

/// A value as it is written. The order of the variants is part of the format.
#[derive(Encode, BorrowDecode)]
enum Cell<'a> {
    Null,
    Bool(bool),
    I64(i64),
    F64(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Uuid([u8; 16]),
    Timestamp(i64),
    Date(i32),
    Time(i64),
    Json(&'a str),
    Decimal(i128, u8),
}

impl<'a> Cell<'a> {
    fn of(value: &'a Value<'_>) -> Result<Self> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(v) => Self::Bool(*v),
            Value::I64(v) => Self::I64(*v),
            Value::F64(v) => Self::F64(*v),
            Value::Text(v) => Self::Text(v),
            Value::Bytes(v) => Self::Bytes(v),
            Value::Uuid(v) => Self::Uuid(*v),
            Value::Timestamp(v) => Self::Timestamp(*v),
            Value::Date(v) => Self::Date(*v),
            Value::Time(v) => Self::Time(*v),
            Value::Json(v) => Self::Json(v),
            Value::Decimal(v) => Self::Decimal(v.coefficient(), v.scale()),
            other => return Err(Error::unsupported(format!("entries hold no values of kind {}", other.kind()))),
        })
    }

    fn value(self) -> Option<Value<'a>> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(v) => Value::Bool(v),
            Self::I64(v) => Value::I64(v),
            Self::F64(v) => Value::F64(v),
            Self::Text(v) => Value::Text(Cow::Borrowed(v)),
            Self::Bytes(v) => Value::Bytes(Cow::Borrowed(v)),
            Self::Uuid(v) => Value::Uuid(v),
            Self::Timestamp(v) => Value::Timestamp(v),
            Self::Date(v) => Value::Date(v),
            Self::Time(v) => Value::Time(v),
            Self::Json(v) => Value::Json(Cow::Borrowed(v)),
            Self::Decimal(coefficient, scale) => Value::Decimal(Decimal::new(coefficient, scale)?),
        })
    }
}

fn write(item: impl Encode, bytes: &mut Vec<u8>) -> Result<()> {
    bincode::encode_into_std_write(item, bytes, FORM)
        .map(drop)
        .map_err(|error| Error::cache("an entry could not be encoded").with_source(error))
}

fn write_value(value: &Value<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    write(Cell::of(value)?, bytes)
}

/// Reads one item from the front of `bytes`, and moves `bytes` behind it.
fn read<'a, T: BorrowDecode<'a, ()>>(bytes: &mut &'a [u8]) -> Option<T> {
    let (item, length) = bincode::borrow_decode_from_slice(bytes, FORM).ok()?;
    *bytes = bytes.get(length..)?;
    Some(item)
}

fn read_value<'a>(bytes: &mut &'a [u8]) -> Option<Value<'a>> {
    read::<Cell<'a>>(bytes)?.value()
}

pub(super) fn encode_object<M: Model>(model: &M) -> Result<Vec<u8>> {
    let table = M::table();
    let mut bytes = Vec::with_capacity(32 + size_of::<M>() + model.heap_size());
    bytes.push(OBJECT);
    bytes.extend_from_slice(&table.fingerprint().to_le_bytes());
    for column in 0..table.columns().len() {
        write_value(&model.value(column)?, &mut bytes)?;
    }
    Ok(seal(bytes))
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend_from_slice(&digest(&bytes).to_le_bytes());
    bytes
}

fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (content, seal) = bytes.split_last_chunk()?;
    (digest(content) == u64::from_le_bytes(*seal)).then_some(content)
}

pub(super) fn decode_object<M: Model>(bytes: &[u8]) -> Option<M> {
    let table = M::table();
    let mut rest = unseal(bytes)?.strip_prefix(&[OBJECT])?.strip_prefix(&table.fingerprint().to_le_bytes())?;
    let mut page = Page::new(table.columns().len());
    for _ in table.columns() {
        page.push(&read_value(&mut rest)?);
    }
    if !rest.is_empty() {
        return None;
    }
    M::from_row(&page.row(0)?).ok()
}

pub(super) fn encode_keys(keys: &Keys) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match keys {
        Keys::Count(count) => {
            bytes.push(COUNT);
            write(count, &mut bytes)?;
        }
        Keys::List(keys) => {
            bytes.push(LIST);
            write_keys(keys, &mut bytes)?;
        }
        Keys::Page(keys, edges) => {
            bytes.push(PAGE);
            write_keys(keys, &mut bytes)?;
            write(edges.len(), &mut bytes)?;
            edges.iter().try_for_each(|edge| write_value(edge, &mut bytes))?;
        }
    }
    Ok(seal(bytes))
}

fn write_keys(keys: &[Key], bytes: &mut Vec<u8>) -> Result<()> {
    write(keys.len(), bytes)?;
    for key in keys {
        write(key.parts(), bytes)?;
        (0..key.parts()).try_for_each(|part| write_value(&key.value(part), bytes))?;
    }
    Ok(())
}

pub(super) fn decode_keys(bytes: &[u8]) -> Option<Keys> {
    let (&format, mut rest) = unseal(bytes)?.split_first()?;
    let keys = match format {
        COUNT => Keys::Count(read(&mut rest)?),
        LIST => Keys::List(read_keys(&mut rest)?),
        PAGE => {
            let keys = read_keys(&mut rest)?;
            let count: usize = read(&mut rest)?;
            let edges: Option<Vec<_>> = (0..count).map(|_| Some(read_value(&mut rest)?.into_owned())).collect();
            Keys::Page(keys, edges?)
        }
        _ => return None,
    };
    rest.is_empty().then_some(keys)
}

fn read_keys(bytes: &mut &[u8]) -> Option<Vec<Key>> {
    let count: usize = read(bytes)?;
    // A key takes two bytes at least: what claims more than there is can't make this reserve it.
    let mut keys = Vec::with_capacity(count.min(bytes.len() / 2));
    for _ in 0..count {
        let parts: usize = read(bytes)?;
        let values: Option<Vec<_>> = (0..parts).map(|_| read_value(bytes)).collect();
        keys.push(Key::from_values(&values?)?);
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_were() {
        let composite = Key::Composite([Key::Int(7), Key::Text("å\0".into())].into());
        let edges = vec![Value::Null, Value::Text("å".into()), Value::F64(-0.5), Value::I64(i64::MIN)];
        for keys in [
            Keys::Count(u64::MAX),
            Keys::List(vec![]),
            Keys::List(vec![Key::Int(-1), Key::Uuid([9; 16]), composite.clone()]),
            Keys::Page(vec![], vec![]),
            Keys::Page(vec![Key::Int(7), composite], edges),
        ] {
            assert_eq!(decode_keys(&encode_keys(&keys).unwrap()).as_ref(), Some(&keys));
        }
    }

    #[test]
    fn damaged_keys_are_no_entry() {
        let bytes = encode_keys(&Keys::List(vec![Key::Text("some text".into()), Key::Int(3)])).unwrap();
        for end in 0..bytes.len() {
            assert_eq!(decode_keys(&bytes[..end]), None);
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(decode_keys(&damaged), None);
        }
    }

    #[test]
    fn what_is_sealed_but_no_entry_is_none() {
        // A length beyond the end, a kind of cell that does not exist, more than one entry.
        for content in
            [vec![LIST, 251, 255, 255, 1, 2, 5], vec![LIST, 1, 1, 99], vec![COUNT, 1, 2], vec![OBJECT], vec![]]
        {
            assert_eq!(decode_keys(&seal(content)), None);
        }
    }
}
