//! The coherence bench; see the library for what it does.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use thing_test_coherence::cache::defect::Defect;
use thing_test_coherence::check::{Checked, check};
use thing_test_coherence::defects::{Tried, try_all};
use thing_test_coherence::options::{HELP, Options, WorkerOptions};
use thing_test_coherence::{report, run, worker};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = arguments.split_first().map_or(("--help", &[][..]), |(first, rest)| (first, rest));
    let outcome = match command {
        _ if rest.iter().any(|word| word == "--help") => return help(),
        "run" => run_and_check(rest),
        "check" => check_again(rest),
        "defects" => defects(rest),
        "worker" => work(rest),
        _ => return help(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

type Outcome = Result<bool, Box<dyn Error>>;

fn help() -> ExitCode {
    println!("coherence run [options]\n{HELP}");
    println!("\ncoherence check <directory>   checks the history of a run again");
    println!("coherence defects [--seconds N] [names]   runs caches that are wrong, of which each must be found:");
    println!("  sound naive {}", Defect::ALL.iter().map(|defect| defect.name()).collect::<Vec<_>>().join(" "));
    ExitCode::SUCCESS
}

fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads.max(1)).enable_all().build()
}

fn run_and_check(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments)?;
    let directory = runtime(2)?.block_on(run::run(&options))?;
    let checked = check(&directory)?;
    tell(&checked, &options, &directory)?;
    if checked.is_kept() && options.directory.is_none() {
        std::fs::remove_dir_all(&directory)?;
    } else {
        println!("history: {}", directory.display());
    }
    Ok(checked.is_kept())
}

fn check_again(arguments: &[String]) -> Outcome {
    let directory = Path::new(arguments.first().ok_or("which directory?")?);
    let checked = check(directory)?;
    tell(&checked, &Options::load(directory)?, directory)?;
    Ok(checked.is_kept())
}

fn tell(checked: &Checked, options: &Options, directory: &Path) -> std::io::Result<()> {
    print!("{}", report::text(checked, options));
    std::fs::write(directory.join("report.json"), format!("{:#}\n", report::json(checked, options)))
}

fn defects(arguments: &[String]) -> Outcome {
    let (seconds, names) = match arguments {
        [option, seconds, names @ ..] if option == "--seconds" => (seconds.parse()?, names),
        names => (8.0, names),
    };
    println!("{}", Tried::HEAD);
    let tried = runtime(2)?.block_on(try_all(names, Duration::from_secs_f64(seconds)))?;
    tried.iter().for_each(|tried| println!("{}", tried.line()));
    Ok(!tried.is_empty() && tried.iter().all(Tried::is_right))
}

fn work(arguments: &[String]) -> Outcome {
    let options = WorkerOptions::parse(arguments)?;
    runtime(options.options.threads)?.block_on(worker::run(&options))?;
    Ok(true)
}
