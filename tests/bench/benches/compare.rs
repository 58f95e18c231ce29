//! The comparison: all subjects in interleaved rounds, then the tables and the bars.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::path::Path;
use std::process::{Command, ExitCode};

use thing_bench::arguments::{self, Values};
use thing_bench::bars;
use thing_bench::meter::Meter;
use thing_bench::report::{self, Allocations};
use thing_bench::seed::Template;
use thing_bench::subjects::Kind;
use thing_bench::suite::{self, Options};
use thing_bench::workload::Load;

const USAGE: &str = "cargo bench -p thing-bench -- [options]

--quick              2 rounds of a fifth of the operations
--rounds <n>         the number of rounds, 5 unless given
--scale <x>          the part of the operations, 1 unless given
--only <a,b>         these only: W1 to W9, W6s, W4 FULL, W5 FULL; C1, C1 few, C2, C3 (cached reads);
                     L update, L insert (writes beside cached lists); S (stampedes)
--subjects <a,b>     these only: rusqlite, rusqlite-1w, rusqlite-gc, rusqlite-spawn, tokio-rusqlite, thing, thing-cached
--no-allocations     don't count allocations
--check              fail when a bar is missed";

struct Arguments {
    options: Options,
    count_allocations: bool,
    check: bool,
}

impl Arguments {
    fn set(&mut self, option: &str, values: &mut Values) -> Result<(), String> {
        let options = &mut self.options;
        match option {
            "--quick" => (options.rounds, options.load.scale) = (2, 0.2),
            "--rounds" => options.rounds = values.number()?,
            "--scale" => options.load.scale = values.number()?,
            "--only" => options.only = values.names()?,
            "--subjects" => {
                options.subjects = values.names()?;
                options.subjects.iter().try_for_each(|name| known(name))?;
            }
            "--no-allocations" => self.count_allocations = false,
            "--check" => self.check = true,
            unknown => return arguments::unknown(unknown),
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let load = Load { scale: 1.0, meter: Meter::default() };
    let options = Options { rounds: 5, load, subjects: Vec::new(), only: Vec::new() };
    let arguments = Arguments { options, count_allocations: true, check: false };
    let arguments = match arguments::read(USAGE, arguments, Arguments::set) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let template = Template::in_folder(folder);
    let copies = tempfile::tempdir_in(folder).expect("a folder for copies is made");
    let outcome = suite::run(&arguments.options, &template, copies.path());
    drop(copies);
    let allocations =
        if arguments.count_allocations { allocations(folder, &arguments.options.only) } else { Allocations::new() };
    println!("{}", report::measurements(&outcome, &allocations));
    if !outcome.stampedes.is_empty() {
        println!("{}", report::stampedes(&outcome.stampedes));
    }
    if let Some((lists, statements)) = outcome.reread {
        println!("Reading {lists} cached lists after writes that concern none: {statements} statements.\n");
    }
    let bars = bars::all(&outcome, &allocations);
    println!("{}", bars::table(&bars));
    let missed = bars.iter().any(|bar| bar.is_met() == Some(false));
    if arguments.check && missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn known(subject: &str) -> Result<(), String> {
    let known = Kind::ALL.into_iter().any(|kind| kind.name() == subject);
    known.then_some(()).ok_or(format!("unknown subject `{subject}`"))
}

/// Has the allocations counted by another process: the counting takes time.
fn allocations(folder: &Path, only: &[String]) -> Allocations {
    eprintln!("# allocations");
    let output = Command::new(env!("CARGO_BIN_EXE_thing-bench-allocations"))
        .arg(folder)
        .arg(only.join(","))
        .output()
        .expect("the counting program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let entry = |line: &str| {
        let mut fields = line.split('\t');
        let (workload, subject) = (fields.next()?.to_owned(), fields.next()?.to_owned());
        Some(((workload, subject), fields.next()?.parse().ok()?))
    };
    text.lines().filter_map(entry).collect()
}
