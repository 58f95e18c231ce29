//! Change feeds: how long until what others write is seen through a cache, and what recording costs.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thing::driver::{Executor, NoRows, Shape, Statement};
use thing::{Db, Model};
use thing_bench::arguments::{self, Values};
use thing_bench::suite;
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_mysql::{ChangeSource as MysqlSource, MysqlConfig, MysqlExecutor};
use thing_driver_postgres::{ChangeSource as PostgresSource, PostgresConfig, PostgresExecutor};
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{MysqlDatabase, PostgresDatabase};

const USAGE: &str = "cargo bench -p thing-bench --bench changes -- [options] with the addresses of servers in the
environment, see `tests/servers/servers env`

--quick              20 changes of each source, 1,000 rows
--rounds <n>         the number of changes of each source, 200 unless given
--rows <n>           the number of rows added at once, 10,000 unless given
--only <a,b>         these only: postgres, mysql, sqlite";

/// How many times rows are added.
const TIMES: usize = 5;

#[derive(Model, Clone, Debug)]
struct Item {
    id: i64,
    #[thing(index)]
    shelf: i64,
    name: String,
    count: i64,
}

#[derive(Debug)]
struct Options {
    rounds: usize,
    rows: i64,
    only: Vec<String>,
}

impl Options {
    fn set(&mut self, option: &str, values: &mut Values) -> Result<(), String> {
        match option {
            "--quick" => (self.rounds, self.rows) = (20, 1_000),
            "--rounds" => self.rounds = values.number()?,
            "--rows" => self.rows = values.number()?,
            "--only" => self.only = values.names()?,
            unknown => return arguments::unknown(unknown),
        }
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }
}

fn main() -> ExitCode {
    let options = Options { rounds: 200, rows: 10_000, only: Vec::new() };
    let options = match arguments::read(USAGE, options, Options::set) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let mut bench = Bench { options, delays: Vec::new(), costs: Vec::new() };
    suite::runtime().block_on(bench.run());
    bench.print();
    ExitCode::SUCCESS
}

#[derive(Debug)]
struct Bench {
    options: Options,
    delays: Vec<Delays>,
    costs: Vec<Cost>,
}

/// From the answer to the outsider's commit until a reader sees it.
#[derive(Debug)]
struct Delays {
    source: String,
    median: Duration,
    longest: Duration,
    told: u64,
}

/// What adding rows took, before and after the recording began.
#[derive(Debug)]
struct Cost {
    database: &'static str,
    writer: &'static str,
    without: Duration,
    with: Duration,
}

impl Bench {
    async fn run(&mut self) {
        if self.options.wants("postgres") {
            self.postgres().await;
        }
        if self.options.wants("mysql") {
            self.mysql().await;
        }
        if self.options.wants("sqlite") {
            self.sqlite().await;
        }
    }

    async fn postgres(&mut self) {
        let database = PostgresDatabase::create().await;
        let config = || PostgresConfig::from_url(database.url()).expect("the URL of PostgreSQL is valid");
        let slot = PostgresSource::LogicalSlot { name: database.name().to_owned() };
        let outsider = || postgres(config().recorded(true));
        for interval in [100, 10] {
            let inside = config().changes_interval(Duration::from_millis(interval));
            let source = format!("PostgreSQL, triggers, every {interval} ms");
            self.delays(source, postgres(inside.clone()).await, outsider().await).await;
            let inside = postgres(inside.changes_from(slot.clone())).await;
            self.delays(format!("PostgreSQL, replication slot, every {interval} ms"), inside, outsider().await).await;
        }
        self.costs("PostgreSQL", postgres(config()).await, outsider().await).await;
    }

    async fn mysql(&mut self) {
        let database = MysqlDatabase::create().await;
        let config = || MysqlConfig::from_url(database.url()).expect("the URL of MySQL is valid");
        let outsider = || mysql(config().recorded(true));
        for interval in [100, 10] {
            let inside = config().changes_interval(Duration::from_millis(interval));
            let source = format!("MySQL, triggers, every {interval} ms");
            self.delays(source, mysql(inside).await, outsider().await).await;
        }
        let inside = mysql(config().changes_from(MysqlSource::Binlog)).await;
        self.delays("MySQL, binary log".to_owned(), inside, mysql(config()).await).await;
        self.costs("MySQL", mysql(config()).await, outsider().await).await;
    }

