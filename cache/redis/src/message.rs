//! Messages to the near caches of other clients, as bytes.
//!
//! ```text
//! format · kind · client that sends (16) · content · digest (8)
//!
//! quarantine  token (16) · milliseconds (8) · tag (8)*
//! release     token (16) · outcome · number of tags (4) · tag (8)* · (table (8) · length (4) · record)*
//! void        tag (8)*
//! table       table (8)
//! sync        barrier (16)
//! ```
//!
//! Numbers are little-endian, the record is that of the [log](crate::log). Whatever does not fit exactly is no message:
//! a stream that gets such a thing does not know what it missed.

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{Change, Invalidation, Outcome, TableId, Tag, Token, digest};

use crate::config::milliseconds;
use crate::log;

const FORMAT: u8 = 0xd1;
const QUARANTINE: u8 = b'q';
const RELEASE: u8 = b'r';
const VOID: u8 = b'v';
const TABLE: u8 = b't';
const SYNC: u8 = b's';

const CHANGED: u8 = b'c';
const UNLISTED: u8 = b'u';
const NOTHING: u8 = b'n';

/// Tags of one message. More are sent in several, which a server handles one after the other.
const MAX_TAGS: usize = 1000;
/// Bytes of changes in one message. What depends on the tags of larger writes is read again.
const MAX_CHANGES: usize = 16 << 10;
/// The stamp in records of messages, where nothing is found by it.
const NO_STAMP: [u8; 16] = [0; 16];

/// Identifies a client, or a barrier.
pub(crate) type Id = [u8; 16];

/// What a client tells others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told<'a> {
    Quarantined { token: Token, duration: Duration },
    Released { token: Token, outcome: &'a Outcome },
    Voided,
}

/// A message that was read.
#[derive(Debug)]
pub(crate) enum Message {
    Told(Invalidation),
    /// The sender wants to know when everything before has taken effect.
    Sync {
        barrier: Id,
    },
}

/// The messages that tell this of tags.
pub(crate) fn tell(sender: &Id, told: Told<'_>, tags: &[Tag]) -> Vec<Vec<u8>> {
    let changes = match told {
        Told::Released { outcome: Outcome::Changed(changes), .. } => write_changes(changes),
        _ => None,
    };
    let of = |tags: &[Tag]| match told {
        Told::Quarantined { token, duration } => {
            let mut message = begin(QUARANTINE, sender);
            message.extend_from_slice(&token.0.to_le_bytes());
            message.extend_from_slice(&milliseconds(duration).to_le_bytes());
            write_tags(tags, &mut message);
            seal(message)
        }
        Told::Released { token, outcome } => {
            let mut message = begin(RELEASE, sender);
            message.extend_from_slice(&token.0.to_le_bytes());
            message.push(match (outcome, &changes) {
                (Outcome::Nothing, _) => NOTHING,
                (Outcome::Changed(_), Some(_)) => CHANGED,
                _ => UNLISTED,
            });
            // At most `MAX_TAGS`.
            message.extend_from_slice(&(tags.len() as u32).to_le_bytes());
            write_tags(tags, &mut message);
            message.extend_from_slice(changes.as_deref().unwrap_or_default());
            seal(message)
        }
        Told::Voided => {
            let mut message = begin(VOID, sender);
            write_tags(tags, &mut message);
            seal(message)
        }
    };
    tags.chunks(MAX_TAGS).map(of).collect()
}

/// The message that a table is forgotten.
pub(crate) fn table(sender: &Id, table: TableId) -> Vec<u8> {
    let mut message = begin(TABLE, sender);
    message.extend_from_slice(&table.0.to_le_bytes());
    seal(message)
}

/// The message that asks for an acknowledgement.
pub(crate) fn sync(sender: &Id, barrier: &Id) -> Vec<u8> {
    let mut message = begin(SYNC, sender);
    message.extend_from_slice(barrier);
    seal(message)
}

