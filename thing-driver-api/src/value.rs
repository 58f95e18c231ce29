//! Values: what a column can hold, in the one form that crosses the contract.

use std::borrow::Cow;
use std::fmt;

use crate::Decimal;

/// A value on its way to or from a database.
///
/// Integers of every width travel as [`Value::I64`], floats as [`Value::F64`] (an `f32` is exact in an `f64`).
/// Text and bytes may borrow, so that binding a model's fields copies nothing.
///
/// Equality is that of the variants (`I64(1) != F64(1.0)`); floats compare by bit pattern, so a value always equals
/// itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value<'a> {
    /// SQL NULL, or the absence of an attribute.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of any width up to 64 bits, signed.
    I64(i64),
    /// A float. Never NaN: the core refuses it, because databases store it as NULL or not at all.
    F64(f64),
    /// UTF-8 text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A UUID, big-endian.
    Uuid([u8; 16]),
    /// A point in time: microseconds since 1970-01-01T00:00:00 UTC.
    Timestamp(i64),
    /// A date: days since 1970-01-01.
    Date(i32),
    /// A time of day: microseconds since midnight.
    Time(i64),
    /// JSON text.
    Json(Cow<'a, str>),
    /// A decimal number.
    Decimal(Decimal),
}

impl Value<'_> {
    /// Copies what is borrowed.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(v) => Value::Bool(v),
            Value::I64(v) => Value::I64(v),
            Value::F64(v) => Value::F64(v),
            Value::Text(v) => Value::Text(Cow::Owned(v.into_owned())),
            Value::Bytes(v) => Value::Bytes(Cow::Owned(v.into_owned())),
            Value::Uuid(v) => Value::Uuid(v),
            Value::Timestamp(v) => Value::Timestamp(v),
            Value::Date(v) => Value::Date(v),
            Value::Time(v) => Value::Time(v),
            Value::Json(v) => Value::Json(Cow::Owned(v.into_owned())),
            Value::Decimal(v) => Value::Decimal(v),
        }
    }

    /// The same value, borrowing from this one.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Value::Text(v) => Value::Text(Cow::Borrowed(v)),
            Value::Bytes(v) => Value::Bytes(Cow::Borrowed(v)),
            Value::Json(v) => Value::Json(Cow::Borrowed(v)),
            Value::Null => Value::Null,
            Value::Bool(v) => Value::Bool(*v),
            Value::I64(v) => Value::I64(*v),
            Value::F64(v) => Value::F64(*v),
            Value::Uuid(v) => Value::Uuid(*v),
            Value::Timestamp(v) => Value::Timestamp(*v),
            Value::Date(v) => Value::Date(*v),
            Value::Time(v) => Value::Time(*v),
            Value::Decimal(v) => Value::Decimal(*v),
        }
    }

    /// True for [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The variant's name, for messages: values themselves stay out of messages and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::I64(_) => "integer",
            Value::F64(_) => "float",
            Value::Text(_) => "text",
            Value::Bytes(_) => "bytes",
            Value::Uuid(_) => "uuid",
            Value::Timestamp(_) => "timestamp",
            Value::Date(_) => "date",
            Value::Time(_) => "time",
            Value::Json(_) => "json",
            Value::Decimal(_) => "decimal",
        }
    }

    /// Bytes held outside the value itself, for the accounting of caches.
    pub fn heap_size(&self) -> usize {
        match self {
            Value::Text(v) | Value::Json(v) => v.len(),
            Value::Bytes(v) => v.len(),
            _ => 0,
        }
    }

    /// Appends an encoding in which different values differ, also from their neighbours: a kind byte, then a fixed
    /// width or a length and the bytes. It is the same on every machine, so that processes agree on it.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        let mut bytes = |tag: u8, body: &[u8]| {
            out.push(tag);
            out.extend_from_slice(&(body.len() as u64).to_le_bytes());
            out.extend_from_slice(body);
        };
        match self {
            Value::Null => out.push(0),
            Value::Bool(v) => out.extend_from_slice(&[1, u8::from(*v)]),
            Value::Text(v) => bytes(4, v.as_bytes()),
            Value::Bytes(v) => bytes(5, v),
            Value::Json(v) => bytes(10, v.as_bytes()),
            Value::I64(v) => fixed(out, 2, &v.to_le_bytes()),
            Value::F64(v) => fixed(out, 3, &v.to_bits().to_le_bytes()),
            Value::Uuid(v) => fixed(out, 6, v),
            Value::Timestamp(v) => fixed(out, 7, &v.to_le_bytes()),
            Value::Date(v) => fixed(out, 8, &v.to_le_bytes()),
            Value::Time(v) => fixed(out, 9, &v.to_le_bytes()),
            Value::Decimal(v) => {
                fixed(out, 11, &v.coefficient().to_le_bytes());
                out.push(v.scale());
            }
        }
    }
}

