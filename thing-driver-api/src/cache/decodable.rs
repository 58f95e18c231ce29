//! Values that come as bytes and stay as values.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::CacheValue;

/// An encoded value that is decoded once, by the first who needs it, and is a value from then on.
///
/// A cache in memory that holds what a cache elsewhere gave it can't decode it: only the core knows how. It stores and
/// hands out one of these, so that the reader who decodes it does so for all who follow.
pub struct Decodable {
    decoded: OnceLock<Arc<dyn CacheValue>>,
    /// Until they are decoded.
    bytes: Mutex<Option<Arc<[u8]>>>,
    length: usize,
}

impl Decodable {
    /// A value with this encoding.
    pub fn new(bytes: Arc<[u8]>) -> Self {
        Self { length: bytes.len(), decoded: OnceLock::new(), bytes: Mutex::new(Some(bytes)) }
    }

    /// The value; `decode` makes it if nobody has before. `None` if it can't be decoded, which the next who asks may try
    /// again.
    pub fn value(&self, decode: impl FnOnce(&[u8]) -> Option<Arc<dyn CacheValue>>) -> Option<Arc<dyn CacheValue>> {
        if let Some(value) = self.decoded.get() {
            return Some(value.clone());
        }
        let Some(bytes) = self.bytes().clone() else {
            // Another was faster: the bytes go only after the value has come.
            return self.decoded.get().cloned();
        };
        let value = decode(&bytes)?;
        let value = self.decoded.get_or_init(|| value).clone();
        *self.bytes() = None;
        Some(value)
    }

    /// Whether somebody has decoded it.
    pub fn is_decoded(&self) -> bool {
        self.decoded.get().is_some()
    }

    /// The encoding: the one it came with or, once that is gone, a new one; `None` if it can't be encoded.
    pub fn encoding(&self) -> Option<Arc<[u8]>> {
        let bytes = self.bytes().clone();
        bytes.or_else(|| self.decoded.get()?.encode().ok().map(Arc::from))
    }

    /// Bytes of memory that it takes: those of its encoding, and an estimate of what the value takes that is not known
    /// yet, where an integer of one byte has eight or more.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.decoded.get().map_or(3 * self.length, |value| value.weight())
    }

    fn bytes(&self) -> MutexGuard<'_, Option<Arc<[u8]>>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Decodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_decoded() { "decoded" } else { "encoded" };
        write!(f, "Decodable({state}, {} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;

    use super::*;
    use crate::Result;

    struct Text(String);

    impl CacheValue for Text {
        fn weight(&self) -> usize {
            self.0.len()
        }

        fn encode(&self) -> Result<Vec<u8>> {
            Ok(self.0.clone().into_bytes())
        }
    }

    fn decode(bytes: &[u8]) -> Option<Arc<dyn CacheValue>> {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        Some(Arc::new(Text(text)))
    }

    fn text(value: Arc<dyn CacheValue>) -> Option<String> {
        let value = (value as Arc<dyn Any + Send + Sync>).downcast::<Text>().ok()?;
        Some(value.0.clone())
    }

    #[test]
    fn it_is_decoded_once() {
        let value = Decodable::new(Arc::from(*b"abc"));
        assert!(!value.is_decoded());
        assert_eq!(value.encoding().as_deref(), Some(&b"abc"[..]));
        let first = value.value(decode);
        let second = value.value(|_| panic!("it is decoded already"));
        assert!(Arc::ptr_eq(first.as_ref().expect("a text"), second.as_ref().expect("the text")));
        assert_eq!(first.and_then(text).as_deref(), Some("abc"));
        assert!(value.bytes().is_none(), "the bytes are gone");
        assert_eq!(value.encoding().as_deref(), Some(&b"abc"[..]));
    }

    #[test]
    fn what_cannot_be_decoded_stays_encoded() {
        let value = Decodable::new(Arc::from([0xff]));
        assert!(value.value(decode).is_none());
        assert!(!value.is_decoded());
        assert_eq!(value.encoding().as_deref(), Some(&[0xff][..]));
        assert!(value.value(|_| decode(b"another form")).is_some());
    }
}
