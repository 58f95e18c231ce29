//! The spans and events of the feature `tracing`.
#![allow(clippy::unwrap_used, reason = "tests report by panicking")]

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use thing::driver::Error;
use thing::{Db, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_conformance::recording::{Matcher, RecordingCache, When};
use thing_driver_sqlite::SqliteExecutor;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[derive(Clone, Debug, Model)]
#[thing(no_new)]
struct User {
    id: i64,
    name: String,
}

/// Writes down the names of spans, and events with their fields.
#[derive(Clone, Default)]
struct Listener {
    heard: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

impl Listener {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "thing::cache"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.heard.lock().unwrap().push(span.metadata().name().to_owned());
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.heard.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
        } else {
            self.0.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn reads_and_writes_are_traced() {
    let cache = RecordingCache::new(Arc::new(MemoryCache::new(MemoryConfig::default())));
    let db = Db::builder(SqliteExecutor::memory().await.unwrap()).cache(cache.clone()).build();
    db.sync::<User>().await.unwrap();
    let listener = Listener::default();
    let _guard = tracing::subscriber::set_default(listener.clone());
    User { id: 0, name: "Alice".into() }.save(&db).await.unwrap();
    assert_eq!(listener.take(), ["quarantine", "commit", "release"]);
    assert_eq!(db.things::<User>().count().await.unwrap(), 1);
    assert_eq!(listener.take(), ["miss reason=Cold", "fill"]);
    assert_eq!(db.things::<User>().count().await.unwrap(), 1);
    assert!(listener.take().is_empty(), "a hit says nothing");
    User::by_id(&db, 1).await.unwrap();
    assert_eq!(listener.take(), ["fill"]);
    let strict = db.things::<User>().strict();
    strict.delete(1).await.unwrap();
    assert_eq!(listener.take(), ["quarantine", "settle", "commit", "release"]);
    cache.fail_next(Matcher::quarantines(), Error::cache("the cache is away"), When::Before);
    User { id: 0, name: "Bob".into() }.save(&db).await.unwrap_err();
    assert_eq!(listener.take(), ["quarantine", "cache error"]);
}
