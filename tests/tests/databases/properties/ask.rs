//! Asking one question of a session, and of the copy of the rows.

use std::collections::{BTreeMap, HashMap};

use thing::driver::{Capability, Order};
use thing::{Column, Db, Loaded, Model, Query, Session, Things};

use super::filters::{Plan, Spec};
use super::oracle::{Outcome, Rows, Values};
use super::program::{Question, Target, Window};
use super::schema::{Dynamic, DynamicKey, key};
use super::storable::Storable;

/// What a question was answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    List(Vec<Values>),
    Number(u64),
    Flag(bool),
    Map(BTreeMap<DynamicKey, Values>),
    Failed(Outcome),
}

impl Answer {
    fn of<T>(result: &thing::Result<T>, answer: impl FnOnce(&T) -> Self) -> Result<Self, String> {
        match result {
            Ok(found) => Ok(answer(found)),
            Err(_) => Ok(Self::Failed(Outcome::of(result)?)),
        }
    }
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
                let count = query(plan).count().await;
                return Ok((Answer::of(&count, |count| Answer::Number(*count))?, Vec::new()));
            }
            Self::Exists(plan) => {
                let exists = query(plan).exists().await;
                return Ok((Answer::of(&exists, |exists| Answer::Flag(*exists))?, Vec::new()));
            }
            Self::ById(key) => {
                let key = key.clone();
                let found =
                    if way == Way::Uncached { things.by_id_uncached(key).await } else { things.by_id(key).await };
                found.map(|found| vec![found])
            }
            Self::ByIds(keys) => {
                let found = things.by_ids(keys).await;
                let map = |found: &HashMap<DynamicKey, Loaded<Dynamic>>| {
                    Answer::Map(found.iter().map(|(key, object)| (key.clone(), object.0.clone())).collect())
                };
                return Ok((Answer::of(&found, map)?, found.map(HashMap::into_values).into_iter().flatten().collect()));
            }
        };
        let list =
            |objects: &Vec<Loaded<Dynamic>>| Answer::List(objects.iter().map(|object| object.0.clone()).collect());
        Ok((Answer::of(&found, list)?, found.unwrap_or_default()))
    }

    /// The answer of a stream, for lists that have no window.
    pub(crate) async fn streamed(&self, db: &Db) -> Result<Option<Answer>, String> {
        let Self::List { plan, order, window: Window::All } = self else { return Ok(None) };
        if !db.executor().capabilities().has(Capability::Streaming) {
            return Ok(None);
        }
        let query = order.iter().fold(query(db.things(), plan, Way::Uncached), ordered);
        let rows = async {
            let mut rows = Vec::new();
            let mut stream = query.stream().await?;
            while let Some(object) = stream.next().await? {
                rows.push(object.0.clone());
            }
            Ok(rows)
        };
        Answer::of(&rows.await, |rows| Answer::List(rows.clone())).map(Some)
    }

    /// Whether it is about values that the database refuses.
    pub(crate) fn is_refused(&self, storable: &Storable) -> bool {
        let refuses = |key: &DynamicKey| {
            Dynamic::table()
                .key()
                .iter()
                .enumerate()
                .any(|(part, &column)| storable.refuses(column, &key.0.value(part)))
        };
        match self {
            Self::List { plan, .. } | Self::Count(plan) | Self::Exists(plan) => plan.is_refused(storable),
            Self::ById(key) => refuses(key),
            Self::ByIds(keys) => keys.iter().any(refuses),
        }
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
