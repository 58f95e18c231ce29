//! Real servers for tests: their addresses, fresh databases on them, private instances that a test may kill, and a proxy
//! that breaks connections.
//!
//! ```text
//! tests/run ─▶ tests/servers/servers ─▶ THING_…_URL ─▶ postgres_url() ─▶ PostgresSchema   shared servers
//! Instance  ─▶ tests/servers/servers instance ─▶ a server of one test ─▶ url()            may be killed
//! test ─▶ Proxy ─▶ either of them                                                         may be cut off
//! ```
//!
//! Nothing here skips a test: what cannot be reached makes the test fail with a message that says what to do.
//! [`Instance`] needs Linux; the rest needs servers only.

mod environment;
mod server_url;
mod cleanup;
mod postgres;
mod mysql;
mod redis;
mod instance;
mod proxy;

pub use environment::{certificate_authority, mysql_url, postgres_url, redis_tls_url, redis_url};
pub use instance::Instance;
pub use mysql::MysqlDatabase;
pub use postgres::{PostgresDatabase, PostgresSchema};
pub use proxy::{Direction, Proxy};
pub use redis::redis_prefix;

/// A name that no other test has, and that `DROP` statements and humans recognise.
fn unique_name() -> String {
    format!("thing_test_{}", uuid::Uuid::new_v4().simple())
}
