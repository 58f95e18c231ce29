//! Writers at work and the tags they mark.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use thing_driver_api::{Tag, Token};

use crate::entries::DigestHasher;

/// Who marks which tag. Bounded by the writers at work, each for the time it asked for.
#[derive(Debug, Default)]
pub(super) struct Writers {
    at_work: HashMap<Token, Writer, DigestHasher>,
    /// The number of writers that mark each tag.
    marks: HashMap<Tag, usize, DigestHasher>,
    /// No deadline is before this.
    earliest: Option<Duration>,
}

#[derive(Debug)]
struct Writer {
    tags: HashSet<Tag, DigestHasher>,
    deadline: Duration,
}

impl Writers {
    /// Whether any tag is marked.
    pub(super) fn any(&self) -> bool {
        !self.marks.is_empty()
    }

    pub(super) fn is_at_work(&self, token: Token) -> bool {
        self.at_work.contains_key(&token)
    }

    pub(super) fn is_marked(&self, tag: Tag) -> bool {
        !self.marks.is_empty() && self.marks.contains_key(&tag)
    }

    /// Marks the tags for a writer until the deadline, or the later one that it has.
    pub(super) fn mark(&mut self, tags: &[Tag], token: Token, deadline: Duration) {
        if tags.is_empty() {
            return;
        }
        let writer = self.at_work.entry(token).or_insert_with(|| Writer { tags: HashSet::default(), deadline });
        writer.deadline = writer.deadline.max(deadline);
        for &tag in tags {
            if writer.tags.insert(tag) {
                *self.marks.entry(tag).or_default() += 1;
            }
        }
        self.earliest = Some(self.earliest.map_or(deadline, |earliest| earliest.min(deadline)));
    }

    /// Takes the writer's mark from a tag; false if it wasn't there.
    pub(super) fn unmark(&mut self, tag: Tag, token: Token) -> bool {
        let Some(writer) = self.at_work.get_mut(&token) else {
            return false;
        };
        if !writer.tags.remove(&tag) {
            return false;
        }
        if writer.tags.is_empty() {
            self.at_work.remove(&token);
        }
        self.take_mark(tag);
        true
    }

    /// Takes away the writers whose time is over, and returns the tags of each.
    pub(super) fn lapse(&mut self, now: Duration) -> Vec<HashSet<Tag, DigestHasher>> {
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return Vec::new();
        }
        let lapsed: Vec<_> =
            self.at_work.extract_if(|_, writer| writer.deadline <= now).map(|(_, writer)| writer.tags).collect();
        for &tag in lapsed.iter().flatten() {
            self.take_mark(tag);
        }
        self.earliest = self.at_work.values().map(|writer| writer.deadline).min();
        lapsed
    }

    fn take_mark(&mut self, tag: Tag) {
        if let Some(writers) = self.marks.get_mut(&tag) {
            *writers -= 1;
            if *writers == 0 {
                self.marks.remove(&tag);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: Tag = Tag(1);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_tag_is_marked_until_its_last_writer_leaves() {
        let mut writers = Writers::default();
        writers.mark(&[TAG, TAG], Token(1), SECOND);
        writers.mark(&[TAG], Token(1), SECOND);
        writers.mark(&[TAG], Token(2), SECOND);
        assert!(writers.unmark(TAG, Token(1)));
        assert!(!writers.unmark(TAG, Token(1)));
        assert!(writers.is_marked(TAG));
        assert!(writers.unmark(TAG, Token(2)));
        assert!(!writers.is_marked(TAG));
        assert!(writers.at_work.is_empty());
    }

    #[test]
    fn a_mark_lapses_at_its_deadline_and_not_before_the_prolonged_one() {
        let mut writers = Writers::default();
        writers.mark(&[TAG], Token(1), SECOND);
        writers.mark(&[TAG], Token(1), 3 * SECOND);
        writers.mark(&[TAG], Token(1), SECOND);
        assert!(writers.lapse(2 * SECOND).is_empty());
        assert!(writers.is_marked(TAG));
        let lapsed = writers.lapse(3 * SECOND);
        assert_eq!(lapsed.len(), 1);
        assert!(lapsed[0].contains(&TAG));
        assert!(!writers.is_marked(TAG));
        assert!(!writers.unmark(TAG, Token(1)));
    }
}
