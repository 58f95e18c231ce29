//! Quarantine: between its begin and its end, nothing is served and nothing stored.

use thing_driver_api::{EntryKey, Found, Outcome, Peek, Token};

use super::Subject;
use super::subject::{LONG, SHORT, TABLE, changed, column_tag, list, object, row_tag};

/// While a writer is at work, the entry is not served and no fill begins.
pub async fn it_hides_entries(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.fill(&key, &tags, 1).await;
    subject.quarantine(&tags, Token::random(), LONG).await;
    assert!(matches!(subject.cache().peek(&key), Peek::Unknown));
    subject.assert_quarantined(&key, &tags).await;
}

/// Entries that depend on other tags stay.
pub async fn it_leaves_other_entries_alone(subject: &Subject) {
    subject.fill(&object(1), &[row_tag(1)], 1).await;
    subject.fill(&object(2), &[row_tag(2)], 2).await;
    subject.fill(&list_of("a"), &[column_tag("a")], 3).await;
    subject.write(&[row_tag(1), column_tag("b")], changed(1, 0, 1)).await;
    subject.assert_no_hit(&object(1)).await;
    subject.assert_hit(&object(2), 2).await;
    subject.assert_hit(&list_of("a"), 3).await;
}

fn list_of(column: &str) -> EntryKey {
    list(TABLE, column)
}

/// A row that nobody has read yet can be quarantined, as an insert does.
pub async fn it_needs_no_entry(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let token = Token::random();
    subject.quarantine(&tags, token, LONG).await;
    subject.assert_quarantined(&key, &tags).await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    subject.fill(&key, &tags, 1).await;
    subject.assert_hit(&key, 1).await;
}

/// A fill that began before is not stored while the writer is at work.
pub async fn a_running_fill_is_refused(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    let token = Token::random();
    subject.quarantine(&tags, token, LONG).await;
    assert_eq!(subject.store(&lease, &key, &tags, 1).await, 0, "what a late fill brings is dropped");
    subject.assert_unusable(&key).await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    subject.assert_unusable(&key).await;
}

/// After the release the old entry is gone and a new fill is served.
pub async fn release_gives_life_to_new_fills_only(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    for outcome in [Outcome::Unlisted, changed(1, 1, 2)] {
        subject.fill(&key, &tags, 1).await;
        subject.write(&tags, outcome).await;
        subject.assert_no_hit(&key).await;
        subject.fill(&key, &tags, 2).await;
        subject.assert_hit(&key, 2).await;
    }
}

/// A fill that began before the writer and comes after it is refused, whatever the writer says that it did.
pub async fn a_late_store_is_refused(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    for outcome in [Outcome::Unlisted, changed(1, 1, 2), Outcome::Changed(Vec::new())] {
        let lease = subject.granted(&key, &tags).await;
        subject.write(&tags, outcome).await;
        subject.store(&lease, &key, &tags, 1).await;
        subject.assert_no_hit(&key).await;
        subject.void(&tags).await;
    }
}

/// A fill that comes late does not take the place of the newer entry.
pub async fn a_late_store_does_not_replace_a_newer_entry(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    subject.write(&tags, Outcome::Unlisted).await;
    subject.fill(&key, &tags, 2).await;
    subject.store(&lease, &key, &tags, 1).await;
    let found = subject.hit(&key).await;
    assert!(found.is_none_or(|number| number == 2), "the older value {found:?} is served");
}

/// Two writers are two tokens: the release of one leaves the other.
pub async fn writers_are_a_set(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.fill(&key, &tags, 1).await;
    let (first, second) = (Token::random(), Token::random());
    subject.quarantine(&tags, first, LONG).await;
    subject.quarantine(&tags, second, LONG).await;
    subject.release(&tags, first, Outcome::Unlisted).await;
    subject.assert_quarantined(&key, &tags).await;
    subject.release(&tags, second, Outcome::Unlisted).await;
    subject.assert_unusable(&key).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}

/// "Nothing happened" of one writer does not bring back what another changed, in whatever order they end.
pub async fn nothing_of_one_is_not_nothing_of_all(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    for nothing_first in [true, false] {
        for other in [Outcome::Unlisted, changed(1, 1, 2)] {
            subject.fill(&key, &tags, 1).await;
            let (idle, busy) = (Token::random(), Token::random());
            subject.quarantine(&tags, idle, LONG).await;
            subject.quarantine(&tags, busy, LONG).await;
            if nothing_first {
                subject.release(&tags, idle, Outcome::Nothing).await;
                subject.release(&tags, busy, other).await;
            } else {
                subject.release(&tags, busy, other).await;
                subject.release(&tags, idle, Outcome::Nothing).await;
            }
            subject.assert_no_hit(&key).await;
            subject.void(&tags).await;
        }
    }
}

