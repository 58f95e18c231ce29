//! The models, and the values that tell who wrote them.

use thing::Model;

/// A row that moves between groups.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "items", no_new)]
pub struct Item {
    /// From 1 to the number of keys; deleted and made again.
    #[thing(assigned)]
    pub id: i64,
    /// The group it is in.
    #[thing(index)]
    pub group_id: i64,
    /// Never written twice: a [`WriteId`].
    pub value: i64,
    /// Made from the value, see [`note_of`].
    pub note: String,
    /// Whether some lists hold it.
    pub flag: bool,
}

/// A group of items, which is a row of its own.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "item_groups", no_new)]
pub struct Group {
    /// From 1 to the number of groups.
    #[thing(assigned)]
    pub id: i64,
    /// Never written twice: a [`WriteId`].
    pub value: i64,
    /// Made from the value, see [`note_of`].
    pub note: String,
}

impl Item {
    /// The row as the checker compares it.
    pub fn seen(&self) -> Seen {
        Seen {
            value: self.value.unsigned_abs(),
            form: form(self.group_id, self.flag),
            torn: self.note != note_of(self.value),
        }
    }
}

impl Group {
    /// The row as the checker compares it.
    pub fn seen(&self) -> Seen {
        Seen { value: self.value.unsigned_abs(), form: 0, torn: self.note != note_of(self.value) }
    }
}

/// What a read saw of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The value; 0 where there is no row.
    pub value: u64,
    /// Group and flag, see [`form`].
    pub form: u64,
    /// The note is not that of the value.
    pub torn: bool,
}

/// Group and flag as one number.
pub fn form(group: i64, flag: bool) -> u64 {
    group.unsigned_abs() << 1 | u64::from(flag)
}

/// The note that goes with a value.
pub fn note_of(value: i64) -> String {
    format!("written as {value:x}")
}

/// A row of one of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(pub u64);

impl RowKey {
    const GROUPS: u64 = 1 << 56;

    /// An item.
    pub fn item(id: i64) -> Self {
        Self(id.unsigned_abs())
    }

    /// A group.
    pub fn group(id: i64) -> Self {
        Self(id.unsigned_abs() | Self::GROUPS)
    }
}

impl std::fmt::Display for RowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, id) = if self.0 & Self::GROUPS == 0 { ("item", self.0) } else { ("group", self.0 ^ Self::GROUPS) };
        write!(f, "{name} {id}")
    }
}

/// One write of one process; with a part of it, the value that this part writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WriteId(u64);

/// The incarnation that fills the tables before the run.
pub const SEEDER: u16 = 1;

impl WriteId {
    /// The write with this number of a process; incarnations count the starts of all processes.
    pub fn new(incarnation: u16, number: u32) -> Self {
        Self(u64::from(incarnation) << 40 | u64::from(number) << 8)
    }

    /// The write that a value belongs to.
    pub fn of_value(value: u64) -> Self {
        Self(value & !0xff)
    }

    /// The write with this number, as it is recorded.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// As it is recorded.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The value that a part of the write gives to its row.
    pub fn value(self, part: u8) -> u64 {
        self.0 | u64::from(part)
    }

    /// Who wrote.
    pub fn incarnation(self) -> u16 {
        (self.0 >> 40) as u16
    }
}

impl std::fmt::Display for WriteId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.incarnation(), (self.0 >> 8) as u32)
    }
}

/// A digest of a list of keys, in its order.
pub fn digest(ids: impl IntoIterator<Item = u64>) -> u64 {
    // FNV-1a, by words.
    ids.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, id| (hash ^ id).wrapping_mul(0x0100_0000_01b3).rotate_left(23))
}
