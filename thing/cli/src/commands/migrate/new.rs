//! `migrate new`: the files of a migration, from what the models declare and the migrations so far lead to.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use thing::driver::Schema;
use thing::driver::schema::{Effect, Step, TableSchema};
use thing::migration::{Generated, SNAPSHOT, Snapshot, generate};
use thing::schema::{Consent, SchemaPlan, Wanted};

use crate::arguments::New;
use crate::context::Context;
use crate::database::Access;
use crate::failure::{Failure, Result};
use crate::output::{BAD, CAREFUL, FAINT, GOOD, Page};
use crate::report::{self, Report};

/// The files that were written.
#[derive(Debug, Serialize)]
pub(crate) struct Written {
    /// `None` where nothing differs.
    version: Option<String>,
    files: Vec<PathBuf>,
    /// What each step does.
    steps: Vec<String>,
    /// What the migration loses for good.
    loses: Vec<String>,
    /// What to know.
    notes: Vec<String>,
}

pub(crate) async fn new(context: &Context<'_>, asked: &New) -> Result<Written> {
    let folder = super::folder(context);
    if asked.empty {
        let mut written = Written::of(generate(folder, &asked.name, &[], &[])?, &[]);
        let note = "when it changes tables of the models, run `migrate up` and `migrate snapshot` before the next `migrate new`";
        written.notes.push(note.to_owned());
        return Ok(written);
    }
    let models = context.declared()?;
    let database = context.database(Access::Plan).await?;
    let driver = database.executor().schema().ok_or_else(|| Failure::new("this driver changes no schemas"))?;
    let dialect = database.dialect()?;
    let before = before(context, &folder, dialect)?;
    let wanted = database.db.schema_of(models).wanted()?;
    let up = SchemaPlan::new(driver, &before, &wanted, &Consent::everything())?;
    if !up.refused().is_empty() {
        let reasons: Vec<String> =
            up.refused().iter().map(|refusal| format!("- table `{}`: {}", refusal.table, refusal.reason)).collect();
        let message = "the migration can't be made from the models; write it by `migrate new <name> --empty`, run it by \
                       `migrate up`, and write down what it leads to by `migrate snapshot`:";
        return Err(Failure::new(format!("{message}\n{}", reasons.join("\n"))));
    }
    if up.is_empty() {
        return Ok(Written::nothing());
    }
    let after: Vec<TableSchema> = wanted.iter().map(|table| table.schema.clone()).collect();
    let (down, note) = back(driver, &after, &before, &wanted)?;
    let up = steps(&up);
    let mut written = Written::of(generate(&folder, &asked.name, &up, &down)?, &up);
    Snapshot::new(dialect, after).write(&folder)?;
    written.files.push(folder.join(SNAPSHOT));
    written.notes.extend(note);
    Ok(written)
}

/// What the migrations so far lead to.
fn before(context: &Context<'_>, folder: &Path, dialect: &str) -> Result<Vec<TableSchema>> {
    match Snapshot::read(folder)? {
        Some(snapshot) if snapshot.dialect == dialect => Ok(snapshot.tables),
        Some(snapshot) => Err(Failure::new(format!(
            "the migrations are for {}, and the database that is named is one of {dialect}; name one of {0}, by \
             DATABASE_URL or --url, or another folder by `migrations` in thing.toml",
            snapshot.dialect
        ))),
        None if folder.is_dir() && super::migrations(context)?.iter().len() > 0 => Err(Failure::new(format!(
            "there are migrations, and no {} says what they lead to; `migrate snapshot` writes it, from a database on \
             which all of them were run",
            folder.join(SNAPSHOT).display()
        ))),
        None => Ok(Vec::new()),
    }
}

fn steps(plan: &SchemaPlan) -> Vec<Step> {
    plan.steps().iter().map(|planned| planned.step.clone()).collect()
}

/// The steps back, or why there are none. What was renamed gets its former name again.
fn back(
    driver: &dyn Schema,
    after: &[TableSchema],
    before: &[TableSchema],
    wanted: &[Wanted],
) -> Result<(Vec<Step>, Option<String>)> {
    let former = before.iter().map(|table| {
        let mut former = Wanted::exactly(table.clone());
        let is = |name: &String| name.eq_ignore_ascii_case(&table.name);
        let now = wanted.iter().find(|now| is(&now.schema.name) || now.former_names.iter().any(is));
        if let Some(now) = now {
            if !is(&now.schema.name) {
                former.former_names.push(now.schema.name.clone());
            }
            let renamed = now.former_columns.iter().filter(|(_, former)| table.column(former).is_some());
            former.former_columns.extend(renamed.map(|(name, former)| (former.clone(), name.clone())));
        }
        former
    });
    let plan = SchemaPlan::new(driver, after, &former.collect::<Vec<_>>(), &Consent::everything())?;
    if plan.refused().is_empty() {
        return Ok((steps(&plan), None));
    }
    let reasons: Vec<String> = plan.refused().iter().map(ToString::to_string).collect();
    Ok((Vec::new(), Some(format!("there is no way back: {}", reasons.join("; ")))))
}

/// What of the rows has a step fail.
fn condition(effect: &Effect) -> Option<String> {
    match effect {
        Effect::MayFail(_) => Some(effect.to_string()),
        _ => None,
    }
}

impl Written {
    fn nothing() -> Self {
        Self { version: None, files: Vec::new(), steps: Vec::new(), loses: Vec::new(), notes: Vec::new() }
    }

    fn of(generated: Generated, steps: &[Step]) -> Self {
        Self {
            version: Some(generated.version.to_string()),
            files: std::iter::once(generated.up).chain(generated.down).collect(),
            steps: steps.iter().map(|step| step.what.clone()).collect(),
            loses: steps.iter().flat_map(Step::loses).map(str::to_owned).collect(),
            notes: steps.iter().flat_map(|step| &step.effects).filter_map(condition).collect(),
        }
    }
}

impl Report for Written {
    fn write(&self, page: &mut Page) {
        if self.version.is_none() {
            page.line(format_args!(
                "{GOOD}the migrations lead to what the models declare{GOOD:#}; nothing was written"
            ));
        }
        for file in &self.files {
            page.line(format_args!("{GOOD}written{GOOD:#}  {}", file.display()));
        }
        for step in &self.steps {
            page.line(format_args!("  {FAINT}-{FAINT:#} {step}"));
        }
        for what in &self.loses {
            page.line(format_args!("{BAD}it loses{BAD:#} {what}"));
        }
        for note in &self.notes {
            page.line(format_args!("{CAREFUL}note{CAREFUL:#} {note}"));
        }
    }

    fn json(&self) -> Result<Value> {
        report::json(self)
    }
}
