//! The edges of every operation, as objects, queries and sessions have them.

mod objects;
mod queries;
mod sessions;

use std::time::SystemTime;

use thing::{Db, Model};

use crate::support::Stack;

#[derive(Model, Clone, Debug, PartialEq)]
struct Note {
    id: i64,
    #[thing(unique)]
    title: String,
    #[thing(index)]
    rank: Option<i32>,
    weight: f64,
    size: u64,
    #[thing(updated)]
    updated_at: SystemTime,
}

fn note(n: i32, title: &str) -> Note {
    Note {
        id: 0,
        title: title.to_owned(),
        rank: (n != 0).then_some(n),
        weight: f64::from(n) / 2.0,
        size: 0,
        updated_at: SystemTime::UNIX_EPOCH,
    }
}

/// Notes 1 to 6; the rank of the third and the sixth is NULL, and two share the rank 2.
async fn notes(stack: &Stack) -> thing::Result<Db> {
    let db = stack.db::<Note>().await;
    let ranks = [1, 2, 0, 2, 3, 0];
    let titles = ["a%b", "a_b", "a\\b", "A b", "Ünïcödé", "😀 tail"];
    db.things::<Note>().create_many(ranks.into_iter().zip(titles).map(|(rank, title)| note(rank, title))).await?;
    Ok(db)
}
