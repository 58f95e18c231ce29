//! The suite: everything that is measured, in rounds in which the subjects take turns.

mod rounds;
mod hits;
mod lists;
mod stampede;
mod delayed;
pub mod servers;
pub mod remote_hits;

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::meter::Measurement;
use crate::seed::Template;
use crate::subject::Synchronous;
use crate::workload::Load;

pub use stampede::Stampede;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many rounds.
    pub rounds: usize,
    /// How much in each, and how it is measured.
    pub load: Load,
    /// The names of the subjects of the workloads; all when empty.
    pub subjects: Vec<String>,
    /// The names of what to run; all when empty.
    pub only: Vec<String>,
}

impl Options {
    /// Whether this is to be run.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    }

    /// Whether this subject takes part.
    pub fn has(&self, subject: &str) -> bool {
        self.subjects.is_empty() || self.subjects.iter().any(|wanted| wanted == subject)
    }

    fn operations(&self, all: usize) -> usize {
        ((all as f64 * self.load.scale) as usize).max(64)
    }
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each round, workload and subject.
    pub samples: Vec<Sample>,
    /// Many tasks that want one key.
    pub stampedes: Vec<Stampede>,
    /// Statements for reading each cached list once again after writes that concern none.
    pub reread: Option<(usize, u64)>,
}

/// One measurement.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its round.
    pub round: usize,
    /// Its workload.
    pub workload: String,
    /// Its subject.
    pub subject: String,
    /// What was measured.
    pub measurement: Measurement,
}

impl Outcome {
    fn add(&mut self, round: usize, workload: &str, subject: &str, measurement: Measurement) {
        self.samples.push(Sample { round, workload: workload.to_owned(), subject: subject.to_owned(), measurement });
    }

    /// A figure of `subject`, the more the better, as a part of the best of `references`: one for each round, ascending.
    pub fn ratios(
        &self,
        workload: &str,
        subject: &str,
        references: &[&str],
        figure: fn(&Measurement) -> f64,
    ) -> Vec<f64> {
        let of = |sample: &Sample| figure(&sample.measurement);
        let best = |round: usize| {
            let same = |sample: &&Sample| {
                sample.round == round && sample.workload == workload && references.contains(&sample.subject.as_str())
            };
            self.samples.iter().filter(same).map(of).reduce(f64::max)
        };
        let own = self.samples.iter().filter(|sample| sample.workload == workload && sample.subject == subject);
        let mut ratios: Vec<f64> = own.filter_map(|sample| Some(of(sample) / best(sample.round)?)).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }
}

/// The middle of ascending numbers.
pub fn median(ascending: &[f64]) -> Option<f64> {
    let upper = ascending.get(ascending.len() / 2)?;
    let lower = ascending.get((ascending.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

/// The runtime of all measurements: two threads.
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("the runtime starts")
}

/// Runs the suite; databases are copied into `folder`.
pub fn run(options: &Options, template: &Template, folder: &Path) -> Outcome {
    let runtime = runtime();
    let mut outcome = Outcome::default();
    for (synchronous, label) in [(Synchronous::Normal, ""), (Synchronous::Full, " FULL")] {
        runtime.block_on(rounds::run(options, template, folder, (synchronous, label), &mut outcome));
    }
    runtime.block_on(hits::run(options, template, folder, &mut outcome));
    runtime.block_on(lists::run(options, template, folder, &mut outcome));
    runtime.block_on(stampede::run(options, template, folder, &mut outcome));
    outcome
}

/// Runs `work` on a thread of the runtime, as a server would.
async fn on_runtime<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(work).await.expect("the work ends without panic")
}

/// Says on standard error how far the suite is: reports go to standard output.
fn tell(what: &str) {
    eprintln!("# {what}");
}

/// The subjects in another order each round, so that none always follows the same.
fn turned<T>(subjects: &[Arc<T>], round: usize) -> impl Iterator<Item = &Arc<T>>
where
    T: ?Sized,
{
    subjects.iter().cycle().skip(round % subjects.len().max(1)).take(subjects.len())
}
