//! Sessions and transactions at their edges.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use thing::{Error, ErrorKind, Model, Result, Session, TransactionOptions};

use super::{Note, note, notes};
use crate::support::Stack;

matrix! {
    every: [
        one_function_serves_both_kinds_of_session,
        a_closure_commits_with_ok_and_rolls_back_with_an_error_a_panic_or_its_end,
        savepoints_nest_and_undo_their_own_work_only,
        a_transaction_refuses_statements_while_one_within_it_is_open,
        transactions_dropped_in_whatever_order_leave_the_outer_one_usable,
        a_read_only_transaction_refuses_writes_and_reads_one_state,
        a_failed_statement_ends_its_transaction_or_leaves_it_as_it_was,
        a_failed_statement_in_a_nested_transaction_leaves_the_outer_one_usable,
    ]
}

async fn rename(session: &dyn Session, id: i64, title: &str) -> Result<()> {
    let mut found = session.things::<Note>().by_id(id).await?;
    found.title = title.into();
    found.save(session).await
}

async fn one_function_serves_both_kinds_of_session(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    rename(&db, 1, "on the database").await?;
    let transaction = db.begin().await?;
    rename(&transaction, 2, "in a transaction").await?;
    transaction.commit().await?;
    assert_eq!(Note::by_id(&db, 1).await?.title, "on the database");
    assert_eq!(Note::by_id(&db, 2).await?.title, "in a transaction");
    Ok(())
}

