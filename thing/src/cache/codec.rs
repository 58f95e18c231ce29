//! The bytes of entries, for caches that keep them outside the process.
//!
//! A format byte, the fingerprint of the table (of objects), values in their canonical encoding, and a digest of all
//! that. Whatever does not fit exactly (another format, another version of the model, damage) is no entry.

use thing_driver_api::{Key, Page, Result, Value, digest};

use super::Keys;
use crate::Model;

const OBJECT: u8 = 0x11;
const LIST: u8 = 0x12;
const COUNT: u8 = 0x13;

pub(super) fn encode_object<M: Model>(model: &M) -> Result<Vec<u8>> {
    let table = M::table();
    let mut bytes = vec![OBJECT];
    bytes.extend_from_slice(&table.fingerprint().to_le_bytes());
    for column in 0..table.columns().len() {
        model.value(column)?.write_canonical(&mut bytes);
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
        page.push(&Value::read_canonical(&mut rest)?);
    }
    if !rest.is_empty() {
        return None;
    }
    M::from_row(&page.row(0)?).ok()
}

pub(super) fn encode_keys(keys: &Keys) -> Vec<u8> {
    match keys {
        Keys::Count(count) => {
            let mut bytes = vec![COUNT];
            bytes.extend_from_slice(&count.to_le_bytes());
            seal(bytes)
        }
        Keys::List(keys) => {
            let mut bytes = vec![LIST];
            for key in keys {
                bytes.push(u8::try_from(key.parts()).unwrap_or(u8::MAX));
                key.write_canonical(&mut bytes);
            }
            seal(bytes)
        }
    }
}

pub(super) fn decode_keys(bytes: &[u8]) -> Option<Keys> {
    match unseal(bytes)?.split_first()? {
        (&COUNT, count) => Some(Keys::Count(u64::from_le_bytes(count.try_into().ok()?))),
        (&LIST, mut rest) => {
            let mut keys = Vec::new();
            while let Some((&parts, tail)) = rest.split_first() {
                rest = tail;
                let values: Option<Vec<_>> = (0..parts).map(|_| Value::read_canonical(&mut rest)).collect();
                keys.push(Key::from_values(&values?)?);
            }
            Some(Keys::List(keys))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_were() {
        let composite = Key::Composite([Key::Int(7), Key::Text("å\0".into())].into());
        for keys in
            [Keys::Count(u64::MAX), Keys::List(vec![]), Keys::List(vec![Key::Int(-1), Key::Uuid([9; 16]), composite])]
        {
            assert_eq!(decode_keys(&encode_keys(&keys)).as_ref(), Some(&keys));
        }
    }

    #[test]
    fn damaged_keys_are_no_entry() {
        let bytes = encode_keys(&Keys::List(vec![Key::Text("some text".into()), Key::Int(3)]));
        for end in 0..bytes.len() {
            assert_eq!(decode_keys(&bytes[..end]), None);
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(decode_keys(&damaged), None);
        }
    }
}
