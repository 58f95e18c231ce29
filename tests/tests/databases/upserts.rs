//! Upserts and bulk writes: one row for each unique key, chunk by chunk, and what the cache answers follows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use thing::driver::Capability;
use thing::{Db, ErrorKind, Model, Result};

use crate::support::{Limited, Stack, at, statements};

matrix! {
    every: [
        an_upsert_creates_or_changes,
        one_statement_is_enough_without_a_cache,
        an_assigned_key_and_several_columns_are_unique_keys,
        times_and_versions_are_kept,
        another_unique_column_in_the_way_is_a_violation,
        lists_and_counts_follow_upserts,
        upserts_at_one_time_make_one_row,
        upserts_in_transactions_commit_and_roll_back,
        an_upsert_needs_no_help_of_the_database,
        what_makes_no_sense_is_refused,
        many_are_inserted_in_chunks,
        a_chunk_is_all_or_nothing,
        many_are_upserted_in_chunks,
        bulk_writes_work_in_transactions,
    ]
}

/// Two unique keys besides the generated one.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(unique(team, number))]
struct Player {
    id: i64,
    #[thing(unique)]
    email: String,
    team: i64,
    number: i32,
    points: i32,
    note: Option<String>,
    #[thing(created)]
    created_at: SystemTime,
    #[thing(updated)]
    updated_at: SystemTime,
    #[thing(version)]
    version: i64,
}

/// Its key is the only one.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Setting {
    #[thing(key)]
    name: String,
    #[thing(index)]
    kind: i64,
    value: i64,
}

fn player(n: i32, points: i32) -> NewPlayer {
    NewPlayer { email: format!("p{n}@example.com"), team: i64::from(n % 2), number: n, points, note: None }
}

fn setting(n: i64, value: i64) -> Setting {
    Setting { name: format!("setting {n}"), kind: n % 3, value }
}

async fn open(stack: &Stack) -> Db {
    stack.db::<(Player, Setting)>().await
}

async fn an_upsert_creates_or_changes(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    let players = db.things::<Player>();
    let created = players.upsert(player(1, 10), Player::EMAIL, Player::POINTS).await?;
    assert_eq!((created.id, created.points, created.version), (1, 10, 1));
    let new = NewPlayer { note: Some("kept out".into()), team: 7, ..player(1, 20) };
    let changed = players.upsert(new, Player::EMAIL, Player::POINTS).await?;
    assert_eq!((changed.id, changed.points, changed.team, changed.version), (1, 20, 1, 2));
    assert_eq!(changed.note, None);
    let new = NewPlayer { note: Some("red".into()), team: 7, ..player(1, 30) };
    let changed = players.upsert(new, Player::EMAIL, (Player::NOTE, Player::TEAM)).await?;
    assert_eq!((changed.points, changed.team, changed.note.as_deref()), (20, 7, Some("red")));
    assert_eq!(changed, Player::by_id(&db, 1).await?);
    assert_eq!(changed, players.by_id_uncached(1).await?);
    assert!(!changed.is_changed());
    assert_eq!(players.count().await?, 1);
    Ok(())
}

async fn one_statement_is_enough_without_a_cache(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    let capabilities = db.executor().capabilities();
    let settings = db.things::<Setting>();
    let (first, _) = statements(&db, settings.upsert(setting(1, 1), Setting::NAME, Setting::VALUE)).await;
    let (again, done) = statements(&db, settings.upsert(setting(1, 2), Setting::NAME, Setting::VALUE)).await;
    assert_eq!(done?.value, 2);
    if stack.client().await.is_none() {
        let sent = if capabilities.has(Capability::Returning) { 1 } else { 2 };
        assert_eq!((first, again), (sent, sent));
        // A database that goes by any unique key is not asked where there are several.
        let (sent, _) =
            statements(&db, db.things::<Player>().upsert(player(1, 1), Player::EMAIL, Player::POINTS)).await;
        assert_eq!(sent, if capabilities.has(Capability::UpsertsByKey) { 1 } else { 2 });
    }
    assert!(first <= 2 && again <= 3, "{first} {again}");
    Ok(())
}

