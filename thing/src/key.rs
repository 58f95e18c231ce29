//! Keys: the Rust types that a primary key can have.

use std::fmt;
use std::hash::Hash;

use thing_driver_api::{Error, ErrorKind, Key, Result};

/// The type of a model's primary key: integers of every width, `String`, `uuid::Uuid`, newtypes over these by
/// `#[derive(ColumnType)]`, and tuples of two to four of these for composite keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a primary key",
    label = "not a key type",
    note = "keys are integers, String, Uuid, newtypes over these with `#[derive(ColumnType)]`, and tuples of these"
)]
pub trait ModelKey: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// The key as databases and caches know it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] when no database could hold it.
    fn to_key(&self) -> Result<Key>;

    /// The key that a database generated.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] when the type can't hold it.
    fn from_generated(key: i64) -> Result<Self> {
        Err(Error::new(
            ErrorKind::InvalidData { column: None },
            format!("the generated key {key} does not fit {}", std::any::type_name::<Self>()),
        ))
    }

    /// True for the value that stands for "not generated yet": zero. Keys that are never generated are always set.
    fn is_unset(&self) -> bool {
        false
    }
}

/// A key that databases generate: integers, and newtypes over integers by `#[derive(ColumnType)]`.
#[diagnostic::on_unimplemented(
    message = "the database can't generate a key of type `{Self}`",
    label = "not an integer key",
    note = "write `#[thing(key, assigned)]` when the application makes the key"
)]
pub trait GeneratedKey: Sized {
    /// The value that stands for "not generated yet": zero.
    fn unset() -> Self;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl ModelKey for $type {
            fn to_key(&self) -> Result<Key> {
                i64::try_from(*self).map(Key::Int).map_err(|_| {
                    Error::new(
                        ErrorKind::InvalidData { column: None },
                        format!("a key above {} can't be stored; columns are signed 64-bit", i64::MAX),
                    )
                })
            }

            fn from_generated(key: i64) -> Result<Self> {
                Self::try_from(key).map_err(|error| {
                    Error::new(
                        ErrorKind::InvalidData { column: None },
                        format!("the generated key {key} does not fit {}; use a wider type", stringify!($type)),
                    )
                    .with_source(error)
                })
            }

            fn is_unset(&self) -> bool {
                *self == 0
            }
        }

        impl GeneratedKey for $type {
            fn unset() -> Self {
                0
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl ModelKey for String {
    fn to_key(&self) -> Result<Key> {
        Ok(Key::Text(self.as_str().into()))
    }
}

#[cfg(feature = "uuid")]
impl ModelKey for uuid::Uuid {
    fn to_key(&self) -> Result<Key> {
        Ok(Key::Uuid(self.into_bytes()))
    }
}

macro_rules! tuples {
    ($(($($part:ident $index:tt),*)),*) => {$(
        impl<$($part: ModelKey),*> ModelKey for ($($part,)*) {
            fn to_key(&self) -> Result<Key> {
                Ok(Key::Composite([$(self.$index.to_key()?),*].into()))
            }
        }
    )*};
}

tuples!((A 0, B 1), (A 0, B 1, C 2), (A 0, B 1, C 2, D 3));

/// What can be given where a key of type `K` is asked for: the key itself, and `&str` for `String`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key of this model, whose key is `{K}`",
    label = "expected a key of type `{K}`"
)]
pub trait IntoKey<K> {
    /// The key.
    fn into_key(self) -> K;
}

impl<K: ModelKey> IntoKey<K> for K {
    fn into_key(self) -> K {
        self
    }
}

impl IntoKey<String> for &str {
    fn into_key(self) -> String {
        self.to_owned()
    }
}

impl<K: ModelKey> IntoKey<K> for &K {
    fn into_key(self) -> K {
        self.clone()
    }
}
