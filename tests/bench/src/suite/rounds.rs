//! Rounds: each on fresh copies of the database; within a round the subjects take turns workload by workload.

use std::path::Path;
use std::sync::Arc;

use super::{Options, Outcome, tell, turned};
use crate::seed::Template;
use crate::subject::Synchronous;
use crate::subjects::{Contestant, Kind};
use crate::workload::{Load, Workload};

pub(super) async fn run(
    options: &Options,
    template: &Template,
    folder: &Path,
    (synchronous, label): (Synchronous, &str),
    outcome: &mut Outcome,
) {
    let name = |workload: Workload| format!("{}{label}", workload.name());
    let workloads: Vec<(Workload, Load)> = Workload::ALL
        .into_iter()
        .filter(|&workload| options.wants(&name(workload)))
        .filter_map(|workload| Some((workload, load(workload, synchronous, options.load)?)))
        .collect();
    if workloads.is_empty() {
        return;
    }
    for round in 0..options.rounds {
        tell(&format!("round {} of {}{label}", round + 1, options.rounds));
        let mut subjects: Vec<Arc<(Kind, Arc<dyn Contestant>)>> = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| options.has(kind.name())) {
            if workloads.iter().any(|&(workload, _)| kind.takes(workload)) {
                let file = folder.join(format!("{}.db", kind.name()));
                template.copy(&file).expect("the template is copied");
                subjects.push(Arc::new((kind, kind.open(&file, synchronous).await)));
            }
        }
        for &(workload, load) in &workloads {
            for subject in turned(&subjects, round) {
                let (kind, contestant) = &**subject;
                if kind.takes(workload) {
                    let measured = contestant.start(workload, load).await;
                    let measured = measured.expect("a workload ends without panic");
                    outcome.add(round, &name(workload), kind.name(), measured);
                }
            }
        }
    }
}

/// How much of a workload is run. A commit that waits for the disk takes long: there are fewer of them.
fn load(workload: Workload, synchronous: Synchronous, load: Load) -> Option<Load> {
    let part = match (synchronous, workload) {
        (Synchronous::Normal, _) => 1.0,
        (Synchronous::Full, Workload::Insert) => 0.2,
        (Synchronous::Full, Workload::InsertConcurrently) => 0.1,
        (Synchronous::Full, _) => return None,
    };
    Some(Load { scale: load.scale * part, ..load })
}
