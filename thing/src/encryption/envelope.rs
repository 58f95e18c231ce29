//! Envelopes: what is stored of a sealed value.
//!
//! ```text
//! 0        1                5           29
//! format   number of key    nonce       ciphertext, and the 16 bytes that authenticate it
//! ```
//!
//! The cipher is XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), whose nonces of 24 bytes may be random however many
//! values a key seals. Authenticated along, and not stored: format and key, table and column. The number of the key is
//! big-endian, so that the envelopes of one key lie beside each other in the order of bytes.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use thing_driver_api::{Error, Result, Table};
use zeroize::Zeroizing;

use super::{KeyRing, OpenError};

const FORMAT: u8 = 1;
/// Format and number of the key.
const HEAD: usize = 5;
const NONCE: usize = 24;

/// Seals for a column, by the sealing key.
pub(super) fn seal(keys: &KeyRing, table: &Table, column: usize, plain: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)
        .map_err(|error| Error::backend("the system gave no random bytes to seal a value with").with_source(error))?;
    let name = (table.name(), table.column(column).name.as_ref());
    seal_with(keys, name, nonce, plain).ok_or_else(|| {
        Error::invalid_data(name.1, format!("column `{}.{}`: the value is too long to be sealed", name.0, name.1))
    })
}

fn seal_with(keys: &KeyRing, name: (&str, &str), nonce: [u8; NONCE], plain: &[u8]) -> Option<Vec<u8>> {
    let head = head(keys.primary());
    let payload = Payload { msg: plain, aad: &context(&head, name) };
    let ciphertext = keys.key(keys.primary())?.encrypt(&XNonce::from(nonce), payload).ok()?;
    Some([&head[..], &nonce, &ciphertext].concat())
}

/// Opens what was sealed for a column, under one of the names that it has or had.
pub(super) fn open(
    keys: &KeyRing,
    table: &Table,
    column: usize,
    envelope: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let id = key_id(envelope).ok_or(OpenError::UnknownFormat)?;
    let (head, rest) = envelope.split_at(HEAD);
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::UnknownFormat)?;
    let key = keys.key(id).ok_or(OpenError::UnknownKey { id })?;
    for name in names(table, column) {
        let payload = Payload { msg: ciphertext, aad: &context(head, name) };
        if let Ok(plain) = key.decrypt(&XNonce::from(*nonce), payload) {
            return Ok(Zeroizing::new(plain));
        }
    }
    Err(OpenError::NotAuthentic)
}

/// The number of the key that sealed; `None` for what is no envelope.
pub(super) fn key_id(envelope: &[u8]) -> Option<u32> {
    match envelope.split_first_chunk::<HEAD>()? {
        ([FORMAT, id @ ..], _) => Some(u32::from_be_bytes(*id)),
        _ => None,
    }
}

/// The least bytes that an envelope of this key can have, and the least beyond all of them.
pub(super) fn range(id: u32) -> (Vec<u8>, Vec<u8>) {
    let beyond = id.checked_add(1).map_or(vec![FORMAT + 1], |next| head(next).to_vec());
    (head(id).to_vec(), beyond)
}

fn head(id: u32) -> [u8; HEAD] {
    let [a, b, c, d] = id.to_be_bytes();
    [FORMAT, a, b, c, d]
}

/// The names of table and column, those that they have first.
fn names(table: &Table, column: usize) -> impl Iterator<Item = (&str, &str)> {
    let tables = std::iter::once(table.name()).chain(table.former_names().iter().map(AsRef::as_ref));
    let column = table.column(column);
    tables.flat_map(|table| {
        let columns = std::iter::once(&column.name).chain(&column.former_names);
        columns.map(move |column| (table, column.as_ref()))
    })
}

