//! `pull` and `generate`: models from databases and from Prisma schemas, and Prisma schemas from models.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use thing::driver::Table;
use thing::driver::schema::TableSchema;
use thing_codegen::{
    Diagnostic, Model, Note, Options, Written, compare_files, from_database, from_prisma, from_tables, write_files,
};

use crate::arguments::{Generate, Pull};
use crate::context::Context;
use crate::database::{Access, Database};
use crate::failure::{Failure, Result};
use crate::output::{CAREFUL, FAINT, GOOD, Page};
use crate::report::{Outcome, Report};

/// Files that were written, or would be.
#[derive(Debug, Default)]
pub(crate) struct Files {
    checked: bool,
    created: Vec<PathBuf>,
    changed: Vec<PathBuf>,
    unchanged: Vec<PathBuf>,
    removed: Vec<PathBuf>,
    notes: Vec<Note>,
}

/// A Prisma schema that goes to the standard output.
#[derive(Debug)]
pub(crate) struct Prisma {
    text: String,
    notes: Vec<Note>,
}

/// Tables that Thing makes for itself.
const OWN: [&str; 3] = ["thing_changes", "thing_debts", "thing_migrations"];

/// Models of a database.
pub(crate) async fn pull(context: &Context<'_>, asked: &Pull) -> Result<Box<dyn Report>> {
    let database = context.database(Access::Read).await?;
    let tables = tables(&database, &asked.table).await?;
    let (model, notes) = from_database(&tables, database.dialect()?);
    if asked.to_prisma {
        return prisma(&model, database.dialect()?, notes, asked.out.as_deref(), false);
    }
    let out = asked.out.clone().unwrap_or_else(|| models_folder(context));
    Ok(Box::new(rust(&model, notes, &out, asked.check)?))
}

/// Models of a Prisma schema.
pub(crate) fn generate(context: &Context<'_>, asked: &Generate) -> Result<Files> {
    let file = asked.schema.clone().unwrap_or_else(|| schema_file(context));
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Failure::new(format!("{} can't be read: {error}", file.display())))?;
    let (model, notes) = from_prisma(&text).map_err(|mistakes| mistaken(&file, &mistakes))?;
    let out = asked.out.clone().unwrap_or_else(|| models_folder(context));
    rust(&model, notes, &out, asked.check)
}

/// The Prisma schema of the program's models.
pub(crate) async fn to_prisma(context: &Context<'_>, asked: &Generate) -> Result<Box<dyn Report>> {
    context.declared()?;
    let database = context.database(Access::Plan).await?;
    let tables: Vec<&Table> = context.models().tables.iter().map(|table| &***table).collect();
    let (model, notes) = from_tables(&tables, database.dialect()?);
    prisma(&model, database.dialect()?, notes, asked.out.as_deref(), asked.check)
}

async fn tables(database: &Database, asked: &[String]) -> Result<Vec<TableSchema>> {
    let schema = database.executor().schema().ok_or_else(|| Failure::new("this driver describes no tables"))?;
    let names = match asked {
        [] => schema.tables().await?.into_iter().filter(|name| !OWN.contains(&name.as_str())).collect(),
        some => some.to_vec(),
    };
    let mut tables = Vec::with_capacity(names.len());
    for name in names {
        match schema.describe(&name).await? {
            Some(table) => tables.push(table),
            None => {
                return Err(Failure::new(format!("there is no table `{name}`; `inspect` lists those that there are")));
            }
        }
    }
    Ok(tables)
}

fn rust(model: &Model, mut notes: Vec<Note>, out: &Path, check: bool) -> Result<Files> {
    let (files, more) = model.to_rust(&Options::default());
    let written = if check { compare_files(out, &files)? } else { write_files(out, &files)? };
    let Written { created, changed, unchanged, removed, notes: others, .. } = written;
    notes.extend(more.into_iter().chain(others));
    Ok(Files { checked: check, created, changed, unchanged, removed, notes })
}

fn prisma(
    model: &Model,
    provider: &str,
    mut notes: Vec<Note>,
    out: Option<&Path>,
    check: bool,
) -> Result<Box<dyn Report>> {
    let (text, more) = model.to_prisma(provider);
    notes.extend(more);
    let Some(out) = out else { return Ok(Box::new(Prisma { text, notes })) };
    let mut files = Files { checked: check, notes, ..Files::default() };
    match read(out)? {
        Some(known) if known == text => files.unchanged.push(out.to_owned()),
        known => {
            if !check {
                std::fs::write(out, text)
                    .map_err(|error| Failure::new(format!("{} can't be written: {error}", out.display())))?;
            }
            if known.is_some() { &mut files.changed } else { &mut files.created }.push(out.to_owned());
        }
    }
    Ok(Box::new(files))
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("{} can't be read: {error}", path.display()))),
    }
}

fn models_folder(context: &Context<'_>) -> PathBuf {
    beside(context, |settings| settings.models.as_deref(), "src/models")
}

fn schema_file(context: &Context<'_>) -> PathBuf {
    beside(context, |settings| settings.schema.as_deref(), "schema.prisma")
}

/// A path of the project file.
fn beside(context: &Context<'_>, path: impl Fn(&crate::project::Settings) -> Option<&str>, otherwise: &str) -> PathBuf {
    match &context.project {
        Some(project) => project.folder.join(path(&project.settings).unwrap_or(otherwise)),
        None => otherwise.into(),
    }
}

fn mistaken(file: &Path, mistakes: &[Diagnostic]) -> Failure {
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let count = if mistakes.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", mistakes.len()) };
    let details = mistakes.iter().map(|mistake| {
        json!({ "message": mistake.message, "hint": mistake.hint, "line": mistake.line, "column": mistake.column })
    });
    Failure::new(format!("{} has {count}\n\n{}", file.display(), shown.join("\n\n")))
        .with("mistakes", details.collect::<Vec<_>>())
}

fn note_json(note: &Note) -> Value {
    json!({ "about": note.about, "message": note.message })
}

impl Report for Files {
    fn write(&self, page: &mut Page) {
        let words = if self.checked { ["new", "out of date", "too many"] } else { ["written", "changed", "removed"] };
        for (word, files) in words.iter().zip([&self.created, &self.changed, &self.removed]) {
            files.iter().for_each(|file| page.line(format_args!("{GOOD}{word}{GOOD:#}  {}", file.display())));
        }
        match self.unchanged.len() {
            0 => {}
            1 => page.line(format_args!("{FAINT}1 file is as it was{FAINT:#}")),
            many => page.line(format_args!("{FAINT}{many} files are as they were{FAINT:#}")),
        }
        self.notes.iter().for_each(|note| page.line(format_args!("{CAREFUL}note{CAREFUL:#} {note}")));
    }

    fn json(&self) -> Result<Value> {
        Ok(json!({
            "created": self.created,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "notes": self.notes.iter().map(note_json).collect::<Vec<_>>(),
        }))
    }

    fn outcome(&self) -> Outcome {
        let same = self.created.is_empty() && self.changed.is_empty() && self.removed.is_empty();
        Outcome::found(self.checked && !same)
    }
}

impl Report for Prisma {
    fn write(&self, page: &mut Page) {
        page.line(&self.text);
        self.notes.iter().for_each(|note| page.line(format_args!("// note: {note}")));
    }

    fn json(&self) -> Result<Value> {
        Ok(json!({ "prisma": self.text, "notes": self.notes.iter().map(note_json).collect::<Vec<_>>() }))
    }
}