impl Value<'static> {
    /// Reads one value that [`Value::write_canonical`] wrote from the front of `bytes`, and moves `bytes` behind it.
    /// `None` for anything else.
    pub fn read_canonical(bytes: &mut &[u8]) -> Option<Self> {
        let (&tag, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(match tag {
            0 => Value::Null,
            1 => Value::Bool(take::<1>(bytes)?[0] != 0),
            2 => Value::I64(i64::from_le_bytes(take(bytes)?)),
            3 => Value::F64(f64::from_bits(u64::from_le_bytes(take(bytes)?))),
            4 => Value::Text(take_text(bytes)?.into()),
            5 => Value::Bytes(take_bytes(bytes)?.to_vec().into()),
            6 => Value::Uuid(take(bytes)?),
            7 => Value::Timestamp(i64::from_le_bytes(take(bytes)?)),
            8 => Value::Date(i32::from_le_bytes(take(bytes)?)),
            9 => Value::Time(i64::from_le_bytes(take(bytes)?)),
            10 => Value::Json(take_text(bytes)?.into()),
            11 => {
                let coefficient = i128::from_le_bytes(take(bytes)?);
                Value::Decimal(Decimal::new(coefficient, take::<1>(bytes)?[0])?)
            }
            _ => return None,
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u64::from_le_bytes(take(bytes)?)).ok()?;
    let (head, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(head)
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    std::str::from_utf8(take_bytes(bytes)?).ok().map(str::to_owned)
}

fn fixed(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    out.extend_from_slice(body);
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::I64(a), Value::I64(b))
            | (Value::Timestamp(a), Value::Timestamp(b))
            | (Value::Time(a), Value::Time(b)) => a == b,
            (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
            (Value::Text(a), Value::Text(b)) | (Value::Json(a), Value::Json(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Uuid(a), Value::Uuid(b)) => a == b,
            (Value::Date(a), Value::Date(b)) => a == b,
            (Value::Decimal(a), Value::Decimal(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value<'_> {}

/// The type of a column. A dialect maps it to a column type of its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ValueType {
    /// Truth values.
    Bool,
    /// Integers that fit 16 bits.
    I16,
    /// Integers that fit 32 bits.
    I32,
    /// Integers that fit 64 bits.
    I64,
    /// Floats of single precision.
    F32,
    /// Floats of double precision.
    F64,
    /// UTF-8 text of any length.
    Text,
    /// Bytes of any length.
    Bytes,
    /// UUIDs.
    Uuid,
    /// Points in time, microseconds, UTC.
    Timestamp,
    /// Dates.
    Date,
    /// Times of day, microseconds.
    Time,
    /// JSON documents.
    Json,
    /// Decimal numbers.
    Decimal,
    /// Lists of values of one type, none of them NULL. They cross the contract as JSON arrays, [`Value::Json`]: numbers,
    /// truth values, and texts, UUIDs among these in their usual form. A database with arrays stores arrays.
    List(ListItem),
}

/// The type of the elements of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ListItem {
    /// As [`ValueType::Bool`].
    Bool,
    /// As [`ValueType::I16`].
    I16,
    /// As [`ValueType::I32`].
    I32,
    /// As [`ValueType::I64`].
    I64,
    /// As [`ValueType::Text`].
    Text,
    /// As [`ValueType::Uuid`].
    Uuid,
}

impl ListItem {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Bool, Self::I16, Self::I32, Self::I64, Self::Text, Self::Uuid];

    /// The type of an element as that of a column.
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::Bool => ValueType::Bool,
            Self::I16 => ValueType::I16,
            Self::I32 => ValueType::I32,
            Self::I64 => ValueType::I64,
            Self::Text => ValueType::Text,
            Self::Uuid => ValueType::Uuid,
        }
    }
}

impl ValueType {
    /// The lists, one for each type of their elements.
    pub const LISTS: [Self; ListItem::ALL.len()] = {
        let mut lists = [Self::Json; ListItem::ALL.len()];
        let mut at = 0;
        while at < lists.len() {
            lists[at] = Self::List(ListItem::ALL[at]);
            at += 1;
        }
        lists
    };

    /// True for JSON documents and for lists, whose values are [`Value::Json`].
    pub const fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::List(_))
    }

    /// True where equality and order mean the same in Rust as in every database, whatever its collation, coercion or
    /// rounding: truth values, integers, UUIDs, dates and bytes. Only such columns can scope a cached list.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Bool | Self::I16 | Self::I32 | Self::I64 | Self::Uuid | Self::Date | Self::Bytes)
    }

    /// True for the integer types.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::I16 | Self::I32 | Self::I64)
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::I16 => "16-bit integer",
            Self::I32 => "32-bit integer",
            Self::I64 => "64-bit integer",
            Self::F32 => "32-bit float",
            Self::F64 => "64-bit float",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Uuid => "uuid",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Time => "time",
            Self::Json => "json",
            Self::Decimal => "decimal",
            Self::List(item) => return write!(f, "list of {}", item.value_type()),
        })
    }
}
