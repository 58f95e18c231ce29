//! The report: tables in Markdown.

use std::collections::HashMap;
use std::fmt::Write;

use crate::meter::Measurement;
use crate::suite::{Outcome, Sample, Stampede, median};

/// Allocations for each operation, by workload and subject.
pub type Allocations = HashMap<(String, String), f64>;

/// A table of all workloads and subjects. The first subject of a workload is what the others are compared with: by rate,
/// and by CPU time, which suffers less from what else the machine does.
pub fn measurements(outcome: &Outcome, allocations: &Allocations) -> String {
    let mut table = String::from(
        "| workload | subject | ops/s | ratio | of rounds | by CPU | p50 µs | p99 µs | CPU µs/op | allocations/op |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (workload, subjects) in in_order(outcome) {
        for subject in &subjects {
            let middle = |of: fn(&Sample) -> f64| {
                let same = |sample: &&Sample| sample.workload == workload && &sample.subject == subject;
                let mut values: Vec<f64> = outcome.samples.iter().filter(same).map(of).collect();
                values.sort_by(f64::total_cmp);
                median(&values).unwrap_or(f64::NAN)
            };
            let ratios = outcome.ratios(&workload, subject, &[&subjects[0]], Measurement::rate);
            let by_cpu = outcome.ratios(&workload, subject, &[&subjects[0]], |measured| 1.0 / measured.cpu);
            let ratio = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.2}"));
            let range = |ends: &[f64]| format!("{}–{}", ratio(ends.first().copied()), ratio(ends.last().copied()));
            let allocated = allocations.get(&(workload.clone(), subject.clone()));
            let _ = writeln!(
                table,
                "| {workload} | {subject} | {} | {} | {} | {} | {} | {} | {} | {} |",
                thousands(middle(|sample| sample.measurement.rate())),
                ratio(median(&ratios)),
                range(&ratios),
                ratio(median(&by_cpu)),
                short(middle(|sample| sample.measurement.p50)),
                short(middle(|sample| sample.measurement.p99)),
                short(middle(|sample| sample.measurement.cpu)),
                allocated.map_or("–".to_owned(), |count| format!("{count:.1}")),
            );
        }
    }
    table
}

/// A table of the stampedes.
pub fn stampedes(stampedes: &[Stampede]) -> String {
    let mut table =
        String::from("| stampede | keys | tasks each | statements | most for one key |\n|---|--:|--:|--:|--:|\n");
    for stampede in stampedes {
        let Stampede { subject, keys, tasks, statements, most } = stampede;
        let _ = writeln!(table, "| {subject} | {keys} | {tasks} | {statements} | {most} |");
    }
    table
}

/// The workloads with their subjects, both in the order in which they came in the first round.
fn in_order(outcome: &Outcome) -> Vec<(String, Vec<String>)> {
    let mut workloads: Vec<(String, Vec<String>)> = Vec::new();
    for Sample { workload, subject, .. } in outcome.samples.iter().filter(|sample| sample.round == 0) {
        match workloads.iter_mut().find(|(known, _)| known == workload) {
            Some((_, subjects)) => subjects.push(subject.clone()),
            None => workloads.push((workload.clone(), vec![subject.clone()])),
        }
    }
    workloads
}

fn short(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.2}"),
        medium if medium < 100.0 => format!("{medium:.1}"),
        large => thousands(large),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(thousands(1_234_567.2), "1,234,567");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(short(4.217), "4.22");
    }
}
