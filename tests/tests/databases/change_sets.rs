//! Change sets: columns of one row are written without a look at it, and what the cache answers follows.

use thing::driver::Capability;
use thing::{ChangeSet, Db, ErrorKind, Model, Result};

use crate::support::{Limited, Stack, assert_stored, statements};

matrix! {
    every: [
        columns_are_set,
        columns_are_set_and_added_to_in_one_write,
        one_statement_is_enough_where_rows_are_given_back,
        a_condition_refuses,
        lists_follow_what_is_set,
        changes_in_transactions_commit_and_roll_back,
        what_makes_no_sense_is_refused,
        a_change_needs_no_help_of_the_database,
        writers_at_one_time_lose_nothing,
    ]
}

/// `shelf` leads an index, so that a change of it moves an item from one list to another.
#[derive(Model, Clone, Debug, PartialEq)]
struct Item {
    id: i64,
    #[thing(index)]
    shelf: i64,
    #[thing(unique)]
    code: String,
    note: Option<String>,
    stock: u32,
    #[thing(version)]
    version: i32,
    #[thing(updated)]
    updated_at: std::time::SystemTime,
}

/// A table without scopes and without a version.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Setting {
    #[thing(assigned)]
    id: i64,
    value: String,
}

fn item(code: &str) -> NewItem {
    NewItem { shelf: 1, code: code.into(), note: None, stock: 5 }
}

async fn items(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(Item, Setting)>().await;
    db.things::<Item>().create_many([item("a"), item("b")]).await?;
    Setting { id: 1, value: "old".into() }.create(&db).await?;
    Ok(db)
}

async fn columns_are_set(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    Item::by_id(&db, 1).await?;
    let changed = db.things::<Item>().update_by_id(1, Item::NOTE.set("red") & Item::SHELF.set(2)).await?;
    assert_eq!((changed.note.as_deref(), changed.shelf, changed.version), (Some("red"), 2, 2));
    assert_stored(&db, &changed).await?;
    let changed = db.things::<Item>().update_by_id(1, Item::NOTE.set(None::<String>)).await?;
    assert_eq!((changed.note.as_deref(), changed.version), (None, 3));
    assert_stored(&db, &changed).await?;
    assert_eq!(db.things::<Setting>().update_by_id(1, Setting::VALUE.set("new")).await?.value, "new");
    assert_eq!(Setting::by_id(&db, 1).await?.value, "new");
    assert!(db.things::<Item>().update_by_id(9, Item::NOTE.set("red")).await.unwrap_err().is_not_found());
    let taken = db.things::<Item>().update_by_id(1, Item::CODE.set("b")).await.unwrap_err();
    assert!(taken.is_unique_violation(), "{taken}");
    assert_stored(&db, &changed).await
}

async fn columns_are_set_and_added_to_in_one_write(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let sold = Item::STOCK.plus(-2) & Item::NOTE.set("sold") & Item::SHELF.set(3);
    let changed = db.things::<Item>().update_by_id(1, sold).await?;
    assert_eq!((changed.stock, changed.note.as_deref(), changed.shelf, changed.version), (3, Some("sold"), 3, 2));
    assert_stored(&db, &changed).await?;
    let beyond = db.things::<Item>().update_by_id(1, Item::STOCK.plus(-4) & Item::NOTE.set("none")).await;
    assert!(matches!(beyond.unwrap_err().kind(), ErrorKind::InvalidData { column: Some(column) } if column == "stock"));
    assert_stored(&db, &changed).await
}

async fn one_statement_is_enough_where_rows_are_given_back(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let returning = db.executor().capabilities().has(Capability::Returning);
    let one = if returning { 1 } else { 2 };
    let settings = db.things::<Setting>();
    assert_eq!(statements(&db, settings.update_by_id(1, Setting::VALUE.set("x"))).await.0, one);
    Item::by_id(&db, 1).await?;
    let (sent, _) = statements(&db, db.things::<Item>().update_by_id(1, Item::NOTE.set("x"))).await;
    assert!(sent <= 2, "{sent}");
    if stack.client().await.is_some() && returning && !stack.is_remote() {
        assert_eq!(sent, 1, "the cache knows the scopes of the row");
    }
    Ok(())
}

async fn a_condition_refuses(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let items = db.things::<Item>();
    let change = || Item::NOTE.set("last") & Item::STOCK.plus(-5);
    let changed = items.update_by_id_if(1, change(), Item::STOCK.ge(5)).await?;
    let error = items.update_by_id_if(1, change(), Item::STOCK.ge(5)).await.unwrap_err();
    assert!(error.is_condition_failed(), "{error}");
    assert!(items.update_by_id_if(9, change(), Item::STOCK.ge(5)).await.unwrap_err().is_not_found());
    assert_stored(&db, &changed).await
}

