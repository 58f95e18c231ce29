//! The comparison on servers: PostgreSQL and MySQL or MariaDB beside their raw clients, and hits in Redis.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::process::ExitCode;

use thing_bench::bars;
use thing_bench::meter::Meter;
use thing_bench::report::{self, Allocations};
use thing_bench::server::{self, Server};
use thing_bench::suite::{self, Options, Outcome, remote_hits, servers};
use thing_bench::workload::Load;
use thing_test_servers::{MysqlDatabase, PostgresSchema};

const USAGE: &str = "tests/run --bench [options], or cargo bench -p thing-bench --bench servers -- [options] with the
addresses of servers in the environment, see `tests/servers/servers env`

--quick              2 rounds of a twentieth of the operations
--rounds <n>         the number of rounds, 5 unless given
--scale <x>          the part of the operations, 0.25 unless given
--only <a,b>         these only: `postgres W1` to `mysql W9`; R1, R2 (hits in Redis)
--check              fail when a bar is missed";

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says so when it benches; when it only tests, there is nothing to do.
    if !given.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let (options, check) = match parse(given) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut outcome = suite::runtime().block_on(databases(&options));
    remote_hits::run(&options, &server::redis_url(), &mut outcome);
    println!("{}", report::measurements(&outcome, &Allocations::new()));
    let bars = bars::servers(&outcome);
    println!("{}", bars::table(&bars));
    let missed = bars.iter().any(|bar| bar.is_met() == Some(false));
    if check && missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn databases(options: &Options) -> Outcome {
    let mut outcome = Outcome::default();
    if Server::Postgres.is_wanted(options) {
        let schema = PostgresSchema::create().await;
        servers::run(options, Server::Postgres, schema.url(), &mut outcome).await;
    }
    if Server::Mysql.is_wanted(options) {
        let database = MysqlDatabase::create().await;
        servers::run(options, Server::Mysql, database.url(), &mut outcome).await;
    }
    outcome
}

/// `None` when help is asked for; else the options, and whether bars are checked.
fn parse(given: Vec<String>) -> Result<Option<(Options, bool)>, String> {
    let load = Load { scale: 0.25, meter: Meter::default() };
    let mut options = Options { rounds: 5, load, subjects: Vec::new(), only: Vec::new() };
    let mut check = false;
    let mut given = given.into_iter();
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {}
            "--help" => return Ok(None),
            "--quick" => (options.rounds, options.load.scale) = (2, 0.05),
            "--rounds" => options.rounds = value()?.parse().map_err(|_| "--rounds needs a number")?,
            "--scale" => options.load.scale = value()?.parse().map_err(|_| "--scale needs a number")?,
            "--only" => options.only = value()?.split(',').map(|name| name.trim().to_owned()).collect(),
            "--check" => check = true,
            unknown => return Err(format!("unknown option `{unknown}`")),
        }
    }
    Ok(Some((options, check)))
}
