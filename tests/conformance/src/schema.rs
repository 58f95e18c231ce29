//! Tables in a database's own words, and changes of them, for the tests that a driver has of its own schema.
//!
//! ```
//! use thing_conformance::schema::{alter, described};
//! use thing_conformance::users::raw;
//! use thing_driver_api::schema::Change;
//! use thing_driver_sqlite::SqliteExecutor;
//!
//! # #[tokio::main(flavor = "multi_thread")]
//! # async fn main() {
//! let executor = SqliteExecutor::memory().await.unwrap();
//! raw(&executor, "CREATE TABLE people (id INTEGER PRIMARY KEY, age INT)").await.unwrap();
//! let renamed = Change::RenameColumn { from: "age".into(), to: "years".into() };
//! alter(&executor, "people", vec![renamed], |people| people.columns[1].name = "years".into()).await;
//! assert_eq!(described(&executor, "people").await.columns[1].name, "years");
//! # }
//! ```
//!
//! Functions that give no `Result` panic where the database fails.

use std::time::{Duration, Instant};

use thing_driver_api::schema::{Change, ColumnSchema, Effect, Generated, Step, TableChange, TableSchema};
use thing_driver_api::{ErrorKind, Executor, Result, Schema, TableBuilder, ValueType};

/// How long a change waits for others.
const PATIENCE: Duration = Duration::from_secs(30);

fn schema(executor: &dyn Executor) -> &dyn Schema {
    executor.schema().expect("the executor has a schema")
}

/// The table of this name, which is there.
pub async fn described(executor: &dyn Executor, table: &str) -> TableSchema {
    let found = schema(executor).describe(table).await.expect("the table is described");
    found.unwrap_or_else(|| panic!("the table `{table}` exists"))
}

/// Makes a change in a session, as a program does: in one transaction where the database can.
pub async fn make(executor: &dyn Executor, change: &TableChange) -> Result<Vec<Step>> {
    let steps = schema(executor).plan(change)?;
    for step in &steps {
        assert!(!step.what.is_empty() && !step.what.ends_with('.'), "{step:?}");
        assert!(!step.sql.iter().any(|sql| sql.trim_end().ends_with(';')), "{step:?}");
    }
    let mut session = schema(executor).session().await?;
    session.lock(PATIENCE).await?;
    if session.is_transactional() {
        session.begin().await?;
        let name = change.name();
        let found = schema(executor).describe_in(&mut *session, name).await?;
        let before = change.before.clone().filter(|before| before.name == name);
        assert_eq!(found.map(comparable), before.map(comparable), "in the session it is as it was");
    }
    for sql in steps.iter().flat_map(|step| &step.sql) {
        session.execute(sql).await?;
    }
    if session.is_transactional() {
        session.commit().await?;
    }
    Ok(steps)
}

/// A table without what its driver alone reads.
pub fn comparable(mut table: TableSchema) -> TableSchema {
    table.options.clear();
    table.attached.clear();
    table
}

/// Makes a change, after which the table is described as the change says.
pub async fn made(executor: &dyn Executor, change: &TableChange) -> Vec<Step> {
    let steps = make(executor, change).await.unwrap_or_else(|error| panic!("{:?}: {error:?}", change.changes));
    let after = change.after.clone().expect("the table is there afterwards");
    let found = described(executor, &after.name).await;
    assert_eq!(comparable(found), comparable(after), "{:?}", change.changes);
    steps
}

/// Makes the table of a model, which is described as it is wanted.
pub async fn created(executor: &dyn Executor, table: TableBuilder) {
    let table = table.build().expect("a valid table");
    let wanted = schema(executor).wanted(&table).expect("the database has all of it");
    made(executor, &TableChange::create(wanted)).await;
}

/// Changes a table that is there, which is described as it was to be, to the letter.
pub async fn alter(
    executor: &dyn Executor,
    table: &str,
    changes: Vec<Change>,
    edit: impl FnOnce(&mut TableSchema),
) -> Vec<Step> {
    try_alter(executor, table, changes, edit).await.expect("the change is made")
}

