//! Every order of the steps of readers and writers.

use thing::Model;

use crate::explorer::{Bounds, Report, Run, Task, explore};
use crate::stage::{Item, Setup, Stage, item};

/// Tasks over a stage.
pub(crate) type Script = fn(&Stage) -> Vec<Task>;

pub(crate) fn task(future: impl Future<Output = ()> + 'static) -> Task {
    Box::pin(future)
}

/// Items to begin with: two on shelf 1, one on shelf 2.
pub(crate) fn items() -> [Item; 3] {
    [item(1, 1, 10), item(2, 1, 20), item(3, 2, 30)]
}

/// What to explore around a script.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) setup: Setup,
    pub(crate) warm: bool,
    pub(crate) cancelled: Option<usize>,
    pub(crate) bounds: Bounds,
}

impl Default for Scenario {
    fn default() -> Self {
        Self { setup: Setup::default(), warm: false, cancelled: None, bounds: bounds() }
    }
}

/// `THING_SCHEDULES` sets how many schedules of each scenario are played.
pub(crate) fn bounds() -> Bounds {
    let schedules = std::env::var("THING_SCHEDULES").ok().and_then(|value| value.parse().ok()).unwrap_or(250);
    Bounds { schedules, switches: if schedules < 5000 { 1 } else { 2 } }
}

impl Scenario {
    pub(crate) fn explore(self, script: Script) -> Report {
        explore(self.bounds, || {
            let stage = Stage::new(&self.setup, &items());
            let stage = if self.warm { stage.warm() } else { stage };
            let tasks = script(&stage);
            let remembered = self.cancelled.is_none();
            Run { tasks, cancelled: self.cancelled, check: Box::new(move || stage.judge_at_rest(remembered)) }
        })
    }
}

/// Explores cold and warm, with and without RETURNING, with and without entries in this process's memory.
#[track_caller]
fn assert_never_stale(script: Script) {
    let mut schedules = 0;
    for (warm, returning, peek) in [(false, true, true), (true, true, true), (true, false, true), (true, true, false)] {
        let setup = Setup { returning, peek, ..Setup::default() };
        let report = Scenario { setup, warm, ..Scenario::default() }.explore(script);
        schedules += report.schedules;
        if let Some((wrong, schedule)) = report.violation {
            panic!("warm {warm}, returning {returning}, peek {peek}: {wrong}\nschedule {schedule:?}");
        }
    }
    println!("{schedules} schedules");
}

/// As [`assert_never_stale`], while the first task goes away at any of its steps.
#[track_caller]
fn assert_never_stale_when_cancelled(script: Script) {
    let mut schedules = 0;
    for (warm, returning) in [(false, true), (true, true), (true, false)] {
        let setup = Setup { returning, ..Setup::default() };
        let scenario = Scenario { setup, warm, cancelled: Some(0), ..Scenario::default() };
        let report = scenario.explore(script);
        schedules += report.schedules;
        if let Some((wrong, schedule)) = report.violation {
            panic!("warm {warm}, returning {returning}: {wrong}\nschedule {schedule:?}");
        }
    }
    println!("{schedules} schedules");
}

pub(crate) fn reader(stage: &Stage, id: i64) -> Task {
    let stage = stage.clone();
    task(async move {
        stage.read(id).await;
        stage.read(id).await;
    })
}

pub(crate) fn lister(stage: &Stage, shelf: i32) -> Task {
    let stage = stage.clone();
    task(async move {
        stage.list(shelf).await;
        stage.list(shelf).await;
    })
}

fn counter(stage: &Stage, shelf: i32) -> Task {
    let stage = stage.clone();
    task(async move {
        stage.count(shelf).await;
        stage.count(shelf).await;
    })
}

fn over_all(stage: &Stage) -> Task {
    let stage = stage.clone();
    task(async move {
        stage.many().await;
        stage.many().await;
    })
}

