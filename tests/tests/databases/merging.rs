//! Lookups by key that arrive together share statements; one that is alone waits for nobody.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use thing::driver::Executor;
use thing::{Db, Error, ErrorKind, Loaded, Model, Result};
use thing_conformance::recording::{Matcher, RecordingExecutor, When};
use tokio::task::JoinHandle;

use crate::support::{Cache, Stack, User, user};

matrix! {
    every: [
        an_error_reaches_every_caller,
        an_undecodable_row_fails_its_own_lookup_only,
        callers_that_go_away_take_nobody_with_them,
        lookups_that_nobody_polls_hold_up_nobody,
    ]
    one_thread: [
        a_lone_caller_sends_its_statement_at_once,
        callers_at_the_same_time_share_a_few_statements,
    ]
}

const USERS: i64 = 64;

/// A database of users that are in no cache, and what is sent to it.
async fn recorded(stack: &Stack) -> Result<(Db, Arc<RecordingExecutor>)> {
    let recording = RecordingExecutor::new(stack.executor().await);
    let db = stack.over(recording.clone()).await.build();
    db.sync::<User>().await?;
    db.things::<User>().create_many((1..=USERS).map(user)).await?;
    recording.reset();
    Ok((db, recording))
}

type Lookup<M> = JoinHandle<Result<Loaded<M>>>;

fn lookup<M: Model<Key = i64>>(db: &Db, id: i64) -> Lookup<M> {
    let db = db.clone();
    tokio::spawn(async move { db.things::<M>().by_id(id).await })
}

async fn callers_at_the_same_time_share_a_few_statements(stack: &Stack) -> Result<()> {
    let (db, recording) = recorded(stack).await?;
    // The first statement is held until the others have come: a database in this process may answer before that.
    let gate = recording.gate(Matcher::reads(), When::Before);
    let lookups: Vec<Lookup<User>> = (1..=USERS).map(|id| lookup(&db, id)).collect();
    gate.reached().await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    gate.open();
    for (id, lookup) in (1..).zip(lookups) {
        assert_eq!(lookup.await.unwrap()?.name, format!("User {id}"));
    }
    // The answers of a cache outside the process come in one by one.
    let most = if matches!(stack.cache(), Cache::Redis | Cache::Tiered) { 32 } else { 8 };
    assert!(recording.statements() <= most, "{} statements for {USERS} lookups", recording.statements());
    Ok(())
}

async fn a_lone_caller_sends_its_statement_at_once(stack: &Stack) -> Result<()> {
    let (db, recording) = recorded(stack).await?;
    if matches!(stack.cache(), Cache::Redis | Cache::Tiered) {
        // The statement is sent when the cache has answered.
        return Ok(());
    }
    let mut at_once = 0;
    for id in 1..=USERS {
        recording.reset();
        let mut found = pin!(db.things::<User>().by_id(id));
        let polled = found.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        at_once += recording.statements();
        let found = match polled {
            std::task::Poll::Ready(found) => found?,
            std::task::Poll::Pending => found.await?,
        };
        assert_eq!(found.name, format!("User {id}"));
        assert_eq!(recording.statements(), 1);
    }
    // Now and then one looks whether there is company.
    assert!(at_once >= 60, "only {at_once} of {USERS} statements were sent in the first poll");
    Ok(())
}

async fn an_error_reaches_every_caller(stack: &Stack) -> Result<()> {
    let (db, recording) = recorded(stack).await?;
    recording.fail_all(Matcher::reads_of("users"), Error::backend("the line is cut"), When::Before);
    let lookups: Vec<Lookup<User>> = (0..200).map(|n| lookup(&db, n % USERS + 1)).collect();
    for lookup in lookups {
        let error = lookup.await.unwrap().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Backend, "{error}");
        assert!(error.to_string().contains("the line is cut"), "{error}");
    }
    recording.clear_faults();
    let lookups: Vec<Lookup<User>> = (1..=USERS).map(|id| lookup(&db, id)).collect();
    for (id, lookup) in (1..).zip(lookups) {
        assert_eq!(lookup.await.unwrap()?.id, id, "a failure is not remembered");
    }
    Ok(())
}

