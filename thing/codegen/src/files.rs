//! Files: generated text on its way to disk.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thing_driver_api::{Error, Result};

use crate::note::Note;

/// The first line of every file that is written anew each time. A file without it is somebody's own.
pub const HEADER: &str = "// Made by `thing generate`; do not edit.";

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// The path below the folder of the models, with `/` between its parts.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// True for a file that is written where there is none, and never again.
    pub once: bool,
}

/// What became of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Files that were not there.
    pub created: Vec<PathBuf>,
    /// Files whose content is another now.
    pub changed: Vec<PathBuf>,
    /// Files that are as they were.
    pub unchanged: Vec<PathBuf>,
    /// Generated files of models that are no more.
    pub removed: Vec<PathBuf>,
    /// What to add to files that are written once and stand there already.
    pub notes: Vec<Note>,
}

impl File {
    pub(crate) fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text, once: false }
    }

    pub(crate) fn once(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), text, once: true }
    }
}

/// Writes the files below this folder, and removes the generated ones of models that are no more. A file of which nothing
/// changed is not touched.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) when a file stands in the way that was not
/// generated; then nothing was written. [`ErrorKind::Backend`](thing_driver_api::ErrorKind::Backend) naming the file
/// that can't be read or written.
pub fn write_files(folder: impl AsRef<Path>, files: &[File]) -> Result<Written> {
    let written = compare_files(folder.as_ref(), files)?;
    for file in files {
        let path = folder.as_ref().join(&file.path);
        if written.created.contains(&path) || written.changed.contains(&path) {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(|error| failed("make the folder of", &path, error))?;
            }
            fs::write(&path, &file.text).map_err(|error| failed("write", &path, error))?;
        }
    }
    for path in &written.removed {
        fs::remove_file(path).map_err(|error| failed("remove", path, error))?;
    }
    Ok(written)
}

/// What [`write_files`] would do, without doing it.
///
/// # Errors
///
/// As [`write_files`].
pub fn compare_files(folder: impl AsRef<Path>, files: &[File]) -> Result<Written> {
    let folder = folder.as_ref();
    let mut written = Written::default();
    for file in files {
        let path = folder.join(&file.path);
        match read(&path)? {
            None => written.created.push(path),
            Some(before) if file.once => {
                let modules = file.text.lines().filter(|line| line.starts_with("mod ") && !before.contains(line));
                let note = |module| Note::new(path.display().to_string(), format!("add `{module}` to it"));
                written.notes.extend(modules.map(note));
                written.unchanged.push(path);
            }
            Some(before) if !is_generated(&before) => {
                let path = path.display();
                return Err(Error::invalid_input(format!(
                    "`{path}` was not made by `thing generate`; move it elsewhere, it would be overwritten"
                )));
            }
            Some(before) if before == file.text => written.unchanged.push(path),
            Some(_) => written.changed.push(path),
        }
    }
    written.removed = stale(folder, files)?;
    Ok(written)
}

/// What an earlier run generated and this one does not, beside the files of this one.
fn stale(folder: &Path, files: &[File]) -> Result<Vec<PathBuf>> {
    let wanted: BTreeSet<PathBuf> = files.iter().map(|file| folder.join(&file.path)).collect();
    let generated = files.iter().filter(|file| !file.once).map(|file| folder.join(&file.path));
    let folders: BTreeSet<PathBuf> = generated.filter_map(|path| path.parent().map(Path::to_owned)).collect();
    let mut found = Vec::new();
    for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(&folder).map_err(|error| failed("list", &folder, error))? {
            let path = entry.map_err(|error| failed("list", &folder, error))?.path();
            let is_rust = path.extension().is_some_and(|extension| extension == "rs") && path.is_file();
            if is_rust && !wanted.contains(&path) && read(&path)?.is_some_and(|text| is_generated(&text)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_generated(text: &str) -> bool {
    text.lines().next() == Some(HEADER)
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    Error::backend(format!("can't {what} `{}`: {error}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(path: &str, text: &str) -> File {
        File::new(path, format!("{HEADER}\n{text}\n"))
    }

    #[test]
    fn what_is_generated_is_overwritten_and_removed_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let files = [File::once("mod.rs", "mod generated;\n".into()), generated("generated/a.rs", "a")];
        let written = write_files(folder.path(), &files).unwrap();
        assert_eq!(written.created.len(), 2);

        fs::write(folder.path().join("mod.rs"), "mod mine;\n").unwrap();
        fs::write(folder.path().join("generated/mine.rs"), "fn mine() {}\n").unwrap();
        let files = [files[0].clone(), generated("generated/b.rs", "b")];
        let compared = compare_files(folder.path(), &files).unwrap();
        assert!(folder.path().join("generated/a.rs").is_file(), "nothing is done yet");
        let written = write_files(folder.path(), &files).unwrap();
        assert_eq!(compared, written);
        assert_eq!((written.created.len(), written.removed.len(), written.unchanged.len()), (1, 1, 1));
        assert!(written.notes[0].message.contains("`mod generated;`"), "{:?}", written.notes);
        assert_eq!(fs::read_to_string(folder.path().join("mod.rs")).unwrap(), "mod mine;\n");
        assert!(folder.path().join("generated/mine.rs").is_file());
        assert!(!folder.path().join("generated/a.rs").exists());
        assert_eq!(write_files(folder.path(), &files).unwrap().unchanged.len(), 2);
    }

    #[test]
    fn a_file_in_the_way_is_kept_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("generated")).unwrap();
        fs::write(folder.path().join("generated/b.rs"), "fn mine() {}\n").unwrap();
        let files = [generated("generated/a.rs", "a"), generated("generated/b.rs", "b")];
        let error = write_files(folder.path(), &files).unwrap_err();
        assert!(error.to_string().contains("b.rs"), "{error}");
        assert!(!folder.path().join("generated/a.rs").exists());
    }
}
