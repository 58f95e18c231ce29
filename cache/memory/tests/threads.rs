//! The promise under threads: versions of rows and lists only grow, and no hit is older than a commit before it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use support::{TABLE, change, list, now, row};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_api::{
    CacheClient, CacheValue, EntryKey, Found, LeaseRequest, Leased, NewEntry, Outcome, Payload, Peek, Result, Tag,
    Token, Wanted,
};

const ROWS: usize = 8;
const WRITES: usize = 3_000;
const READS: usize = 30_000;
const LIST_TAG: Tag = Tag(1);

struct Version(u64);

impl CacheValue for Version {
    fn weight(&self) -> usize {
        8
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

struct Shared {
    cache: MemoryCache,
    /// The versions of the rows, and their sum, which is the list.
    database: Mutex<[u64; ROWS]>,
    /// What is committed, row by row, and in sum; never ahead of the database.
    committed: [AtomicU64; ROWS + 1],
    hits: AtomicUsize,
}

impl Shared {
    /// The version of a row, or of the list, in the database.
    fn read(&self, at: usize) -> u64 {
        let database = self.database.lock().unwrap();
        database.get(at).copied().unwrap_or_else(|| database.iter().sum())
    }

    fn write(&self, at: usize) {
        let tags = [row(at as i64).digest(), LIST_TAG];
        let token = Token::random();
        now(self.cache.quarantine(&tags, token, Duration::from_secs(60)));
        {
            let mut database = self.database.lock().unwrap();
            database[at] += 1;
            self.committed[at].fetch_add(1, SeqCst);
            self.committed[ROWS].fetch_add(1, SeqCst);
        }
        let outcome = match at % 3 {
            0 => Outcome::Unlisted,
            _ => Outcome::Changed(vec![change(at as i64)]),
        };
        now(self.cache.release(&tags, token, outcome));
    }

    fn look(&self, at: usize) {
        let (key, tags) = entry(at);
        let least = self.committed[at].load(SeqCst);
        if let Peek::Hit(payload) = self.cache.peek(&key) {
            return self.check(at, least, &payload);
        }
        match now(self.cache.load(&[Wanted::new(&key)])).remove(0) {
            Found::Hit(payload) => return self.check(at, least, &payload),
            // Every change matters, for the list is the sum.
            Found::Behind(behind) => assert!(!behind.changes.is_empty()),
            _ => {}
        }
        let request = LeaseRequest::Entry { key: &key, tags: &tags };
        if let Leased::Granted(lease) = now(self.cache.lease(&[request])).remove(0) {
            let version = Payload::Shared(Arc::new(Version(self.read(at))));
            now(self.cache.store(&lease, vec![NewEntry::new(key, tags, version)]));
        }
    }

    /// Brings along all rows, as the read of a list does.
    fn look_at_rows(&self) {
        if let Leased::Granted(lease) = now(self.cache.lease(&[LeaseRequest::Rows { table: TABLE }])).remove(0) {
            let versions = *self.database.lock().unwrap();
            let entries = versions.iter().enumerate().map(|(at, version)| {
                let (key, tags) = entry(at);
                NewEntry::new(key, tags, Payload::Shared(Arc::new(Version(*version))))
            });
            now(self.cache.store(&lease, entries.collect()));
        }
    }

    fn check(&self, at: usize, least: u64, payload: &Payload) {
        let Payload::Shared(value) = payload else {
            panic!("{payload:?}");
        };
        let value: &dyn std::any::Any = &**value;
        let version = value.downcast_ref::<Version>().unwrap().0;
        assert!(version >= least, "entry {at} is of version {version} where {least} was committed");
        self.hits.fetch_add(1, SeqCst);
    }
}

fn entry(at: usize) -> (EntryKey, Vec<Tag>) {
    if at == ROWS {
        return (list("sum"), vec![LIST_TAG]);
    }
    let key = row(at as i64);
    let tag = key.digest();
    (key, vec![tag])
}

#[test]
fn no_hit_is_older_than_a_commit_before_it() {
    let shared = Shared {
        // Room for some of the entries only, so that eviction takes part.
        cache: MemoryCache::new(MemoryConfig::default().max_bytes(1 << 20).max_entries(6)),
        database: Mutex::default(),
        committed: Default::default(),
        hits: AtomicUsize::new(0),
    };
    std::thread::scope(|scope| {
        let shared = &shared;
        for writer in 0..2 {
            scope.spawn(move || (0..WRITES).for_each(|n| shared.write((n * 7 + writer) % ROWS)));
        }
        for reader in 0..3 {
            scope.spawn(move || {
                for n in 0..READS {
                    match n % 50 {
                        0 => shared.look_at_rows(),
                        _ => shared.look((n / 3 + reader) % (ROWS + 1)),
                    }
                }
            });
        }
        scope.spawn(move || (0..100).for_each(|_| now(shared.cache.void_table(TABLE))));
    });
    assert!(shared.hits.load(SeqCst) > 1_000);
    for at in 0..=ROWS {
        shared.look(at);
    }
}
