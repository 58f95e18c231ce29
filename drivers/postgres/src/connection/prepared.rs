//! Prepared statements of one connection.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Statement};

use crate::plan::Text;
use crate::statistics::{Counters, count};
use crate::values::Codec;

/// A prepared statement, and how its columns are read.
pub(crate) struct Prepared {
    pub(crate) statement: Statement,
    pub(crate) codecs: Box<[Codec]>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("codecs", &self.codecs).finish_non_exhaustive()
    }
}

/// The statements that were used last. Of many tasks that want the same one at once, one prepares it.
pub(super) struct PreparedStatements {
    most: usize,
    kept: Mutex<Kept>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Kept {
    by_text: HashMap<Text, Entry, BuildHasherDefault<Hashed>>,
    uses: u64,
}

struct Entry {
    cell: Arc<OnceCell<Arc<Prepared>>>,
    used: u64,
}

impl PreparedStatements {
    pub(super) fn new(most: usize, counters: Arc<Counters>) -> Self {
        Self { most, kept: Mutex::default(), counters }
    }

    pub(super) async fn get(&self, client: &Client, text: &Text) -> Result<Arc<Prepared>, tokio_postgres::Error> {
        let cell = self.cell(text);
        if let Some(prepared) = cell.get() {
            return Ok(prepared.clone());
        }
        let prepare = async || {
            let statement = client.prepare(text.as_str()).await?;
            count(&self.counters.statements_prepared);
            let codecs = statement.columns().iter().map(|column| Codec::of(column.type_())).collect();
            Ok(Arc::new(Prepared { statement, codecs }))
        };
        // In a box: it happens once for each statement and connection.
        Box::pin(cell.get_or_try_init(prepare)).await.cloned()
    }

    pub(super) fn forget(&self, text: &Text) {
        self.lock().by_text.remove(text);
    }

    fn cell(&self, text: &Text) -> Arc<OnceCell<Arc<Prepared>>> {
        let mut kept = self.lock();
        kept.uses += 1;
        let used = kept.uses;
        if let Some(entry) = kept.by_text.get_mut(text) {
            entry.used = used;
            return entry.cell.clone();
        }
        if kept.by_text.len() >= self.most
            && let Some(oldest) = kept.by_text.iter().min_by_key(|(_, entry)| entry.used).map(|(text, _)| text.clone())
        {
            kept.by_text.remove(&oldest);
        }
        let cell = Arc::<OnceCell<_>>::default();
        kept.by_text.insert(text.clone(), Entry { cell: cell.clone(), used });
        cell
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on the hash that a text brings along.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
