//! Random documents, random conditions on them and random writes: cached answers equal uncached answers equal the truth.

use std::cmp::Ordering;

use serde_json::{Value, json};
use thing::{ColumnSpec, Filter, Json, JsonOperand, JsonPlace, List, Model, Result};
use thing_test_random::Random;

use crate::support::Stack;

matrix! {
    every: [random_conditions_mean_what_they_say_whatever_was_written_before]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Paper {
    id: i64,
    #[thing(index)]
    shelf: i64,
    document: Option<Json<Value>>,
    tags: List<i64>,
}

fn pick<'a, T>(random: &Random, of: &'a [T]) -> &'a T {
    &of[random.below(of.len() as u64) as usize]
}

fn scalar(random: &Random) -> Value {
    pick(
        random,
        &[
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(1),
            json!(-1),
            json!(9_007_199_254_740_993_i64),
            json!(0.5),
        ]
        .into_iter()
        .chain([json!(""), json!("a"), json!("A"), json!("a "), json!("1"), json!("é"), json!("a\"b\\")])
        .collect::<Vec<_>>(),
    )
    .clone()
}

fn document(random: &Random) -> Option<Json<Value>> {
    let value = match random.below(8) {
        0 => return None,
        1 => scalar(random),
        2 => json!([scalar(random), {"a": scalar(random)}]),
        3 => json!({"a": [scalar(random), scalar(random)], "b": scalar(random)}),
        4 => json!({"a": {"b": scalar(random)}}),
        _ => json!({"a": scalar(random), "b": {"a": scalar(random), "c": "long".repeat(random.below(99) as usize)}}),
    };
    Some(Json(value))
}

fn tags(random: &Random) -> List<i64> {
    (0..random.below(4)).map(|_| *pick(random, &[0, 1, 2, i64::MAX])).collect()
}

fn paper(random: &Random) -> Paper {
    Paper { id: 0, shelf: random.below(2) as i64, document: document(random), tags: tags(random) }
}

