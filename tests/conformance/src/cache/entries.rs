//! Entries: what is stored is found, under its own name only.

use thing_driver_api::{EntryKey, Found, Key, LeaseRequest, Leased, NewEntry, Outcome, Payload, Peek, Tag, Wanted};

use super::subject::{OTHER_TABLE, SHORT, TABLE, column_tag, list, object, row_tag};
use super::{Number, Subject};

/// An empty cache finds nothing.
pub async fn an_empty_cache_misses(subject: &Subject) {
    for key in [object(1), list(TABLE, "all")] {
        assert!(matches!(subject.cache().peek(&key), Peek::Unknown));
        let found = subject.found(&key).await;
        assert!(matches!(found, Found::Miss), "{found:?}");
    }
    assert!(subject.cache().load(&[]).await.expect("the cache answers").is_empty());
    assert!(subject.cache().lease(&[]).await.expect("the cache answers").is_empty());
}

/// What is stored under a lease is found, again and again.
pub async fn what_is_stored_is_found(subject: &Subject) {
    subject.fill(&object(1), &[row_tag(1)], 17).await;
    for _ in 0..3 {
        subject.assert_hit(&object(1), 17).await;
    }
    subject.assert_unusable(&object(2)).await;
}

/// The knowledge that a row does not exist is an entry like any other.
pub async fn absent_rows_are_known(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    assert_eq!(subject.store_payload(&lease, &key, &tags, Payload::Absent).await, 1);
    match subject.found(&key).await {
        Found::Hit(payload) => assert_eq!(Number::read(&payload), None),
        other => panic!("an absent row is known, but load gives {other:?}"),
    }
    subject.write(&tags, Outcome::Unlisted).await;
    subject.assert_unusable(&key).await;
}

/// A later fill replaces the entry.
pub async fn a_later_fill_replaces_the_entry(subject: &Subject) {
    for number in [1, 2, 3] {
        subject.fill(&object(1), &[row_tag(1)], number).await;
        subject.assert_hit(&object(1), number).await;
    }
}

/// Answers come in the order of the keys, repeated keys included.
pub async fn answers_come_in_order(subject: &Subject) {
    for n in [1, 2, 3] {
        subject.fill(&object(n), &[row_tag(n)], n as u64 * 10).await;
    }
    let keys = [object(3), object(9), object(1), object(3), list(TABLE, "x"), object(2)];
    let found = subject.cache().load(&keys.each_ref().map(Wanted::new)).await.expect("the cache answers");
    let numbers: Vec<_> = found
        .iter()
        .map(|found| match found {
            Found::Hit(payload) => Number::read(payload),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [Some(30), None, Some(10), Some(30), None, Some(20)]);
}

/// Leases come in the order of the requests.
pub async fn leases_come_in_order(subject: &Subject) {
    let keys = [object(1), list(TABLE, "all"), object(2)];
    let tags = [row_tag(1), column_tag("a"), row_tag(2)];
    let mut requests: Vec<_> = (0..3).map(|n| LeaseRequest::Entry { key: &keys[n], tags: &tags[n..=n] }).collect();
    requests.insert(1, LeaseRequest::Rows { table: TABLE });
    let leased = subject.cache().lease(&requests).await.expect("the cache answers");
    assert_eq!(leased.len(), 4);
    let entries = [&leased[0], &leased[2], &leased[3]];
    for ((leased, key), tag) in entries.into_iter().zip(&keys).zip(&tags) {
        let Leased::Granted(lease) = leased else {
            panic!("nobody else is at work, but lease gives {leased:?}");
        };
        assert_eq!(lease.key.as_ref(), Some(key));
        assert_eq!(lease.table, TABLE);
        assert_eq!(lease.stamps.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), [*tag]);
    }
    if let Leased::Granted(rows) = &leased[1] {
        assert_eq!((rows.key.as_ref(), rows.table), (None, TABLE));
    }
}

/// Rows of different tables with equal keys do not meet.
pub async fn tables_do_not_meet(subject: &Subject) {
    let other = EntryKey::Object { table: OTHER_TABLE, key: Key::Int(1) };
    let other_tag = Tag::row(OTHER_TABLE, &Key::Int(1));
    subject.fill(&object(1), &[row_tag(1)], 1).await;
    subject.assert_unusable(&other).await;
    subject.fill(&other, &[other_tag], 2).await;
    subject.assert_hit(&object(1), 1).await;
    subject.void(&[row_tag(1)]).await;
    subject.assert_unusable(&object(1)).await;
    subject.assert_hit(&other, 2).await;
    let questions = [list(TABLE, "all"), list(OTHER_TABLE, "all")];
    subject.fill(&questions[0], &[column_tag("a")], 3).await;
    subject.assert_unusable(&questions[1]).await;
}

