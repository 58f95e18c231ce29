//! Advisory locks: held by one at a time, and given up by drops.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::{Place, key};
use thing_driver_api::ErrorKind;

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time_holds_a_lock() {
    let place = Place::new().await;
    let key = key(&place);
    let lock = place.executor.advisory_lock(key).await.unwrap();
    assert!(lock.is_held() && lock.key() == key);
    assert!(place.executor.try_advisory_lock(key).await.unwrap().is_none());
    let other = place.executor.try_advisory_lock(key + 1).await.unwrap().unwrap();
    let waiting = {
        let executor = place.executor.clone();
        tokio::spawn(async move { executor.advisory_lock(key).await.unwrap().release().await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    lock.release().await.unwrap();
    waiting.await.unwrap().unwrap();
    other.release().await.unwrap();
    assert_eq!(place.executor.statistics().discarded_connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_lock_is_given_up() {
    let place = Place::new().await;
    let key = key(&place);
    drop(place.executor.advisory_lock(key).await.unwrap());
    place.executor.advisory_lock(key).await.unwrap().release().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_waiting_does_not_get_the_lock() {
    let place = Place::new().await;
    let key = key(&place);
    let lock = place.executor.advisory_lock(key).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(100), place.executor.advisory_lock(key)).await;
    assert!(waiting.is_err());
    lock.release().await.unwrap();
    for _ in 0..1000 {
        if let Some(lock) = place.executor.try_advisory_lock(key).await.unwrap() {
            return lock.release().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the lock is held by nobody, and not to be had");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_lock_ends_with_the_statement_timeout() {
    let place = Place::with(|config| config.statement_timeout(Duration::from_secs(2))).await;
    let key = key(&place);
    let _lock = place.executor.advisory_lock(key).await.unwrap();
    let error = place.executor.advisory_lock(key).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false });
}
