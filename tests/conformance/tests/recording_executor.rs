//! The recording executor: its log, its faults and its gates.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests report by panicking")]

use std::sync::Arc;

use thing_conformance::recording::{Matcher, Recorded, RecordingExecutor, When};
use thing_driver_api::{
    Column, Condition, Error, ErrorKind, Executor, Key, NoRows, Operation, Shape, Statement, Table, TransactionOptions,
    Value, ValueType,
};
use thing_driver_sqlite::SqliteExecutor;

struct World {
    recording: Arc<RecordingExecutor>,
    table: Arc<Table>,
    insert: Arc<Shape>,
    count: Arc<Shape>,
}

async fn world() -> World {
    let recording = RecordingExecutor::new(Arc::new(SqliteExecutor::memory().await.unwrap()));
    let table = Table::builder("users").column(Column::new("id", ValueType::I64)).key([0]).build();
    let table = Arc::new(table.unwrap());
    recording.schema().unwrap().create_table(&table).await.unwrap();
    recording.reset();
    let columns = vec![0];
    World {
        insert: Shape::new(table.clone(), Operation::Insert { columns, returning: Vec::new() }),
        count: Shape::new(table.clone(), Operation::Count { filter: Condition::Constant(true) }),
        recording,
        table,
    }
}

impl World {
    async fn add(&self, id: i64) -> Result<(), Error> {
        let values = [Value::I64(id)];
        let statement = Statement::new(&self.insert, &values);
        self.recording.write(&statement, &mut NoRows).await.map(|_| ())
    }

    async fn read(&self) -> Result<(), Error> {
        self.recording.fetch(&Statement::new(&self.count, &[]), &mut NoRows).await
    }

    /// The number of rows, past the recording.
    async fn rows(&self) -> usize {
        #[derive(Default)]
        struct Seen(usize);
        impl thing_driver_api::RowSink for Seen {
            fn row(&mut self, row: &dyn thing_driver_api::Row) -> thing_driver_api::Result<thing_driver_api::Flow> {
                self.0 = row.i64(0)? as usize;
                Ok(thing_driver_api::Flow::Continue)
            }
            fn restart(&mut self) {}
        }
        let mut seen = Seen::default();
        let statement = Statement::new(&self.count, &[]);
        self.recording.inner().fetch(&statement, &mut seen).await.unwrap();
        seen.0
    }
}

