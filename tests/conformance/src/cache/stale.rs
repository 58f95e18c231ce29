//! Stale answers: what is not valid any more, for those who ask for it. A client may always answer without.

use std::time::Duration;

use thing_driver_api::{EntryKey, Found, Outcome, Payload, Scope, Tag, Token, Wanted};

use super::subject::{LONG, TABLE, changed, column_tag, list, object, row_tag};
use super::{Number, Subject};

const BRIEF: Duration = Duration::from_millis(50);

fn entry() -> (EntryKey, [Tag; 1]) {
    (list(TABLE, "all"), [column_tag("a")])
}

async fn found(subject: &Subject, key: &EntryKey, tags: &[Tag], age: Option<Duration>) -> Found {
    let wanted = Wanted::new(key).tags(tags).stale(age);
    subject.cache().load(&[wanted]).await.expect("the cache answers").remove(0)
}

/// Not valid, and if it is there nevertheless, it has this number.
fn assert_not_valid(found: &Found, number: u64) {
    match found {
        Found::Hit(_) => panic!("it is not valid any more"),
        Found::Stale(payload) => assert_eq!(Number::read(payload), Some(number)),
        Found::Behind(behind) => assert_eq!(Number::read(&behind.payload), Some(number)),
        _ => {}
    }
}

/// Whoever does not ask for it gets nothing that is stale, and no age.
pub async fn only_who_asks_gets_it(subject: &Subject) {
    let (key, tags) = entry();
    subject.fill(&key, &tags, 1).await;
    subject.write(&tags, changed(1, 1, 2)).await;
    match found(subject, &key, &tags, None).await {
        Found::Behind(behind) => assert_eq!(behind.age, None),
        Found::Miss => {}
        other => panic!("{other:?}"),
    }
    let token = Token::random();
    subject.quarantine(&tags, token, LONG).await;
    let under_way = found(subject, &key, &tags, None).await;
    assert!(matches!(under_way, Found::Miss | Found::Quarantined), "{under_way:?}");
    subject.release(&tags, token, Outcome::Unlisted).await;
    let after = found(subject, &key, &tags, None).await;
    assert!(matches!(after, Found::Miss), "{after:?}");
}

/// What is valid is a hit, asked for how ever.
pub async fn a_valid_entry_is_a_hit(subject: &Subject) {
    let (key, tags) = entry();
    subject.fill(&key, &tags, 1).await;
    for age in [Some(Duration::ZERO), Some(LONG)] {
        match found(subject, &key, &tags, age).await {
            Found::Hit(payload) => assert_eq!(Number::read(&payload), Some(1)),
            other => panic!("{other:?}"),
        }
    }
}

/// Whatever ended an entry, it is given as it was stored, and not as valid.
pub async fn it_is_what_was_stored(subject: &Subject) {
    let (key, tags) = entry();
    for outcome in [Outcome::Unlisted, changed(1, 1, 2)] {
        subject.fill(&key, &tags, 1).await;
        let token = Token::random();
        subject.quarantine(&tags, token, LONG).await;
        assert_not_valid(&found(subject, &key, &tags, Some(LONG)).await, 1);
        subject.release(&tags, token, outcome).await;
        assert_not_valid(&found(subject, &key, &tags, Some(LONG)).await, 1);
        subject.void(&tags).await;
        assert_not_valid(&found(subject, &key, &tags, Some(LONG)).await, 1);
        subject.fill(&key, &tags, 2).await;
        subject.void(&tags).await;
        assert_not_valid(&found(subject, &key, &tags, Some(LONG)).await, 2);
    }
}

/// Nothing is given that was read longer ago than was asked for, and the age of what is behind is not longer.
pub async fn nothing_older_is_given(subject: &Subject) {
    let (key, tags) = entry();
    for outcome in [Outcome::Unlisted, changed(1, 1, 2)] {
        // The time begins with the leave to read, however late the entry is stored.
        let lease = subject.granted(&key, &tags).await;
        tokio::time::sleep(2 * BRIEF).await;
        assert_eq!(subject.store(&lease, &key, &tags, 1).await, 1);
        let token = Token::random();
        subject.quarantine(&tags, token, LONG).await;
        let under_way = found(subject, &key, &tags, Some(BRIEF)).await;
        assert!(matches!(under_way, Found::Quarantined | Found::Miss), "{under_way:?}");
        subject.release(&tags, token, outcome).await;
        if let Found::Behind(behind) = found(subject, &key, &tags, Some(LONG)).await {
            assert!(behind.age.is_none_or(|age| (BRIEF..LONG).contains(&age)), "{behind:?}");
        }
        match found(subject, &key, &tags, Some(BRIEF)).await {
            Found::Behind(behind) => assert_eq!(behind.age, None),
            Found::Miss => {}
            other => panic!("{other:?}"),
        }
    }
}

/// An entry that proved unaffected is as old as before.
pub async fn a_restamp_makes_nothing_younger(subject: &Subject) {
    let (key, tags) = entry();
    subject.fill(&key, &tags, 1).await;
    tokio::time::sleep(2 * BRIEF).await;
    subject.write(&tags, changed(1, 1, 2)).await;
    let Found::Behind(behind) = found(subject, &key, &tags, None).await else { return };
    if subject.cache().restamp(&key, &behind).await.expect("the cache answers") {
        subject.void(&tags).await;
        let found = found(subject, &key, &tags, Some(BRIEF)).await;
        assert!(matches!(found, Found::Miss), "{found:?}");
    }
}

/// Rows are never stale, nor is the knowledge that one is absent.
pub async fn rows_are_never_stale(subject: &Subject) {
    let absent = [row_tag(8), Tag::rows(TABLE, &Scope::Table)];
    let lease = subject.granted(&object(8), &absent).await;
    subject.store_payload(&lease, &object(8), &absent, Payload::Absent).await;
    subject.fill(&object(1), &[row_tag(1)], 1).await;
    let (tags, token) = ([row_tag(1), row_tag(8), absent[1]], Token::random());
    let assert_none = async || {
        for key in [object(1), object(8)] {
            let found = found(subject, &key, &[key.digest()], Some(LONG)).await;
            assert!(matches!(found, Found::Miss | Found::Quarantined), "{found:?}");
        }
    };
    subject.quarantine(&tags, token, LONG).await;
    assert_none().await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    assert_none().await;
}
