//! Faults: a server that is slow, silent or gone costs a read little, refuses writes, and is used again when it is
//! back.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::time::{Duration, Instant};

use support::{Server, config, connect, fill, hit, lease, object, quarantine, row_tag, until, write};
use thing_driver_api::{CacheClient, ErrorKind, Found, LeaseRequest, Leased, NewEntry, Outcome, Token, Wanted};
use thing_test_servers::{Direction, Instance, Proxy, redis_url};

const READ: Duration = Duration::from_millis(100);
/// Waits share a clock, so that one may be given up a sixteenth before its time.
const AT_LEAST: Duration = Duration::from_millis(90);
/// What a busy machine may add to a time.
const SLACK: Duration = Duration::from_secs(5);

/// A silent server: each read costs the time allowed, then none; it heals.
#[tokio::test]
async fn a_stalled_server_costs_reads_a_bounded_time() {
    let proxy = Proxy::to_url(&redis_url()).await;
    for direction in [Direction::ToServer, Direction::ToClient] {
        let patient = config(&proxy.url_through(&redis_url()));
        fill(&connect(&patient).await, &object(1), &[row_tag(1)], 1).await;
        let config = patient
            .read_timeout(READ)
            .breaker_failures(3)
            .breaker_wait(Duration::from_millis(50))
            .write_timeout(Duration::from_millis(300));
        let cache = connect(&config).await;
        proxy.stall(direction);
        for _ in 0..3 {
            let began = Instant::now();
            let error = cache.load(&[Wanted::new(&object(1))]).await.expect_err("nothing is answered");
            let took = began.elapsed();
            assert!(took >= AT_LEAST && took < READ + SLACK, "{took:?}");
            assert_eq!(*error.kind(), ErrorKind::Cache);
        }
        let began = Instant::now();
        for _ in 0..1000 {
            cache.load(&[Wanted::new(&object(1))]).await.expect_err("reads are spared the wait");
        }
        // To wait for each would take READ * 1000.
        assert!(began.elapsed() < READ * 50, "{:?}", began.elapsed());
        let statistics = cache.redis_statistics();
        assert!(statistics.timeouts >= 3 && statistics.spared >= 1000 && statistics.sparing, "{statistics:?}");
        // A write is refused, not let through.
        let began = Instant::now();
        cache.quarantine(&[row_tag(2)], Token::random(), READ).await.expect_err("the mark can't be placed");
        assert!(began.elapsed() < Duration::from_millis(300) + SLACK);
        proxy.resume();
        until("the cache is used again", || async {
            matches!(cache.load(&[Wanted::new(&object(1))]).await, Ok(found) if matches!(found[0], Found::Hit(_)))
        })
        .await;
    }
}

/// A slow server is not used for reads, and writes still go through it.
#[tokio::test]
async fn a_slow_server_is_not_waited_for() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let patient = config(&proxy.url_through(&redis_url()));
    fill(&connect(&patient).await, &object(1), &[row_tag(1)], 1).await;
    let cache = connect(&patient.read_timeout(READ).breaker_failures(2)).await;
    // Far more than what is waited for a read, and less than for a write.
    proxy.delay(Duration::from_secs(1));
    for _ in 0..2 {
        cache.load(&[Wanted::new(&object(1))]).await.expect_err("it takes too long");
    }
    let before = cache.redis_statistics().spared;
    cache.load(&[Wanted::new(&object(1))]).await.expect_err("reads are spared the wait");
    assert_eq!(cache.redis_statistics().spared, before + 1);
    write(&cache, &[row_tag(1)], Outcome::Unlisted).await;
    proxy.delay(Duration::ZERO);
    until("the cache is used again", || async { cache.load(&[Wanted::new(&object(1))]).await.is_ok() }).await;
    assert!(!cache.redis_statistics().sparing);
    assert_eq!(hit(&cache, &object(1)).await, None);
}

/// Connections that break are made anew; what was stored is still there, because the server is the same.
#[tokio::test]
async fn cut_connections_are_made_anew() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let config = config(&proxy.url_through(&redis_url())).connections(2);
    let cache = connect(&config).await;
    for round in 1..4 {
        fill(&cache, &object(round), &[row_tag(round)], 1).await;
        let late = lease(&cache, &object(99), &[row_tag(99)]).await;
        proxy.cut_all().await;
        // A write waits for the new connection and is not refused.
        let token = Token::random();
        cache.quarantine(&[row_tag(100)], token, READ).await.expect("the mark is placed over a new connection");
        cache.release(&[row_tag(100)], token, Outcome::Unlisted).await.expect("and taken away");
        assert_eq!(hit(&cache, &object(round)).await, Some(1));
        assert_eq!(support::store(&cache, &late, &object(99), &[row_tag(99)], 1).await, 1, "the stamps still hold");
        write(&cache, &[row_tag(99)], Outcome::Unlisted).await;
    }
    assert_eq!(cache.redis_statistics().connects, 4);
}

/// While no connection can be made reads fail at once, and writes after their time.
#[tokio::test]
async fn a_server_that_is_gone_costs_reads_nothing() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let config = config(&proxy.url_through(&redis_url())).write_timeout(READ);
    let cache = connect(&config).await;
    proxy.refuse(true);
    proxy.cut_all().await;
    let _ = cache.load(&[Wanted::new(&object(1))]).await;
    let began = Instant::now();
    for _ in 0..100 {
        cache.load(&[Wanted::new(&object(1))]).await.expect_err("there is no connection");
    }
    // To wait for each would take the time of a read, ten seconds.
    assert!(began.elapsed() < SLACK, "{:?}", began.elapsed());
    let began = Instant::now();
    cache.quarantine(&[row_tag(1)], Token::random(), READ).await.expect_err("there is no connection");
    cache.void(&[row_tag(1)]).await.expect_err("there is no connection");
    assert!(began.elapsed() < 2 * (READ + SLACK));
    assert!(!cache.redis_statistics().connected);
    proxy.refuse(false);
    until("the cache is used again", || async { cache.load(&[Wanted::new(&object(1))]).await.is_ok() }).await;
}

