//! Reports: which queries the cache answers, which it doesn't, and why.

use std::fmt;

use thing_driver_api::{CacheStatistics, Operation, Shape, sql};

use crate::Db;
use crate::cache::{Counts, Missed};

impl Db {
    /// How the cache fares, query by query: those that it answers least come first. `Display` shows it as text.
    ///
    /// Queries count from when they were first asked; a query is one whatever its values are.
    pub fn cache_report(&self) -> CacheReport {
        let dialect = self.executor().dialect();
        let text = |shape: &Shape| {
            let rendered = dialect.and_then(|dialect| sql::render(shape, dialect).ok());
            rendered.map_or_else(|| format!("{:?}", shape.operation()), |plan| plan.text)
        };
        let mut queries: Vec<QueryReport> = self
            .usages()
            .into_iter()
            .filter_map(|(shape, usage)| QueryReport::of(&shape, text(&shape), usage.counts()))
            .collect();
        queries.sort_by_key(|query| std::cmp::Reverse(query.misses()));
        CacheReport { statistics: self.statistics().cache, queries }
    }
}

/// How the cache fares.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheReport {
    /// What the cache counted, rows by key included.
    pub statistics: CacheStatistics,
    /// Lists, counts and questions for existence, those with the most misses first.
    pub queries: Vec<QueryReport>,
}

/// How the cache fares with one query.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryReport {
    /// The table.
    pub table: String,
    /// The statement, as the database would get it.
    pub query: String,
    /// Calls that the cache answered.
    pub hits: u64,
    /// Those among the hits where changes had passed by that did not concern the answer.
    pub unaffected: u64,
    /// Calls with values for which nothing was stored, as far as is remembered.
    pub cold: u64,
    /// Calls whose answer was stored and is gone: expired, evicted, behind by more changes than are remembered.
    pub lost: u64,
    /// Calls whose answer a change concerned.
    pub changed: u64,
    /// Calls while a writer was at work on what they read.
    pub open: u64,
    /// Calls whose answer could not be used: another version of the program stored it, or an object of it is gone.
    pub unusable: u64,
    /// Calls whose answer has more keys than [`DbBuilder::cached_list_limit`](crate::DbBuilder::cached_list_limit).
    pub too_long: u64,
    /// Calls while the cache could not be reached.
    pub failed: u64,
    /// Calls that got what another call read at the time.
    pub waited: u64,
    /// Answers that were out of date before they could be stored.
    pub refused: u64,
}

impl QueryReport {
    fn of(shape: &Shape, query: String, counts: Counts) -> Option<Self> {
        if counts.hits + counts.misses() == 0 {
            return None;
        }
        let is_query =
            matches!(shape.operation(), Operation::Select { .. } | Operation::Count { .. } | Operation::Exists { .. });
        is_query.then(|| Self {
            table: shape.table().map_or_else(String::new, |table| table.name().to_owned()),
            query,
            hits: counts.hits,
            unaffected: counts.unaffected,
            cold: counts.missed(Missed::Cold),
            lost: counts.missed(Missed::Lost),
            changed: counts.missed(Missed::Changed),
            open: counts.missed(Missed::Open),
            unusable: counts.missed(Missed::Unusable),
            too_long: counts.missed(Missed::TooLong),
            failed: counts.missed(Missed::Failed),
            waited: counts.waited,
            refused: counts.refused,
        })
    }

    /// Calls that the cache did not answer.
    pub fn misses(&self) -> u64 {
        self.reasons().iter().map(|(count, _)| count).sum()
    }

    /// The part of the calls that the cache answered, 0 to 1.
    pub fn hit_rate(&self) -> f64 {
        self.hits as f64 / (self.hits + self.misses()).max(1) as f64
    }

    /// Why the cache did not answer, as far as most of the misses go; `None` where there was no miss.
    pub fn why(&self) -> Option<&'static str> {
        let (count, why) = self.reasons().into_iter().max_by_key(|(count, _)| *count)?;
        (count > 0).then_some(why)
    }

    fn reasons(&self) -> [(u64, &'static str); 7] {
        [
            (self.cold, "asked with values for which nothing is stored: they seldom come twice"),
            (self.lost, "what was stored is gone: expired, evicted, or behind by more changes than are remembered"),
            (self.changed, "rows that it concerns change between its calls"),
            (self.open, "writers are at work on what it reads"),
            (self.unusable, "another version of the program stores it in another form, or objects of it are gone"),
            (self.too_long, "it has more keys than are remembered; see `DbBuilder::cached_list_limit`"),
            (self.failed, "the cache could not be reached"),
        ]
    }
}

impl fmt::Display for QueryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5.1} % of {}: {}", self.hit_rate() * 100.0, self.hits + self.misses(), self.query)?;
        match self.why() {
            Some(why) => write!(f, "\n        {why}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for CacheReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cache = &self.statistics;
        writeln!(f, "answered {} (near {}), not answered {}", cache.answered(), cache.near_hits, cache.misses())?;
        writeln!(
            f,
            "misses: {} cold, {} stale, {} quarantined, {} expired, {} suspect",
            cache.misses_cold, cache.misses_stale, cache.misses_quarantined, cache.misses_expired, cache.misses_suspect
        )?;
        writeln!(
            f,
            "{} stored, {} refused, {} evicted, {} waits for other fills, {} invalidations heard",
            cache.stored, cache.refused, cache.evicted, cache.held, cache.heard
        )?;
        self.queries.iter().try_for_each(|query| writeln!(f, "{query}"))
    }
}