/// After "nothing happened" the entry may be served again, as it was; a new fill works.
pub async fn nothing_may_keep_the_entry(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.fill(&key, &tags, 1).await;
    let lease = subject.granted(&object(2), &[row_tag(2)]).await;
    subject.write(&[row_tag(1), row_tag(2)], Outcome::Nothing).await;
    match subject.found(&key).await {
        Found::Hit(_) => subject.assert_hit(&key, 1).await,
        Found::Miss => {}
        other => panic!("nothing happened and nobody is at work, but load gives {other:?}"),
    }
    if subject.store(&lease, &object(2), &[row_tag(2)], 2).await == 1 {
        subject.assert_hit(&object(2), 2).await;
    }
    subject.fill(&key, &tags, 3).await;
    subject.assert_hit(&key, 3).await;
}

/// The release of a token that is not there voids the tag: its quarantine may have lapsed before the commit.
pub async fn release_of_an_unknown_token_voids(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    for outcome in [Outcome::Unlisted, changed(1, 1, 2)] {
        subject.fill(&key, &tags, 1).await;
        let lease = subject.granted(&key, &tags).await;
        subject.release(&tags, Token::random(), outcome).await;
        subject.assert_no_hit(&key).await;
        subject.store(&lease, &key, &tags, 1).await;
        subject.assert_no_hit(&key).await;
        subject.void(&tags).await;
    }
}

/// The release of an unknown token leaves another writer's quarantine alone.
pub async fn release_of_an_unknown_token_leaves_others(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.quarantine(&tags, Token::random(), LONG).await;
    subject.release(&tags, Token::random(), Outcome::Unlisted).await;
    subject.assert_quarantined(&key, &tags).await;
}

/// A quarantine that is never released lapses: what was there before is not served, and what is filled after it is.
/// (Waits for it.)
pub async fn it_lapses(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.fill(&key, &tags, 1).await;
    subject.quarantine(&tags, Token::random(), SHORT).await;
    subject.lapsed(&tags).await;
    // Where several processes have it, each measures the time from when it heard of the writer.
    tokio::time::sleep(SHORT).await;
    subject.assert_no_hit(&key).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}

/// A fill that began before a quarantine and comes after it lapsed is refused. (Waits for it.)
pub async fn a_store_after_the_lapse_is_refused(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    subject.quarantine(&tags, Token::random(), SHORT).await;
    tokio::time::sleep(SHORT * 2).await;
    subject.store(&lease, &key, &tags, 1).await;
    subject.assert_no_hit(&key).await;
    subject.lapsed(&tags).await;
    subject.assert_no_hit(&key).await;
}

/// A release that comes after the lapse voids what was stored in between: it may be older than the commit. (Waits for
/// it.)
pub async fn a_release_after_the_lapse_voids(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let token = Token::random();
    subject.quarantine(&tags, token, SHORT).await;
    subject.lapsed(&tags).await;
    subject.fill(&key, &tags, 1).await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    subject.assert_unusable(&key).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}

/// Quarantine by the same token prolongs it. (Waits for the first to lapse.)
pub async fn repeating_it_prolongs(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let token = Token::random();
    subject.quarantine(&tags, token, SHORT).await;
    subject.quarantine(&tags, token, LONG).await;
    tokio::time::sleep(SHORT * 3).await;
    subject.assert_quarantined(&key, &tags).await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    subject.fill(&key, &tags, 1).await;
    subject.assert_hit(&key, 1).await;
}

/// A writer that goes away leaves the quarantine of another in force, in whatever order they came. (Waits for the lapse
/// of one.)
pub async fn a_short_one_does_not_end_a_long_one(subject: &Subject) {
    for (number, durations) in [(1, [SHORT, LONG]), (2, [LONG, SHORT])] {
        let (key, tags) = (object(number), [row_tag(number)]);
        for duration in durations {
            subject.quarantine(&tags, Token::random(), duration).await;
        }
        tokio::time::sleep(SHORT * 3).await;
        subject.assert_quarantined(&key, &tags).await;
    }
}
