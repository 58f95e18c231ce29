//! What a near cache is told, in which order, and when it may serve.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use support::near::{BOUND, Near, next, stream};
use support::{LIST_TAGS, LONG, Server, TABLE, changed, config, connect, quarantine, release, row_tag, until, write};
use thing_driver_api::{CacheClient, ErrorKind, Gate, Invalidation, Outcome, Tag, Token};
use thing_test_servers::{Direction, Instance, Proxy, redis_url};

/// Waits until a gate closes, and says for how long it was open.
async fn open_for(gate: &Gate) -> Duration {
    let (began, mut open) = (Instant::now(), Duration::ZERO);
    let waiting = async {
        loop {
            // Before the look: what follows an answer may take long.
            let asked = began.elapsed();
            if !gate.is_open() {
                return open;
            }
            open = asked;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the gate closes")
}

/// Everything that another client does, whole and in order, and nothing that the own one does.
#[tokio::test]
async fn another_client_is_heard_and_the_own_one_is_not() {
    let config = config(&redis_url());
    let (own, other) = (connect(&config).await, connect(&config).await);
    let mut stream = stream(&own, BOUND).await;
    let tags = [row_tag(1), LIST_TAGS[0], LIST_TAGS[1]];
    let mut sorted = tags.to_vec();
    sorted.sort_unstable();
    for outcome in [changed(1, 0, 1), Outcome::Changed(vec![]), Outcome::Unlisted, Outcome::Nothing] {
        for cache in [&own, &other] {
            let token = Token::random();
            cache.quarantine(&tags, token, Duration::from_millis(1500)).await.expect("the cache answers");
            release(cache, &tags, token, outcome.clone()).await;
            cache.void(&tags).await.expect("the cache answers");
            cache.void_table(TABLE).await.expect("the cache answers");
            if std::ptr::eq(cache, &own) {
                continue;
            }
            let expected = [
                Invalidation::Quarantined { tags: sorted.clone(), token, duration: Duration::from_millis(1500) },
                Invalidation::Released { tags: sorted.clone(), token, outcome: outcome.clone() },
                Invalidation::Voided(sorted.clone()),
                Invalidation::VoidedTable(TABLE),
            ];
            for expected in expected {
                let told = next(&mut stream).await.expect("nothing is missed");
                assert_eq!(format!("{told:?}"), format!("{expected:?}"));
            }
        }
    }
    assert_eq!(own.statistics().heard, 16);
    assert_eq!(other.statistics().heard, 0);
}

/// Many tags come in several messages, all of them.
#[tokio::test]
async fn many_tags_are_told() {
    let config = config(&redis_url());
    let (own, other) = (connect(&config).await, connect(&config).await);
    let mut stream = stream(&own, BOUND).await;
    let tags: Vec<Tag> = (0..3500).map(Tag).collect();
    other.void(&tags).await.expect("the cache answers");
    let mut told = Vec::new();
    while told.len() < tags.len() {
        let Invalidation::Voided(tags) = next(&mut stream).await.expect("nothing is missed") else { panic!("a void") };
        told.extend(tags);
    }
    assert_eq!(told, tags);
}

/// Under load from many writers, what each did comes in its order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_writer_is_heard_in_its_order() {
    let config = config(&redis_url());
    let own = connect(&config).await;
    let mut stream = stream(&own, BOUND).await;
    let writers: Vec<_> = (0..8u64)
        .map(|writer| {
            let config = config.clone();
            tokio::spawn(async move {
                let cache = connect(&config).await;
                for n in 0..200 {
                    cache.void(&[Tag(writer << 32 | n)]).await.expect("the cache answers");
                }
            })
        })
        .collect();
    let mut heard = [0; 8];
    for _ in 0..8 * 200 {
        let Invalidation::Voided(tags) = next(&mut stream).await.expect("nothing is missed") else { panic!("a void") };
        let (writer, n) = ((tags[0].0 >> 32) as usize, tags[0].0 & 0xffff_ffff);
        assert_eq!(n, heard[writer]);
        heard[writer] += 1;
    }
    for writer in writers {
        writer.await.expect("it wrote");
    }
}

/// The gate does not open before everything has taken effect that was acknowledged before the question was asked: time
/// and again, while others write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_gate_knows_what_was_acknowledged_before_it_opened() {
    let config = config(&redis_url()).gate_interval(Duration::from_millis(1));
    let (own, other, noise) = (connect(&config).await, connect(&config).await, connect(&config).await);
    let over = Arc::new(AtomicBool::new(false));
    let busy = tokio::spawn({
        let over = over.clone();
        async move {
            while !over.load(SeqCst) {
                noise.void(&[Tag(1)]).await.expect("the cache answers");
            }
        }
    });
    let bound = Duration::from_millis(500);
    let near = Near::start(&own, bound).await;
    for round in 0..12 {
        near.pause();
        // An answer that waits in the queue is then of no use any more.
        tokio::time::sleep(bound + bound / 4).await;
        assert!(!near.gate.is_open());
        let tag = Tag(1000 + round);
        other.quarantine(&[tag], Token::random(), LONG).await.expect("the cache answers");
        near.resume();
        // The task counts what it was handed before it asks again.
        while !near.gate.is_open() {
            assert!(near.is_running(), "{:?}", near.ended().await);
            tokio::task::yield_now().await;
        }
        assert!(near.told().iter().any(|told| told.contains(&format!("Quarantined {{ tags: [{tag:?}]"))), "{round}");
    }
    over.store(true, SeqCst);
    busy.await.expect("it wrote");
}

