//! Golden folders, and the databases that their statements make.

#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]
#![allow(dead_code, unused_macros, reason = "not each test uses everything")]

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use thing::driver::Executor;
use thing::{Db, ModelSet};
use thing_codegen::{Model, Note, from_database};

/// Orders a product, with the models of the shop that the test has imported: what both databases have alike. Gives the
/// order, and the note on its only line.
macro_rules! ordered {
    ($db:expr, $customer:expr, $product:expr) => {{
        let new = NewOrder {
            customer_id: $customer.id,
            ordered_via: Some("web".into()),
            placed_at: Timestamp::UNIX_EPOCH,
            ..NewOrder::default()
        };
        let mut order = $db.things::<Order>().create(new).await?;
        assert_eq!((order.status, order.note.as_str()), (OrderStatus::New, ""));
        order.status = OrderStatus::SentBack;
        order.save($db).await?;
        assert_eq!($db.things::<Order>().filter(Order::STATUS.eq(OrderStatus::SentBack)).one().await?.id, order.id);
        assert_same(&*Order::by_id($db, order.id).await?, &*order);
        let line = NewOrderLine { order_id: order.id, position: 1, sku: $product.sku.clone(), count: None };
        let mut line = $db.things::<OrderLine>().create(line).await?;
        line.count = 5;
        line.save($db).await?;
        assert_same(&*OrderLine::by_id($db, (order.id, 1)).await?, &*line);
        let note = NewOrderLineNote { order_id: order.id, position: 1, text: "soon".into() };
        let note = $db.things::<OrderLineNote>().create(note).await?;
        line.count = 2000;
        let error = line.save($db).await.unwrap_err();
        assert!(error.constraint().is_some_and(|broken| matches!(broken.kind, ConstraintKind::Check)), "{error}");
        (order, note)
    }};
}

/// The folder of this name below `golden`.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Makes the database of a golden folder.
pub(crate) async fn make(db: &Db, name: &str) -> thing::Result<()> {
    let statements = fs::read_to_string(folder(name).join("schema.sql")).unwrap();
    for statement in statements.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        db.raw(statement).execute().await?;
    }
    Ok(())
}

/// The model of all tables of a database.
pub(crate) async fn model_of(executor: &dyn Executor) -> thing::Result<(Model, Vec<Note>)> {
    let (schema, dialect) = (executor.schema().unwrap(), executor.dialect().unwrap());
    let mut tables = Vec::new();
    for table in schema.tables().await? {
        tables.extend(schema.describe(&table).await?);
    }
    Ok(from_database(&tables, dialect.name()))
}

/// What `sync` would do to the database, step by step, and what it would leave alone.
pub(crate) async fn differences<M: ModelSet>(db: &Db) -> thing::Result<(Vec<String>, Vec<String>)> {
    let plan = db.schema::<M>().plan().await?;
    let refused = plan.refused().iter().map(ToString::to_string);
    let steps = refused.chain(plan.steps().iter().map(|planned| planned.step.what.clone())).collect();
    Ok((steps, plan.left().iter().map(ToString::to_string).collect()))
}

/// Asserts that two objects are equal in all their fields.
pub(crate) fn assert_same(read: &impl Debug, written: &impl Debug) {
    assert_eq!(format!("{read:?}"), format!("{written:?}"));
}