/// Changes an item that was read before everything else, and reads it.
pub(crate) fn saver(stage: &Stage, id: i64, change: fn(&mut Item)) -> Task {
    let stage = stage.clone();
    let mut held = stage.before(id);
    task(async move {
        change(&mut held);
        // The row may be gone by now.
        let _ = held.save(&stage.db).await;
        stage.read(id).await;
    })
}

fn deleter(stage: &Stage, id: i64) -> Task {
    let stage = stage.clone();
    task(async move {
        stage.db.things::<Item>().delete(id).await.unwrap();
        stage.read(id).await;
        stage.list(1).await;
    })
}

fn creator(stage: &Stage, new: Item) -> Task {
    let stage = stage.clone();
    task(async move {
        let created = new.create(&stage.db).await.unwrap();
        stage.read(created.id).await;
        stage.list(created.shelf).await;
    })
}

#[test]
fn a_slow_fill_of_a_row_never_outlives_a_save() {
    assert_never_stale(|s| vec![reader(s, 1), saver(s, 1, |item| item.count = 11)]);
}

#[test]
fn a_slow_fill_of_a_list_never_outlives_a_move() {
    assert_never_stale(|s| vec![lister(s, 1), saver(s, 1, |item| item.shelf = 2)]);
    assert_never_stale(|s| vec![lister(s, 2), saver(s, 1, |item| item.shelf = 2)]);
    assert_never_stale(|s| vec![over_all(s), saver(s, 1, |item| item.count = 25)]);
}

#[test]
fn a_slow_fill_of_a_count_never_outlives_a_delete_or_an_insert() {
    assert_never_stale(|s| vec![counter(s, 1), deleter(s, 1)]);
    assert_never_stale(|s| vec![counter(s, 1), creator(s, item(0, 1, 5))]);
}

#[test]
fn a_known_absent_row_never_hides_an_insert() {
    assert_never_stale(|s| vec![reader(s, 4), creator(s, item(4, 1, 5))]);
    // The database makes the key: it is known after the write only.
    assert_never_stale(|s| vec![reader(s, 4), creator(s, item(0, 1, 5))]);
}

#[test]
fn an_id_used_again_never_shows_the_old_row() {
    assert_never_stale(|s| {
        let stage = s.clone();
        let writer = task(async move {
            stage.db.things::<Item>().delete(1).await.unwrap();
            item(1, 2, 99).create(&stage.db).await.unwrap();
            stage.read(1).await;
        });
        vec![reader(s, 1), writer]
    });
}

#[test]
fn two_writers_of_one_row_leave_the_truth() {
    assert_never_stale(|s| vec![saver(s, 1, |item| item.count = 11), saver(s, 1, |item| item.count = 12)]);
    assert_never_stale(|s| vec![saver(s, 1, |item| item.shelf = 2), saver(s, 1, |item| item.shelf = 3), reader(s, 1)]);
}

#[test]
fn a_row_that_moves_under_a_save_is_looked_at_again() {
    assert_never_stale(|s| vec![saver(s, 1, |item| item.shelf = 2), saver(s, 1, |item| item.count = 77), lister(s, 2)]);
    assert_never_stale(|s| vec![deleter(s, 1), saver(s, 1, |item| item.shelf = 2), lister(s, 2)]);
}