/// A caller that asks for nothing has a gate that closes, and opens when it asks again.
#[tokio::test]
async fn a_gate_is_open_for_those_who_ask() {
    let cache = connect(&config(&redis_url())).await;
    let near = Near::start(&cache, BOUND).await;
    near.pause();
    let open = open_for(&near.gate).await;
    assert!(open <= BOUND, "{open:?}");
    near.resume();
    until("the gate opens", || async { near.gate.is_open() }).await;
    tokio::time::sleep(BOUND * 3 / 2).await;
    assert!(near.is_running());
    until("it is kept open", || async { near.gate.is_open() }).await;
}

/// A server that is silent, in whatever way, closes the gate within the bound.
#[tokio::test]
async fn silence_closes_the_gate() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let config = config(&proxy.url_through(&redis_url()));
    for fault in 0..4 {
        let cache = connect(&config).await;
        let near = Near::start(&cache, BOUND).await;
        match fault {
            0 => proxy.black_hole(Direction::ToClient),
            1 => proxy.black_hole(Direction::ToServer),
            2 => proxy.stall(Direction::ToClient),
            _ => proxy.stall(Direction::ToServer),
        }
        let open = open_for(&near.gate).await;
        assert!(open <= BOUND, "{fault}: {open:?}");
        // Nobody knows what was missed.
        let gate = near.gate.clone();
        let error = near.ended().await;
        assert_eq!(*error.kind(), ErrorKind::Cache);
        proxy.resume();
        assert!(!gate.is_open());
        let cache = connect(&config).await;
        let again = Near::start(&cache, BOUND).await;
        assert!(again.gate.is_open() && !gate.is_open(), "{fault}: {again:?}");
    }
}

/// A server that hangs closes the gate within the bound, without a word.
#[tokio::test]
async fn a_server_that_hangs_closes_the_gate() {
    let instance = Instance::redis().await;
    let cache = connect(&config(instance.url())).await;
    let near = Near::start(&cache, BOUND).await;
    instance.pause();
    let open = open_for(&near.gate).await;
    assert!(open <= BOUND, "{open:?}");
    instance.resume();
    // It goes on where it was not silent for longer than the bound, and ends otherwise.
    until("it is decided", || async { near.gate.is_open() || !near.is_running() }).await;
}

/// Connections that are lost close the gate at once, and another stream can be had.
#[tokio::test]
async fn lost_connections_close_the_gate_at_once() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let cache = connect(&config(&proxy.url_through(&redis_url())).bound(LONG)).await;
    let near = Near::start(&cache, LONG).await;
    proxy.cut_all().await;
    let open = open_for(&near.gate).await;
    assert!(open < LONG / 2, "{open:?}");
    near.ended().await;
    until("there is a connection", || async { cache.invalidations(BOUND).await.is_ok() }).await;
    assert!(Near::start(&cache, BOUND).await.gate.is_open());
}

