//! Queries: which objects, in which order, from where to where.

mod compiled;
mod lists;
mod read;
mod keyset;
mod pages;
mod chunks;
mod pluck;
mod lock;
mod write;

pub use chunks::Chunks;
pub use pages::{NumberedPage, Page};
pub use pluck::ColumnList;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    Capability, Comparison, Condition, Error, ErrorKind, Key, Lock, Operation, Order, Result, Slot, Value,
};

use self::compiled::{Compiled, Sorted, has_key_of_one_order};
use crate::cache::{Cache, Kind, Reach};
use crate::filter::{Filter, Node, Operand};
use crate::plan::Plan;
use crate::relation::{Preload, Reading};
use crate::session::Handle;
use crate::stream::ObjectStream;
use crate::visibility::Visibility;
use crate::{Coherence, Db, Loadable, Loaded, Model, OrderBy};

/// A query over the objects of one model. Built up by methods, run by [`all`](Query::all), [`fetch`](Query::fetch),
/// [`page`](Query::page), [`first`](Query::first), [`one`](Query::one), [`count`](Query::count) or [`exists`](Query::exists);
/// past the cache by [`chunks`](Query::chunks), [`stream`](Query::stream), [`pluck`](Query::pluck) or
/// [`distinct`](Query::distinct).
///
/// Lists, pages and counts are answered from the cache where they are there. A cached list holds keys; the objects come from
/// their own entries.
#[must_use = "a query does nothing until it is run"]
pub struct Query<'s, M> {
    session: Handle<'s>,
    filter: Node,
    order: Vec<Order>,
    cached: bool,
    coherence: Coherence,
    stale: Option<Duration>,
    visibility: Visibility,
    lock: Option<Lock>,
    /// Whether a write may go without a filter.
    all_rows: bool,
    with: Vec<Arc<dyn Preload<M>>>,
    model: PhantomData<fn() -> M>,
}

impl<'s, M: Model> Query<'s, M> {
    pub(crate) fn new(session: Handle<'s>, coherence: Coherence) -> Self {
        let filter = Node::Constant(true);
        let (order, with) = (Vec::new(), Vec::new());
        Self {
            session,
            filter,
            order,
            cached: true,
            coherence,
            stale: None,
            visibility: Visibility::USUAL,
            lock: None,
            all_rows: false,
            with,
            model: PhantomData,
        }
    }

    /// Only objects that match this too.
    pub fn filter(mut self, filter: Filter<M>) -> Self {
        self.filter = self.filter.and(filter.into_node());
        self
    }

    /// In this order; a further call orders what the former leave equal. The key comes last by itself, so that the order
    /// is total.
    pub fn order_by(mut self, order: OrderBy<M>) -> Self {
        self.order.push(order.order);
        self
    }

    /// Loads this relation of the objects along, for [`Loaded::related`]: in one statement for all of them, for a
    /// [`ManyToMany`](crate::ManyToMany) two, or none where the cache answers. They are read as the query reads: past the
    /// cache after [`uncached`](Query::uncached), past the near one after [`fresh`](Query::fresh).
    pub fn with(mut self, relation: impl Loadable<M>) -> Self {
        self.with.push(Arc::new(relation));
        self
    }

    /// Finds deleted objects too, of a model with a `deleted` field.
    pub fn with_deleted(self) -> Self {
        let visibility = self.visibility.with_deleted();
        self.seeing(visibility)
    }

    /// Finds deleted objects alone.
    pub fn only_deleted(self) -> Self {
        let visibility = self.visibility.only_deleted();
        self.seeing(visibility)
    }

    /// Passes over the rule of the model, `#[thing(keep = …)]`. Deleted objects stay out of sight.
    pub fn unfiltered(self) -> Self {
        let visibility = self.visibility.unruled();
        self.seeing(visibility)
    }

    /// Reads from the database, and puts nothing into the cache.
    pub fn uncached(mut self) -> Self {
        self.cached = false;
        self
    }

    /// Passes by the near cache of this process, where there is one: [`Coherence::Fresh`].
    pub fn fresh(mut self) -> Self {
        self.coherence = Coherence::Fresh;
        self
    }

    /// Takes an answer that was true `age` ago or later, where the present one would have to be read: it comes at once,
    /// and a task reads anew for those who ask next. Lists keep their keys: the objects themselves are up to date, and
    /// where one of them is gone the list is read after all.
    ///
    /// This is the one way to get from the cache what is not true any more.
    pub fn stale_ok(mut self, age: Duration) -> Self {
        self.stale = Some(age);
        self
    }

    /// All matching objects; where no order is asked for, in the order of their keys.
    ///
    /// # Errors
    ///
    /// A value that its column can't hold, failures of the database, data that does not fit the model.
    pub async fn all(self) -> Result<Vec<Loaded<M>>> {
        self.objects(None, None).await
    }

    /// At most `limit` matching objects after the first `offset`.
    ///
    /// # Errors
    ///
    /// As [`Query::all`].
    pub async fn fetch(self, offset: u64, limit: u64) -> Result<Vec<Loaded<M>>> {
        self.objects(Some(offset), Some(limit)).await
    }