/// Integer, text, UUID and composite keys are entries of their own, however alike they look.
pub async fn kinds_of_keys_do_not_meet(subject: &Subject) {
    let text = |text: &str| Key::Text(text.into());
    let composite = |parts: Vec<Key>| Key::Composite(parts.into());
    let keys = [
        Key::Int(1),
        Key::Int(-1),
        text("1"),
        text(""),
        text("ab"),
        text("🦀"),
        Key::Uuid([0; 16]),
        Key::Uuid([1; 16]),
        composite(vec![Key::Int(1), Key::Int(2)]),
        composite(vec![Key::Int(2), Key::Int(1)]),
        composite(vec![text("a"), text("b")]),
        composite(vec![text("ab"), text("")]),
        composite(vec![text("1"), Key::Int(1)]),
        composite(vec![Key::Int(1), Key::Uuid([1; 16]), text("x")]),
    ];
    let entries: Vec<_> = keys
        .iter()
        .map(|key| {
            let entry = EntryKey::Object { table: TABLE, key: key.clone() };
            (entry, Tag::row(TABLE, key))
        })
        .collect();
    for (number, (entry, tag)) in (0..).zip(&entries) {
        subject.assert_unusable(entry).await;
        subject.fill(entry, &[*tag], number).await;
    }
    for (number, (entry, _)) in (0..).zip(&entries) {
        subject.assert_hit(entry, number).await;
    }
}

/// Questions that differ are entries of their own; one that is empty or large is a question too.
pub async fn questions_do_not_meet(subject: &Subject) {
    let large = "q".repeat(100_000);
    let questions = ["", "a", "ab", "b", "a\0", &large, &large[1..]];
    for (number, question) in (0..).zip(questions) {
        subject.assert_unusable(&list(TABLE, question)).await;
        subject.fill(&list(TABLE, question), &[column_tag("a")], number).await;
    }
    for (number, question) in (0..).zip(questions) {
        subject.assert_hit(&list(TABLE, question), number).await;
    }
}

/// A value of a hundred kilobytes.
pub async fn large_values_are_kept(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    let payload = Number::new(5).padded(100_000).payload();
    assert_eq!(subject.store_payload(&lease, &key, &tags, payload).await, 1);
    subject.assert_hit(&key, 5).await;
}

/// A thousand entries in one load.
pub async fn many_entries_at_once(subject: &Subject) {
    let keys: Vec<_> = (0..1000).map(object).collect();
    let tags: Vec<_> = (0..1000).map(row_tag).collect();
    let requests: Vec<_> =
        keys.iter().zip(&tags).map(|(key, tag)| LeaseRequest::Entry { key, tags: std::slice::from_ref(tag) }).collect();
    let leased = subject.cache().lease(&requests).await.expect("the cache answers");
    let fills = leased.into_iter().zip(0..).map(|(leased, n)| match leased {
        Leased::Granted(lease) => {
            let entry = NewEntry::new(object(n), vec![row_tag(n)], Number::new(n as u64).payload());
            (lease, vec![entry])
        }
        other => panic!("nobody else is at work, but lease gives {other:?}"),
    });
    let kept = subject.cache().store_many(fills.collect()).await.expect("the cache answers");
    assert_eq!(kept, 1000);
    let wanted: Vec<_> = keys.iter().map(Wanted::new).collect();
    let found = subject.cache().load(&wanted).await.expect("the cache answers");
    for (n, found) in (0..).zip(found) {
        match found {
            Found::Hit(payload) => assert_eq!(Number::read(&payload), Some(n)),
            other => panic!("entry {n} is {other:?}"),
        }
    }
}

/// An entry ends with its time to live. (Waits for it.)
pub async fn time_to_live_ends(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    let entry = NewEntry::new(key.clone(), tags.to_vec(), Number::new(1).payload()).time_to_live(SHORT);
    subject.cache().store(&lease, vec![entry]).await.expect("the cache answers");
    let waiting = async {
        // One after the other: the entry may end between a peek and a load.
        let found = async || subject.cache().load(&[Wanted::new(&key)]).await.expect("the cache answers").remove(0);
        while matches!(found().await, Found::Hit(_)) {
            tokio::time::sleep(SHORT / 5).await;
        }
        while matches!(subject.cache().peek(&key), Peek::Hit(_)) {
            tokio::time::sleep(SHORT / 5).await;
        }
    };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await;
    ended.expect("the entry ends with its time to live");
    // A cache may have it read again a little early; a fill under which it ends may be refused.
    tokio::time::sleep(SHORT * 2).await;
    subject.fill(&key, &tags, 2).await;
    subject.assert_hit(&key, 2).await;
}
