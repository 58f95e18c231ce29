//! Where migrations come from: a folder, or files that are part of the program.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use thing_driver_api::{Error, Result};

use crate::{Migration, Migrations, Script};

/// How the files end that make a change.
pub(crate) const UP: &str = ".up.sql";
const DOWN: &str = ".down.sql";

impl Migrations {
    /// Reads the files of a folder: `<version>_<name>.up.sql`, and `<version>_<name>.down.sql` where the migration can be
    /// undone. Files that do not end in `.sql` are passed over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming the folder that can't be read, or the
    /// file that can't be one of a migration.
    pub fn folder(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |what: &Path, error: io::Error| {
            Error::invalid_input(format!("{} can't be read ({error}); check the path", what.display()))
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
            let file = entry.map_err(|error| unreadable(path, error))?.path();
            let Some(name) = file.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".sql"))
            else {
                continue;
            };
            let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, error))?;
            files.push((name.to_owned(), text));
        }
        Self::of_files(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// As [`Migrations::folder`], of files by name and text. The macro [`embed!`](crate::embed) calls it.
    ///
    /// # Errors
    ///
    /// Those of [`Migrations::folder`].
    pub fn embedded(files: &[(&str, &str)]) -> Result<Self> {
        Self::of_files(files.iter().copied())
    }

    fn of_files<'f>(files: impl Iterator<Item = (&'f str, &'f str)>) -> Result<Self> {
        let mut found: BTreeMap<&str, [Option<Script>; 2]> = BTreeMap::new();
        for (file, text) in files {
            let (title, place) = match (file.strip_suffix(UP), file.strip_suffix(DOWN)) {
                (Some(title), _) => (title, 0),
                (_, Some(title)) => (title, 1),
                _ => return Err(misnamed(file)),
            };
            found.entry(title).or_default()[place] = Some(Script::new(file, text)?);
        }
        let mut migrations = Self::new();
        for (title, [up, down]) in found {
            let (version, name) = title.split_once('_').ok_or_else(|| misnamed(title))?;
            let version = version.parse().map_err(|_| misnamed(title))?;
            let up = up.ok_or_else(|| {
                Error::invalid_input(format!("there is `{title}{DOWN}`, but no `{title}{UP}`; write it"))
            })?;
            migrations = migrations.with(Migration::sql(version, name, up, down)?)?;
        }
        Ok(migrations)
    }
}

fn misnamed(file: &str) -> Error {
    Error::invalid_input(format!(
        "`{file}` is no file of a migration; name it `<version>_<name>{UP}` or `<version>_<name>{DOWN}`, \
         such as `20261122051500_add_age{UP}`"
    ))
}