/// What is authenticated along. The length before the first name keeps two pairs of names apart.
fn context(head: &[u8], (table, column): (&str, &str)) -> Vec<u8> {
    [head, &(table.len() as u64).to_be_bytes(), table.as_bytes(), column.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use thing_driver_api::{Column, ValueType};

    use super::*;

    fn ring(id: u32) -> KeyRing {
        KeyRing::new(id, std::array::from_fn(|at| at as u8))
    }

    fn table(name: &'static str, column: Column) -> Result<Table> {
        let key = Column::new("id", ValueType::I64);
        Table::builder(name).column(key).column(column).key([0]).generated_key(true).build()
    }

    fn users() -> Result<Table> {
        table("users", Column::new("ssn", ValueType::Bytes))
    }

    /// What is stored stays readable: these bytes may not change.
    const KNOWN: &str = "0100000007404142434445464748494a4b4c4d4e4f5051525354555657\
                         d0083743fdd44c3bb9c3bf87215bad4065e993f93838a1281e6099e9";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_format_is_what_it_was() -> Result<()> {
        let nonce = std::array::from_fn(|at| 0x40 + at as u8);
        let envelope = seal_with(&ring(7), ("users", "ssn"), nonce, b"\x04123-45-6789").unwrap_or_default();
        assert_eq!(hex(&envelope), KNOWN);
        let opened = open(&ring(7), &users()?, 1, &envelope);
        assert_eq!(opened.as_ref().map(|plain| &plain[..]), Ok(&b"\x04123-45-6789"[..]));
        Ok(())
    }

    /// A.3.1 of draft-irtf-cfrg-xchacha-03: the cipher is the one that is named.
    #[test]
    fn the_cipher_is_the_known_one() {
        let keys = KeyRing::new(1, std::array::from_fn(|at| 0x80 + at as u8));
        let nonce: [u8; NONCE] = std::array::from_fn(|at| 0x40 + at as u8);
        let message: &[u8] =
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                               sunscreen would be it.";
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let payload = Payload { msg: message, aad: &aad };
        let ciphertext =
            keys.key(1).and_then(|key| key.encrypt(&XNonce::from(nonce), payload).ok()).unwrap_or_default();
        assert_eq!(hex(&ciphertext[..16]), "bd6d179d3e83d43b9576579493c0e939");
        assert_eq!(hex(&ciphertext[message.len()..]), "c0875924c1c7987947deafd8780acf49");
    }

    #[test]
    fn no_byte_can_be_changed() -> Result<()> {
        let table = users()?;
        let envelope = seal(&ring(7), &table, 1, b"\x04secret")?;
        assert!(open(&ring(7), &table, 1, &envelope).is_ok());
        for at in 0..envelope.len() {
            for bit in 0..8 {
                let mut changed = envelope.clone();
                changed[at] ^= 1 << bit;
                let error = open(&ring(7), &table, 1, &changed).unwrap_err();
                match at {
                    0 => assert_eq!(error, OpenError::UnknownFormat),
                    1..HEAD => assert!(matches!(error, OpenError::UnknownKey { id } if id != 7)),
                    _ => assert_eq!(error, OpenError::NotAuthentic),
                }
            }
            assert!(open(&ring(7), &table, 1, &envelope[..at]).is_err(), "cut off at {at}");
        }
        Ok(())
    }

    #[test]
    fn a_key_of_the_same_number_is_not_the_same_key() -> Result<()> {
        let table = users()?;
        let envelope = seal(&ring(7), &table, 1, b"\x04secret")?;
        let other = KeyRing::new(7, [1; 32]);
        assert_eq!(open(&other, &table, 1, &envelope).err(), Some(OpenError::NotAuthentic));
        // Nor does another number make it the same.
        let mut renamed = envelope;
        renamed[HEAD - 1] = 8;
        assert_eq!(open(&ring(8), &table, 1, &renamed).err(), Some(OpenError::NotAuthentic));
        Ok(())
    }

    #[test]
    fn a_value_opens_in_its_column_alone_under_whatever_name() -> Result<()> {
        let envelope = seal(&ring(7), &users()?, 1, b"\x04secret")?;
        let pin = || Column::new("pin", ValueType::Bytes);
        for (table, opens) in [
            (table("users", pin())?, false),
            (table("people", Column::new("ssn", ValueType::Bytes))?, false),
            (table("users", pin().former_name("ssn"))?, true),
            (table("users", pin().former_name("number"))?, false),
        ] {
            let opened = open(&ring(7), &table, 1, &envelope);
            assert_eq!(opened.err(), (!opens).then_some(OpenError::NotAuthentic), "{table:?}");
        }
        Ok(())
    }

    #[test]
    fn no_two_envelopes_are_equal() -> Result<()> {
        let table = users()?;
        let seal = || seal(&ring(7), &table, 1, b"\x04secret");
        assert_ne!(seal()?, seal()?);
        Ok(())
    }

    #[test]
    fn the_envelopes_of_a_key_are_a_range() -> Result<()> {
        let table = users()?;
        for id in [0, 1, 255, 256, u32::MAX - 1, u32::MAX] {
            let envelope = seal(&ring(id), &table, 1, &[255; 40])?;
            for other in [0, 1, 255, 256, u32::MAX - 1, u32::MAX] {
                let (least, beyond) = range(other);
                assert_eq!(least <= envelope && envelope < beyond, id == other, "{id} in {other}");
            }
        }
        Ok(())
    }
}
