//! Raw statements and streams.

use thing::driver::Capability;
use thing::{ErrorKind, Model, Result};

use crate::support::{Stack, User, placeholders, user};

matrix! {
    every: [
        raw_rows_become_plain_values_and_tuples,
        raw_rows_become_objects_by_the_names_of_their_columns,
        raw_mistakes_are_typed,
        raw_statements_run_in_transactions,
        streams_give_every_object_once,
    ]
}

async fn raw_rows_become_plain_values_and_tuples(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    db.things::<User>().create_many((1..=3).map(user)).await?;
    let names: Vec<String> =
        db.raw(placeholders(&db, "SELECT name FROM users WHERE id > ? ORDER BY id")).bind(1).rows().await?;
    assert_eq!(names, ["User 2", "User 3"]);
    let pairs: Vec<(i64, Option<String>)> = db.raw("SELECT id, bio FROM users ORDER BY id").rows().await?;
    assert_eq!(pairs, [(1, None), (2, None), (3, Some("bio 3".into()))]);
    let count: u64 = db.raw("SELECT count(*) FROM users").row().await?;
    assert_eq!(count, 3);
    let none =
        db.raw(placeholders(&db, "SELECT id FROM users WHERE name = ?")).bind("nobody").row::<i64>().await.unwrap_err();
    assert!(none.is_not_found());
    let several = db.raw("SELECT id FROM users").row::<i64>().await.unwrap_err();
    assert_eq!(*several.kind(), ErrorKind::NotUnique);
    Ok(())
}

async fn raw_rows_become_objects_by_the_names_of_their_columns(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let created = user(1).create(&db).await?;
    let sql = "SELECT 'more' AS more, updated_at, created_at, bio, active, score, age, email, name, id FROM users";
    let objects = db.raw(sql).objects::<User>().await?;
    assert_eq!(*objects[0], *created);
    let error = db.raw("SELECT id, name FROM users").objects::<User>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidData { column: Some("email".into()) });
    assert!(error.to_string().contains("no column `email`"), "{error}");
    Ok(())
}

async fn raw_mistakes_are_typed(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let error = db
        .raw(placeholders(&db, "SELECT id FROM users WHERE id = ? OR age = ?"))
        .bind(1)
        .rows::<i64>()
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    let error = db.raw("SELECT 1, 2").rows::<i64>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidData { column: None }, "{error}");
    let error = db.raw("SELECT 'text'").rows::<i64>().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{error}");
    let error = db.raw("SELECT FROM WHERE").rows::<i64>().await.unwrap_err();
    assert!(!error.is_not_found(), "{error}");
    let error =
        db.raw(placeholders(&db, "SELECT id FROM users WHERE id = ?")).bind(u64::MAX).rows::<i64>().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{error}");
    Ok(())
}

async fn raw_statements_run_in_transactions(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    user(1).create(&db).await?;
    let transaction = db.begin().await?;
    assert_eq!(transaction.raw("UPDATE users SET age = 1").execute().await?, 1);
    assert_eq!(User::by_id(&transaction, 1).await?.age, 1);
    transaction.rollback().await?;
    assert_eq!(User::by_id(&db, 1).await?.age, 19);
    Ok(())
}

async fn streams_give_every_object_once(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    if !db.executor().capabilities().has(Capability::Streaming) {
        return Ok(());
    }
    db.things::<User>().create_many((1..=5000).map(user)).await?;
    let mut stream = User::filter(&db, User::ID.gt(10)).order_by(User::ID.desc()).stream().await?;
    let mut expected = (11..=5000).rev();
    while let Some(user) = stream.next().await? {
        assert_eq!(Some(user.id), expected.next());
    }
    assert_eq!(expected.next(), None);

    let mut stream = db.raw("SELECT * FROM users ORDER BY id").stream::<User>().await?;
    assert_eq!(stream.next().await?.unwrap().name, "User 1");
    drop(stream);
    user(6000).create(&db).await?;
    assert_eq!(db.things::<User>().count().await?, 5001, "a stream dropped early disturbs nobody");
    Ok(())
}
