//! Sealed values: columns of ciphertext.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use thing_driver_api::{Result, Row, Value, ValueType};

use super::envelope;
use super::plain;
use super::{KeyRing, OpenError};
use crate::rows::ValueRow;
use crate::{Column, ColumnSpec, ColumnType, Model};

/// A value that is encrypted before it leaves the program: `Sealed<String>`.
///
/// The database, its backups and every cache hold ciphertext, with the number of the key and 40 bytes more than the value
/// has. [`Column::seal`] makes it and [`Column::open`] gives the value, both with a [`KeyRing`] that the application holds:
///
/// ```text
/// user.ssn = User::SSN.seal(&keys, "123-45-6789")?;
/// let ssn: String = User::SSN.open(&keys, &user.ssn)?;
/// ```
///
/// The ciphertext is different each time, so that nobody sees which values are equal; only its length tells that of the value. Hence
/// the database can't compare such a column: filters, orders and indexes of it do not compile. It opens as the column of the
/// table that it was sealed for, and of no other; former names of both that the model declares count too. The value of
/// another row of the column does open: where that matters, have the value tell whose it is.
///
/// `T` is anything that a column holds. What is optional is an `Option<Sealed<T>>`, whose NULL everybody sees.
///
/// Equal are two that hold the same ciphertext. `{:?}` shows the number of the key alone; JSON output shows ciphertext, and that
/// only where the column is named.
pub struct Sealed<T> {
    envelope: Vec<u8>,
    value: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// A value that was sealed, and kept elsewhere, as [`as_bytes`](Self::as_bytes) gave it. Whether it opens is not checked.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { envelope: bytes.into(), value: PhantomData }
    }

    /// What is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.envelope
    }

    /// The number of the key that sealed it; `None` for what was never sealed.
    pub fn key_id(&self) -> Option<u32> {
        envelope::key_id(&self.envelope)
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.envelope.clone())
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.envelope == other.envelope
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> Hash for Sealed<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.envelope.hash(state);
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key", &self.key_id()).finish_non_exhaustive()
    }
}

impl<T: ColumnType> ColumnType for Sealed<T> {
    const TYPE: ValueType = ValueType::Bytes;
    const SECRET: bool = true;

    fn to_value(&self) -> Result<Value<'_>> {
        Ok(Value::Bytes(self.envelope.as_slice().into()))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        row.bytes(index).map(|bytes| Self::from_bytes(bytes.into_owned()))
    }

    fn heap_size(&self) -> usize {
        self.envelope.capacity()
    }
}

/// A column type whose values are sealed: [`Sealed<T>`](Sealed) and `Option<Sealed<T>>`.
#[diagnostic::on_unimplemented(
    message = "a column of type `{Self}` is not sealed",
    label = "neither Sealed<T> nor Option<Sealed<T>>",
    note = "`seal`, `open` and `reseal` go with columns of type Sealed<T> and Option<Sealed<T>>"
)]
pub trait SealedType: ColumnType {
    /// What is sealed.
    type Plain: ColumnType;
    /// What opening gives: the value, or an `Option` of it.
    type Opened;

    #[doc(hidden)]
    fn sealed(&self) -> Option<&Sealed<Self::Plain>>;

    #[doc(hidden)]
    fn sealed_mut(&mut self) -> Option<&mut Sealed<Self::Plain>>;

    #[doc(hidden)]
    fn opened(&self, open: impl FnOnce(&Sealed<Self::Plain>) -> Result<Self::Plain>) -> Result<Self::Opened>;
}

impl<T: ColumnType> SealedType for Sealed<T> {
    type Plain = T;
    type Opened = T;

    fn sealed(&self) -> Option<&Self> {
        Some(self)
    }

    fn sealed_mut(&mut self) -> Option<&mut Self> {
        Some(self)
    }

    fn opened(&self, open: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        open(self)
    }
}

impl<T: ColumnType> SealedType for Option<Sealed<T>> {
    type Plain = T;
    type Opened = Option<T>;

    fn sealed(&self) -> Option<&Sealed<T>> {
        self.as_ref()
    }

    fn sealed_mut(&mut self) -> Option<&mut Sealed<T>> {
        self.as_mut()
    }

    fn opened(&self, open: impl FnOnce(&Sealed<T>) -> Result<T>) -> Result<Option<T>> {
        self.as_ref().map(open).transpose()
    }
}

/// For columns of sealed values.
impl<C: ColumnSpec> Column<C> {
    /// Encrypts a value for this column, by the sealing key of the ring.
    ///
    /// # Errors
    ///
    /// Those of the value's own type, as when it is written; [`ErrorKind::Backend`](crate::ErrorKind::Backend) when the system
    /// gives no random bytes.
    pub fn seal(
        self,
        keys: &KeyRing,
        value: impl Into<<C::Type as SealedType>::Plain>,
    ) -> Result<Sealed<<C::Type as SealedType>::Plain>>
    where
        C::Type: SealedType,
    {
        let value = value.into();
        let table = C::Model::table();
        let name = &table.column(self.index()).name;
        let refused = |error| crate::Error::invalid_data(name.as_ref(), format!("column `{name}`: {error}"));
        let plain = value.to_value().and_then(|value| plain::write(&value)).map_err(refused)?;
        envelope::seal(keys, table, self.index(), &plain).map(Sealed::from_bytes)
    }

    /// The value of a field of this column; `None` for a nullable one that is `None`. It needs the key that sealed it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData), which names the column, and of which [`OpenError::of`] says
    /// why: a key that the ring has not, a value that was changed, or sealed for another column, or as another type.
    pub fn open(self, keys: &KeyRing, sealed: &C::Type) -> Result<<C::Type as SealedType>::Opened>
    where
        C::Type: SealedType,
    {
        let table = C::Model::table();
        sealed.opened(|sealed| {
            let opened = envelope::open(keys, table, self.index(), &sealed.envelope);
            let opened = opened.and_then(|bytes| {
                let value = plain::read(&bytes).ok_or(OpenError::OtherType)?;
                let row = vec![Some(value)];
                // Its own error could tell the value.
                let read = ColumnType::from_row(&ValueRow(&row), 0).map_err(|_| OpenError::OtherType);
                row.into_iter().flatten().for_each(plain::wipe);
                read
            });
            opened.map_err(|error| error.about(table, self.index()))
        })
    }

    /// Seals a field of this column by the sealing key of the ring, if another sealed it; returns whether it did. Saving the
    /// object then writes it. [`Things::reseal`](crate::Things::reseal) does so with a whole table.
    ///
    /// # Errors
    ///
    /// As [`Column::open`] and [`Column::seal`].
    pub fn reseal(self, keys: &KeyRing, sealed: &mut C::Type) -> Result<bool>
    where
        C::Type: SealedType,
    {
        let table = C::Model::table();
        let Some(sealed) = sealed.sealed_mut().filter(|sealed| sealed.key_id() != Some(keys.primary())) else {
            return Ok(false);
        };
        let plain = envelope::open(keys, table, self.index(), &sealed.envelope)
            .map_err(|error| error.about(table, self.index()))?;
        sealed.envelope = envelope::seal(keys, table, self.index(), &plain)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown() {
        let sealed = Sealed::<String>::from_bytes([1, 0, 0, 0, 7, 1, 2, 3]);
        assert_eq!(format!("{sealed:?}"), "Sealed { key: Some(7), .. }");
        assert_eq!(format!("{:?}", Sealed::<i32>::from_bytes([2, 0, 0, 0, 7])), "Sealed { key: None, .. }");
    }
}
