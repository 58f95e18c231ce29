//! Options: `--name value`, the same for all commands. Runs keep theirs, and workers get them, as lines of text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use std::{fs, io};

use thing::CacheOutage;

use crate::cache::CacheKind;
use crate::cache::defect::Defect;
use crate::database::DatabaseKind;
use crate::run::FaultKind;

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long the workload runs.
    pub time: Duration,
    /// The database.
    pub database: DatabaseKind,
    /// The cache.
    pub cache: CacheKind,
    /// What becomes of writes of which the cache can't be told.
    pub outage: CacheOutage,
    /// What is wrong with the cache.
    pub defect: Option<Defect>,
    /// How many processes run at a time.
    pub workers: usize,
    /// How many tasks each has.
    pub tasks: usize,
    /// How many threads each has.
    pub threads: usize,
    /// Keys of items.
    pub items: i64,
    /// Groups.
    pub groups: i64,
    /// How many in a thousand operations are writes.
    pub writes: u64,
    /// After how many in a thousand reads of the database, and around how many commits, there is a pause.
    pub pauses: u64,
    /// The longest pause.
    pub longest_pause: Duration,
    /// What the schedule of faults and the workload are made from.
    pub seed: u64,
    /// The faults to choose from.
    pub faults: Vec<FaultKind>,
    /// The longest time between two faults.
    pub gap: Duration,
    /// The fewest reads that a run must have checked.
    pub minimum_reads: u64,
    /// Where the history is kept; in the temporary directory of the system if it is not said.
    pub directory: Option<PathBuf>,
}

/// What a worker is told beside the options.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Those of the run.
    pub options: Options,
    /// Its place among the workers.
    pub process: usize,
    /// Counts the starts of all workers.
    pub incarnation: u16,
    /// The directory of the run.
    pub directory: PathBuf,
    /// Where the database is, for this worker.
    pub database_url: String,
    /// Where Redis is, for this worker.
    pub cache_url: String,
    /// Reads everything once and ends.
    pub sweep: bool,
}

/// The options, for `--help`.
pub const HELP: &str = "  --minutes N | --seconds N   how long the workload runs; 60 seconds
  --database postgres | mariadb | sqlite
  --cache redis | tiered | strict | fresh | memory | naive | none
  --outage refuse | debt      what becomes of writes when the cache can't be told
  --defect NAME               what is wrong with the cache; see `coherence defects --help`
  --workers N --tasks N --threads N   processes, tasks of each, threads of each; 4, 8, 1
  --items N --groups N        keys; 2000, 100
  --writes N                  writes in a thousand operations; 50
  --pauses N --longest-pause MILLISECONDS   pauses after reads of the database and around commits, in a thousand; 20, 50
  --faults all | none | NAME,NAME   what goes wrong
  --gap MILLISECONDS          the longest time between two faults; 1000
  --seed N                    what the schedule is made from; 1
  --minimum-reads N           fewer make the run fail; 10000
  --directory PATH            where the history is kept";

impl Options {
    /// Reads `--name value` pairs.
    ///
    /// # Errors
    ///
    /// Names and values that are not known.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut given = Given::new(arguments)?;
        let options = Self::take(&mut given)?;
        given.finish()?;
        Ok(options)
    }

    fn take(given: &mut Given) -> Result<Self, String> {
        let minutes: f64 = given.number("minutes", 0.0)?;
        let seconds: f64 = given.number("seconds", 60.0)?;
        let time = Duration::from_secs_f64(if minutes > 0.0 { minutes * 60.0 } else { seconds });
        let database = given.one("database", "postgres", DatabaseKind::named)?;
        let cache = given.one("cache", "redis", CacheKind::named)?;
        let outage = given.one("outage", "refuse", |name| match name {
            "refuse" => Some(CacheOutage::Refuse),
            "debt" => Some(CacheOutage::Debt),
            _ => None,
        })?;
        let defect = match given.text("defect") {
            Some(name) if name != "none" => Some(Defect::named(&name).ok_or(format!("there is no defect {name}"))?),
            _ => None,
        };
        let faults = FaultKind::several(&given.text("faults").unwrap_or("all".to_owned()))?;
        let workers = given.number("workers", 4)?;
        Ok(Self {
            time,
            database,
            cache,
            outage,
            defect,
            workers: if cache.is_shared() { workers } else { 1 },
            tasks: given.number("tasks", 8)?,
            threads: given.number("threads", 1)?,
            items: given.number("items", 2000)?,
            groups: given.number("groups", 100)?,
            writes: given.number("writes", 50)?,
            pauses: given.number("pauses", 20)?,
            longest_pause: Duration::from_millis(given.number("longest-pause", 50)?),
            seed: given.number("seed", 1)?,
            faults: faults.into_iter().filter(|fault| fault.concerns(database, cache)).collect(),
            gap: Duration::from_millis(given.number("gap", 1000)?),
            minimum_reads: given.number("minimum-reads", 10_000)?,
            directory: given.text("directory").map(PathBuf::from),
        })
    }

    /// Whether writes go on when the cache can't be told.
    pub fn leaves_debts(&self) -> bool {
        self.outage == CacheOutage::Debt
    }

    /// The options as arguments.
    pub fn arguments(&self) -> Vec<String> {
        let mut list = Vec::new();
        let mut add = |name: &str, value: String| list.extend([format!("--{name}"), value]);
        add("seconds", self.time.as_secs_f64().to_string());
        add("database", self.database.name().to_owned());
        add("cache", self.cache.name().to_owned());
        add("outage", if self.leaves_debts() { "debt" } else { "refuse" }.to_owned());
        add("defect", self.defect.map_or("none", Defect::name).to_owned());
        add("workers", self.workers.to_string());
        add("tasks", self.tasks.to_string());
        add("threads", self.threads.to_string());
        add("items", self.items.to_string());
        add("groups", self.groups.to_string());
        add("writes", self.writes.to_string());
        add("pauses", self.pauses.to_string());
        add("longest-pause", self.longest_pause.as_millis().to_string());
        add("seed", self.seed.to_string());
        let faults: Vec<&str> = self.faults.iter().map(|fault| fault.name()).collect();
        add("faults", if faults.is_empty() { "none".to_owned() } else { faults.join(",") });
        add("gap", self.gap.as_millis().to_string());
        add("minimum-reads", self.minimum_reads.to_string());
        list
    }

    /// Keeps the options in the directory of their run.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn save(&self, directory: &Path) -> io::Result<()> {
        fs::write(directory.join("options"), self.arguments().join("\n"))
    }

    /// The options of a run.
    ///
    /// # Errors
    ///
    /// Those of the file system, and of [`Options::parse`].
    pub fn load(directory: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(directory.join("options"))?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        Self::parse(&lines).map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))
    }
}

