//! What entries hold: objects, and the keys of lists.

use std::any::Any;
use std::sync::Arc;

use thing_driver_api::{CacheValue, Key, Payload, Result, Value};

use super::codec;
use crate::Model;

/// An object in the cache, and in every [`Loaded`](crate::Loaded) that shares it.
#[derive(Debug)]
pub(crate) struct Stored<M>(pub(crate) M);

impl<M: Model> CacheValue for Stored<M> {
    fn weight(&self) -> usize {
        size_of::<M>() + self.0.heap_size()
    }

    fn encode(&self) -> Result<Vec<u8>> {
        codec::encode_object(&self.0)
    }
}

impl<M: Model> Stored<M> {
    /// The object of an entry; `None` when the entry holds something else, or another version of the model.
    pub(crate) fn of(payload: Payload) -> Option<Arc<Self>> {
        match payload {
            Payload::Shared(value) => of_type(value),
            Payload::Encoded(bytes) => Self::decode(&bytes),
            Payload::Decodable(value) => of_type(value.value(|bytes| Some(Self::decode(bytes)?))?),
            _ => None,
        }
    }

    fn decode(bytes: &[u8]) -> Option<Arc<Self>> {
        codec::decode_object(bytes).map(|model| Arc::new(Self(model)))
    }
}

/// The keys of a list, in order; of a count, the number in their place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    List(Vec<Key>),
    Count(u64),
    /// Of a page, also the values by which its first and its last row are ordered: the rows may have moved since, and the
    /// next page begins where this one ended.
    Page(Vec<Key>, Vec<Value<'static>>),
}

impl CacheValue for Keys {
    fn weight(&self) -> usize {
        let of_keys = |keys: &[Key]| keys.iter().map(|key| size_of::<Key>() + key.heap_size()).sum::<usize>();
        match self {
            Self::List(keys) => of_keys(keys),
            Self::Page(keys, edges) => {
                of_keys(keys) + edges.iter().map(|edge| size_of::<Value<'_>>() + edge.heap_size()).sum::<usize>()
            }
            Self::Count(_) => size_of::<Self>(),
        }
    }

    fn encode(&self) -> Result<Vec<u8>> {
        codec::encode_keys(self)
    }
}

impl Keys {
    pub(crate) fn of(payload: Payload) -> Option<Arc<Self>> {
        match payload {
            Payload::Shared(value) => of_type(value),
            Payload::Encoded(bytes) => Self::decode(&bytes),
            Payload::Decodable(value) => of_type(value.value(|bytes| Some(Self::decode(bytes)?))?),
            _ => None,
        }
    }

    fn decode(bytes: &[u8]) -> Option<Arc<Self>> {
        codec::decode_keys(bytes).map(Arc::new)
    }
}

fn of_type<T: CacheValue>(value: Arc<dyn CacheValue>) -> Option<Arc<T>> {
    (value as Arc<dyn Any + Send + Sync>).downcast().ok()
}
