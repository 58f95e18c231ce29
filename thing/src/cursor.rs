//! Cursors: where a page begins or ends, as text that a client hands back.
//!
//! ```text
//! version │ direction and side │ digest of the query │ values of the order's terms │ keyed digest of all before
//! ```

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thing_driver_api::{Error, ErrorKind, Result, Value};

/// A place in an ordered list, from which [`Query::page_at`](crate::Query::page_at) reads on: the
/// [`next`](crate::Page::next) or the [`previous`](crate::Page::previous) of a page.
///
/// `Display` and `FromStr` turn it into text and back: letters, digits, `-` and `_`, so that it fits into a URL as it is.
/// Whoever holds it can't change it without being found out, but can read the values in it: those of the columns in the
/// order, for one row. It is about as long as these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(Box<[u8]>);

const VERSION: u8 = 1;
const BACKWARD: u8 = 1;
const BEHIND: u8 = 2;
/// Version, flags and digest of the query.
const HEAD: usize = 2 + QUERY;
const QUERY: usize = 8;
/// Half of what SHA-256 gives: nobody guesses it.
const SEAL: usize = 16;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// Takes what has the form of a cursor; whether it is one of the query, [`Query::page_at`](crate::Query::page_at) finds
    /// out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidCursor`] for other text, and for cursors of other versions of Thing.
    fn from_str(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|error| invalid("this is no cursor; pass on the text of one as it is").with_source(error))?;
        if bytes.len() < HEAD + SEAL {
            return Err(invalid("this is no cursor, or a part of one; pass on its text as it is"));
        }
        if bytes[0] != VERSION {
            return Err(invalid("the cursor is of another version of Thing; begin with the first page"));
        }
        Ok(Self(bytes.into()))
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidCursor, message)
}

/// A place in an ordered list, and which way to go from there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// What the row is ordered by, term by term.
    pub(crate) values: Vec<Value<'static>>,
    /// Behind the row; else before it.
    pub(crate) behind: bool,
    /// To the rows before the place; else to those after it.
    pub(crate) backward: bool,
}

/// What makes cursors and knows them again. Without a key that was given it makes one for this process.
#[derive(Default)]
pub(crate) struct CursorKey(OnceLock<Hmac<Sha256>>);

/// What is digested: digests of the one are none of the other.
#[derive(Clone, Copy)]
enum Digested {
    Query,
    Cursor,
}

impl CursorKey {
    pub(crate) fn given(key: &[u8]) -> Self {
        // Keys of every length are taken.
        Self(Hmac::new_from_slice(key).map_or_else(|_| OnceLock::new(), OnceLock::from))
    }

    /// The cursor of a place in the list that a query gives.
    pub(crate) fn seal(&self, query: &[u8], place: &Place) -> Result<Cursor> {
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        let mut bytes = vec![VERSION, flag(place.backward, BACKWARD) | flag(place.behind, BEHIND)];
        bytes.extend_from_slice(&self.digest(Digested::Query, query)?.finalize().into_bytes()[..QUERY]);
        place.values.iter().for_each(|value| value.write_canonical(&mut bytes));
        let seal = self.digest(Digested::Cursor, &bytes)?.finalize().into_bytes();
        bytes.extend_from_slice(&seal[..SEAL]);
        Ok(Cursor(bytes.into()))
    }

    /// The place in the list that a query gives, of a cursor that was made for it.
    pub(crate) fn open(&self, query: &[u8], cursor: &Cursor) -> Result<Place> {
        let damaged = || {
            invalid(
                "the cursor was changed, or made under another key; begin with the first page, and give processes that \
                 take each other's cursors one key by `DbBuilder::cursor_key`",
            )
        };
        let (content, seal) = cursor.0.split_last_chunk::<SEAL>().ok_or_else(damaged)?;
        self.digest(Digested::Cursor, content)?.verify_truncated_left(seal).map_err(|_| damaged())?;
        let (head, mut rest) = content.split_first_chunk::<HEAD>().ok_or_else(damaged)?;
        if self.digest(Digested::Query, query)?.verify_truncated_left(&head[2..]).is_err() {
            return Err(invalid(
                "the cursor belongs to another query; ask with the model, filter and order that it was made for, or begin \
                 with the first page",
            ));
        }
        let mut values = Vec::new();
        while !rest.is_empty() {
            values.push(Value::read_canonical(&mut rest).ok_or_else(damaged)?);
        }
        Ok(Place { values, behind: head[1] & BEHIND != 0, backward: head[1] & BACKWARD != 0 })
    }

    fn digest(&self, digested: Digested, bytes: &[u8]) -> Result<Hmac<Sha256>> {
        let mut mac = self.keyed()?.clone();
        mac.update(&[digested as u8]);
        mac.update(bytes);
        Ok(mac)
    }

    fn keyed(&self) -> Result<&Hmac<Sha256>> {
        if let Some(keyed) = self.0.get() {
            return Ok(keyed);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| Error::backend("the system gave no key for cursors").with_source(error))?;
        let keyed = Hmac::new_from_slice(&key)
            .map_err(|error| Error::backend("the key for cursors was not taken").with_source(error))?;
        Ok(self.0.get_or_init(|| keyed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { values: vec![Value::Null, Value::Text("å".into()), Value::I64(-7)], behind: true, backward: false }
    }

    fn kind(result: Result<Place>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind().clone())
    }

    #[test]
    fn a_cursor_comes_back_through_its_text() {
        let key = CursorKey::default();
        for (behind, backward) in [(true, true), (true, false), (false, true), (false, false)] {
            let place = Place { behind, backward, ..place() };
            let text = key.seal(b"query", &place).unwrap().to_string();
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
            assert_eq!(key.open(b"query", &text.parse().unwrap()).unwrap(), place);
        }
    }

    #[test]
    fn a_changed_cursor_is_found_out() {
        let key = CursorKey::given(b"a secret");
        let cursor = key.seal(b"query", &place()).unwrap();
        for at in 0..cursor.0.len() {
            let mut changed = cursor.clone();
            changed.0[at] ^= 1;
            assert_eq!(kind(key.open(b"query", &changed)), Some(ErrorKind::InvalidCursor), "byte {at}");
        }
        let text = cursor.to_string();
        for end in 0..text.len() {
            let opened = text[..end].parse().and_then(|part: Cursor| key.open(b"query", &part));
            assert_eq!(kind(opened), Some(ErrorKind::InvalidCursor), "the first {end} bytes");
        }
    }

    #[test]
    fn another_key_and_another_query_are_told_apart() {
        let (key, same, other) = (CursorKey::given(b"one"), CursorKey::given(b"one"), CursorKey::given(b"two"));
        let cursor = key.seal(b"query", &place()).unwrap();
        assert_eq!(same.open(b"query", &cursor).unwrap(), place());
        assert!(other.open(b"query", &cursor).unwrap_err().message().contains("cursor_key"));
        assert!(CursorKey::default().open(b"query", &cursor).is_err());
        assert!(key.open(b"other", &cursor).unwrap_err().message().contains("another query"));
    }
}
