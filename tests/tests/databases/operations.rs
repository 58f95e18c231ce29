//! The operations of a `Db` and of a transaction.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thing::{ConstraintKind, ErrorKind, Model, Result, Session};

use crate::support::{Stack, User, at, placeholders, quoted, statements, user};

matrix! {
    every: [
        objects_are_created_read_changed_and_deleted,
        both_styles_do_the_same,
        save_writes_the_changed_columns_only,
        an_unchanged_save_sends_nothing_and_keeps_the_time,
        a_missing_row_is_an_error_and_not_an_insert,
        a_failure_is_never_not_found,
        by_ids_takes_any_number_and_duplicates,
        bulk_writes_are_all_or_nothing_and_name_the_item,
        constraints_are_typed,
        transactions_commit_roll_back_and_nest,
        transaction_closures_can_be_spawned,
        queries_order_page_and_count,
        the_sql_and_the_plan_can_be_read,
        a_save_that_is_rolled_back_leaves_the_object_with_its_changes,
    ]
}

async fn objects_are_created_read_changed_and_deleted(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let mut alice = db.things::<User>().create(user(1)).await?;
    assert_eq!(alice.id, 1);
    assert_eq!(*User::by_id(&db, 1).await?, *alice);
    alice.age = 33;
    alice.save(&db).await?;
    assert_eq!(User::by_id(&db, alice.id).await?.age, 33);
    let older = User::filter(&db, User::AGE.gt(18) & User::NAME.eq("User 1")).all().await?;
    assert_eq!(older.len(), 1);
    alice.delete(&db).await?;
    assert!(User::by_id(&db, 1).await.unwrap_err().is_not_found());
    assert!(User::find(&db, 1).await?.is_none());
    Ok(())
}

async fn both_styles_do_the_same(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let a = user(1).create(&db).await?;
    let b = db.things::<User>().create(user(2)).await?;
    let plain = User { name: "Renamed".into(), ..b.clone().into_inner() }.save(&db).await?;
    assert_eq!(User::by_id(&db, b.id).await?.name, "Renamed");
    assert_eq!(plain.name, "Renamed");
    assert_eq!(db.things::<User>().by_id(a.id).await?, a);
    let new = user(3).save(&db).await?;
    assert_eq!(new.id, 3, "a plain struct without key is added");
    let session: &dyn Session = &db;
    assert_eq!(session.things::<User>().count().await?, 3);
    assert_eq!(User::by_id(session, 3).await?.name, "User 3");
    Ok(())
}

async fn save_writes_the_changed_columns_only(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    db.things::<User>().create(user(1)).await?;
    let mut first = User::by_id(&db, 1).await?;
    let mut second = User::by_id(&db, 1).await?;
    first.name = "First".into();
    second.score = 7.5;
    first.save(&db).await?;
    second.save(&db).await?;
    let stored = User::by_id(&db, 1).await?;
    assert_eq!((stored.name.as_str(), stored.score), ("First", 7.5), "neither save undid the other");
    Ok(())
}

async fn an_unchanged_save_sends_nothing_and_keeps_the_time(stack: &Stack) -> Result<()> {
    let seconds = Arc::new(AtomicU64::new(1000));
    let clock = seconds.clone();
    let db = stack.builder().await.clock(move || at(clock.load(Ordering::SeqCst))).build();
    db.sync::<User>().await?;
    let mut alice = user(1).create(&db).await?;
    assert_eq!((alice.created_at, alice.updated_at), (at(1000), at(1000)));
    seconds.store(2000, Ordering::SeqCst);
    alice.name = "User 1".into();
    let (sent, saved) = statements(&db, alice.save(&db)).await;
    saved?;
    assert_eq!(sent, 0);
    assert_eq!(User::by_id(&db, 1).await?.updated_at, at(1000));
    alice.name = "Alice".into();
    alice.save(&db).await?;
    assert_eq!((alice.created_at, alice.updated_at), (at(1000), at(2000)));
    assert_eq!(*User::by_id(&db, 1).await?, *alice);
    Ok(())
}

async fn a_missing_row_is_an_error_and_not_an_insert(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let mut alice = user(1).create(&db).await?;
    db.things::<User>().delete(alice.id).await?;
    alice.name = "Ghost".into();
    let error = alice.save(&db).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let error = alice.clone().into_inner().save(&db).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(db.things::<User>().delete(1).await.unwrap_err().is_not_found());
    assert_eq!(db.things::<User>().count().await?, 0);
    Ok(())
}

