//! Increments: nothing that is added is lost, and what the cache answers follows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rust_decimal::Decimal;
use thing::driver::Capability;
use thing::{ChangeSet, Db, ErrorKind, Filter, Model, Result};

use crate::support::{Limited, Stack, assert_stored, at, statements};

matrix! {
    every: [
        columns_are_added_to,
        every_kind_of_number_is_added_to,
        one_statement_is_enough_where_rows_are_given_back,
        increments_at_one_time_are_all_counted,
        a_sum_beyond_the_type_is_refused,
        a_row_that_is_not_there_is_not_found,
        a_condition_refuses,
        only_as_many_are_sold_as_there_are,
        lists_and_counts_follow_what_is_added,
        the_version_and_the_time_are_raised,
        increments_in_transactions_commit_and_roll_back,
        what_makes_no_sense_is_refused,
        an_increment_needs_no_help_of_the_database,
    ]
}

#[derive(thing::ColumnType, Clone, Debug, PartialEq)]
struct Cents(i64);

/// `stock` leads an index, so that a change of it moves an item from one list to another.
#[derive(Model, Clone, Debug, PartialEq)]
struct Item {
    id: i64,
    #[thing(index)]
    shelf: i64,
    #[thing(index)]
    stock: u32,
    sold: i32,
    small: i8,
    earned: Cents,
    weight: f64,
    height: f32,
    price: Decimal,
    #[thing(version)]
    version: i32,
    #[thing(updated)]
    updated_at: SystemTime,
}

/// A table without scopes: nothing has to be known of the row.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Counter {
    #[thing(assigned)]
    id: i64,
    n: i64,
}

fn item(stock: u32) -> NewItem {
    NewItem {
        shelf: 1,
        stock,
        sold: 0,
        small: 0,
        earned: Cents(0),
        weight: 0.5,
        height: 0.5,
        price: Decimal::new(150, 2),
    }
}

async fn items(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(Item, Counter)>().await;
    db.things::<Item>().create_many([item(10), item(5), item(0)]).await?;
    Counter { id: 1, n: 0 }.create(&db).await?;
    Ok(db)
}

async fn columns_are_added_to(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let items = db.things::<Item>();
    Item::by_id(&db, 1).await?;
    let cup = items.increment(1, Item::STOCK.plus(-3) & Item::SOLD.plus(3)).await?;
    assert_eq!((cup.stock, cup.sold), (7, 3));
    assert_stored(&db, &cup).await?;
    let mut cup = items.increment(1, Item::STOCK.plus(1)).await?;
    assert_eq!((cup.stock, cup.sold), (8, 3));
    cup.shelf = 2;
    cup.save(&db).await?;
    assert_stored(&db, &cup).await?;
    let counter = db.things::<Counter>().increment(1, Counter::N.plus(0)).await?;
    assert_eq!(counter.n, 0);
    Ok(())
}

async fn every_kind_of_number_is_added_to(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let items = db.things::<Item>();
    let cup = items.increment(1, Item::SMALL.plus(-128) & Item::EARNED.plus(1 << 40)).await?;
    assert_eq!((cup.small, &cup.earned), (-128, &Cents(1 << 40)));
    assert_stored(&db, &cup).await?;
    // From one end of the type to the other: the amount is of no type that the column has.
    let cup = items.increment(1, Item::SMALL.plus(255)).await?;
    assert_eq!(cup.small, 127);
    let cup = items.increment(1, Item::WEIGHT.plus(0.25) & Item::HEIGHT.plus(0.1)).await?;
    assert_eq!((cup.weight, cup.height), (0.75, 0.6));
    assert_stored(&db, &cup).await?;
    let cup = items.increment(1, Item::WEIGHT.plus(-1.0)).await?;
    assert_eq!(cup.weight, -0.25);
    let cup = items.increment(1, Item::PRICE.plus(Decimal::new(-1, 3))).await?;
    assert_eq!(cup.price, Decimal::new(1499, 3));
    assert_stored(&db, &cup).await?;
    assert_eq!(cup.version, 6);
    Ok(())
}