/// Reads a message and its sender; `None` if these bytes are none.
pub(crate) fn read(bytes: &[u8]) -> Option<(Id, Message)> {
    let (sealed, stored) = bytes.split_last_chunk()?;
    if digest(sealed) != u64::from_le_bytes(*stored) {
        return None;
    }
    let mut rest = sealed.strip_prefix(&[FORMAT])?;
    let [kind] = take(&mut rest)?;
    let sender = take(&mut rest)?;
    let message = match kind {
        QUARANTINE => {
            let token = Token(u128::from_le_bytes(take(&mut rest)?));
            let duration = Duration::from_millis(u64::from_le_bytes(take(&mut rest)?));
            Message::Told(Invalidation::Quarantined { tags: read_tags(&mut rest)?, token, duration })
        }
        RELEASE => Message::Told(read_release(&mut rest)?),
        VOID => Message::Told(Invalidation::Voided(read_tags(&mut rest)?)),
        TABLE => Message::Told(Invalidation::VoidedTable(TableId(u64::from_le_bytes(take(&mut rest)?)))),
        SYNC => Message::Sync { barrier: take(&mut rest)? },
        _ => return None,
    };
    rest.is_empty().then_some((sender, message))
}

fn read_release(rest: &mut &[u8]) -> Option<Invalidation> {
    let token = Token(u128::from_le_bytes(take(rest)?));
    let [outcome] = take(rest)?;
    let count = u32::from_le_bytes(take(rest)?) as usize;
    let mut tags = rest.split_off(..count.checked_mul(8)?)?;
    let tags = read_tags(&mut tags)?;
    let outcome = match outcome {
        NOTHING => Outcome::Nothing,
        UNLISTED => Outcome::Unlisted,
        CHANGED => Outcome::Changed(read_changes(rest)?),
        _ => return None,
    };
    Some(Invalidation::Released { tags, token, outcome })
}

/// A record for each table; `None` if they are too large.
fn write_changes(changes: &[Arc<Change>]) -> Option<Vec<u8>> {
    let mut tables: Vec<TableId> = changes.iter().map(|change| change.table).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut bytes = Vec::new();
    for table in tables {
        let of_table = changes.iter().filter(|change| change.table == table).map(|change| &**change);
        let record = log::write(&NO_STAMP, of_table)?;
        bytes.extend_from_slice(&table.0.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(record.len()).ok()?.to_le_bytes());
        bytes.extend_from_slice(&record);
        if bytes.len() > MAX_CHANGES {
            return None;
        }
    }
    Some(bytes)
}

fn read_changes(rest: &mut &[u8]) -> Option<Vec<Arc<Change>>> {
    let mut changes = Vec::new();
    while !rest.is_empty() {
        let table = TableId(u64::from_le_bytes(take(rest)?));
        let length = u32::from_le_bytes(take(rest)?) as usize;
        changes.extend(log::read(rest.split_off(..length)?, &NO_STAMP, table)?);
    }
    Some(changes)
}

fn write_tags(tags: &[Tag], out: &mut Vec<u8>) {
    tags.iter().for_each(|tag| out.extend_from_slice(&tag.0.to_le_bytes()));
}

/// All that is left.
fn read_tags(rest: &mut &[u8]) -> Option<Vec<Tag>> {
    let (tags, []) = std::mem::take(rest).as_chunks() else { return None };
    Some(tags.iter().map(|tag| Tag(u64::from_le_bytes(*tag))).collect())
}

fn begin(kind: u8, sender: &Id) -> Vec<u8> {
    let mut message = Vec::with_capacity(128);
    message.extend_from_slice(&[FORMAT, kind]);
    message.extend_from_slice(sender);
    message
}

