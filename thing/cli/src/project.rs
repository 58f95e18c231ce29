//! The project file `thing.toml`: what commands need to know of a project.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::address::{self, Address};
use crate::failure::{Failure, Result};

/// The name of the file.
pub(crate) const FILE: &str = "thing.toml";

/// A project file and its folder.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder of the file, to which its paths are relative.
    pub(crate) folder: PathBuf,
    pub(crate) settings: Settings,
}

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The database, where neither `--url` nor `DATABASE_URL` names one.
    url: Option<String>,
    /// The cache of the program, where neither `--cache` nor `CACHE_URL` names one.
    cache: Option<String>,
    /// The program with the models: the name of a binary of the Cargo package.
    pub(crate) bin: Option<String>,
    /// The Cargo package of the program, where the workspace has several.
    pub(crate) package: Option<String>,
    /// The folder of the migrations; without it `migrations`.
    pub(crate) migrations: Option<String>,
    /// The folder of the models; without it `src/models`.
    pub(crate) models: Option<String>,
    /// The Prisma schema; without it `schema.prisma`.
    pub(crate) schema: Option<String>,
}

impl Project {
    /// Reads the file in this folder, or in the nearest one above that has it.
    pub(crate) fn find(from: &Path) -> Result<Option<Self>> {
        for folder in from.ancestors() {
            let file = folder.join(FILE);
            match std::fs::read_to_string(&file) {
                Ok(text) => {
                    let settings = parse(&text).map_err(|why| Failure::usage(format!("{}{why}", file.display())))?;
                    return Ok(Some(Self { folder: folder.to_owned(), settings }));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Failure::usage(format!("{} can't be read: {error}", file.display()))),
            }
        }
        Ok(None)
    }

    /// The database that the file names. The path of a file is relative to the project's folder.
    pub(crate) fn address(&self) -> Option<Address> {
        self.settings.url.as_deref().map(|url| Address::new(beside(&self.folder, url)))
    }

    /// The cache that the file names.
    pub(crate) fn cache(&self) -> Option<Address> {
        self.settings.cache.as_deref().map(Address::new)
    }
}

/// What is wrong comes with its line and column, and without the line itself, which may hold a password.
fn parse(text: &str) -> Result<Settings, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let place = before.map_or_else(String::new, |before| {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
            format!(":{line}:{column}")
        });
        format!("{place}: {}", address::hide_in(error.message()))
    })
}

/// The URL of a database file with an absolute path; others stay as they are.
fn beside(folder: &Path, url: &str) -> String {
    let Some(rest) = url.strip_prefix("sqlite:") else { return url.to_owned() };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let (name, _) = path.split_once('?').unwrap_or((path, ""));
    if name.is_empty() || name == ":memory:" || Path::new(name).is_absolute() {
        return url.to_owned();
    }
    let folder = folder.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite:{folder}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_with_line_and_column_and_without_passwords() {
        let why = parse("bin = \"manage\"\ncolour = 1\n").unwrap_err();
        assert!(why.starts_with(":2:1: unknown field `colour`"), "{why}");
        let why = parse("bin = 5\n").unwrap_err();
        assert!(why.starts_with(":1:7: invalid type: integer"), "{why}");
        for wrong in [
            "url = \"postgres://a:hunter2@b/c\" d",
            "package = [\"postgres://a:hunter2@b/c\"]",
            "[\"postgres://a:hunter2@b/c\"]",
        ] {
            let why = parse(wrong).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn database_files_are_beside_the_project_file() {
        let folder = Path::new("/srv/a?b");
        assert_eq!(beside(folder, "sqlite:app.db?mode=rw"), "sqlite:/srv/a%3Fb/app.db?mode=rw");
        assert_eq!(beside(folder, "sqlite://app.db"), "sqlite:/srv/a%3Fb/app.db");
        for same in ["sqlite::memory:", "sqlite:///app.db", "sqlite:?mode=memory", "postgres://localhost/app"] {
            assert_eq!(beside(folder, same), same);
        }
    }
}
