//! A cache that keeps bytes instead of values, as one outside the process does: entries come back as they were.

use thing::{Db, Model, Result};
use thing_cache_memory::{MemoryCache, MemoryConfig};

use crate::support::{BytesCache, Post, Stack, User, post, statements, user};

matrix! {
    uncached: [
        bytes_of_another_version_or_damaged_ones_are_a_miss,
        objects_lists_and_counts_come_back_from_bytes,
    ]
}

async fn database(stack: &Stack, damage: fn(&mut Vec<u8>)) -> Result<Db> {
    let cache = BytesCache::damaging(MemoryCache::new(MemoryConfig::default()), damage);
    let db = Db::builder(stack.executor().await).cache(cache).build();
    db.sync::<(User, Post)>().await?;
    db.things::<User>().create_many((1..=9).map(user)).await?;
    db.things::<Post>().create_many((1..=3).flat_map(|user| (0..4).map(move |n| post(user, n)))).await?;
    Ok(db)
}

async fn objects_lists_and_counts_come_back_from_bytes(stack: &Stack) -> Result<()> {
    let db = database(stack, |_| ()).await?;
    let user = User::by_id(&db, 3).await?;
    let posts = || Post::filter(&db, Post::USER_ID.eq(2)).order_by(Post::STARS.desc());
    let list = posts().all().await?;
    let count = posts().count().await?;
    let (sent, again) = statements(&db, async {
        thing::Result::<_>::Ok((User::by_id(&db, 3).await?, posts().all().await?, posts().count().await?))
    })
    .await;
    assert_eq!(sent, 0);
    assert_eq!(again?, (user, list, count));
    assert_eq!(db.statistics().cache_errors, 0);
    Ok(())
}

async fn bytes_of_another_version_or_damaged_ones_are_a_miss(stack: &Stack) -> Result<()> {
    let damages: [fn(&mut Vec<u8>); 5] = [
        |bytes| bytes[0] ^= 0x40,
        |bytes| bytes[1] ^= 0x01,
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.push(0),
        Vec::clear,
    ];
    for damage in damages {
        let db = database(stack, damage).await?;
        for _ in 0..3 {
            assert_eq!(User::by_id(&db, 3).await?.name, "User 3");
            assert_eq!(Post::filter(&db, Post::USER_ID.eq(2)).all().await?.len(), 4);
            assert_eq!(Post::filter(&db, Post::STARS.ge(2)).count().await?, 6);
        }
        assert_eq!(db.statistics().cache_errors, 0, "a damaged entry is no failure");
    }
    Ok(())
}
