//! The world of one schedule: a database, a cache, and a record of what was asked and answered.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use thing::driver::{
    Behind, CacheClient, CacheStatistics, EntryKey, Found, InvalidationStream, Key, Lease, LeaseRequest, Leased,
    NewEntry, Outcome, Peek, Result, TableId, Tag, Token, Value, Wanted,
};
use thing::{Db, Loaded, Model};
use thing_cache_memory::{Clock, MemoryCache, MemoryConfig};

use crate::explorer::{alone, step};
use crate::fake::{Fake, Rows};

#[derive(Model, Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) id: i64,
    #[thing(index)]
    pub(crate) shelf: i32,
    pub(crate) count: i64,
}

impl Item {
    pub(crate) fn values(&self) -> Vec<Value<'static>> {
        vec![Value::I64(self.id), Value::I64(self.shelf.into()), Value::I64(self.count)]
    }

    fn of(row: &[Value<'static>]) -> Self {
        let [Value::I64(id), Value::I64(shelf), Value::I64(count)] = row else { panic!("a row of items") };
        Self { id: *id, shelf: i32::try_from(*shelf).expect("written from an i32"), count: *count }
    }
}

pub(crate) fn item(id: i64, shelf: i32, count: i64) -> Item {
    Item { id, shelf, count }
}

/// What a stage is made of.
#[derive(Clone)]
pub(crate) struct Setup {
    /// The driver has RETURNING, so that a write alone is one statement.
    pub(crate) returning: bool,
    /// Entries are found in this process's memory.
    pub(crate) peek: bool,
    /// Puts a cache around the cache.
    pub(crate) wrap: Wrap,
}

pub(crate) type Wrap = Arc<dyn Fn(Arc<dyn CacheClient>) -> Arc<dyn CacheClient>>;

impl Default for Setup {
    fn default() -> Self {
        Self { returning: true, peek: true, wrap: Arc::new(|cache| cache) }
    }
}

/// The state that an answer must be true of, for one of the moments while it was asked for.
type Truth = Box<dyn Fn(&Rows) -> bool>;

struct Record {
    what: String,
    begin: u64,
    end: u64,
    truth: Truth,
}

/// The world; clones are the same.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) database: Fake,
    pub(crate) clock: HandClock,
    cache: Arc<Stepping>,
    held: Rc<[Loaded<Item>]>,
    records: Rc<RefCell<Vec<Record>>>,
}

impl Stage {
    pub(crate) fn new(setup: &Setup, items: &[Item]) -> Self {
        let database = Fake::new(setup.returning);
        let config = MemoryConfig::default().max_entries(64).max_bytes(1 << 16).max_tags(256);
        let clock = HandClock::default();
        let cache = (setup.wrap)(Arc::new(MemoryCache::with_clock(config, clock.clone())));
        let cache = Arc::new(Stepping { inner: cache, peek: setup.peek });
        let db = Db::builder(database.clone()).cache(cache.clone()).build();
        let stage = Self { db, database, clock, cache, held: Rc::default(), records: Rc::default() };
        items.iter().for_each(|item| stage.database.put(item.id, item.values()));
        Self { held: items.iter().map(|item| stage.held(item.id)).collect(), ..stage }
    }

