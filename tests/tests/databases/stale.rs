//! Queries that are content with an answer that is not true any more, counted in statements.

use std::time::Duration;

use thing::{Db, Loaded, Model, Query, Result};

use crate::support::{Post, Stack, User, post, statements, user};

matrix! {
    cached: [
        the_stale_answer_comes_at_once_and_is_renewed_once,
        a_count_may_be_stale_and_is_renewed,
        what_exists_may_be_stale_and_is_renewed,
        who_does_not_ask_gets_nothing_stale,
        nothing_older_than_asked_for_is_served,
        objects_of_a_stale_list_are_up_to_date,
        a_list_of_which_an_object_is_gone_is_read_after_all,
    ]
}

const LONG: Duration = Duration::from_secs(300);
const PATIENCE: Duration = Duration::from_secs(20);

async fn posts(stack: &Stack) -> Result<Db> {
    let db = stack.users().await;
    db.things::<User>().create(user(1)).await?;
    db.things::<Post>().create_many((1..=4).map(|n| post(1, n))).await?;
    Ok(db)
}

/// Posts with more than two stars: the third and the fourth.
fn starred(db: &Db) -> Query<'_, Post> {
    Post::filter(db, Post::STARS.gt(2))
}

fn stars(posts: &[Loaded<Post>]) -> Vec<i32> {
    posts.iter().map(|post| post.stars).collect()
}

/// Asks until the answer is the new one, which may be stale until then.
async fn renewed<T: PartialEq + std::fmt::Debug, F: Future<Output = Result<T>>>(
    ask: impl Fn() -> F,
    stale: T,
    new: T,
) -> Result<()> {
    let waiting = async {
        loop {
            let answer = ask().await?;
            if answer == new {
                return Ok(());
            }
            assert_eq!(answer, stale);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is renewed")
}

async fn the_stale_answer_comes_at_once_and_is_renewed_once(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    assert_eq!(stars(&starred(&db).all().await?), [3, 4]);
    post(1, 5).create(&db).await?;
    let many = async {
        let readers = (0..30).map(|_| async { starred(&db).stale_ok(LONG).all().await });
        for posts in futures_util::future::try_join_all(readers).await? {
            assert!([&[3, 4][..], &[3, 4, 5]].contains(&&stars(&posts)[..]), "{posts:?}");
        }
        let ask = || async { Ok(stars(&starred(&db).stale_ok(LONG).all().await?)) };
        renewed(ask, vec![3, 4], vec![3, 4, 5]).await?;
        assert_eq!(stars(&starred(&db).all().await?), [3, 4, 5], "for those who don't ask for it too");
        Ok(())
    };
    let (sent, read): (u64, Result<()>) = statements(&db, many).await;
    read?;
    assert_eq!(sent, 1, "the renewal");
    Ok(())
}

async fn a_count_may_be_stale_and_is_renewed(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    assert_eq!(starred(&db).count().await?, 2);
    post(1, 5).create(&db).await?;
    let ask = || starred(&db).stale_ok(LONG).count();
    let (sent, asked) = statements(&db, renewed(ask, 2, 3)).await;
    asked?;
    assert_eq!(sent, 1);
    assert_eq!(starred(&db).count().await?, 3);
    Ok(())
}

async fn what_exists_may_be_stale_and_is_renewed(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let many = || Post::filter(&db, Post::STARS.gt(4));
    assert!(!many().exists().await?);
    post(1, 5).create(&db).await?;
    let (sent, asked) = statements(&db, renewed(|| many().stale_ok(LONG).exists(), false, true)).await;
    asked?;
    assert_eq!(sent, 1);
    assert!(many().exists().await?);
    Ok(())
}

async fn who_does_not_ask_gets_nothing_stale(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    for n in 5..10 {
        let (list, count) = (starred(&db).all().await?, starred(&db).count().await?);
        assert_eq!((list.len(), count), (n - 3, n as u64 - 3));
        post(1, i32::try_from(n).unwrap()).create(&db).await?;
        assert_eq!(starred(&db).all().await?.len(), n - 2);
        assert_eq!(starred(&db).count().await?, n as u64 - 2);
    }
    Ok(())
}

async fn nothing_older_than_asked_for_is_served(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let age = Duration::from_millis(50);
    for n in 5..8 {
        let (list, count) = (starred(&db).all().await?, starred(&db).count().await?);
        assert_eq!((list.len(), count), (n - 3, n as u64 - 3));
        tokio::time::sleep(2 * age).await;
        post(1, i32::try_from(n).unwrap()).create(&db).await?;
        assert_eq!(starred(&db).stale_ok(age).all().await?.len(), n - 2);
        assert_eq!(starred(&db).stale_ok(age).count().await?, n as u64 - 2);
    }
    Ok(())
}

async fn objects_of_a_stale_list_are_up_to_date(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let mut read = starred(&db).all().await?;
    read[0].stars = 0;
    read[0].save(&db).await?;
    let stale = starred(&db).stale_ok(LONG).all().await?;
    assert!([&[0, 4][..], &[4]].contains(&&stars(&stale)[..]), "{stale:?}");
    let ask = || async { Ok(stars(&starred(&db).stale_ok(LONG).all().await?)) };
    renewed(ask, vec![0, 4], vec![4]).await
}

async fn a_list_of_which_an_object_is_gone_is_read_after_all(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let read = starred(&db).all().await?;
    let gone = read[0].id;
    db.things::<Post>().delete(gone).await?;
    assert_eq!(stars(&starred(&db).stale_ok(LONG).all().await?), [4]);
    Ok(())
}
