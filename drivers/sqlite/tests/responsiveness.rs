//! No statement keeps the runtime from its other tasks.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use support::{Folder, Rows, Users, query, raw};
use thing_driver_api::{
    Comparison, Condition, Executor, NoRows, Operand, Operation, Shape, Slot, Statement, TransactionOptions, Value,
};
use thing_driver_sqlite::SqliteExecutor;

/// Counts how often another task, which is always ready, gets its turn while `work` runs: hardly ever if the work holds the
/// thread, however slow the machine is.
async fn ticks_during<T>(work: impl Future<Output = T>) -> (T, u64) {
    let ticks = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let ticker = {
        let (ticks, done) = (ticks.clone(), done.clone());
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
                ticks.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let result = work.await;
    let counted = ticks.load(Ordering::Relaxed);
    done.store(true, Ordering::Relaxed);
    ticker.await.unwrap();
    (result, counted)
}

fn counting(to: u64) -> String {
    format!("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {to}) SELECT count(*) FROM n")
}

const LONG: u64 = 3_000_000;

async fn stays_responsive(executor: SqliteExecutor) {
    let users = Users::create(&executor).await;
    let text = counting(LONG);
    let (rows, ticks) = ticks_during(query(&executor, &text, &[])).await;
    assert_eq!(rows.unwrap().rows[0][0], Value::I64(LONG as i64));
    assert!(ticks >= 10, "{ticks} ticks during a long raw read");

    let fill = format!("INSERT INTO users (name, age) {}", counting(60_000).replace("count(*)", "x, x"));
    // SQLite wants the common table expression in front.
    let fill = match fill.split_once(" WITH ") {
        Some((insert, rest)) => {
            let (with, select) = rest.rsplit_once(" SELECT ").unwrap();
            format!("WITH {with} {insert} SELECT {select}")
        }
        None => fill,
    };
    let (written, ticks) = ticks_during(raw(&executor, &fill)).await;
    assert_eq!(written.unwrap().rows, 60_000);
    assert!(ticks >= 10, "{ticks} ticks during a long raw write");

    let other_column = Condition::Or(
        (0..100)
            .map(|slot| Condition::Compare {
                column: 1,
                operator: Comparison::Equal,
                operand: Operand::Slot(Slot(slot)),
            })
            .chain([Condition::Compare { column: 2, operator: Comparison::Less, operand: Operand::Slot(Slot(100)) }])
            .collect(),
    );
    let count =
        Shape::new(users.table.clone(), Operation::Count { filter: Condition::Not(Box::new(other_column.clone())) });
    let values: Vec<_> = (0..100).map(|n| Value::Text(format!("nobody {n}").into())).chain([Value::I64(0)]).collect();
    let ((), ticks) = ticks_during(async {
        for _ in 0..3 {
            let mut rows = Rows::default();
            executor.fetch(&Statement::new(&count, &values), &mut rows).await.unwrap();
            assert_eq!(rows.rows, [[Value::I64(60_000)]]);
        }
    })
    .await;
    assert!(ticks >= 10, "{ticks} ticks during long selects");

    let update = Shape::new(
        users.table.clone(),
        Operation::Update { columns: vec![2], filter: Condition::Constant(true), returning: vec![] },
    );
    let (written, ticks) =
        ticks_during(async { executor.write(&Statement::new(&update, &[Value::I64(5)]), &mut NoRows).await }).await;
    assert_eq!(written.unwrap().rows, 60_000);
    assert!(ticks >= 10, "{ticks} ticks during a long update");

    let mut transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    let (written, ticks) =
        ticks_during(async { transaction.write(&Statement::new(&update, &[Value::I64(6)]), &mut NoRows).await }).await;
    assert_eq!(written.unwrap().rows, 60_000);
    assert!(ticks >= 10, "{ticks} ticks during a long update in a transaction");
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn long_statements_leave_a_single_runtime_thread_free() {
    let folder = Folder::new();
    // The work itself runs on the one thread, too.
    let file = SqliteExecutor::connect(folder.config()).await.unwrap();
    tokio::spawn(stays_responsive(file)).await.unwrap();
    let memory = SqliteExecutor::memory().await.unwrap();
    tokio::spawn(stays_responsive(memory)).await.unwrap();
}

#[tokio::test]
async fn long_statements_leave_a_current_thread_runtime_free() {
    let folder = Folder::new();
    stays_responsive(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    stays_responsive(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_loop_of_short_reads_takes_turns_with_other_tasks() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let work = tokio::spawn(async move {
        let users = Users::create(&executor).await;
        users.add(&executor, "x").await.unwrap();
        ticks_during(async {
            for _ in 0..20_000 {
                users.ages(&executor, &[1]).await;
            }
        })
        .await
    });
    let ((), ticks) = work.await.unwrap();
    assert!(ticks >= 3, "{ticks} ticks during a loop of reads");
}

#[test]
fn it_works_without_a_runtime() {
    // Any executor of futures will do.
    let folder = Folder::new();
    let config = folder.config();
    let waiting = std::thread::spawn(move || {
        futures_lite_block_on(async move {
            let executor = SqliteExecutor::connect(config).await.unwrap();
            let users = Users::create(&executor).await;
            users.add(&executor, "x").await.unwrap();
            users.count(&executor).await
        })
    });
    assert_eq!(waiting.join().unwrap(), 1);
}

fn futures_lite_block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        std::thread::park();
    }
}
