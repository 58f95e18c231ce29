//! The cache that a case works on, with the steps of readers and writers.

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    CacheClient, Change, ColumnSet, EntryKey, Found, Key, Lease, LeaseRequest, Leased, NewEntry, Outcome, Payload,
    Peek, RowImage, Scope, TableId, Tag, Token, Value, Wanted,
};

use super::Number;

/// Longer than any case takes.
pub(super) const LONG: Duration = Duration::from_secs(300);
/// A quarantine that is meant to lapse.
pub(super) const SHORT: Duration = Duration::from_millis(50);
/// How long a case waits for something to lapse before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The table of most cases.
pub(super) const TABLE: TableId = TableId(0x7468_696e_6773);
/// Another.
pub(super) const OTHER_TABLE: TableId = TableId(0x6f74_6865_7273);

/// A fresh cache for one case.
#[derive(Debug)]
pub struct Subject {
    cache: Arc<dyn CacheClient>,
}

impl Subject {
    pub(super) fn new(cache: Arc<dyn CacheClient>) -> Self {
        Self { cache }
    }

    /// The client under test.
    pub fn cache(&self) -> &Arc<dyn CacheClient> {
        &self.cache
    }

    /// Loads one entry. A hit of `peek` must be a hit of `load` with the same content, as nothing happens in between.
    pub(super) async fn found(&self, key: &EntryKey) -> Found {
        let peeked = self.cache.peek(key);
        let mut found = self.cache.load(&[Wanted::new(key)]).await.expect("the cache answers");
        assert_eq!(found.len(), 1, "one answer for one key");
        let found = found.remove(0);
        if let Peek::Hit(peeked) = peeked {
            match &found {
                Found::Hit(loaded) => assert_eq!(Number::read(&peeked), Number::read(loaded), "peek agrees with load"),
                other => panic!("peek hits where load gives {other:?}"),
            }
        }
        found
    }

    /// The number in a valid entry.
    pub(super) async fn hit(&self, key: &EntryKey) -> Option<u64> {
        match self.found(key).await {
            Found::Hit(payload) => Some(Number::read(&payload).expect("the entry is not an absent row")),
            _ => None,
        }
    }

    /// There is a valid entry with this number.
    pub(super) async fn assert_hit(&self, key: &EntryKey, number: u64) {
        match self.found(key).await {
            Found::Hit(payload) => assert_eq!(Number::read(&payload), Some(number)),
            other => panic!("{key:?} was stored and nothing happened since, but load gives {other:?}"),
        }
    }

    /// There is nothing that may be used without the database.
    pub(super) async fn assert_unusable(&self, key: &EntryKey) {
        let found = self.found(key).await;
        assert!(matches!(found, Found::Miss | Found::Quarantined), "{key:?} is {found:?}");
    }

    /// There is no hit; the entry may be behind.
    pub(super) async fn assert_no_hit(&self, key: &EntryKey) {
        let found = self.found(key).await;
        assert!(!matches!(found, Found::Hit(_)), "{key:?} is {found:?}");
    }

    pub(super) async fn lease(&self, key: &EntryKey, tags: &[Tag]) -> Leased {
        self.one_lease(LeaseRequest::Entry { key, tags }).await
    }

    pub(super) async fn one_lease(&self, request: LeaseRequest<'_>) -> Leased {
        let mut leased = self.cache.lease(&[request]).await.expect("the cache answers");
        assert_eq!(leased.len(), 1, "one answer for one request");
        leased.remove(0)
    }

    /// A lease where nobody else is at work.
    pub(super) async fn granted(&self, key: &EntryKey, tags: &[Tag]) -> Lease {
        match self.lease(key, tags).await {
            Leased::Granted(lease) => lease,
            other => panic!("nobody else is at work on {key:?}, but lease gives {other:?}"),
        }
    }

