//! The report: a text for people, JSON for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::check::{Checked, FindingKind, Recovery};
use crate::options::Options;

/// What the bench does not do, so that nobody takes it for done.
const NOT_DONE: &str =
    "Not done: jumps of other clocks than that of Redis, an old primary that goes on, overlapping faults.";

/// The report as text.
pub fn text(checked: &Checked, options: &Options) -> String {
    let mut text = String::new();
    let seconds = checked.time as f64 / 1e9;
    let (judged, struck) = (checked.judged(), checked.struck());
    let _ = writeln!(
        text,
        "{} with cache {}{}, {} workers with {} tasks, {} items in {} groups, seed {}",
        options.database.name(),
        options.cache.name(),
        options.defect.map_or(String::new(), |defect| format!(" ({})", defect.name())),
        options.workers,
        options.tasks,
        options.items,
        options.groups,
        options.seed
    );
    let _ = writeln!(
        text,
        "{seconds:.1} s, {judged} reads checked ({:.0}/s), {} changes committed, {struck} faults",
        judged as f64 / seconds.max(0.001),
        checked.changes
    );
    let asked = checked.answered + checked.missed;
    let _ = writeln!(
        text,
        "the cache answered {} of {asked} reads ({:.1} %); {} statements were sent",
        checked.answered,
        100.0 * checked.answered as f64 / asked.max(1) as f64,
        checked.statements
    );
    if let Some((middle, most)) = Recovery::middle_and_most(&checked.payments) {
        let (count, middle, most) = (checked.payments.len(), middle as f64 / 1e6, most as f64 / 1e6);
        let _ = writeln!(text, "{count} writes left debts, which were paid after {middle:.0} ms (most {most:.0})");
    }
    reads(&mut text, checked);
    faults(&mut text, checked);
    findings(&mut text, checked);
    for problem in &checked.problems {
        let _ = writeln!(text, "PROBLEM: {problem}");
    }
    let _ = writeln!(text, "{NOT_DONE}");
    let _ = writeln!(text, "{}", if checked.is_kept() { "The promise was kept." } else { "THE PROMISE WAS NOT KEPT." });
    text
}

fn reads(text: &mut String, checked: &Checked) {
    let _ = writeln!(text, "\nread");
    for (source, count) in &checked.rows {
        let _ = writeln!(text, "  {:<34} {count:>10}", source.name());
    }
    for (query, count) in &checked.answers {
        let _ = writeln!(text, "  {:<34} {count:>10}", query.name());
    }
    for (class, count) in &checked.failed {
        let _ = writeln!(text, "  {:<34} {count:>10}", format!("failed: {}", class.name()));
    }
    let _ = writeln!(text, "written");
    for ((kind, outcome), count) in &checked.writes {
        let _ = writeln!(text, "  {:<34} {count:>10}", format!("{}, {outcome}", kind.name()));
    }
}

fn faults(text: &mut String, checked: &Checked) {
    if checked.faults.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n  fault                  struck  tried   first write after, ms   hits back after, ms     next fault came first"
    );
    let times = |times: &[u64]| match Recovery::middle_and_most(times) {
        Some((middle, most)) => format!("{:.1} (most {:.0})", middle as f64 / 1e6, most as f64 / 1e6),
        None => "–".to_owned(),
    };
    for (kind, (struck, tried, recovery)) in &checked.faults {
        let (writes, hits) = (times(&recovery.writes), times(&recovery.hits));
        let interrupted = recovery.interrupted;
        let _ =
            writeln!(text, "  {:<22} {struck:>6} {tried:>6}   {writes:<22}  {hits:<22}  {interrupted}", kind.name());
    }
}

fn findings(text: &mut String, checked: &Checked) {
    let judged = checked.judged().max(1) as f64;
    let _ = writeln!(
        text,
        "\n  finding                                             count  breaks   per 10^6   longest, ms"
    );
    for kind in FindingKind::ALL {
        let finding = checked.findings.of(*kind);
        let _ = writeln!(
            text,
            "  {:<48} {:>8} {:>7} {:>10.1} {:>13.3}",
            kind.name(),
            finding.count,
            finding.broken,
            finding.count as f64 * 1e6 / judged,
            finding.longest as f64 / 1e6
        );
    }
    for (kind, finding) in &checked.findings.0 {
        for example in &finding.examples {
            let _ = writeln!(text, "  - {}: {example}", kind.name());
        }
    }
}

/// The report as JSON.
pub fn json(checked: &Checked, options: &Options) -> Value {
    let named = |pairs: Vec<(String, Value)>| Value::Object(pairs.into_iter().collect::<Map<String, Value>>());
    let faults = checked.faults.iter().map(|(kind, (struck, tried, recovery))| {
        let times = |times: &[u64]| match Recovery::middle_and_most(times) {
            Some((middle, most)) => json!({ "median_ns": middle, "max_ns": most }),
            None => Value::Null,
        };
        let (write, hits) = (times(&recovery.writes), times(&recovery.hits));
        let fault = json!({ "struck": struck, "tried": tried, "first_write": write, "hits_back": hits,
            "interrupted": recovery.interrupted });
        (kind.name().to_owned(), fault)
    });
    let findings = FindingKind::ALL.iter().map(|kind| {
        let finding = checked.findings.of(*kind);
        let numbers = json!({ "count": finding.count, "breaks": finding.broken, "longest_ns": finding.longest });
        (kind.name().to_owned(), numbers)
    });
    json!({
        "options": options.arguments().chunks(2).map(|pair| pair.join(" ")).collect::<Vec<_>>(),
        "kept": checked.is_kept(),
        "seconds": checked.time as f64 / 1e9,
        "reads_checked": checked.judged(),
        "changes_committed": checked.changes,
        "faults_struck": checked.struck(),
        "cache_answered": checked.answered,
        "cache_missed": checked.missed,
        "statements": checked.statements,
        "debts": checked.payments.len(),
        "rows": named(checked.rows.iter().map(|(source, count)| (source.name().to_owned(), json!(count))).collect()),
        "answers": named(checked.answers.iter().map(|(query, count)| (query.name().to_owned(), json!(count))).collect()),
        "reads_failed": named(checked.failed.iter().map(|(class, n)| (class.name().to_owned(), json!(n))).collect()),
        "writes": named(
            checked.writes.iter().map(|((kind, end), n)| (format!("{}, {end}", kind.name()), json!(n))).collect()
        ),
        "faults": named(faults.collect()),
        "findings": named(findings.collect()),
        "problems": checked.problems,
    })
}
