//! Statistics: the counters move with what happens.

use thing_driver_api::{CacheStatistics, Outcome, Token, Wanted};

use super::Subject;
use super::subject::{LONG, changed, object, row_tag};

fn now(subject: &Subject) -> CacheStatistics {
    subject.cache().statistics()
}

/// A new cache has counted nothing.
pub async fn a_new_cache_counts_nothing(subject: &Subject) {
    let statistics = now(subject);
    assert_eq!((statistics.hits, statistics.misses(), statistics.stored), (0, 0, 0));
    assert_eq!((statistics.quarantines, statistics.releases, statistics.entries), (0, 0, 0));
}

/// Hits and misses.
pub async fn hits_and_misses(subject: &Subject) {
    subject.cache().load(&[Wanted::new(&object(1))]).await.expect("the cache answers");
    let cold = now(subject);
    assert_eq!((cold.hits, cold.misses()), (0, 1));
    subject.fill(&object(1), &[row_tag(1)], 1).await;
    subject.cache().load(&[Wanted::new(&object(1)); 2]).await.expect("the cache answers");
    let warm = now(subject);
    assert_eq!((warm.hits, warm.misses()), (2, 1));
    subject.write(&[row_tag(1)], Outcome::Unlisted).await;
    subject.cache().load(&[Wanted::new(&object(1))]).await.expect("the cache answers");
    let stale = now(subject);
    assert_eq!((stale.hits, stale.misses()), (2, 2));
}

/// Stores, and stores that were refused.
pub async fn stores_and_refusals(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.fill(&key, &tags, 1).await;
    let stored = now(subject);
    assert_eq!((stored.stored, stored.refused), (1, 0));
    assert!(stored.entries >= 1 && stored.bytes > 0, "{stored:?}");
    let lease = subject.granted(&key, &tags).await;
    subject.quarantine(&tags, Token::random(), LONG).await;
    subject.store(&lease, &key, &tags, 2).await;
    let refused = now(subject);
    assert_eq!((refused.stored, refused.refused), (1, 1));
}

/// Quarantines and releases, a command each.
pub async fn quarantines_and_releases(subject: &Subject) {
    let before = now(subject);
    for n in 0..3 {
        subject.write(&[row_tag(n), row_tag(n + 1)], changed(n, 0, 1)).await;
    }
    let after = now(subject);
    assert_eq!(after.quarantines - before.quarantines, 3);
    assert_eq!(after.releases - before.releases, 3);
}
