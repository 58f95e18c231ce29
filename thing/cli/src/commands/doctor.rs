//! `doctor`: what is wrong with a database, and what to do about it.

mod differences;
mod indexes;
mod migrations;
mod tables;

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::inspect;
use crate::address::Address;
use crate::arguments::Doctor;
use crate::context::Context;
use crate::database::{Access, Diagnosis, Finding, Server, Severity, numbers};
use crate::failure::Result;
use crate::output::{BAD, CAREFUL, FAINT, GOOD, Page};
use crate::report::{Outcome, Report};
use crate::rows::Rows;

/// What was looked at, and what was found.
#[derive(Debug)]
pub(crate) struct Examination {
    server: Server,
    url: String,
    /// The time of an empty question and its answer.
    round_trip: Duration,
    models: usize,
    facts: Vec<(&'static str, String)>,
    findings: Vec<Finding>,
}

pub(crate) async fn run(context: &Context<'_>, asked: &Doctor) -> Result<Examination> {
    let database = context.database(Access::Read).await?;
    let server = database.vendor.server(database.executor()).await?;
    let began = Instant::now();
    Rows::read(database.executor(), "SELECT 1", &[]).await?;
    let round_trip = began.elapsed();
    let mut diagnosis = database.vendor.diagnose(database.executor(), &server, asked.deep).await?;
    examine_way(&database.address, &mut diagnosis);
    tables::examine(&database, context.models(), &mut diagnosis).await?;
    differences::examine(context, &database, &mut diagnosis).await?;
    indexes::examine(context, &database, &mut diagnosis).await?;
    migrations::examine(context, &database, &mut diagnosis).await?;
    if let Some(address) = &context.cache {
        examine_cache(&inspect::cache(address).await?, &mut diagnosis);
    }
    let Diagnosis { facts, mut findings } = diagnosis;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let models = context.models().tables.len();
    Ok(Examination { server, url: database.address.to_string(), round_trip, models, facts, findings })
}

/// Whether others can listen.
fn examine_way(address: &Address, diagnosis: &mut Diagnosis) {
    if address.is_remote() && diagnosis.facts.iter().any(|(name, value)| *name == "encryption" && value == "no") {
        diagnosis.finding(
            Severity::Warning,
            "encryption",
            "what goes to the server and comes back is not encrypted, on its way to another machine",
            "ask for it in the URL: sslmode=verify-full (PostgreSQL), require_ssl=true (MySQL, MariaDB)",
        );
    }
}

fn examine_cache(cache: &inspect::CacheReport, diagnosis: &mut Diagnosis) {
    for server in &cache.servers {
        diagnosis.fact("cache", format!("{} version {}", server.address, server.version));
        if numbers(&server.version) < vec![6, 2] {
            diagnosis.finding(
                Severity::Error,
                "cache_version",
                format!("the cache at {} is Redis {}", server.address, server.version),
                "use Redis 6.2 or later, or Valkey",
            );
        }
        match (server.max_bytes, server.eviction.as_str()) {
            (None, _) => diagnosis.finding(
                Severity::Note,
                "cache_memory",
                format!("the cache at {} may use all memory of its machine", server.address),
                "set maxmemory, and maxmemory-policy allkeys-lru",
            ),
            (Some(_), "noeviction") => diagnosis.finding(
                Severity::Warning,
                "cache_eviction",
                format!("the cache at {} refuses writes when its memory is full, and so the program's", server.address),
                "set maxmemory-policy allkeys-lru, or volatile-lru",
            ),
            _ => {}
        }
    }
}

impl Report for Examination {
    fn write(&self, page: &mut Page) {
        let Server { product, version, database } = &self.server;
        page.line(format_args!("{product} {version}  {FAINT}{}{FAINT:#}", self.url));
        page.line("");
        let round_trip = format!("{:.2} ms", self.round_trip.as_secs_f64() * 1000.0);
        let mut facts = vec![("database", database.clone()), ("round trip", round_trip)];
        facts.extend(self.facts.iter().cloned());
        if self.models > 0 {
            facts.push(("models", self.models.to_string()));
        }
        for (name, value) in facts {
            page.line(format_args!("  {FAINT}{name:<16}{FAINT:#} {value}"));
        }
        for Finding { severity, check, message, advice } in &self.findings {
            let style = match severity {
                Severity::Error => BAD,
                Severity::Warning => CAREFUL,
                Severity::Note => FAINT,
            };
            let name = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            page.line("");
            page.line(format_args!("{style}{name}{style:#} {FAINT}[{check}]{FAINT:#} {message}"));
            page.line(format_args!("  {GOOD}do{GOOD:#} {advice}"));
        }
        page.line("");
        match self.findings.iter().filter(|finding| finding.severity > Severity::Note).count() {
            0 => page.line(format_args!("{GOOD}nothing is wrong{GOOD:#}")),
            1 => page.line(format_args!("{CAREFUL}1 problem{CAREFUL:#}")),
            some => page.line(format_args!("{CAREFUL}{some} problems{CAREFUL:#}")),
        }
    }

    fn json(&self) -> Result<Value> {
        let facts: Map<String, Value> =
            self.facts.iter().map(|(name, value)| (name.replace(' ', "_"), json!(value))).collect();
        Ok(json!({
            "product": self.server.product,
            "version": self.server.version,
            "database": self.server.database,
            "url": self.url,
            "round_trip_ms": self.round_trip.as_secs_f64() * 1000.0,
            "models": self.models,
            "facts": facts,
            "findings": self.findings,
        }))
    }

    fn outcome(&self) -> Outcome {
        Outcome::found(self.findings.iter().any(|finding| finding.severity > Severity::Note))
    }
}