    /// The first matching object, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Query::all`].
    pub async fn first(self) -> Result<Option<Loaded<M>>> {
        Ok(self.objects(None, Some(1)).await?.pop())
    }

    /// The one matching object.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none, [`ErrorKind::NotUnique`] when there are several; else as
    /// [`Query::all`].
    pub async fn one(self) -> Result<Loaded<M>> {
        let mut found = self.window(None, Some(2)).await?;
        match (found.pop(), found.is_empty()) {
            (Some(mut only), true) => {
                self.load_relations(std::slice::from_mut(&mut only)).await?;
                Ok(only)
            }
            (None, _) => Err(Error::not_found(format!("no row of {} matches", M::NAME))),
            (Some(_), false) => Err(Error::new(
                ErrorKind::NotUnique,
                format!("several rows of {} match where one was asked for; use first() or narrow the filter", M::NAME),
            )),
        }
    }

    /// The number of matching objects.
    ///
    /// # Errors
    ///
    /// As [`Query::all`].
    pub async fn count(self) -> Result<u64> {
        let compiled = self.compile(Kind::Count, None, None, Sorted::ByDatabase)?;
        self.number(&compiled).await
    }

    /// Whether an object matches.
    ///
    /// # Errors
    ///
    /// As [`Query::all`].
    pub async fn exists(self) -> Result<bool> {
        let compiled = self.compile(Kind::Exists, None, None, Sorted::ByDatabase)?;
        Ok(self.number(&compiled).await? > 0)
    }

    /// The matching objects one by one, read from the database page by page: for results that don't fit the memory. Not
    /// in a transaction, and without relations.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the driver does not stream, and as [`Query::all`].
    pub async fn stream(self) -> Result<ObjectStream<M>> {
        if !self.with.is_empty() {
            return Err(Error::unsupported("a stream loads no relations; collect some objects and `load_many` them"));
        }
        let compiled = self.compile(Kind::List, None, None, Sorted::ByDatabase)?;
        ObjectStream::open(self.session, &compiled.statement()).await
    }

    /// The SQL of [`Query::all`], with the placeholders of the database.
    ///
    /// # Errors
    ///
    /// A value that its column can't hold; a driver without SQL.
    pub fn to_sql(&self) -> Result<String> {
        self.plan()?.sql().map(str::to_owned).ok_or_else(|| Error::unsupported("this database has no SQL"))
    }

    /// What [`Query::all`] does: the SQL, and what the cached list depends on. Shown by `Display`.
    ///
    /// # Errors
    ///
    /// A value that its column can't hold.
    pub fn plan(&self) -> Result<Plan> {
        let compiled = self.compile(Kind::List, None, None, Sorted::AsIsCheapest)?;
        let db = self.session.db();
        let cache = self.cache().map(|(_, cache)| cache);
        let question = compiled.question::<M>(cache);
        Plan::of(&compiled.shape, &compiled.values, &question, db.executor().dialect(), cache.is_some())
    }

    pub(crate) fn seeing(mut self, visibility: Visibility) -> Self {
        self.visibility = visibility;
        self
    }

    pub(crate) fn visibility(&self) -> Visibility {
        self.visibility
    }

    pub(crate) fn selecting(mut self, filter: Node, order: Vec<Order>) -> Self {
        self.filter = filter;
        self.order = order;
        self
    }

    pub(crate) fn loading(mut self, with: Vec<Arc<dyn Preload<M>>>) -> Self {
        self.with = with;
        self
    }

    /// Only objects whose column equals the key. It comes first, as in a query that begins with this filter.
    pub(crate) fn only(mut self, column: usize, key: &Key) -> Self {
        let operand = Operand::Value(key.value(0).into_owned());
        self.filter = Node::Compare { column, operator: Comparison::Equal, operand }.and(self.filter);
        self
    }

    /// Only objects whose column equals one of the keys.
    pub(crate) fn within(mut self, column: usize, keys: &[Key]) -> Self {
        let operands = keys.iter().map(|key| Operand::Value(key.value(0).into_owned()));
        self.filter = Node::one_of(column, operands, false).and(self.filter);
        self
    }

    /// Whether all objects are asked for, in no order, but for what is told by an object alone.
    pub(crate) fn takes_everything(&self) -> bool {
        matches!(self.filter, Node::Constant(true)) && self.order.is_empty() && !self.visibility.is_ruled::<M>()
    }

    /// Whether an order is asked for.
    pub(crate) fn is_ordered(&self) -> bool {
        !self.order.is_empty()
    }

    #[cfg(feature = "json")]
    pub(crate) fn also_loading(mut self, relations: Vec<Arc<dyn Preload<M>>>) -> Self {
        self.with.extend(relations);
        self
    }

    async fn objects(&self, offset: Option<u64>, limit: Option<u64>) -> Result<Vec<Loaded<M>>> {
        let mut objects = self.window(offset, limit).await?;
        self.load_relations(&mut objects).await?;
        Ok(objects)
    }