async fn lists_follow_what_is_set(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let shelf = async |shelf: i64| Item::filter(&db, Item::SHELF.eq(shelf)).count().await;
    let notes = async |note: &str| Item::filter(&db, Item::NOTE.eq(note)).count().await;
    assert_eq!((shelf(1).await?, shelf(2).await?, notes("x").await?), (2, 0, 0));
    db.things::<Item>().update_by_id(1, Item::SHELF.set(2)).await?;
    assert_eq!((shelf(1).await?, shelf(2).await?, notes("x").await?), (1, 1, 0));
    db.things::<Item>().update_by_id(1, Item::NOTE.set("x")).await?;
    assert_eq!((shelf(1).await?, shelf(2).await?, notes("x").await?), (1, 1, 1));
    db.things::<Item>().update_by_id(1, Item::NOTE.set("y")).await?;
    assert_eq!(notes("x").await?, 0);
    // A list that does not mention the column is kept.
    if stack.client().await.is_some() {
        shelf(2).await?;
        db.things::<Item>().update_by_id(1, Item::NOTE.set("z")).await?;
        assert_eq!(statements(&db, shelf(2)).await.0, 0);
    }
    Ok(())
}

async fn changes_in_transactions_commit_and_roll_back(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    Item::by_id(&db, 1).await?;
    let transaction = db.begin().await?;
    transaction.things::<Item>().update_by_id(1, Item::NOTE.set("kept")).await?;
    let inner = transaction.begin().await?;
    inner.things::<Item>().update_by_id(1, Item::NOTE.set("lost")).await?;
    inner.rollback().await?;
    transaction.commit().await?;
    assert_eq!(Item::by_id(&db, 1).await?.note.as_deref(), Some("kept"));
    let transaction = db.begin().await?;
    transaction.things::<Item>().update_by_id(1, Item::NOTE.set("lost")).await?;
    transaction.rollback().await?;
    assert_stored(&db, &Item::by_id(&db, 1).await?).await
}

async fn what_makes_no_sense_is_refused(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let changes: Vec<ChangeSet<Item>> = vec![
        Item::ID.set(5),
        Item::VERSION.set(5),
        Item::UPDATED_AT.set(std::time::SystemTime::UNIX_EPOCH),
        Item::NOTE.set("a") & Item::NOTE.set("b"),
        Item::STOCK.set(1_u32) & Item::STOCK.plus(1),
    ];
    for change in changes {
        let (sent, refused) = statements(&db, db.things::<Item>().update_by_id(1, change)).await;
        let error = refused.unwrap_err();
        assert_eq!((sent, error.kind()), (0, &ErrorKind::InvalidInput), "{error}");
    }
    Ok(())
}

async fn a_change_needs_no_help_of_the_database(stack: &Stack) -> Result<()> {
    for missing in [Capability::Increments, Capability::Returning] {
        let limited = Limited::new(stack.executor().await, &[missing]);
        let db = stack.over(limited).await.build();
        db.sync::<Item>().await?;
        db.things::<Item>().create(item("a")).await?;
        Item::by_id(&db, 1).await?;
        let changed = db.things::<Item>().update_by_id(1, Item::STOCK.plus(-1) & Item::NOTE.set("x")).await?;
        assert_eq!((changed.stock, changed.version), (4, 2));
        assert_stored(&db, &changed).await?;
    }
    Ok(())
}

async fn writers_at_one_time_lose_nothing(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut tasks = Vec::new();
    for n in 0..8_i64 {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..4 {
                let change = Item::STOCK.plus(1) & Item::SHELF.set(n) & Item::NOTE.set(format!("{n} {round}"));
                db.things::<Item>().update_by_id(1, change).await?;
                Item::by_id(&db, 1).await?;
                Item::filter(&db, Item::SHELF.eq(n)).count().await?;
            }
            Ok::<_, thing::Error>(())
        }));
    }
    for task in tasks {
        task.await.unwrap()?;
    }
    let changed = Item::by_id(&db, 1).await?;
    assert_eq!((changed.stock, changed.version), (37, 33));
    assert_stored(&db, &changed).await?;
    for n in 0..8 {
        let on_shelf = Item::filter(&db, Item::SHELF.eq(n));
        assert_eq!(on_shelf.clone().count().await?, on_shelf.uncached().count().await?);
    }
    Ok(())
}
