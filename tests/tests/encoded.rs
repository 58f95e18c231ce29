//! A cache that keeps bytes instead of values, as one outside the process does: entries come back as they were.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::{Post, User, post, statements, user};
use thing::driver::{
    Behind, CacheClient, CacheStatistics, EntryKey, Found, InvalidationStream, Lease, LeaseRequest, Leased, NewEntry,
    Outcome, Payload, Peek, TableId, Tag, Token, Wanted, async_trait,
};
use thing::{Db, Model, Result};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

/// Encodes what is stored, damages it where it is told to, and never answers a peek.
#[derive(Debug)]
struct BytesCache {
    inner: MemoryCache,
    damage: fn(&mut Vec<u8>),
}

impl BytesCache {
    fn encoded(&self, mut entry: NewEntry) -> Result<NewEntry> {
        if let Payload::Shared(value) = &entry.payload {
            let mut bytes = value.encode()?;
            (self.damage)(&mut bytes);
            entry.payload = Payload::Encoded(bytes.into());
        }
        Ok(entry)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for BytesCache {
    fn peek(&self, _: &EntryKey) -> Peek {
        Peek::Unknown
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        self.inner.load(wanted).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        self.inner.lease(requests).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        let entries = entries.into_iter().map(|entry| self.encoded(entry)).collect::<Result<_>>()?;
        self.inner.store(lease, entries).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let mut kept = 0;
        for (lease, entries) in fills {
            kept += self.store(&lease, entries).await?;
        }
        Ok(kept)
    }

    fn abandon(&self, lease: &Lease) {
        self.inner.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.inner.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        self.inner.quarantine(tags, token, duration).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        self.inner.release(tags, token, outcome).await
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        self.inner.void(tags).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.inner.void_table(table).await
    }

    async fn invalidations(&self) -> Result<Option<Box<dyn InvalidationStream>>> {
        self.inner.invalidations().await
    }

    fn statistics(&self) -> CacheStatistics {
        self.inner.statistics()
    }
}

async fn database(damage: fn(&mut Vec<u8>)) -> Result<Db> {
    let cache = BytesCache { inner: MemoryCache::new(MemoryConfig::default()), damage };
    let db = Db::builder(SqliteExecutor::memory().await?).cache(Arc::new(cache)).build();
    db.sync::<(User, Post)>().await?;
    db.things::<User>().create_many((1..=9).map(user)).await?;
    db.things::<Post>().create_many((1..=3).flat_map(|user| (0..4).map(move |n| post(user, n)))).await?;
    Ok(db)
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_lists_and_counts_come_back_from_bytes() -> Result<()> {
    let db = database(|_| ()).await?;
    let user = User::by_id(&db, 3).await?;
    let posts = || Post::filter(&db, Post::USER_ID.eq(2)).order_by(Post::STARS.desc());
    let list = posts().all().await?;
    let count = posts().count().await?;
    let (sent, again) = statements(&db, async {
        thing::Result::<_>::Ok((User::by_id(&db, 3).await?, posts().all().await?, posts().count().await?))
    })
    .await;
    assert_eq!(sent, 0);
    assert_eq!(again?, (user, list, count));
    assert_eq!(db.statistics().cache_errors, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_another_version_or_damaged_ones_are_a_miss() -> Result<()> {
    let damages: [fn(&mut Vec<u8>); 5] = [
        |bytes| bytes[0] ^= 0x40,
        |bytes| bytes[1] ^= 0x01,
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.push(0),
        Vec::clear,
    ];
    for damage in damages {
        let db = database(damage).await?;
        for _ in 0..3 {
            assert_eq!(User::by_id(&db, 3).await?.name, "User 3");
            assert_eq!(Post::filter(&db, Post::USER_ID.eq(2)).all().await?.len(), 4);
            assert_eq!(Post::filter(&db, Post::STARS.ge(2)).count().await?, 6);
        }
        assert_eq!(db.statistics().cache_errors, 0, "a damaged entry is no failure");
    }
    Ok(())
}
