//! URLs: what they open, and which are refused.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::{Folder, Users};
use thing_driver_api::{ErrorKind, Executor, TransactionOptions};
use thing_driver_sqlite::{SqliteConfig, SqliteExecutor};

/// What `from_url` makes of the parameters, compared by what `Debug` shows.
fn assert_same(url: &str, config: &SqliteConfig) {
    let read = SqliteConfig::from_url(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!(format!("{read:?}"), format!("{config:?}"), "{url}");
}

#[test]
fn paths_are_relative_absolute_and_encoded() {
    let file = |path: &str| SqliteConfig::file(path);
    assert_same("sqlite:app.db", &file("app.db"));
    assert_same("sqlite:./data/app.db", &file("./data/app.db"));
    assert_same("sqlite:/var/app.db", &file("/var/app.db"));
    assert_same("sqlite://app.db", &file("app.db"));
    assert_same("sqlite:///var/app.db", &file("/var/app.db"));
    assert_same("sqlite:a%20b%3Fc%23d%25.db?", &file("a b?c#d%.db"));
    assert_same("sqlite:%F0%9F%98%80.db", &file("😀.db"));
}

#[test]
fn memory_has_three_spellings() {
    for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite:whatever.db?mode=memory", "sqlite:?mode=memory"] {
        assert_same(url, &SqliteConfig::memory());
    }
}

#[test]
fn parameters_are_the_methods() {
    use thing_driver_sqlite::Synchronous::{Full, Normal, Off};
    let config = || SqliteConfig::file("app.db");
    assert_same("sqlite:app.db?mode=ro", &config().read_only(true).create_if_missing(false));
    assert_same("sqlite:app.db?mode=rw", &config().create_if_missing(false));
    assert_same("sqlite:app.db?mode=rwc", &config());
    assert_same("sqlite:app.db?busy_timeout=1500", &config().busy_timeout(Duration::from_millis(1500)));
    assert_same("sqlite:app.db?busy_timeout=0", &config().busy_timeout(Duration::ZERO));
    for (name, synchronous) in [("off", Off), ("normal", Normal), ("FULL", Full)] {
        assert_same(&format!("sqlite:app.db?synchronous={name}"), &config().synchronous(synchronous));
    }
    for (name, enforced) in [("true", true), ("on", true), ("1", true), ("false", false), ("off", false), ("0", false)]
    {
        assert_same(&format!("sqlite:app.db?foreign_keys={name}"), &config().foreign_keys(enforced));
    }
    assert_same(
        "sqlite:app.db?readers=2&cache_size=4096&statement_cache=7&max_pages=50&changes_interval=5",
        &config()
            .readers(2)
            .cache_size(4096)
            .statement_cache(7)
            .max_pages(50)
            .changes_interval(Duration::from_millis(5)),
    );
}

#[test]
fn what_is_wrong_is_named() {
    for (url, part) in [
        ("app.db", "does not begin with sqlite:"),
        ("sqlite3:app.db", "does not begin with sqlite:"),
        ("sqlite:", "names no file"),
        ("sqlite://", "names no file"),
        ("sqlite:?mode=rwc", "names no file"),
        ("sqlite:app.db#x", "#"),
        ("sqlite:%zz.db", "%25"),
        ("sqlite:app%2", "%25"),
        ("sqlite:%ff.db", "UTF-8"),
        ("sqlite:app.db?busy_timeout", "busy_timeout without a value"),
        ("sqlite:app.db?busy_timeout=5s", "busy_timeout that is no number of milliseconds"),
        ("sqlite:app.db?busy_timeout=-1", "busy_timeout that is no number of milliseconds"),
        ("sqlite:app.db?cache_size=5000000000", "cache_size that is no number of bytes, or too large"),
        ("sqlite:app.db?synchronous=extra", "synchronous; there are off, normal and full"),
        ("sqlite:app.db?foreign_keys=yes", "foreign_keys; there are true and false"),
        ("sqlite:app.db?mode=rx", "mode; there are ro, rw, rwc and memory"),
        ("sqlite::memory:?mode=ro", "mode=ro for a database in memory"),
        ("sqlite:app.db?mode=rw&mode=ro", "mode twice"),
        ("sqlite:app.db?cache=shared", "unknown parameter cache; there are busy_timeout"),
        ("sqlite:app.db?Mode=ro", "unknown parameter Mode"),
    ] {
        let error = SqliteConfig::from_url(url).expect_err(url);
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{url}");
        assert!(error.to_string().contains(part), "{url}: {error}");
    }
}

fn url(path: &Path, parameters: &str) -> String {
    format!("sqlite://{}?{parameters}", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn open_takes_a_url_or_a_path() {
    let folder = Folder::new();
    let path = folder.path("url.db");
    let missing = SqliteExecutor::open(url(&path, "mode=rw")).await.unwrap_err();
    assert_eq!(*missing.kind(), ErrorKind::InvalidInput, "{missing}");
    let created = SqliteExecutor::open(url(&path, "mode=rwc")).await.unwrap();
    let users = Users::create(&created).await;
    users.add(&created, "one").await.unwrap();
    let by_path = SqliteExecutor::open(&path).await.unwrap();
    assert_eq!(users.count(&by_path).await, 1);
    let read_only = SqliteExecutor::open(url(&path, "mode=ro")).await.unwrap();
    assert_eq!(users.count(&read_only).await, 1);
    assert_eq!(*users.add(&read_only, "two").await.unwrap_err().kind(), ErrorKind::ReadOnly);
    let error = SqliteExecutor::open(url(&path, "mode=write")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_busy_timeout_of_the_url_holds() {
    let folder = Folder::new();
    let executor = SqliteExecutor::open(url(&folder.path("busy.db"), "busy_timeout=50")).await.unwrap();
    let users = Users::create(&executor).await;
    let transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    let since = Instant::now();
    assert_eq!(*users.add(&executor, "late").await.unwrap_err().kind(), ErrorKind::Busy);
    assert!(since.elapsed() < Duration::from_secs(4), "five seconds are the default");
    transaction.rollback().await.unwrap();
}