async fn one_statement_is_enough_where_rows_are_given_back(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let returning = db.executor().capabilities().has(Capability::Returning);
    let counters = db.things::<Counter>();
    let (sent, counter) = statements(&db, counters.increment(1, Counter::N.plus(5))).await;
    assert_eq!((sent, counter?.n), (if returning { 1 } else { 2 }, 5));
    let transaction = db.begin().await?;
    let counters = transaction.things::<Counter>();
    let (sent, counter) = statements(&db, counters.increment(1, Counter::N.plus(5))).await;
    assert_eq!(counter?.n, 10);
    assert!(sent <= 2);
    transaction.commit().await
}

async fn increments_at_one_time_are_all_counted(stack: &Stack) -> Result<()> {
    const TASKS: i64 = 8;
    const EACH: i64 = 5;
    let db = items(stack).await?;
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..EACH {
                db.things::<Item>().increment(1, Item::SOLD.plus(1) & Item::STOCK.plus(1)).await?;
                db.things::<Counter>().increment(1, Counter::N.plus(1)).await?;
                Item::by_id(&db, 1).await?;
            }
            Ok::<_, thing::Error>(())
        }));
    }
    for task in tasks {
        task.await.unwrap()?;
    }
    let all = i32::try_from(TASKS * EACH).unwrap();
    let cup = Item::by_id(&db, 1).await?;
    assert_eq!((cup.sold, cup.stock, cup.version), (all, 10 + all as u32, 1 + all));
    assert_stored(&db, &cup).await?;
    assert_eq!(Counter::by_id(&db, 1).await?.n, TASKS * EACH);
    Ok(())
}

async fn a_sum_beyond_the_type_is_refused(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let items = db.things::<Item>();
    items.increment(1, Item::SOLD.plus(i64::from(i32::MAX)) & Item::WEIGHT.plus(f64::MAX)).await?;
    db.things::<Counter>().increment(1, Counter::N.plus(i64::MAX)).await?;
    let beyond = async |increment: ChangeSet<Item>, column: &str| {
        let error = items.increment(1, increment).await.unwrap_err();
        let is_named = matches!(error.kind(), ErrorKind::InvalidData { column: Some(named) } if named == column);
        assert!(is_named && error.to_string().contains(column), "{error}");
    };
    beyond(Item::STOCK.plus(-11), "stock").await;
    beyond(Item::STOCK.plus(1) & Item::SOLD.plus(1), "sold").await;
    beyond(Item::SMALL.plus(128), "small").await;
    beyond(Item::SMALL.plus(1 << 20), "small").await;
    beyond(Item::WEIGHT.plus(f64::MAX), "weight").await;
    beyond(Item::HEIGHT.plus(f32::MAX) & Item::PRICE.plus(Decimal::MAX), "price").await;
    let error = db.things::<Counter>().increment(1, Counter::N.plus(1)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{error}");
    let cup = Item::by_id(&db, 1).await?;
    assert_eq!((cup.stock, cup.sold, cup.version), (10, i32::MAX, 2));
    assert_stored(&db, &cup).await?;
    assert_eq!(Counter::by_id(&db, 1).await?.n, i64::MAX);
    Ok(())
}

async fn a_row_that_is_not_there_is_not_found(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let items = db.things::<Item>();
    assert!(items.increment(9, Item::STOCK.plus(1)).await.unwrap_err().is_not_found());
    assert!(items.increment_if(9, Item::STOCK.plus(1), Item::SOLD.eq(0)).await.unwrap_err().is_not_found());
    assert!(db.things::<Counter>().increment(9, Counter::N.plus(1)).await.unwrap_err().is_not_found());
    // Gone, and remembered by the cache.
    Item::by_id(&db, 1).await?;
    items.delete(1).await?;
    assert!(items.increment(1, Item::STOCK.plus(1)).await.unwrap_err().is_not_found());
    Ok(())
}

async fn a_condition_refuses(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let items = db.things::<Item>();
    let take = |id, n: u32| items.increment_if(id, Item::STOCK.plus(-i64::from(n)), Item::STOCK.ge(n));
    let error = take(2, 6).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConditionFailed, "{error}");
    assert!(error.is_condition_failed() && !error.is_retryable());
    assert_eq!(take(2, 5).await?.stock, 0);
    assert!(take(2, 1).await.is_err());
    let both = Item::SHELF.eq(1) & (Item::SOLD.gt(3) | Item::HEIGHT.lt(1.0)) & !Item::STOCK.is_in([7, 8, 9]);
    assert_eq!(items.increment_if(1, Item::STOCK.plus(-1), both.clone()).await?.stock, 9);
    let error = items.increment_if(1, Item::STOCK.plus(-1), both).await.unwrap_err();
    assert!(error.is_condition_failed(), "{error}");
    let nothing = items.increment_if(1, Item::PRICE.plus(Decimal::ONE), Filter::nothing()).await;
    assert!(nothing.unwrap_err().is_condition_failed());
    let cup = Item::by_id(&db, 1).await?;
    assert_eq!((cup.stock, cup.version), (9, 2));
    assert_stored(&db, &cup).await
}

