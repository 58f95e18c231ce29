//! Names of keys in Redis.
//!
//! ```text
//! <prefix>:<epoch>:{<shard>}t<tag>        the cell of a tag          shard of the tag
//! <prefix>:<epoch>:{<shard>}s             the cell of a shard        see below
//! <prefix>:<epoch>:{<shard>}q<digest>     the entry of a query       shard of the table
//! <prefix>:<epoch>:{<shard>}f<digest>     who fills an entry         shard of the entry
//! <prefix>:<epoch>:{<shard>}l<table>      the table's log            shard of the table
//! <prefix>:<epoch>:{<shard>}h             who has a near cache       the first shard of a node
//!
//! <prefix>:<epoch>:{}i                    the channel of a node      what is told to near caches
//! <prefix>:<epoch>:{}r<client>            a client's channel         what near caches answer to it
//! ```
//!
//! Epoch, tags, digests and tables are hexadecimal numbers of 16 digits, the shard is one of two. In a cluster the
//! shard is the hash tag, so that what one script works on is in one slot.
//!
//! The entry of a row is in the cell of the row's tag: what ends the one ends the other, and a hit has one value less
//! to fetch.
//!
//! A shard has a cell like a tag: it is touched by every write that touches the tag of a row of the shard. So rows that
//! nobody named before they were read can be stored while the cell of their shard stands still.
//!
//! The *generation* of a table is the cell of [`Tag::table`], on which each of its entries depends. The shard of a
//! table is that of this tag. Beside it is the string that says which programs use the table; it begins as a cell.

use std::io::Write as _;

use redis::{Cmd, RedisWrite as _};
use thing_driver_api::{EntryKey, TableId, Tag};

use crate::message::Id;

/// The number of shards. More make reads of many rows dearer, which note the cells of all; fewer make more of the
/// rows that a list brings along fall to writes of others.
pub(crate) const SHARDS: usize = 64;

/// One of the [`SHARDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shard(pub(crate) u8);

impl Shard {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS as u8).map(Self)
    }

    pub(crate) fn of_tag(tag: Tag) -> Self {
        Self((tag.0 >> 58) as u8)
    }

    pub(crate) fn of_table(table: TableId) -> Self {
        Self::of_tag(Tag::table(table))
    }

    /// What a cluster finds the slot by.
    pub(crate) fn hash_tag(self) -> [u8; 2] {
        hex(u64::from(self.0), 2)
    }
}

/// A key in Redis, without prefix and epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) shard: Shard,
    kind: u8,
    id: u64,
}

impl Name {
    pub(crate) fn tag(tag: Tag) -> Self {
        Self { shard: Shard::of_tag(tag), kind: b't', id: tag.0 }
    }

    pub(crate) fn shard(shard: Shard) -> Self {
        Self { shard, kind: b's', id: 0 }
    }

    pub(crate) fn holders(shard: Shard) -> Self {
        Self { shard, kind: b'h', id: 0 }
    }

    pub(crate) fn entry(key: &EntryKey, digest: Tag) -> Self {
        match key {
            EntryKey::Object { .. } => Self::tag(digest),
            EntryKey::Query { table, .. } => Self { shard: Shard::of_table(*table), kind: b'q', id: digest.0 },
        }
    }

    pub(crate) fn generation(table: TableId) -> Self {
        Self::tag(Tag::table(table))
    }

    pub(crate) fn programs(table: TableId) -> Self {
        Self::tag(programs(table))
    }

    pub(crate) fn fill(key: &EntryKey) -> Self {
        let digest = key.digest();
        Self { shard: Self::entry(key, digest).shard, kind: b'f', id: digest.0 }
    }

    pub(crate) fn log(table: TableId) -> Self {
        Self { shard: Shard::of_table(table), kind: b'l', id: table.0 }
    }