impl WorkerOptions {
    /// Reads the arguments of a worker.
    ///
    /// # Errors
    ///
    /// As [`Options::parse`].
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut given = Given::new(arguments)?;
        let worker = Self {
            process: given.number("process", 0)?,
            incarnation: given.number("incarnation", 0)?,
            database_url: given.text("database-url").unwrap_or_default(),
            cache_url: given.text("cache-url").unwrap_or_default(),
            sweep: given.number("sweep", false)?,
            directory: given.text("directory").map(PathBuf::from).ok_or("a worker needs its directory")?,
            options: Options::take(&mut given)?,
        };
        given.finish()?;
        Ok(worker)
    }

    /// The options as arguments.
    pub fn arguments(&self) -> Vec<String> {
        let mut list = self.options.arguments();
        let mut add = |name: &str, value: String| list.extend([format!("--{name}"), value]);
        add("process", self.process.to_string());
        add("incarnation", self.incarnation.to_string());
        add("database-url", self.database_url.clone());
        add("cache-url", self.cache_url.clone());
        add("sweep", self.sweep.to_string());
        add("directory", self.directory.display().to_string());
        list
    }
}

/// What was given and not taken yet.
struct Given(BTreeMap<String, String>);

impl Given {
    fn new(arguments: &[String]) -> Result<Self, String> {
        let mut given = BTreeMap::new();
        for pair in arguments.chunks(2) {
            match pair {
                [name, value] if name.starts_with("--") => _ = given.insert(name[2..].to_owned(), value.clone()),
                [name, ..] => return Err(format!("`{name}` is not of the form --name value")),
                [] => {}
            }
        }
        Ok(Self(given))
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn number<T: FromStr>(&mut self, name: &str, default: T) -> Result<T, String> {
        self.text(name).map_or(Ok(default), |text| text.parse().map_err(|_| format!("--{name} can't be {text}")))
    }

    fn one<T>(&mut self, name: &str, default: &str, find: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let text = self.text(name).unwrap_or(default.to_owned());
        find(&text).ok_or_else(|| format!("--{name} can't be {text}"))
    }

    fn finish(self) -> Result<(), String> {
        match self.0.keys().next() {
            Some(name) => Err(format!("there is no option --{name}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_back_from_their_arguments() {
        let given = "--seconds 7 --outage debt --cache naive --faults redis-flush,kill --seed 9 --writes 100";
        let given: Vec<String> = given.split(' ').map(str::to_owned).collect();
        let options = Options::parse(&given).expect("they are known");
        assert_eq!(options.faults, [FaultKind::RedisFlush, FaultKind::Kill]);
        let again = Options::parse(&options.arguments()).expect("they are known");
        assert_eq!(format!("{options:?}"), format!("{again:?}"));
    }

    #[test]
    fn unknown_options_are_refused() {
        for given in [["--color", "red"], ["--cache", "paper"], ["--faults", "war"], ["seed", "1"]] {
            assert!(Options::parse(&given.map(str::to_owned)).is_err());
        }
    }
}
