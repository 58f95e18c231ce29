//! What a hit takes: of the memory cache alone, and as the near part of a tiered cache over Redis.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use thing::driver::{CacheClient, EntryKey, Key, Peek};
use thing::{Db, Model};
use thing_bench::arguments::{self, Values};
use thing_bench::data::UserRow;
use thing_bench::subjects::thing::User;
use thing_bench::{server, suite};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

const USAGE: &str = "cargo bench -p thing-bench --bench near -- [options] with the address of Redis in the
environment, see `tests/servers/servers env`

--quick              30 rounds
--rounds <n>         the number of rounds, 300 unless given; the shortest counts
--hits <n>           the number of hits of each kind in a round, 20,000 unless given";

/// The only row.
const ID: i64 = 1;

#[derive(Debug)]
struct Options {
    rounds: u32,
    hits: u32,
}

impl Options {
    fn set(&mut self, option: &str, values: &mut Values) -> Result<(), String> {
        match option {
            "--quick" => self.rounds = 30,
            "--rounds" => self.rounds = values.number()?,
            "--hits" => self.hits = values.number()?,
            unknown => return arguments::unknown(unknown),
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let options = match arguments::read(USAGE, Options { rounds: 300, hits: 20_000 }, Options::set) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let subjects = suite::runtime().block_on(run(&options));
    println!("| cache | by_id, ns | peek, ns |\n|---|--:|--:|");
    for Subject { name, by_id, peek, .. } in subjects {
        println!("| {name} | {by_id:.1} | {peek:.1} |");
    }
    ExitCode::SUCCESS
}

/// The shortest of many short runs, which others on the machine disturb least.
async fn run(options: &Options) -> [Subject; 2] {
    let memory = MemoryCache::new(MemoryConfig::default());
    let near = server::near_cache(server::redis_url()).await;
    let mut subjects =
        [Subject::new("memory", Arc::new(memory)).await, Subject::new("near, over Redis", Arc::new(near)).await];
    for _ in 0..options.rounds {
        for subject in &mut subjects {
            subject.measure(options.hits).await;
        }
    }
    subjects
}

struct Subject {
    name: &'static str,
    db: Db,
    cache: Arc<dyn CacheClient>,
    /// Nanoseconds.
    by_id: f64,
    /// Nanoseconds.
    peek: f64,
}

impl Subject {
    async fn new(name: &'static str, cache: Arc<dyn CacheClient>) -> Self {
        let executor = SqliteExecutor::memory().await.expect("SQLite opens");
        let db = Db::builder(executor).cache(cache.clone()).build();
        db.sync::<User>().await.expect("the table is made");
        let user = User { id: ID, ..UserRow::number(ID).into() };
        db.things::<User>().create_many([user]).await.expect("a user is created");
        Self { name, db, cache, by_id: f64::INFINITY, peek: f64::INFINITY }
    }

    async fn measure(&mut self, hits: u32) {
        let users = self.db.things::<User>();
        let key = EntryKey::Object { table: User::table().id(), key: Key::Int(ID) };
        // It may have expired, or the gate may be closed.
        users.by_id(ID).await.expect("the user is there");
        if !self.is_hit(&key) {
            return;
        }
        let began = Instant::now();
        for _ in 0..hits {
            black_box(users.by_id(ID).await.expect("the user is there"));
        }
        let by_id = began.elapsed().as_nanos() as f64 / f64::from(hits);
        let began = Instant::now();
        for _ in 0..hits {
            black_box(self.cache.peek(&key));
        }
        let peek = began.elapsed().as_nanos() as f64 / f64::from(hits);
        if self.is_hit(&key) {
            self.by_id = self.by_id.min(by_id);
            self.peek = self.peek.min(peek);
        }
    }

    fn is_hit(&self, key: &EntryKey) -> bool {
        matches!(self.cache.peek(key), Peek::Hit(_))
    }
}
