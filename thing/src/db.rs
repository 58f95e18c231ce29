//! The database handle: one executor, perhaps a cache, and what the core keeps for them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thing_driver_api::{CacheClient, Executor, Operation, Result, Shape, Table, TransactionOptions};

use crate::cache::{Cache, Exactness, Usage};
use crate::cursor::CursorKey;
use crate::debt::Debts;
use crate::listener::Listeners;
use crate::loader::Loader;
use crate::statistics::Counters;
use crate::{CacheOutage, Coherence, EventListener, Listener, Model, Raw, Retry, Statistics, Things, Transaction};

/// A database. Cheap to clone; clones share everything.
///
/// ```text
/// let db = Db::builder(executor).cache(MemoryCache::new(MemoryConfig::default())).build();
/// ```
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    executor: Arc<dyn Executor>,
    cache: Option<Cache>,
    exactness: Exactness,
    coherence: Coherence,
    debts: Debts,
    cursor_key: CursorKey,
    clock: Clock,
    listeners: Listeners,
    counters: Counters,
    models: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    /// By the address of the model's table: two models of one table have columns of their own.
    shapes: RwLock<HashMap<usize, HashMap<Operation, KnownShape>>>,
}

type KnownShape = (Arc<Shape>, Arc<Usage>);

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Different shapes of queries kept for each table. A program has dozens; the bound is for one that builds filters
/// without end.
const SHAPES: usize = 4096;

impl Db {
    /// Starts a `Db` over an executor: a driver, or a wrapper around one.
    pub fn builder(executor: impl Executor) -> DbBuilder {
        DbBuilder {
            executor: Arc::new(executor),
            cache: None,
            coherence: Coherence::default(),
            outage: CacheOutage::default(),
            debt_interval: Duration::from_millis(500),
            list_limit: 1000,
            cursor_key: CursorKey::default(),
            clock: Arc::new(SystemTime::now),
            listeners: Listeners::default(),
        }
    }

