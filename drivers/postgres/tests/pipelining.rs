//! Pipelining: many reads over few connections, and nobody waits behind a long one.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::{Place, Rows, Users, key, poll_times, select};
use thing_driver_api::{Condition, Executor, Key, NoRows, Operation, Shape, Statement, Value};
use tokio::task::JoinSet;

/// Long enough for a machine that runs many tests at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// A view of `users` that takes as long to read as this call.
async fn slow(place: &Place, users: &Users, call: &str) -> std::sync::Arc<Shape> {
    users.add(&place.executor, "x").await.unwrap();
    place.run(&format!("CREATE VIEW slow AS SELECT id, name, age FROM users WHERE {call} IS NOT NULL")).await;
    let mut table = thing_driver_api::Table::builder("slow");
    for column in users.table.columns() {
        table = table.column(column.clone());
    }
    select(&std::sync::Arc::new(table.key([0]).build().unwrap()), Condition::Constant(true))
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reads_use_two_connections() {
    // A machine that stops for a while makes reads move, and those behind them go elsewhere. Then it is tried again.
    for _ in 0..20 {
        let place = Place::new().await;
        let users = Users::create(&place.executor).await;
        users.add(&place.executor, "x").await.unwrap();
        let before = place.executor.statistics();
        let mut tasks = JoinSet::new();
        for _ in 0..64 {
            let (executor, get) = (place.executor.clone(), users.get.clone());
            tasks.spawn(async move {
                for _ in 0..20 {
                    let mut rows = Rows::default();
                    executor.get_many(&get, &[Key::Int(1)], &mut rows).await.unwrap();
                    assert_eq!(rows.rows.len(), 1);
                }
            });
        }
        tasks.join_all().await;
        let after = place.executor.statistics();
        if after.moved_reads > 0 {
            continue;
        }
        assert_eq!(after.pipelined_reads - before.pipelined_reads, 64 * 20, "{after:?}");
        assert!(after.connections_opened - before.connections_opened <= 1, "{after:?}");
        return;
    }
    panic!("reads moved each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_read_does_not_hold_up_others() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    // It takes as long as somebody holds the lock.
    let (holder, key) = (place.other().await, key(&place));
    holder.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await.unwrap();
    let slow = slow(&place, &users, &format!("pg_advisory_xact_lock_shared({key})")).await;
    let executor = place.executor.clone();
    let long = tokio::spawn(async move { executor.fetch(&Statement::new(&slow, &[]), &mut NoRows).await });
    tokio::time::sleep(Duration::from_millis(5)).await;
    let others = async {
        for _ in 0..20 {
            users.get(&place.executor, &[1]).await.unwrap();
        }
        while place.executor.statistics().moved_reads == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, others).await.expect("they wait for no other, and it moves");
    assert!(!long.is_finished());
    holder.batch_execute(&format!("SELECT pg_advisory_unlock({key})")).await.unwrap();
    long.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_shape_has_a_connection_to_itself_the_next_times() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let slow = slow(&place, &users, "pg_sleep(0.1)").await;
    for _ in 0..2 {
        place.executor.fetch(&Statement::new(&slow, &[]), &mut NoRows).await.unwrap();
    }
    let before = place.executor.statistics();
    place.executor.fetch(&Statement::new(&slow, &[]), &mut NoRows).await.unwrap();
    let after = place.executor.statistics();
    assert_eq!(after.exclusive_reads - before.exclusive_reads, 1);
    assert_eq!(after.moved_reads, before.moved_reads);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_nobody_takes_does_not_hold_up_others() {
    let place = Place::with(|config| config.reader_connections(1)).await;
    let users = Users::create(&place.executor).await;
    let names: Vec<String> = (0..50_000).map(|n| format!("somebody with a long name, number {n}")).collect();
    users.add_many(&place.executor, &names).await.unwrap();
    users.get(&place.executor, &[1]).await.unwrap();
    let mut rows = Rows::default();
    let statement = Statement::new(&users.all, &[]);
    let mut large = Box::pin(place.executor.fetch(&statement, &mut rows));
    // Sent, but never looked at again while other reads run.
    assert!(poll_times(&mut large, 1).await.is_none());
    let others = async {
        for id in 1..10 {
            assert_eq!(users.get(&place.executor, &[id]).await.unwrap().rows.len(), 1);
        }
    };
    tokio::time::timeout(PATIENCE, others).await.expect("they wait for no other");
    large.await.unwrap();
    assert_eq!(rows.rows.len(), 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_known_to_the_planner() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    users.add_many(&place.executor, &(0..1000).map(|n| n.to_string()).collect::<Vec<_>>()).await.unwrap();
    let slot = |number| Some(thing_driver_api::Slot(number));
    let operation = Operation::Select {
        columns: vec![0],
        filter: Condition::Constant(true),
        order: vec![thing_driver_api::Order { column: 0, descending: false }],
        limit: slot(0),
        offset: slot(1),
        lock: None,
    };
    let shape = Shape::new(users.table.clone(), operation);
    for (limit, offset) in (0..40).map(|n| (n, 0)).chain([(5, 3), (i64::MAX, 990), (10, 995), (10, 2000), (0, 5)]) {
        let mut rows = Rows::default();
        let values = [Value::I64(limit), Value::I64(offset)];
        place.executor.fetch(&Statement::new(&shape, &values), &mut rows).await.unwrap();
        let expected: Vec<_> =
            (1..=1000).skip(offset as usize).take(limit as usize).map(|id| vec![Value::I64(id)]).collect();
        assert_eq!(rows.rows, expected, "limit {limit}, offset {offset}");
    }
    let prepared = place.executor.statistics().statements_prepared;
    assert!(prepared < 30, "{prepared} statements are prepared: limits have texts of their own, but not all of them");
}
