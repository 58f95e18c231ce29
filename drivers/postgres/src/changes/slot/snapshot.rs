//! Snapshots: which transactions a read that begins now sees.
//!
//! The log holds the commit of a transaction before others see what it did: the server waits for replicas in between,
//! where it is told to. Who was told before that would read, and keep, the rows as they were.

/// What `pg_current_snapshot()` says: `xmin:xmax:xip,xip`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    end: u64,
    in_progress: Vec<u64>,
}

impl Snapshot {
    /// Reads it; `None` for anything else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let _: u64 = parts.next()?.parse().ok()?;
        let end = parts.next()?.parse().ok()?;
        let in_progress = parts.next()?.split(',').filter(|number| !number.is_empty());
        let in_progress = in_progress.map(|number| number.parse().ok()).collect::<Option<_>>()?;
        parts.next().is_none().then_some(Self { end, in_progress })
    }

    /// Whether a transaction that has committed is seen. Its number has 32 bits, which are compared around the circle.
    pub(super) fn sees(&self, transaction: u32) -> bool {
        let began = (transaction.wrapping_sub(self.end as u32) as i32) < 0;
        began && !self.in_progress.iter().any(|&other| other as u32 == transaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_sees_what_ended_before_it() {
        let snapshot = Snapshot::read("10:20:10,14").unwrap_or_else(|| panic!("it is a snapshot"));
        for (transaction, seen) in
            [(9, true), (10, false), (11, true), (14, false), (19, true), (20, false), (21, false)]
        {
            assert_eq!(snapshot.sees(transaction), seen, "{transaction}");
        }
        assert_eq!(Snapshot::read("20:20:").map(|snapshot| snapshot.sees(19)), Some(true));
    }

    #[test]
    fn numbers_go_around() {
        let snapshot = Snapshot::read("4294967290:4294967300:4294967295").unwrap_or_else(|| panic!("it is a snapshot"));
        assert!(snapshot.sees(u32::MAX - 1) && !snapshot.sees(u32::MAX) && snapshot.sees(3) && !snapshot.sees(4));
    }

    #[test]
    fn what_is_no_snapshot_is_none() {
        for text in ["", "1", "1:2", "1:2:x", "1:2:3:4", "a:2:"] {
            assert_eq!(Snapshot::read(text), None, "{text}");
        }
    }
}