    /// The operations on the objects of one model.
    pub fn things<M: Model>(&self) -> Things<'_, M> {
        Things::of(self)
    }

    /// Begins a transaction that writes. Dropping it without [`Transaction::commit`] rolls back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the driver has no transactions, and those of the
    /// database.
    pub async fn begin(&self) -> Result<Transaction> {
        self.begin_with(&TransactionOptions::default()).await
    }

    /// Begins a transaction with options: read-only, isolation.
    ///
    /// # Errors
    ///
    /// As [`Db::begin`].
    pub async fn begin_with(&self, options: &TransactionOptions) -> Result<Transaction> {
        Transaction::begin_on(self, options).await
    }

    /// Runs `body` in a transaction: commits when it returns `Ok`, rolls back when it returns an error, panics or is
    /// cancelled.
    ///
    /// ```text
    /// db.transaction(async |transaction| {
    ///     let mut account = Account::by_id(transaction, 1).await?;
    ///     account.balance -= 10;
    ///     account.save(transaction).await
    /// }).await?;
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `body`, and of beginning and committing.
    pub async fn transaction<T>(&self, body: impl AsyncFnOnce(&Transaction) -> Result<T>) -> Result<T> {
        self.try_transaction(body).await
    }

    /// As [`Db::transaction`], for a body with an error type of its own.
    ///
    /// # Errors
    ///
    /// Those of `body`, and of beginning and committing.
    pub async fn try_transaction<T, E: From<crate::Error>>(
        &self,
        body: impl AsyncFnOnce(&Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.begin().await?;
        match body(&transaction).await {
            Ok(value) => {
                transaction.commit().await?;
                Ok(value)
            }
            Err(error) => {
                // The body's error says why; a rollback that fails leaves the connection to its driver.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// As [`Db::transaction`], and from the start again when it met another: after a serialization failure, a deadlock, a
    /// lock that was held too long ([`Error::is_retryable`](crate::Error::is_retryable)). A clone of `body` runs for each
    /// attempt, so what it does outside of the transaction it does each time, and what it changes it owns or reads anew. A
    /// transaction of which it is not known whether it took effect is not tried again.
    ///
    /// # Errors
    ///
    /// Those of the last attempt; the first one that can't be retried.
    pub async fn retry_transaction<T>(
        &self,
        retry: Retry,
        body: impl AsyncFnOnce(&Transaction) -> Result<T> + Clone,
    ) -> Result<T> {
        let mut attempt = 1;
        loop {
            match self.transaction(body.clone()).await {
                Err(error) if error.is_retryable() => {
                    if !retry.again(attempt).await {
                        return Err(error.context(format!("attempt {attempt}, the last one")));
                    }
                }
                done => return done,
            }
            attempt += 1;
        }
    }

    /// A statement in the database's own language, with its own placeholders. It passes by the cache; a write says what it
    /// changes by [`Raw::changes`] or [`Raw::changes_only`].
    pub fn raw(&self, text: impl Into<String>) -> Raw<'_> {
        Raw::new(crate::session::Handle::Db(self), text.into())
    }

    /// Forgets everything cached of a model: after writes that Thing did not see.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cache`](crate::ErrorKind::Cache) when the cache can't be told.
    pub async fn invalidate<M: Model>(&self) -> Result<()> {
        match self.cache() {
            Some(cache) => cache.client().void_table(M::table().id()).await,
            None => Ok(()),
        }
    }

    /// What was sent to the database, and what the cache did.
    pub fn statistics(&self) -> Statistics {
        let cache = self.cache().map(Cache::statistics).unwrap_or_default();
        self.inner.counters.snapshot(cache)
    }

    /// The executor.
    pub fn executor(&self) -> &dyn Executor {
        &*self.inner.executor
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.inner.cache.as_ref()
    }

    pub(crate) fn of(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// What is owed to the cache, where writes may owe.
    pub(crate) fn debts(&self) -> Option<&Debts> {
        Some(&self.inner.debts).filter(|debts| debts.are_allowed() && self.inner.cache.is_some())
    }

    pub(crate) fn coherence(&self) -> Coherence {
        self.inner.coherence
    }

    pub(crate) fn cursor_key(&self) -> &CursorKey {
        &self.inner.cursor_key
    }

    pub(crate) fn exactness(&self) -> Exactness {
        self.inner.exactness
    }

    pub(crate) fn listeners(&self) -> &Listeners {
        &self.inner.listeners
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.inner.counters
    }

    /// Microseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        match (self.inner.clock)().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |m| -m),
        }
    }

    /// What is kept for one model.
    pub(crate) fn model<M: Model>(&self) -> Arc<ModelState<M>> {
        let id = TypeId::of::<M>();
        let known = self.inner.models.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(state) = known.and_then(|state| state.downcast().ok()) {
            return state;
        }
        let state = Arc::new(ModelState::<M>::new());
        self.inner.models.write().unwrap_or_else(PoisonError::into_inner).insert(id, state.clone());
        state
    }

    /// The shape of an operation, shared by all its calls.
    pub(crate) fn shape(&self, table: &Arc<Table>, operation: &Operation) -> Arc<Shape> {
        self.known_shape(table, operation).0
    }

    /// How the calls of all queries fared.
    pub(crate) fn usages(&self) -> Vec<KnownShape> {
        let shapes = self.inner.shapes.read().unwrap_or_else(PoisonError::into_inner);
        shapes.values().flat_map(HashMap::values).cloned().collect()
    }

    /// The shape of an operation, and how its calls fare.
    pub(crate) fn known_shape(&self, table: &Arc<Table>, operation: &Operation) -> KnownShape {
        let model = Arc::as_ptr(table).addr();
        let shapes = self.inner.shapes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(shape) = shapes.get(&model).and_then(|known| known.get(operation)) {
            return shape.clone();
        }
        drop(shapes);
        let mut shapes = self.inner.shapes.write().unwrap_or_else(PoisonError::into_inner);
        let known = shapes.entry(model).or_default();
        if known.len() >= SHAPES {
            known.clear();
        }
        let new = || (Shape::new(table.clone(), operation.clone()), Arc::default());
        known.entry(operation.clone()).or_insert_with(new).clone()
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("executor", &self.inner.executor)
            .field("cache", &self.inner.cache)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Db`].
#[must_use]
pub struct DbBuilder {
    executor: Arc<dyn Executor>,
    cache: Option<Arc<dyn CacheClient>>,
    coherence: Coherence,
    outage: CacheOutage,
    debt_interval: Duration,
    list_limit: usize,
    cursor_key: CursorKey,
    clock: Clock,
    listeners: Listeners,
}

impl DbBuilder {
    /// Reads and writes go through this cache. Without one every read goes to the database.
    pub fn cache(mut self, cache: impl CacheClient) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// What reads and writes promise across processes; [`Coherence::Bounded`] unless set.
    pub fn coherence(mut self, coherence: Coherence) -> Self {
        self.coherence = coherence;
        self
    }

    /// What becomes of writes while the cache can't be told of them; [`CacheOutage::Refuse`] unless set.
    pub fn cache_outage(mut self, outage: CacheOutage) -> Self {
        self.outage = outage;
        self
    }

    /// How often this process looks for what any process owes to the cache, with [`CacheOutage::Debt`]; half a second
    /// unless set. It costs the database one small statement each time.
    pub fn debt_interval(mut self, interval: Duration) -> Self {
        self.debt_interval = interval;
        self
    }

    /// The most keys that a cached list can have, 1000 unless set. Longer lists are read from the database each time.
    pub fn cached_list_limit(mut self, keys: usize) -> Self {
        self.list_limit = keys;
        self
    }

    /// The key under which cursors of pages are sealed: 16 random bytes at least, kept as other secrets are. Processes with
    /// one key take each other's cursors. Without a key each process makes one of its own, so that its cursors end with it.
    pub fn cursor_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.cursor_key = CursorKey::given(key.as_ref());
        self
    }

    /// Where `created` and `updated` fields get their time from; the system's clock unless set.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Tells this listener of the writes of the model `M`: `.listen::<User>(Welcome)`. Writes of the model on the `Db` are
    /// transactions of their own then, as for a model with hooks.
    pub fn listen<M: Model>(mut self, listener: impl Listener<M>) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Tells this listener of the writes of all models, or of those that it chooses. Writes of which it is told are
    /// transactions of their own then, as for a model with hooks.
    pub fn listen_all(mut self, listener: impl EventListener) -> Self {
        self.listeners.add_to_all(listener);
        self
    }

    /// The database handle. With [`CacheOutage::Debt`] to be called in a Tokio runtime, where it starts a task.
    pub fn build(self) -> Db {
        let exactness = Exactness::of(self.executor.capabilities());
        let db = Db {
            inner: Arc::new(Inner {
                executor: self.executor,
                cache: self.cache.map(|client| Cache::new(client, self.list_limit)),
                exactness,
                coherence: self.coherence,
                debts: Debts::new(self.outage, self.debt_interval),
                cursor_key: self.cursor_key,
                clock: self.clock,
                listeners: self.listeners,
                counters: Counters::default(),
                models: RwLock::default(),
                shapes: RwLock::default(),
            }),
        };
        if db.debts().is_some() {
            db.inner.debts.pay(&db);
        }
        db
    }
}

impl fmt::Debug for DbBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DbBuilder")
            .field("executor", &self.executor)
            .field("cache", &self.cache)
            .field("coherence", &self.coherence)
            .field("cache_outage", &self.outage)
            .field("list_limit", &self.list_limit)
            .finish_non_exhaustive()
    }
}

/// The shapes that every program needs of a model, and the merging of its lookups by key.
pub(crate) struct ModelState<M> {
    /// Reads rows by key.
    pub(crate) get: Arc<Shape>,
    /// Inserts a row with all its columns.
    pub(crate) insert: Arc<Shape>,
    /// Inserts a row whose key the database makes.
    pub(crate) insert_generated: Arc<Shape>,
    pub(crate) loader: Loader<M>,
}

impl<M: Model> ModelState<M> {
    fn new() -> Self {
        let table = M::table();
        let all: Vec<usize> = (0..table.columns().len()).collect();
        let without_key = all.iter().copied().filter(|column| !table.key().contains(column)).collect();
        let insert = |columns| Shape::new(table.clone(), Operation::Insert { columns, returning: Vec::new() });
        let get = Shape::new(table.clone(), Operation::GetMany);
        Self { loader: Loader::new(get.clone()), get, insert: insert(all), insert_generated: insert(without_key) }
    }
}
