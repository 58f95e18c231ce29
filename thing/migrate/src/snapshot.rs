//! The snapshot: the schema that the migrations lead to, kept beside them as JSON.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thing_driver_api::schema::TableSchema;
use thing_driver_api::{Error, Result};

/// The name of the file in the folder of the migrations.
pub const SNAPSHOT: &str = "schema.json";

/// The schema that the migrations of a folder lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Snapshot {
    /// The [name](thing_driver_api::Dialect::name) of the dialect whose words the tables are in.
    pub dialect: String,
    /// The tables by name.
    pub tables: Vec<TableSchema>,
}

impl Snapshot {
    /// A snapshot of these tables.
    pub fn new(dialect: impl Into<String>, mut tables: Vec<TableSchema>) -> Self {
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        Self { dialect: dialect.into(), tables }
    }

    /// Reads the snapshot in a folder; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming the file that can't be read.
    pub fn read(folder: impl AsRef<Path>) -> Result<Option<Self>> {
        let path = folder.as_ref().join(SNAPSHOT);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::invalid_input(format!("{} can't be read ({error})", path.display()))),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            let said = format!("{} is no snapshot ({error}); restore it from version control", path.display());
            Error::invalid_input(said).with_source(error)
        })
    }

    /// Writes it into a folder, one line for each fact, so that versions of it can be compared and merged. The file is
    /// replaced as a whole.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming the file that can't be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let path = folder.as_ref().join(SNAPSHOT);
        let written = serde_json::to_string_pretty(self).map_err(io::Error::other).and_then(|text| {
            let new = path.with_extension("json.new");
            std::fs::write(&new, text + "\n")?;
            std::fs::rename(new, &path)
        });
        written.map_err(|error| Error::invalid_input(format!("{} can't be written ({error})", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use thing_driver_api::ValueType;
    use thing_driver_api::schema::ColumnSchema;

    use super::*;

    #[test]
    fn a_snapshot_is_read_back_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Snapshot::read(folder.path()).unwrap(), None);
        let mut users = TableSchema::new("users");
        users.columns.push(ColumnSchema::new("id", "bigint", vec![ValueType::I64]));
        let books = TableSchema::new("books");
        Snapshot::new("postgres", vec![users.clone(), books.clone()]).write(folder.path()).unwrap();
        let read = Snapshot::read(folder.path()).unwrap().unwrap();
        assert_eq!((read.dialect.as_str(), read.tables), ("postgres", vec![books, users]));
        std::fs::write(folder.path().join(SNAPSHOT), "{").unwrap();
        assert!(Snapshot::read(folder.path()).unwrap_err().to_string().contains(SNAPSHOT));
    }
}
