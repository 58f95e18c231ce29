//! Entries as bytes.
//!
//! ```text
//! header  format · content · number of tags (2) · length of the key (4) · length of the payload (4)
//!         when filled (8) · time to live (4) · cost (4) · by whom (8)
//!         generation (16) · (tag (8) · stamp (16))* · key · digest of the payload (8) · digest of the header (8)
//! payload
//! ```
//!
//! Numbers are little-endian; `scripts/fill.lua` knows where generation, number of tags and stamps are. The header
//! alone says what the entry depends on, so that a new one can take its place. The key is there in full because two
//! keys may share a digest. Whatever does not fit exactly is no entry.

use std::sync::Arc;

use thing_driver_api::{EntryKey, Key, Payload, Tag, digest};

use crate::age::Age;
use crate::cell::Stamp;

const FORMAT: u8 = 0xe2;
const ENCODED: u8 = 1;
const ABSENT: u8 = 2;
const FIXED: usize = 12;
const DEPENDENCY: usize = 24;

/// What an entry depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependencies {
    /// The stamp of the table's generation.
    pub(crate) generation: Stamp,
    pub(crate) tags: Vec<(Tag, Stamp)>,
}

/// An entry that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    content: u8,
    age: Age,
    generation: &'a Stamp,
    tags: &'a [[u8; DEPENDENCY]],
    header: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads the entry of a key; `None` if these bytes are not such an entry.
    pub(crate) fn read(bytes: &'a [u8], key: &EntryKey) -> Option<Self> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
        let [FORMAT, content @ (ENCODED | ABSENT), count @ .., k0, k1, k2, k3, p0, p1, p2, p3] = *fixed else {
            return None;
        };
        let count = usize::from(u16::from_le_bytes(count));
        let key_length = u32::from_le_bytes([k0, k1, k2, k3]) as usize;
        let payload_length = u32::from_le_bytes([p0, p1, p2, p3]) as usize;
        let (age, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (tags, rest) = rest.split_at_checked(count * DEPENDENCY)?;
        let (stored_key, rest) = rest.split_at_checked(key_length)?;
        let (payload_digest, rest) = rest.split_first_chunk()?;
        let (header_digest, payload) = rest.split_first_chunk()?;
        let header = &bytes[..bytes.len() - payload.len()];
        let fits = payload.len() == payload_length
            && digest(&header[..header.len() - 8]) == u64::from_le_bytes(*header_digest)
            && digest(payload) == u64::from_le_bytes(*payload_digest)
            && is_key(stored_key, key);
        let (tags, _) = tags.as_chunks();
        fits.then_some(Self { content, age: Age::read(*age), generation, tags, header, payload })
    }

    pub(crate) fn age(&self) -> Age {
        self.age
    }

    pub(crate) fn generation(&self) -> &'a Stamp {
        self.generation
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = (Tag, Stamp)> + use<'a> {
        self.tags.iter().map(|bytes| {
            let (mut tag, mut stamp) = ([0; 8], [0; 16]);
            tag.copy_from_slice(&bytes[..8]);
            stamp.copy_from_slice(&bytes[8..]);
            (Tag(u64::from_le_bytes(tag)), stamp)
        })
    }

    pub(crate) fn payload(&self) -> Payload {
        match self.content {
            ABSENT => Payload::Absent,
            _ => Payload::Encoded(Arc::from(self.payload)),
        }
    }

    /// The header, which differs from that of every entry with other content or stamps.
    pub(crate) fn header(&self) -> &'a [u8] {
        self.header
    }
}

/// The bytes of an entry behind those of `lead`; `None` if it is too large. `payload` is `None` for the knowledge
/// that a row is absent.
pub(crate) fn write(
    lead: Vec<u8>,
    key: &EntryKey,
    dependencies: &Dependencies,
    age: Age,
    payload: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let content = if payload.is_some() { ENCODED } else { ABSENT };
    let payload = payload.unwrap_or_default();
    let room = payload.len();
    let about = About { content, payload_length: u32::try_from(room).ok()?, payload_digest: digest(payload), age };
    let mut bytes = write_header(lead, key, dependencies, about, room)?;
    bytes.extend_from_slice(payload);
    Some(bytes)
}

/// The header of an entry that has these dependencies instead of those of `header`.
pub(crate) fn renew(header: &[u8], key: &EntryKey, dependencies: &Dependencies) -> Option<Vec<u8>> {
    let (fixed, rest) = header.split_first_chunk::<FIXED>()?;
    let [_, content, _, _, _, _, _, _, p0, p1, p2, p3] = *fixed;
    let (rest, _) = rest.split_last_chunk::<8>()?;
    let (rest, payload_digest) = rest.split_last_chunk()?;
    let about = About {
        content,
        payload_length: u32::from_le_bytes([p0, p1, p2, p3]),
        payload_digest: u64::from_le_bytes(*payload_digest),
        age: Age::read(*rest.first_chunk()?),
    };
    write_header(Vec::new(), key, dependencies, about, 0)
}

/// What a header says besides key and dependencies.
#[derive(Clone, Copy)]
struct About {
    content: u8,
    payload_length: u32,
    payload_digest: u64,
    age: Age,
}