    /// Adds the key to a command. `head` is everything before the shard.
    pub(crate) fn write(self, head: &[u8], command: &mut Cmd) {
        let mut rest = [0; Self::SIZE];
        rest[..2].copy_from_slice(&self.shard.hash_tag());
        rest[2..4].copy_from_slice(&[b'}', self.kind]);
        rest[4..].copy_from_slice(&hex::<16>(self.id, 16));
        let rest = if matches!(self.kind, b's' | b'h') { &rest[..4] } else { &rest[..] };
        let mut key = command.writer_for_next_arg();
        // Writing to memory does not fail.
        let _ = key.write_all(head).and_then(|()| key.write_all(rest));
    }

    /// Bytes that [`Name::write`] adds at most, besides the head.
    pub(crate) const SIZE: usize = 20;
}

/// The tag on which lists depend that depend on scopes: one beside the table's, and so in its shard.
pub(crate) fn programs(table: TableId) -> Tag {
    Tag(Tag::table(table).0 ^ 2)
}

/// What comes before the shard in every key.
pub(crate) fn head(prefix: &str, epoch: u64) -> Box<[u8]> {
    let mut head = Vec::with_capacity(prefix.len() + 19);
    head.extend_from_slice(prefix.as_bytes());
    head.push(b':');
    head.extend_from_slice(&hex::<16>(epoch, 16));
    head.extend_from_slice(b":{");
    head.into()
}

/// The channel on which a node's near caches are told what others do.
pub(crate) fn channel(head: &[u8]) -> Vec<u8> {
    [head, &b"}i"[..]].concat()
}

/// The channel on which a client is answered.
pub(crate) fn reply_channel(head: &[u8], client: &Id) -> Vec<u8> {
    let [high, low] = [1, 0].map(|half| hex::<16>((u128::from_le_bytes(*client) >> (64 * half)) as u64, 16));
    [head, &b"}r"[..], &high[..], &low[..]].concat()
}

fn hex<const N: usize>(number: u64, digits: u32) -> [u8; N] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [b'0'; N];
    for (place, digit) in (0..digits).rev().zip(&mut out) {
        *digit = DIGITS[(number >> (4 * place) & 15) as usize];
    }
    out
}

#[cfg(test)]
mod tests {
    use thing_driver_api::Key;

    use super::*;

    fn text(name: Name) -> String {
        let mut command = Cmd::new();
        name.write(&head("app", 0xabc), &mut command);
        match command.args_iter().next() {
            Some(redis::Arg::Simple(name)) => String::from_utf8(name.to_vec()).expect("names are text"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_readable() {
        assert_eq!(text(Name::tag(Tag(0x8100_0000_0000_00ff))), "app:0000000000000abc:{20}t81000000000000ff");
        assert_eq!(text(Name::shard(Shard(63))), "app:0000000000000abc:{3f}s");
    }

    #[test]
    fn a_row_lives_in_the_cell_of_its_tag_and_a_query_in_the_shard_of_its_table() {
        let (table, key) = (TableId(1), Key::Int(7));
        let row = EntryKey::Object { table, key: key.clone() };
        assert_eq!(Name::entry(&row, row.digest()), Name::tag(Tag::row(table, &key)));
        let query = EntryKey::Query { table, question: [1].into() };
        for name in [Name::generation(table), Name::programs(table), Name::log(table)] {
            assert_eq!(Name::entry(&query, query.digest()).shard, name.shard);
        }
    }

    #[test]
    fn every_shard_is_reached() {
        let reached = |shards: Vec<Shard>| {
            let mut shards = shards;
            shards.sort_unstable();
            shards.dedup();
            shards.len()
        };
        assert_eq!(reached((0..10_000).map(|n| Shard::of_table(TableId(n))).collect()), SHARDS);
        let row = |n| Shard::of_tag(Tag::row(TableId(1), &Key::Int(n)));
        assert_eq!(reached((0..10_000).map(row).collect()), SHARDS);
    }
}