async fn an_assigned_key_and_several_columns_are_unique_keys(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    let settings = db.things::<Setting>();
    settings.upsert(setting(1, 1), Setting::NAME, Setting::VALUE).await?;
    assert_eq!(settings.upsert(setting(1, 5), Setting::NAME, Setting::VALUE).await?.value, 5);
    assert_eq!(Setting::by_id(&db, "setting 1").await?.value, 5);
    let players = db.things::<Player>();
    players.create(player(1, 1)).await?;
    let new = NewPlayer { email: "new@example.com".into(), ..player(1, 2) };
    let changed = players.upsert(new, (Player::TEAM, Player::NUMBER), (Player::EMAIL, Player::POINTS)).await?;
    assert_eq!((changed.id, changed.email.as_str(), changed.points), (1, "new@example.com", 2));
    assert_eq!(changed, Player::by_id(&db, 1).await?);
    Ok(())
}

async fn times_and_versions_are_kept(stack: &Stack) -> Result<()> {
    let seconds = Arc::new(AtomicU64::new(1000));
    let clock = seconds.clone();
    let db = stack.builder().await.clock(move || at(clock.load(Ordering::SeqCst))).build();
    db.sync::<Player>().await?;
    let players = db.things::<Player>();
    players.upsert(player(1, 1), Player::EMAIL, Player::POINTS).await?;
    seconds.store(2000, Ordering::SeqCst);
    let changed = players.upsert(player(1, 2), Player::EMAIL, Player::POINTS).await?;
    assert_eq!((changed.created_at, changed.updated_at, changed.version), (at(1000), at(2000), 2));
    let mut bulk = players.upsert_many(Player::EMAIL, Player::POINTS);
    seconds.store(3000, Ordering::SeqCst);
    bulk.write([player(1, 3), player(2, 3)]).await?;
    assert_eq!(bulk.finish().await?, 2);
    let stored = Player::by_id(&db, 1).await?;
    assert_eq!((stored.created_at, stored.updated_at, stored.version, stored.points), (at(1000), at(3000), 3, 3));
    assert_eq!(Player::filter(&db, Player::EMAIL.eq("p2@example.com")).one().await?.version, 1);
    Ok(())
}

async fn another_unique_column_in_the_way_is_a_violation(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    let players = db.things::<Player>();
    players.create_many([player(1, 1), player(3, 1)]).await?;
    // A new address with a number that somebody has.
    let new = || NewPlayer { email: "new@example.com".into(), ..player(3, 9) };
    let error = players.upsert(new(), Player::EMAIL, Player::POINTS).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    let mut bulk = players.upsert_many(Player::EMAIL, Player::POINTS);
    bulk.write([player(1, 5), player(2, 5)]).await?;
    bulk.push(new()).await?;
    let error = bulk.finish().await.unwrap_err();
    assert!(error.is_unique_violation() && error.to_string().contains("Player item 2"), "{error}");
    // The address of one, given the number of the other.
    let error = players.upsert(player(1, 9), Player::EMAIL, Player::NUMBER).await;
    assert!(error.is_ok(), "its own number");
    let new = NewPlayer { email: "p1@example.com".into(), ..player(3, 9) };
    let error = players.upsert(new, Player::EMAIL, (Player::TEAM, Player::NUMBER)).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    let points: Vec<i32> = db.things::<Player>().all().await?.iter().map(|player| player.points).collect();
    assert_eq!(points, [1, 1], "nobody's points were changed");
    Ok(())
}