async fn a_failure_is_never_not_found(stack: &Stack) -> Result<()> {
    let db = stack.builder().await.build();
    let error = User::by_id(&db, 1).await.unwrap_err();
    assert!(!error.is_not_found());
    assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
    assert!(error.to_string().contains("users"), "{error}");
    Ok(())
}

async fn by_ids_takes_any_number_and_duplicates(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    db.things::<User>().create_many((1..=2000).map(user)).await?;
    let ids = (1..=2500).chain(1..=10);
    let found = db.things::<User>().by_ids(ids).await?;
    assert_eq!(found.len(), 2000);
    assert_eq!(found[&17].name, "User 17");
    assert!(!found.contains_key(&2001));
    let (sent, again) = statements(&db, db.things::<User>().by_ids((1..=2500).rev())).await;
    assert_eq!(again?.len(), 2000);
    assert_eq!(sent, u64::from(db.statistics().cache.hits == 0), "a cached batch sends nothing");
    assert!(db.things::<User>().by_ids(Vec::<i64>::new()).await?.is_empty());
    Ok(())
}

async fn bulk_writes_are_all_or_nothing_and_name_the_item(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let users = db.things::<User>();
    let created = users.create_many((0..5).map(user)).await?;
    assert_eq!(created.iter().map(|u| u.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let error = users.create_many([user(10), user(11), user(3)]).await.unwrap_err();
    assert!(error.is_unique_violation());
    assert!(error.to_string().contains("item 2"), "{error}");
    assert_eq!(users.count().await?, 5);

    let mut many = created;
    for one in &mut many {
        one.score += 100.0;
    }
    users.save_many(&mut many).await?;
    assert_eq!(User::filter(&db, User::SCORE.ge(100.0)).count().await?, 5);
    many[0].score = 1.0;
    many[4].email = "user0@example.com".into();
    let error = users.save_many(&mut many).await.unwrap_err();
    assert!(error.is_unique_violation());
    assert!(error.to_string().contains("item 4"), "{error}");
    assert_eq!(User::filter(&db, User::SCORE.ge(100.0)).count().await?, 5, "nothing was saved");
    assert!(many[0].is_changed(), "the objects keep their changes");

    let error = users.delete_many([1, 2, 99]).await.unwrap_err();
    assert!(error.is_not_found());
    assert!(error.to_string().contains("item 2"), "{error}");
    assert_eq!(users.count().await?, 5);
    users.delete_many([1, 2]).await?;
    assert_eq!(users.count().await?, 3);
    Ok(())
}

async fn constraints_are_typed(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    user(1).create(&db).await?;
    let error = user(1).create(&db).await.unwrap_err();
    let constraint = error.constraint().expect("a constraint error");
    assert_eq!(constraint.kind, ConstraintKind::Unique);
    assert_eq!(constraint.table.as_deref(), Some("users"));
    assert_eq!(constraint.columns, ["email"]);
    assert!(error.to_string().starts_with("create User"), "{error}");
    Ok(())
}

async fn transactions_commit_roll_back_and_nest(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    assert_eq!(db.things::<User>().count().await?, 0);
    let transaction = db.begin().await?;
    let mut alice = user(1).create(&transaction).await?;
    assert_eq!(transaction.things::<User>().count().await?, 1, "it sees its own writes");
    let inner = transaction.begin().await?;
    alice.age = 99;
    alice.save(&inner).await?;
    let refused = transaction.things::<User>().count().await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::InvalidInput, "{refused}");
    inner.rollback().await?;
    assert_eq!(User::by_id(&transaction, 1).await?.age, 19);
    let inner = transaction.begin().await?;
    user(2).create(&inner).await?;
    drop(inner);
    let inner = transaction.begin().await?;
    user(3).create(&inner).await?;
    inner.commit().await?;
    transaction.commit().await?;
    let names: Vec<String> = db.things::<User>().all().await?.iter().map(|u| u.name.clone()).collect();
    assert_eq!(names, ["User 1", "User 3"]);

    let result: Result<()> = db
        .transaction(async |transaction| {
            user(7).create(transaction).await?;
            User::by_id(transaction, 12345).await.map(drop)
        })
        .await;
    assert!(result.unwrap_err().is_not_found());
    drop({
        let transaction = db.begin().await?;
        user(8).create(&transaction).await?;
        transaction
    });
    assert_eq!(db.things::<User>().count().await?, 2);
    Ok(())
}

async fn transaction_closures_can_be_spawned(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let task = tokio::spawn(async move {
        db.transaction(async |transaction| {
            let mut alice = user(1).create(transaction).await?;
            alice.age += 1;
            alice.save(transaction).await
        })
        .await?;
        db.things::<User>().count().await
    });
    assert_eq!(task.await.unwrap()?, 1);
    Ok(())
}

async fn queries_order_page_and_count(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    db.things::<User>().create_many((0..120).map(user)).await?;
    let adults = User::filter(&db, User::AGE.between(20, 22));
    assert_eq!(adults.clone().count().await?, 9);
    assert!(adults.clone().exists().await?);
    let ordered = adults.clone().order_by(User::AGE.desc()).order_by(User::NAME.asc());
    let all = ordered.clone().all().await?;
    let mut paged = Vec::new();
    for offset in (0..).step_by(3) {
        let page = ordered.clone().fetch(offset, 3).await?;
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    assert_eq!(ordered.clone().first().await?.unwrap(), all[0]);
    assert_eq!(*ordered.one().await.unwrap_err().kind(), ErrorKind::NotUnique);
    assert_eq!(User::filter(&db, User::EMAIL.eq("user5@example.com")).one().await?.name, "User 5");
    assert!(User::filter(&db, User::AGE.gt(500)).one().await.unwrap_err().is_not_found());
    assert!(adults.fetch(1000, 5).await?.is_empty());
    Ok(())
}

async fn the_sql_and_the_plan_can_be_read(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let dialect = db.executor().dialect().unwrap();
    let [age, name, score, id] = ["age", "name", "score", "id"].map(|name| quoted(&db, name));
    let condition = format!("WHERE {age} = ? AND {name} LIKE ?{}", dialect.like_escape());
    // A column that can't be NULL needs no word on where NULL comes.
    let order = format!(" ORDER BY {score} DESC, {id}");
    let condition = placeholders(&db, &condition);
    let query = User::filter(&db, User::AGE.eq(20) & User::NAME.starts_with("A")).order_by(User::SCORE.desc());
    let sql = query.clone().to_sql()?;
    assert!(sql.starts_with(&format!("SELECT {id}, {name}, ")), "{sql}");
    assert!(sql.contains(&condition) && sql.contains(&order), "{sql} is not {condition}{order}");
    let plan = query.plan()?;
    assert_eq!(plan.depends_on(), ["name", "age", "score"]);
    let shown = plan.to_string();
    assert!(shown.contains(&sql), "{shown}");
    assert_eq!(plan.is_cached(), stack.client().await.is_some());
    assert_eq!(plan.is_cached(), shown.contains("rows of users with one value of age"), "{shown}");
    Ok(())
}

async fn a_save_that_is_rolled_back_leaves_the_object_with_its_changes(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let mut alice = user(1).create(&db).await?;
    alice.name = "Alice".into();

    let transaction = db.begin().await?;
    alice.save(&transaction).await?;
    assert!(!alice.is_changed(), "saved, while the transaction is open");
    let inner = transaction.begin().await?;
    alice.age = 77;
    alice.save(&inner).await?;
    inner.rollback().await?;
    assert!(alice.is_changed(), "the inner save is undone, the outer one is not");
    assert_eq!(alice.original().name, "Alice");
    transaction.rollback().await?;
    assert_eq!(alice.original().name, "User 1");

    alice.save(&db).await?;
    let stored = User::by_id(&db, 1).await?;
    assert_eq!((stored.name.as_str(), stored.age), ("Alice", 77), "nothing was lost");
    assert!(!alice.is_changed());

    let transaction = db.begin().await?;
    alice.age = 78;
    alice.save(&transaction).await?;
    transaction.commit().await?;
    assert!(!alice.is_changed());
    let (sent, saved) = statements(&db, alice.save(&db)).await;
    saved?;
    assert_eq!(sent, 0, "a committed save need not be repeated");
    Ok(())
}
