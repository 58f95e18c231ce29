//! A web service over airports: the same program on each database, with a cache in memory or one that several instances
//! share.
//!
//! ```sh
//! cargo run --release -p thing-example-web-service
//! DATABASE_URL=postgres://app:secret@localhost/app CACHE_URL=redis://localhost cargo run --release -p thing-example-web-service
//!
//! curl localhost:3000/airports/ATL
//! curl 'localhost:3000/airports?state=HI&offset=0&limit=5'
//! curl -X PATCH localhost:3000/airports/ATL -H 'content-type: application/json' -d '{"name": "Atlanta"}'
//! curl localhost:3000/statistics
//! ```

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path as UrlPath, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thing::driver::{CacheClient, Executor};
use thing::{Db, Error, ErrorKind, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_mysql::MysqlExecutor;
use thing_driver_postgres::PostgresExecutor;
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug, Serialize, Deserialize)]
struct Airport {
    #[thing(key)]
    iata: String,
    name: String,
    city: Option<String>,
    #[thing(index)]
    state: Option<String>,
    country: String,
    latitude: f64,
    longitude: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let db = Db::builder(database(&setting("DATABASE_URL", "sqlite::memory:")).await?)
        .cache(cache(&setting("CACHE_URL", "memory")).await?)
        .build();
    db.sync::<Airport>().await?;
    if !db.things::<Airport>().all_objects().exists().await? {
        import(&db).await?;
    }
    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, service(db)).await?)
}

/// The driver that the URL names. An application that knows its database needs no such choice.
async fn database(url: &str) -> Result<Arc<dyn Executor>, Error> {
    Ok(match url.split(':').next() {
        Some("sqlite") => Arc::new(SqliteExecutor::open(url).await?),
        Some("postgres" | "postgresql") => Arc::new(PostgresExecutor::open(url).await?),
        Some("mysql" | "mariadb") => Arc::new(MysqlExecutor::open(url).await?),
        _ => return Err(Error::invalid_input("DATABASE_URL begins with sqlite:, postgres: or mysql:")),
    })
}

async fn cache(url: &str) -> Result<Arc<dyn CacheClient>, Error> {
    Ok(match url.split(':').next() {
        Some("memory") => Arc::new(MemoryCache::new(MemoryConfig::default())),
        Some("redis" | "rediss") => {
            // A write waits for the cache rather than being refused.
            let patience = Duration::from_secs(10);
            let config = RedisConfig::from_url(url)?.connect_timeout(patience).write_timeout(patience);
            Arc::new(RedisCache::connect(config).await?)
        }
        _ => return Err(Error::invalid_input("CACHE_URL is `memory` or begins with redis: or rediss:")),
    })
}

async fn import(db: &Db) -> Result<(), Box<dyn std::error::Error>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/airports.csv");
    let airports: Vec<Airport> = csv::Reader::from_path(file)?.deserialize().collect::<Result<_, _>>()?;
    println!("imported {} airports", db.things::<Airport>().create_many(airports).await?.len());
    Ok(())
}

fn service(db: Db) -> Router {
    Router::new()
        .route("/airports", get(list).post(create))
        .route("/airports/{iata}", get(show).patch(rename).delete(remove))
        .route("/statistics", get(statistics))
        .with_state(db)
}

#[derive(Deserialize)]
struct Page {
    state: Option<String>,
    #[serde(default)]
    offset: u64,
    limit: Option<u64>,
}

/// A page of a list, and how long the whole list is. Both are answered by the cache until a write touches them.
async fn list(State(db): State<Db>, Query(page): Query<Page>) -> Result<Json<Value>, Failure> {
    let airports = || {
        let all = db.things::<Airport>().all_objects();
        match &page.state {
            Some(state) => all.filter(Airport::STATE.eq(state.clone())),
            None => all,
        }
    };
    let some = airports().order_by(Airport::NAME.asc()).fetch(page.offset, page.limit.unwrap_or(20).min(100)).await?;
    let some: Vec<&Airport> = some.iter().map(|airport| &**airport).collect();
    Ok(Json(json!({ "total": airports().count().await?, "airports": some })))
}

async fn create(State(db): State<Db>, Json(airport): Json<Airport>) -> Result<Response, Failure> {
    let created = db.things::<Airport>().create(airport).await?;
    Ok((StatusCode::CREATED, Json(&*created)).into_response())
}

async fn show(State(db): State<Db>, UrlPath(iata): UrlPath<String>) -> Result<Response, Failure> {
    let airport = db.things::<Airport>().by_id(iata).await?;
    Ok(Json(&*airport).into_response())
}

#[derive(Deserialize)]
struct NewName {
    name: String,
}

async fn rename(
    State(db): State<Db>,
    UrlPath(iata): UrlPath<String>,
    Json(new): Json<NewName>,
) -> Result<Response, Failure> {
    let mut airport = db.things::<Airport>().by_id(iata).await?;
    airport.name = new.name;
    airport.save(&db).await?;
    Ok(Json(&*airport).into_response())
}

async fn remove(State(db): State<Db>, UrlPath(iata): UrlPath<String>) -> Result<StatusCode, Failure> {
    db.things::<Airport>().delete(iata).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn statistics(State(db): State<Db>) -> String {
    format!("{:#?}\n", db.statistics())
}

/// An error as an answer: what the caller can mend says so, the rest stays in the log.
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self.0.kind() {
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Constraint(_) => StatusCode::CONFLICT,
            ErrorKind::InvalidData { .. } | ErrorKind::InvalidInput => StatusCode::UNPROCESSABLE_ENTITY,
            _ if self.0.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            _ => {
                eprintln!("{:?}", self.0);
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        (status, Json(json!({ "error": self.0.to_string() }))).into_response()
    }
}
