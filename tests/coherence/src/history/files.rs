//! The histories of a run.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::Record;
use super::record::SIZE;

/// The history of one process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryFile {
    /// Counts the starts of all processes.
    pub incarnation: u16,
    /// The place of the process among those that run at a time.
    pub process: usize,
    path: PathBuf,
}

impl HistoryFile {
    /// The file of a process.
    pub fn new(directory: &Path, process: usize, incarnation: u16) -> Self {
        Self { incarnation, process, path: directory.join(format!("history-{process}-{incarnation}")) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands all whole records to `see`, in order. A killed process may leave a part of one behind.
    ///
    /// # Errors
    ///
    /// Those of the file system, and records of another version.
    pub fn for_each(&self, mut see: impl FnMut(Record)) -> io::Result<()> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(&self.path)?);
        let mut bytes = [0; SIZE];
        loop {
            match file.read_exact(&mut bytes) {
                Ok(()) => see(Record::decode(&bytes).ok_or_else(|| {
                    io::Error::new(io::ErrorKind::InvalidData, format!("{}: a foreign record", self.path.display()))
                })?),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// All histories in a directory, by incarnation.
///
/// # Errors
///
/// Those of the file system.
pub fn histories(directory: &Path) -> io::Result<Vec<HistoryFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("history-")) else { continue };
        if let Some((process, incarnation)) = rest.split_once('-')
            && let (Ok(process), Ok(incarnation)) = (process.parse(), incarnation.parse())
        {
            files.push(HistoryFile::new(directory, process, incarnation));
        }
    }
    files.sort();
    Ok(files)
}
