//! What a command has at hand: the database and the cache that were named, the project, the models; and which command does
//! what.

use std::ffi::OsString;

use thing::migration::Migrations;
use thing::schema::Declared;

use crate::address::Address;
use crate::arguments::{Command, Inspect, Migrate, Shared};
use crate::cli::{Cli, Models, NamedQuery};
use crate::database::{Access, Database};
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::project::Project;
use crate::report::{Outcome, Report};
use crate::{commands, delegate};

const DONE: u8 = 0;
const FOUND: u8 = 3;

/// What a command has at hand.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    cli: &'a Cli,
    arguments: &'a [OsString],
    output: Output,
    pub(crate) project: Option<Project>,
    pub(crate) address: Option<Address>,
    pub(crate) cache: Option<Address>,
    /// The cache that an argument names.
    asked_cache: Option<Address>,
}

impl<'a> Context<'a> {
    /// Looks at arguments, environment and project file.
    pub(crate) fn new(cli: &'a Cli, shared: &Shared, arguments: &'a [OsString], output: Output) -> Result<Self> {
        let here =
            std::env::current_dir().map_err(|error| Failure::new(format!("there is no current folder: {error}")))?;
        let project = Project::find(&here)?;
        let named = shared.url.clone().or_else(|| variable("DATABASE_URL")).map(Address::new);
        let address = named.or_else(|| project.as_ref().and_then(Project::address));
        // Programs may know caches that this one does not reach: `memory`, for example.
        let of_environment = || variable("CACHE_URL").map(Address::new).filter(Address::is_cache);
        let asked_cache = shared.cache.as_ref().map(Address::new);
        let cache = asked_cache.clone().or_else(of_environment).or_else(|| project.as_ref().and_then(Project::cache));
        Ok(Self { cli, arguments, output, project, address, cache, asked_cache })
    }

    /// Runs a command and gives the exit code.
    pub(crate) async fn run(&self, command: &Command) -> Result<u8> {
        match command {
            Command::Init(asked) => self.show(&commands::init::run(self, asked)?),
            Command::Inspect(Inspect { table: Some(table), rows }) => {
                self.show(&commands::inspect::table(self, table, *rows).await?)
            }
            Command::Inspect(_) => match &self.asked_cache {
                Some(url) => self.show(&commands::inspect::cache(url).await?),
                None => self.show(&commands::inspect::all(self).await?),
            },
            Command::Explain(asked) if asked.query.is_some() || asked.list => match (self.elsewhere()?, &asked.query) {
                (Some(code), _) => Ok(code),
                (None, Some(name)) => self.show(&commands::explain::query(self, name, asked).await?),
                (None, None) => self.show(&commands::explain::list(self).await?),
            },
            Command::Explain(asked) => self.show(&commands::explain::statement(self, asked).await?),
            Command::Doctor(asked) => {
                if self.has_program()
                    && !asked.no_models
                    && let Some(code) = self.elsewhere()?
                {
                    return Ok(code);
                }
                self.show(&commands::doctor::run(self, asked).await?)
            }
            Command::Sync(asked) => match self.elsewhere()? {
                Some(code) => Ok(code),
                None => self.show(&commands::sync::sync(self, asked).await?),
            },
            Command::Diff => match self.elsewhere()? {
                Some(code) => Ok(code),
                None => self.show(&commands::sync::diff(self).await?),
            },
            Command::Migrate(asked) => {
                // The program may have migrations that are no files.
                let needs_models = match asked {
                    Migrate::New(new) => !new.empty,
                    Migrate::Snapshot => true,
                    _ => false,
                };
                if (needs_models || self.has_program())
                    && let Some(code) = self.elsewhere()?
                {
                    return Ok(code);
                }
                self.migrate(asked).await
            }
            Command::Pull(asked) => self.show(&*commands::generate::pull(self, asked).await?),
            Command::Generate(asked) if asked.to_prisma => match self.elsewhere()? {
                Some(code) => Ok(code),
                None => self.show(&*commands::generate::to_prisma(self, asked).await?),
            },
            Command::Generate(asked) => self.show(&commands::generate::generate(self, asked)?),
        }
    }

    async fn migrate(&self, asked: &Migrate) -> Result<u8> {
        match asked {
            Migrate::New(asked) => self.show(&commands::migrate::new(self, asked).await?),
            Migrate::Up(asked) => self.show(&commands::migrate::up(self, asked).await?),
            Migrate::Down(asked) => self.show(&commands::migrate::down(self, asked).await?),
            Migrate::Redo => self.show(&commands::migrate::redo(self).await?),
            Migrate::Status => self.show(&commands::migrate::status(self).await?),
            Migrate::Snapshot => self.show(&commands::migrate::snapshot(self).await?),
            Migrate::Baseline { version } => self.show(&commands::migrate::baseline(self, *version).await?),
            Migrate::Resolve(asked) => self.show(&commands::migrate::resolve(self, asked).await?),
        }
    }

    fn show(&self, report: &dyn Report) -> Result<u8> {
        self.output.report(report)?;
        Ok(match report.outcome() {
            Outcome::Done => DONE,
            Outcome::Found => FOUND,
        })
    }

    /// Opens the database.
    pub(crate) async fn database(&self, access: Access) -> Result<Database> {
        let Some(address) = &self.address else {
            return Err(Failure::usage(
                "no database is named; set DATABASE_URL, write `url` into thing.toml, or pass --url",
            ));
        };
        Database::open(address, self.cache.as_ref(), access, &self.cli.drivers).await
    }

    /// Lets the project's program do it where this one has no models; `None` where this one has them.
    fn elsewhere(&self) -> Result<Option<u8>> {
        if !self.cli.standalone {
            return Ok(None);
        }
        let project = self.project.as_ref().ok_or_else(delegate::missing)?;
        delegate::run(project, self.arguments, self.address.as_ref(), self.cache.as_ref()).map(Some)
    }

    fn has_program(&self) -> bool {
        self.project.as_ref().is_some_and(|project| project.settings.bin.is_some())
    }

    pub(crate) fn json(&self) -> bool {
        self.output.json
    }

    /// The models, of which there must be some.
    pub(crate) fn declared(&self) -> Result<Vec<Declared>> {
        if self.cli.models.declared.is_empty() {
            return Err(Failure::usage("this program names no models; it does so by `Cli::models`"));
        }
        Ok(self.cli.models.declared.clone())
    }

    /// The migrations that the program brings.
    pub(crate) fn migrations(&self) -> Option<&thing::Result<Migrations>> {
        self.cli.migrations.as_ref()
    }

    pub(crate) fn models(&self) -> &Models {
        &self.cli.models
    }

    pub(crate) fn queries(&self) -> &[NamedQuery] {
        &self.cli.queries
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