fn transaction(stage: &Stage, commit: bool) -> Task {
    let stage = stage.clone();
    task(async move {
        let transaction = stage.db.begin().await.unwrap();
        let mut one = Item::by_id(&transaction, 1).await.unwrap();
        one.count = 11;
        one.save(&transaction).await.unwrap();
        one.shelf = 2;
        one.save(&transaction).await.unwrap();
        transaction.things::<Item>().delete(2).await.unwrap();
        if commit {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        stage.read(1).await;
        stage.list(1).await;
    })
}

#[test]
fn a_commit_is_seen_at_once_and_never_before() {
    assert_never_stale(|s| vec![reader(s, 1), transaction(s, true)]);
    assert_never_stale(|s| vec![lister(s, 1), transaction(s, true)]);
    assert_never_stale(|s| vec![counter(s, 2), transaction(s, true)]);
}

#[test]
fn a_rollback_is_never_seen() {
    assert_never_stale(|s| vec![reader(s, 1), transaction(s, false)]);
    assert_never_stale(|s| vec![lister(s, 1), transaction(s, false), saver(s, 1, |item| item.count = 12)]);
}

#[test]
fn what_a_savepoint_undid_is_never_seen() {
    assert_never_stale(|s| {
        let stage = s.clone();
        let writer = task(async move {
            let outer = stage.db.begin().await.unwrap();
            let mut one = Item::by_id(&outer, 1).await.unwrap();
            let inner = outer.begin().await.unwrap();
            one.shelf = 2;
            one.save(&inner).await.unwrap();
            drop(inner);
            let mut two = Item::by_id(&outer, 2).await.unwrap();
            two.count = 21;
            two.save(&outer).await.unwrap();
            outer.commit().await.unwrap();
            stage.read(1).await;
            stage.read(2).await;
        });
        vec![lister(s, 1), writer]
    });
}

#[test]
fn who_joins_a_fill_is_not_answered_from_before_its_call() {
    assert_never_stale(|s| vec![reader(s, 1), reader(s, 1), saver(s, 1, |item| item.count = 11)]);
    assert_never_stale(|s| vec![lister(s, 1), lister(s, 1), deleter(s, 1)]);
    assert_never_stale(|s| vec![counter(s, 1), counter(s, 1), creator(s, item(0, 1, 5))]);
}

#[test]
fn processes_that_share_a_cache_share_the_truth() {
    assert_never_stale(|s| vec![reader(&s.elsewhere(), 1), reader(s, 1), saver(s, 1, |item| item.count = 11)]);
    assert_never_stale(|s| vec![lister(&s.elsewhere(), 1), saver(s, 1, |item| item.shelf = 2), lister(s, 1)]);
    assert_never_stale(|s| {
        vec![saver(&s.elsewhere(), 1, |item| item.shelf = 2), saver(s, 1, |item| item.count = 11), lister(s, 2)]
    });
}

#[test]
fn many_rows_at_once_are_as_true_as_one() {
    assert_never_stale(|s| {
        let stage = s.clone();
        let creator = task(async move {
            stage.db.things::<Item>().create_many([item(0, 1, 5), item(0, 2, 6)]).await.unwrap();
            stage.count(1).await;
            stage.count(2).await;
        });
        vec![counter(s, 1), creator]
    });
    assert_never_stale(|s| {
        let stage = s.clone();
        let mut held = [stage.before(1), stage.before(2)];
        let saver = task(async move {
            held.iter_mut().for_each(|item| item.shelf = 2);
            stage.db.things::<Item>().save_many(&mut held).await.unwrap();
            stage.list(2).await;
        });
        vec![lister(s, 1), saver, reader(s, 2)]
    });
}

#[test]
fn a_writer_may_go_away_at_any_step() {
    assert_never_stale_when_cancelled(|s| vec![saver(s, 1, |item| item.shelf = 2), reader(s, 1), lister(s, 1)]);
    assert_never_stale_when_cancelled(|s| vec![creator(s, item(4, 1, 5)), reader(s, 4), counter(s, 1)]);
    assert_never_stale_when_cancelled(|s| vec![deleter(s, 1), reader(s, 1), lister(s, 1)]);
}

#[test]
fn a_transaction_may_go_away_at_any_step() {
    assert_never_stale_when_cancelled(|s| vec![transaction(s, true), reader(s, 1), lister(s, 1)]);
}

#[test]
fn a_reader_may_go_away_at_any_step_and_others_take_over() {
    assert_never_stale_when_cancelled(|s| vec![reader(s, 1), reader(s, 1), saver(s, 1, |item| item.count = 11)]);
    assert_never_stale_when_cancelled(|s| vec![lister(s, 1), lister(s, 1), saver(s, 1, |item| item.shelf = 2)]);
    assert_never_stale_when_cancelled(|s| vec![counter(s, 1), counter(s, 1)]);
}
