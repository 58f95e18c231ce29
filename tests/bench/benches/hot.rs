//! Hot tags: what readers get while many writers change one row, or rows of one table, all the time.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use thing::{Db, Model};
use thing_bench::arguments::{self, Values};
use thing_bench::data::USERS;
use thing_bench::meter::{Measurement, Meter};
use thing_bench::server::{Server, near_cache, redis_url};
use thing_bench::subjects::thing::User;
use thing_bench::suite;
use thing_test_random::Random;
use thing_test_servers::PostgresDatabase;

const USAGE: &str =
    "cargo bench -p thing-bench --bench hot -- [options] with the addresses of PostgreSQL and Redis in the
environment, see `tests/servers/servers env`

--quick              a fifth of a second each
--seconds <x>        how long each is measured, 2 unless given";

const WRITERS: [usize; 4] = [0, 1, 8, 64];
const READERS: usize = 8;
/// The row that is written, or the age of the rows that are.
const HOT: i64 = 7;

#[derive(Debug)]
struct Options {
    seconds: f64,
}

impl Options {
    fn set(&mut self, option: &str, values: &mut Values) -> Result<(), String> {
        match option {
            "--quick" => self.seconds = 0.2,
            "--seconds" => self.seconds = values.number()?,
            unknown => return arguments::unknown(unknown),
        }
        Ok(())
    }
}

/// What is written.
#[derive(Clone, Copy, Debug)]
enum Written {
    /// One row, by all.
    Row,
    /// Any row of the table.
    Table,
}

/// What is read.
#[derive(Clone, Copy, Debug)]
enum Read {
    /// The row that is written, or one of the table's.
    Row,
    /// A row that nobody writes.
    Other,
    /// A list that the writes don't concern, of a column that they don't change.
    List,
    /// A list by the column that they change.
    Changed,
}

impl Read {
    const ALL: [Self; 4] = [Self::Row, Self::Other, Self::List, Self::Changed];

    fn name(self) -> &'static str {
        match self {
            Self::Row => "a written row",
            Self::Other => "another row",
            Self::List => "a list by another column",
            Self::Changed => "a list by the written column",
        }
    }

    /// How many entries of the cache answer it: a list, and its objects.
    fn entries(self) -> usize {
        if let Self::List = self { 101 } else { 1 }
    }

    async fn run(self, db: &Db, id: i64) {
        match self {
            Self::Row => drop(User::by_id(db, id).await.expect("a row is read")),
            Self::Other => drop(User::by_id(db, USERS).await.expect("a row is read")),
            Self::List => {
                let list = User::filter(db, User::AGE.eq(18)).order_by(User::ID.asc()).fetch(0, 100).await;
                assert_eq!(list.expect("a list is read").len(), 100);
            }
            Self::Changed => {
                let list = User::filter(db, User::SCORE.gt(1e12)).fetch(0, 100).await;
                assert!(list.expect("a list is read").is_empty());
            }
        }
    }
}

fn main() -> ExitCode {
    let options = match arguments::read(USAGE, Options { seconds: 2.0 }, Options::set) {
        Ok(options) => options,
        Err(code) => return code,
    };
    suite::runtime().block_on(run(&options));
    ExitCode::SUCCESS
}

async fn run(options: &Options) {
    let database = PostgresDatabase::create().await;
    let server = Server::Postgres;
    server.seed(database.url()).await.expect("the tables are filled");
    let db = server.db(database.url()).await.cache(near_cache(redis_url()).await).build();
    db.sync::<User>().await.expect("the table fits the model");
    println!("| written | writers | read | writes/s | reads/s | from the cache | p50 µs | p99 µs |");
    println!("|---|--:|---|--:|--:|--:|--:|--:|");
    for written in [Written::Row, Written::Table] {
        for writers in WRITERS {
            for read in Read::ALL {
                let (writes, hits, measured) = measure(&db, written, writers, read, options.seconds).await;
                let Measurement { p50, p99, .. } = measured;
                let what = match written {
                    Written::Row => "one row",
                    Written::Table => "all rows",
                };
                let (read, reads) = (read.name(), measured.rate());
                let hits = 100.0 * hits;
                println!(
                    "| {what} | {writers} | {read} | {writes:.0} | {reads:.0} | {hits:.1} % | {p50:.1} | {p99:.0} |"
                );
            }
        }
    }
}

/// Writes per second, the part of the reads that the cache answered, and the reads.
async fn measure(db: &Db, written: Written, writers: usize, read: Read, seconds: f64) -> (f64, f64, Measurement) {
    let over = Arc::new(AtomicBool::new(false));
    let writes = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let (db, over, writes) = (db.clone(), over.clone(), writes.clone());
        tasks.push(tokio::spawn(async move {
            let random = Random::seeded(writer as u64);
            let mut score = 0.0;
            // Each writer has rows of its own, or all have the same; they are not read again.
            let ids: Vec<i64> = match written {
                Written::Row => vec![HOT],
                Written::Table => (0..100).map(|_| random.key(USERS - 1)).collect(),
            };
            let mut rows = Vec::new();
            for id in ids {
                rows.push(User::by_id(&db, id).await.expect("a row is read"));
            }
            while !over.load(Relaxed) {
                score += 1.0;
                let at = random.below(rows.len() as u64) as usize;
                rows[at].score = score + writer as f64 / 100.0;
                rows[at].save(&db).await.expect("a row is saved");
                writes.fetch_add(1, Relaxed);
            }
        }));
    }
    // What is read is there, and the writers are at work.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (before, written_before) = (db.statistics(), writes.load(Relaxed));
    let mut running = Meter::default().start(0);
    let began = Instant::now();
    let mut readers = Vec::new();
    for reader in 0..READERS {
        let (db, end) = (db.clone(), began + Duration::from_secs_f64(seconds));
        readers.push(tokio::spawn(async move {
            let random = Random::seeded(1000 + reader as u64);
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let id = match written {
                    Written::Row => HOT,
                    Written::Table => random.key(USERS - 1),
                };
                let began = Instant::now();
                read.run(&db, id).await;
                latencies.push(began.elapsed());
                // A reader whose reads never wait would keep the thread to itself.
                if latencies.len() % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            latencies
        }));
    }
    let mut reads = 0;
    for reader in readers {
        let latencies = reader.await.expect("a reader ends without panic");
        reads += latencies.len();
        running.note(&latencies);
    }
    let measured = running.stop(READERS, reads);
    let writes = (writes.load(Relaxed) - written_before) as f64 / measured.seconds;
    let hits = db.statistics().cache.hits - before.cache.hits;
    over.store(true, Relaxed);
    for task in tasks {
        task.await.expect("a writer ends without panic");
    }
    (writes, hits as f64 / (reads * read.entries()) as f64, measured)
}
