//! The command line: what it knows, and how it runs.

use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use thing::__private::Lookup;
use thing::driver::{Executor, Table};
use thing::migration::Migrations;
use thing::schema::Declared;
use thing::{Db, ModelSet, Plan};

use crate::address;
use crate::arguments::Arguments;
use crate::context::Context;
use crate::database::Driver;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// The command line of a program: its models, and the queries that it names.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use thing_cli::Cli;
///
/// fn main() -> ExitCode {
///     Cli::new().run()
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing happens until it is run"]
pub struct Cli {
    pub(crate) standalone: bool,
    pub(crate) models: Models,
    pub(crate) queries: Vec<NamedQuery>,
    pub(crate) drivers: Vec<Driver>,
    pub(crate) migrations: Option<thing::Result<Migrations>>,
}

/// What models say of their tables.
#[derive(Debug, Default)]
pub(crate) struct Models {
    pub(crate) tables: Vec<&'static Arc<Table>>,
    pub(crate) declared: Vec<Declared>,
    /// By what relations look for rows.
    pub(crate) lookups: Vec<Lookup>,
}

/// A query of the program, to be explained.
pub(crate) struct NamedQuery {
    pub(crate) name: String,
    plan: Box<PlanOf>,
}

type PlanOf = dyn Fn(&Db) -> thing::Result<Plan> + Send + Sync;

impl NamedQuery {
    pub(crate) fn plan(&self, db: &Db) -> Result<Plan> {
        (self.plan)(db).map_err(|error| Failure::from(error).context(format!("query `{}`", self.name)))
    }
}

impl fmt::Debug for NamedQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedQuery").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Default for Cli {
    fn default() -> Self {
        Self::new()
    }
}

impl Cli {
    /// A command line without models.
    pub fn new() -> Self {
        Self {
            standalone: false,
            models: Models::default(),
            queries: Vec::new(),
            drivers: Vec::new(),
            migrations: None,
        }
    }

    /// The program `thing`, which runs the project's own program for what needs models.
    #[doc(hidden)]
    pub fn standalone() -> Self {
        Self { standalone: true, ..Self::new() }
    }

    /// Adds a model, or a tuple of up to twelve. May be called again for more.
    pub fn models<S: ModelSet>(mut self) -> Self {
        self.models.tables.extend(S::tables());
        self.models.declared.extend(S::declared());
        self.models.lookups.extend(S::lookups());
        self
    }

    /// Brings migrations along: `Cli::new().migrations(thing::migrations!("migrations"))` those of a folder, embedded in the
    /// program. Without it they are read from the project's folder when they are run.
    pub fn migrations(mut self, migrations: thing::Result<Migrations>) -> Self {
        self.migrations = Some(migrations);
        self
    }

    /// Names a query of the program. `explain --query <name>` shows its plan, and `doctor` whether an index serves it.
    pub fn query(
        mut self,
        name: impl Into<String>,
        plan: impl Fn(&Db) -> thing::Result<Plan> + Send + Sync + 'static,
    ) -> Self {
        self.queries.push(NamedQuery { name: name.into(), plan: Box::new(plan) });
        self
    }

    /// Adds a driver for URLs with this scheme. It goes before those that the features bring.
    pub fn driver<F>(mut self, scheme: impl Into<String>, open: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = thing::Result<Arc<dyn Executor>>> + Send + 'static,
    {
        self.drivers.push(Driver { scheme: scheme.into(), open: Arc::new(move |url| Box::pin(open(url))) });
        self
    }

    /// Runs the command that the program's arguments name, in a runtime of its own, and gives the [exit code](crate).
    #[must_use]
    pub fn run(self) -> ExitCode {
        self.run_with(std::env::args_os())
    }

    /// As [`Cli::run`], with these arguments, of which the first is the name of the program: for programs that have other
    /// commands too.
    #[must_use]
    pub fn run_with(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let parsed = match Arguments::try_parse_from(&arguments) {
            Ok(parsed) => parsed,
            Err(error) => return ExitCode::from(unparsed(&error, &arguments)),
        };
        parsed.shared.color.choose();
        let output = Output { json: parsed.shared.json };
        let given = arguments.get(1..).unwrap_or_default();
        let code = Context::new(&self, &parsed.shared, given, output).and_then(|context| {
            let runtime = tokio::runtime::Runtime::new()
                .map_err(|error| Failure::new(format!("can't start a runtime: {error}")))?;
            let done = runtime.block_on(context.run(&parsed.command));
            done.map_err(|failure| match &context.address {
                Some(address) => failure.map(|message| address.hide_in(message)),
                None => failure,
            })
        });
        ExitCode::from(code.unwrap_or_else(|failure| {
            let failure = failure.map(address::hide_in);
            output.failure(&failure);
            if failure.is_usage() { WRONG } else { FAILED }
        }))
    }
}

/// Says what is wrong with the arguments, or how to use the program where they ask for that. An argument may be a URL.
fn unparsed(error: &clap::Error, arguments: &[OsString]) -> u8 {
    // Nobody is left to be told when writing fails.
    if !error.use_stderr() {
        let _ = error.print();
        return DONE;
    }
    let json = arguments.iter().any(|argument| argument == "--json");
    if json {
        let said = error.render().to_string();
        let message = said.trim().strip_prefix("error: ").unwrap_or(said.trim());
        Output { json }.failure(&Failure::usage(address::hide_in(message)));
    } else {
        let _ = write!(anstream::stderr(), "{}", address::hide_in(&error.render().ansi().to_string()));
    }
    WRONG
}

const DONE: u8 = 0;
const FAILED: u8 = 1;
const WRONG: u8 = 2;