/// A release whose connection is lost is made up for, so that its tags do not stay closed until they lapse.
#[tokio::test]
async fn a_failed_release_is_tried_again() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let config = config(&proxy.url_through(&redis_url())).write_timeout(Duration::from_secs(1));
    let cache = connect(&config).await;
    for outcome in [Outcome::Unlisted, support::changed(1, 0, 1), Outcome::Nothing] {
        let token = quarantine(&cache, &[row_tag(1)]).await;
        proxy.refuse(true);
        proxy.cut_all().await;
        cache.release(&[row_tag(1)], token, outcome).await.expect_err("there is no connection");
        proxy.refuse(false);
        until("the tag is open", || async {
            let request = [LeaseRequest::Entry { key: &object(1), tags: &[row_tag(1)] }];
            let leased = cache.lease(&request).await;
            matches!(leased.as_deref(), Ok([Leased::Granted(lease)]) if { cache.abandon(lease); true })
        })
        .await;
    }
}

/// A quarantine whose answer is lost is not taken for placed before it is.
#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let config = config(&proxy.url_through(&redis_url()));
    let cache = connect(&config).await;
    for direction in [Direction::ToServer, Direction::ToClient] {
        fill(&cache, &object(1), &[row_tag(1)], 1).await;
        proxy.cut_after(direction, 0);
        let token = quarantine(&cache, &[row_tag(1)]).await;
        assert!(matches!(support::found(&cache, &object(1)).await, Found::Quarantined));
        proxy.cut_after(direction, 0);
        support::release(&cache, &[row_tag(1)], token, Outcome::Unlisted).await;
        assert_eq!(hit(&cache, &object(1)).await, None);
    }
}

/// A server that starts again with its old data is empty: its data may be older than what was written since.
#[tokio::test]
async fn a_restarted_server_is_empty() {
    let mut instance = Instance::redis().await;
    let config = config(instance.url()).heartbeat(Duration::from_millis(100));
    let cache = connect(&config).await;
    fill(&cache, &object(1), &[row_tag(1)], 1).await;
    let late = lease(&cache, &object(2), &[row_tag(2)]).await;
    let server = Server::connect(instance.url()).await;
    let mut data = Vec::new();
    for key in server.keys(&config, None).await {
        let dump: Vec<u8> = server.run(&[b"DUMP", key.as_bytes()]).await;
        data.push((key, dump));
    }
    assert!(data.len() >= 3);
    // What the old data does not have.
    write(&cache, &[row_tag(1)], Outcome::Unlisted).await;
    instance.kill().await;
    instance.start().await;
    let server = Server::connect(instance.url()).await;
    for (key, dump) in &data {
        let _: () = server.run(&[b"RESTORE", key.as_bytes(), b"0", dump]).await;
    }
    until("the cache is used again", || async { cache.load(&[Wanted::new(&object(1))]).await.is_ok() }).await;
    assert_eq!(hit(&cache, &object(1)).await, None);
    assert_eq!(support::store(&cache, &late, &object(2), &[row_tag(2)], 1).await, 0, "stamps of another epoch");
    assert_eq!(hit(&connect(&config).await, &object(1)).await, None);
    fill(&cache, &object(1), &[row_tag(1)], 2).await;
    assert_eq!(hit(&connect(&config).await, &object(1)).await, Some(2));
}

/// A server that hangs and goes on runs late what was sent; nothing of that does harm.
#[tokio::test]
async fn late_commands_do_no_harm() {
    let instance = Instance::redis().await;
    let config = config(instance.url())
        .read_timeout(Duration::from_secs(1))
        .write_timeout(Duration::from_secs(1))
        .breaker_failures(100)
        .breaker_wait(Duration::from_millis(20));
    let cache = connect(&config).await;
    fill(&cache, &object(1), &[row_tag(1)], 1).await;
    let late = lease(&cache, &object(2), &[row_tag(2)]).await;
    instance.pause();
    let short = Duration::from_millis(300);
    cache.quarantine(&[row_tag(1)], Token::random(), short).await.expect_err("it hangs");
    let entry = NewEntry::new(object(2), vec![row_tag(2)], support::payload(1));
    cache.store(&late, vec![entry]).await.expect_err("it hangs");
    instance.resume();
    until("the cache is used again", || async { cache.load(&[Wanted::new(&object(1))]).await.is_ok() }).await;
    // The mark that came late lapses, and the row is read again.
    until("the mark has lapsed", || async {
        let request = [LeaseRequest::Entry { key: &object(1), tags: &[row_tag(1)] }];
        let leased = cache.lease(&request).await;
        matches!(leased.as_deref(), Ok([Leased::Granted(lease)]) if { cache.abandon(lease); true })
    })
    .await;
    assert_eq!(hit(&cache, &object(1)).await, None);
    // What was stored late was still valid, and ends with the next write.
    write(&cache, &[row_tag(2)], Outcome::Unlisted).await;
    assert_eq!(hit(&cache, &object(2)).await, None);
}