fn broken() -> Error {
    Error::backend("broken on purpose")
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_counted_by_sort() {
    let world = world().await;
    world.add(1).await.unwrap();
    world.read().await.unwrap();
    let by_key = Shape::new(world.table.clone(), Operation::GetMany);
    world.recording.get_many(&by_key, &[Key::Int(1), Key::Int(2)], &mut NoRows).await.unwrap();
    let values = [[Value::I64(2)], [Value::I64(3)]];
    let statements: Vec<_> = values.iter().map(|v| Statement::new(&world.insert, v)).collect();
    world.recording.write_atomic(&statements).await.unwrap();
    let recording = &world.recording;
    assert_eq!((recording.reads(), recording.writes(), recording.statements()), (2, 3, 5));
    assert_eq!(recording.count(&Matcher::of("users")), 4);
    assert_eq!(recording.count(&Matcher::reads_of("others")), 0);
    assert_eq!(recording.count(&Matcher::sql_contains("INSERT")), 2);
    recording.reset();
    assert!(recording.log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_sql_values_and_transactions() {
    let world = world().await;
    let options = TransactionOptions::default();
    let begin = || world.recording.begin(&options);
    let mut transaction = begin().await.unwrap();
    let values = [Value::I64(7)];
    transaction.write(&Statement::new(&world.insert, &values), &mut NoRows).await.unwrap();
    transaction.savepoint(1).await.unwrap();
    transaction.rollback_to(1).await.unwrap();
    transaction.commit().await.unwrap();
    drop(begin().await.unwrap());
    begin().await.unwrap().rollback().await.unwrap();
    let log = world.recording.log();
    let Recorded::Write(sent) = &log[1] else {
        panic!("{log:?}");
    };
    assert_eq!(sent.table.as_deref(), Some("users"));
    assert!(sent.sql.as_ref().unwrap().starts_with("INSERT INTO"));
    assert_eq!(sent.values, [Value::I64(7)]);
    assert_eq!(sent.transaction, Some(1));
    assert!(matches!(log[0], Recorded::Begin { transaction: 1, .. }));
    assert_eq!(log[2], Recorded::Savepoint { transaction: 1, depth: 1 });
    assert_eq!(log[3], Recorded::RollbackTo { transaction: 1, depth: 1 });
    assert_eq!(log[4], Recorded::Commit { transaction: 1 });
    assert_eq!(log[6], Recorded::Dropped { transaction: 2 });
    assert_eq!(log[8], Recorded::Rollback { transaction: 3 });
    assert_eq!(world.recording.count(&Matcher::in_transaction()), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_before_has_no_effect_and_strikes_once() {
    let world = world().await;
    world.recording.fail_next(Matcher::writes_of("users"), broken(), When::Before);
    world.read().await.unwrap();
    assert_eq!(world.recording.pending_faults(), 1);
    let error = world.add(1).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (&ErrorKind::Backend, "broken on purpose"));
    assert_eq!((world.recording.pending_faults(), world.rows().await), (0, 0));
    world.add(1).await.unwrap();
    assert_eq!(world.rows().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_after_has_its_effect_and_loses_the_answer() {
    let world = world().await;
    world.recording.fail_next(Matcher::writes(), broken(), When::After);
    let error = world.add(1).await.unwrap_err();
    assert!(error.may_have_executed());
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("broken on purpose"));
    assert_eq!(world.rows().await, 1);
    world.recording.fail_next(Matcher::writes(), broken(), When::After);
    let refused = world.add(1).await.unwrap_err();
    assert!(refused.is_unique_violation(), "an operation that fails by itself keeps its error");
    assert_eq!(world.recording.pending_faults(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_lost_before_or_after() {
    for (when, rows) in [(When::Before, 0), (When::After, 1)] {
        let world = world().await;
        world.recording.fail_next(Matcher::commits(), broken(), when);
        let mut transaction = world.recording.begin(&TransactionOptions::default()).await.unwrap();
        let values = [Value::I64(1)];
        transaction.write(&Statement::new(&world.insert, &values), &mut NoRows).await.unwrap();
        let error = transaction.commit().await.unwrap_err();
        assert_eq!(error.may_have_executed(), when == When::After);
        assert_eq!(world.rows().await, rows);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_may_stay() {
    let world = world().await;
    world.recording.fail_all(Matcher::any(), broken(), When::Before);
    for _ in 0..3 {
        assert!(world.read().await.is_err());
        assert!(world.recording.begin(&TransactionOptions::default()).await.is_err());
        assert_eq!(world.recording.write_atomic(&[]).await.unwrap_err().0, 0);
    }
    world.recording.clear_faults();
    world.read().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_holds_before_or_after() {
    for (when, rows) in [(When::Before, 0), (When::After, 1)] {
        let world = Arc::new(world().await);
        let gate = world.recording.gate(Matcher::writes_of("users"), when);
        assert!(!gate.is_reached());
        let held = tokio::spawn({
            let world = world.clone();
            async move { world.add(1).await }
        });
        gate.reached().await;
        assert_eq!(world.rows().await, rows);
        world.add(2).await.unwrap();
        assert!(!held.is_finished(), "a gate holds one operation and lets the next pass");
        gate.open();
        held.await.unwrap().unwrap();
        assert_eq!(world.rows().await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_hold_one_operation_each_in_order() {
    let world = Arc::new(world().await);
    let gates = [1, 2].map(|_| world.recording.gate(Matcher::writes(), When::Before));
    let spawn = |id| {
        let world = world.clone();
        tokio::spawn(async move { world.add(id).await })
    };
    let first = spawn(1);
    gates[0].reached().await;
    assert!(!gates[1].is_reached());
    let second = spawn(2);
    gates[1].reached().await;
    gates[1].open();
    second.await.unwrap().unwrap();
    assert!(!first.is_finished());
    drop(gates);
    first.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_gate_holds_nothing() {
    let world = world().await;
    drop(world.recording.gate(Matcher::any(), When::Before));
    world.add(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_recorded() {
    let world = world().await;
    let schema = world.recording.schema().unwrap();
    assert!(schema.describe("users").await.unwrap().is_some());
    let table = "users".to_owned();
    assert_eq!(world.recording.log(), [Recorded::Describe { table }]);
    assert_eq!(world.recording.statements(), 0);
}