fn seal(mut message: Vec<u8>) -> Vec<u8> {
    let seal = digest(&message);
    message.extend_from_slice(&seal.to_le_bytes());
    message
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use thing_driver_api::{ColumnSet, Key, RowImage, Value};

    use super::*;

    const SENDER: Id = [7; 16];

    fn change(table: u64, text: &str) -> Arc<Change> {
        let image = RowImage::Row([Some(Value::Text(text.to_owned().into()))].into());
        Arc::new(Change::new(TableId(table), Key::Int(1), ColumnSet::ALL, RowImage::Absent, image))
    }

    fn outcomes() -> Vec<Outcome> {
        let changes = [vec![], vec![change(1, "a")], vec![change(1, "a"), change(2, "b"), change(1, "c")]];
        changes.into_iter().map(Outcome::Changed).chain([Outcome::Unlisted, Outcome::Nothing]).collect()
    }

    /// One of each kind.
    fn messages() -> Vec<Vec<u8>> {
        let (tags, token) = ([Tag(1), Tag(u64::MAX)], Token(5));
        let mut messages = tell(&SENDER, Told::Voided, &tags);
        messages.extend(tell(&SENDER, Told::Quarantined { token, duration: Duration::from_secs(5) }, &tags));
        for outcome in &outcomes() {
            messages.extend(tell(&SENDER, Told::Released { token, outcome }, &tags));
        }
        messages.extend([table(&SENDER, TableId(9)), sync(&SENDER, &[8; 16])]);
        messages
    }

    fn text(bytes: &[u8]) -> String {
        let (sender, message) = read(bytes).expect("it is a message");
        assert_eq!(sender, SENDER);
        format!("{message:?}")
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let (tags, token) = (vec![Tag(1), Tag(u64::MAX)], Token(5));
        let told = |invalidation| format!("{:?}", Message::Told(invalidation));
        let mut expected = vec![
            told(Invalidation::Voided(tags.clone())),
            told(Invalidation::Quarantined { tags: tags.clone(), token, duration: Duration::from_secs(5) }),
        ];
        let by_table = |mut outcome| {
            if let Outcome::Changed(changes) = &mut outcome {
                changes.sort_by_key(|change| change.table);
            }
            outcome
        };
        let released = |outcome| Invalidation::Released { tags: tags.clone(), token, outcome: by_table(outcome) };
        expected.extend(outcomes().into_iter().map(|outcome| told(released(outcome))));
        expected.push(told(Invalidation::VoidedTable(TableId(9))));
        expected.push(format!("{:?}", Message::Sync { barrier: [8; 16] }));
        assert_eq!(messages().iter().map(|bytes| text(bytes)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn large_changes_are_unlisted_and_many_tags_are_several_messages() {
        let (tags, token) = ([Tag(1)], Token(5));
        let outcome = Outcome::Changed((0..20).map(|table| change(table, &"x".repeat(1000))).collect());
        let messages = tell(&SENDER, Told::Released { token, outcome: &outcome }, &tags);
        assert_eq!(messages.len(), 1);
        assert!(text(&messages[0]).contains("Unlisted"));
        let tags: Vec<Tag> = (0..2500).map(Tag).collect();
        let mut told = Vec::new();
        for message in tell(&SENDER, Told::Voided, &tags) {
            let Some((_, Message::Told(Invalidation::Voided(tags)))) = read(&message) else { panic!("a void") };
            told.extend(tags);
        }
        assert_eq!(told, tags);
        assert!(tell(&SENDER, Told::Voided, &[]).is_empty());
    }

    #[test]
    fn damaged_messages_are_none() {
        for message in messages() {
            for end in 0..message.len() {
                assert!(read(&message[..end]).is_none());
            }
            for at in 0..message.len() * 8 {
                let mut damaged = message.clone();
                damaged[at / 8] ^= 1 << (at % 8);
                assert!(read(&damaged).is_none(), "bit {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_none(kind in any::<u8>(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes).is_none());
            let mut looks_right = begin(kind, &SENDER);
            looks_right.extend_from_slice(&bytes);
            // Sealed nonsense may be a message by chance; reading it must only not panic.
            let _ = read(&seal(looks_right));
        }
    }
}
