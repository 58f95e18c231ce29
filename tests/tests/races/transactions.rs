//! What goes on inside one transaction: statements given up, statements at the same time, savepoints that end late.

use std::rc::Rc;

use thing::{Model, Result};

use crate::explorer::{Bounds, Run, Task, explore};
use crate::interleavings::{bounds, items, lister, task};
use crate::stage::{Item, Setup, Stage, item};

/// Polls a future so many times and drops it.
async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[track_caller]
fn assert_never_stale(what: &str, writer: impl Fn(Stage) -> Vec<Task>) {
    let report = explore(Bounds { schedules: bounds().schedules / 4, ..bounds() }, || {
        let stage = Stage::new(&Setup::default(), &items()).warm();
        let mut tasks = writer(stage.clone());
        tasks.push(lister(&stage, 1));
        Run { tasks, cancelled: None, check: Box::new(move || stage.judge_at_rest(true)) }
    });
    if let Some((wrong, schedule)) = report.violation {
        panic!("{what}: {wrong}\nschedule {schedule:?}");
    }
}

#[test]
fn a_statement_given_up_in_a_transaction_that_commits_is_seen() {
    // The statement may have run: what it touched is part of the commit.
    for polls in 0..12 {
        assert_never_stale(&format!("given up after {polls} steps"), |stage| {
            vec![task(async move {
                let transaction = stage.db.begin().await.unwrap();
                let mut one = Item::by_id(&transaction, 1).await.unwrap();
                one.shelf = 2;
                give_up_after(polls, one.save(&transaction)).await;
                let _ = give_up_after(polls, item(4, 1, 5).create(&transaction)).await;
                let _ = give_up_after(polls, transaction.things::<Item>().delete(2)).await;
                transaction.commit().await.unwrap();
                stage.read(1).await;
                stage.list(1).await;
            })]
        });
    }
}

#[test]
fn what_was_undone_stays_undone_when_the_next_statement_is_given_up() {
    for polls in 0..6 {
        assert_never_stale(&format!("given up after {polls} steps"), |stage| {
            vec![task(async move {
                let before = stage.database.now();
                let outer = stage.db.begin().await.unwrap();
                let inner = outer.begin().await.unwrap();
                let mut one = Item::by_id(&inner, 1).await.unwrap();
                one.shelf = 2;
                one.save(&inner).await.unwrap();
                drop(inner);
                give_up_after(polls, outer.things::<Item>().count()).await;
                if outer.commit().await.is_ok() {
                    assert_eq!(stage.database.now(), before, "the inner transaction was dropped");
                }
                stage.list(1).await;
            })]
        });
    }
}

#[test]
fn two_saves_of_one_row_at_the_same_time_are_both_seen() {
    let save = |stage: &Stage, transaction: &Rc<thing::Transaction>, change: fn(&mut Item)| {
        let mut held = stage.before(1);
        let transaction = transaction.clone();
        async move {
            change(&mut held);
            held.save(&*transaction).await
        }
    };
    assert_never_stale("at the same time", |stage| {
        vec![task(async move {
            // A list of which each save alone is no part, and both together are.
            let both = || async { Item::filter(&stage.db, Item::SHELF.eq(2) & Item::COUNT.ge(100)).count().await };
            assert_eq!(both().await.unwrap(), 0);
            let transaction = Rc::new(stage.db.begin().await.unwrap());
            let one = save(&stage, &transaction, |item| item.shelf = 2);
            let two = save(&stage, &transaction, |item| item.count = 100);
            let saved: (Result<()>, Result<()>) = futures_util::future::join(one, two).await;
            saved.0.and(saved.1).unwrap();
            Rc::into_inner(transaction).expect("the saves have ended").commit().await.unwrap();
            assert_eq!(both().await.unwrap(), 1);
            stage.read(1).await;
        })]
    });
}

#[test]
fn a_savepoint_that_ends_late_takes_nothing_with_it() {
    assert_never_stale("ends late", |stage| {
        vec![task(async move {
            let outer = stage.db.begin().await.unwrap();
            let inner = outer.begin().await.unwrap();
            let innermost = inner.begin().await.unwrap();
            drop(inner);
            let mut one = Item::by_id(&outer, 1).await.unwrap();
            one.shelf = 2;
            one.save(&outer).await.unwrap();
            let again = outer.begin().await.unwrap();
            let within = again.begin().await.unwrap();
            assert!(innermost.things::<Item>().delete(2).await.is_err(), "what it was part of is over");
            drop(innermost);
            within.things::<Item>().delete(2).await.unwrap();
            within.commit().await.unwrap();
            again.commit().await.unwrap();
            outer.commit().await.unwrap();
            stage.list(1).await;
            stage.list(2).await;
            assert!(Item::find(&stage.db, 2).await.unwrap().is_none());
        })]
    });
}
