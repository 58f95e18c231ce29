//! Rules of models: what a rule does not keep is seen by no read that does not pass over it.

use std::time::SystemTime;

use thing::{Db, Filter, Model, Result};

use crate::support::{Stack, at, statements};

matrix! {
    every: [
        reads_see_what_the_rule_keeps,
        pages_have_no_gaps,
        relations_obey_the_rule,
        the_rule_is_passed_over_where_it_is_asked_for,
        what_only_the_database_can_judge_is_asked_there,
        writes_by_filter_obey_the_rule,
        links_that_the_rule_hides_are_links_all_the_same,
    ]
    cached: [
        reads_by_key_are_judged_in_memory,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(keep = Self::shown(), belongs_to(author: Author, AUTHOR_ID))]
struct Post {
    id: i64,
    #[thing(index)]
    author_id: i64,
    published: bool,
    stars: Option<i32>,
    #[thing(deleted)]
    deleted_at: Option<SystemTime>,
}

impl Post {
    fn shown() -> Filter<Self> {
        Self::PUBLISHED.eq(true) & (Self::STARS.is_null() | Self::STARS.gt(0))
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(keep = Author::NAME.ne("hidden"), has_many(posts: Post, Post::AUTHOR_ID))]
struct Author {
    id: i64,
    name: String,
}

/// Nobody but the database knows what the rule means.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(keep = Filter::raw("size > ?", (5,)))]
struct Box {
    id: i64,
    size: i32,
}

/// Of six posts the first, third and fifth are kept.
async fn posts(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(Post, Author, Box)>().await;
    for name in ["ann", "hidden"] {
        db.things::<Author>().create(NewAuthor { name: name.into() }).await?;
    }
    let new = |(author_id, published, stars)| NewPost { author_id, published, stars };
    let all = [
        (1, true, None),
        (1, false, None),
        (1, true, Some(3)),
        (1, true, Some(0)),
        (2, true, Some(1)),
        (2, false, None),
    ];
    db.things::<Post>().create_many(all.map(new)).await?;
    Ok(db)
}

fn ids(posts: &[thing::Loaded<Post>]) -> Vec<i64> {
    posts.iter().map(|post| post.id).collect()
}

async fn reads_see_what_the_rule_keeps(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let posts = db.things::<Post>();
    for round in 0..3 {
        let kept: &[i64] = if round < 2 { &[1, 3, 5] } else { &[1, 2, 5] };
        assert_eq!(ids(&posts.all().await?), kept);
        assert_eq!(posts.count().await?, 3);
        assert_eq!(posts.all_objects().pluck(Post::ID).await?, kept);
        for id in 1..=6 {
            assert_eq!(posts.find(id).await?.is_some(), kept.contains(&id), "{id} in round {round}");
            assert_eq!(posts.by_id_uncached(id).await.is_ok(), kept.contains(&id));
        }
        let mut found: Vec<i64> = posts.by_ids(1..=6).await?.into_keys().collect();
        found.sort_unstable();
        assert_eq!(found, kept);
        if round == 1 {
            for (id, published) in [(2, true), (3, false)] {
                let mut post = posts.unfiltered().by_id(id).await?;
                post.published = published;
                post.save(&db).await?;
            }
        }
    }
    posts.delete(1).await?;
    assert_eq!(ids(&posts.all().await?), [2, 5]);
    assert_eq!(ids(&posts.with_deleted().all().await?), [1, 2, 5]);
    assert!(posts.find(1).await?.is_none());
    Ok(())
}

async fn pages_have_no_gaps(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let query = || db.things::<Post>().all_objects();
    let first = query().page(2).await?;
    assert_eq!(ids(&first.items), [1, 3]);
    assert_eq!(ids(&query().page_at(&first.next, 2).await?.items), [5]);
    assert_eq!(ids(&query().fetch(1, 2).await?), [3, 5]);
    Ok(())
}

async fn relations_obey_the_rule(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    for _ in 0..2 {
        let authors = db.things::<Author>().unfiltered().with(Author::POSTS).all().await?;
        let posts: Vec<Vec<i64>> =
            authors.iter().map(|author| author.related(Author::POSTS).map(ids)).collect::<Result<_>>()?;
        assert_eq!(posts, [vec![1, 3], vec![5]]);
        let posts = db.things::<Post>().with(Post::AUTHOR).all().await?;
        let authors: Vec<bool> =
            posts.iter().map(|post| Ok(post.related(Post::AUTHOR)?.is_some())).collect::<Result<_>>()?;
        assert_eq!(authors, [true, true, false]);
        let posts = db.things::<Post>().with(Post::AUTHOR.unfiltered()).all().await?;
        assert!(posts[2].related(Post::AUTHOR)?.is_some());
    }
    Ok(())
}

async fn the_rule_is_passed_over_where_it_is_asked_for(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let posts = db.things::<Post>();
    posts.unfiltered().delete(2).await?;
    assert_eq!(ids(&posts.unfiltered().all().await?), [1, 3, 4, 5, 6]);
    assert_eq!(ids(&posts.unfiltered().with_deleted().all().await?), [1, 2, 3, 4, 5, 6]);
    assert_eq!(posts.filter(Post::AUTHOR_ID.eq(2)).unfiltered().count().await?, 2);
    assert!(posts.unfiltered().find(2).await?.is_none());
    assert!(posts.unfiltered().find(4).await?.is_some());
    Ok(())
}

async fn what_only_the_database_can_judge_is_asked_there(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let boxes = db.things::<Box>();
    boxes.create_many([3, 9].map(|size| NewBox { size })).await?;
    for _ in 0..2 {
        assert!(boxes.find(1).await?.is_none());
        assert_eq!(boxes.by_id(2).await?.size, 9);
        assert_eq!(boxes.by_ids([1, 2]).await?.len(), 1);
        assert_eq!(boxes.count().await?, 1);
    }
    let mut small = boxes.unfiltered().by_id(1).await?;
    small.size = 6;
    small.save(&db).await?;
    assert_eq!(boxes.by_id(1).await?.size, 6);
    Ok(())
}

async fn writes_by_filter_obey_the_rule(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let posts = db.things::<Post>();
    assert_eq!(posts.filter(Post::AUTHOR_ID.eq(1)).update(Post::STARS.set(9)).await?, 2);
    assert_eq!(posts.filter(Post::AUTHOR_ID.eq(1)).unfiltered().update(Post::STARS.set(8)).await?, 4);
    assert_eq!(posts.filter(Post::AUTHOR_ID.eq(2)).delete().await?, 1);
    assert_eq!(posts.unfiltered().count().await?, 5);
    assert_eq!(posts.unfiltered().by_id(4).await?.stars, Some(8));
    assert!(at(0) < SystemTime::now());
    Ok(())
}

async fn reads_by_key_are_judged_in_memory(stack: &Stack) -> Result<()> {
    let db = posts(stack).await?;
    let posts = db.things::<Post>();
    for id in 1..=2 {
        posts.unfiltered().by_id(id).await?;
    }
    let (sent, found) = statements(&db, posts.find(1)).await;
    assert_eq!((sent, found?.is_some()), (0, true));
    let (sent, found) = statements(&db, posts.find(2)).await;
    assert_eq!((sent, found?.is_some()), (0, false));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(many_to_many(rooms: Room, Stay::GUEST_ID, Stay::ROOM_ID))]
struct Guest {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Room {
    id: i64,
    number: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(guest_id, room_id), keep = Stay::SECRET.eq(false))]
struct Stay {
    guest_id: i64,
    #[thing(index)]
    room_id: i64,
    #[thing(default)]
    secret: bool,
}

async fn links_that_the_rule_hides_are_links_all_the_same(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Guest, Room, Stay)>().await;
    let mut guest = db.things::<Guest>().create(NewGuest { name: "Ann".into() }).await?;
    let rooms = db.things::<Room>().create_many([1, 2].map(|number| NewRoom { number })).await?;
    Stay { guest_id: 1, room_id: 1, secret: true }.create(&db).await?;
    assert!(guest.attach(&db, Guest::ROOMS, &rooms[1]).await?);
    assert!(!guest.attach(&db, Guest::ROOMS, &rooms[0]).await?);
    assert_eq!(guest.load(&db, Guest::ROOMS).await?.len(), 1);
    assert!(guest.detach(&db, Guest::ROOMS, &rooms[0]).await?);
    assert!(!guest.detach(&db, Guest::ROOMS, &rooms[0]).await?);
    assert_eq!(db.things::<Stay>().unfiltered().count().await?, 1);
    Ok(())
}