/// The connection of the stream alone: killed in the server.
#[tokio::test]
async fn a_stream_that_loses_its_connection_ends() {
    let instance = Instance::redis().await;
    let cache = connect(&config(instance.url()).bound(LONG)).await;
    let server = Server::connect(instance.url()).await;
    let near = Near::start(&cache, LONG).await;
    let _: i64 = server.run(&[b"CLIENT", b"KILL", b"TYPE", b"pubsub"]).await;
    until("the gate closes", || async { !near.gate.is_open() }).await;
    near.ended().await;
    assert!(cache.redis_statistics().connected);
    assert!(Near::start(&cache, BOUND).await.gate.is_open());
}

/// A server that starts again has other channels; the stream of the old one is over.
#[tokio::test]
async fn a_restarted_server_ends_the_stream() {
    let mut instance = Instance::redis().await;
    let config = config(instance.url()).heartbeat(Duration::from_millis(50));
    let (cache, other) = (connect(&config).await, connect(&config).await);
    let near = Near::start(&cache, BOUND).await;
    instance.kill().await;
    until("the gate closes", || async { !near.gate.is_open() }).await;
    instance.start().await;
    near.ended().await;
    until("there is a connection", || async { cache.invalidations(BOUND).await.is_ok() }).await;
    let mut again = stream(&cache, BOUND).await;
    until("the writer is there", || async { other.void(&[Tag(1)]).await.is_ok() }).await;
    let told = next(&mut again).await.expect("nothing is missed");
    assert_eq!(format!("{told:?}"), format!("{:?}", Invalidation::Voided(vec![Tag(1)])));
}

/// A server that forgets everything, scripts too: the stream goes on.
#[tokio::test]
async fn a_server_that_forgets_everything_still_tells() {
    let instance = Instance::redis().await;
    let config = config(instance.url());
    let (cache, other) = (connect(&config).await, connect(&config).await);
    let server = Server::connect(instance.url()).await;
    let near = Near::start(&cache, BOUND).await;
    for round in 0..5 {
        let _: () = server.run(&[b"FLUSHALL"]).await;
        let _: () = server.run(&[b"SCRIPT", b"FLUSH"]).await;
        let token = quarantine(&other, &[row_tag(round)]).await;
        let _: () = server.run(&[b"SCRIPT", b"FLUSH"]).await;
        release(&other, &[row_tag(round)], token, Outcome::Unlisted).await;
        let expected = format!("Released {{ tags: [{:?}]", row_tag(round));
        until("it is told", || async { near.told().iter().any(|told| told.contains(&expected)) }).await;
    }
    tokio::time::sleep(BOUND).await;
    assert!(near.is_running());
    until("it is kept open", || async { near.gate.is_open() }).await;
}

/// A server whose scripts are taken away all the time: writers write, and the stream goes on.
#[tokio::test]
async fn a_server_that_keeps_no_script_still_tells() {
    let instance = Instance::redis().await;
    let config = config(instance.url()).bound(LONG);
    let (cache, other) = (connect(&config).await, connect(&config).await);
    let near = Near::start(&cache, LONG).await;
    let flushing = (0..4).map(|_| async {
        let server = Server::connect(instance.url()).await;
        loop {
            let _: () = server.run(&[b"SCRIPT", b"FLUSH"]).await;
        }
    });
    let writing = async {
        for key in 0..300 {
            write(&other, &[row_tag(key)], Outcome::Unlisted).await;
            let expected = format!("Released {{ tags: [{:?}]", row_tag(key));
            until("it is told", || async { near.told().iter().any(|told| told.contains(&expected)) }).await;
        }
    };
    tokio::select! {
        () = writing => {}
        _ = join_all(flushing) => panic!("the scripts are taken away for ever"),
    }
    assert!(near.gate.is_open());
}

