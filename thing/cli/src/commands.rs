//! Commands, one module each: they ask the database and give a report.

pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod explain;
pub(crate) mod doctor;
pub(crate) mod sync;
pub(crate) mod migrate;
pub(crate) mod generate;
mod progress;
