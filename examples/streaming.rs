//! Streaming: a result of any size, one object at a time.
//!
//!     cargo run --example streaming

use thing::{Db, Model};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct Measurement {
    id: i64,
    sensor: i32,
    celsius: f64,
}

const COUNT: i64 = 50_000;

#[tokio::main]
async fn main() -> thing::Result<()> {
    let folder = tempfile::tempdir().map_err(|e| thing::Error::backend("no temporary folder").with_source(e))?;
    let db = Db::builder(SqliteExecutor::open(folder.path().join("measurements.db")).await?).build();
    db.sync::<Measurement>().await?;
    let measurements = db.things::<Measurement>();
    let new = |n: i64| NewMeasurement { sensor: (n % 8) as i32, celsius: 15.0 + (n % 100) as f64 / 10.0 };
    measurements.create_many((0..COUNT).map(new)).await?;

    // One pass in the order of the keys; a page of rows is in memory at a time.
    let mut sum = 0.0;
    let mut count = 0;
    let mut stream = measurements.filter(Measurement::SENSOR.eq(3)).stream().await?;
    while let Some(measurement) = stream.next().await? {
        sum += measurement.celsius;
        count += 1;
    }
    println!("sensor 3: {count} measurements, {:.2} °C on average", sum / f64::from(count));

    // Dropping the stream stops the read.
    let mut stream = measurements.order_by(Measurement::CELSIUS.desc()).stream().await?;
    let mut highest = Vec::new();
    while highest.len() < 3
        && let Some(measurement) = stream.next().await?
    {
        highest.push(measurement.celsius);
    }
    drop(stream);
    println!("the three highest: {highest:?}");

    // Raw SQL streams as well.
    let mut stream = db.raw("SELECT * FROM measurements WHERE id % 2 = 0").stream::<Measurement>().await?;
    let mut even = 0;
    while stream.next().await?.is_some() {
        even += 1;
    }
    println!("with an even key: {even} of {COUNT}");
    println!("statements: {} reads", db.statistics().reads);
    Ok(())
}
