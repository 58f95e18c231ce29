//! Lists: entries with several tags, and entries that are behind by known changes.

use thing_driver_api::{Behind, EntryKey, Found, Outcome, Tag, Token};

use super::subject::{LONG, TABLE, change, changed, column_tag, list, row_tag};
use super::{Number, Subject};

fn filled() -> (EntryKey, [Tag; 3]) {
    (list(TABLE, "all"), [column_tag("a"), column_tag("b"), column_tag("c")])
}

/// The entry if it is behind; a client may also answer with a miss.
async fn behind(subject: &Subject, key: &EntryKey) -> Option<Behind> {
    match subject.found(key).await {
        Found::Behind(behind) => Some(behind),
        Found::Miss => None,
        other => panic!("the entry's tags moved, but load gives {other:?}"),
    }
}

/// One tag that moves is enough, whichever.
pub async fn any_tag_that_moves_ends_the_entry(subject: &Subject) {
    let (key, tags) = filled();
    for tag in tags {
        for outcome in [Outcome::Unlisted, changed(1, 0, 1)] {
            subject.fill(&key, &tags, 1).await;
            subject.assert_hit(&key, 1).await;
            subject.write(&[tag], outcome).await;
            subject.assert_no_hit(&key).await;
        }
        subject.fill(&key, &tags, 2).await;
        let token = Token::random();
        subject.quarantine(&[tag], token, LONG).await;
        subject.assert_quarantined(&key, &tags).await;
        subject.release(&[tag], token, Outcome::Unlisted).await;
    }
}

/// A tag that moves between the lease and the store is noticed, whichever.
pub async fn any_tag_that_moves_refuses_the_fill(subject: &Subject) {
    let (key, tags) = filled();
    for tag in tags {
        let lease = subject.granted(&key, &tags).await;
        subject.write(&[tag], Outcome::Unlisted).await;
        subject.store(&lease, &key, &tags, 1).await;
        subject.assert_no_hit(&key).await;
    }
}

/// An entry depends on its own tags, which may be fewer than the lease's.
pub async fn an_entry_depends_on_its_own_tags(subject: &Subject) {
    let (key, tags) = filled();
    let lease = subject.granted(&key, &tags).await;
    assert_eq!(subject.store(&lease, &key, &tags[..2], 1).await, 1);
    subject.assert_hit(&key, 1).await;
    subject.write(&tags[2..], Outcome::Unlisted).await;
    subject.assert_hit(&key, 1).await;
    subject.write(&tags[..1], Outcome::Unlisted).await;
    subject.assert_no_hit(&key).await;
}

/// An entry that is behind comes with every change since, of all its tags; or not at all.
pub async fn behind_has_every_change(subject: &Subject) {
    let (key, tags) = filled();
    subject.fill(&key, &tags, 1).await;
    let mut changes = Vec::new();
    for n in 0..12 {
        let (tag, row) = (tags[n as usize % 3], change(n, 0, n + 1));
        subject.write(&[tag, row_tag(n)], Outcome::Changed(vec![row.clone()])).await;
        changes.push(row);
        let Some(behind) = behind(subject, &key).await else {
            continue;
        };
        assert_eq!(Number::read(&behind.payload), Some(1), "the content as of the entry's stamps");
        for change in &changes {
            assert!(behind.changes.contains(change), "{change:?} is missing after {} writes", n + 1);
        }
    }
}

/// A write with several changes on several tags is in the answer wholly.
pub async fn behind_has_all_changes_of_a_write(subject: &Subject) {
    let (key, tags) = filled();
    subject.fill(&key, &tags, 1).await;
    let changes: Vec<_> = (0..5).map(|n| change(n, n, n + 1)).collect();
    subject.write(&tags, Outcome::Changed(changes.clone())).await;
    if let Some(behind) = behind(subject, &key).await {
        assert!(changes.iter().all(|change| behind.changes.contains(change)));
    }
}

/// After more changes than any log keeps, the answer has all of them or is a miss.
pub async fn behind_is_complete_or_a_miss(subject: &Subject) {
    let (key, tags) = filled();
    subject.fill(&key, &tags, 1).await;
    let writes = 20_000;
    for n in 0..writes {
        subject.write(&tags[..1], changed(n, 0, 1)).await;
    }
    if let Some(behind) = behind(subject, &key).await {
        assert!(behind.changes.len() >= writes as usize, "{} of {writes} changes", behind.changes.len());
        assert!(behind.changes.contains(&change(0, 0, 1)), "the first change is among them");
    }
}

/// Changes that are not listed end the entry, before and after listed ones.
pub async fn unlisted_changes_end_the_entry(subject: &Subject) {
    let (key, tags) = filled();
    let sequences = [
        vec![Outcome::Unlisted],
        vec![changed(1, 0, 1), Outcome::Unlisted],
        vec![Outcome::Unlisted, changed(1, 0, 1)],
        vec![changed(1, 0, 1), Outcome::Unlisted, changed(1, 1, 2)],
    ];
    for sequence in sequences {
        subject.fill(&key, &tags, 1).await;
        for (n, outcome) in sequence.into_iter().enumerate() {
            subject.write(&tags[n..=n], outcome).await;
        }
        subject.assert_unusable(&key).await;
    }
}

