//! Generating: the files of a migration from the steps of a plan.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thing_driver_api::schema::{Effect, Step};
use thing_driver_api::{Error, Result};

use crate::{Direction, Version};

/// The files that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Generated {
    /// The version.
    pub version: Version,
    /// The file that makes the change.
    pub up: PathBuf,
    /// The file that undoes it; `None` without steps that do.
    pub down: Option<PathBuf>,
}

/// Writes the files of a new migration into a folder, which is made if there is none. What each step does, locks and loses
/// stands before it as a comment.
///
/// `name` may be any text: what is no letter or digit becomes `_`. Without `up` steps the file says what belongs there. A
/// version that is taken gives way to the next.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming the file that can't be written, and for a
/// name without letters and digits.
pub fn generate(folder: impl AsRef<Path>, name: &str, up: &[Step], down: &[Step]) -> Result<Generated> {
    let folder = folder.as_ref();
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let name = plain(name)?;
    let mut version = Version::at(SystemTime::now());
    while taken(folder, version)? {
        version = Version::of_number(version.number() + 1);
    }
    let path = |direction: Direction| folder.join(format!("{version}_{name}.{direction}.sql"));
    let write = |path: PathBuf, text: String| {
        let file = std::fs::File::create_new(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| unwritable(&path, &error))?;
        Ok(path)
    };
    let up_path = write(path(Direction::Up), text(up, "-- Write the statements of the migration here.\n"))?;
    let down = if up.is_empty() || !down.is_empty() {
        let empty = "-- Write the statements that undo the migration here, or delete this file.\n";
        Some(write(path(Direction::Down), text(down, empty))?)
    } else {
        None
    };
    Ok(Generated { version, up: up_path, down })
}

/// Whether a file of the folder has the version.
fn taken(folder: &Path, version: Version) -> Result<bool> {
    let prefix = format!("{version}_");
    let unreadable = |error: std::io::Error| unwritable(folder, &error);
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        if entry.map_err(unreadable)?.file_name().to_string_lossy().starts_with(&prefix) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn plain(name: &str) -> Result<String> {
    let words: Vec<String> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let name = words.join("_");
    crate::migration::check_name(&name)?;
    Ok(name)
}

fn text(steps: &[Step], empty: &str) -> String {
    let mut text = String::new();
    if steps.iter().any(|step| step.effects.contains(&Effect::NotTransactional)) {
        text.push_str("-- thing: no transaction\n\n");
    }
    for (at, step) in steps.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        comment(&step.what, &mut text);
        step.effects.iter().filter_map(explanation).for_each(|said| comment(&said, &mut text));
        for sql in &step.sql {
            text.push_str(sql);
            text.push_str(";\n");
        }
    }
    if steps.is_empty() {
        text.push_str(empty);
    }
    text
}

fn comment(said: &str, text: &mut String) {
    for line in said.lines() {
        text.push_str("-- ");
        text.push_str(line);
        text.push('\n');
    }
}

fn explanation(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::BlocksReads => "Nobody else reads or writes the table meanwhile.".to_owned(),
        Effect::BlocksWrites => "Nobody else writes the table meanwhile.".to_owned(),
        Effect::Scans => "All rows are read.".to_owned(),
        Effect::Rewrites => "All rows are written anew.".to_owned(),
        Effect::MayFail(when) => format!("It fails, and nothing has changed, when {when}."),
        Effect::Loses(what) => format!("LOST FOR GOOD: {what}."),
        Effect::NotTransactional => "It can't be rolled back.".to_owned(),
        _ => return None,
    })
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid_input(format!("{} can't be written ({error}); check the path and its permissions", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Migrations, Syntax};

    #[test]
    fn what_is_generated_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let up = [
            Step::new("add column `age` to table `users`", vec!["ALTER TABLE users ADD COLUMN age INT".into()])
                .effect(Effect::BlocksReads),
            Step::new("drop column `mail`", vec!["ALTER TABLE users DROP COLUMN mail".into(), "SELECT ';'".into()])
                .effect(Effect::Loses("the values of column `mail`".into())),
        ];
        let first = generate(folder.path(), "Add the  age!", &up, &[]).unwrap();
        let second = generate(folder.path(), "empty", &[], &[]).unwrap();
        assert!(first.version < second.version && first.down.is_none() && second.down.is_some());
        assert!(first.up.ends_with(format!("{}_add_the_age.up.sql", first.version)));
        let text = std::fs::read_to_string(&first.up).unwrap();
        assert!(text.contains("-- LOST FOR GOOD: the values of column `mail`.\n"), "{text}");
        let migrations = Migrations::folder(folder.path()).unwrap();
        let script = migrations.get(first.version).unwrap().script(Direction::Up).unwrap();
        assert!(script.in_transaction());
        let read: Vec<_> = script.statements(Syntax::Sqlite).unwrap().into_iter().map(|s| s.sql).collect();
        assert_eq!(read, up.iter().flat_map(|step| step.sql.clone()).collect::<Vec<_>>());
        assert!(generate(folder.path(), "--", &[], &[]).is_err());
    }

    #[test]
    fn steps_that_cannot_be_rolled_back_are_in_no_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let step = Step::new("add index", vec!["CREATE INDEX CONCURRENTLY i ON t (a)".into()]);
        let made = generate(folder.path(), "index", &[step.effect(Effect::NotTransactional)], &[]).unwrap();
        let migrations = Migrations::folder(folder.path()).unwrap();
        assert!(!migrations.get(made.version).unwrap().script(Direction::Up).unwrap().in_transaction());
    }
}
