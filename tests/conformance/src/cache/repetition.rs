//! Repetition: every command is harmless when it runs twice or late.

use thing_driver_api::{Outcome, Token};

use super::Subject;
use super::subject::{LONG, SHORT, changed, object, row_tag};

/// A quarantine that runs twice is ended by one release.
pub async fn quarantine_twice(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let token = Token::random();
    subject.fill(&key, &tags, 1).await;
    subject.quarantine(&tags, token, LONG).await;
    subject.quarantine(&tags, token, LONG).await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    subject.assert_unusable(&key).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}

/// A release that runs twice costs an entry at most; it frees nothing that another writer holds.
pub async fn release_twice(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    for outcome in [Outcome::Unlisted, changed(1, 0, 1), Outcome::Nothing] {
        let token = Token::random();
        subject.quarantine(&tags, token, LONG).await;
        subject.release(&tags, token, outcome.clone()).await;
        let other = Token::random();
        subject.quarantine(&tags, other, LONG).await;
        subject.release(&tags, token, outcome.clone()).await;
        subject.assert_quarantined(&key, &tags).await;
        subject.release(&tags, other, Outcome::Unlisted).await;
        subject.fill(&key, &tags, 1).await;
        subject.release(&tags, token, outcome).await;
        subject.fill(&key, &tags, 2).await;
        subject.assert_hit(&key, 2).await;
    }
}

/// A store that runs twice stores the same; one that runs again after a write stores nothing.
pub async fn store_twice(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    subject.store(&lease, &key, &tags, 1).await;
    subject.store(&lease, &key, &tags, 1).await;
    subject.assert_hit(&key, 1).await;
    subject.write(&tags, Outcome::Unlisted).await;
    subject.store(&lease, &key, &tags, 1).await;
    subject.assert_no_hit(&key).await;
    subject.fill(&key, &tags, 2).await;
    subject.store(&lease, &key, &tags, 1).await;
    let found = subject.hit(&key).await;
    assert!(found.is_none_or(|number| number == 2), "the older value {found:?} is served");
}

/// A fill that is abandoned twice, or after its store, takes nothing away from the next.
pub async fn abandon_twice(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let first = subject.granted(&key, &tags).await;
    subject.cache().abandon(&first);
    subject.cache().abandon(&first);
    let second = subject.granted(&key, &tags).await;
    subject.cache().abandon(&first);
    assert_eq!(subject.store(&second, &key, &tags, 2).await, 1);
    subject.cache().abandon(&second);
    subject.assert_hit(&key, 2).await;
}

/// Voids that run twice forget once more.
pub async fn void_twice(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.fill(&key, &tags, 1).await;
    subject.void(&tags).await;
    subject.void(&tags).await;
    subject.assert_unusable(&key).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}

/// Tags that a command names twice count once.
pub async fn tags_named_twice(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1), row_tag(1)]);
    let token = Token::random();
    subject.fill(&key, &tags, 1).await;
    subject.assert_hit(&key, 1).await;
    subject.quarantine(&tags, token, LONG).await;
    subject.assert_quarantined(&key, &tags).await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    subject.assert_unusable(&key).await;
    subject.fill(&key, &tags, 2).await;
    subject.void(&tags).await;
    subject.assert_unusable(&key).await;
}

/// A quarantine that runs after its release stands in the way only until it lapses. (Waits for it.)
pub async fn a_late_quarantine_lapses(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let token = Token::random();
    subject.quarantine(&tags, token, SHORT).await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    subject.fill(&key, &tags, 1).await;
    subject.quarantine(&tags, token, SHORT).await;
    subject.lapsed(&tags).await;
    subject.assert_no_hit(&key).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}

/// Commands with no tags do nothing.
pub async fn commands_without_tags(subject: &Subject) {
    subject.fill(&object(1), &[row_tag(1)], 1).await;
    let token = Token::random();
    subject.quarantine(&[], token, LONG).await;
    subject.release(&[], token, Outcome::Unlisted).await;
    subject.void(&[]).await;
    subject.assert_hit(&object(1), 1).await;
}
