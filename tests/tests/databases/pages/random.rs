//! Random rows with NULLs and ties, in random orders: pages give the rows of the list, whichever way one goes.

use std::cell::Cell;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use thing::{Db, Loaded, Model, OrderBy, Page, Query, Result};

use super::sent;
use crate::support::Stack;

matrix! {
    every: [random_pages_give_the_rows_of_the_list]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "paged_rows")]
struct Line {
    id: i64,
    /// The case that a row is of.
    #[thing(index)]
    case: i64,
    number: Option<i32>,
    text: Option<String>,
    weight: f64,
    flag: bool,
}

/// What a row holds beside its key.
type Values = (Option<i32>, Option<String>, f64, bool);

fn values() -> impl Strategy<Value = Values> {
    let number = prop_oneof![Just(None), (-1..2).prop_map(Some)];
    let text = prop_oneof![Just(None), Just(Some("")), Just(Some("a")), Just(Some("A")), Just(Some("ä"))];
    let weight = prop_oneof![Just(0.0), Just(0.1), Just(-1e300)];
    (number, text.prop_map(|text| text.map(str::to_owned)), weight, any::<bool>())
}

#[derive(Clone, Debug)]
struct Case {
    rows: Vec<Values>,
    /// Columns, and whether they are descending.
    order: Vec<(u8, bool)>,
    /// Only rows with a flag.
    filtered: bool,
    /// Whether to go back, and how far.
    steps: Vec<(bool, u64)>,
    writes: Vec<(u8, u8, Values)>,
}

fn cases() -> impl Strategy<Value = Case> {
    let rows = proptest::collection::vec(values(), 0..16);
    let order = proptest::collection::vec((0..5_u8, any::<bool>()), 0..4);
    let steps = proptest::collection::vec((proptest::bool::weighted(0.35), 1..5_u64), 0..14);
    let writes = proptest::collection::vec((0..4_u8, any::<u8>(), values()), 0..6);
    (rows, order, any::<bool>(), steps, writes).prop_map(|(rows, order, filtered, steps, writes)| Case {
        rows,
        order,
        filtered,
        steps,
        writes,
    })
}

fn line(case: i64, (number, text, weight, flag): Values) -> Line {
    Line { id: 0, case, number, text, weight, flag }
}

fn term((column, descending): (u8, bool)) -> OrderBy<Line> {
    match (column, descending) {
        (0, false) => Line::NUMBER.asc(),
        (0, true) => Line::NUMBER.desc(),
        (1, false) => Line::TEXT.asc(),
        (1, true) => Line::TEXT.desc(),
        (2, false) => Line::WEIGHT.asc(),
        (2, true) => Line::WEIGHT.desc(),
        (3, false) => Line::FLAG.asc(),
        (3, true) => Line::FLAG.desc(),
        (_, false) => Line::ID.asc(),
        (_, true) => Line::ID.desc(),
    }
}

impl Case {
    fn query<'a>(&self, db: &'a Db, number: i64) -> Query<'a, Line> {
        let query = Line::filter(db, Line::CASE.eq(number));
        let query = if self.filtered { query.filter(Line::FLAG.eq(true)) } else { query };
        self.order.iter().fold(query, |query, order| query.order_by(term(*order)))
    }

    async fn run(&self, db: &Db, number: i64) -> Result<()> {
        db.things::<Line>().create_many(self.rows.iter().cloned().map(|row| line(number, row))).await?;
        self.step(db, number).await?;
        self.write_between_pages(db, number).await?;
        self.step(db, number).await
    }

    /// Goes back and forth: each page holds what the list has beside the one before it.
    async fn step(&self, db: &Db, number: i64) -> Result<()> {
        let list = self.query(db, number).uncached().all().await?;
        let size = self.steps.first().map_or(3, |step| step.1);
        let mut page = self.query(db, number).page(size).await?;
        let (mut start, mut end) = (0, list.len().min(size as usize));
        assert_page(&page, &list, start, end);
        for &(backward, size) in &self.steps {
            let cursor = sent(if backward { &page.previous } else { &page.next });
            let Some(cursor) = cursor else { continue };
            page = self.query(db, number).page_at(&cursor, size).await?;
            (start, end) = match backward {
                true => (start.saturating_sub(size as usize), start),
                false => (end, list.len().min(end + size as usize)),
            };
            assert_page(&page, &list, start, end);
        }
        Ok(())
    }

    /// Writes between pages: the rows that nobody touches come once, in their order.
    async fn write_between_pages(&self, db: &Db, number: i64) -> Result<()> {
        let before = self.query(db, number).all().await?;
        let mut touched: Vec<i64> = Vec::new();
        let mut writes = self.writes.iter();
        let mut seen: Vec<i64> = Vec::new();
        let mut next = None;
        loop {
            let page = self.query(db, number).page_at(&next, 2).await?;
            seen.extend(page.items.iter().map(|line| line.id));
            next = sent(&page.next);
            if let Some((kind, which, values)) = writes.next() {
                let chosen = before.get(usize::from(*which) % before.len().max(1)).map(|line| line.id);
                match (kind, chosen.filter(|id| !touched.contains(id))) {
                    (0, Some(id)) => {
                        db.things::<Line>().delete(id).await?;
                        touched.push(id);
                    }
                    (1, Some(id)) => {
                        Line { id, ..line(number, values.clone()) }.save(db).await?;
                        touched.push(id);
                    }
                    _ => drop(line(number, values.clone()).create(db).await?),
                }
            }
            if next.is_none() {
                break;
            }
        }
        let known: Vec<i64> = before.iter().map(|line| line.id).filter(|id| !touched.contains(id)).collect();
        seen.retain(|id| known.contains(id));
        assert_eq!(seen, known, "rows that nobody touched");
        Ok(())
    }
}

fn assert_page(page: &Page<Line>, list: &[Loaded<Line>], start: usize, end: usize) {
    assert_eq!(page.items, list[start..end]);
    assert_eq!(page.next.is_some(), end < list.len(), "{start}..{end} of {}", list.len());
    assert_eq!(page.previous.is_some(), start > 0, "{start}..{end} of {}", list.len());
}

async fn random_pages_give_the_rows_of_the_list(stack: &Stack) -> Result<()> {
    let db = stack.db::<Line>().await;
    let given: u32 = std::env::var("THING_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100);
    let cases_here = if stack.is_remote() { given.div_ceil(10) } else { given };
    let config = Config { cases: cases_here, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let runtime = tokio::runtime::Handle::current();
    let number = Cell::new(0);
    let run = |case: Case| {
        number.set(number.get() + 1);
        runtime.block_on(case.run(&db, number.get())).map_err(|error| TestCaseError::fail(error.to_string()))
    };
    let failed = tokio::task::block_in_place(|| runner.run(&cases(), run).err());
    assert!(failed.is_none(), "{}", failed.unwrap());
    Ok(())
}