async fn only_as_many_are_sold_as_there_are(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut tasks = Vec::new();
    for n in 0..16 {
        let db = db.clone();
        let sell = async move || {
            let (sale, condition) = (Item::STOCK.plus(-1) & Item::SOLD.plus(1), Item::STOCK.ge(1));
            match n % 2 {
                0 => db.things::<Item>().increment_if(1, sale, condition).await,
                _ => {
                    let transaction = db.begin().await?;
                    let sold = transaction.things::<Item>().increment_if(1, sale, condition).await?;
                    transaction.commit().await.map(|()| sold)
                }
            }
        };
        tasks.push(tokio::spawn(async move { sell().await }));
    }
    let mut sold = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => sold += 1,
            Err(error) => assert!(error.is_condition_failed(), "{error}"),
        }
    }
    let cup = Item::by_id(&db, 1).await?;
    assert_eq!((sold, cup.stock, cup.sold), (10, 0, 10));
    assert_stored(&db, &cup).await
}

async fn lists_and_counts_follow_what_is_added(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let ids = async |filter: Filter<Item>| -> Result<Vec<i64>> {
        let query = Item::filter(&db, filter.clone());
        let list: Vec<i64> = query.clone().all().await?.iter().map(|item| item.id).collect();
        assert_eq!(query.clone().count().await?, list.len() as u64);
        assert_eq!(query.uncached().count().await?, list.len() as u64);
        Ok(list)
    };
    let shelf = || Item::filter(&db, Item::SHELF.eq(1)).order_by(Item::STOCK.desc());
    let five = || ids(Item::STOCK.eq(5));
    let few = || ids(Item::STOCK.lt(8));
    let on_shelf = || ids(Item::SHELF.eq(1) & Item::SOLD.ge(1));
    assert_eq!((five().await?, few().await?, on_shelf().await?), (vec![2], vec![2, 3], vec![]));
    assert_eq!(shelf().first().await?.unwrap().id, 1);
    db.things::<Item>().increment(1, Item::STOCK.plus(-5) & Item::SOLD.plus(1)).await?;
    assert_eq!((five().await?, few().await?, on_shelf().await?), (vec![1, 2], vec![1, 2, 3], vec![1]));
    db.things::<Item>().increment(2, Item::STOCK.plus(20)).await?;
    assert_eq!((five().await?, few().await?, on_shelf().await?), (vec![1], vec![1, 3], vec![1]));
    assert_eq!(shelf().first().await?.unwrap().id, 2);
    let transaction = db.begin().await?;
    transaction.things::<Item>().increment(3, Item::STOCK.plus(5) & Item::SOLD.plus(1)).await?;
    transaction.commit().await?;
    assert_eq!((five().await?, few().await?, on_shelf().await?), (vec![1, 3], vec![1, 3], vec![1, 3]));
    // A list that does not mention the column is kept.
    if stack.client().await.is_some() {
        let all = || Item::filter(&db, Item::SHELF.eq(1)).count();
        all().await?;
        db.things::<Item>().increment(1, Item::SOLD.plus(1)).await?;
        assert_eq!(statements(&db, all()).await.0, 0);
    }
    Ok(())
}

