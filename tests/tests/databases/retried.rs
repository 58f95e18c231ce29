//! Transactions that are run again: after they met another, so often and no oftener.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use thing::driver::Error;
use thing::{Db, ErrorKind, Model, Result, Retry};
use thing_conformance::recording::{Matcher, RecordingExecutor, When};
use tokio::sync::Barrier;

use crate::support::{Stack, User, user};

matrix! {
    every: [
        a_transaction_that_met_another_is_run_again,
        it_is_run_so_often_and_no_oftener,
        what_can_not_be_retried_is_not,
        an_unknown_outcome_is_not_retried,
        transactions_that_wait_for_each_other_both_come_through,
        an_object_that_is_saved_again_still_has_its_changes,
    ]
}

async fn users(stack: &Stack) -> Result<(Db, Arc<RecordingExecutor>)> {
    let recording = RecordingExecutor::new(stack.executor().await);
    let db = stack.over(recording.clone()).await.build();
    db.sync::<User>().await?;
    db.things::<User>().create_many((1..=3).map(user)).await?;
    recording.reset();
    Ok((db, recording))
}

fn retry() -> Retry {
    Retry::default().first_pause(Duration::from_millis(1))
}

fn conflict() -> Error {
    Error::new(ErrorKind::Conflict, "the write met another")
}

async fn a_transaction_that_met_another_is_run_again(stack: &Stack) -> Result<()> {
    let (db, recording) = users(stack).await?;
    for _ in 0..2 {
        recording.fail_next(Matcher::writes(), conflict(), When::Before);
    }
    let runs = AtomicU32::new(0);
    let made = db
        .retry_transaction(retry(), async |transaction| {
            runs.fetch_add(1, Ordering::SeqCst);
            transaction.things::<User>().create(user(4)).await
        })
        .await?;
    assert_eq!((runs.into_inner(), User::by_id(&db, made.id).await?.name.as_str()), (3, "User 4"));
    assert_eq!(db.things::<User>().count().await?, 4);
    Ok(())
}

async fn it_is_run_so_often_and_no_oftener(stack: &Stack) -> Result<()> {
    let (db, recording) = users(stack).await?;
    recording.fail_all(Matcher::writes(), conflict(), When::Before);
    let runs = AtomicU32::new(0);
    let never = db
        .retry_transaction(retry().attempts(4), async |transaction| {
            runs.fetch_add(1, Ordering::SeqCst);
            transaction.things::<User>().create(user(4)).await.map(drop)
        })
        .await;
    let error = never.unwrap_err();
    assert_eq!((runs.into_inner(), error.kind()), (4, &ErrorKind::Conflict), "{error}");
    assert!(error.to_string().contains("attempt 4"), "{error}");
    recording.clear_faults();
    assert_eq!(db.things::<User>().count().await?, 3);
    Ok(())
}

async fn what_can_not_be_retried_is_not(stack: &Stack) -> Result<()> {
    let (db, _) = users(stack).await?;
    let runs = AtomicU32::new(0);
    let taken = db
        .retry_transaction(retry(), async |transaction| {
            runs.fetch_add(1, Ordering::SeqCst);
            transaction.things::<User>().create(user(1)).await.map(drop)
        })
        .await;
    assert!(taken.unwrap_err().is_unique_violation());
    let own = db
        .retry_transaction(retry(), async |transaction| {
            runs.fetch_add(1, Ordering::SeqCst);
            transaction.things::<User>().create(user(5)).await?;
            Err::<(), _>(Error::invalid_input("not so"))
        })
        .await;
    assert_eq!(*own.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!((runs.into_inner(), db.things::<User>().count().await?), (2, 3));
    Ok(())
}

async fn an_unknown_outcome_is_not_retried(stack: &Stack) -> Result<()> {
    let (db, recording) = users(stack).await?;
    let lost = ErrorKind::ConnectionLost { may_have_executed: true };
    recording.fail_next(Matcher::writes(), Error::new(lost, "the connection broke"), When::Before);
    let runs = AtomicU32::new(0);
    let unknown = db
        .retry_transaction(retry(), async |transaction| {
            runs.fetch_add(1, Ordering::SeqCst);
            transaction.things::<User>().create(user(4)).await.map(drop)
        })
        .await;
    assert!(unknown.unwrap_err().may_have_executed());
    assert_eq!(runs.into_inner(), 1);
    Ok(())
}

/// Where several can write at one time, each locks the row that the other wants: a deadlock.
async fn transactions_that_wait_for_each_other_both_come_through(stack: &Stack) -> Result<()> {
    let (db, _) = users(stack).await?;
    let runs = Arc::new(AtomicU32::new(0));
    let met = stack.has_row_locks().then(|| Arc::new(Barrier::new(2)));
    let work = |first: i64, second: i64| {
        let (db, runs, met) = (db.clone(), runs.clone(), met.clone());
        tokio::spawn(async move {
            db.retry_transaction(retry(), async |transaction| {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                let users = transaction.things::<User>();
                users.increment(first, User::AGE.plus(1)).await?;
                if let Some(met) = met.as_ref().filter(|_| run < 2) {
                    met.wait().await;
                }
                users.increment(second, User::AGE.plus(1)).await.map(drop)
            })
            .await
        })
    };
    let both = [work(1, 2), work(2, 1)];
    for one in both {
        one.await.unwrap()?;
    }
    assert_eq!((User::by_id(&db, 1).await?.age, User::by_id(&db, 2).await?.age), (21, 22));
    assert_eq!(runs.load(Ordering::SeqCst) > 2, met.is_some(), "a deadlock, where rows are locked one by one");
    Ok(())
}

async fn an_object_that_is_saved_again_still_has_its_changes(stack: &Stack) -> Result<()> {
    let (db, recording) = users(stack).await?;
    let mut one = User::by_id(&db, 1).await?;
    one.name = "Again".into();
    let runs = AtomicU32::new(0);
    let saved = db.retry_transaction(retry(), async |transaction| {
        let mut one = one.clone();
        one.save(transaction).await?;
        if runs.fetch_add(1, Ordering::SeqCst) == 0 {
            recording.fail_next(Matcher::writes(), conflict(), When::Before);
        }
        transaction.things::<User>().create(user(4)).await?;
        Ok(one)
    });
    let saved = saved.await?;
    assert_eq!((runs.into_inner(), saved.is_changed()), (2, false));
    assert_eq!(User::by_id(&db, 1).await?.name, "Again");
    Ok(())
}
