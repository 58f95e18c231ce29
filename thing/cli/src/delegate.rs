//! Commands that need models: run by the project's own program.

use std::ffi::OsString;
use std::process::Command;

use crate::address::Address;
use crate::failure::{Failure, Result};
use crate::project::Project;

const URLS: [&str; 2] = ["--url", "--cache"];

/// Runs the project's program with these arguments, without the URLs: they go by the environment, where other users of the
/// machine don't see them. Gives its exit code.
pub(crate) fn run(
    project: &Project,
    arguments: &[OsString],
    url: Option<&Address>,
    cache: Option<&Address>,
) -> Result<u8> {
    let Some(bin) = &project.settings.bin else {
        return Err(missing());
    };
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--quiet", "--bin", bin, "--manifest-path"]).arg(project.folder.join("Cargo.toml"));
    if let Some(package) = &project.settings.package {
        command.args(["--package", package]);
    }
    command.arg("--").args(without_urls(arguments));
    for (name, address) in [("DATABASE_URL", url), ("CACHE_URL", cache)] {
        if let Some(address) = address {
            command.env(name, address.url());
        }
    }
    let status = command.status().map_err(|error| Failure::new(format!("can't run cargo: {error}")))?;
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code @ 0..=3) => Ok(code),
        _ => Err(Failure::new(format!("the project's program `{bin}` could not be built, or ended early ({status})"))),
    }
}

/// What to say where a command needs models and nothing says where they are.
pub(crate) fn missing() -> Failure {
    Failure::usage(
        "this needs the project's models, and no program is named that has them; run `thing init`, put the models into \
         the program that it writes, and name it by `bin` in thing.toml",
    )
}

fn without_urls(arguments: &[OsString]) -> Vec<&OsString> {
    let mut kept = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy();
        if URLS.contains(&&*text) {
            rest.next();
        } else if !URLS.iter().any(|name| text.strip_prefix(name).is_some_and(|value| value.starts_with('='))) {
            kept.push(argument);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_no_arguments_of_the_program() {
        let arguments: Vec<OsString> =
            ["--url", "postgres://a:b@c/d", "sync", "--plan", "--url=x", "--cache=redis://:a@b"].map(Into::into).into();
        assert_eq!(without_urls(&arguments), ["sync", "--plan"].map(OsString::from).iter().collect::<Vec<_>>());
    }
}