    /// A lease for rows; `None` where the client declines, as it may.
    pub(super) async fn rows(&self, table: TableId) -> Option<Lease> {
        match self.one_lease(LeaseRequest::Rows { table }).await {
            Leased::Granted(lease) => Some(lease),
            Leased::Quarantined => None,
            Leased::Held(_) | Leased::Filled(_) => panic!("a lease for rows is for no entry"),
        }
    }

    pub(super) async fn store(&self, lease: &Lease, key: &EntryKey, tags: &[Tag], number: u64) -> usize {
        self.store_payload(lease, key, tags, Number::new(number).payload()).await
    }

    pub(super) async fn store_payload(&self, lease: &Lease, key: &EntryKey, tags: &[Tag], payload: Payload) -> usize {
        let entry = NewEntry::new(key.clone(), tags.to_vec(), payload);
        self.cache.store(lease, vec![entry]).await.expect("the cache answers")
    }

    /// Leases and stores, where nobody else is at work.
    pub(super) async fn fill(&self, key: &EntryKey, tags: &[Tag], number: u64) {
        let lease = self.granted(key, tags).await;
        assert_eq!(self.store(&lease, key, tags, number).await, 1, "the entry is kept");
    }

    pub(super) async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) {
        self.cache.quarantine(tags, token, duration).await.expect("the cache answers");
    }

    pub(super) async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) {
        self.cache.release(tags, token, outcome).await.expect("the cache answers");
    }

    /// A whole write, from quarantine to release.
    pub(super) async fn write(&self, tags: &[Tag], outcome: Outcome) {
        let token = Token::random();
        self.quarantine(tags, token, LONG).await;
        self.release(tags, token, outcome).await;
    }

    pub(super) async fn void(&self, tags: &[Tag]) {
        self.cache.void(tags).await.expect("the cache answers");
    }

    pub(super) async fn void_table(&self, table: TableId) {
        self.cache.void_table(table).await.expect("the cache answers");
    }

    /// No fill can begin.
    pub(super) async fn assert_quarantined(&self, key: &EntryKey, tags: &[Tag]) {
        let leased = self.lease(key, tags).await;
        assert!(matches!(leased, Leased::Quarantined), "a writer is at work, but lease gives {leased:?}");
        self.assert_unusable(key).await;
    }

    /// Waits until a quarantine lapses: a fill of a key that nobody uses can begin.
    pub(super) async fn lapsed(&self, tags: &[Tag]) {
        let probe = list(TABLE, "lapse?");
        let waiting = async {
            loop {
                if let Leased::Granted(lease) = self.lease(&probe, tags).await {
                    self.cache.abandon(&lease);
                    return;
                }
                tokio::time::sleep(SHORT / 5).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("a quarantine that nobody releases lapses");
    }
}

/// The entry of a row with an integer key.
pub(super) fn object(key: i64) -> EntryKey {
    EntryKey::Object { table: TABLE, key: Key::Int(key) }
}

/// The tag of that row.
pub(super) fn row_tag(key: i64) -> Tag {
    Tag::row(TABLE, &Key::Int(key))
}

/// The entry of a list.
pub(super) fn list(table: TableId, question: &str) -> EntryKey {
    EntryKey::Query { table, question: question.as_bytes().into() }
}

/// A tag for a column of the table.
pub(super) fn column_tag(column: &str) -> Tag {
    Tag::column(TABLE, &Scope::Table, column)
}

/// A change of the row's one column.
pub(super) fn change(key: i64, before: i64, after: i64) -> Arc<Change> {
    let image = |value| RowImage::Row(Arc::from([Some(Value::I64(value))]));
    let change = Change::new(TABLE, Key::Int(key), ColumnSet::ALL, image(before), image(after));
    Arc::new(change)
}

/// The outcome of a write that made this change.
pub(super) fn changed(key: i64, before: i64, after: i64) -> Outcome {
    Outcome::Changed(vec![change(key, before, after)])
}
