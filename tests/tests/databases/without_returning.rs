//! A database that gives back no rows from its writes: what the guard of a write vouches for must do.

use std::sync::Arc;

use thing::driver::Capability;
use thing::{Db, Model, Result};
use thing_conformance::recording::RecordingExecutor;

use crate::support::{Limited, Post, Stack, User, post, statements, user};

matrix! {
    every: [every_kind_of_write_is_seen_by_the_next_read]
    cached: [
        a_save_of_another_column_keeps_lists_and_counts,
        a_write_of_what_was_read_is_one_statement,
    ]
}

async fn posts(stack: &Stack) -> Result<(Db, Arc<RecordingExecutor>)> {
    let recording = RecordingExecutor::new(stack.executor().await);
    let limited = Limited::new(recording.clone(), &[Capability::Returning]);
    let db = stack.over(limited).await.build();
    db.sync::<(User, Post)>().await?;
    db.things::<User>().create_many((1..=3).map(user)).await?;
    db.things::<Post>().create_many((1..=3).flat_map(|user| (0..4).map(move |n| post(user, n)))).await?;
    recording.reset();
    Ok((db, recording))
}

async fn a_write_of_what_was_read_is_one_statement(stack: &Stack) -> Result<()> {
    let (db, recording) = posts(stack).await?;
    let mut post = Post::by_id(&db, 1).await?;
    recording.reset();
    post.stars = 9;
    post.save(&db).await?;
    post.user_id = 2;
    post.save(&db).await?;
    assert_eq!((recording.writes(), recording.reads()), (2, 0));
    assert_eq!(Post::by_id(&db, 1).await?, post);
    recording.reset();
    post.delete(&db).await?;
    assert_eq!((recording.writes(), recording.reads()), (1, 0));
    assert!(Post::find(&db, 1).await?.is_none());
    Ok(())
}

async fn a_save_of_another_column_keeps_lists_and_counts(stack: &Stack) -> Result<()> {
    let (db, _) = posts(stack).await?;
    let liked = || Post::filter(&db, Post::STARS.ge(2)).count();
    let mine = || Post::filter(&db, Post::USER_ID.eq(1)).all();
    assert_eq!((liked().await?, mine().await?.len()), (6, 4));
    let mut first = mine().await?.remove(0);
    first.title = "Another title".into();
    first.save(&db).await?;
    let (sent, count) = statements(&db, liked()).await;
    assert_eq!((sent, count?), (0, 6), "the count is about stars");
    let (sent, list) = statements(&db, mine()).await;
    assert_eq!(sent, 1, "the list's keys are still good, the changed object is read again");
    assert_eq!(list?[0].title, "Another title");
    Ok(())
}

async fn every_kind_of_write_is_seen_by_the_next_read(stack: &Stack) -> Result<()> {
    let (db, _) = posts(stack).await?;
    let liked = async || Post::filter(&db, Post::STARS.ge(2)).all().await.map(|posts| posts.len());
    let of_second = || Post::filter(&db, Post::USER_ID.eq(2)).count();
    assert_eq!((liked().await?, of_second().await?), (6, 4));
    let created = post(2, 5).create(&db).await?;
    assert_eq!((liked().await?, of_second().await?), (7, 5));
    let moved = Post { user_id: 3, stars: 0, ..created.clone().into_inner() }.save(&db).await?;
    assert_eq!((liked().await?, of_second().await?), (6, 4));
    assert_eq!(Post::by_id(&db, created.id).await?, moved);
    // What this copy was read as is long gone.
    let mut old = created;
    old.stars = 3;
    old.save(&db).await?;
    assert_eq!((liked().await?, of_second().await?), (7, 4));
    db.things::<Post>().delete(old.id).await?;
    assert_eq!((liked().await?, of_second().await?), (6, 4));
    db.transaction(async |transaction| {
        post(2, 3).create(transaction).await?;
        let mut other = Post::by_id(transaction, 1).await?;
        other.user_id = 2;
        other.save(transaction).await
    })
    .await?;
    assert_eq!((liked().await?, of_second().await?), (7, 6));
    Ok(())
}
