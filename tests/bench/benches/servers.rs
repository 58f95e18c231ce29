//! The comparison on servers: PostgreSQL and MySQL or MariaDB beside their raw clients, and hits in Redis.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::process::ExitCode;

use thing_bench::arguments::{self, Values};
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
--subjects <a,b>     these only: the names in the table
--check              fail when a bar is missed";

fn main() -> ExitCode {
    let load = Load { scale: 0.25, meter: Meter::default() };
    let options = Options { rounds: 5, load, subjects: Vec::new(), only: Vec::new() };
    let (options, check) = match arguments::read(USAGE, (options, false), set) {
        Ok(read) => read,
        Err(code) => return code,
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

/// Sets the options, and whether bars are checked.
fn set((options, check): &mut (Options, bool), option: &str, values: &mut Values) -> Result<(), String> {
    match option {
        "--quick" => (options.rounds, options.load.scale) = (2, 0.05),
        "--rounds" => options.rounds = values.number()?,
        "--scale" => options.load.scale = values.number()?,
        "--only" => options.only = values.names()?,
        "--subjects" => options.subjects = values.names()?,
        "--check" => *check = true,
        unknown => return arguments::unknown(unknown),
    }
    Ok(())
}
