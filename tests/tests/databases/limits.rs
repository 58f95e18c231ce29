//! Calls with more keys, rows and values than one statement can bind.

use thing::{ErrorKind, Model, Result};

use crate::support::{Post, Stack, User, post, user};

matrix! {
    every: [
        batches_of_any_size_are_read,
        more_values_than_a_statement_binds_are_refused_with_advice,
        links_to_more_than_a_statement_binds_are_followed,
        thousands_of_rows_are_created_saved_and_deleted_together,
    ]
    uncached: [keys_of_two_columns_are_read_in_any_number]
}

async fn batches_of_any_size_are_read(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let created = db.things::<User>().create_many((1..=2000).map(user)).await?;
    let last = created.last().unwrap().id;
    for _ in 0..2 {
        let found = db.things::<User>().by_ids(-1000..69_000).await?;
        assert_eq!(found.len(), 2000);
        assert_eq!(found[&last].name, "User 2000");
    }
    let transaction = db.begin().await?;
    assert_eq!(transaction.things::<User>().by_ids(-1000..69_000).await?.len(), 2000);
    transaction.commit().await
}

async fn thousands_of_rows_are_created_saved_and_deleted_together(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = || db.things::<Post>();
    assert_eq!(posts().count().await?, 0);
    let created = posts().create_many((0..30_000).map(|n| post(i64::from(n % 10), n))).await?;
    assert_eq!(posts().count().await?, 30_000);
    assert!(created.windows(2).all(|pair| pair[0].id < pair[1].id), "the keys go with the objects");
    for at in [0, 1, 17_000, 29_999] {
        assert_eq!(posts().by_id(created[at].id).await?, created[at]);
    }
    let mut some = created[..2000].to_vec();
    some.iter_mut().for_each(|post| post.stars = -1);
    posts().save_many(&mut some).await?;
    assert_eq!(Post::filter(&db, Post::STARS.eq(-1)).count().await?, 2000);
    posts().delete_many(some.iter().map(|post| post.id)).await?;
    assert_eq!(posts().count().await?, 28_000);
    let mut failing: Vec<Post> = (0..30_000).map(|n| post(1, n)).collect();
    failing[29_000].id = created[29_000].id;
    let error = posts().create_many(failing).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    assert!(error.to_string().contains("item 29000"), "{error}");
    assert_eq!(posts().count().await?, 28_000);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(shelf, place))]
struct Copy {
    shelf: String,
    place: i32,
    title: String,
}

async fn keys_of_two_columns_are_read_in_any_number(stack: &Stack) -> Result<()> {
    let db = stack.db::<Copy>().await;
    let key = |n: i32| (format!("shelf {}", n % 7), n);
    let copy = |n| Copy { shelf: key(n).0, place: n, title: format!("Copy {n}") };
    db.things::<Copy>().create_many((0..500).map(copy)).await?;
    let found = db.things::<Copy>().by_ids((-100..40_000).map(key)).await?;
    assert_eq!(found.len(), 500);
    assert_eq!(found[&key(499)].title, "Copy 499");
    Ok(())
}

async fn more_values_than_a_statement_binds_are_refused_with_advice(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    db.things::<User>().create_many((1..=6).map(user)).await?;
    let most = db.executor().capabilities().max_parameters();
    let within = |count: usize| User::filter(&db, User::ID.is_in(1..=i64::try_from(count).unwrap()));
    // Two are left for LIMIT and OFFSET.
    assert_eq!(within(most - 2).all().await?.len(), 6);
    if most > 1_000_000 {
        return Ok(());
    }
    let error = within(most + 1).all().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("split the query"), "{error}");
    let error = within(most + 1).count().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(db.things::<User>().count().await?, 6);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(many_to_many(stars: Star, Seen::SKY_ID, Seen::STAR_ID))]
struct Sky {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Star {
    id: i64,
    size: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(sky_id, star_id))]
struct Seen {
    sky_id: i64,
    #[thing(index)]
    star_id: i64,
}

async fn links_to_more_than_a_statement_binds_are_followed(stack: &Stack) -> Result<()> {
    let most = stack.executor().await.capabilities().max_parameters();
    // Where a statement binds more, this takes long.
    if most > 40_000 {
        return Ok(());
    }
    let db = stack.db::<(Sky, Star, Seen)>().await;
    let stars = i32::try_from(most).unwrap() + 10;
    let mut sky = db.things::<Sky>().create(NewSky { name: "night".into() }).await?;
    let mut bulk = db.things::<Star>().insert_many();
    bulk.write((1..=stars).map(|size| NewStar { size })).await?;
    bulk.finish().await?;
    let mut bulk = db.things::<Seen>().insert_many();
    bulk.write((1..=stars.into()).map(|star_id| Seen { sky_id: 1, star_id })).await?;
    bulk.finish().await?;
    for _ in 0..2 {
        let some = sky.load(&db, Sky::STARS.filter(Star::SIZE.gt(5) & Star::SIZE.ne(stars))).await?;
        assert!(some.iter().map(|star| star.size).eq(6..stars));
    }
    let ordered = Sky::STARS.order_by(Star::SIZE.desc());
    let error = sky.load(&db, ordered).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    Ok(())
}
