//! drivers/sqlite
