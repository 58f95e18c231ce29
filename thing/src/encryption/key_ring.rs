//! Key rings: the key that seals, and all that open.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use thing_driver_api::{Error, Result};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a key.
const LENGTH: usize = 32;

/// The keys of an application: one seals, and all open. Cheap to clone.
///
/// Each key has a number, which every value that it sealed holds. To change the key, seal with a new one of a new number and
/// keep the former: `KeyRing::new(2, new).with_key(1, former)?`. When every program has the new ring, and
/// [`Things::reseal`](crate::Things::reseal) finds nothing more to do, the former key can go.
///
/// As text it is `2:<base64>,1:<base64>`, the sealing key first, each of 32 random bytes: what an environment variable or a
/// store of secrets gives, read by [`FromStr`]. `openssl rand -base64 32` makes a key.
///
/// The keys are never shown, and are overwritten in memory when the last clone of the ring is dropped.
#[derive(Clone)]
pub struct KeyRing {
    /// The number of the key that seals.
    primary: u32,
    /// Each key stays in its place, so that no copy of it is left anywhere.
    keys: Vec<(u32, Arc<XChaCha20Poly1305>)>,
}

impl KeyRing {
    /// A ring of one key, which seals and opens. It must be random: a password is no key.
    pub fn new(id: u32, key: [u8; 32]) -> Self {
        Self { primary: id, keys: vec![(id, cipher(key))] }
    }

    /// Adds a key that only opens.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the ring has a key of this number.
    pub fn with_key(mut self, id: u32, key: [u8; 32]) -> Result<Self> {
        if self.key(id).is_some() {
            return Err(Error::invalid_input(format!(
                "the key ring has a key {id} already; every key has its own number"
            )));
        }
        self.keys.push((id, cipher(key)));
        Ok(self)
    }

    /// The number of the key that seals.
    pub fn primary(&self) -> u32 {
        self.primary
    }

    /// The numbers of all keys, that of the sealing key first.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.keys.iter().map(|(id, _)| *id)
    }

    /// The key of this number.
    pub(super) fn key(&self, id: u32) -> Option<&XChaCha20Poly1305> {
        self.keys.iter().find(|(other, _)| *other == id).map(|(_, key)| &**key)
    }
}

fn cipher(mut key: [u8; LENGTH]) -> Arc<XChaCha20Poly1305> {
    let cipher = Arc::new(XChaCha20Poly1305::new((&key).into()));
    key.zeroize();
    cipher
}

impl FromStr for KeyRing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut ring: Option<Self> = None;
        for (position, entry) in text.split(',').enumerate() {
            let (id, key) = parse(entry.trim()).ok_or_else(|| {
                // The text itself may hold a key.
                Error::invalid_input(format!(
                    "key {} of the key ring is not of the form `number:base64 of {LENGTH} bytes`",
                    position + 1
                ))
            })?;
            ring = Some(match ring {
                None => Self::new(id, *key),
                Some(ring) => ring.with_key(id, *key)?,
            });
        }
        ring.ok_or_else(|| Error::invalid_input("a key ring has one key at least"))
    }
}

fn parse(entry: &str) -> Option<(u32, Zeroizing<[u8; LENGTH]>)> {
    let (id, key) = entry.split_once(':')?;
    let bytes = Zeroizing::new(STANDARD.decode(key).ok()?);
    let key = bytes.as_slice().try_into().ok()?;
    Some((id.parse().ok()?, Zeroizing::new(key)))
}

/// Shows the numbers of the keys.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("ids", &self.ids().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TWO: &str = "/////////////////////////////////////////w8=";

    #[test]
    fn a_ring_is_read_from_text_and_shows_no_key() -> Result<()> {
        let ring: KeyRing = format!("2:{TWO}, 1:{ONE}").parse()?;
        assert_eq!((ring.primary(), ring.ids().collect::<Vec<_>>()), (2, vec![2, 1]));
        assert_eq!(format!("{ring:?}"), "KeyRing { ids: [2, 1], .. }");
        Ok(())
    }

    #[test]
    fn what_is_no_ring_is_refused_and_not_quoted() {
        for text in
            ["", ONE, "1:", "x:", "1:AAEC", &format!("1:{ONE},"), &format!("1:{ONE},1:{TWO}"), &format!("-1:{ONE}")]
        {
            let error = text.parse::<KeyRing>().unwrap_err().to_string();
            assert!(!error.contains("AAEC") && !error.contains("///"), "{error}");
        }
    }
}
