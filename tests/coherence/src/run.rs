//! A run: servers, proxies and workers, faults on a schedule, and what is kept of it for the checker.

mod fault;
mod fleet;
mod schedule;
mod servers;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::fault::{Fault, FaultKind, load as load_faults};

use self::fleet::Fleet;
use self::schedule::Schedule;
use self::servers::Servers;
use crate::options::Options;
use crate::{audit, clock, debts};

/// How long a run without faults goes on between looks at its workers.
const LOOK: Duration = Duration::from_millis(200);

/// How long debts may be left when nothing goes wrong any more.
const TO_PAY: Duration = Duration::from_secs(60);

/// Runs the workload and keeps its history; returns the directory.
///
/// # Errors
///
/// Those of the file system and of the database, and workers that end by themselves.
pub async fn run(options: &Options) -> Result<PathBuf, Box<dyn Error>> {
    let directory = new_directory(options)?;
    options.save(&directory)?;
    let mut servers = Servers::start(options, &directory).await?;
    options.database.prepare(&servers.database_url(), options.items, options.groups, options.outage).await?;
    let mut watching = tokio::task::JoinSet::new();
    if options.leaves_debts() {
        watching.spawn(debts::watch(options.clone(), servers.database_url(), directory.clone()));
    }
    let mut fleet = Fleet::start(options, &servers, &directory).await?;
    let end = clock::now() + u64::try_from(options.time.as_nanos())?;
    let faults = if options.faults.is_empty() {
        while clock::now() < end {
            tokio::time::sleep(LOOK).await;
            fleet.all_run()?;
        }
        Vec::new()
    } else {
        Schedule::new(options).inject(&mut servers, &mut fleet, end).await?
    };
    fault::save(&directory, &faults)?;
    if options.leaves_debts() && !debts::are_paid(options, &servers.database_url(), TO_PAY).await? {
        return Err("debts are left that nobody pays".into());
    }
    fleet.stop().await?;
    fleet.sweep(&servers).await?;
    if let Some(ended) = watching.try_join_next() {
        ended??;
    }
    audit::save(&directory, &options.database.audit(&servers.database_url()).await?)?;
    Ok(directory)
}

fn new_directory(options: &Options) -> std::io::Result<PathBuf> {
    let default = || std::env::temp_dir().join(format!("thing-coherence-{}-{}", std::process::id(), clock::now()));
    let directory = options.directory.clone().unwrap_or_else(default);
    fs::create_dir_all(&directory)?;
    // Histories of an earlier run would be taken for this one's.
    if fs::read_dir(&directory)?.next().is_some() {
        let problem = format!("{} is not empty", directory.display());
        return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, problem));
    }
    Ok(directory)
}

/// A file that a directory of a run may hold.
fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(name)
}
