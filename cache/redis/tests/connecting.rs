//! Connecting: who is let in, and what is said to who is not.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use support::{LIST_TAGS, Server, changed, config, connect, fill, found, hit, list, object, row_tag, write};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_api::{CacheClient, ErrorKind, Found, Outcome};
use thing_test_servers::{Instance, certificate_authority, redis_tls_url, redis_url};

async fn refusal(config: RedisConfig) -> String {
    let error = RedisCache::connect(config).await.expect_err("there is nothing to connect to");
    assert_eq!(*error.kind(), ErrorKind::Cache);
    error.to_string()
}

fn host_of(url: &str) -> &str {
    url.rsplit('@').next().expect("a URL")
}

/// Nothing listens.
#[tokio::test]
async fn a_closed_port() {
    let said = refusal(config("redis://127.0.0.1:1")).await;
    assert!(said.contains("127.0.0.1:1") && said.contains("refuses connections"), "{said}");
}

/// No such host.
#[tokio::test]
async fn an_unknown_host() {
    let said = refusal(config("redis://no-such-host.invalid:6379")).await;
    assert!(said.contains("no-such-host.invalid") && said.contains("name service"), "{said}");
}

/// The wrong password, and none.
#[tokio::test]
async fn a_wrong_password() {
    let said = refusal(config(&redis_url()).password("wrong")).await;
    assert!(said.contains(host_of(&redis_url())) && said.contains("password"), "{said}");
    let said = refusal(config(&redis_url()).username("nobody").resp3(true)).await;
    assert!(said.contains("password"), "{said}");
    let instance = Instance::redis().await;
    let server = Server::connect(instance.url()).await;
    let _: () = server.run(&[b"ACL", b"SETUSER", b"default", b"resetpass", b">secret"]).await;
    for resp3 in [false, true] {
        let said = refusal(config(&format!("redis://{}", instance.address())).resp3(resp3)).await;
        assert!(said.contains("password"), "{said}");
    }
}

/// TLS, with the authority that signed the certificate.
#[tokio::test]
async fn tls() {
    let cache = connect(&config(&redis_tls_url()).certificate_authority(certificate_authority())).await;
    fill(&cache, &object(1), &[row_tag(1)], 1).await;
    write(&cache, &[row_tag(1)], Outcome::Unlisted).await;
    assert_eq!(hit(&cache, &object(1)).await, None);
}

/// TLS that can't be trusted, or is not spoken.
#[tokio::test]
async fn tls_that_fails() {
    let said = refusal(config(&redis_tls_url())).await;
    assert!(said.contains(host_of(&redis_tls_url())) && said.contains("certificate_authority"), "{said}");
    let said = refusal(config(&redis_tls_url()).certificate_authority("/does/not/exist.pem")).await;
    assert!(said.contains("/does/not/exist.pem"), "{said}");
    let plain = redis_url().replace("redis://", "rediss://");
    let said = refusal(config(&plain).certificate_authority(certificate_authority())).await;
    assert!(said.contains(host_of(&plain)), "{said}");
    let said = refusal(config(&redis_tls_url().replace("rediss://", "redis://"))).await;
    assert!(said.contains("TLS"), "{said}");
}

/// A user who may do what the documentation lists, and nothing else.
#[tokio::test]
async fn a_user_with_few_rights() {
    let instance = Instance::redis().await;
    let server = Server::connect(instance.url()).await;
    let rights = "+@connection +info +mget +get +getrange +set +del +pexpire +pttl +hset +hmget +hgetall +hdel +publish \
                  +subscribe +time +evalsha +script|load";
    let mut command: Vec<&[u8]> = vec![b"ACL", b"SETUSER", b"shop", b"on", b">secret", b"~shop:*", b"&shop:*"];
    command.extend(rights.split(' ').map(str::as_bytes));
    let _: () = server.run(&command).await;
    let config = config(&format!("redis://shop:secret@{}", host_of(instance.url()).trim_end_matches('/')));
    let cache = connect(&config.clone().prefix("shop")).await;
    fill(&cache, &object(1), &[row_tag(1)], 1).await;
    fill(&cache, &list("all"), &LIST_TAGS, 1).await;
    write(&cache, &[row_tag(1), LIST_TAGS[0]], changed(1, 0, 1)).await;
    let Found::Behind(behind) = found(&cache, &list("all")).await else { panic!("the change is known") };
    assert!(cache.restamp(&list("all"), &behind).await.expect("it may"));
    cache.void(&[row_tag(1)]).await.expect("it may");
    cache.void_table(support::TABLE).await.expect("it may");
    let other = connect(&config.clone().prefix("shop")).await;
    let near = support::near::Near::start(&other, support::near::BOUND).await;
    cache.settle().await.expect("it may");
    write(&cache, &[row_tag(1)], Outcome::Unlisted).await;
    support::until("it is told", || async { near.applied() == 2 }).await;
    let first = support::lease(&cache, &object(1), &[row_tag(1)]).await;
    cache.abandon(&first);
    assert_eq!((cache.redis_statistics().failures, other.redis_statistics().failures), (0, 0));
    // Under another prefix it may do nothing.
    let foreign = connect(&config.prefix("other")).await;
    let error = foreign.quarantine(&[row_tag(1)], thing_driver_api::Token::random(), support::LONG).await;
    assert!(error.expect_err("it may not").to_string().contains("NOPERM"));
}

/// A replica has old data and takes no writes.
#[tokio::test]
async fn a_replica() {
    let instance = Instance::redis().await;
    let server = Server::connect(instance.url()).await;
    let _: () = server.run(&[b"REPLICAOF", b"127.0.0.1", b"1"]).await;
    let said = refusal(config(instance.url())).await;
    assert!(said.contains("replica"), "{said}");
}

/// A primary that becomes a replica is noticed, and is empty when it is a primary again: it may have got older data.
#[tokio::test]
async fn a_primary_that_is_demoted() {
    let instance = Instance::redis().await;
    let config = config(instance.url()).heartbeat(std::time::Duration::from_millis(50));
    let cache = connect(&config).await;
    fill(&cache, &object(1), &[row_tag(1)], 1).await;
    let server = Server::connect(instance.url()).await;
    let _: () = server.run(&[b"REPLICAOF", b"127.0.0.1", b"1"]).await;
    support::until("the cache has noticed", || async { !cache.redis_statistics().connected }).await;
    let _: () = server.run(&[b"REPLICAOF", b"NO", b"ONE"]).await;
    support::until("the cache is used again", || async { cache.redis_statistics().connected }).await;
    assert_eq!(hit(&cache, &object(1)).await, None);
    fill(&cache, &object(1), &[row_tag(1)], 2).await;
}

/// Settings that can't be right are said at once.
#[tokio::test]
async fn a_prefix_with_braces() {
    let error = RedisCache::connect(config(&redis_url()).prefix("{x}")).await.expect_err("braces are hash tags");
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
}