    async fn sqlite(&mut self) {
        let folder = tempfile::tempdir().expect("a folder for the database is made");
        let path = folder.path().join("bench.db");
        let open = async || Arc::new(SqliteExecutor::open(&path).await.expect("SQLite opens"));
        self.delays("SQLite, every 20 ms".to_owned(), open().await, open().await).await;
    }

    async fn delays(&mut self, source: String, inside: Arc<dyn Executor>, outsider: Arc<dyn Executor>) {
        eprintln!("# {source}");
        let db = cached(inside).await;
        let first = Item { id: 0, shelf: 1, name: "item 1".to_owned(), count: 1 };
        first.create(&db).await.expect("an item is created");
        db.record_changes::<Item>().await.expect("changes are recorded");
        let follower = db.follow_changes::<Item>().await.expect("changes are followed");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut delays = Vec::with_capacity(self.options.rounds);
        for round in 0..self.options.rounds {
            count(&db).await;
            // Not in step with the polls.
            tokio::time::sleep(Duration::from_micros((round as u64 * 7919) % 40_000)).await;
            let wanted = round as i64 + 1000;
            run(&*outsider, &format!("UPDATE items SET count = {wanted} WHERE id = 1")).await;
            let committed = Instant::now();
            while count(&db).await != wanted {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            delays.push(committed.elapsed());
        }
        let (median, longest) = ends(delays);
        self.delays.push(Delays { source, median, longest, told: follower.changes() });
        drop(follower);
        let schema = db.executor().schema().expect("it has a schema");
        schema.forget_changes(&[Item::table()]).await.expect("the recording ends");
    }

    async fn costs(&mut self, database: &'static str, inside: Arc<dyn Executor>, outsider: Arc<dyn Executor>) {
        eprintln!("# {database}, costs");
        let db = cached(inside).await;
        let writers = [("Thing", db.executor()), ("others", &*outsider)];
        let mut without = Vec::new();
        for (_, writer) in writers {
            without.push(self.time_of_insert(&db, writer).await);
        }
        db.record_changes::<Item>().await.expect("changes are recorded");
        for ((name, writer), without) in writers.into_iter().zip(without) {
            let with = self.time_of_insert(&db, writer).await;
            self.costs.push(Cost { database, writer: name, without, with });
        }
    }

    /// The median of several.
    async fn time_of_insert(&self, db: &Db, writer: &dyn Executor) -> Duration {
        let values: Vec<String> = (1..=self.options.rows).map(|n| format!("({}, 'item {n}', {n})", n % 100)).collect();
        let insert = format!("INSERT INTO items (shelf, name, count) VALUES {}", values.join(", "));
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let began = Instant::now();
            run(writer, &insert).await;
            times.push(began.elapsed());
            run(db.executor(), "DELETE FROM items").await;
        }
        ends(times).0
    }

    fn print(&self) {
        println!("| source | changes | median, ms | longest, ms | told |\n|---|--:|--:|--:|--:|");
        for Delays { source, median, longest, told } in &self.delays {
            let rounds = self.options.rounds;
            println!("| {source} | {rounds} | {:.1} | {:.1} | {told} |", milliseconds(*median), milliseconds(*longest));
        }
        if self.costs.is_empty() {
            return;
        }
        println!("\n| {} rows added by | not recorded, ms | recorded, ms | factor |", self.options.rows);
        println!("|---|--:|--:|--:|");
        for Cost { database, writer, without, with } in &self.costs {
            let factor = with.as_secs_f64() / without.as_secs_f64();
            let (without, with) = (milliseconds(*without), milliseconds(*with));
            println!("| {database}, {writer} | {without:.1} | {with:.1} | {factor:.2} |");
        }
    }
}

/// The median and the longest.
fn ends(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    (at(times.len() / 2), at(times.len().saturating_sub(1)))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

async fn count(db: &Db) -> i64 {
    Item::by_id(db, 1).await.expect("the item is there").count
}

async fn run(executor: &dyn Executor, sql: &str) {
    let statement = Shape::raw(sql);
    executor.write(&Statement::new(&statement, &[]), &mut NoRows).await.expect("the statement runs");
}

async fn cached(executor: Arc<dyn Executor>) -> Db {
    let db = Db::builder(executor).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<Item>().await.expect("the table is made");
    db
}

async fn postgres(config: PostgresConfig) -> Arc<dyn Executor> {
    Arc::new(PostgresExecutor::connect(config).await.expect("PostgreSQL is there"))
}

async fn mysql(config: MysqlConfig) -> Arc<dyn Executor> {
    Arc::new(MysqlExecutor::connect(config).await.expect("MySQL is there"))
}
