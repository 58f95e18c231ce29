//! Finding or creating by a unique key: one row, whoever asks for it at one time.

use std::sync::atomic::{AtomicU32, Ordering};

use thing::{ConstraintKind, Db, Error, ErrorKind, Model, Result};
use thing_conformance::recording::{Matcher, RecordingExecutor, When};

use crate::support::{Stack, statements};

matrix! {
    every: [
        what_is_not_there_is_created_once,
        several_columns_can_be_the_key,
        an_assigned_key_is_a_key_too,
        tasks_at_one_time_get_one_row,
        tasks_in_transactions_get_one_row,
        a_transaction_goes_on_after_a_find,
        a_rolled_back_creation_leaves_nothing,
        another_unique_column_that_is_taken_is_an_error,
        what_is_null_tells_nothing_apart,
        what_is_there_is_changed,
        changes_at_one_time_are_all_made,
        others_that_delete_it_again_and_again_are_an_error,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(unique(team, number))]
struct Player {
    id: i64,
    #[thing(unique)]
    email: String,
    #[thing(unique)]
    nick: Option<String>,
    team: i64,
    number: i32,
    points: i32,
    #[thing(version)]
    version: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Setting {
    #[thing(key)]
    name: String,
    value: String,
}

fn player(n: i32) -> NewPlayer {
    NewPlayer {
        email: format!("player{n}@example.com"),
        nick: None,
        team: i64::from(n / 10),
        number: n % 10,
        points: 1,
    }
}

async fn players(stack: &Stack) -> Db {
    stack.db::<(Player, Setting)>().await
}

async fn what_is_not_there_is_created_once(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let players = db.things::<Player>();
    assert_eq!(players.count().await?, 0);
    let created = players.find_or_create(Player::EMAIL, player(1)).await?;
    assert!(created.is_created());
    let other = NewPlayer { points: 9, team: 5, ..player(1) };
    let found = players.find_or_create(Player::EMAIL, other.clone()).await?;
    assert!(!found.is_created());
    let (found, created) = (found.into_object(), created.into_object());
    assert_eq!((found.points, &found), (1, &created));
    assert_eq!(players.count().await?, 1);
    if stack.client().await.is_some() {
        let (sent, again) = statements(&db, players.find_or_create(Player::EMAIL, other)).await;
        assert_eq!((sent, again?.is_created()), (0, false), "what is there is found in the cache");
    }
    Ok(())
}

async fn several_columns_can_be_the_key(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let key = (Player::TEAM, Player::NUMBER);
    let players = db.things::<Player>();
    let first = players.find_or_create(key, player(23)).await?.into_object();
    let same = NewPlayer { email: "other@example.com".into(), ..player(23) };
    assert_eq!(players.find_or_create(key, same).await?.into_object(), first);
    assert!(players.find_or_create(key, player(24)).await?.is_created());
    assert_eq!(Player::filter(&db, Player::TEAM.eq(2)).count().await?, 2);
    Ok(())
}

async fn an_assigned_key_is_a_key_too(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let settings = db.things::<Setting>();
    let setting = |value: &str| Setting { name: "theme".into(), value: value.into() };
    assert!(Setting::find(&db, "theme").await?.is_none());
    assert!(settings.find_or_create(Setting::NAME, setting("dark")).await?.is_created());
    assert_eq!(settings.find_or_create(Setting::NAME, setting("light")).await?.into_object().value, "dark");
    let changed = settings.update_or_create(Setting::NAME, setting("light"), |s| s.value = "light".into()).await?;
    assert!(!changed.is_created());
    assert_eq!(Setting::by_id(&db, "theme").await?.value, "light");
    Ok(())
}

async fn tasks_at_one_time_get_one_row(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    for round in 1..=3 {
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let db = db.clone();
            tasks.push(tokio::spawn(async move {
                db.things::<Player>().find_or_create(Player::EMAIL, player(round)).await
            }));
        }
        let mut created = 0;
        let mut ids = Vec::new();
        for task in tasks {
            let one = task.await.unwrap()?;
            created += u32::from(one.is_created());
            ids.push(one.into_object().id);
        }
        ids.dedup();
        assert_eq!((created, ids.len()), (1, 1));
        assert_eq!(db.things::<Player>().count().await?, u64::try_from(round).unwrap());
    }
    Ok(())
}

async fn tasks_in_transactions_get_one_row(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            db.retry_transaction(thing::Retry::default(), async |transaction| {
                let players = transaction.things::<Player>();
                let found = players.find_or_create(Player::EMAIL, player(1)).await?;
                players.increment(found.into_object().id, Player::POINTS.plus(1)).await.map(|player| player.id)
            })
            .await
        }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap()?);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(Player::by_id(&db, ids[0]).await?.points, 7);
    assert_eq!(db.things::<Player>().count().await?, 1);
    Ok(())
}

