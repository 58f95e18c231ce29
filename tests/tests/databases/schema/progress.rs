//! Progress: what a change of the schema tells while it is made.

use std::sync::Mutex;
use std::time::Duration;

use thing::schema::{Event, SchemaPlan};
use thing::{Model, Result};
use tokio::sync::Notify;

use crate::support::{Database, Stack};

matrix! {
    uncached: [
        each_step_is_told_before_it_is_made,
        the_step_that_fails_is_the_last_that_is_told,
        who_waits_for_another_program_says_so,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "songs")]
struct First {
    id: i64,
    title: String,
    length: i32,
}

fn first() -> First {
    First { id: 0, title: "Song".into(), length: 3 }
}

/// The same with another column, another index, and another type.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "songs")]
struct Later {
    id: i64,
    title: String,
    length: i64,
    stars: Option<i32>,
    #[thing(unique)]
    number: Option<i32>,
}

/// A table of its own, as some databases change another in one step.
#[derive(Model, Clone, Debug, PartialEq)]
struct Album {
    id: i64,
    title: String,
}

/// Songs with an index that two rows forbid.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "songs")]
struct Distinct {
    id: i64,
    title: String,
    #[thing(unique)]
    length: i32,
    stars: Option<i32>,
}

/// What was told, in words.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn note(&self, words: impl Into<String>) {
        self.0.lock().unwrap().push(words.into());
    }

    fn event(&self, event: &Event<'_>) {
        self.note(match event {
            Event::Locking => "locking".to_owned(),
            Event::Locked => "locked".to_owned(),
            Event::Step { number, steps, planned } => format!("{number} of {steps}: {}", planned.step.what),
            Event::StepDone { number, .. } => format!("{number} done"),
            Event::Committing => "committing".to_owned(),
            other => format!("{other:?}"),
        });
    }

    fn words(self) -> Vec<String> {
        self.0.into_inner().unwrap()
    }
}

/// What is told of the first steps of a plan.
fn expected(plan: &SchemaPlan, done: usize) -> Vec<String> {
    let steps = plan.steps().len();
    let step = |(number, what): (usize, &str)| [format!("{number} of {steps}: {what}"), format!("{number} done")];
    let whats = (1..).zip(plan.steps().iter().map(|planned| &*planned.step.what));
    ["locking", "locked"].map(str::to_owned).into_iter().chain(whats.take(done).flat_map(step)).collect()
}

async fn each_step_is_told_before_it_is_made(stack: &Stack) -> Result<()> {
    let db = stack.db::<First>().await;
    let plan = db.schema::<(Later, Album)>().plan().await?;
    assert!(plan.steps().len() >= 2, "{plan}");
    let told = Told::default();
    db.schema::<(Later, Album)>().progress(|event| told.event(event)).apply().await?;
    let mut expected = expected(&plan, plan.steps().len());
    if stack.database() != Database::Mysql {
        expected.push("committing".to_owned());
    }
    assert_eq!(told.words(), expected);
    let told = Told::default();
    db.schema::<(Later, Album)>().progress(|event| told.event(event)).apply().await?;
    assert_eq!(told.words(), Vec::<String>::new(), "there is nothing left to do");
    Ok(())
}

async fn the_step_that_fails_is_the_last_that_is_told(stack: &Stack) -> Result<()> {
    let db = stack.db::<First>().await;
    db.things::<First>().create_many([first(), first()]).await?;
    let plan = db.schema::<Distinct>().plan().await?;
    let fails = plan.steps().iter().position(|planned| planned.step.what.contains("songs_length_unique"));
    let fails = fails.expect("a step makes the index");
    let told = Told::default();
    db.schema::<Distinct>().progress(|event| told.event(event)).apply().await.unwrap_err();
    let mut expected = expected(&plan, fails + 1);
    assert_eq!(expected.pop(), Some(format!("{} done", fails + 1)));
    assert_eq!(told.words(), expected);
    Ok(())
}

async fn who_waits_for_another_program_says_so(stack: &Stack) -> Result<()> {
    let db = stack.db::<First>().await;
    // A database in memory has one connection for all.
    let Some(another) = stack.outsider().await else { return Ok(()) };
    let mut session = another.schema().expect("a driver with a schema").session().await?;
    session.lock(Duration::from_secs(10)).await?;
    if session.is_transactional() {
        session.begin().await?;
    }
    let (told, waits) = (Told::default(), Notify::new());
    let sync = db.schema::<Later>().progress(|event| {
        told.event(event);
        waits.notify_one();
    });
    let release = async {
        waits.notified().await;
        told.note("released");
        drop(session);
    };
    let (applied, ()) = tokio::join!(sync.apply(), release);
    applied?;
    drop(sync);
    assert_eq!(told.words()[..3], ["locking", "released", "locked"]);
    Ok(())
}
