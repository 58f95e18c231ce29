//! Drops: after a future was dropped at any of its polls, no connection is in a transaction or holds rows of others.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::{Place, Rows, Users, poll_times, query};
use thing_driver_api::{Executor, Key, NoRows, Shape, Statement, TransactionOptions, Value};

/// Runs `attempt` with 0, 1, 2, ... polls until it completes, and looks at the executor in between.
async fn at_every_poll(place: &Place, mut attempt: impl AsyncFnMut(usize) -> bool) {
    for polls in 0..300 {
        let completed = attempt(polls).await;
        // With two connections, those that were in use are soon used again.
        for n in 0..4_i64 {
            let text = "SELECT $1::int8, pg_current_xact_id_if_assigned() IS NULL";
            let seen = query(&place.executor, text, &[Value::I64(n)]).await.unwrap();
            assert_eq!(seen.rows, [[Value::I64(n), Value::Bool(true)]], "after {polls} polls");
        }
        if completed {
            return;
        }
    }
    panic!("the operation did not complete");
}

async fn place() -> (Place, Users) {
    let place = Place::with(|config| config.max_connections(2).application_name("drops")).await;
    let users = Users::create(&place.executor).await;
    (place, users)
}

/// The locks that sessions hold in a schema.
const LOCKS: &str = "SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid \
                     JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
                     WHERE n.nspname = $1";

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..1500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} in vain");
}

/// In the end no session of this schema is in a transaction.
async fn assert_idle(place: &Place) {
    let other = place.other().await;
    until("waited for the end of a transaction", async || {
        other.query_one(LOCKS, &[&place.schema.name()]).await.unwrap().get::<_, i64>(0) == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_reads() {
    let (place, users) = place().await;
    let names: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
    users.add_many(&place.executor, &names).await.unwrap();
    let keys: Vec<Key> = (1..5000).map(Key::Int).collect();
    at_every_poll(&place, async |polls| {
        let mut rows = Rows::default();
        poll_times(place.executor.get_many(&users.get, &keys[..1], &mut rows), polls).await.is_some()
    })
    .await;
    at_every_poll(&place, async |polls| {
        poll_times(place.executor.get_many(&users.get, &keys, &mut NoRows), polls).await.is_some()
    })
    .await;
    at_every_poll(&place, async |polls| {
        let statement = Statement::new(&users.all, &[]);
        poll_times(place.executor.fetch(&statement, &mut NoRows), polls).await.is_some()
    })
    .await;
    assert_idle(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_writes() {
    let (place, users) = place().await;
    let mut next = 0;
    at_every_poll(&place, async |polls| {
        next += 1;
        poll_times(users.add(&place.executor, &next.to_string()), polls).await.is_some()
    })
    .await;
    at_every_poll(&place, async |polls| {
        next += 1000;
        let names: Vec<String> = (0..500).map(|n| (next + n).to_string()).collect();
        let completed = poll_times(users.add_many(&place.executor, &names), polls).await;
        completed.is_some_and(|written| written.unwrap().len() == 500)
    })
    .await;
    assert_idle(&place).await;
    let single = query(&place.executor, "SELECT count(*) % 500 < 100 FROM users", &[]).await.unwrap();
    assert_eq!(single.rows, [[Value::Bool(true)]], "a batch is there wholly or not at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_transactions() {
    let (place, users) = place().await;
    let options = TransactionOptions::default();
    let values = [Value::Text("x".into()), Value::Null];
    at_every_poll(&place, async |polls| {
        let mut transaction = place.executor.begin(&options).await.unwrap();
        let whole = async {
            transaction.write(&Statement::new(&users.insert, &values), &mut NoRows).await.unwrap();
            transaction.savepoint(1).await.unwrap();
            transaction.fetch(&Statement::new(&users.all, &[]), &mut NoRows).await.unwrap();
            transaction.rollback_to(1).await.unwrap();
            transaction.rollback().await.unwrap();
        };
        poll_times(whole, polls).await.is_some()
    })
    .await;
    assert_idle(&place).await;
    assert_eq!(users.count(&place.executor).await, 0);
}

/// On one thread: on several the answer may come during the first poll.
#[tokio::test]
async fn of_a_statement_whose_transaction_goes_on() {
    let (place, users) = place().await;
    let mut transaction = place.executor.begin(&TransactionOptions::default()).await.unwrap();
    let values = [Value::Text("x".into()), Value::Null];
    let statement = Statement::new(&users.insert, &values);
    assert!(poll_times(transaction.write(&statement, &mut NoRows), 1).await.is_none());
    let error = transaction.write(&Statement::new(&users.insert, &values), &mut NoRows).await.unwrap_err();
    assert!(error.to_string().contains("abandoned"), "{error}");
    assert!(transaction.commit().await.is_err());
    assert_idle(&place).await;
    assert_eq!(users.count(&place.executor).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_schemas_streams_and_locks() {
    let (place, users) = place().await;
    let schema = place.executor.schema().unwrap();
    at_every_poll(&place, async |polls| poll_times(schema.describe("users"), polls).await.is_some()).await;
    at_every_poll(&place, async |polls| {
        let shape = Shape::raw("SELECT n FROM generate_series(1, 5000) n");
        let whole = async {
            let mut stream = place.executor.stream(&Statement::new(&shape, &[])).await.unwrap();
            while stream.next().await.unwrap().is_some() {}
        };
        poll_times(whole, polls).await.is_some()
    })
    .await;
    at_every_poll(&place, async |polls| {
        let whole = async { place.executor.advisory_lock(77_001).await.unwrap().release().await.unwrap() };
        poll_times(whole, polls).await.is_some()
    })
    .await;
    place.executor.advisory_lock(77_001).await.unwrap().release().await.unwrap();
    assert_idle(&place).await;
    assert_eq!(users.count(&place.executor).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_write_cancel_it() {
    let (place, users) = place().await;
    let shape = Shape::raw("INSERT INTO users (name) SELECT 'x' FROM pg_sleep(60)");
    let statement = Statement::new(&shape, &[]);
    let other = place.other().await;
    let sleeping = format!("{LOCKS} AND a.wait_event = 'PgSleep'");
    let at_work = until("waited for the statement", async || {
        other.query_one(&sleeping, &[&place.schema.name()]).await.unwrap().get::<_, i64>(0) > 0
    });
    let mut rows = NoRows;
    tokio::select! {
        written = place.executor.write(&statement, &mut rows) => panic!("{written:?}"),
        () = at_work => {}
    }
    assert_idle(&place).await;
    assert_eq!(users.count(&place.executor).await, 0);
    // The server may have stopped before it is known here.
    until("waited for the end of the connection", async || place.executor.statistics().discarded_connections > 0).await;
    let statistics = place.executor.statistics();
    assert_eq!((statistics.cancellations, statistics.discarded_connections), (1, 1), "{statistics:?}");
}

#[test]
fn of_a_runtime_with_everything_open() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let first = runtime();
    let (place, users) = first.block_on(place());
    let transaction = first.block_on(async {
        let mut transaction = place.executor.begin(&TransactionOptions::default()).await.unwrap();
        let values = [Value::Text("x".into()), Value::Null];
        transaction.write(&Statement::new(&users.insert, &values), &mut NoRows).await.unwrap();
        transaction
    });
    drop(first);
    drop(transaction);
    // Its connections ended with the runtime; on another one there are new ones.
    runtime().block_on(async {
        assert_eq!(users.count(&place.executor).await, 0);
        users.add(&place.executor, "x").await.unwrap();
    });
}