/// A void among listed changes ends the entry.
pub async fn a_void_ends_an_entry_that_is_behind(subject: &Subject) {
    let (key, tags) = filled();
    for void_first in [true, false] {
        subject.fill(&key, &tags, 1).await;
        if void_first {
            subject.void(&tags[1..2]).await;
        }
        subject.write(&tags[..1], changed(1, 0, 1)).await;
        if !void_first {
            subject.void(&tags[1..2]).await;
        }
        subject.assert_unusable(&key).await;
    }
}

/// Two writers at once on one tag, of which one lists its changes and the other does not: the entry ends.
pub async fn one_unlisted_writer_ends_the_entry(subject: &Subject) {
    let (key, tags) = filled();
    for listed_first in [true, false] {
        subject.fill(&key, &tags, 1).await;
        let (listed, unlisted) = (Token::random(), Token::random());
        subject.quarantine(&tags[..1], listed, LONG).await;
        subject.quarantine(&tags[..1], unlisted, LONG).await;
        if listed_first {
            subject.release(&tags[..1], listed, changed(1, 0, 1)).await;
            subject.release(&tags[..1], unlisted, Outcome::Unlisted).await;
        } else {
            subject.release(&tags[..1], unlisted, Outcome::Unlisted).await;
            subject.release(&tags[..1], listed, changed(1, 0, 1)).await;
        }
        subject.assert_unusable(&key).await;
    }
}

/// Two writers at once that both list their changes: the entry is behind by both, or a miss.
pub async fn two_listed_writers_at_once(subject: &Subject) {
    let (key, tags) = filled();
    subject.fill(&key, &tags, 1).await;
    let (first, second) = (Token::random(), Token::random());
    subject.quarantine(&tags, first, LONG).await;
    subject.quarantine(&tags, second, LONG).await;
    subject.release(&tags, first, changed(1, 0, 1)).await;
    subject.assert_unusable(&key).await;
    subject.release(&tags, second, changed(2, 0, 1)).await;
    if let Some(behind) = behind(subject, &key).await {
        for change in [change(1, 0, 1), change(2, 0, 1)] {
            assert!(behind.changes.contains(&change), "{change:?} is missing");
        }
    }
}

/// Nothing is behind while a writer is at work.
pub async fn nothing_is_behind_under_quarantine(subject: &Subject) {
    let (key, tags) = filled();
    subject.fill(&key, &tags, 1).await;
    subject.write(&tags[..1], changed(1, 0, 1)).await;
    subject.quarantine(&tags[2..], Token::random(), LONG).await;
    subject.assert_unusable(&key).await;
}

/// An entry that proves unaffected is a hit again, or a miss where the client does not restamp.
pub async fn restamp_revives(subject: &Subject) {
    let (key, tags) = filled();
    subject.fill(&key, &tags, 1).await;
    for n in 0..3 {
        subject.write(&tags[..2], changed(n, 0, 1)).await;
        let Some(behind) = behind(subject, &key).await else {
            return;
        };
        if subject.cache().restamp(&key, &behind).await.expect("the cache answers") {
            subject.assert_hit(&key, 1).await;
        } else {
            subject.assert_no_hit(&key).await;
            return;
        }
    }
    subject.write(&tags[..1], Outcome::Unlisted).await;
    subject.assert_unusable(&key).await;
}

/// A restamp that comes after another write does not hide that write.
pub async fn a_late_restamp_hides_nothing(subject: &Subject) {
    let (key, tags) = filled();
    for last in [Outcome::Unlisted, changed(2, 0, 1)] {
        subject.fill(&key, &tags, 1).await;
        subject.write(&tags[..1], changed(1, 0, 1)).await;
        let Some(behind) = behind(subject, &key).await else {
            return;
        };
        subject.write(&tags[1..2], last).await;
        subject.cache().restamp(&key, &behind).await.expect("the cache answers");
        match subject.found(&key).await {
            Found::Hit(_) => panic!("a write after the judgement is hidden"),
            Found::Behind(behind) => assert!(behind.changes.contains(&change(2, 0, 1))),
            _ => {}
        }
        subject.void(&tags).await;
    }
}

/// A restamp while a writer is at work does not hide what that writer does.
pub async fn a_restamp_under_quarantine_hides_nothing(subject: &Subject) {
    let (key, tags) = filled();
    subject.fill(&key, &tags, 1).await;
    subject.write(&tags[..1], changed(1, 0, 1)).await;
    let Some(behind) = behind(subject, &key).await else {
        return;
    };
    let token = Token::random();
    subject.quarantine(&tags[..1], token, LONG).await;
    subject.cache().restamp(&key, &behind).await.expect("the cache answers");
    subject.assert_unusable(&key).await;
    subject.release(&tags[..1], token, Outcome::Unlisted).await;
    subject.assert_unusable(&key).await;
}

/// A restamp of an entry that was replaced meanwhile leaves the new one alone.
pub async fn a_restamp_does_not_bring_back_the_old_content(subject: &Subject) {
    let (key, tags) = filled();
    subject.fill(&key, &tags, 1).await;
    subject.write(&tags[..1], changed(1, 0, 1)).await;
    let Some(behind) = behind(subject, &key).await else {
        return;
    };
    subject.fill(&key, &tags, 2).await;
    subject.cache().restamp(&key, &behind).await.expect("the cache answers");
    let found = subject.hit(&key).await;
    assert!(found.is_none_or(|number| number == 2), "the older content {found:?} is served");
}