async fn the_version_and_the_time_are_raised(stack: &Stack) -> Result<()> {
    let seconds = Arc::new(AtomicU64::new(1000));
    let clock = seconds.clone();
    let db = stack.builder().await.clock(move || at(clock.load(Ordering::SeqCst))).build();
    db.sync::<Item>().await?;
    let mut cup = db.things::<Item>().create(item(1)).await?;
    for (version, increment) in [(2, Item::STOCK.plus(1)), (3, Item::PRICE.plus(Decimal::ONE))] {
        seconds.fetch_add(1000, Ordering::SeqCst);
        let added = db.things::<Item>().increment(1, increment).await?;
        assert_eq!((added.version, added.updated_at), (version, at(seconds.load(Ordering::SeqCst))));
        assert_stored(&db, &added).await?;
    }
    cup.sold = 1;
    let error = cup.save(&db).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Stale { seen: 1, stored: 3 });
    Ok(())
}

async fn increments_in_transactions_commit_and_roll_back(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    Item::by_id(&db, 1).await?;
    let transaction = db.begin().await?;
    transaction.things::<Item>().increment(1, Item::STOCK.plus(-1)).await?;
    let inner = transaction.begin().await?;
    inner.things::<Item>().increment(1, Item::STOCK.plus(-5)).await?;
    inner.rollback().await?;
    let refused = transaction.things::<Item>().increment_if(1, Item::STOCK.plus(-1), Item::STOCK.gt(50)).await;
    assert!(refused.unwrap_err().is_condition_failed());
    assert_eq!(transaction.things::<Item>().increment(1, Item::STOCK.plus(-1)).await?.stock, 8);
    transaction.commit().await?;
    assert_eq!(Item::by_id(&db, 1).await?.stock, 8);
    let transaction = db.begin().await?;
    transaction.things::<Item>().increment(1, Item::STOCK.plus(100)).await?;
    transaction.rollback().await?;
    let cup = Item::by_id(&db, 1).await?;
    assert_eq!((cup.stock, cup.version), (8, 3));
    assert_stored(&db, &cup).await
}

async fn what_makes_no_sense_is_refused(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    for increment in [
        Item::ID.plus(1),
        Item::VERSION.plus(1),
        Item::STOCK.plus(1) & Item::STOCK.plus(1),
        Item::WEIGHT.plus(f64::NAN),
        Item::HEIGHT.plus(f32::INFINITY),
    ] {
        let (sent, refused) = statements(&db, db.things::<Item>().increment(1, increment)).await;
        let error = refused.unwrap_err();
        assert_eq!((sent, error.kind()), (0, &ErrorKind::InvalidInput), "{error}");
    }
    Ok(())
}

async fn an_increment_needs_no_help_of_the_database(stack: &Stack) -> Result<()> {
    for missing in [Capability::Increments, Capability::Returning] {
        let limited = Limited::new(stack.executor().await, &[missing]);
        let db = stack.over(limited).await.build();
        db.sync::<Item>().await?;
        db.things::<Item>().create(item(5)).await?;
        Item::by_id(&db, 1).await?;
        assert_eq!(Item::filter(&db, Item::STOCK.eq(4)).count().await?, 0);
        let cup = db.things::<Item>().increment_if(1, Item::STOCK.plus(-1), Item::STOCK.ge(1)).await?;
        assert_eq!((cup.stock, cup.version), (4, 2));
        assert_stored(&db, &cup).await?;
        assert_eq!(Item::filter(&db, Item::STOCK.eq(4)).count().await?, 1);
    }
    Ok(())
}