    /// The same world seen by another process that shares the cache.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { db: Db::builder(self.database.clone()).cache(self.cache.clone()).build(), ..self.clone() }
    }

    /// The object as a caller holds it who read it at the beginning, by a way that leaves the cache cold.
    pub(crate) fn held(&self, id: i64) -> Loaded<Item> {
        alone(self.db.things::<Item>().by_id_uncached(id)).expect("a row to begin with")
    }

    /// A first item as it was before everything.
    pub(crate) fn before(&self, id: i64) -> Loaded<Item> {
        self.held.iter().find(|item| item.id == id).expect("one of the first").clone()
    }

    /// Reads everything once, so that the cache is warm.
    pub(crate) fn warm(self) -> Self {
        alone(async {
            self.all().await;
        });
        self
    }

    async fn all(&self) {
        self.list(1).await;
        self.list(2).await;
        self.count(1).await;
        self.many().await;
        self.read(1).await;
        self.read(4).await;
    }

    fn record(&self, what: String, begin: u64, truth: impl Fn(&Rows) -> bool + 'static) {
        let end = self.database.tick();
        self.records.borrow_mut().push(Record { what, begin, end, truth: Box::new(truth) });
    }

    /// Looks for one item.
    pub(crate) async fn read(&self, id: i64) {
        let begin = self.database.tick();
        let found = Item::find(&self.db, id).await.expect("a read never fails for the cache");
        let expected = found.map(|item| item.values());
        self.record(format!("item {id} is {expected:?}"), begin, move |rows| {
            rows.get(&Key::Int(id)) == expected.as_ref()
        });
    }

    /// Lists a shelf. Which items are on it is true of one moment, and each item is true of one moment.
    pub(crate) async fn list(&self, shelf: i32) {
        let begin = self.database.tick();
        let found = Item::filter(&self.db, Item::SHELF.eq(shelf)).all().await;
        let found = found.expect("a read never fails for the cache");
        let ids: Vec<i64> = found.iter().map(|item| item.id).collect();
        self.record(format!("shelf {shelf} has {ids:?}"), begin, move |rows| {
            on(rows, |item| item.shelf == shelf) == ids
        });
        for item in found {
            let values = item.values();
            self.record(format!("shelf {shelf} shows {values:?}"), begin, move |rows| {
                rows.get(&Key::Int(item.id)) == Some(&values)
            });
        }
    }

    /// Looks for all items by their keys.
    pub(crate) async fn read_all(&self) {
        let begin = self.database.tick();
        let found = self.db.things::<Item>().by_ids(1..=5).await.expect("a read never fails for the cache");
        for id in 1..=5 {
            let expected = found.get(&id).map(|item| item.values());
            self.record(format!("item {id} of all is {expected:?}"), begin, move |rows| {
                rows.get(&Key::Int(id)) == expected.as_ref()
            });
        }
    }

    /// Lists the items of which there are many, across the shelves.
    pub(crate) async fn many(&self) {
        let begin = self.database.tick();
        let query = Item::filter(&self.db, Item::COUNT.ge(10)).order_by(Item::COUNT.desc());
        let found = query.fetch(0, 2).await.expect("a read never fails for the cache");
        let ids: Vec<i64> = found.iter().map(|item| item.id).collect();
        self.record(format!("many are {ids:?}"), begin, move |rows| {
            let mut many: Vec<Item> = rows.values().map(|row| Item::of(row)).filter(|item| item.count >= 10).collect();
            many.sort_by_key(|item| (-item.count, item.id));
            many.iter().map(|item| item.id).take(2).collect::<Vec<_>>() == ids
        });
    }

    /// Counts a shelf.
    pub(crate) async fn count(&self, shelf: i32) {
        let begin = self.database.tick();
        let found = Item::filter(&self.db, Item::SHELF.eq(shelf)).count().await;
        let found = found.expect("a read never fails for the cache");
        self.record(format!("shelf {shelf} has {found} items"), begin, move |rows| {
            on(rows, |item| item.shelf == shelf).len() as u64 == found
        });
    }

    /// Fails unless every answer was true at some moment while it was asked for.
    pub(crate) fn judge(&self) -> std::result::Result<(), String> {
        for record in self.records.borrow().iter() {
            let states = self.database.states(record.begin, record.end);
            if !states.iter().any(&record.truth) {
                return Err(format!("{}, but the states were {states:?}", record.what));
            }
        }
        Ok(())
    }

    /// Judges, then asks for everything again, twice: the second time from the cache alone if `remembered`.
    pub(crate) fn judge_at_rest(&self, remembered: bool) -> std::result::Result<(), String> {
        self.judge()?;
        alone(self.all());
        let sent = self.database.statements();
        alone(self.all());
        if remembered && self.database.statements() > sent {
            return Err("at rest the cache does not remember: a mark was left".into());
        }
        self.judge().map_err(|wrong| format!("at rest: {wrong}"))
    }
}

fn on(rows: &Rows, test: impl Fn(&Item) -> bool) -> Vec<i64> {
    rows.values().map(|row| Item::of(row)).filter(|item| test(item)).map(|item| item.id).collect()
}

/// A clock that goes on by hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Ends the task's turn around every command.
#[derive(Debug)]
struct Stepping {
    inner: Arc<dyn CacheClient>,
    peek: bool,
}

impl Stepping {
    async fn around<T>(&self, command: impl Future<Output = T>) -> T {
        step().await;
        let answer = command.await;
        step().await;
        answer
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for Stepping {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.inner.declare(table, scopes)
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        if self.peek { self.inner.peek(key) } else { Peek::Unknown }
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        self.around(self.inner.load(wanted)).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        self.around(self.inner.lease(requests)).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.around(self.inner.store(lease, entries)).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        self.around(self.inner.store_many(fills)).await
    }

    fn abandon(&self, lease: &Lease) {
        self.inner.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.around(self.inner.restamp(key, behind)).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        self.around(self.inner.quarantine(tags, token, duration)).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        self.around(self.inner.release(tags, token, outcome)).await
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        self.around(self.inner.void(tags)).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.around(self.inner.void_table(table)).await
    }

    async fn settle(&self) -> Result<()> {
        self.inner.settle().await
    }

    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        self.inner.invalidations(bound).await
    }

    fn statistics(&self) -> CacheStatistics {
        self.inner.statistics()
    }
}
