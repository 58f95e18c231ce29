//! Servers: the workloads on databases behind a connection, all subjects on the same tables.

use super::{Options, Outcome, tell, turned};
use crate::server::{Server, Subjects};
use crate::workload::Workload;

/// All but saving what was read before: an update is a read and a save here.
const WORKLOADS: [Workload; 11] = [
    Workload::Get,
    Workload::GetConcurrently,
    Workload::List,
    Workload::Related,
    Workload::Mixed,
    Workload::MixedOneInHundred,
    Workload::MixedOneInThousand,
    Workload::Update,
    Workload::Insert,
    Workload::InsertConcurrently,
    Workload::Bulk,
];

/// Runs the workloads on one server, whose database `url` is empty. Names of workloads have the server's before them.
pub async fn run(options: &Options, server: Server, url: &str, outcome: &mut Outcome) {
    tell(&format!("{}: filling the tables", server.name()));
    server.seed(url).await.expect("the tables are filled");
    let mut subjects: Subjects = server.subjects(url).await;
    subjects.retain(|subject| options.has(&subject.0));
    let workloads = WORKLOADS.into_iter().filter(|&workload| options.wants(&name(server, workload)));
    let workloads: Vec<Workload> = workloads.collect();
    for round in 0..options.rounds {
        tell(&format!("{}: round {} of {}", server.name(), round + 1, options.rounds));
        for &workload in &workloads {
            for subject in turned(&subjects, round) {
                let (subject, contestant) = &**subject;
                if workload.is_mixed() {
                    // What is measured is a cache in use.
                    contestant.start(Workload::ReadAll, options.load).await.expect("a workload ends without panic");
                }
                let measured = contestant.start(workload, options.load).await;
                let measured = measured.expect("a workload ends without panic");
                outcome.add(round, &name(server, workload), subject, measured);
                if workload.writes() {
                    server.tidy(url).await;
                }
            }
        }
    }
}

/// `postgres W1`.
pub fn name(server: Server, workload: Workload) -> String {
    format!("{} {}", server.name(), workload.name())
}