async fn a_transaction_goes_on_after_a_find(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    db.things::<Player>().create(player(1)).await?;
    let transaction = db.begin().await?;
    let players = transaction.things::<Player>();
    assert!(!players.find_or_create(Player::EMAIL, player(1)).await?.is_created());
    assert!(players.find_or_create(Player::EMAIL, player(2)).await?.is_created());
    // A refusal in the savepoint does not end the transaction.
    let taken = NewPlayer { email: "new@example.com".into(), ..player(1) };
    assert!(players.find_or_create(Player::EMAIL, taken).await.unwrap_err().is_unique_violation());
    assert!(players.find_or_create(Player::EMAIL, player(3)).await?.is_created());
    transaction.commit().await?;
    assert_eq!(db.things::<Player>().count().await?, 3);
    Ok(())
}

async fn a_rolled_back_creation_leaves_nothing(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let by_email = || Player::filter(&db, Player::EMAIL.eq("player1@example.com"));
    assert!(by_email().first().await?.is_none());
    let transaction = db.begin().await?;
    transaction.things::<Player>().find_or_create(Player::EMAIL, player(1)).await?;
    transaction.rollback().await?;
    assert!(by_email().first().await?.is_none());
    assert!(db.things::<Player>().find_or_create(Player::EMAIL, player(1)).await?.is_created());
    assert!(by_email().first().await?.is_some());
    Ok(())
}

async fn another_unique_column_that_is_taken_is_an_error(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let players = db.things::<Player>();
    players.create(player(1)).await?;
    let taken = NewPlayer { email: "new@example.com".into(), ..player(1) };
    let error = players.find_or_create(Player::EMAIL, taken.clone()).await.unwrap_err();
    assert_eq!(error.constraint().map(|constraint| constraint.kind), Some(ConstraintKind::Unique), "{error}");
    assert!(players.update_or_create(Player::EMAIL, taken, |_| ()).await.unwrap_err().is_unique_violation());
    assert_eq!(players.count().await?, 1);
    Ok(())
}

async fn what_is_null_tells_nothing_apart(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let players = db.things::<Player>();
    let error = players.find_or_create(Player::NICK, player(1)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    let named = NewPlayer { nick: Some("Ace".into()), ..player(1) };
    assert!(players.find_or_create(Player::NICK, named.clone()).await?.is_created());
    assert!(!players.find_or_create(Player::NICK, named).await?.is_created());
    Ok(())
}

async fn what_is_there_is_changed(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let players = db.things::<Player>();
    let rich = || Player::filter(&db, Player::POINTS.gt(5)).count();
    assert_eq!(rich().await?, 0);
    let more = |player: &mut Player| player.points += 5;
    assert!(players.update_or_create(Player::EMAIL, player(1), more).await?.is_created());
    assert_eq!(rich().await?, 0);
    let changed = players.update_or_create(Player::EMAIL, player(1), more).await?;
    assert!(!changed.is_created());
    let changed = changed.into_object();
    assert_eq!((changed.points, changed.version, rich().await?), (6, 2, 1));
    assert_eq!(Player::by_id(&db, changed.id).await?, changed);
    let (sent, _) = statements(&db, players.update_or_create(Player::EMAIL, player(1), |_| ())).await;
    assert!(sent <= 1, "without a change nothing is written");
    db.transaction(async |transaction| {
        let changed = transaction.things::<Player>().update_or_create(Player::EMAIL, player(1), more).await?;
        assert_eq!(changed.into_object().points, 11);
        Ok(())
    })
    .await?;
    assert_eq!(Player::by_id(&db, changed.id).await?.points, 11);
    Ok(())
}

async fn changes_at_one_time_are_all_made(stack: &Stack) -> Result<()> {
    let db = players(stack).await;
    let mut tasks = Vec::new();
    for _ in 0..5 {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            let more = |player: &mut Player| player.points += 1;
            db.things::<Player>().update_or_create(Player::EMAIL, player(1), more).await
        }));
    }
    for task in tasks {
        task.await.unwrap()?;
    }
    let all = db.things::<Player>().all().await?;
    assert_eq!(all.iter().map(|player| player.points).collect::<Vec<_>>(), [5]);
    Ok(())
}

async fn others_that_delete_it_again_and_again_are_an_error(stack: &Stack) -> Result<()> {
    let recording = RecordingExecutor::new(stack.executor().await);
    let db = stack.over(recording.clone()).await.build();
    db.sync::<Player>().await?;
    let taken = thing::driver::Constraint::new(ConstraintKind::Unique).on("players", vec!["email".into()]);
    let taken = Error::new(ErrorKind::Constraint(taken), "the email is taken");
    recording.fail_all(Matcher::writes(), taken, When::Before);
    let error = db.things::<Player>().find_or_create(Player::EMAIL, player(1)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict, "{error}");
    recording.clear_faults();
    let runs = AtomicU32::new(0);
    let created = db.things::<Player>().update_or_create(Player::EMAIL, player(1), |_| {
        runs.fetch_add(1, Ordering::Relaxed);
    });
    assert!(created.await?.is_created());
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    Ok(())
}