async fn lists_and_counts_follow_upserts(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    let of_kind = async |kind: i64| {
        let query = Setting::filter(&db, Setting::KIND.eq(kind));
        let list: Vec<i64> = query.clone().all().await?.iter().map(|setting| setting.value).collect();
        assert_eq!(query.clone().count().await?, list.len() as u64);
        let now: Vec<i64> = query.uncached().all().await?.iter().map(|setting| setting.value).collect();
        assert_eq!(list, now);
        Ok::<_, thing::Error>(list)
    };
    let settings = db.things::<Setting>();
    assert!(Setting::find(&db, "setting 1").await?.is_none());
    assert_eq!((of_kind(1).await?, of_kind(2).await?), (vec![], vec![]));
    settings.upsert(setting(1, 1), Setting::NAME, (Setting::VALUE, Setting::KIND)).await?;
    assert_eq!((of_kind(1).await?, of_kind(2).await?), (vec![1], vec![]));
    settings.upsert(Setting { kind: 2, ..setting(1, 7) }, Setting::NAME, (Setting::VALUE, Setting::KIND)).await?;
    assert_eq!((of_kind(1).await?, of_kind(2).await?), (vec![], vec![7]));
    assert_eq!(Setting::by_id(&db, "setting 1").await?.value, 7);
    let mut bulk = settings.upsert_many(Setting::NAME, (Setting::VALUE, Setting::KIND));
    bulk.write([setting(1, 8), setting(2, 9)]).await?;
    bulk.finish().await?;
    assert_eq!((of_kind(1).await?, of_kind(2).await?), (vec![8], vec![9]));
    assert_eq!(Setting::by_id(&db, "setting 1").await?.value, 8);
    assert_eq!(Setting::by_id(&db, "setting 2").await?.value, 9);
    Ok(())
}

async fn upserts_at_one_time_make_one_row(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    let mut tasks = Vec::new();
    for n in 0..8 {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..3 {
                let done = db.things::<Player>().upsert(player(round, n), Player::EMAIL, Player::POINTS).await?;
                assert_eq!(done.points, n);
                Player::by_id(&db, done.id).await?;
            }
            Ok::<_, thing::Error>(())
        }));
    }
    for task in tasks {
        task.await.unwrap()?;
    }
    let players = db.things::<Player>().all().await?;
    assert_eq!(players.len(), 3);
    for player in players {
        assert_eq!(player.version, 8);
        assert_eq!(player, db.things::<Player>().by_id_uncached(player.id).await?);
    }
    Ok(())
}

async fn upserts_in_transactions_commit_and_roll_back(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    db.things::<Player>().create(player(1, 1)).await?;
    Player::by_id(&db, 1).await?;
    let transaction = db.begin().await?;
    let players = transaction.things::<Player>();
    assert_eq!(players.upsert(player(1, 5), Player::EMAIL, Player::POINTS).await?.points, 5);
    assert_eq!(players.upsert(player(2, 5), Player::EMAIL, Player::POINTS).await?.points, 5);
    transaction.rollback().await?;
    assert_eq!((Player::by_id(&db, 1).await?.points, db.things::<Player>().count().await?), (1, 1));
    let transaction = db.begin().await?;
    let players = transaction.things::<Player>();
    players.upsert(player(1, 5), Player::EMAIL, Player::POINTS).await?;
    players.upsert(player(2, 5), Player::EMAIL, Player::POINTS).await?;
    transaction.commit().await?;
    assert_eq!((Player::by_id(&db, 1).await?.points, db.things::<Player>().count().await?), (5, 2));
    Ok(())
}

async fn an_upsert_needs_no_help_of_the_database(stack: &Stack) -> Result<()> {
    let limited = Limited::new(stack.executor().await, &[Capability::Upserts, Capability::Returning]);
    let db = stack.over(limited).await.build();
    db.sync::<Player>().await?;
    let players = db.things::<Player>();
    players.upsert(player(1, 1), Player::EMAIL, Player::POINTS).await?;
    assert_eq!(players.upsert(player(1, 2), Player::EMAIL, Player::POINTS).await?.points, 2);
    let mut bulk = players.upsert_many(Player::EMAIL, Player::POINTS);
    bulk.write([player(1, 3), player(2, 3)]).await?;
    assert_eq!(bulk.finish().await?, 2);
    assert_eq!((Player::by_id(&db, 1).await?.points, players.count().await?), (3, 2));
    Ok(())
}