/// A primary without the replicas that it must have opens no gate: another may have taken its place.
#[tokio::test]
async fn a_primary_that_may_not_write_opens_no_gate() {
    let instance = Instance::redis().await;
    let cache = connect(&config(instance.url())).await;
    let server = Server::connect(instance.url()).await;
    let near = Near::start(&cache, BOUND).await;
    let _: () = server.run(&[b"CONFIG", b"SET", b"min-replicas-to-write", b"1"]).await;
    until("the gate closes", || async { !near.gate.is_open() }).await;
    let error = near.ended().await;
    assert!(error.to_string().contains("NOREPLICAS"), "{error}");
}

/// Bytes that are no message: everything is in doubt.
#[tokio::test]
async fn a_message_that_cannot_be_read_ends_the_stream() {
    let instance = Instance::redis().await;
    let cache = connect(&config(instance.url())).await;
    let server = Server::connect(instance.url()).await;
    for damage in [&b""[..], b"hello", &[0xd1; 40]] {
        let near = Near::start(&cache, BOUND).await;
        let channels: Vec<Vec<u8>> = server.run(&[b"PUBSUB", b"CHANNELS"]).await;
        let channel = channels.iter().find(|channel| channel.ends_with(b"i")).expect("the stream is subscribed");
        let _: i64 = server.run(&[b"PUBLISH", channel, damage]).await;
        until("the gate closes", || async { !near.gate.is_open() }).await;
        let error = near.ended().await;
        assert!(error.to_string().contains("can't be read"), "{error}");
    }
}

/// Messages that nobody takes are not kept for ever.
#[tokio::test]
async fn a_queue_that_is_too_long_ends_the_stream() {
    // The gate does not close by its bound first.
    let bound = LONG * 60;
    let config = config(&redis_url()).bound(bound);
    let (cache, other) = (connect(&config).await, connect(&config).await);
    let near = Near::start(&cache, bound).await;
    near.pause();
    let tags: Vec<Tag> = (0..100_000).map(Tag).collect();
    for _ in 0..50 {
        other.void(&tags).await.expect("the cache answers");
        if !near.gate.is_open() {
            break;
        }
    }
    until("the gate closes", || async { !near.gate.is_open() }).await;
    near.resume();
    let error = near.ended().await;
    assert!(error.to_string().contains("behind"), "{error}");
}

/// A stream that is dropped closes its gate and its connection, and is no holder any more.
#[tokio::test]
async fn a_dropped_stream_leaves_nothing() {
    let instance = Instance::redis().await;
    let config = config(instance.url());
    let cache = connect(&config).await;
    let server = Server::connect(instance.url()).await;
    let stream = {
        let near = Near::start(&cache, BOUND).await;
        near.gate.clone()
    };
    assert!(stream.is_open(), "its task has the stream");
    let mut dropped = support::near::stream(&cache, BOUND).await;
    let gate = dropped.gate();
    tokio::select! {
        told = dropped.next() => panic!("{told:?}"),
        () = until("the gate opens", || async { gate.is_open() }) => {}
    }
    let holders = server.keys(&config, Some('h')).await.remove(0);
    let count = async || server.run::<i64>(&[b"HLEN", holders.as_bytes()]).await;
    assert_eq!(count().await, 4, "two streams, the age and the bound");
    drop(dropped);
    assert!(!gate.is_open());
    until("it is no holder", || async { count().await == 3 }).await;
    drop(cache);
    until("the stream of a client that is gone ends", || async { !stream.is_open() }).await;
    until("connections end", || async {
        let clients: String = server.run(&[b"CLIENT", b"LIST"]).await;
        clients.lines().count() == 1
    })
    .await;
}

/// What can't be is said.
#[tokio::test]
async fn refusals_say_what_to_do() {
    let config = config(&redis_url());
    let old = connect(&config.clone().resp3(false)).await;
    let error = old.invalidations(BOUND).await.expect_err("RESP2 has no pushes");
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("protocol=resp2"), "{error}");
    let error = connect(&config).await.invalidations(BOUND * 2).await.expect_err("others would not wait for it");
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("bound"), "{error}");
    // It writes as others do.
    let new = connect(&config).await;
    let near = Near::start(&new, BOUND).await;
    write(&old, &[row_tag(1)], Outcome::Unlisted).await;
    until("it is told", || async { near.applied() == 2 }).await;
}
