//! What the tests share: the stacks they run on, models, and wrappers around executors and caches.

#[macro_use]
mod matrix;
mod bytes_cache;
mod limited;
mod models;
mod stack;

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use thing::{Db, Loaded, Model, Result};

pub(crate) use bytes_cache::BytesCache;
pub(crate) use limited::Limited;
pub(crate) use models::{Post, User, post, user};
pub(crate) use stack::{Cache, Database, Stack, stacks};

/// The number of statements that `work` sends to the database.
pub(crate) async fn statements<T>(db: &Db, work: impl Future<Output = T>) -> (u64, T) {
    let before = db.statistics().statements();
    let result = work.await;
    (db.statistics().statements() - before, result)
}

/// The object that was given back is what is stored, and what the cache answers.
pub(crate) async fn assert_stored<M: Model + PartialEq + Debug>(db: &Db, object: &Loaded<M>) -> Result<()> {
    assert_eq!(*object, db.things::<M>().by_id(object.key()).await?);
    assert_eq!(*object, db.things::<M>().by_id_uncached(object.key()).await?);
    assert!(!object.is_changed());
    Ok(())
}

/// The text with the placeholders of the database instead of question marks.
pub(crate) fn placeholders(db: &Db, text: &str) -> String {
    let dialect = db.executor().dialect().expect("a dialect");
    let mut pieces = text.split('?');
    let mut sql = pieces.next().unwrap_or_default().to_owned();
    for (number, piece) in pieces.enumerate() {
        dialect.placeholder(number + 1, &mut sql);
        sql.push_str(piece);
    }
    sql
}

/// A name as the database quotes it.
pub(crate) fn quoted(db: &Db, name: &str) -> String {
    let mut sql = String::new();
    db.executor().dialect().expect("a dialect").identifier(name, &mut sql);
    sql
}

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
