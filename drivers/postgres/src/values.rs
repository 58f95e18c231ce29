//! Values: encoded as the types that the server expects.

use std::fmt;

use bytes::{BufMut, BytesMut};
use thing_driver_api::{Error, ErrorKind, Key, Result, Slot, Value};
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type};

use crate::array;
use crate::error;
use crate::numeric;

/// How the binary form of a type is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Bool,
    I16,
    I32,
    I64,
    /// An unsigned 32-bit integer.
    Oid,
    F32,
    F64,
    Numeric,
    Text,
    /// Text that the server fills up with spaces: `char(n)`.
    Padded,
    Bytes,
    Uuid,
    /// A point in time, or a date with time that counts as one of UTC.
    Timestamp,
    Date,
    Time,
    Json,
    Jsonb,
    Array,
    /// Written in the form of text, not read.
    Other,
}

impl Codec {
    pub(crate) fn of(declared: &Type) -> Self {
        match *declared {
            Type::BOOL => Self::Bool,
            Type::INT2 => Self::I16,
            Type::INT4 => Self::I32,
            Type::INT8 => Self::I64,
            Type::OID => Self::Oid,
            Type::FLOAT4 => Self::F32,
            Type::FLOAT8 => Self::F64,
            Type::NUMERIC => Self::Numeric,
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN | Type::XML => Self::Text,
            Type::BPCHAR => Self::Padded,
            Type::BYTEA => Self::Bytes,
            Type::UUID => Self::Uuid,
            Type::TIMESTAMPTZ | Type::TIMESTAMP => Self::Timestamp,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::JSON => Self::Json,
            Type::JSONB => Self::Jsonb,
            _ => match declared.kind() {
                Kind::Domain(base) => Self::of(base),
                Kind::Enum(_) => Self::Text,
                Kind::Array(_) => Self::Array,
                _ if declared.name() == "citext" => Self::Text,
                _ => Self::Other,
            },
        }
    }
}

/// Microseconds from 1970 to 2000, where PostgreSQL's time begins.
pub(crate) const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;
/// Days from 1970 to 2000.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
/// PostgreSQL's first and last point in time, 4714 BC to 294276 AD, in its own count. Beyond them lie infinities.
const TIMESTAMPS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;
/// Its first and last date, in its own count.
const DATES: std::ops::Range<i32> = -2_451_545..2_145_031_949;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// The largest magnitude below which every integer is exact as a float.
pub(crate) const EXACT_FLOAT: i64 = 1 << f64::MANTISSA_DIGITS;

/// What a statement gets.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    /// The values of its slots.
    Values(&'a [Value<'a>]),
    /// One key, a parameter for each column.
    Key(&'a Key),
    /// Many keys, an array for each column.
    Keys(&'a [Key]),
}

/// The parameters of one call, in order.
#[derive(Clone)]
pub(crate) struct Parameters<'a> {
    input: Input<'a>,
    /// The slot of each placeholder; `None` where they are in order.
    binds: Option<&'a [Slot]>,
    at: usize,
    count: usize,
}

