//! Debts: when the cache had been told of everything that was owed to it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thing::Db;

use crate::clock;
use crate::options::Options;

/// The table of debts.
pub(crate) const DEBTS: &str = "thing_debts";

/// How long to wait between two looks at the table.
const GAP: Duration = Duration::from_millis(25);

/// One look at the table of debts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// When it began: what had been committed by then and was not paid is among the debts.
    begin: u64,
    /// When it was over: what is not among the debts was paid by then, or made after the beginning.
    end: u64,
    debts: Vec<i64>,
}

impl Look {
    async fn at(db: &Db) -> thing::Result<Self> {
        let begin = clock::now();
        let debts = db.raw(format!("SELECT id FROM {DEBTS}")).rows::<(i64,)>().await?;
        Ok(Self { begin, end: clock::now(), debts: debts.into_iter().map(|(id,)| id).collect() })
    }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("debts")
}

/// Looks at the debts again and again, and keeps what it sees.
///
/// # Errors
///
/// Those of the file system, and a database that can't be opened.
pub(crate) async fn watch(options: Options, url: String, directory: PathBuf) -> io::Result<()> {
    let db = Db::builder(options.database.open(&url).await.map_err(io::Error::other)?).build();
    let mut file = File::create(file(&directory))?;
    loop {
        // The database may be away.
        if let Ok(Look { begin, end, debts }) = Look::at(&db).await {
            let debts: String = debts.iter().map(|id| format!(" {id}")).collect();
            writeln!(file, "{begin} {end}{debts}")?;
        }
        tokio::time::sleep(GAP).await;
    }
}

/// Waits until nothing is owed; whether that came to be in time.
///
/// # Errors
///
/// Those of the database.
pub(crate) async fn are_paid(options: &Options, url: &str, limit: Duration) -> thing::Result<bool> {
    let db = Db::builder(options.database.open(url).await?).build();
    let end = clock::now() + limit.as_nanos() as u64;
    while clock::now() < end {
        if Look::at(&db).await?.debts.is_empty() {
            return Ok(true);
        }
        tokio::time::sleep(GAP).await;
    }
    Ok(false)
}

/// What was seen of debts.
#[derive(Debug, Default)]
pub struct Debts(Vec<Look>);

impl Debts {
    /// The looks of a run, none if it left no debts.
    ///
    /// # Errors
    ///
    /// Those of the file system, and lines that are none.
    pub fn load(directory: &Path) -> io::Result<Self> {
        let file = file(directory);
        if !file.exists() {
            return Ok(Self::default());
        }
        let parsed = |line: &str| {
            let mut numbers = line.split(' ').map(str::parse::<u64>);
            let (begin, end) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
            let debts = numbers.map(|id| id.map(u64::cast_signed)).collect::<Result<_, _>>().ok()?;
            Some(Look { begin, end, debts })
        };
        let wrong = |line| io::Error::new(io::ErrorKind::InvalidData, format!("debts: {line}"));
        let text = fs::read_to_string(file)?;
        Ok(Self(text.lines().map(|line| parsed(line).ok_or_else(|| wrong(line))).collect::<io::Result<_>>()?))
    }

    /// When all debts had been paid that were committed at a time, as far as was seen.
    pub(crate) fn paid(&self, committed: u64) -> Option<u64> {
        let from = self.0.partition_point(|look| look.begin < committed);
        let owed = &self.0.get(from)?.debts;
        let is_paid = |look: &&Look| owed.iter().all(|debt| !look.debts.contains(debt));
        self.0[from..].iter().find(is_paid).map(|look| look.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debt_is_paid_when_it_is_not_seen_any_more() {
        let look = |begin, debts: &[i64]| Look { begin, end: begin + 5, debts: debts.to_vec() };
        let debts = Debts(vec![look(10, &[]), look(20, &[2, 1]), look(30, &[2, 3]), look(40, &[3])]);
        assert_eq!((debts.paid(5), debts.paid(15), debts.paid(25)), (Some(15), Some(45), None));
    }
}
