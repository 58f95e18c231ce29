//! `init`: the files with which a project begins. What is there already stays.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::address::Address;
use crate::arguments::Init;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::{CAREFUL, GOOD, Page};
use crate::project::FILE;
use crate::report::{self, Report};

/// What was written.
#[derive(Debug, Serialize)]
pub(crate) struct Begun {
    written: Vec<PathBuf>,
    /// What was there already.
    kept: Vec<PathBuf>,
    next: Vec<String>,
}

pub(crate) fn run(context: &Context<'_>, asked: &Init) -> Result<Begun> {
    if !asked.bin.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-') || asked.bin.is_empty()
    {
        return Err(Failure::usage(format!(
            "`{}` can't be the name of a program; use letters, digits, _ and -",
            asked.bin
        )));
    }
    let mut begun = Begun { written: Vec::new(), kept: Vec::new(), next: Vec::new() };
    let package = Package::here()?;
    let bin = package.as_ref().map(|_| asked.bin.as_str());
    begun.begin(Path::new(FILE), &project_file(bin, context.address.as_ref()))?;
    begun.begin(Path::new("migrations/.gitkeep"), "")?;
    match package {
        Some(package) => {
            let file = format!("src/bin/{}.rs", asked.bin);
            begun.begin(Path::new(&file), &program(&package.name, &asked.bin))?;
            begun.next.push("add thing-cli to the dependencies in Cargo.toml, where thing stands".to_owned());
            if !Path::new("src/lib.rs").exists() {
                begun.next.push("have the models in a library, src/lib.rs, where all programs see them".to_owned());
            }
            begun.next.push(format!("name the models in {file}"));
            if Path::new("src/main.rs").exists() && !package.has_default {
                let line = format!("default-run = \"{}\"", package.name);
                begun
                    .next
                    .push(format!("add {line} to [package] in Cargo.toml, so that `cargo run` knows what to run"));
            }
        }
        None => {
            begun.next.push("run it again in the folder of a Cargo package, for a program with the models".to_owned())
        }
    }
    match &context.address {
        None => begun.next.push("say where the database is: DATABASE_URL, or `url` in thing.toml".to_owned()),
        Some(address) if address.has_password() => {
            begun.next.push("keep the URL in DATABASE_URL: its password does not belong into thing.toml".to_owned());
        }
        Some(_) => {}
    }
    Ok(begun)
}

impl Begun {
    fn begin(&mut self, file: &Path, text: &str) -> Result<()> {
        let failed = |error: std::io::Error| Failure::new(format!("can't write {}: {error}", file.display()));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let made = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
        match made.and_then(|mut made| made.write_all(text.as_bytes())) {
            Ok(()) => self.written.push(file.to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => self.kept.push(file.to_owned()),
            Err(error) => return Err(failed(error)),
        }
        Ok(())
    }
}

/// What matters of a Cargo package.
struct Package {
    name: String,
    /// Whether it says which of its programs `cargo run` means.
    has_default: bool,
}

impl Package {
    /// The package in this folder.
    fn here() -> Result<Option<Self>> {
        let text = match std::fs::read_to_string("Cargo.toml") {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::new(format!("Cargo.toml can't be read: {error}"))),
        };
        let manifest: toml::Table =
            text.parse().map_err(|error| Failure::new(format!("Cargo.toml can't be read: {error}")))?;
        let Some(package) = manifest.get("package") else { return Ok(None) };
        let name = package.get("name").and_then(toml::Value::as_str);
        Ok(name.map(|name| Self { name: name.to_owned(), has_default: package.get("default-run").is_some() }))
    }
}

fn project_file(bin: Option<&str>, address: Option<&Address>) -> String {
    let url = address.filter(|address| !address.has_password()).map_or_else(
        || "# url = \"sqlite:app.db\"\n".to_owned(),
        |address| format!("url = {}\n", toml::Value::from(address.url())),
    );
    let bin = bin.map_or_else(|| "# bin = \"manage\"\n".to_owned(), |bin| format!("bin = \"{bin}\"\n"));
    format!(
        "# What the program `thing` needs to know of this project.\n\n\
         # The database, where neither --url nor DATABASE_URL names one. No place for passwords.\n{url}\n\
         # The program with the models, which `thing` runs for what needs them.\n{bin}"
    )
}

fn program(package: &str, bin: &str) -> String {
    let library = package.replace('-', "_");
    format!(
        "//! The project's commands: `thing sync`, or `cargo run --bin {bin} -- sync`.\n\n\
         use std::process::ExitCode;\n\n\
         use thing_cli::Cli;\n\n\
         fn main() -> ExitCode {{\n    \
             Cli::new()\n        \
                 // .models::<({library}::User, {library}::Book)>()\n        \
                 // .migrations(thing::migrations!(\"migrations\"))\n        \
                 .run()\n\
         }}\n"
    )
}

impl Report for Begun {
    fn write(&self, page: &mut Page) {
        for file in &self.written {
            page.line(format_args!("{GOOD}written{GOOD:#}  {}", file.display()));
        }
        for file in &self.kept {
            page.line(format_args!("{CAREFUL}kept{CAREFUL:#}     {}", file.display()));
        }
        page.heading("next");
        self.next.iter().for_each(|step| page.line(format_args!("- {step}")));
    }

    fn json(&self) -> Result<Value> {
        report::json(self)
    }
}