    async fn load_relations(&self, objects: &mut [Loaded<M>]) -> Result<()> {
        if self.with.is_empty() || objects.is_empty() {
            return Ok(());
        }
        let reading = Reading::new(self.session, self.coherence, self.cached);
        let mut objects: Vec<&mut Loaded<M>> = objects.iter_mut().collect();
        for relation in &self.with {
            relation.load(reading, &mut objects).await?;
        }
        Ok(())
    }

    fn is_fresh(&self) -> bool {
        self.coherence == Coherence::Fresh
    }

    fn reach(&self) -> Reach {
        // Without a runtime nobody would read anew.
        let stale = self.stale.filter(|_| tokio::runtime::Handle::try_current().is_ok());
        Reach { fresh: self.is_fresh(), stale }
    }

    fn cache(&self) -> Option<(&'s Db, &'s Cache)> {
        match self.session {
            Handle::Db(db) if self.cached => db.cache().map(|cache| (db, cache)),
            _ => None,
        }
    }

    /// The filter without its values, and these.
    fn condition(&self) -> Result<(Condition, Vec<Value<'static>>)> {
        let filter = self.whole_filter();
        self.check(&filter)?;
        let mut values = Vec::new();
        let filter = filter.compile(&mut values).map_err(|error| error.context(M::NAME))?;
        // Two are for the limit and the offset.
        let most = self.session.db().executor().capabilities().max_parameters().saturating_sub(2);
        if values.len() > most {
            return Err(Error::invalid_input(format!(
                "{}: the filter has {} values, this database takes {most} in one statement; split the query",
                M::NAME,
                values.len()
            )));
        }
        Ok((filter, values))
    }

    /// What was asked for, and what is in sight.
    fn whole_filter(&self) -> Cow<'_, Node> {
        match self.visibility.node::<M>() {
            Node::Constant(true) => Cow::Borrowed(&self.filter),
            seen => Cow::Owned(self.filter.clone().and(seen)),
        }
    }

    /// Refuses what this database can't be asked.
    fn check(&self, filter: &Node) -> Result<()> {
        if filter.is_raw() && self.session.db().executor().dialect().is_none() {
            return Err(Error::unsupported("this database has no SQL; write the condition without `Filter::raw`"));
        }
        if filter.is_json() && !self.session.db().executor().capabilities().has(Capability::JsonConditions) {
            return Err(Error::unsupported(
                "this database has no conditions on JSON documents; keep the value in a column",
            ));
        }
        Ok(())
    }

    /// The order that was asked for, and then the key.
    fn total_order(&self) -> Vec<Order> {
        self.order_and_then(M::table().key())
    }

    /// The order that was asked for, and then these columns.
    fn order_and_then(&self, columns: &[usize]) -> Vec<Order> {
        let ascending = columns.iter().map(|&column| Order { column, descending: false });
        let mut order: Vec<Order> = Vec::new();
        for term in self.order.iter().copied().chain(ascending) {
            // A column that was named before decides nothing more.
            if !order.iter().any(|known| known.column == term.column) {
                order.push(term);
            }
        }
        order
    }

    fn compile(&self, kind: Kind, offset: Option<u64>, limit: Option<u64>, sorted: Sorted) -> Result<Compiled> {
        let table = M::table();
        let (filter, mut values) = self.condition()?;
        let is_list = matches!(kind, Kind::List | Kind::Page);
        let sorted_here = sorted == Sorted::AsIsCheapest && self.order.is_empty() && has_key_of_one_order(table);
        let order = if is_list && !sorted_here { self.total_order() } else { Vec::new() };
        let mut slot = |count: Option<u64>| {
            count.filter(|_| is_list).map(|count| {
                values.push(Value::I64(i64::try_from(count).unwrap_or(i64::MAX)));
                Slot(values.len() - 1)
            })
        };
        let limit = slot(limit);
        let offset = slot(offset.filter(|&offset| offset > 0));
        let operation = match kind {
            Kind::List | Kind::Page => Operation::Select {
                columns: (0..table.columns().len()).collect(),
                filter,
                order,
                limit,
                offset,
                lock: self.checked_lock()?,
            },
            _ if self.lock.is_some() => return Err(self.lock_without_objects()),
            Kind::Count => Operation::Count { filter },
            Kind::Exists => Operation::Exists { filter },
        };
        let (shape, usage) = self.session.db().known_shape(table, &operation);
        Ok(Compiled { kind, shape, usage, values, sorted_here })
    }
}

impl<M> Clone for Query<'_, M> {
    fn clone(&self) -> Self {
        Self {
            session: self.session,
            filter: self.filter.clone(),
            order: self.order.clone(),
            cached: self.cached,
            coherence: self.coherence,
            stale: self.stale,
            visibility: self.visibility,
            lock: self.lock,
            all_rows: self.all_rows,
            with: self.with.clone(),
            model: PhantomData,
        }
    }
}

/// Shows the structure; values stay out of logs.
impl<M: Model> fmt::Debug for Query<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = f.debug_struct("Query");
        query.field("model", &M::NAME);
        match self.to_sql() {
            Ok(sql) => query.field("sql", &sql),
            Err(error) => query.field("error", &error),
        };
        query.finish()
    }
}
