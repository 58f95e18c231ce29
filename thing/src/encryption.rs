//! Encryption: columns whose values the database and every cache hold as ciphertext.
//!
//! ```text
//! value ─▶ plain: type and bytes ─▶ envelope: format · key · nonce · ciphertext ─▶ Sealed<T> ─▶ row, cache
//!                                      └─ KeyRing, table and column
//! ```

mod key_ring;
mod plain;
mod envelope;
mod sealed;
mod open_error;
mod reseal;

pub use self::key_ring::KeyRing;
pub use self::open_error::OpenError;
pub use self::sealed::{Sealed, SealedType};
