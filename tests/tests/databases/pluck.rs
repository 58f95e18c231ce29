//! Some columns of the matching rows, and their different values.

use thing::{Embed, ErrorKind, Model, Result};

use crate::support::{Post, Stack, User, post, statements, user};

matrix! {
    every: [
        columns_come_in_the_order_of_the_query,
        columns_of_every_type_come_back_as_they_are,
        each_value_comes_once,
        combinations_of_values_come_once,
        what_is_plucked_is_read_each_time,
        a_transaction_plucks_what_it_wrote,
        an_order_by_what_is_not_asked_for_is_refused,
    ]
}

async fn columns_come_in_the_order_of_the_query(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let users = db.things::<User>();
    assert_eq!(users.all_objects().pluck(User::NAME).await?, [] as [String; 0]);
    users.create_many((1..=6).map(user)).await?;
    assert_eq!(users.all_objects().pluck(User::ID).await?, [1, 2, 3, 4, 5, 6]);
    let names: Vec<String> = users.filter(User::ID.gt(4)).order_by(User::AGE.desc()).pluck(User::NAME).await?;
    assert_eq!(names, ["User 6", "User 5"]);
    let bios: Vec<(Option<String>, i64)> = users.order_by(User::BIO.asc()).pluck((User::BIO, User::ID)).await?;
    let expected = [(None, 1), (None, 2), (None, 4), (None, 5), (Some("bio 3".into()), 3), (Some("bio 6".into()), 6)];
    assert_eq!(bios, expected, "NULL is least, and the key decides between equals");
    let twice = users.filter(User::ID.eq(2)).pluck((User::ID, User::ID)).await?;
    assert_eq!(twice, [(2, 2)]);
    Ok(())
}

#[derive(Embed, Clone, Debug, PartialEq)]
struct Size {
    width: i32,
    height: Option<f64>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "plucked_boxes")]
struct Crate {
    id: i64,
    #[thing(embed, given)]
    size: Size,
    mark: Vec<u8>,
    serial: uuid::Uuid,
    sealed: bool,
    place: String,
}

async fn columns_of_every_type_come_back_as_they_are(stack: &Stack) -> Result<()> {
    let db = stack.db::<Crate>().await;
    let stored = Crate {
        id: 0,
        size: Size { width: -3, height: Some(0.1) },
        mark: vec![0, 255],
        serial: uuid::Uuid::from_u128(7),
        sealed: true,
        place: "å\\%".into(),
    };
    let stored = stored.create(&db).await?;
    let query = || db.things::<Crate>().all_objects();
    let columns =
        (Crate::PLACE, Crate::SEALED, Crate::SERIAL, Crate::MARK, Crate::SIZE.height, Crate::SIZE.width, Crate::ID);
    let found = query().pluck(columns).await?;
    let expected = (
        stored.place.clone(),
        stored.sealed,
        stored.serial,
        stored.mark.clone(),
        stored.size.height,
        stored.size.width,
        stored.id,
    );
    assert_eq!(found, vec![expected]);
    assert_eq!(query().distinct(columns).await?, found);
    Ok(())
}

async fn each_value_comes_once(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let users = db.things::<User>();
    assert_eq!(users.all_objects().distinct(User::AGE).await?, [] as [i32; 0]);
    let bios = [None, Some("b"), Some("a"), None, Some("A"), Some("b"), Some("")];
    let many = (1..).zip(bios).map(|(n, bio)| User { bio: bio.map(Into::into), age: (n % 3) as i32, ..user(n) });
    users.create_many(many).await?;
    let found = users.all_objects().distinct(User::BIO).await?;
    assert_eq!(
        found.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [None, Some(""), Some("A"), Some("a"), Some("b")]
    );
    let found = users.filter(User::ID.le(4)).order_by(User::BIO.desc()).distinct(User::BIO).await?;
    assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), [Some("b"), Some("a"), None]);
    assert_eq!(users.all_objects().distinct(User::AGE).await?, [0, 1, 2]);
    assert_eq!(users.all_objects().distinct(User::ACTIVE).await?, [false, true]);
    Ok(())
}

async fn combinations_of_values_come_once(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = db.things::<Post>();
    posts.create_many((0..24).map(|n| post(i64::from(n % 2), n % 3))).await?;
    let found = posts.order_by(Post::STARS.desc()).distinct((Post::USER_ID, Post::STARS)).await?;
    assert_eq!(found, [(0, 2), (1, 2), (0, 1), (1, 1), (0, 0), (1, 0)]);
    Ok(())
}

async fn what_is_plucked_is_read_each_time(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let posts = db.things::<Post>();
    posts.create_many((1..=3).map(|n| post(1, n))).await?;
    posts.all().await?;
    let stars = || posts.filter(Post::USER_ID.eq(1)).pluck(Post::STARS);
    let different = || posts.all_objects().distinct(Post::STARS);
    for expected in [vec![1, 2, 3], vec![1, 2, 3]] {
        let (sent, found) = statements(&db, stars()).await;
        assert_eq!((sent, found?), (1, expected.clone()));
        let (sent, found) = statements(&db, different()).await;
        assert_eq!((sent, found?), (1, expected));
    }
    let mut first = Post::by_id(&db, 1).await?;
    first.stars = 3;
    first.save(&db).await?;
    assert_eq!(stars().await?, [3, 2, 3]);
    assert_eq!(different().await?, [2, 3]);
    Ok(())
}

async fn a_transaction_plucks_what_it_wrote(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let transaction = db.begin().await?;
    transaction.things::<Post>().create_many((1..=3).map(|n| post(1, n))).await?;
    assert_eq!(transaction.things::<Post>().all_objects().pluck(Post::STARS).await?, [1, 2, 3]);
    assert_eq!(transaction.things::<Post>().all_objects().distinct(Post::USER_ID).await?, [1]);
    transaction.rollback().await?;
    assert!(db.things::<Post>().all_objects().pluck(Post::ID).await?.is_empty());
    Ok(())
}

async fn an_order_by_what_is_not_asked_for_is_refused(stack: &Stack) -> Result<()> {
    let db = stack.users().await;
    let error = db.things::<Post>().order_by(Post::ID.asc()).distinct(Post::STARS).await.unwrap_err();
    assert!(*error.kind() == ErrorKind::InvalidInput && error.to_string().contains("`id`"), "{error}");
    Ok(())
}
