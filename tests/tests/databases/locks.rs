//! Locks of rows: others pass over them, or are told at once.

use thing::driver::Capability;
use thing::{Db, ErrorKind, Loaded, Model, Result, Transaction};

use crate::support::Stack;

matrix! {
    every: [
        locked_rows_are_passed_over,
        locked_rows_are_told_at_once,
        a_locked_object_is_read_and_written,
        locks_are_for_transactions,
        locks_are_for_objects,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Job {
    id: i64,
    #[thing(index)]
    queue: i64,
    done: bool,
}

async fn jobs(stack: &Stack) -> Result<Db> {
    let db = stack.db::<Job>().await;
    db.things::<Job>().create_many([1, 1, 1].map(|queue| NewJob { queue, done: false })).await?;
    Ok(db)
}

fn passes_over(db: &Db) -> bool {
    db.executor().capabilities().has(Capability::SkipLocked)
}

/// The next job that nobody has.
async fn next(transaction: &Transaction) -> Result<Option<Loaded<Job>>> {
    transaction.things::<Job>().filter(Job::DONE.eq(false)).skip_locked().first().await
}

async fn locked_rows_are_passed_over(stack: &Stack) -> Result<()> {
    let db = jobs(stack).await?;
    assert_eq!(stack.has_row_locks(), passes_over(&db));
    let one = db.begin().await?;
    if !passes_over(&db) {
        let error = next(&one).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
        return one.rollback().await;
    }
    let mut first = next(&one).await?.unwrap();
    let other = db.begin().await?;
    let second = next(&other).await?.unwrap();
    assert_ne!(first.id, second.id);
    first.done = true;
    first.save(&one).await?;
    one.commit().await?;
    other.rollback().await?;
    assert_eq!(Job::filter(&db, Job::DONE.eq(false)).count().await?, 2);
    Ok(())
}

async fn locked_rows_are_told_at_once(stack: &Stack) -> Result<()> {
    let db = jobs(stack).await?;
    if !passes_over(&db) {
        return Ok(());
    }
    let one = db.begin().await?;
    assert_eq!(one.things::<Job>().by_id_for_update(1).await?.id, 1);
    let other = db.begin().await?;
    let error = other.things::<Job>().filter(Job::ID.eq(1)).no_wait().all().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Busy, "{error}");
    other.rollback().await?;
    // Readers don't wait.
    assert!(!Job::by_id(&db, 1).await?.done);
    one.rollback().await?;
    let other = db.begin().await?;
    assert_eq!(other.things::<Job>().filter(Job::ID.eq(1)).no_wait().all().await?.len(), 1);
    other.rollback().await
}

async fn a_locked_object_is_read_and_written(stack: &Stack) -> Result<()> {
    let db = jobs(stack).await?;
    assert_eq!(Job::filter(&db, Job::DONE.eq(true)).count().await?, 0);
    let transaction = db.begin().await?;
    let mut job = transaction.things::<Job>().by_id_for_update(2).await?;
    job.done = true;
    job.save(&transaction).await?;
    assert_eq!(transaction.things::<Job>().filter(Job::QUEUE.eq(1)).for_update().fetch(0, 2).await?.len(), 2);
    assert!(transaction.things::<Job>().by_id_for_update(9).await.unwrap_err().is_not_found());
    transaction.commit().await?;
    assert_eq!(Job::filter(&db, Job::DONE.eq(true)).count().await?, 1);
    Ok(())
}

async fn locks_are_for_transactions(stack: &Stack) -> Result<()> {
    let db = jobs(stack).await?;
    let query = || Job::filter(&db, Job::QUEUE.eq(1));
    for query in [query().for_update(), query().skip_locked(), query().no_wait()] {
        let error = query.all().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(*db.things::<Job>().by_id_for_update(1).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    Ok(())
}

async fn locks_are_for_objects(stack: &Stack) -> Result<()> {
    let db = jobs(stack).await?;
    let transaction = db.begin().await?;
    let query = || transaction.things::<Job>().filter(Job::QUEUE.eq(1)).for_update();
    assert_eq!(*query().count().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(*query().exists().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(*query().pluck(Job::ID).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    transaction.rollback().await
}