/// A condition, as a filter and as what it means.
#[derive(Clone, Debug)]
enum Plan {
    Shelf(i64),
    Compare { path: &'static str, operator: u64, value: Value },
    Exists(&'static str),
    IsNull(&'static str),
    Has(i64),
    Empty,
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

const PATHS: [&str; 9] = ["a", "b", "a.b", "b.a", "a[0]", "a[1]", "[0]", "[1].a", "b.c"];

fn path(random: &Random) -> &'static str {
    PATHS[random.below(PATHS.len() as u64) as usize]
}

fn plan(random: &Random, depth: u64) -> Plan {
    let several = || (0..=random.below(3)).map(|_| plan(random, depth - 1)).collect();
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0 => Plan::Shelf(random.below(2) as i64),
        1 => Plan::Exists(path(random)),
        2 => Plan::IsNull(path(random)),
        3 => Plan::Has(*pick(random, &[0, 1, 2, i64::MAX])),
        4 if random.below(2) == 0 => Plan::Empty,
        4..7 => {
            let value = loop {
                match scalar(random) {
                    Value::Null => {}
                    value => break value,
                }
            };
            Plan::Compare { path: path(random), operator: random.below(6), value }
        }
        7 => Plan::Not(Box::new(plan(random, depth - 1))),
        8 => Plan::And(several()),
        _ => Plan::Or(several()),
    }
}

impl Plan {
    fn filter(&self) -> Filter<Paper> {
        let at = |path| Paper::DOCUMENT.path(path);
        match self {
            Self::Shelf(shelf) => Paper::SHELF.eq(*shelf),
            Self::Compare { path, operator, value } => match value {
                Value::Bool(value) => compared(at(path), *operator, *value),
                Value::Number(value) => match value.as_i64() {
                    Some(value) => compared(at(path), *operator, value),
                    None => compared(at(path), *operator, value.as_f64().unwrap()),
                },
                Value::String(value) => compared(at(path), *operator, value),
                other => panic!("{other} does not compare"),
            },
            Self::Exists(path) => at(path).exists(),
            Self::IsNull(path) => at(path).is_null(),
            Self::Has(tag) => Paper::TAGS.has(*tag),
            Self::Empty => Paper::TAGS.is_empty(),
            Self::Not(plan) => !plan.filter(),
            Self::And(plans) => plans.iter().map(Self::filter).reduce(Filter::and).unwrap(),
            Self::Or(plans) => plans.iter().map(Self::filter).reduce(Filter::or).unwrap(),
        }
    }

    /// `None` is unknown.
    fn answer(&self, paper: &Paper) -> Option<bool> {
        let at = |path| paper.document.as_ref().and_then(|document| found(document, path));
        match self {
            Self::Shelf(shelf) => Some(paper.shelf == *shelf),
            Self::Compare { path, operator, value } => order(at(path)?, value).map(|order| holds(*operator, order)),
            Self::Exists(path) => Some(at(path).is_some()),
            Self::IsNull(path) => Some(at(path).is_none_or(Value::is_null)),
            Self::Has(tag) => Some(paper.tags.contains(tag)),
            Self::Empty => Some(paper.tags.is_empty()),
            Self::Not(plan) => plan.answer(paper).map(|answer| !answer),
            Self::And(plans) => all(plans.iter().map(|plan| plan.answer(paper))),
            Self::Or(plans) => all(plans.iter().map(|plan| plan.answer(paper).map(|yes| !yes))).map(|none| !none),
        }
    }
}

fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let answers: Vec<_> = answers.collect();
    if answers.contains(&Some(false)) { Some(false) } else { (!answers.contains(&None)).then_some(true) }
}

fn compared<C>(place: JsonPlace<C>, operator: u64, value: impl JsonOperand) -> Filter<Paper>
where
    C: ColumnSpec<Model = Paper>,
{
    match operator {
        0 => place.eq(value),
        1 => place.ne(value),
        2 => place.lt(value),
        3 => place.le(value),
        4 => place.gt(value),
        _ => place.ge(value),
    }
}

fn holds(operator: u64, order: Ordering) -> bool {
    match operator {
        0 => order.is_eq(),
        1 => order.is_ne(),
        2 => order.is_lt(),
        3 => order.is_le(),
        4 => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn found<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    // The pointer of RFC 6901 takes a number for a key too; the paths here have either.
    let mut value = document;
    for step in path.replace('[', ".[").split('.').filter(|step| !step.is_empty()) {
        value = match step.strip_prefix('[') {
            Some(index) => value.as_array()?.get(index.trim_end_matches(']').parse::<usize>().unwrap())?,
            None => value.as_object()?.get(step)?,
        };
    }
    Some(value)
}

fn order(found: &Value, value: &Value) -> Option<Ordering> {
    match (found, value) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        _ => None,
    }
}

async fn random_conditions_mean_what_they_say_whatever_was_written_before(stack: &Stack) -> Result<()> {
    let db = stack.db::<Paper>().await;
    let papers = db.things::<Paper>();
    let random = Random::seeded(7);
    let mut truth: Vec<Paper> = Vec::new();
    for _ in 0..12 {
        truth.push(paper(&random).create(&db).await?.into_inner());
    }
    let plans: Vec<Plan> = (0..if stack.is_remote() { 40 } else { 120 }).map(|_| plan(&random, 2)).collect();
    for round in 0..if stack.is_remote() { 8 } else { 30 } {
        for plan in &plans {
            let expected: Vec<i64> =
                truth.iter().filter(|paper| plan.answer(paper) == Some(true)).map(|paper| paper.id).collect();
            let query = papers.filter(plan.filter());
            let ids = |list: Vec<thing::Loaded<Paper>>| list.iter().map(|paper| paper.id).collect::<Vec<_>>();
            let about = || format!("round {round}, {plan:?} of {truth:#?}");
            assert_eq!(ids(query.clone().all().await?), expected, "cached, {}", about());
            assert_eq!(query.clone().count().await?, expected.len() as u64, "counted, {}", about());
            if round == 0 || random.below(10) == 0 {
                assert_eq!(ids(query.uncached().all().await?), expected, "uncached, {}", about());
            }
        }
        match random.below(4) {
            0 => truth.push(paper(&random).create(&db).await?.into_inner()),
            1 if truth.len() > 8 => {
                let gone = truth.remove(random.below(truth.len() as u64) as usize);
                papers.delete(gone.id).await?;
            }
            _ => {
                let at = random.below(truth.len() as u64) as usize;
                let mut changed = papers.by_id(truth[at].id).await?;
                match random.below(3) {
                    0 => changed.tags = tags(&random),
                    1 => changed.shelf = 1 - changed.shelf,
                    _ => changed.document = document(&random),
                }
                changed.save(&db).await?;
                truth[at] = changed.into_inner();
            }
        }
    }
    Ok(())
}
