//! Migrations: what there is to run.

use std::fmt;
use std::sync::Arc;

use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Error, Result, async_trait};

use crate::source::UP;
use crate::{Script, Version};

/// A change of the database, and how it is undone.
#[derive(Clone)]
pub struct Migration {
    version: Version,
    name: String,
    pub(crate) body: Body,
}

/// What is run.
#[derive(Clone)]
pub(crate) enum Body {
    Sql { up: Script, down: Option<Script> },
    Code(Arc<dyn RustMigration>),
}

/// A migration in Rust, for what SQL can't say.
///
/// ```
/// use thing_driver_api::schema::SchemaSession;
/// use thing_driver_api::{Result, async_trait};
/// use thing_migrate::RustMigration;
///
/// struct SplitNames;
///
/// #[async_trait]
/// impl RustMigration for SplitNames {
///     async fn up(&self, session: &mut dyn SchemaSession) -> Result<()> {
///         session.execute("UPDATE users SET first = substr(name, 1, instr(name, ' ') - 1)").await
///     }
///
///     fn changes(&self) -> Option<Vec<String>> {
///         Some(vec!["users".into()])
///     }
/// }
/// ```
#[async_trait]
pub trait RustMigration: Send + Sync + 'static {
    /// Makes the change. Where the database rolls back changes of the schema, the session is in a transaction, unless
    /// [`in_transaction`](Self::in_transaction) says otherwise.
    async fn up(&self, session: &mut dyn SchemaSession) -> Result<()>;

    /// Whether [`down`](Self::down) undoes the change; it does not without it.
    fn is_reversible(&self) -> bool {
        false
    }

    /// Undoes the change. Called where [`is_reversible`](Self::is_reversible).
    async fn down(&self, session: &mut dyn SchemaSession) -> Result<()> {
        let _ = session;
        Err(Error::unsupported("this migration can't be undone"))
    }

    /// Whether it is run in a transaction, where the database can.
    fn in_transaction(&self) -> bool {
        true
    }

    /// The tables whose rows it changes; `None` for all of the database.
    fn changes(&self) -> Option<Vec<String>> {
        None
    }
}

/// Whether a migration is made or undone.
///
/// Exhaustive: there is no third way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It is made.
    Up,
    /// It is undone.
    Down,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

impl Migration {
    /// A migration of SQL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) for a name that is not made of letters,
    /// digits, `_` and `-`.
    pub fn sql(version: Version, name: impl Into<String>, up: Script, down: Option<Script>) -> Result<Self> {
        Self::new(version, name.into(), Body::Sql { up, down })
    }

    /// A migration in Rust.
    ///
    /// # Errors
    ///
    /// As [`Migration::sql`].
    pub fn code(version: Version, name: impl Into<String>, code: impl RustMigration) -> Result<Self> {
        Self::new(version, name.into(), Body::Code(Arc::new(code)))
    }

    fn new(version: Version, name: String, body: Body) -> Result<Self> {
        check_name(&name)?;
        Ok(Self { version, name, body })
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The name, without the version.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Version and name, as the names of its files begin.
    pub fn title(&self) -> String {
        let of_file = self.script(Direction::Up).and_then(|script| script.file().strip_suffix(UP));
        of_file.map_or_else(|| format!("{}_{}", self.version, self.name), str::to_owned)
    }

    /// The script for a direction; `None` for a migration in Rust, and where there is no file to undo it.
    pub fn script(&self, direction: Direction) -> Option<&Script> {
        match (&self.body, direction) {
            (Body::Sql { up, .. }, Direction::Up) => Some(up),
            (Body::Sql { down, .. }, Direction::Down) => down.as_ref(),
            (Body::Code(_), _) => None,
        }
    }

    /// What tells it from another that was run under its version. Code has none: its name stands for it.
    pub(crate) fn checksum(&self) -> String {
        match &self.body {
            Body::Sql { up, .. } => up.checksum(),
            Body::Code(_) => "rust".to_owned(),
        }
    }
}

/// The longest name of a migration.
const LONGEST_NAME: usize = 200;

pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) {
        return Err(Error::invalid_input(format!(
            "`{name}` is no name of a migration; write up to {LONGEST_NAME} letters, digits, `_` and `-`"
        )));
    }
    Ok(())
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration").field("version", &self.version).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Migrations in the order of their versions. No two have the same.
#[derive(Clone, Debug, Default)]
pub struct Migrations(Vec<Migration>);

impl Migrations {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a migration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming both when there is one of this version.
    pub fn with(mut self, migration: Migration) -> Result<Self> {
        match self.0.binary_search_by_key(&migration.version, Migration::version) {
            Ok(same) => Err(Error::invalid_input(format!(
                "the migrations `{}` and `{}` have the same version; give one of them another",
                self.0[same].title(),
                migration.title()
            ))),
            Err(at) => {
                self.0.insert(at, migration);
                Ok(self)
            }
        }
    }

    /// The migrations, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Migration> + ExactSizeIterator {
        self.0.iter()
    }

    /// The migration of this version.
    pub fn get(&self, version: Version) -> Option<&Migration> {
        self.0.binary_search_by_key(&version, Migration::version).ok().map(|at| &self.0[at])
    }
}
