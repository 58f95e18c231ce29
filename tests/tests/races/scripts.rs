//! Random tasks in random orders.

use thing::{Model, Result, Transaction};
use thing_test_random::Random;

use crate::explorer::{Bounds, Run, Task, explore};
use crate::interleavings::{bounds, items, task};
use crate::stage::{Item, Setup, Stage, item};

fn id(random: &Random) -> i64 {
    random.key(5)
}

fn shelf(random: &Random) -> i32 {
    random.key(2) as i32
}

fn count(random: &Random) -> i64 {
    5 * random.below(6) as i64
}

#[derive(Clone, Copy, Debug)]
enum Read {
    One(i64),
    All,
    Shelf(i32),
    Count(i32),
    Many,
}

#[derive(Clone, Copy, Debug)]
enum Write {
    /// As it was before everything.
    SaveHeld {
        id: i64,
        shelf: Option<i32>,
        count: Option<i64>,
    },
    /// As it is now.
    SaveRead {
        id: i64,
        shelf: Option<i32>,
        count: Option<i64>,
    },
    SavePlain(i64, i32, i64),
    Create(i64, i32, i64),
    CreateMany(i32, i32),
    Delete(i64),
}

#[derive(Clone, Debug)]
enum Step {
    Read(Read),
    Write(Write),
    /// The writes, those of them that are in a transaction within, how that one ends, and how all ends.
    Transaction {
        writes: Vec<Write>,
        within: usize,
        inner: End,
        outer: End,
    },
    Invalidate,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Rollback,
    Drop,
}

/// What all tasks do; with the number of the one that may go away.
#[derive(Clone, Debug)]
struct Script {
    tasks: Vec<Vec<Step>>,
    cancelled: Option<usize>,
    elsewhere: bool,
    setup: (bool, bool, bool),
}

impl Script {
    fn new(random: &Random) -> Self {
        let tasks = (0..2 + random.below(2)).map(|_| (0..1 + random.below(3)).map(|_| step(random)).collect());
        let tasks: Vec<_> = tasks.collect();
        let cancelled = (random.below(3) == 0).then_some(0);
        let setup = (random.below(2) == 0, random.below(4) > 0, random.below(4) > 0);
        Self { tasks, cancelled, elsewhere: random.below(3) == 0, setup }
    }
}

fn step(random: &Random) -> Step {
    match random.below(10) {
        0..5 => Step::Read(match random.below(6) {
            0 | 1 => Read::One(id(random)),
            2 => Read::All,
            3 => Read::Shelf(shelf(random)),
            4 => Read::Count(shelf(random)),
            _ => Read::Many,
        }),
        5..8 => Step::Write(write(random)),
        8 => Step::Transaction {
            writes: (0..1 + random.below(3)).map(|_| write(random)).collect(),
            within: random.below(4) as usize,
            inner: end(random),
            outer: end(random),
        },
        _ if random.below(3) == 0 => Step::Invalidate,
        _ => Step::Write(write(random)),
    }
}

fn end(random: &Random) -> End {
    match random.below(4) {
        0 => End::Rollback,
        1 => End::Drop,
        _ => End::Commit,
    }
}

fn write(random: &Random) -> Write {
    let (id, on, count) = (id(random), shelf(random), count(random));
    let some = random.below(3);
    let (new_shelf, new_count) = ((some != 0).then_some(on), (some != 1).then_some(count));
    match random.below(8) {
        0 | 1 => Write::SaveHeld { id: 1 + id % 3, shelf: new_shelf, count: new_count },
        2 | 3 => Write::SaveRead { id, shelf: new_shelf, count: new_count },
        4 => Write::SavePlain(id, on, count),
        5 => Write::Create(if id > 3 { id } else { 0 }, on, count),
        6 => Write::CreateMany(on, shelf(random)),
        _ => Write::Delete(id),
    }
}

