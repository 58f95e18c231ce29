//! MySQL and MariaDB for the Thing ORM.
mod config;
mod dialect;
mod executor;
mod transaction;
mod pool;
mod connection;
mod plan;
mod values;
mod calendar;
mod row;
mod stream;
mod schema;
mod statistics;
mod error;

pub use config::MysqlConfig;
pub use dialect::{Flavour, MysqlDialect};
pub use executor::MysqlExecutor;
pub use statistics::MysqlStatistics;
