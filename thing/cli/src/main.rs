//! The program `thing`, which knows no models: it runs the project's own program for what needs them.

use std::process::ExitCode;

use thing_cli::Cli;

fn main() -> ExitCode {
    Cli::standalone().run()
}
