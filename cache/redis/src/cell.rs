//! Cells of tags as a reader sees them. They are written by scripts alone; `scripts/cell.lua` says how.

/// The stamp of a tag.
pub(crate) type Stamp = [u8; 16];

/// What a reader learns from a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// There is none, or nothing that can be read as one.
    Absent,
    /// A writer is at work.
    Marked,
    /// The stamps, newest first; not empty.
    Stamped(&'a [Stamp]),
}

impl<'a> Cell<'a> {
    pub(crate) fn read(bytes: Option<&'a [u8]>) -> Self {
        match bytes {
            Some([b'Q', ..]) => Self::Marked,
            Some([b'S', stamps @ ..]) => match stamps.as_chunks() {
                (stamps @ [_, ..], []) => Self::Stamped(stamps),
                _ => Self::Absent,
            },
            Some([b'V', rest @ ..]) => match rest.split_first_chunk::<16>() {
                Some((stamp, _)) => Self::Stamped(std::slice::from_ref(stamp)),
                None => Self::Absent,
            },
            _ => Self::Absent,
        }
    }

    /// The entry in the cell of a row.
    pub(crate) fn entry(bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.strip_prefix(b"V")?.get(16..)
    }

    /// The stamp of now.
    pub(crate) fn stamp(self) -> Option<Stamp> {
        match self {
            Self::Stamped(stamps) => stamps.first().copied(),
            _ => None,
        }
    }

    /// The stamps that came after `stamp`, each by listed changes; `None` if they are not known.
    pub(crate) fn since(self, stamp: &Stamp) -> Option<&'a [Stamp]> {
        let Self::Stamped(stamps) = self else { return None };
        let at = stamps.iter().position(|known| known == stamp)?;
        Some(&stamps[..at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_scripts_write() {
        assert_eq!(Cell::read(None), Cell::Absent);
        assert_eq!(Cell::read(Some(b"Q0001")), Cell::Marked);
        let bytes = [&b"S"[..], &[2; 16], &[1; 16]].concat();
        let cell = Cell::read(Some(&bytes));
        assert_eq!(cell.stamp(), Some([2; 16]));
        assert_eq!(cell.since(&[2; 16]), Some(&[][..]));
        assert_eq!(cell.since(&[1; 16]), Some(&[[2; 16]][..]));
        assert_eq!(cell.since(&[3; 16]), None);
        let bytes = [&b"V"[..], &[2; 16], b"entry"].concat();
        assert_eq!(Cell::read(Some(&bytes)).stamp(), Some([2; 16]));
        assert_eq!(Cell::entry(&bytes), Some(&b"entry"[..]));
    }

    #[test]
    fn anything_else_is_absent() {
        for bytes in [&b""[..], b"S", b"Sx", &[b'S'; 18], b"hello", &[0; 17], b"V", &[b'V'; 16]] {
            assert_eq!(Cell::read(Some(bytes)), Cell::Absent, "{bytes:?}");
        }
    }
}
