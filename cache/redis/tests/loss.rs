//! Loss: any key may vanish at any moment, and the server may forget everything. That costs misses, never a wrong hit.

mod support;

use support::{
    LIST_TAGS, Server, changed, config, connect, fill, found, hit, lease, lease_rows, list, object, quarantine,
    release, row_tag, store, write,
};
use thing_driver_api::{CacheClient, EntryKey, Found, Leased, Outcome};
use thing_test_servers::{Instance, redis_url};

const SORTS: [char; 4] = ['t', 's', 'q', 'l'];

/// A key that is lost between two steps of a fill: it is refused, or valid.
#[tokio::test]
async fn between_lease_and_store() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    for sort in SORTS {
        let leases = (
            lease(&cache, &object(1), &[row_tag(1)]).await,
            lease(&cache, &list("all"), &LIST_TAGS).await,
            lease_rows(&cache).await,
        );
        server.evict(&config, sort).await;
        write(&cache, &[row_tag(1), row_tag(2), LIST_TAGS[1]], Outcome::Unlisted).await;
        server.evict(&config, sort).await;
        store(&cache, &leases.0, &object(1), &[row_tag(1)], 1).await;
        store(&cache, &leases.1, &list("all"), &LIST_TAGS, 1).await;
        store(&cache, &leases.2, &object(2), &[row_tag(2)], 1).await;
        for key in [object(1), object(2), list("all")] {
            assert_eq!(hit(&cache, &key).await, None, "{sort}: {key:?}");
        }
    }
}

/// A key that is lost while an entry is there: a miss, or the entry as it was.
#[tokio::test]
async fn under_an_entry() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    for sort in SORTS {
        fill(&cache, &object(1), &[row_tag(1)], 1).await;
        fill(&cache, &list("all"), &LIST_TAGS, 1).await;
        server.evict(&config, sort).await;
        // New stamps, which are not those of the entries.
        let late =
            (lease(&cache, &object(9), &[row_tag(1), row_tag(9)]).await, lease(&cache, &list("x"), &LIST_TAGS).await);
        for key in [object(1), list("all")] {
            let found = hit(&cache, &key).await;
            let may_stay = matches!((sort, &key), ('s' | 'l', _) | ('q', EntryKey::Object { .. }));
            assert_eq!(found, may_stay.then_some(1), "{sort}: {key:?}");
        }
        cache.abandon(&late.0);
        cache.abandon(&late.1);
    }
}

/// A key that is lost while a writer is at work: after the release nothing old is found.
#[tokio::test]
async fn under_a_quarantine() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    let tags = [row_tag(1), LIST_TAGS[0]];
    for sort in SORTS {
        for outcome in [Outcome::Unlisted, changed(1, 0, 1), Outcome::Nothing] {
            let nothing = matches!(outcome, Outcome::Nothing);
            fill(&cache, &object(1), &tags[..1], 1).await;
            fill(&cache, &list("all"), &LIST_TAGS, 1).await;
            let rows = lease_rows(&cache).await;
            let token = quarantine(&cache, &tags).await;
            server.evict(&config, sort).await;
            // A reader that comes in through the gap.
            if let Leased::Granted(lease) = support::leased(&cache, &object(1), &tags[..1]).await {
                assert_eq!(sort, 't', "the mark is there");
                store(&cache, &lease, &object(1), &tags[..1], 1).await;
            }
            release(&cache, &tags, token, outcome.clone()).await;
            store(&cache, &rows, &object(1), &tags[..1], 1).await;
            if !nothing {
                assert_eq!(hit(&cache, &object(1)).await, None, "{sort} {outcome:?}");
                assert_eq!(hit(&cache, &list("all")).await, None, "{sort} {outcome:?}");
            }
        }
    }
}

