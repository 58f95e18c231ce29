//! Asking one question of a session, and of the copy of the rows.

use std::collections::BTreeMap;

use thing::driver::Order;
use thing::{Column, Db, Loaded, Model, Query, Session, Things};

use crate::filters::{Plan, Spec};
use crate::oracle::{Outcome, Rows, Values};
use crate::program::{Question, Target, Window};
use crate::schema::{Dynamic, DynamicKey, key};

/// What a question was answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    List(Vec<Values>),
    Number(u64),
    Flag(bool),
    Map(BTreeMap<DynamicKey, Values>),
    Failed(Outcome),
}

/// A question whose targets are known.
#[derive(Clone, Debug)]
pub(crate) enum Asked<'a> {
    List { plan: &'a Plan, order: Vec<Order>, window: Window },
    Count(&'a Plan),
    Exists(&'a Plan),
    ById(DynamicKey),
    ByIds(Vec<DynamicKey>),
}

/// Past which cache a question goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Cached,
    Uncached,
}

pub(crate) fn chosen(target: &Target, rows: &Rows) -> DynamicKey {
    match target {
        Target::Existing(number) => rows.existing(*number).unwrap_or_else(|| key(&[*number])),
        Target::Pool(choices) => key(choices),
    }
}

impl Question {
    pub(crate) fn about<'a>(&'a self, rows: &Rows) -> Asked<'a> {
        let width = Dynamic::table().columns().len();
        match self {
            Self::List { plan, order, window } => {
                let order = order
                    .iter()
                    .map(|&(column, descending)| Order { column: usize::from(column) % width, descending })
                    .collect();
                Asked::List { plan, order, window: *window }
            }
            Self::Count(plan) => Asked::Count(plan),
            Self::Exists(plan) => Asked::Exists(plan),
            Self::ById(target) => Asked::ById(chosen(target, rows)),
            Self::ByIds(targets) => Asked::ByIds(targets.iter().map(|target| chosen(target, rows)).collect()),
        }
    }
}

impl Asked<'_> {
    /// The answer of a session, and the objects that came with it.
    pub(crate) async fn of(&self, session: &dyn Session, way: Way) -> Result<(Answer, Vec<Loaded<Dynamic>>), String> {
        let things = session.things::<Dynamic>();
        let query = |plan: &Plan| query(things, plan, way);
        let found = match self {
            Self::List { plan, order, window } => {
                let query = order.iter().fold(query(plan), ordered);
                match window {
                    Window::All => query.all().await,
                    Window::First => query.first().await.map(|found| found.into_iter().collect()),
                    Window::One => query.one().await.map(|found| vec![found]),
                    Window::Fetch { offset, limit } => query.fetch(*offset, *limit).await,
                }
            }
            Self::Count(plan) => {
                return Ok((Answer::Number(query(plan).count().await.map_err(unexpected)?), Vec::new()));
            }
            Self::Exists(plan) => {
                return Ok((Answer::Flag(query(plan).exists().await.map_err(unexpected)?), Vec::new()));
            }
            Self::ById(key) => {
                let key = key.clone();
                let found =
                    if way == Way::Uncached { things.by_id_uncached(key).await } else { things.by_id(key).await };
                found.map(|found| vec![found])
            }
            Self::ByIds(keys) => {
                let found = things.by_ids(keys).await.map_err(unexpected)?;
                let map = found.iter().map(|(key, object)| (key.clone(), object.0.clone())).collect();
                return Ok((Answer::Map(map), found.into_values().collect()));
            }
        };
        match found {
            Ok(objects) => Ok((Answer::List(objects.iter().map(|object| object.0.clone()).collect()), objects)),
            Err(_) => Ok((Answer::Failed(Outcome::of(&found)?), Vec::new())),
        }
    }

    /// The answer of a stream, for lists that have no window.
    pub(crate) async fn streamed(&self, db: &Db) -> Result<Option<Answer>, String> {
        let Self::List { plan, order, window: Window::All } = self else { return Ok(None) };
        let query = order.iter().fold(query(db.things(), plan, Way::Uncached), ordered);
        let mut stream = query.stream().await.map_err(unexpected)?;
        let mut rows = Vec::new();
        while let Some(object) = stream.next().await.map_err(unexpected)? {
            rows.push(object.0.clone());
        }
        Ok(Some(Answer::List(rows)))
    }

    /// The true answer.
    pub(crate) fn truth(&self, rows: &Rows) -> Answer {
        match self {
            Self::List { plan, order, window } => {
                let found = rows.list(plan, order, *window);
                match (window, found.len()) {
                    (Window::One, 0) => Answer::Failed(Outcome::NotFound),
                    (Window::One, 2) => Answer::Failed(Outcome::NotUnique),
                    _ => Answer::List(found),
                }
            }
            Self::Count(plan) => Answer::Number(rows.count(plan)),
            Self::Exists(plan) => Answer::Flag(rows.count(plan) > 0),
            Self::ById(key) => match rows.0.get(key) {
                Some(row) => Answer::List(vec![row.clone()]),
                None => Answer::Failed(Outcome::NotFound),
            },
            Self::ByIds(keys) => {
                Answer::Map(keys.iter().filter_map(|key| Some((key.clone(), rows.0.get(key)?.clone()))).collect())
            }
        }
    }
}

fn query<'s>(things: Things<'s, Dynamic>, plan: &Plan, way: Way) -> Query<'s, Dynamic> {
    let query = things.filter(plan.filter());
    if way == Way::Uncached { query.uncached() } else { query }
}

fn ordered<'s>(query: Query<'s, Dynamic>, term: &Order) -> Query<'s, Dynamic> {
    let column = Column::<Spec>::at(term.column);
    query.order_by(if term.descending { column.desc() } else { column.asc() })
}

#[allow(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn unexpected(error: thing::Error) -> String {
    format!("unexpected error: {error:?}")
}
