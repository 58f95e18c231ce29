//! Order: who reads a row twice, one read after the other, does not go back.

use crate::model::RowKey;

/// That a row was seen in one of some versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) row: RowKey,
    /// The earliest version that it may have been.
    pub(super) low: u32,
    /// The latest version that it may have been.
    pub(super) high: u32,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Hands each sighting of a version older than one that was seen before it began to `report`, behind that one.
pub(super) fn went_back(sightings: &mut [Sighting], mut report: impl FnMut(Sighting, Sighting)) {
    sightings.sort_unstable_by_key(|sighting| (sighting.row, sighting.start));
    for of_one_row in sightings.chunk_by(|a, b| a.row == b.row) {
        let mut by_end: Vec<&Sighting> = of_one_row.iter().collect();
        by_end.sort_unstable_by_key(|sighting| sighting.end);
        let mut ended = by_end.into_iter().peekable();
        let mut newest: Option<Sighting> = None;
        for later in of_one_row {
            while let Some(earlier) = ended.next_if(|earlier| earlier.end < later.start) {
                if newest.is_none_or(|newest| newest.low < earlier.low) {
                    newest = Some(*earlier);
                }
            }
            if let Some(earlier) = newest.filter(|newest| newest.low > later.high) {
                report(earlier, *later);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(version: u32, start: u64, end: u64) -> Sighting {
        Sighting { row: RowKey::item(1), low: version, high: version, start, end }
    }

    fn count(sightings: &[Sighting]) -> usize {
        let mut count = 0;
        went_back(&mut sightings.to_vec(), |_, _| count += 1);
        count
    }

    #[test]
    fn an_older_version_after_a_newer_one_is_seen() {
        assert_eq!(count(&[sighting(2, 1, 5), sighting(1, 6, 9)]), 1);
        assert_eq!(count(&[sighting(2, 1, 5), sighting(2, 6, 9), sighting(3, 10, 12)]), 0);
    }

    #[test]
    fn reads_at_the_same_time_are_in_no_order() {
        assert_eq!(count(&[sighting(2, 1, 6), sighting(1, 6, 9)]), 0);
    }

    #[test]
    fn rows_have_nothing_to_do_with_each_other() {
        let other = Sighting { row: RowKey::item(2), ..sighting(1, 6, 9) };
        assert_eq!(count(&[sighting(2, 1, 5), other]), 0);
    }

    #[test]
    fn in_doubt_a_version_is_the_one_that_fits() {
        let absent = Sighting { low: 1, high: 5, ..sighting(0, 6, 9) };
        assert_eq!(count(&[sighting(4, 1, 5), absent, sighting(3, 10, 11)]), 1);
        assert_eq!(count(&[absent, sighting(2, 10, 11)]), 0);
    }
}
