//! A write alone that met another: it is tried again, and its caller is told when that does not help.

use std::sync::Arc;

use thing::driver::Error;
use thing::{Db, ErrorKind, Model, Result};
use thing_conformance::recording::{Matcher, RecordingExecutor, When};

use crate::support::{Stack, User, user};

matrix! {
    every: [
        a_write_is_tried_again_after_a_conflict,
        a_write_that_meets_others_again_and_again_is_refused,
        a_statement_of_a_transaction_is_not_tried_again,
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

fn conflict() -> Error {
    Error::new(ErrorKind::Conflict, "the write met another")
}

async fn a_write_is_tried_again_after_a_conflict(stack: &Stack) -> Result<()> {
    let (db, recording) = users(stack).await?;
    let meet_others = || (0..3).for_each(|_| recording.fail_next(Matcher::writes(), conflict(), When::Before));
    let mut one = User::by_id(&db, 1).await?;
    meet_others();
    one.name = "Once".into();
    one.save(&db).await?;
    assert_eq!(db.things::<User>().by_id_uncached(1).await?.name, "Once");
    assert_eq!(User::by_id(&db, 1).await?.name, "Once");
    meet_others();
    let four = db.things::<User>().create(user(4)).await?;
    assert_eq!(User::by_id(&db, four.id).await?, four);
    meet_others();
    four.delete(&db).await?;
    assert_eq!(db.things::<User>().count().await?, 3);
    recording.fail_next(Matcher::writes(), conflict(), When::Before);
    assert_eq!(db.things::<User>().create_many((5..=6).map(user)).await?.len(), 2);
    assert_eq!(db.things::<User>().count().await?, 5);
    Ok(())
}

async fn a_write_that_meets_others_again_and_again_is_refused(stack: &Stack) -> Result<()> {
    let (db, recording) = users(stack).await?;
    let mut one = User::by_id(&db, 1).await?;
    one.name = "Never".into();
    recording.fail_all(Matcher::writes(), conflict(), When::Before);
    let error = one.save(&db).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict, "{error}");
    recording.clear_faults();
    assert_ne!(User::by_id(&db, 1).await?.name, "Never");
    one.save(&db).await?;
    assert_eq!(User::by_id(&db, 1).await?.name, "Never");
    Ok(())
}

async fn a_statement_of_a_transaction_is_not_tried_again(stack: &Stack) -> Result<()> {
    let (db, recording) = users(stack).await?;
    let transaction = db.begin().await?;
    recording.fail_next(Matcher::writes(), conflict(), When::Before);
    let error = db_error(transaction.things::<User>().create(user(4)).await);
    assert_eq!(*error.kind(), ErrorKind::Conflict, "{error}");
    transaction.rollback().await?;
    assert_eq!(db.things::<User>().count().await?, 3);
    Ok(())
}

fn db_error<T>(result: Result<T>) -> Error {
    result.err().expect("the statement is refused")
}
