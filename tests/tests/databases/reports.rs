//! Reports on the cache: which queries it answers, and why it doesn't answer the others.

use std::sync::Arc;

use thing::driver::Error;
use thing::{Db, Model, QueryReport, Result};
use thing_conformance::recording::{Matcher, RecordingCache, When};

use crate::support::{Post, Stack, User, post, user};

matrix! {
    cached: [
        a_report_tells_hits_from_misses_and_why,
        a_report_tells_of_lists_too_long_and_of_a_cache_that_is_away,
    ]
}

fn of<'a>(reports: &'a [QueryReport], table: &str) -> &'a QueryReport {
    reports.iter().find(|report| report.table == table).expect("the query was asked")
}

async fn a_report_tells_hits_from_misses_and_why(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    assert!(db.cache_report().queries.is_empty());
    let one = user(1).create(&db).await?;
    for n in 1..=5 {
        post(one.id, n).create(&db).await?;
    }
    let posts = Post::filter(&db, Post::USER_ID.eq(one.id));
    for _ in 0..4 {
        assert_eq!(posts.clone().count().await?, 5);
    }
    // Posts of somebody else pass by; one of this user's does not.
    post(one.id + 1, 1).create(&db).await?;
    assert_eq!(posts.clone().count().await?, 5);
    post(one.id, 6).create(&db).await?;
    assert_eq!(posts.clone().count().await?, 6);
    for age in 30..40 {
        User::filter(&db, User::AGE.eq(age)).count().await?;
    }
    let report = db.cache_report();
    let (users, posts) = (of(&report.queries, "users"), of(&report.queries, "posts"));
    assert_eq!((posts.hits, posts.cold, posts.changed, posts.misses()), (4, 1, 1, 2));
    assert_eq!((users.hits, users.cold, users.misses()), (0, 10, 10));
    assert!(users.why().unwrap().contains("seldom come twice"), "{:?}", users.why());
    assert!(report.queries[0].table == "users", "the worst comes first");
    let shown = report.to_string();
    assert!(shown.contains("0.0 % of 10: SELECT COUNT(*)"), "{shown}");
    assert!(shown.contains("seldom come twice"), "{shown}");
    Ok(())
}

async fn a_report_tells_of_lists_too_long_and_of_a_cache_that_is_away(stack: &Stack) -> Result<()> {
    let cache = RecordingCache::new(stack.client().await.expect("a stack with a cache"));
    let builder = Db::builder(stack.executor().await).cache(Arc::clone(&cache));
    let db = builder.cached_list_limit(2).build();
    db.sync::<User>().await?;
    db.things::<User>().create_many((1..=3).map(user)).await?;
    for _ in 0..3 {
        assert_eq!(db.things::<User>().all().await?.len(), 3);
    }
    cache.fail_all(Matcher::loads(), Error::cache("the cache is away"), When::Before);
    assert_eq!(db.things::<User>().all().await?.len(), 3);
    let report = db.cache_report();
    let users = of(&report.queries, "users");
    assert_eq!((users.hits, users.too_long, users.failed, users.misses()), (0, 3, 1, 4));
    assert!(users.why().unwrap().contains("cached_list_limit"));
    Ok(())
}
