//! Migrations: what was not run, and what is not as it was when it was run.

use thing::migration::State;

use crate::commands::migrate;
use crate::context::Context;
use crate::database::{Database, Diagnosis, Severity};
use crate::failure::Result;

pub(super) async fn examine(context: &Context<'_>, database: &Database, diagnosis: &mut Diagnosis) -> Result<()> {
    let mut pending = 0;
    for status in migrate::known(context, database).await? {
        let title = format!("{}_{}", status.version, status.name);
        match status.state {
            State::Pending { .. } => pending += 1,
            State::Edited { .. } => diagnosis.finding(
                Severity::Error,
                "edited_migration",
                format!("the migration {title} is not as it was when it was run: the next run is refused"),
                "restore its file from version control, and write another migration",
            ),
            State::Missing { .. } => diagnosis.finding(
                Severity::Note,
                "missing_migration",
                format!("the migration {title} was run, and its file is gone"),
                "restore its file from version control, if this is not an older version of the program",
            ),
            State::Unfinished(_) => diagnosis.finding(
                Severity::Error,
                "unfinished_migration",
                format!("the migration {title} stopped halfway"),
                "look at `migrate status`",
            ),
            _ => {}
        }
    }
    if pending > 0 {
        let count = if pending == 1 { "a migration is".to_owned() } else { format!("{pending} migrations are") };
        diagnosis.finding(
            Severity::Warning,
            "pending_migrations",
            format!("{count} pending: the tables may not be what the program needs"),
            "run `migrate up`",
        );
    }
    Ok(())
}