/// A list that is behind is judged by all changes or is a miss, whatever is lost.
#[tokio::test]
async fn under_a_list_that_is_behind() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    for sort in SORTS {
        fill(&cache, &list("all"), &LIST_TAGS, 1).await;
        write(&cache, &LIST_TAGS[..1], changed(1, 0, 1)).await;
        server.evict(&config, sort).await;
        write(&cache, &LIST_TAGS[..1], changed(2, 0, 1)).await;
        match (sort, found(&cache, &list("all")).await) {
            ('s', Found::Behind(behind)) => assert_eq!(behind.changes.len(), 2),
            ('t' | 'q' | 'l', Found::Miss) => {}
            (_, other) => panic!("{sort} is lost, and load gives {other:?}"),
        }
    }
}

/// What is lost between judgement and new stamps does not bring back an entry.
#[tokio::test]
async fn before_a_restamp() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    for sort in SORTS {
        fill(&cache, &list("all"), &LIST_TAGS, 1).await;
        write(&cache, &LIST_TAGS[..1], changed(1, 0, 1)).await;
        let Found::Behind(behind) = found(&cache, &list("all")).await else { panic!("the change is known") };
        server.evict(&config, sort).await;
        write(&cache, &LIST_TAGS[1..], Outcome::Unlisted).await;
        assert!(!cache.restamp(&list("all"), &behind).await.expect("the cache answers"), "{sort}");
        assert_eq!(hit(&cache, &list("all")).await, None, "{sort}");
    }
}

/// A server that forgets everything is an empty cache, and one that forgets the scripts is given them again.
#[tokio::test]
async fn of_everything() {
    let instance = Instance::redis().await;
    let config = config(instance.url());
    let (cache, server) = (connect(&config).await, Server::connect(instance.url()).await);
    for round in 0..3 {
        fill(&cache, &object(1), &[row_tag(1)], round).await;
        fill(&cache, &list("all"), &LIST_TAGS, round).await;
        let late = lease(&cache, &object(2), &[row_tag(2)]).await;
        let token = quarantine(&cache, &[row_tag(3)]).await;
        let _: () = server.run(&[b"FLUSHALL"]).await;
        let _: () = server.run(&[b"SCRIPT", b"FLUSH"]).await;
        assert_eq!((hit(&cache, &object(1)).await, hit(&cache, &list("all")).await), (None, None));
        assert_eq!(store(&cache, &late, &object(2), &[row_tag(2)], 1).await, 0);
        release(&cache, &[row_tag(3)], token, Outcome::Unlisted).await;
    }
    fill(&cache, &object(1), &[row_tag(1)], 9).await;
    let _: () = server.run(&[b"SCRIPT", b"FLUSH"]).await;
    write(&cache, &[row_tag(1), LIST_TAGS[0]], changed(1, 0, 1)).await;
    assert_eq!(hit(&cache, &object(1)).await, None);
    let statistics = cache.redis_statistics();
    assert_eq!((statistics.failures, statistics.connects), (0, 1), "{statistics:?}");
}

/// A key of ours that holds something else entirely is as good as lost.
#[tokio::test]
async fn to_something_else() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    for round in 0..2 {
        fill(&cache, &object(1), &[row_tag(1)], round).await;
        fill(&cache, &list("all"), &LIST_TAGS, round).await;
        for key in server.keys(&config, None).await {
            let _: i64 = server.run(&[b"DEL", key.as_bytes()]).await;
            if round == 0 {
                let _: i64 = server.run(&[b"RPUSH", key.as_bytes(), b"x"]).await;
            } else {
                let _: () = server.run(&[b"SET", key.as_bytes(), b"something else"]).await;
            }
        }
        assert_eq!((hit(&cache, &object(1)).await, hit(&cache, &list("all")).await), (None, None));
        write(&cache, &[row_tag(1), LIST_TAGS[0], LIST_TAGS[1]], Outcome::Unlisted).await;
        cache.void_table(support::TABLE).await.expect("the cache answers");
    }
    fill(&cache, &object(1), &[row_tag(1)], 9).await;
}
