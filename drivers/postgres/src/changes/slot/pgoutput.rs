//! The messages of the plugin `pgoutput`, version 1.
//!
//! See "Logical Replication Message Formats" in PostgreSQL's manual: a letter, then fields of fixed width in network
//! order and strings that end with a zero byte.

/// One message.
#[derive(Debug, PartialEq)]
pub(super) enum Message<'a> {
    /// A transaction begins, of which only a committed one is sent.
    Begin {
        transaction: u32,
    },
    /// It ends; behind it the log is at `end`.
    Commit {
        end: u64,
    },
    /// What a number means from here on.
    Relation {
        number: u32,
        schema: &'a str,
        name: &'a str,
        columns: Vec<&'a str>,
    },
    Insert {
        relation: u32,
        new: Vec<Cell<'a>>,
    },
    /// `old` is the whole row before; `None` where the table does not log it.
    Update {
        relation: u32,
        old: Option<Vec<Cell<'a>>>,
        new: Vec<Cell<'a>>,
    },
    Delete {
        relation: u32,
        old: Option<Vec<Cell<'a>>>,
    },
    Truncate {
        relations: Vec<u32>,
    },
    /// Something that is not about rows.
    Other,
}

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    /// A long value that is as it was.
    Unchanged,
    Text(&'a str),
}

/// Reads one message; `None` for what is none.
pub(super) fn read(bytes: &[u8]) -> Option<Message<'_>> {
    let mut rest = Reader(bytes);
    let message = match rest.byte()? {
        b'B' => {
            rest.take(16)?;
            Message::Begin { transaction: rest.u32()? }
        }
        b'C' => {
            rest.take(9)?;
            let end = rest.u64()?;
            rest.take(8)?;
            Message::Commit { end }
        }
        b'R' => rest.relation()?,
        b'I' => {
            let relation = rest.u32()?;
            rest.tag(b'N')?;
            Message::Insert { relation, new: rest.row()? }
        }
        b'U' => {
            let relation = rest.u32()?;
            let mut tag = rest.byte()?;
            let mut old = None;
            if tag != b'N' {
                old = rest.old(tag)?;
                tag = rest.byte()?;
            }
            if tag != b'N' {
                return None;
            }
            Message::Update { relation, old, new: rest.row()? }
        }
        b'D' => {
            let relation = rest.u32()?;
            let tag = rest.byte()?;
            Message::Delete { relation, old: rest.old(tag)? }
        }
        b'T' => {
            let count = rest.u32()?;
            rest.byte()?;
            let relations: Option<Vec<u32>> = (0..count).map(|_| rest.u32()).collect();
            Message::Truncate { relations: relations? }
        }
        b'O' | b'Y' | b'M' => return Some(Message::Other),
        _ => return None,
    };
    rest.0.is_empty().then_some(message)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn tag(&mut self, tag: u8) -> Option<()> {
        (self.byte()? == tag).then_some(())
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn string(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|&byte| byte == 0)?;
        let text = std::str::from_utf8(self.take(end)?).ok()?;
        self.take(1)?;
        Some(text)
    }

    fn relation(&mut self) -> Option<Message<'a>> {
        let (number, schema, name) = (self.u32()?, self.string()?, self.string()?);
        self.byte()?;
        let count = self.u16()?;
        let columns: Option<Vec<&str>> = (0..count)
            .map(|_| {
                self.byte()?;
                let name = self.string()?;
                self.take(8)?;
                Some(name)
            })
            .collect();
        Some(Message::Relation { number, schema, name, columns: columns? })
    }

    /// The row before: whole behind an `O`, its key alone behind a `K`.
    fn old(&mut self, tag: u8) -> Option<Option<Vec<Cell<'a>>>> {
        let row = self.row()?;
        match tag {
            b'O' => Some(Some(row)),
            b'K' => Some(None),
            _ => None,
        }
    }

    fn row(&mut self) -> Option<Vec<Cell<'a>>> {
        let count = self.u16()?;
        (0..count).map(|_| self.cell()).collect()
    }

    fn cell(&mut self) -> Option<Cell<'a>> {
        match self.byte()? {
            b'n' => Some(Cell::Null),
            b'u' => Some(Cell::Unchanged),
            b't' => {
                let length = usize::try_from(self.u32()?).ok()?;
                std::str::from_utf8(self.take(length)?).ok().map(Cell::Text)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One message of each sort, as a server sends it.
    fn samples() -> Vec<(Vec<u8>, Message<'static>)> {
        let row = |out: &mut Vec<u8>, id: &[u8]| {
            out.extend_from_slice(&[0, 3, b't', 0, 0, 0, id.len() as u8]);
            out.extend_from_slice(id);
            out.extend_from_slice(b"nu");
        };
        let cells = |id| vec![Cell::Text(id), Cell::Null, Cell::Unchanged];
        let message = |parts: &[&[u8]]| parts.concat();
        let mut insert = message(&[b"I", &7_u32.to_be_bytes(), b"N"]);
        row(&mut insert, b"1");
        let mut update = message(&[b"U", &7_u32.to_be_bytes(), b"O"]);
        row(&mut update, b"1");
        update.push(b'N');
        row(&mut update, b"2");
        let mut blind = message(&[b"U", &7_u32.to_be_bytes(), b"N"]);
        row(&mut blind, b"2");
        let mut delete = message(&[b"D", &7_u32.to_be_bytes(), b"K"]);
        row(&mut delete, b"1");
        let relation = message(&[
            b"R",
            &7_u32.to_be_bytes(),
            b"public\0items\0f",
            &[0, 2, 1],
            b"id\0",
            &[0; 8],
            &[0],
            b"name\0",
            &[0; 8],
        ]);
        vec![
            (message(&[b"B", &[0; 16], &9_u32.to_be_bytes()]), Message::Begin { transaction: 9 }),
            (message(&[b"C", &[0; 9], &258_u64.to_be_bytes(), &[0; 8]]), Message::Commit { end: 258 }),
            (relation, Message::Relation { number: 7, schema: "public", name: "items", columns: vec!["id", "name"] }),
            (insert, Message::Insert { relation: 7, new: cells("1") }),
            (update, Message::Update { relation: 7, old: Some(cells("1")), new: cells("2") }),
            (blind, Message::Update { relation: 7, old: None, new: cells("2") }),
            (delete, Message::Delete { relation: 7, old: None }),
            (
                message(&[b"T", &2_u32.to_be_bytes(), &[0], &7_u32.to_be_bytes(), &8_u32.to_be_bytes()]),
                Message::Truncate { relations: vec![7, 8] },
            ),
        ]
    }

    #[test]
    fn messages_are_read() {
        for (bytes, message) in samples() {
            assert_eq!(read(&bytes), Some(message));
        }
        assert_eq!(read(b"Oanything"), Some(Message::Other));
    }

    #[test]
    fn what_is_cut_or_too_long_is_no_message() {
        for (bytes, message) in samples() {
            for end in 0..bytes.len() {
                assert_eq!(read(&bytes[..end]), None, "{message:?} cut at {end}");
            }
            assert_eq!(read(&[&bytes[..], b"x"].concat()), None, "{message:?} with more");
        }
        assert_eq!(read(b"Z"), None);
    }

    #[test]
    fn no_damage_makes_the_reader_fail_otherwise() {
        for (bytes, _) in samples() {
            for at in 0..bytes.len() {
                for value in [0, 1, b'N', b't', 0x7f, 0x80, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[at] = value;
                    // Read as another message, or not at all.
                    let _ = read(&damaged);
                }
            }
        }
    }
}