/// Does one write in a session; that a row is gone or a key taken is nobody's mistake.
macro_rules! write {
    ($stage:expr, $session:expr, $write:expr) => {{
        let session = $session;
        let result: Result<()> = match $write {
            Write::SaveHeld { id, shelf, count } => {
                let mut held = $stage.before(id);
                held.shelf = shelf.unwrap_or(held.shelf);
                held.count = count.unwrap_or(held.count);
                held.save(session).await
            }
            Write::SaveRead { id, shelf, count } => match session.things::<Item>().by_id(id).await {
                Ok(mut read) => {
                    read.shelf = shelf.unwrap_or(read.shelf);
                    read.count = count.unwrap_or(read.count);
                    read.save(session).await
                }
                Err(error) => Err(error),
            },
            Write::SavePlain(id, shelf, count) => item(id, shelf, count).save(session).await.map(drop),
            Write::Create(id, shelf, count) => item(id, shelf, count).create(session).await.map(drop),
            Write::CreateMany(one, two) => {
                session.things::<Item>().create_many([item(0, one, 10), item(0, two, 20)]).await.map(drop)
            }
            Write::Delete(id) => session.things::<Item>().delete(id).await,
        };
        if let Err(error) = result {
            assert!(error.is_not_found() || error.is_unique_violation(), "{error:?}");
        }
    }};
}

async fn finish(transaction: Transaction, end: End) {
    match end {
        End::Commit => transaction.commit().await.unwrap(),
        End::Rollback => transaction.rollback().await.unwrap(),
        End::Drop => drop(transaction),
    }
}

async fn run(stage: &Stage, step: Step) {
    match step {
        Step::Read(Read::One(id)) => stage.read(id).await,
        Step::Read(Read::All) => stage.read_all().await,
        Step::Read(Read::Shelf(shelf)) => stage.list(shelf).await,
        Step::Read(Read::Count(shelf)) => stage.count(shelf).await,
        Step::Read(Read::Many) => stage.many().await,
        Step::Write(write) => write!(stage, &stage.db, write),
        Step::Transaction { writes, within, inner, outer } => {
            let transaction = stage.db.begin().await.unwrap();
            let first = writes.len().saturating_sub(within);
            for write in &writes[..first] {
                write!(stage, &transaction, *write);
            }
            if first < writes.len() {
                let nested = transaction.begin().await.unwrap();
                for write in &writes[first..] {
                    write!(stage, &nested, *write);
                }
                finish(nested, inner).await;
            }
            finish(transaction, outer).await;
        }
        Step::Invalidate => stage.db.invalidate::<Item>().await.unwrap(),
    }
}

fn tasks(script: &Script, stage: &Stage) -> Vec<Task> {
    let start = |(at, steps): (usize, &Vec<Step>)| {
        let stage = if script.elsewhere && at == 1 { stage.elsewhere() } else { stage.clone() };
        let steps = steps.clone();
        task(async move {
            for step in steps {
                run(&stage, step).await;
            }
        })
    };
    script.tasks.iter().enumerate().map(start).collect()
}

#[test]
fn whatever_is_done_at_the_same_time_every_answer_is_true() {
    let seed = std::env::var("THING_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let random = Random::seeded(seed);
    let schedules = 20;
    for number in 0..bounds().schedules {
        let script = Script::new(&random);
        let report = explore(Bounds { schedules, switches: 0 }, || {
            let (warm, returning, peek) = script.setup;
            let stage = Stage::new(&Setup { returning, peek, ..Setup::default() }, &items());
            let stage = if warm { stage.warm() } else { stage };
            let tasks = tasks(&script, &stage);
            let remembered = script.cancelled.is_none();
            Run { tasks, cancelled: script.cancelled, check: Box::new(move || stage.judge_at_rest(remembered)) }
        });
        if let Some((wrong, schedule)) = report.violation {
            panic!("script {number}, {script:?}: {wrong}\nschedule {schedule:?}");
        }
    }
}
