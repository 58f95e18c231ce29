//! An outbox: what is written goes, in the same transaction, into a table of what is still to be told to others; after the
//! commit it is told, here to a search index in memory. What was rolled back was never in the table.
//!
//!     cargo run --example outbox

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use thing::driver::Value;
use thing::{Db, Error, Event, EventListener, Model, Result, Transaction};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct Article {
    id: i64,
    title: String,
}

/// An article of which the index has to be told.
#[derive(Model, Clone, Debug)]
#[thing(table = "outbox")]
struct Message {
    id: i64,
    article_id: i64,
}

/// Writes the messages, and delivers them.
struct Outbox(Arc<SearchIndex>);

impl EventListener for Outbox {
    fn listens_to(&self, table: &str) -> bool {
        table == "articles"
    }

    async fn on_event(&self, event: &Event, transaction: &Transaction) -> Result<()> {
        let Value::I64(article_id) = event.key().value(0) else {
            return Err(Error::invalid_input("the key of an article is a number"));
        };
        transaction.things::<Message>().create(NewMessage { article_id }).await?;
        Ok(())
    }

    async fn after_commit(&self, _: Vec<Event>, db: &Db) -> Result<()> {
        deliver(db, &self.0).await
    }
}

/// Tells the index what the outbox holds. Called at the start of the program too: what a crash left there is delivered then,
/// and what was delivered twice is indexed as it is.
async fn deliver(db: &Db, index: &SearchIndex) -> Result<()> {
    let messages = db.things::<Message>().all().await?;
    for message in &messages {
        let article = Article::find(db, message.article_id).await?;
        index.put(message.article_id, article.as_ref().map(|article| article.title.as_str()));
    }
    db.things::<Message>().delete_many(messages.iter().map(|message| message.id)).await
}

/// The articles by the words of their titles.
#[derive(Default)]
struct SearchIndex(Mutex<BTreeMap<String, BTreeSet<i64>>>);

impl SearchIndex {
    /// Indexes an article, or forgets it where there is no title.
    fn put(&self, article: i64, title: Option<&str>) {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for articles in words.values_mut() {
            articles.remove(&article);
        }
        for word in title.unwrap_or_default().split_whitespace() {
            words.entry(word.to_lowercase()).or_default().insert(article);
        }
    }

    fn find(&self, word: &str) -> Vec<i64> {
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        words.get(word).into_iter().flatten().copied().collect()
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let index = Arc::new(SearchIndex::default());
    let db = Db::builder(SqliteExecutor::memory().await?)
        .cache(MemoryCache::new(MemoryConfig::default()))
        .listen_all(Outbox(index.clone()))
        .build();
    db.sync::<(Article, Message)>().await?;
    deliver(&db, &index).await?;

    let articles = db.things::<Article>();
    let mut whales = articles.create(NewArticle { title: "On Whales".into() }).await?;
    println!("created       whales: {:?}", index.find("whales"));

    let refused: Result<()> = db
        .transaction(async |transaction| {
            transaction.things::<Article>().create(NewArticle { title: "More Whales".into() }).await?;
            println!("in between    {} in the outbox", transaction.things::<Message>().count().await?);
            Err(Error::refused("enough of them"))
        })
        .await;
    println!("rolled back   {}", refused.err().map_or_else(String::new, |error| error.to_string()));
    println!(
        "after it      whales: {:?}, {} in the outbox",
        index.find("whales"),
        db.things::<Message>().count().await?
    );

    db.transaction(async |transaction| {
        whales.title = "On Ships".into();
        whales.save(transaction).await?;
        transaction.things::<Article>().create(NewArticle { title: "Old Ships".into() }).await?;
        println!("not yet told  ships: {:?}", index.find("ships"));
        Ok(())
    })
    .await?;
    println!("committed     whales: {:?}, ships: {:?}", index.find("whales"), index.find("ships"));

    whales.delete(&db).await?;
    println!("deleted       ships: {:?}", index.find("ships"));
    println!("left          {} in the outbox", db.things::<Message>().count().await?);
    Ok(())
}
