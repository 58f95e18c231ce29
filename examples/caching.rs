//! Caching: what is answered from the cache, and what makes the database be asked again.
//!
//!     cargo run --example caching

use thing::{Db, Model, Statistics};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct Post {
    id: i64,
    #[thing(index)]
    author: i64,
    title: String,
    stars: i32,
    views: i64,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<Post>().await?;
    let posts = db.things::<Post>();
    let new = |n: i64| NewPost { author: n % 3, title: format!("Post {n}"), stars: (n % 5) as i32, views: 0 };
    posts.create_many((1..=30).map(new)).await?;
    // The best posts of one author: a list with a scope (author), a filter and an order.
    let best = posts.filter(Post::AUTHOR.eq(1) & Post::STARS.ge(3)).order_by(Post::STARS.desc());
    println!("what the list of the best posts does:\n{}\n", best.plan()?);
    println!("sent: statements sent to the database; cached: answers from the cache\n");

    let mut costs = Costs::new(&db);
    costs.head("reads");
    posts.by_id(4).await?;
    costs.line("a post");
    posts.by_id(4).await?;
    costs.line("the post again");
    posts.find(1000).await?;
    costs.line("a post that does not exist");
    posts.find(1000).await?;
    costs.line("it again");
    best.clone().all().await?;
    costs.line("the best posts");
    best.clone().all().await?;
    costs.line("the best posts again");
    posts.filter(Post::STARS.eq(0)).count().await?;
    costs.line("a count");
    posts.filter(Post::STARS.eq(0)).count().await?;
    costs.line("the count again");
    let mut post = posts.by_id(4).await?;

    costs.head("writes that do not concern the list: it stays in the cache");
    post.views += 1;
    post.save(&db).await?;
    costs.line("the views of one of its posts change");
    best.clone().all().await?;
    costs.line("the best posts (one post is read)");
    posts.create(new(2)).await?;
    costs.line("a post of another author");
    best.clone().all().await?;
    costs.line("the best posts");
    posts.create(NewPost { stars: 1, ..new(1) }).await?;
    costs.line("a post of the author, with 1 star");
    best.clone().all().await?;
    costs.line("the best posts");

    costs.head("writes that concern the list: it is read again");
    post.stars = 5;
    post.save(&db).await?;
    costs.line("one of its posts gets 5 stars");
    best.clone().all().await?;
    costs.line("the best posts");
    posts.create(NewPost { stars: 4, ..new(1) }).await?;
    costs.line("a post of the author, with 4 stars");
    best.clone().all().await?;
    costs.line("the best posts");

    costs.head("transactions: they read the database, a rollback leaves no trace");
    let transaction = db.begin().await?;
    let mut inside = Post::by_id(&transaction, 4).await?;
    inside.stars = 0;
    inside.save(&transaction).await?;
    transaction.rollback().await?;
    costs.line("read, change, roll back");
    best.clone().all().await?;
    costs.line("the best posts");

    costs.head("raw SQL: the cache does not see it");
    db.raw("UPDATE posts SET title = 'by raw SQL' WHERE id = 4").execute().await?;
    costs.line("an update in raw SQL");
    println!("  {:<44}{}", "title in the cache", posts.by_id(4).await?.title);
    db.invalidate::<Post>().await?;
    println!("  {:<44}{}", "title after invalidate", posts.by_id(4).await?.title);

    let all = db.statistics();
    println!("\nin all: {} statements, {} answers from the cache", all.statements(), cached(&all));
    Ok(())
}

/// Answers from the cache; those of lists that were behind changes which do not concern them are counted apart.
fn cached(statistics: &Statistics) -> u64 {
    statistics.cache.hits + statistics.cache.restamped
}

/// Prints what each step sent to the database and took from the cache.
struct Costs<'a> {
    db: &'a Db,
    before: Statistics,
}

impl<'a> Costs<'a> {
    fn new(db: &'a Db) -> Self {
        println!("{:<46}{:>4}{:>8}", "", "sent", "cached");
        Self { db, before: db.statistics() }
    }

    fn head(&mut self, title: &str) {
        println!("{title}");
        self.before = self.db.statistics();
    }

    fn line(&mut self, what: &str) {
        let now = self.db.statistics();
        let sent = now.statements() - self.before.statements();
        let cached = cached(&now) - cached(&self.before);
        println!("  {what:<44}{sent:>4}{cached:>8}");
        self.before = now;
    }
}