fn write_header(
    lead: Vec<u8>,
    key: &EntryKey,
    dependencies: &Dependencies,
    about: About,
    room: usize,
) -> Option<Vec<u8>> {
    let count = u16::try_from(dependencies.tags.len()).ok()?;
    let start = lead.len();
    let mut bytes = lead;
    bytes.reserve(FIXED + Age::SIZE + 16 + dependencies.tags.len() * DEPENDENCY + key.size() + 48 + room);
    bytes.extend_from_slice(&[FORMAT, about.content]);
    bytes.extend_from_slice(&count.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&about.payload_length.to_le_bytes());
    about.age.write(&mut bytes);
    bytes.extend_from_slice(&dependencies.generation);
    for (tag, stamp) in &dependencies.tags {
        bytes.extend_from_slice(&tag.0.to_le_bytes());
        bytes.extend_from_slice(stamp);
    }
    let before = bytes.len();
    write_key(key, &mut bytes);
    let key_length = u32::try_from(bytes.len() - before).ok()?;
    bytes[start + 4..start + 8].copy_from_slice(&key_length.to_le_bytes());
    bytes.extend_from_slice(&about.payload_digest.to_le_bytes());
    let header_digest = digest(&bytes[start..]);
    bytes.extend_from_slice(&header_digest.to_le_bytes());
    Some(bytes)
}

fn write_key(key: &EntryKey, out: &mut Vec<u8>) {
    match key {
        EntryKey::Object { table, key } => {
            out.push(b'o');
            out.extend_from_slice(&table.0.to_le_bytes());
            key.write_canonical(out);
        }
        EntryKey::Query { table, question } => {
            out.push(b'q');
            out.extend_from_slice(&table.0.to_le_bytes());
            out.extend_from_slice(question);
        }
    }
}

/// Whether these bytes are what [`write_key`] writes for the key.
fn is_key(bytes: &[u8], key: &EntryKey) -> bool {
    let Some((&kind, rest)) = bytes.split_first() else { return false };
    let Some((table, rest)) = rest.split_first_chunk() else { return false };
    if u64::from_le_bytes(*table) != key.table().0 {
        return false;
    }
    match key {
        EntryKey::Object { key: Key::Int(key), .. } => {
            kind == b'o' && rest.split_first().is_some_and(|(tag, rest)| *tag == 2 && rest == key.to_le_bytes())
        }
        EntryKey::Object { key, .. } => {
            let mut expected = Vec::with_capacity(40);
            key.write_canonical(&mut expected);
            kind == b'o' && rest == expected
        }
        EntryKey::Query { question, .. } => kind == b'q' && rest == &**question,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use thing_driver_api::TableId;

    use super::*;

    const AGE: Age = Age { filled: 5, time_to_live: 6, cost: 7, filler: [8; 8] };

    fn keys() -> Vec<EntryKey> {
        let table = TableId(3);
        let composite = Key::Composite([Key::Int(1), Key::Text("a".into())].into());
        let row = |key| EntryKey::Object { table, key };
        vec![
            row(Key::Int(-5)),
            row(Key::Int(5)),
            row(Key::Text("five".into())),
            row(Key::Uuid([5; 16])),
            row(composite),
            EntryKey::Object { table: TableId(4), key: Key::Int(5) },
            EntryKey::Query { table, question: [].into() },
            EntryKey::Query { table, question: [2, 5, 0, 0, 0, 0, 0, 0, 0].into() },
        ]
    }

    fn dependencies(tags: u64) -> Dependencies {
        Dependencies { generation: [9; 16], tags: (0..tags).map(|n| (Tag(n), [n as u8; 16])).collect() }
    }

    fn content(payload: &Payload) -> Option<Vec<u8>> {
        match payload {
            Payload::Encoded(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }

    #[test]
    fn entries_come_back_as_they_were_and_under_their_own_key_only() {
        for key in keys() {
            for payload in [None, Some(&b""[..]), Some(b"payload")] {
                let written = write(Vec::new(), &key, &dependencies(3), AGE, payload).expect("it fits");
                let entry = Entry::read(&written, &key).expect("it is an entry");
                assert_eq!(content(&entry.payload()), payload.map(<[u8]>::to_vec));
                assert_eq!((*entry.generation(), entry.tags().collect()), ([9; 16], dependencies(3).tags));
                assert_eq!(entry.age(), AGE);
                for other in keys().iter().filter(|other| **other != key) {
                    assert!(Entry::read(&written, other).is_none(), "{key:?} as {other:?}");
                }
            }
        }
    }

    #[test]
    fn a_renewed_header_keeps_the_content() {
        for key in keys() {
            let written = write(Vec::new(), &key, &dependencies(3), AGE, Some(b"payload")).expect("it fits");
            let header = Entry::read(&written, &key).expect("it is an entry").header();
            let renewed = renew(header, &key, &dependencies(1)).expect("it is a header");
            let renewed = [&renewed[..], &written[header.len()..]].concat();
            assert_eq!(renewed, write(Vec::new(), &key, &dependencies(1), AGE, Some(b"payload")).expect("it fits"));
        }
    }

    #[test]
    fn damaged_entries_are_none() {
        for key in keys() {
            let written = write(Vec::new(), &key, &dependencies(2), AGE, Some(b"some payload")).expect("it fits");
            for end in 0..written.len() {
                assert!(Entry::read(&written[..end], &key).is_none());
            }
            for at in 0..written.len() * 8 {
                let mut damaged = written.clone();
                damaged[at / 8] ^= 1 << (at % 8);
                assert!(Entry::read(&damaged, &key).is_none(), "bit {at}");
            }
            assert!(Entry::read(&[&written[..], b"x"].concat(), &key).is_none());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for key in keys() {
                prop_assert!(Entry::read(&bytes, &key).is_none());
                let looks_right = [&[FORMAT, ENCODED], &bytes[..]].concat();
                prop_assert!(Entry::read(&looks_right, &key).is_none());
            }
            renew(&bytes, &keys()[0], &dependencies(1));
        }
    }
}
