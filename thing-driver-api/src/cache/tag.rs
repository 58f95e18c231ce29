//! Tags: what a writer touches and an entry depends on.

use twox_hash::XxHash3_64;

use crate::{Key, TableId, Value};

/// A dependency: a 64-bit digest (XXH3) of a row or of one aspect of a set of rows, the lowest bit of which says which of
/// the two.
///
/// Digests are the same in every process and version of a program. Two things with one digest only cost a needless
/// invalidation, so a collision is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u64);

/// A set of rows that writers can name.
///
/// Exhaustive: its digests must be the same in every version of a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope<'a> {
    /// The whole table.
    Table,
    /// The rows whose column of this name has this value, NULL included. The column is one of
    /// [`Table::scopes`](crate::Table::scopes).
    Equal(&'a str, ScopeValue),
}

/// A value of a scope column, as its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScopeValue(u64);

impl<'a> Scope<'a> {
    /// The rows whose column equals the value.
    pub fn equal(column: &'a str, value: &Value<'_>) -> Self {
        let mut bytes = Vec::with_capacity(24);
        value.write_canonical(&mut bytes);
        Self::Equal(column, ScopeValue(XxHash3_64::oneshot(&bytes)))
    }

    fn digest(&self) -> u64 {
        match self {
            Self::Table => 0,
            Self::Equal(column, value) => XxHash3_64::oneshot_with_seed(value.0, column.as_bytes()),
        }
    }
}

/// The bit by which tags of rows are told from others: a write touches both, and only those of rows have entries of
/// their own.
const ROW: u64 = 1;

impl Tag {
    /// The row with this key.
    pub fn row(table: TableId, key: &Key) -> Self {
        match key {
            // The fastest path of a read: no buffer, and a tenth of the time of the general function.
            Key::Int(key) => Self(digest_int(*key, table.0) | ROW),
            key => {
                let mut bytes = Vec::with_capacity(40);
                key.write_canonical(&mut bytes);
                Self(XxHash3_64::oneshot_with_seed(table.0, &bytes) | ROW)
            }
        }
    }

    /// Whether it is the tag of a row, which its lowest bit says.
    pub fn is_row(self) -> bool {
        self.0 & ROW != 0
    }

    /// Everything about a table. Every entry of the table depends on it without naming it. Touched by writes that change
    /// too much to name.
    pub fn table(table: TableId) -> Self {
        Self(digest_int(table.0 as i64, 0x7468_696e_6774_6162) & !ROW)
    }

    /// Writers that touch these scopes of the table and no others: touched by each of their writes. No entry depends on
    /// it; it says to [`CacheClient::declare`](super::CacheClient::declare) who writes.
    pub fn writer(table: TableId, scopes: u64) -> Self {
        Self(digest_int(table.0 as i64, scopes ^ 0x7772_6974_6572_7321) & !ROW)
    }

    /// Which rows the scope has: touched by insert, by delete, and by an update that moves a row between scopes. Every
    /// list and count depends on it.
    pub fn rows(table: TableId, scope: &Scope<'_>) -> Self {
        Self::aspect(table, scope, "")
    }

    /// The values of one column in the scope's rows: touched by updates of the column. Lists and counts whose filter or
    /// order mentions the column depend on it.
    pub fn column(table: TableId, scope: &Scope<'_>, column: &str) -> Self {
        Self::aspect(table, scope, column)
    }

    fn aspect(table: TableId, scope: &Scope<'_>, column: &str) -> Self {
        let seed = XxHash3_64::oneshot_with_seed(table.0, &scope.digest().to_le_bytes());
        Self(XxHash3_64::oneshot_with_seed(seed ^ 0x7468_696e_6774_6167, column.as_bytes()) & !ROW)
    }
}

/// A value that a tag carries once and never again: random, or counted by a process that is the only one to know the
/// cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp(pub u128);

/// Identifies a writer at work; random, so that it never occurs twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u128);

impl Token {
    /// A token that differs from every other, of other processes too.
    pub fn random() -> Self {
        Self(random_u128())
    }
}

/// 128 bits from the operating system's randomness, by way of the standard library's hash keys and a counter.
pub(crate) fn random_u128() -> u128 {
    use std::cell::RefCell;
    use std::hash::{BuildHasher, RandomState};

    thread_local! {
        static STATE: RefCell<(RandomState, RandomState, u64)> = RefCell::new((RandomState::new(), RandomState::new(), 0));
    }
    STATE.with_borrow_mut(|(high, low, count)| {
        *count += 1;
        let place = std::process::id();
        (u128::from(high.hash_one((*count, place))) << 64) | u128::from(low.hash_one((*count, place)))
    })
}

/// A 64-bit digest (XXH3) that is the same in every process and version of a program.
pub fn digest(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// XXH3 of the eight little-endian bytes of `key`: the branch of the specification for inputs of 4 to 8 bytes.
fn digest_int(key: i64, seed: u64) -> u64 {
    /// The exclusive or of the default secret's bytes 8 to 15 and 16 to 23.
    const SECRET: u64 = 0x1cad_21f7_2c81_017c ^ 0xdb97_9083_e96d_d4de;
    const PRIME: u64 = 0x9fb2_1c65_1e98_df25;
    let seed = seed ^ (u64::from((seed as u32).swap_bytes()) << 32);
    let keyed = (key as u64).rotate_left(32) ^ SECRET.wrapping_sub(seed);
    let mut hash = keyed ^ keyed.rotate_left(49) ^ keyed.rotate_left(24);
    hash = hash.wrapping_mul(PRIME);
    hash ^= (hash >> 35).wrapping_add(8);
    hash = hash.wrapping_mul(PRIME);
    hash ^ (hash >> 28)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_an_integer_key_is_xxh3() {
        for seed in [0, 1, 0x1234_5678_90ab_cdef, u64::MAX] {
            for key in [0, 1, -1, 42, 0x0123_4567_89ab_cdef, i64::MIN, i64::MAX] {
                let expected = XxHash3_64::oneshot_with_seed(seed, &key.to_le_bytes());
                assert_eq!(Tag::row(TableId(seed), &Key::Int(key)), Tag(expected | ROW));
            }
        }
    }
}
