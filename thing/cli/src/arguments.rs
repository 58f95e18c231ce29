//! Arguments: what can be asked of the program.

use clap::builder::styling::{AnsiColor, Styles};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use thing::migration::Version;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Looks at databases and changes them as models say.
#[derive(Debug, Parser)]
#[command(name = "thing", version, styles = STYLES, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 done and found something to do.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// What every command takes.
#[derive(Args, Debug)]
pub(crate) struct Shared {
    /// The database; without it DATABASE_URL, or `url` in thing.toml
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The cache of the program, to be told of what changes: redis://…; without it CACHE_URL, or `cache` in thing.toml
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) cache: Option<String>,
    /// Writes one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Whether to use colours; NO_COLOR switches them off, too
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Color {
    /// Where the terminal shows them
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    pub(crate) fn choose(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begins a project here: thing.toml, a program for the models, a folder for migrations
    Init(Init),
    /// Shows the tables of the database, one of them with its rows, or what --cache names
    Inspect(Inspect),
    /// Shows how the database runs a query
    Explain(Explain),
    /// Looks for what is wrong: settings of the server, tables, missing indexes
    Doctor(Doctor),
    /// Makes the tables what the models declare
    Sync(Sync),
    /// Shows how the tables differ from what the models declare
    Diff,
    /// Versioned migrations: files of SQL that are run once
    #[command(subcommand)]
    Migrate(Migrate),
    /// Writes models for the tables of the database
    Pull(Pull),
    /// Writes models for a Prisma schema, or a Prisma schema for the models
    Generate(Generate),
}

#[derive(Args, Debug)]
pub(crate) struct Sync {
    /// Shows what would be done, step by step, and does nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// A part of a table that may be lost: users.nickname
    #[arg(long, value_name = "TABLE.PART")]
    pub(crate) allow_loss: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Writes the files of a migration from what the models declare and the migrations so far lead to
    New(New),
    /// Runs what is pending
    Up(Up),
    /// Undoes the newest migrations
    Down(Down),
    /// Undoes the newest migration and runs it again
    Redo,
    /// Shows what was run and what is pending
    Status,
    /// Writes down what the migrations lead to, after one that was written by hand
    Snapshot,
    /// Says that the database has what the migrations up to a version make, without running them
    Baseline {
        /// The version, or its number
        version: Version,
    },
    /// Says what became of a statement of which it is not known whether it took effect
    Resolve(Resolve),
}

#[derive(Args, Debug)]
pub(crate) struct New {
    /// What the migration is for, in a few words
    pub(crate) name: String,
    /// Writes files to be filled in by hand
    #[arg(long)]
    pub(crate) empty: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Up {
    /// Stops behind this version
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<Version>,
    /// Shows what would be run, and runs nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Runs those too that are older than one that was run
    #[arg(long)]
    pub(crate) out_of_order: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Down {
    /// How many
    #[arg(default_value_t = 1)]
    pub(crate) count: usize,
    /// All that are newer than this version; 0 for all
    #[arg(long, value_name = "VERSION", conflicts_with = "count")]
    pub(crate) to: Option<Version>,
    /// Shows what would be run, and runs nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Resolve {
    /// The version of the migration
    pub(crate) version: Version,
    /// It took effect: the next run goes on behind it
    #[arg(long, group = "what")]
    pub(crate) done: bool,
    /// It did not: the next run begins with it
    #[arg(long, group = "what")]
    pub(crate) again: bool,
    /// All that the migration did was undone by hand
    #[arg(long, group = "what")]
    pub(crate) undone: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Pull {
    /// The folder of the models; without it `models` in thing.toml, or src/models
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// A table; without it all of them
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Vec<String>,
    /// Writes nothing, and says what would be written
    #[arg(long)]
    pub(crate) check: bool,
    /// Writes a Prisma schema, to the file of --out or the standard output
    #[arg(long)]
    pub(crate) to_prisma: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Generate {
    /// The Prisma schema; without it `schema` in thing.toml, or schema.prisma
    #[arg(conflicts_with = "to_prisma")]
    pub(crate) schema: Option<PathBuf>,
    /// The folder of the models; without it `models` in thing.toml, or src/models
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// Writes nothing, and says what would be written
    #[arg(long)]
    pub(crate) check: bool,
    /// Writes the Prisma schema of the program's models, to the file of --out or the standard output
    #[arg(long)]
    pub(crate) to_prisma: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Init {
    /// The name of the program with the models
    #[arg(long, default_value = "manage")]
    pub(crate) bin: String,
}

#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// The table; without it all tables are listed
    pub(crate) table: Option<String>,
    /// Shows so many rows of the table, the first by its key
    #[arg(long, requires = "table", value_name = "COUNT")]
    pub(crate) rows: Option<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The statement, in the database's own words. It is not run
    #[arg(required_unless_present_any = ["query", "list"])]
    pub(crate) sql: Option<String>,
    /// A value for the next placeholder: a number, true, false, null, or text
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, requires = "sql")]
    pub(crate) bind: Vec<String>,
    /// A query that the project's program names, instead of a statement
    #[arg(long, value_name = "NAME", conflicts_with = "sql")]
    pub(crate) query: Option<String>,
    /// Lists the queries that the project's program names
    #[arg(long, conflicts_with_all = ["sql", "query", "analyze"])]
    pub(crate) list: bool,
    /// Runs the statement, in a transaction that does not write, and shows what it took
    #[arg(long)]
    pub(crate) analyze: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Reads the whole database for what is damaged or refers to nothing, where the database has no better way
    #[arg(long)]
    pub(crate) deep: bool,
    /// Looks at the database alone, and does not run the project's program
    #[arg(long)]
    pub(crate) no_models: bool,
}
