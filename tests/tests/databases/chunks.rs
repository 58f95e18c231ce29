//! Chunks: all objects of a query, while others write.

use std::collections::BTreeSet;

use thing::{Error, ErrorKind, Loaded, Model, Query, Result};
use thing_conformance::recording::{Matcher, RecordingExecutor, When};

use crate::support::{Post, Stack, post, statements};

matrix! {
    every: [
        every_object_comes_once,
        a_filter_leaves_the_others_out,
        what_is_written_between_chunks_skips_and_repeats_nothing,
        chunks_go_by_keys_of_every_kind,
        a_chunk_that_failed_can_be_asked_for_again,
        a_transaction_sees_its_own_writes_in_chunks,
        an_order_and_chunks_of_nothing_are_refused,
    ]
    cached: [chunks_take_nothing_from_the_cache_and_put_nothing_there]
}

async fn collected<M: Model>(query: Query<'_, M>, size: u64) -> Result<Vec<Loaded<M>>> {
    let mut chunks = query.chunks(size);
    let mut all = Vec::new();
    while let Some(chunk) = chunks.next().await? {
        assert!(!chunk.is_empty() && chunk.len() as u64 <= size);
        all.extend(chunk);
    }
    assert!(chunks.next().await?.is_none(), "the end stays the end");
    Ok(all)
}

async fn every_object_comes_once(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = db.things::<Post>();
    assert!(posts.all_objects().chunks(3).next().await?.is_none());
    posts.create_many((0..10).map(|n| post(1, n))).await?;
    let all = posts.all_objects().uncached().all().await?;
    for size in 1..=12 {
        let (sent, found) = statements(&db, collected(posts.all_objects(), size)).await;
        assert_eq!(found?, all, "in chunks of {size}");
        assert_eq!(sent, 10 / size + 1, "a chunk that is not full is the last one");
    }
    Ok(())
}

async fn a_filter_leaves_the_others_out(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = db.things::<Post>();
    posts.create_many((0..30).map(|n| post(i64::from(n % 3), n))).await?;
    let some = || posts.filter(Post::USER_ID.eq(1) | Post::STARS.lt(4));
    assert_eq!(collected(some(), 4).await?, some().all().await?);
    Ok(())
}

async fn what_is_written_between_chunks_skips_and_repeats_nothing(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = db.things::<Post>();
    posts.create_many((1..=40).map(|n| post(1, n))).await?;
    let mut chunks = posts.filter(Post::STARS.ge(0)).chunks(7);
    let mut seen = Vec::new();
    let mut removed = BTreeSet::new();
    while let Some(chunk) = chunks.next().await? {
        seen.extend(chunk.iter().map(|post| post.id));
        for mut post in chunk {
            match post.id % 4 {
                // Gone, or out of the filter: an offset would now leave out as many.
                0 => post.delete(&db).await?,
                1 => {
                    post.stars = -1;
                    post.save(&db).await?;
                }
                _ => {}
            }
        }
        let last = *seen.last().unwrap();
        // One that lies ahead goes, one with a key that lies behind comes.
        if last + 3 <= 40 && posts.find(last + 3).await?.is_some() {
            posts.delete(last + 3).await?;
            removed.insert(last + 3);
        }
        if let Some(free) = (1..last).find(|id| id % 4 == 0) {
            let again = Post { id: free, ..post(2, 1) };
            if posts.find(free).await?.is_none() {
                again.create(&db).await?;
            }
        }
    }
    let expected: Vec<i64> = (1..=40).filter(|id| !removed.contains(id)).collect();
    assert_eq!(seen, expected);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "chunked_words", key(word))]
struct Word {
    word: String,
    length: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "chunked_seats", key(row, number))]
struct Seat {
    row: String,
    number: i32,
}

async fn chunks_go_by_keys_of_every_kind(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Word, Seat)>().await;
    let words = ["b", "a", "", "A", "ä", "ab", "😀", "a b", "Z", "zz"];
    db.things::<Word>().create_many(words.map(|word| Word { word: word.into(), length: 0 })).await?;
    let seats = (0..20).map(|n| Seat { row: ["B", "A", "C"][n % 3].into(), number: n as i32 % 7 - 3 });
    db.things::<Seat>().create_many(seats).await?;
    for size in [1, 3, 10, 20] {
        let query = || db.things::<Word>().all_objects();
        assert_eq!(collected(query(), size).await?, query().uncached().all().await?);
        let query = || db.things::<Seat>().all_objects();
        assert_eq!(collected(query(), size).await?, query().uncached().all().await?);
    }
    Ok(())
}

async fn a_chunk_that_failed_can_be_asked_for_again(stack: &Stack) -> Result<()> {
    let recording = RecordingExecutor::new(stack.executor().await);
    let db = stack.over(recording.clone()).await.build();
    db.sync::<Post>().await?;
    db.things::<Post>().create_many((0..5).map(|n| post(1, n))).await?;
    let mut chunks = db.things::<Post>().all_objects().chunks(2);
    let mut ids = Vec::new();
    for _ in 0..3 {
        recording.fail_next(Matcher::reads_of("posts"), Error::backend("the line is cut"), When::Before);
        assert_eq!(*chunks.next().await.unwrap_err().kind(), ErrorKind::Backend);
        ids.extend(chunks.next().await?.unwrap().iter().map(|post| post.id));
    }
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    Ok(())
}

async fn a_transaction_sees_its_own_writes_in_chunks(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    db.things::<Post>().create_many((0..5).map(|n| post(1, n))).await?;
    let transaction = db.begin().await?;
    transaction.things::<Post>().create_many((5..8).map(|n| post(1, n))).await?;
    assert_eq!(collected(transaction.things::<Post>().all_objects(), 3).await?.len(), 8);
    transaction.rollback().await?;
    assert_eq!(collected(db.things::<Post>().all_objects(), 3).await?.len(), 5);
    Ok(())
}

async fn an_order_and_chunks_of_nothing_are_refused(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let ordered = db.things::<Post>().order_by(Post::STARS.asc());
    let error = ordered.chunks(3).next().await.unwrap_err();
    assert!(*error.kind() == ErrorKind::InvalidInput && error.to_string().contains("order_by"), "{error}");
    let error = db.things::<Post>().all_objects().chunks(0).next().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    Ok(())
}

async fn chunks_take_nothing_from_the_cache_and_put_nothing_there(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    db.things::<Post>().create_many((0..5).map(|n| post(1, n))).await?;
    let query = || db.things::<Post>().all_objects();
    for _ in 0..2 {
        assert_eq!(statements(&db, collected(query(), 2)).await.0, 3);
    }
    assert_eq!(statements(&db, Post::by_id(&db, 3)).await.0, 1, "nothing was put there");
    Ok(())
}