async fn a_closure_commits_with_ok_and_rolls_back_with_an_error_a_panic_or_its_end(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    for _ in 0..2 {
        db.things::<Note>().all().await?;
    }
    db.transaction(async |transaction| rename(transaction, 1, "committed").await).await?;
    assert_eq!(Note::by_id(&db, 1).await?.title, "committed");

    let failed: Result<()> = db
        .transaction(async |transaction| {
            rename(transaction, 1, "undone").await?;
            Err(Error::invalid_input("the body says no"))
        })
        .await;
    assert_eq!(failed.unwrap_err().message(), "the body says no");
    assert_eq!(Note::by_id(&db, 1).await?.title, "committed");

    let panicking = db.transaction(async |transaction| -> Result<()> {
        rename(transaction, 1, "undone").await?;
        panic!("the body panics")
    });
    assert!(AssertUnwindSafe(panicking).catch_unwind().await.is_err());
    assert_eq!(Note::by_id(&db, 1).await?.title, "committed");

    let forever = db.transaction(async |transaction| -> Result<()> {
        rename(transaction, 1, "undone").await?;
        std::future::pending().await
    });
    {
        let mut forever = Box::pin(forever);
        for _ in 0..100 {
            assert!((&mut forever).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(Note::by_id(&db, 1).await?.title, "committed");
    assert_eq!(db.things::<Note>().by_id_uncached(1).await?.title, "committed");
    Ok(())
}

async fn savepoints_nest_and_undo_their_own_work_only(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let outer = db.begin().await?;
    rename(&outer, 1, "outer").await?;
    let inner = outer.begin().await?;
    rename(&inner, 2, "inner").await?;
    let innermost = inner.begin().await?;
    rename(&innermost, 3, "innermost").await?;
    innermost.rollback().await?;
    assert_eq!(Note::by_id(&inner, 3).await?.title, "a\\b");
    inner.commit().await?;
    let dropped = outer.begin().await?;
    rename(&dropped, 4, "dropped").await?;
    drop(dropped);
    outer.commit().await?;
    for _ in 0..2 {
        let titles: Vec<_> = db.things::<Note>().all().await?.iter().map(|note| note.title.clone()).collect();
        assert_eq!(titles[..4], ["outer", "inner", "a\\b", "A b"]);
    }
    Ok(())
}

async fn a_transaction_refuses_statements_while_one_within_it_is_open(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let outer = db.begin().await?;
    let inner = outer.begin().await?;
    for refused in [
        Note::by_id(&outer, 1).await.map(drop),
        outer.things::<Note>().count().await.map(drop),
        rename(&outer, 1, "no").await,
        outer.begin().await.map(drop),
        outer.raw("SELECT 1").rows::<i64>().await.map(drop),
    ] {
        assert_eq!(*refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    rename(&inner, 1, "yes").await?;
    inner.commit().await?;
    rename(&outer, 2, "too").await?;
    outer.commit().await?;
    assert_eq!(Note::by_id(&db, 1).await?.title, "yes");
    assert_eq!(Note::by_id(&db, 2).await?.title, "too");
    Ok(())
}

async fn transactions_dropped_in_whatever_order_leave_the_outer_one_usable(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let outer = db.begin().await?;
    rename(&outer, 1, "outer").await?;
    let inner = outer.begin().await?;
    let innermost = inner.begin().await?;
    rename(&innermost, 2, "innermost").await?;
    drop(inner);
    assert!(rename(&innermost, 3, "late").await.is_err(), "what it was part of is over");
    drop(innermost);
    rename(&outer, 3, "outer too").await?;
    outer.commit().await?;
    let titles: Vec<_> = db.things::<Note>().all().await?.iter().map(|note| note.title.clone()).collect();
    assert_eq!(titles[..3], ["outer", "a_b", "outer too"]);
    Ok(())
}

async fn a_read_only_transaction_refuses_writes_and_reads_one_state(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let transaction = db.begin_with(&TransactionOptions::default().read_only(true)).await?;
    let refused = note(1, "no").create(&transaction).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::ReadOnly, "{refused}");
    transaction.rollback().await?;
    let transaction = db.begin_with(&TransactionOptions::default().read_only(true)).await?;
    assert_eq!(transaction.things::<Note>().count().await?, 6);
    assert_eq!(Note::by_id(&transaction, 1).await?.title, "a%b");
    transaction.commit().await?;
    assert_eq!(db.things::<Note>().count().await?, 6);
    Ok(())
}

async fn a_failed_statement_ends_its_transaction_or_leaves_it_as_it_was(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let titles = async || -> Result<Vec<String>> {
        let all = db.things::<Note>().all().await?;
        Ok(all.iter().take(3).map(|note| note.title.clone()).collect())
    };
    let before = titles().await?;
    let transaction = db.begin().await?;
    rename(&transaction, 1, "first").await?;
    assert!(rename(&transaction, 2, "first").await.unwrap_err().is_unique_violation());
    // Which of the two is the database's rule.
    match rename(&transaction, 3, "third").await {
        Ok(()) => {
            assert!(transaction.things::<Note>().delete(99).await.unwrap_err().is_not_found());
            transaction.commit().await?;
            assert_eq!(titles().await?, ["first", "a_b", "third"]);
        }
        Err(error) => {
            assert_eq!(*error.kind(), ErrorKind::Conflict, "{error}");
            let error = transaction.commit().await.unwrap_err();
            assert!(!error.may_have_executed(), "{error}");
            assert_eq!(titles().await?, before);
        }
    }
    assert_eq!(
        titles().await?,
        db.things::<Note>()
            .all_objects()
            .uncached()
            .all()
            .await?
            .iter()
            .take(3)
            .map(|note| note.title.clone())
            .collect::<Vec<_>>()
    );
    Ok(())
}

async fn a_failed_statement_in_a_nested_transaction_leaves_the_outer_one_usable(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    db.things::<Note>().all().await?;
    let transaction = db.begin().await?;
    rename(&transaction, 1, "first").await?;
    let inner = transaction.begin().await?;
    rename(&inner, 4, "undone").await?;
    assert!(rename(&inner, 2, "first").await.unwrap_err().is_unique_violation());
    inner.rollback().await?;
    assert!(transaction.things::<Note>().delete(99).await.unwrap_err().is_not_found());
    let new = [note(1, "new"), note(1, "first")];
    assert!(transaction.things::<Note>().create_many(new).await.unwrap_err().is_unique_violation());
    rename(&transaction, 3, "third").await?;
    transaction.commit().await?;
    for _ in 0..2 {
        let titles: Vec<_> = db.things::<Note>().all().await?.iter().map(|note| note.title.clone()).collect();
        assert_eq!(titles, ["first", "a_b", "third", "A b", "Ünïcödé", "😀 tail"]);
    }
    Ok(())
}