impl<'a> Parameters<'a> {
    pub(crate) fn new(input: Input<'a>, binds: Option<&'a [Slot]>) -> Self {
        let count = match (input, binds) {
            (_, Some(binds)) => binds.len(),
            (Input::Values(values), None) => values.len(),
            (Input::Key(key), None) => key.parts(),
            (Input::Keys(keys), None) => keys.first().map_or(0, Key::parts),
        };
        Self { input, binds, at: 0, count }
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        if self.at == self.count {
            return None;
        }
        let at = self.at;
        self.at += 1;
        Some(match self.input {
            Input::Values(values) => {
                let slot = self.binds.map_or(at, |binds| binds[at].0);
                values.get(slot).map_or(Parameter::Missing, Parameter::Value)
            }
            Input::Key(key) => Parameter::Key(key, at),
            Input::Keys(keys) => Parameter::Keys(keys, at),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.at;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Parameters<'_> {}

/// One parameter.
#[derive(Clone, Copy)]
pub(crate) enum Parameter<'a> {
    Value(&'a Value<'a>),
    /// One column of a key.
    Key(&'a Key, usize),
    /// One column of many keys, as an array.
    Keys(&'a [Key], usize),
    /// The statement has more slots than values.
    Missing,
}

/// The client library logs parameters; values stay out of logs.
impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(value) => value.kind(),
            Self::Key(..) => "key",
            Self::Keys(..) => "keys",
            Self::Missing => "nothing",
        })
    }
}

type Refused = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Parameter<'_> {
    fn to_sql(&self, declared: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
        match self {
            Self::Value(value) => Ok(encode_as(value, declared, out)?),
            Self::Key(key, part) => Ok(encode(&key.value(*part), Codec::of(declared), out)?),
            Self::Keys(keys, part) => {
                let values = keys.iter().map(|key| Ok(key.value(*part)));
                array::encode(array::element(declared).unwrap_or(declared), keys.len(), values, out)?;
                Ok(IsNull::No)
            }
            Self::Missing => Err(error::missing_value().into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, declared: &Type) -> Format {
        match self {
            Self::Value(Value::Text(_)) if matches!(Codec::of(declared), Codec::Other | Codec::Array) => Format::Text,
            _ => Format::Binary,
        }
    }

    fn to_sql_checked(&self, declared: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
        self.to_sql(declared, out)
    }
}

/// Appends the binary form of a value of a declared type: of a list too, whose elements only the type tells.
///
/// # Errors
///
/// As [`encode`].
pub(crate) fn encode_as(value: &Value<'_>, declared: &Type, out: &mut BytesMut) -> Result<IsNull> {
    match (value, array::element(declared)) {
        (Value::Json(json), Some(element)) => array::encode_json(json, element, out).map(|()| IsNull::No),
        _ => encode(value, Codec::of(declared), out),
    }
}

/// Appends the binary form of a value.
///
/// # Errors
///
/// [`ErrorKind::InvalidData`] where the type does not hold exactly this value.
pub(crate) fn encode(value: &Value<'_>, codec: Codec, out: &mut BytesMut) -> Result<IsNull> {
    match (value, codec) {
        (Value::Null, _) => return Ok(IsNull::Yes),
        (Value::Bool(v), Codec::Bool) => out.put_u8(u8::from(*v)),
        (Value::I64(v), Codec::I64) => out.put_i64(*v),
        (Value::I64(v), Codec::I32) => out.put_i32(fitted(*v, "an integer of 32 bits")?),
        (Value::I64(v), Codec::I16) => out.put_i16(fitted(*v, "an integer of 16 bits")?),
        (Value::I64(v), Codec::Oid) => out.put_u32(fitted(*v, "an unsigned integer of 32 bits")?),
        (Value::I64(v), Codec::Numeric) => numeric::encode((*v).into(), out),
        (Value::I64(v), Codec::F64) if (-EXACT_FLOAT..=EXACT_FLOAT).contains(v) => out.put_f64(*v as f64),
        (Value::F64(v), _) if v.is_nan() => return Err(refused("is not a number; use None or a number")),
        (Value::F64(v), Codec::F64) => out.put_f64(*v),
        (Value::F64(v), Codec::F32) => {
            let narrow = *v as f32;
            if f64::from(narrow) != *v {
                return Err(refused(
                    "is a float that single precision does not hold exactly; use a double precision column",
                ));
            }
            out.put_f32(narrow);
        }
        (Value::Decimal(v), Codec::Numeric) => numeric::encode(*v, out),
        (Value::Text(v), Codec::Text | Codec::Padded | Codec::Other | Codec::Array | Codec::Json)
        | (Value::Json(v), Codec::Json | Codec::Text) => put_text(v, out)?,
        (Value::Json(v) | Value::Text(v), Codec::Jsonb) => {
            // The version of the format.
            out.put_u8(1);
            put_text(v, out)?;
        }
        (Value::Bytes(v), Codec::Bytes) => out.put_slice(v),
        (Value::Uuid(v), Codec::Uuid) => out.put_slice(v),
        (Value::Timestamp(v), Codec::Timestamp) => match v.checked_sub(EPOCH_MICROSECONDS) {
            Some(own) if TIMESTAMPS.contains(&own) => out.put_i64(own),
            _ => return Err(refused("is a time outside of the years 4714 BC to 294276 that PostgreSQL stores")),
        },
        (Value::Date(v), Codec::Date) => match v.checked_sub(EPOCH_DAYS) {
            Some(own) if DATES.contains(&own) => out.put_i32(own),
            _ => return Err(refused("is a date outside of the years 4714 BC to 5874897 that PostgreSQL stores")),
        },
        (Value::Time(v), Codec::Time) if (0..DAY).contains(v) => out.put_i64(*v),
        (Value::Time(_), Codec::Time) => return Err(refused("is a time of day beyond its day")),
        (value, codec) => {
            return Err(refused(&format!("is {} where the statement takes {codec:?}; convert it", value.kind())));
        }
    }
    Ok(IsNull::No)
}

fn put_text(text: &str, out: &mut BytesMut) -> Result<()> {
    if text.as_bytes().contains(&0) {
        return Err(refused("is text with a zero byte, which PostgreSQL does not store; remove it or use bytes"));
    }
    out.put_slice(text.as_bytes());
    Ok(())
}

fn fitted<T: TryFrom<i64>>(value: i64, wanted: &str) -> Result<T> {
    value.try_into().map_err(|_| refused(&format!("is beyond {wanted}, which the statement takes")))
}

pub(crate) fn refused(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, format!("a value {why}"))
}

/// Appends a value behind its length, as arrays have it.
pub(crate) fn put_sized(value: &Value<'_>, codec: Codec, out: &mut BytesMut) -> Result<()> {
    behind_length(out, |out| encode(value, codec, out))
}

/// Appends a value of a declared type behind its length, as COPY has it.
pub(crate) fn put_sized_as(value: &Value<'_>, declared: &Type, out: &mut BytesMut) -> Result<()> {
    behind_length(out, |out| encode_as(value, declared, out))
}

fn behind_length(out: &mut BytesMut, encode: impl FnOnce(&mut BytesMut) -> Result<IsNull>) -> Result<()> {
    let start = out.len();
    out.put_i32(-1);
    if let IsNull::No = encode(out)? {
        let length = i32::try_from(out.len() - start - 4).map_err(|_| refused("is larger than 2 GiB; split it"))?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}