async fn callers_that_go_away_take_nobody_with_them(stack: &Stack) -> Result<()> {
    let (db, recording) = recorded(stack).await?;
    // The first statement is held, so that the others find company; then their statements are held, too.
    let gates: Vec<_> = (0..USERS).map(|_| recording.gate(Matcher::reads_of("users"), When::Before)).collect();
    let mut lookups: Vec<(i64, Lookup<User>)> = vec![(1, lookup(&db, 1))];
    gates[0].reached().await;
    lookups.extend((2..=USERS).map(|id| (id, lookup(&db, id))));
    gates[1].reached().await;
    // Leaders and followers: whoever it is, the others go on.
    for (_, lookup) in lookups.iter().filter(|(id, _)| id % 3 != 0) {
        lookup.abort();
    }
    gates.iter().for_each(|gate| gate.open());
    for (id, lookup) in lookups {
        match lookup.await {
            Ok(found) => assert_eq!(found?.id, id),
            Err(gone) => assert!(gone.is_cancelled() && id % 3 != 0),
        }
    }
    assert_eq!(User::by_id(&db, 1).await?.id, 1, "nothing is left behind");
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "levels")]
struct Wide {
    id: i64,
    level: i64,
}

/// Another model of the table, which can't hold all of it.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "levels")]
struct Narrow {
    id: i64,
    level: u32,
}

async fn an_undecodable_row_fails_its_own_lookup_only(stack: &Stack) -> Result<()> {
    let executor = stack.executor().await;
    let plain = Db::builder(executor.clone()).build();
    plain.sync::<Wide>().await?;
    let level = |id| if id % 20 == 7 { -1 } else { id };
    plain.things::<Wide>().create_many((1..=USERS).map(|id| Wide { id: 0, level: level(id) })).await?;
    let db = stack.over(executor as Arc<dyn Executor>).await.build();
    for _ in 0..2 {
        let lookups: Vec<Lookup<Narrow>> = (1..=USERS).map(|id| lookup(&db, id)).collect();
        for (id, lookup) in (1..=USERS).zip(lookups) {
            let found = lookup.await.unwrap();
            if level(id) < 0 {
                let error = found.unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{id}: {error}");
                assert!(error.to_string().contains(&format!("Narrow {id}")), "{error}");
            } else {
                assert_eq!(i64::from(found?.level), id);
            }
        }
    }
    assert_eq!(db.things::<Narrow>().by_ids([1, 2, 3, 1000]).await?.len(), 3);
    let error = db.things::<Narrow>().by_ids([1, 7, 8]).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{error}");
    Ok(())
}

/// As those that a `buffer_unordered` holds while its consumer awaits something else.
async fn lookups_that_nobody_polls_hold_up_nobody(stack: &Stack) -> Result<()> {
    let (db, recording) = recorded(stack).await?;
    let users = db.things::<User>();
    let gates: Vec<_> = (1..=4).map(|_| recording.gate(Matcher::reads(), When::Before)).collect();
    let mut left: Vec<LocalBoxFuture<'_, Result<Loaded<User>>>> = Vec::new();
    for id in 1..=4 {
        left.push(Box::pin(users.by_id(id)));
        // Until it has come as far as it comes.
        for _ in 0..20 {
            assert!(futures_util::poll!(&mut left[id as usize - 1]).is_pending());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    // It has company, so it lets others join.
    left.push(Box::pin(users.by_id(5)));
    assert!(futures_util::poll!(&mut left[4]).is_pending());
    gates.iter().for_each(|gate| gate.open());
    for id in (1..=6).rev() {
        let found = tokio::time::timeout(Duration::from_secs(30), users.by_id(id)).await;
        assert_eq!(found.unwrap_or_else(|_| panic!("lookup {id} hangs"))?.name, format!("User {id}"));
    }
    let all = async { users.filter(User::AGE.ge(0)).count().await };
    let (mut first, gate) = (Box::pin(all), recording.gate(Matcher::reads(), When::Before));
    for _ in 0..20 {
        assert!(futures_util::poll!(&mut first).is_pending());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    gate.open();
    let counted = tokio::time::timeout(Duration::from_secs(30), users.filter(User::AGE.ge(0)).count()).await;
    assert_eq!(counted.expect("the count hangs")?, USERS as u64);
    // Those who were left alone go on.
    for (id, lookup) in (1..).zip(left) {
        assert_eq!(lookup.await?.name, format!("User {id}"));
    }
    assert_eq!(first.await?, USERS as u64);
    Ok(())
}
