//! Thing, as an application uses it.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use thing::{Db, DbBuilder, Loaded, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::{SqliteConfig, SqliteExecutor};

use crate::data::{PostRow, UserRow};
use crate::subject::{Reader, Seen, Subject, Synchronous};
use crate::subjects::CONNECTIONS;

/// A user.
#[derive(Clone, Debug, PartialEq, Model)]
#[thing(table = "users", no_new, index(name = "users_age_id", columns(age, id)))]
pub struct User {
    /// The key.
    pub id: i64,
    /// 19 bytes.
    pub name: String,
    /// About 29 bytes.
    pub email: String,
    /// 18 to 77.
    pub age: i32,
    /// What updates change.
    pub score: f64,
    /// True for most.
    pub active: bool,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// About 100 bytes.
    pub bio: Option<String>,
}

/// A post.
#[derive(Clone, Debug, PartialEq, Model)]
#[thing(table = "posts", no_new)]
pub struct Post {
    /// The key.
    pub id: i64,
    /// The author.
    #[thing(index = "posts_user_id")]
    pub user_id: i64,
    /// About 20 bytes.
    pub title: String,
    /// About 90 bytes.
    pub body: String,
}

impl From<PostRow> for Post {
    fn from(PostRow { id, user_id, title, body }: PostRow) -> Self {
        Self { id, user_id, title, body }
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { name, email, age, score, active, created_at, bio } = row;
        Self { id: 0, name, email, age, score, active, created_at, bio }
    }
}

/// A `Db`.
#[derive(Debug)]
pub struct ThingSubject {
    db: Db,
}

impl ThingSubject {
    /// Opens a database without a cache.
    pub async fn open(path: &Path, synchronous: Synchronous) -> Self {
        Self::build(Db::builder(executor(path, synchronous).await)).await
    }

    /// Opens a database with a cache of the default size.
    pub async fn open_cached(path: &Path, synchronous: Synchronous) -> Self {
        let cache = MemoryCache::new(MemoryConfig::default());
        Self::build(Db::builder(executor(path, synchronous).await).cache(cache)).await
    }

    /// A subject of this `Db`, which must fit the models.
    pub async fn build(builder: DbBuilder) -> Self {
        let db = builder.build();
        db.sync::<(User, Post)>().await.expect("the template fits the models");
        Self { db }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }
}

/// Opens a database, set up as the raw clients' connections are.
pub async fn executor(path: &Path, synchronous: Synchronous) -> SqliteExecutor {
    let synchronous = match synchronous {
        Synchronous::Normal => thing_driver_sqlite::Synchronous::Normal,
        Synchronous::Full => thing_driver_sqlite::Synchronous::Full,
    };
    let config = SqliteConfig::file(path)
        .readers(CONNECTIONS)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(5))
        .cache_size(16_000 << 10)
        .foreign_keys(false);
    SqliteExecutor::connect(config).await.expect("the database opens")
}

impl Reader for ThingSubject {
    type User = Loaded<User>;

    async fn get(&self, id: i64) -> Loaded<User> {
        User::by_id(&self.db, id).await.expect("a user is read")
    }

    fn seen(user: &Loaded<User>) -> Seen {
        Seen { id: user.id, name_length: user.name.len(), age: user.age }
    }
}

impl Subject for ThingSubject {
    async fn list(&self, age: i32) -> Vec<Loaded<User>> {
        User::filter(&self.db, User::AGE.eq(age)).order_by(User::ID.desc()).fetch(0, 100).await.expect("a list is read")
    }

    async fn insert(&self, user: UserRow) -> i64 {
        User::from(user).create(&self.db).await.expect("a user is added").id
    }

    async fn update(&self, id: i64, score: f64) {
        let user = self.get(id).await;
        self.save(user, score).await;
    }

    async fn save(&self, mut user: Loaded<User>, score: f64) {
        user.score = score;
        user.save(&self.db).await.expect("a user is saved");
    }

    async fn bulk(&self, users: Vec<UserRow>) {
        let count = users.len();
        let added = self.db.things::<User>().create_many(users).await.expect("users are added");
        assert_eq!(added.len(), count);
    }

    async fn related(&self, first: i64, end: i64) -> (usize, usize) {
        let users = User::filter(&self.db, User::ID.ge(first) & User::ID.lt(end)).all().await.expect("users are read");
        let ids = users.iter().map(|user| user.id);
        let posts = Post::filter(&self.db, Post::USER_ID.is_in(ids)).all().await.expect("posts are read");
        let places: HashMap<i64, usize> = users.iter().enumerate().map(|(at, user)| (user.id, at)).collect();
        let mut users: Vec<(Loaded<User>, Vec<Loaded<Post>>)> =
            users.into_iter().map(|user| (user, Vec::new())).collect();
        for post in posts {
            users[places[&post.user_id]].1.push(post);
        }
        (users.len(), users.iter().map(|(_, posts)| posts.len()).sum())
    }
}
