//! The bars: what Thing promises, as ratios within one run.

use std::fmt::Write;

use crate::meter::Measurement;
use crate::report::Allocations;
use crate::suite::{Outcome, median};

/// A promise and what was measured.
#[derive(Clone, Debug)]
pub struct Bar {
    name: &'static str,
    limit: Limit,
    /// `None` when it was not measured.
    measured: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    /// Whether it is kept; `None` when it was not measured.
    pub fn is_met(&self) -> Option<bool> {
        self.measured.map(|measured| match self.limit {
            Limit::AtLeast(least) => measured >= least,
            Limit::AtMost(most) => measured <= most,
        })
    }
}

const RAW: &[&str] = &["rusqlite"];
const EVERY_RAW: &[&str] = &["rusqlite", "rusqlite-spawn", "tokio-rusqlite"];
const BARE: &[&str] = &["bare cache"];

/// All bars.
pub fn all(outcome: &Outcome, allocations: &Allocations) -> Vec<Bar> {
    let rate =
        |workload, subject, references| median(&outcome.ratios(workload, subject, references, Measurement::rate));
    let thing = |workload, references| rate(workload, "thing", references);
    let hit = |workload| rate(workload, "thing-cached", BARE);
    let cost = |workload| rate(workload, "30000 lists", &["0 lists"]).map(|rate| 1.0 / rate);
    let stampedes = outcome.stampedes.iter().filter(|stampede| stampede.subject.starts_with("thing-cached"));
    let statements = stampedes.map(|stampede| stampede.most as f64).reduce(f64::max);
    let allocated = allocations.get(&("C1".to_owned(), "thing-cached".to_owned())).copied();
    let at_least = |name, least, measured| Bar { name, limit: Limit::AtLeast(least), measured };
    let at_most = |name, most, measured| Bar { name, limit: Limit::AtMost(most), measured };
    vec![
        at_least("get by id, one task, of raw", 0.8, thing("W1", RAW)),
        at_least("get by id, 64 tasks, of the best raw", 1.0, thing("W2", EVERY_RAW)),
        at_least("list of 100, of raw", 0.9, thing("W3", RAW)),
        at_least("insert, one task, of raw", 0.8, thing("W4", RAW)),
        at_least("insert, 64 tasks, NORMAL, of raw autocommit", 2.0, thing("W5", RAW)),
        at_least("insert, 64 tasks, FULL, of raw autocommit", 8.0, thing("W5 FULL", RAW)),
        at_least("bulk insert, of raw", 0.8, thing("W7", RAW)),
        at_least("cached get, one task, of a bare cache", 0.5, hit("C1")),
        at_least("cached get, 64 tasks, of a bare cache", 0.5, hit("C2")),
        // Fractions of an allocation are the measuring itself.
        at_most("allocations of a cached get", 0.01, allocated),
        at_most("statements of 50 tasks on one cold key", 1.0, statements),
        at_most("update beside 30,000 lists, cost against none", 1.2, cost("L update")),
        at_most("insert beside 30,000 lists, cost against none", 1.2, cost("L insert")),
    ]
}

/// The bars on servers: each against the raw client of the same server.
pub fn servers(outcome: &Outcome) -> Vec<Bar> {
    let rate = |workload: &str, subject, references: &[&str]| {
        median(&outcome.ratios(workload, subject, references, Measurement::rate))
    };
    let postgres = |workload: &str| rate(&format!("postgres {workload}"), "thing", &["tokio-postgres"]);
    let mysql = |workload: &str| rate(&format!("mysql {workload}"), "thing", &["mysql_async"]);
    let mix = |subject| rate("postgres W9", subject, &["thing"]);
    let at_least = |name, least, measured| Bar { name, limit: Limit::AtLeast(least), measured };
    vec![
        at_least("PostgreSQL, mix, near cache over Redis, of no cache", 8.0, mix("thing-tiered")),
        at_least("PostgreSQL, mix, the same, strict, of no cache", 2.0, mix("thing-strict")),
        at_least("PostgreSQL, get by id, one task, of raw", 0.9, postgres("W1")),
        at_least("PostgreSQL, get by id, 64 tasks, of raw pooled", 2.5, postgres("W2")),
        at_least("PostgreSQL, list of 100, of raw", 0.95, postgres("W3")),
        at_least("PostgreSQL, insert, 64 tasks, of raw pooled", 1.0, postgres("W5")),
        at_least("PostgreSQL, bulk insert, of raw COPY", 0.9, postgres("W7")),
        at_least("PostgreSQL, 100 parents with children, of raw", 1.0, postgres("W8")),
        at_least("MySQL, get by id, one task, of raw", 0.9, mysql("W1")),
        at_least("MySQL, get by id, 64 tasks, of raw pooled", 2.0, mysql("W2")),
        at_least("MySQL, list of 100, of raw", 0.95, mysql("W3")),
        at_least("MySQL, insert, 64 tasks, of raw pooled", 1.0, mysql("W5")),
        at_least("MySQL, bulk insert, of raw multi-row", 0.9, mysql("W7")),
        at_least("MySQL, 100 parents with children, of raw", 1.0, mysql("W8")),
        at_least("Redis hit, one task, of raw GET", 0.85, rate("R1", "hit", &["redis GET"])),
        at_least("Redis hit, 64 tasks, of raw GET", 0.85, rate("R2", "hit", &["redis GET"])),
    ]
}

/// A table of the bars.
pub fn table(bars: &[Bar]) -> String {
    let mut table = String::from("| bar | wanted | measured | |\n|---|--:|--:|---|\n");
    for bar in bars {
        let wanted = match bar.limit {
            Limit::AtLeast(least) => format!("≥ {least}"),
            Limit::AtMost(most) => format!("≤ {most}"),
        };
        let measured = bar.measured.map_or("–".to_owned(), |measured| format!("{measured:.2}"));
        let verdict = match bar.is_met() {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not measured",
        };
        let _ = writeln!(table, "| {} | {wanted} | {measured} | {verdict} |", bar.name);
    }
    table
}