async fn what_makes_no_sense_is_refused(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    let players = db.things::<Player>();
    let refused = [
        players.upsert(player(1, 1), Player::EMAIL, Player::EMAIL).await,
        players.upsert(player(1, 1), Player::EMAIL, Player::ID).await,
        players.upsert(player(1, 1), Player::EMAIL, Player::VERSION).await,
        players.upsert(player(1, 1), Player::EMAIL, (Player::POINTS, Player::POINTS)).await,
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(players.count().await?, 0);
    Ok(())
}

async fn many_are_inserted_in_chunks(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    assert_eq!(Setting::filter(&db, Setting::KIND.eq(1)).count().await?, 0);
    let mut told = Vec::new();
    let mut bulk = db.things::<Setting>().insert_many().chunk_size(100).on_progress(|done| told.push(done));
    bulk.write((0..250).map(|n| setting(n, n))).await?;
    assert_eq!(bulk.written(), 200);
    bulk.push(setting(250, 250)).await?;
    assert_eq!(bulk.finish().await?, 251);
    assert_eq!(told, [100, 200, 251]);
    assert_eq!(db.things::<Setting>().count().await?, 251);
    assert_eq!(Setting::filter(&db, Setting::KIND.eq(1)).count().await?, 84);
    // Generated keys.
    let mut bulk = db.things::<Player>().insert_many();
    bulk.write((0..50).map(|n| player(n, n))).await?;
    assert_eq!(bulk.finish().await?, 50);
    assert_eq!(Player::filter(&db, Player::POINTS.ge(25)).count().await?, 25);
    Ok(())
}

async fn a_chunk_is_all_or_nothing(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    Setting { name: "setting 25".into(), kind: 0, value: 0 }.create(&db).await?;
    let mut bulk = db.things::<Setting>().insert_many().chunk_size(10);
    let error = bulk.write((0..50).map(|n| setting(n, n))).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    let message = error.to_string();
    assert!(message.starts_with("after 20 objects were written: Setting item 25: "), "{message}");
    assert_eq!(bulk.written(), 20);
    assert_eq!(db.things::<Setting>().count().await?, 21);
    assert_eq!(Setting::find(&db, "setting 21").await?, None);
    Ok(())
}

async fn many_are_upserted_in_chunks(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    let all = || (0..120).map(|n| setting(n, n));
    let mut bulk = db.things::<Setting>().insert_many();
    bulk.write(all().take(60)).await?;
    bulk.finish().await?;
    Setting::by_id(&db, "setting 5").await?;
    // One key twice: the later one counts.
    let mut bulk = db.things::<Setting>().upsert_many(Setting::NAME, Setting::VALUE).chunk_size(50);
    bulk.write(all().map(|one| Setting { value: one.value + 1000, ..one })).await?;
    bulk.write([setting(7, 1), setting(7, 2)]).await?;
    assert_eq!(bulk.finish().await?, 122);
    assert_eq!(db.things::<Setting>().count().await?, 120);
    assert_eq!(Setting::by_id(&db, "setting 5").await?.value, 1005);
    assert_eq!(Setting::by_id(&db, "setting 7").await?.value, 2);
    assert_eq!(Setting::filter(&db, Setting::VALUE.ge(1000)).count().await?, 119);
    Ok(())
}

async fn bulk_writes_work_in_transactions(stack: &Stack) -> Result<()> {
    let db = open(stack).await;
    setting(1, 1).create(&db).await?;
    let transaction = db.begin().await?;
    let mut bulk = transaction.things::<Setting>().insert_many().chunk_size(2);
    bulk.write((2..5).map(|n| setting(n, n))).await?;
    assert_eq!(bulk.finish().await?, 3);
    let mut bulk = transaction.things::<Setting>().upsert_many(Setting::NAME, Setting::VALUE);
    bulk.write([setting(1, 9), setting(9, 9)]).await?;
    bulk.finish().await?;
    transaction.commit().await?;
    assert_eq!(db.things::<Setting>().count().await?, 5);
    assert_eq!(Setting::by_id(&db, "setting 1").await?.value, 9);
    Ok(())
}
