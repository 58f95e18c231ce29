//! Primary keys as values: hashable, comparable, and cheap for the common kinds.

use crate::Value;

/// The primary key of one row.
///
/// It names the row both to a driver ([`Executor::get_many`](crate::Executor::get_many)) and to a cache
/// ([`EntryKey::Object`](crate::EntryKey::Object)).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Key {
    /// An integer key.
    Int(i64),
    /// A UUID key, big-endian.
    Uuid([u8; 16]),
    /// A text key.
    Text(Box<str>),
    /// A key of several columns, in the order in which the table declares them. Parts are never composite.
    Composite(Box<[Self]>),
}

impl Key {
    /// The number of columns.
    pub fn parts(&self) -> usize {
        match self {
            Self::Composite(parts) => parts.len(),
            _ => 1,
        }
    }

    /// The value of one column of the key; `part` counts from zero and is below [`Key::parts`].
    pub fn value(&self, part: usize) -> Value<'_> {
        match self {
            Self::Int(v) => Value::I64(*v),
            Self::Uuid(v) => Value::Uuid(*v),
            Self::Text(v) => Value::Text(v.as_ref().into()),
            Self::Composite(parts) => parts[part].value(0),
        }
    }

    /// The key whose columns hold `values`; `None` when one of them can't be a key (NULL, a float, ...).
    pub fn from_values(values: &[Value<'_>]) -> Option<Self> {
        match values {
            [Value::I64(v)] => Some(Self::Int(*v)),
            [Value::Uuid(v)] => Some(Self::Uuid(*v)),
            [Value::Text(v)] => Some(Self::Text(v.as_ref().into())),
            [] | [_] => None,
            many => many
                .iter()
                .map(|v| Self::from_values(std::slice::from_ref(v)))
                .collect::<Option<Vec<_>>>()
                .map(|parts| Self::Composite(parts.into())),
        }
    }

    /// Bytes held outside the key itself, for the accounting of caches.
    pub fn heap_size(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::Composite(parts) => parts.iter().map(|p| size_of::<Self>() + p.heap_size()).sum(),
            _ => 0,
        }
    }

    /// Appends an encoding in which different keys differ; see [`Value::write_canonical`].
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        for part in 0..self.parts() {
            self.value(part).write_canonical(out);
        }
    }
}
