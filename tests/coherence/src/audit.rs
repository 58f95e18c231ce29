//! The audit: what was committed, in its order, as the triggers noted it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thing::Db;

use crate::model::RowKey;

/// One committed change of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number; later changes of the same row have greater ones.
    pub number: i64,
    /// The row.
    pub row: RowKey,
    /// The value before; 0 if there was no row.
    pub old_value: u64,
    /// The value after; 0 if there is no row.
    pub new_value: u64,
    /// Group and flag before.
    pub old_form: u64,
    /// Group and flag after.
    pub new_form: u64,
    /// The version of the group before.
    pub old_version: u64,
    /// The version of the group after.
    pub new_version: u64,
}

type Columns = (i64, i64, i64, i64, i64, i64, i64, i64);

impl Change {
    /// The next changes after a number.
    pub(crate) async fn read(db: &Db, after: i64) -> thing::Result<Vec<Self>> {
        let statement = format!(
            "SELECT number, row_key, old_value, new_value, old_form, new_form, old_version, new_version \
             FROM audit WHERE number > {after} ORDER BY number LIMIT 50000"
        );
        Ok(db.raw(statement).rows::<Columns>().await?.into_iter().map(Self::from).collect())
    }
}

impl From<Columns> for Change {
    fn from((number, row, a, b, c, d, e, f): Columns) -> Self {
        let [old_value, new_value, old_form, new_form, old_version, new_version] =
            [a, b, c, d, e, f].map(i64::unsigned_abs);
        let row = RowKey(row.unsigned_abs());
        Self { number, row, old_value, new_value, old_form, new_form, old_version, new_version }
    }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("audit")
}

/// Keeps the changes beside the histories, one in a line.
///
/// # Errors
///
/// Those of the file system.
pub fn save(directory: &Path, changes: &[Change]) -> io::Result<()> {
    let mut text = Vec::new();
    for change in changes {
        let Change { number, row, old_value, new_value, old_form, new_form, old_version, new_version } = change;
        let row = row.0;
        writeln!(text, "{number} {row} {old_value} {new_value} {old_form} {new_form} {old_version} {new_version}")?;
    }
    fs::write(file(directory), text)
}

/// The changes that were kept.
///
/// # Errors
///
/// Those of the file system, and lines that are none.
pub fn load(directory: &Path) -> io::Result<Vec<Change>> {
    let parsed = |line: &str| {
        let numbers: Vec<i64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [a, b, c, d, e, f, g, h] = numbers[..] else { return None };
        Some(Change::from((a, b, c, d, e, f, g, h)))
    };
    let text = fs::read_to_string(file(directory))?;
    let line = |line| parsed(line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("audit: {line}")));
    text.lines().map(line).collect()
}
