//! Leases: one fill at a time, and nobody waits for a fill that can't be stored any more.

use thing_driver_api::{Leased, NewEntry, Outcome, Token};

use super::subject::{LONG, TABLE, column_tag, list, object, row_tag};
use super::{Number, Subject};

/// A second fill of the same entry is told which fill is running. A client may also grant both, or decline.
pub async fn a_running_fill_is_named(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let first = subject.granted(&key, &tags).await;
    if let Leased::Held(id) = subject.lease(&key, &tags).await {
        assert_eq!(id, first.id, "the fill that runs");
    }
    assert_eq!(subject.store(&first, &key, &tags, 1).await, 1, "the first fill can be stored");
    subject.assert_hit(&key, 1).await;
    let other = subject.lease(&object(2), &[row_tag(2)]).await;
    assert!(matches!(other, Leased::Granted(_)), "another entry is not held: {other:?}");
}

/// A fill is not waited for once its tags moved: it read before the write that moved them ended.
pub async fn a_fill_that_lost_is_not_waited_for(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    for outcome in [Outcome::Unlisted, Outcome::Changed(Vec::new())] {
        let first = subject.granted(&key, &tags).await;
        let token = Token::random();
        subject.quarantine(&tags, token, LONG).await;
        let during = subject.lease(&key, &tags).await;
        assert!(matches!(during, Leased::Quarantined), "a writer is at work, but lease gives {during:?}");
        subject.release(&tags, token, outcome).await;
        let second = subject.granted(&key, &tags).await;
        assert_ne!(second.id, first.id);
        assert_eq!(subject.store(&second, &key, &tags, 2).await, 1);
        subject.assert_hit(&key, 2).await;
        subject.void(&tags).await;
    }
}

/// The same after a void.
pub async fn a_fill_that_was_voided_is_not_waited_for(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.granted(&key, &tags).await;
    subject.void(&tags).await;
    subject.fill(&key, &tags, 2).await;
    subject.granted(&key, &tags).await;
    subject.void_table(TABLE).await;
    subject.fill(&key, &tags, 3).await;
    subject.assert_hit(&key, 3).await;
}

/// A fill of a list is not waited for once one of its tags moved.
pub async fn a_list_that_lost_is_not_waited_for(subject: &Subject) {
    let (key, tags) = (list(TABLE, "all"), [column_tag("a"), column_tag("b"), column_tag("c")]);
    subject.granted(&key, &tags).await;
    subject.write(&tags[1..2], Outcome::Unlisted).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}

/// An abandoned fill makes room for another.
pub async fn an_abandoned_fill_makes_room(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    for number in 0..3 {
        let lease = subject.granted(&key, &tags).await;
        subject.cache().abandon(&lease);
        subject.assert_unusable(&key).await;
        subject.fill(&key, &tags, number).await;
        subject.assert_hit(&key, number).await;
        subject.void(&tags).await;
    }
}

/// A fill that ended by its store makes room for another.
pub async fn a_store_ends_the_fill(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    subject.store(&lease, &key, &tags, 1).await;
    subject.granted(&key, &tags).await;
}

/// A store without entries ends the fill too.
pub async fn an_empty_store_ends_the_fill(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    let kept = subject.cache().store(&lease, Vec::new()).await;
    assert_eq!(kept.expect("the cache answers"), 0);
    subject.fill(&key, &tags, 1).await;
    subject.assert_hit(&key, 1).await;
}

/// A refused store ends the fill too.
pub async fn a_refused_store_ends_the_fill(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    subject.write(&tags, Outcome::Unlisted).await;
    subject.store(&lease, &key, &tags, 1).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}

/// Stores under several leases at once: those whose tags moved are dropped, the others kept.
pub async fn several_stores_at_once(subject: &Subject) {
    let mut fills = Vec::new();
    for n in 0..4 {
        let lease = subject.granted(&object(n), &[row_tag(n)]).await;
        let entry = NewEntry::new(object(n), vec![row_tag(n)], Number::new(n as u64).payload());
        fills.push((lease, vec![entry]));
    }
    subject.void(&[row_tag(2)]).await;
    let kept = subject.cache().store_many(fills).await.expect("the cache answers");
    assert_eq!(kept, 3);
    for n in [0, 1, 3] {
        subject.assert_hit(&object(n), n as u64).await;
    }
    subject.assert_unusable(&object(2)).await;
}
