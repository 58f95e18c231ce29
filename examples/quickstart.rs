//! Loads real airports and routes, works with them, and shows what each step cost.
//!
//!     cargo run --release --example quickstart

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use thing::{Db, Model, Statistics};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug, Deserialize)]
struct Airport {
    #[thing(key)]
    iata: String,
    name: String,
    #[serde(deserialize_with = "unless_na")]
    city: Option<String>,
    #[thing(index)]
    #[serde(deserialize_with = "unless_na")]
    state: Option<String>,
    country: String,
    latitude: f64,
    longitude: f64,
}

#[derive(Model, Clone, Debug, Deserialize)]
#[thing(key(origin, destination))]
struct Route {
    origin: String,
    #[thing(index)]
    destination: String,
    #[serde(rename = "count")]
    flights: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let db = Db::builder(SqliteExecutor::open(folder.path().join("airports.db")).await?)
        .cache(MemoryCache::new(MemoryConfig::default()))
        .build();
    db.sync::<(Airport, Route)>().await?;

    println!("Airports and routes of the United States, 2008\n");
    import(&db).await?;
    work(&db).await?;
    look_up(&db).await?;
    Ok(())
}

/// Fills the database from the CSV files.
async fn import(db: &Db) -> Result<(), Box<dyn Error>> {
    let airports: Vec<Airport> = rows("airports.csv")?;
    let routes: Vec<Route> = rows("flights-airport.csv")?;
    let count = airports.len() + routes.len();

    let started = Instant::now();
    // Drawn on standard error, and only if that is a terminal.
    let bar = ProgressBar::new(count as u64).with_style(ProgressStyle::with_template("  {bar:40} {pos}/{len} rows")?);
    for some in airports.chunks(500) {
        db.things::<Airport>().create_many(some.to_vec()).await?;
        bar.inc(some.len() as u64);
    }
    for some in routes.chunks(500) {
        db.things::<Route>().create_many(some.to_vec()).await?;
        bar.inc(some.len() as u64);
    }
    bar.finish_and_clear();

    let seconds = started.elapsed().as_secs_f64();
    println!("imported {} airports and {} routes", airports.len(), routes.len());
    println!("in {seconds:.2} s, {:.0} rows a second\n", count as f64 / seconds);
    Ok(())
}

/// One step of each kind.
async fn work(db: &Db) -> thing::Result<()> {
    let airports = db.things::<Airport>();
    let routes = db.things::<Route>();
    let mut report = Report::new(db);

    let field = Airport {
        iata: "THG".into(),
        name: "Thing Field".into(),
        city: Some("Hilo".into()),
        state: Some("HI".into()),
        country: "USA".into(),
        latitude: 19.7,
        longitude: -155.1,
    };
    airports.create(field).await?;
    report.step("create an airport in Hawaii", "THG");

    let mut atlanta = airports.by_id("ATL").await?;
    report.step("read ATL", &atlanta.name);
    let again = airports.by_id("ATL").await?;
    report.step("read ATL again", &again.name);

    let hawaii = airports.filter(Airport::STATE.eq("HI")).order_by(Airport::NAME.asc());
    report.step("list the airports of Hawaii", counted(&hawaii.clone().all().await?));
    report.step("list them again", counted(&hawaii.clone().all().await?));

    let from_atlanta = routes.filter(Route::ORIGIN.eq("ATL"));
    report.step("count the routes from ATL", from_atlanta.clone().count().await?.to_string());
    report.step("count them again", from_atlanta.clone().count().await?.to_string());

    let busiest = from_atlanta.order_by(Route::FLIGHTS.desc()).fetch(0, 2).await?;
    let there = airports.by_ids(busiest.iter().map(|route| &route.destination)).await?;
    let cities: Vec<&str> = busiest.iter().filter_map(|route| there.get(&route.destination)?.city.as_deref()).collect();
    report.step("the two with the most flights", cities.join(", "));

    atlanta.name = "Atlanta".into();
    atlanta.save(db).await?;
    report.step("rename ATL: one column is written", "saved");
    report.step("read ATL", &airports.by_id("ATL").await?.name);
    report.step("list the airports of Hawaii", counted(&hawaii.clone().all().await?));

    let moved = db
        .transaction(async |transaction| {
            let mut from = Route::by_id(transaction, ("ATL".into(), "MCO".into())).await?;
            let mut to = Route::by_id(transaction, ("ATL".into(), "TPA".into())).await?;
            from.flights -= 100;
            to.flights += 100;
            from.save(transaction).await?;
            to.save(transaction).await?;
            Ok(to.flights)
        })
        .await?;
    report.step("move 100 flights, in a transaction", moved.to_string());

    let transaction = db.begin().await?;
    Airport::by_id(&transaction, "THG").await?.delete(&transaction).await?;
    transaction.rollback().await?;
    report.step("delete THG, and roll back", "rolled back");
    report.step("list the airports of Hawaii", counted(&hawaii.clone().all().await?));
    airports.delete("THG").await?;
    report.step("delete THG", "deleted");
    report.step("list the airports of Hawaii", counted(&hawaii.all().await?));
    Ok(())
}

/// Reads airports by their keys, over and over.
async fn look_up(db: &Db) -> thing::Result<()> {
    const LOOKUPS: usize = 100_000;
    let airports = db.things::<Airport>();
    let codes: Vec<String> =
        airports.all_objects().uncached().all().await?.into_iter().map(|a| a.iata.clone()).collect();
    let before = db.statistics();
    let started = Instant::now();
    for n in 0..LOOKUPS {
        airports.by_id(&codes[n * 7919 % codes.len()]).await?;
    }
    let each = started.elapsed() / LOOKUPS as u32;
    let (sent, cached) = since(&before, &db.statistics());
    println!(
        "
{LOOKUPS} reads of {} airports: {sent} sent, {cached} cached, {each:?} each",
        codes.len()
    );
    Ok(())
}

/// Prints a line for each step: what the database and the cache did for it.
struct Report<'a> {
    db: &'a Db,
    before: Statistics,
    started: Instant,
}

impl<'a> Report<'a> {
    fn new(db: &'a Db) -> Self {
        println!("sent: statements sent to the database; cached: answers from the cache\n");
        println!("{:<36}{:<34}{:>5}{:>8}{:>11}", "step", "result", "sent", "cached", "time");
        Self { db, before: db.statistics(), started: Instant::now() }
    }

    fn step(&mut self, what: &str, result: impl Into<String>) {
        let time = self.started.elapsed().as_micros();
        let now = self.db.statistics();
        let (sent, cached) = since(&self.before, &now);
        println!("{what:<36}{:<34}{sent:>5}{cached:>8}{time:>8} µs", result.into());
        self.before = now;
        self.started = Instant::now();
    }
}

/// Statements sent to the database, and answers from the cache. A list that is behind some changes which do not concern
/// it is answered from the cache too, and counted as `restamped`.
fn since(before: &Statistics, now: &Statistics) -> (u64, u64) {
    let cached = |statistics: &Statistics| statistics.cache.hits + statistics.cache.restamped;
    (now.statements() - before.statements(), cached(now) - cached(before))
}

fn counted<T>(objects: &[T]) -> String {
    format!("{} airports", objects.len())
}

fn rows<T: DeserializeOwned>(file: &str) -> Result<Vec<T>, csv::Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file);
    csv::Reader::from_path(path)?.deserialize().collect()
}

/// Reads `NA` as `None`.
fn unless_na<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((text != "NA").then_some(text))
}
