//! Histories: what each process did, and when, in a file that survives its death.
//!
//! Records have one size and are written by `write(2)`, so that what was written stays when the process is killed. Reads
//! wait in a small buffer: those that die with their process do no harm. Everything about writes goes out at once.

mod record;
mod files;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

pub use files::{HistoryFile, histories};
pub use record::{ErrorClass, Outcome, Query, Record, Source, WriteKind};

/// Reads that wait to be written.
const BUFFER: usize = 32 * 1024;

/// The history of this process.
#[derive(Debug)]
pub struct History {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    buffer: Vec<u8>,
}

impl History {
    /// Begins a history in a new file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { state: Mutex::new(State { file: File::create_new(path)?, buffer: Vec::with_capacity(2 * BUFFER) }) })
    }

    /// Adds records of reads, which may be lost when the process dies.
    pub fn read(&self, records: impl IntoIterator<Item = Record>) {
        self.add(records, BUFFER);
    }

    /// Adds a record that is in the file when this returns.
    pub fn write(&self, record: Record) {
        self.add([record], 0);
    }

    /// Writes what waits.
    pub fn flush(&self) {
        self.add([], 0);
    }

    fn add(&self, records: impl IntoIterator<Item = Record>, room: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { file, buffer } = &mut *state;
        records.into_iter().for_each(|record| buffer.extend(record.encode()));
        if buffer.len() > room {
            if let Err(error) = file.write_all(buffer) {
                // Without a history nothing can be checked.
                eprintln!("the history can't be written: {error}");
                std::process::abort();
            }
            buffer.clear();
        }
    }
}
