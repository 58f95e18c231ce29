//! Pages: slices of an ordered list, by cursor or by number.

use thing_driver_api::{Error, Order, Result, Value};

use super::Query;
use super::keyset::{following, reversed};
use super::read::Found;
use crate::cache::{Kind, Question};
use crate::cursor::{Cursor, Place};
use crate::{Loaded, Model};

/// A page of a list, and where the pages beside it begin: made by [`Query::page`] and [`Query::page_at`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<M: Model> {
    /// The objects, in the order of the query.
    pub items: Vec<Loaded<M>>,
    /// Where the page after this one begins; `None` where no row came after this page when it was read.
    pub next: Option<Cursor>,
    /// Where the page before this one ends; `None` for the first page. It leads to an empty page if all rows before this
    /// page are gone by then.
    pub previous: Option<Cursor>,
}

/// A page of a list by its number, and how many objects the list has: made by [`Query::page_number`].
#[derive(Debug)]
#[non_exhaustive]
pub struct NumberedPage<M: Model> {
    /// The objects, in the order of the query.
    pub items: Vec<Loaded<M>>,
    /// The number of the page; the first has number 1.
    pub number: u64,
    /// How many objects a full page has.
    pub size: u64,
    /// How many objects all pages have together.
    pub total: u64,
}

impl<M: Model> NumberedPage<M> {
    /// How many pages there are.
    pub fn pages(&self) -> u64 {
        self.total.div_ceil(self.size.max(1))
    }

    /// Whether a page comes after this one.
    pub fn has_next(&self) -> bool {
        self.number < self.pages()
    }

    /// Whether a page comes before this one.
    pub fn has_previous(&self) -> bool {
        self.number > 1
    }
}

impl<M: Model> Query<'_, M> {
    /// The first page of at most `size` matching objects, in the order of the query; [`Query::page_at`] reads the others.
    ///
    /// A page is read by the values of its order's columns, not by counting rows: however far it is from the first one it
    /// costs the same where an index fits the order, and what is added or removed meanwhile neither shifts the others nor
    /// repeats them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for pages of no objects, and for an order by JSON, which
    /// databases compare in ways of their own; else as [`Query::all`].
    pub async fn page(self, size: u64) -> Result<Page<M>> {
        self.page_at(None, size).await
    }

    /// The page of at most `size` matching objects that a cursor leads to, which came from a page of the same query:
    /// [`Page::next`] or [`Page::previous`]; the first page where there is none. Pages of one list need not have one size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidCursor`](crate::ErrorKind::InvalidCursor) for a cursor of another model, filter or order, one
    /// that was changed, and one that was made under another key than [`DbBuilder::cursor_key`](crate::DbBuilder::cursor_key)
    /// or by another process without one; else as [`Query::page`].
    pub async fn page_at(self, cursor: impl Into<Option<&Cursor>>, size: u64) -> Result<Page<M>> {
        check_size::<M>(size)?;
        let order = self.total_order();
        let query = self.identity(&order)?;
        let key = self.session.db().cursor_key();
        let from = cursor.into().map(|cursor| key.open(&query, cursor)).transpose();
        let from = from.map_err(|error| error.context(M::NAME))?;
        let reading = self.beginning(from.as_ref(), order);
        let Found { mut objects, edges } = reading.slice(size.saturating_add(1)).await?;
        let shown = usize::try_from(size).unwrap_or(usize::MAX).min(objects.len());
        let more = objects.len() > shown;
        objects.truncate(shown);
        if from.as_ref().is_some_and(|from| from.backward) {
            objects.reverse();
        }
        let (next, previous) = beside(from.as_ref(), &edges, more);
        let seal = |place: Place| key.seal(&query, &place);
        let mut items: Vec<Loaded<M>> = objects.into_iter().map(Loaded::new).collect();
        reading.load_relations(&mut items).await?;
        Ok(Page { items, next: next.map(seal).transpose()?, previous: previous.map(seal).transpose()? })
    }

    /// The page with this number, counted from 1, of at most `size` matching objects, and how many there are in all.
    ///
    /// It costs the database as many rows as come before it, and what is added or removed meanwhile shifts the others. The
    /// number of all is cached as [`Query::count`] is, and is not asked for where a page tells it by being the last one. It
    /// may be of another moment than the page: both are right by themselves.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for number 0 and for pages of no objects; else as
    /// [`Query::all`].
    pub async fn page_number(self, number: u64, size: u64) -> Result<NumberedPage<M>> {
        check_size::<M>(size)?;
        let Some(before) = number.checked_sub(1) else {
            return Err(Error::invalid_input(format!("{}: pages are counted from 1", M::NAME)));
        };
        let offset = before.saturating_mul(size);
        let items = self.objects(Some(offset), Some(size)).await?;
        let found = items.len() as u64;
        let total = if found < size && (found > 0 || offset == 0) { offset + found } else { self.count().await? };
        Ok(NumberedPage { items, number, size, total })
    }

    /// What tells this query from others, for cursors: model, filter with its values, and order.
    fn identity(&self, order: &[Order]) -> Result<Vec<u8>> {
        let table = M::table();
        if let Some(json) = order.iter().find(|term| table.column(term.column).value_type.is_document()) {
            return Err(Error::invalid_input(format!(
                "{}: pages can't be in the order of `{}`, which holds JSON or a list; order by a column of another type",
                M::NAME,
                table.column(json.column).name
            )));
        }
        let (filter, values) = self.condition()?;
        let question = Question {
            kind: Kind::Page,
            table,
            filter: &filter,
            order,
            window: (false, false),
            values: &values,
            scoped: false,
        };
        Ok([&table.id().0.to_le_bytes(), &*question.name()].concat())
    }

    /// The rows on the side of the place to which it leads, those nearest to it first.
    fn beginning(mut self, place: Option<&Place>, order: Vec<Order>) -> Self {
        if let Some(place) = place {
            self.order = if place.backward { reversed(&order) } else { order };
            let including = place.behind == place.backward;
            self.filter = self.filter.and(following(M::table(), &self.order, &place.values, including));
        }
        self
    }
}

/// Where the pages after and before one begin, that was read from a place, or as the first. Its first and its last row have
/// the values of `edges`; `more` says that another row came behind them.
fn beside(from: Option<&Place>, edges: &[Value<'static>], more: bool) -> (Option<Place>, Option<Place>) {
    let backward = from.is_some_and(|from| from.backward);
    let (first, last) = edges.split_at(edges.len() / 2);
    // A page that was read backward has its last row first.
    let (first, last) = if backward { (last, first) } else { (first, last) };
    let place = |edge: &[Value<'static>], backward| match from {
        // No row was found: back to what lies on the other side of the same place.
        Some(from) if edge.is_empty() => Place { backward, ..from.clone() },
        _ => Place { values: edge.to_vec(), behind: !backward, backward },
    };
    // The reader came from another page on one side; on the other there is one if another row was found.
    let (has_next, has_previous) = if backward { (true, more) } else { (more, from.is_some()) };
    (has_next.then(|| place(last, false)), has_previous.then(|| place(first, true)))
}

fn check_size<M: Model>(size: u64) -> Result<()> {
    if size > 0 {
        return Ok(());
    }
    Err(Error::invalid_input(format!("{}: a page of no objects leads nowhere; ask for 1 at least", M::NAME)))
}
