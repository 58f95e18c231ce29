//! What is broken at the moment.

use std::time::Duration;

use super::Direction;

#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) refuse: bool,
    pub(super) delay: Duration,
    to_server: Way,
    to_client: Way,
}

/// The faults of one direction.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) stalled: bool,
    pub(super) black_hole: bool,
    /// How many bytes may pass before a connection is reset.
    pub(super) remaining: Option<u64>,
}

impl Faults {
    pub(super) fn way(&mut self, direction: Direction) -> &mut Way {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    pub(super) fn is_stalled(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToServer => self.to_server.stalled,
            Direction::ToClient => self.to_client.stalled,
        }
    }
}

/// What becomes of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Whole,
    Swallowed,
    /// So many bytes pass, and then the connection is reset.
    Cut(usize),
}

impl Way {
    /// Decides about a chunk of `length` bytes, which is not zero.
    pub(super) fn pass(&mut self, length: usize) -> Passage {
        if self.black_hole {
            return Passage::Swallowed;
        }
        match self.remaining {
            None => Passage::Whole,
            Some(remaining) if remaining > length as u64 => {
                self.remaining = Some(remaining - length as u64);
                Passage::Whole
            }
            Some(remaining) => {
                self.remaining = None;
                // It is at most the length.
                Passage::Cut(remaining as usize)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Passage, Way};

    #[test]
    fn the_chunk_with_the_last_byte_is_cut_and_the_next_one_passes() {
        let mut way = Way { remaining: Some(10), ..Way::default() };
        assert_eq!(way.pass(4), Passage::Whole);
        assert_eq!(way.pass(6), Passage::Cut(6));
        assert_eq!(way.pass(6), Passage::Whole);
    }

    #[test]
    fn nothing_remaining_cuts_before_the_first_byte() {
        let mut way = Way { remaining: Some(0), ..Way::default() };
        assert_eq!(way.pass(1), Passage::Cut(0));
    }

    #[test]
    fn swallowed_bytes_are_not_counted() {
        let mut way = Way { remaining: Some(1), black_hole: true, ..Way::default() };
        assert_eq!(way.pass(5), Passage::Swallowed);
        assert_eq!(way.remaining, Some(1));
    }
}
