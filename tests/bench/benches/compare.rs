//! The comparison: all subjects in interleaved rounds, then the tables and the bars.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::path::Path;
use std::process::{Command, ExitCode};

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

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says so when it benches; when it only tests, there is nothing to do.
    if !given.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let arguments = match parse(given) {
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

/// `None` when help is asked for.
fn parse(given: Vec<String>) -> Result<Option<Arguments>, String> {
    let mut arguments = Arguments {
        options: Options {
            rounds: 5,
            load: Load { scale: 1.0, meter: Meter::default() },
            subjects: Kind::ALL.to_vec(),
            only: Vec::new(),
        },
        count_allocations: true,
        check: false,
    };
    let options = &mut arguments.options;
    let mut given = given.into_iter();
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {}
            "--help" => return Ok(None),
            "--quick" => (options.rounds, options.load.scale) = (2, 0.2),
            "--rounds" => options.rounds = value()?.parse().map_err(|_| "--rounds needs a number")?,
            "--scale" => options.load.scale = value()?.parse().map_err(|_| "--scale needs a number")?,
            "--only" => options.only = value()?.split(',').map(|name| name.trim().to_owned()).collect(),
            "--subjects" => options.subjects = value()?.split(',').map(subject).collect::<Result<_, _>>()?,
            "--no-allocations" => arguments.count_allocations = false,
            "--check" => arguments.check = true,
            unknown => return Err(format!("unknown option `{unknown}`")),
        }
    }
    Ok(Some(arguments))
}

fn subject(name: &str) -> Result<Kind, String> {
    let known = Kind::ALL.into_iter().find(|kind| kind.name() == name.trim());
    known.ok_or(format!("unknown subject `{name}`"))
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
