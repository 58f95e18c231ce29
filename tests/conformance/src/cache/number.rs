//! The value that the cases store.

use std::any::Any;
use std::sync::Arc;

use thing_driver_api::{CacheValue, Error, Payload, Result};

/// A number, with some padding so that values may have weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    value: u64,
    padding: usize,
}

/// The first byte of an encoded number.
const FORMAT: u8 = b'n';

impl Number {
    /// A small value.
    pub fn new(value: u64) -> Self {
        Self { value, padding: 0 }
    }

    /// Adds weight, in bytes.
    #[must_use]
    pub fn padded(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// The payload to store.
    pub fn payload(self) -> Payload {
        Payload::Shared(Arc::new(self))
    }

    /// Reads a payload back, whether the cache kept the value or its encoding; `None` for an absent row.
    ///
    /// # Panics
    ///
    /// When the payload is no number.
    pub fn read(payload: &Payload) -> Option<u64> {
        match payload {
            Payload::Shared(value) => {
                let any: &dyn Any = &**value;
                Some(any.downcast_ref::<Self>().expect("a number was stored").value)
            }
            Payload::Encoded(bytes) => Some(Self::decode(bytes).expect("an encoded number was stored").value),
            Payload::Decodable(value) => {
                let value = value.value(|bytes| Some(Arc::new(Self::decode(bytes).ok()?)));
                Self::read(&Payload::Shared(value.expect("an encoded number was stored")))
            }
            Payload::Absent => None,
            other => panic!("the kit does not know the payload {other:?}"),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        match bytes {
            [FORMAT, rest @ ..] if rest.len() >= 8 => {
                let (value, padding) = rest.split_at(8);
                let value = u64::from_le_bytes(value.try_into().expect("eight bytes"));
                Ok(Self { value, padding: padding.len() })
            }
            _ => Err(Error::cache("not an encoded number")),
        }
    }
}

impl CacheValue for Number {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.padding
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.value.to_le_bytes());
        bytes.resize(bytes.len() + self.padding, 0);
        Ok(bytes)
    }
}
