//! The check of the checker: caches with something wrong in them, each of which it must find.

use std::error::Error;
use std::time::Duration;

use crate::cache::CacheKind;
use crate::cache::defect::Defect;
use crate::check::{Checked, check};
use crate::options::Options;
use crate::run::run;

/// What was found of one broken cache.
#[derive(Debug)]
pub struct Tried {
    /// Its name.
    pub name: &'static str,
    /// The check of its run.
    pub checked: Checked,
}

/// Options under which races come soon: few keys, many writes, many pauses. What is added counts more.
fn options(time: Duration, added: &[&str]) -> Result<Options, String> {
    let usual =
        "--items 60 --groups 6 --writes 250 --pauses 250 --workers 3 --tasks 6 --faults none --minimum-reads 100";
    let options: Vec<String> = usual.split(' ').chain(added.iter().copied()).map(str::to_owned).collect();
    Ok(Options { time, ..Options::parse(&options)? })
}

/// Runs the naive cache and the defects with these names, or all, and tells of each. A race may not come in the time:
/// what is not found is run again, three times and then nine times as long.
///
/// # Errors
///
/// Those of [`run`] and of [`check`].
pub async fn try_all(names: &[String], time: Duration) -> Result<Vec<Tried>, Box<dyn Error>> {
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let mut tried = Vec::new();
    if is_wanted("naive") {
        let options = Options { cache: CacheKind::Naive, ..options(time, &[])? };
        tried.push(Tried { name: "naive", checked: until_found(options).await? });
    }
    for defect in Defect::ALL.iter().filter(|defect| is_wanted(defect.name())) {
        let options = Options { defect: Some(*defect), ..options(time * defect.patience(), defect.options())? };
        tried.push(Tried { name: defect.name(), checked: until_found(options).await? });
    }
    if is_wanted("sound") {
        tried.push(Tried { name: "sound", checked: once(&options(time, &[])?).await? });
    }
    Ok(tried)
}

async fn until_found(mut options: Options) -> Result<Checked, Box<dyn Error>> {
    let time = options.time;
    for longer in [1, 3] {
        options.time = time * longer;
        let checked = once(&options).await?;
        if checked.findings.are_broken() || !checked.problems.is_empty() {
            return Ok(checked);
        }
    }
    options.time = time * 9;
    once(&options).await
}

async fn once(options: &Options) -> Result<Checked, Box<dyn Error>> {
    let directory = run(options).await?;
    let checked = check(&directory)?;
    if options.directory.is_none() {
        std::fs::remove_dir_all(directory)?;
    }
    Ok(checked)
}

impl Tried {
    /// Whether the checker says of it what is the case.
    pub fn is_right(&self) -> bool {
        let found = self.checked.findings.are_broken();
        self.checked.problems.is_empty() && (found != (self.name == "sound"))
    }

    /// One line about it.
    pub fn line(&self) -> String {
        let (findings, judged) = (&self.checked.findings, self.checked.judged());
        let per_million = |count: u64| count as f64 * 1e6 / judged.max(1) as f64;
        let mut line = format!(
            "{:<28} {:<10} {judged:>8} {:>10.0} {:>10.0} {:>12.1}",
            self.name,
            if self.is_right() { "right" } else { "WRONG" },
            per_million(findings.stale()),
            per_million(findings.count()),
            findings.longest() as f64 / 1e6
        );
        self.checked.problems.iter().for_each(|problem| line += &format!("\n  PROBLEM: {problem}"));
        line
    }

    /// What the columns of [`Tried::line`] are.
    pub const HEAD: &'static str =
        "cache                        checker       reads  stale/10^6  found/10^6  longest, ms";
}
