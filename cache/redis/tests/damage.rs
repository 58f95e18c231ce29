//! Damage: an entry that is not exactly as it was stored is a miss, and counted.

mod support;

use support::{LIST_TAGS, Server, changed, config, connect, fill, found, hit, list, object, row_tag, write};
use thing_driver_api::Found;
use thing_test_servers::redis_url;

/// Every bit, and every length, of the entry of a row and of a list.
#[tokio::test]
async fn of_entries() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    for (key, tags, sort) in [(object(1), vec![row_tag(1)], 't'), (list("all"), LIST_TAGS.to_vec(), 'q')] {
        fill(&cache, &key, &tags, 7).await;
        let name = server.keys(&config, Some(sort)).await;
        let mut names = name.iter();
        let (name, bytes) = loop {
            let name = names.next().expect("the entry is there");
            let bytes: Vec<u8> = server.run(&[b"GET", name.as_bytes()]).await;
            if bytes.len() > 40 {
                break (name, bytes);
            }
        };
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let _: () = server.run(&[b"SET", name.as_bytes(), &damaged]).await;
            assert_eq!(hit(&cache, &key).await, None, "bit {bit} of {key:?}");
        }
        for end in 0..bytes.len() {
            let _: () = server.run(&[b"SET", name.as_bytes(), &bytes[..end]]).await;
            assert_eq!(hit(&cache, &key).await, None, "{end} bytes of {key:?}");
        }
        let _: () = server.run(&[b"SET", name.as_bytes(), &bytes]).await;
        assert_eq!(hit(&cache, &key).await, Some(7));
    }
    let statistics = cache.redis_statistics();
    assert!(statistics.damaged > 1000, "{statistics:?}");
    assert_eq!(statistics.failures, 0, "{statistics:?}");
}

/// The entry of another key under this name: two keys may share a digest.
#[tokio::test]
async fn an_entry_of_another_key_is_none() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    fill(&cache, &list("one"), &LIST_TAGS, 1).await;
    fill(&cache, &list("other"), &LIST_TAGS, 2).await;
    let names = server.keys(&config, Some('q')).await;
    assert_eq!(names.len(), 2);
    let values: [Vec<u8>; 2] =
        [server.run(&[b"GET", names[0].as_bytes()]).await, server.run(&[b"GET", names[1].as_bytes()]).await];
    let _: () = server.run(&[b"SET", names[0].as_bytes(), &values[1]]).await;
    let _: () = server.run(&[b"SET", names[1].as_bytes(), &values[0]]).await;
    assert_eq!((hit(&cache, &list("one")).await, hit(&cache, &list("other")).await), (None, None));
}

/// Records of the log: the entry that needs one is a miss.
#[tokio::test]
async fn of_the_log() {
    let config = config(&redis_url());
    let (cache, server) = (connect(&config).await, Server::connect(&redis_url()).await);
    fill(&cache, &list("all"), &LIST_TAGS, 1).await;
    write(&cache, &LIST_TAGS, changed(1, 0, 1)).await;
    let log = server.keys(&config, Some('l')).await.remove(0);
    let (field, record): (Vec<u8>, Vec<u8>) = server.run(&[b"HGETALL", log.as_bytes()]).await;
    for at in 0..record.len() {
        let mut damaged = record.clone();
        damaged[at] ^= 0x10;
        let _: i64 = server.run(&[b"HSET", log.as_bytes(), &field, &damaged]).await;
        let found = found(&cache, &list("all")).await;
        assert!(matches!(found, Found::Miss), "byte {at}: {found:?}");
    }
    let _: i64 = server.run(&[b"HSET", log.as_bytes(), &field, &record]).await;
    assert!(matches!(found(&cache, &list("all")).await, Found::Behind(_)));
}