/// As [`alter`], where the change may fail.
pub async fn try_alter(
    executor: &dyn Executor,
    table: &str,
    changes: Vec<Change>,
    edit: impl FnOnce(&mut TableSchema),
) -> Result<Vec<Step>> {
    let change = altering(described(executor, table).await, changes, edit);
    let steps = make(executor, &change).await?;
    let after = change.wanted()?;
    assert_eq!(described(executor, &after.name).await, *after);
    Ok(steps)
}

fn altering(before: TableSchema, changes: Vec<Change>, edit: impl FnOnce(&mut TableSchema)) -> TableChange {
    let mut after = before.clone();
    edit(&mut after);
    TableChange::alter(before, after, changes)
}

/// A column gets what its values don't fit: the plan says that it may fail, it fails, and nothing has changed.
pub async fn alter_in_vain(executor: &dyn Executor, table: &str, column: &str, edit: impl FnOnce(&mut ColumnSchema)) {
    let before = described(executor, table).await;
    let change = altering(before.clone(), vec![Change::AlterColumn(column.into())], |table| {
        edit(table.columns.iter_mut().find(|known| known.name == column).expect("the table has the column"));
    });
    let steps = schema(executor).plan(&change).expect("there is a way");
    let may_fail = |effect: &Effect| matches!(effect, Effect::MayFail(_));
    assert!(steps.iter().any(|step| step.effects.iter().any(may_fail)), "{steps:?}");
    make(executor, &change).await.expect_err("a value does not fit");
    assert_eq!(described(executor, table).await, before, "nothing has changed");
}

/// No value of the one type has a meaning in the other: the change is refused, and what to do instead is said.
pub fn assert_no_way(executor: &dyn Executor, table: &TableSchema, column: usize, from: &str, to: &str) {
    let mut before = table.clone();
    before.columns[column].declared = from.into();
    let name = before.columns[column].name.clone();
    let change = altering(before, vec![Change::AlterColumn(name)], |table| table.columns[column].declared = to.into());
    let error = schema(executor).plan(&change).expect_err("there is no way");
    assert_eq!(*error.kind(), ErrorKind::Unsupported, "{from} to {to}: {error}");
    assert!(error.to_string().contains("add a column"), "{from} to {to}: {error}");
}

/// A statement of a session that takes a minute: it stops when the session is dropped, which frees the lock; until then the
/// session, whose call was dropped, does nothing else.
pub async fn assert_stops_when_dropped(executor: &dyn Executor, slow: &str) {
    let mut session = schema(executor).session().await.expect("a session begins");
    session.lock(Duration::from_secs(5)).await.expect("the lock is free");
    let ended = tokio::time::timeout(Duration::from_millis(200), session.execute(slow)).await;
    assert!(ended.is_err(), "it takes longer: {ended:?}");
    let refused = session.execute("SELECT 1").await.expect_err("a statement is under way");
    assert_eq!(*refused.kind(), ErrorKind::InvalidInput);
    let dropped = Instant::now();
    drop(session);
    let mut next = schema(executor).session().await.expect("a session begins");
    next.lock(PATIENCE).await.expect("the lock is free again");
    assert!(dropped.elapsed() < Duration::from_secs(20), "after {:?}", dropped.elapsed());
}

/// A column that may hold NULL.
pub fn column(name: &str, declared: &str, holds: &[ValueType]) -> ColumnSchema {
    let mut column = ColumnSchema::new(name, declared, holds.to_vec());
    column.nullable = true;
    column
}

/// The column, which holds no NULL.
pub fn required(mut column: ColumnSchema) -> ColumnSchema {
    column.nullable = false;
    column
}

/// The column with a default.
pub fn with_default(mut column: ColumnSchema, default: &str) -> ColumnSchema {
    column.default = Some(default.into());
    column
}

/// The column, which the database makes.
pub fn generated(mut column: ColumnSchema, generated: Generated) -> ColumnSchema {
    column.generated = Some(generated);
    column
}

/// The column with a comment.
pub fn commented(mut column: ColumnSchema, comment: &str) -> ColumnSchema {
    column.comment = Some(comment.into());
    column
}
