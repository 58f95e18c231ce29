//! Differences: what `sync` would change about the tables of models, and what is in its way.

use thing::ErrorKind;
use thing::driver::schema::{Change, ColumnSchema, Generated, TableChange, TableSchema};
use thing::schema::{Refusal, SchemaPlan};

use crate::context::Context;
use crate::database::{Database, Diagnosis, Severity};
use crate::failure::Result;

pub(super) async fn examine(context: &Context<'_>, database: &Database, diagnosis: &mut Diagnosis) -> Result<()> {
    let models = &context.models().declared;
    if models.is_empty() || database.executor().schema().is_none() {
        return Ok(());
    }
    match database.db.schema_of(models.clone()).plan().await {
        Ok(plan) => tell(&plan, diagnosis),
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => diagnosis.finding(
            Severity::Warning,
            "not_compared",
            format!("the tables can't be compared with the models: {error}"),
            "change the model, or make its table by a migration",
        ),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn tell(plan: &SchemaPlan, diagnosis: &mut Diagnosis) {
    let remedy = match plan.refused() {
        [] => "run `sync`, or the migrations",
        _ => "run `sync`, once nothing is in its way, or the migrations",
    };
    let mut tables = Tables { remedy, made: Vec::new(), diagnosis };
    plan.changes().iter().for_each(|change| tables.compare(change));
    plan.refused().iter().for_each(|refusal| refused(refusal, diagnosis));
}

fn refused(refusal: &Refusal, diagnosis: &mut Diagnosis) {
    let allow = refusal.consent.as_ref().map(|name| format!("if that is meant: `sync --allow-loss {name}`"));
    let advice: Vec<String> = refusal.advice.clone().into_iter().chain(allow).collect();
    let advice = if advice.is_empty() { "change it by a migration".to_owned() } else { advice.join("; ") };
    let message = format!("`sync` can't change `{}`: {}", refusal.table, refusal.reason);
    diagnosis.finding(Severity::Error, refusal.kind, message, advice);
}

struct Tables<'p, 'd> {
    /// What to do about most differences.
    remedy: &'static str,
    /// The tables that are missing.
    made: Vec<&'p str>,
    diagnosis: &'d mut Diagnosis,
}

impl<'p> Tables<'p, '_> {
    fn compare(&mut self, change: &'p TableChange) {
        match (&change.before, &change.after) {
            (None, Some(after)) => {
                self.error("missing_table", format!("there is no table `{}`", after.name));
                self.made.push(&after.name);
            }
            // What is put off until another table is made goes without saying.
            (Some(before), Some(after)) if !self.made.contains(&&*after.name) => {
                change.changes.iter().for_each(|one| self.difference(one, before, after));
            }
            _ => {}
        }
    }

    fn difference(&mut self, change: &Change, before: &TableSchema, after: &TableSchema) {
        let table = &after.name;
        match change {
            Change::RenameTable => {
                let message = format!("there is no table `{table}`, but `{}`, as it was called before", before.name);
                self.error("missing_table", message);
            }
            Change::AddColumn(name) => self.error("missing_column", format!("`{table}` has no column `{name}`")),
            Change::RenameColumn { from, to } => {
                let message = format!("`{table}` has no column `{to}`, but `{from}`, as it was called before");
                self.error("missing_column", message);
            }
            Change::AlterColumn(name) => {
                if let (Some(known), Some(wanted)) = (before.column(name), after.column(name)) {
                    self.column(table, known, wanted);
                }
            }
            Change::ChangeKey => {
                let (known, wanted) = (before.key.join(", "), after.key.join(", "));
                self.error("key", format!("the key of `{table}` is ({known}), the model says ({wanted})"));
            }
            Change::CreateIndex(name) => match before.index(name) {
                None => self.missing("missing_index", table, &format!("index `{name}`")),
                Some(_) => self.differs("index", table, &format!("index `{name}`")),
            },
            Change::AddForeignKey(name) => match before.foreign_key(name) {
                None => self.missing("missing_foreign_key", table, &format!("foreign key `{name}`")),
                Some(_) => self.differs("foreign_key", table, &format!("foreign key `{name}`")),
            },
            Change::AddCheck(name) => match before.check(name) {
                None => self.missing("missing_check", table, &format!("check `{name}`")),
                Some(_) => self.differs("check", table, &format!("check `{name}`")),
            },
            Change::ChangeComment => self.comment(format!("the comment of `{table}` is not that of the model")),
            // What goes makes room for what comes.
            _ => {}
        }
    }

    fn column(&mut self, table: &str, known: &ColumnSchema, wanted: &ColumnSchema) {
        let name = &known.name;
        if known.declared != wanted.declared {
            let (known, wanted) = (&known.declared, &wanted.declared);
            let message = format!(
                "column `{name}` of `{table}` is {known}, which does not hold every value of the field as {wanted} does"
            );
            self.either(Severity::Error, "type", message, "change the type of the field");
        }
        if known.nullable && !wanted.nullable {
            let message = format!("column `{name}` of `{table}` may hold NULL, which the model can't read");
            self.either(Severity::Warning, "nullable", message, "make the field an `Option`");
        }
        if !known.nullable && wanted.nullable {
            let message = format!("column `{name}` of `{table}` is NOT NULL, and refuses objects without it");
            self.either(Severity::Warning, "nullable", message, "take the `Option` from the field");
        }
        if known.generated != wanted.generated {
            let message = match wanted.generated {
                Some(Generated::Key) => format!("`{table}` makes no keys for new objects, which come without `{name}`"),
                _ => format!("column `{name}` of `{table}` is computed by the database, and can't be written"),
            };
            self.error("generated", message);
        }
        if known.default != wanted.default {
            let [known, wanted] = [known, wanted].map(|column| column.default.as_deref().unwrap_or("missing"));
            let message =
                format!("the default of column `{name}` of `{table}` is {known}, that of the model is {wanted}");
            self.either(Severity::Warning, "default", message, "change that of the field");
        }
        if known.comment != wanted.comment {
            self.comment(format!("the comment of column `{name}` of `{table}` is not that of the field"));
        }
    }

    fn error(&mut self, check: &'static str, message: String) {
        self.diagnosis.finding(Severity::Error, check, message, self.remedy);
    }

    /// Something in which the table may be right, and not the model.
    fn either(&mut self, severity: Severity, check: &'static str, message: String, of_the_model: &str) {
        self.diagnosis.finding(severity, check, message, format!("{of_the_model}, or {}", self.remedy));
    }

    fn missing(&mut self, check: &'static str, table: &str, what: &str) {
        let message = format!("`{table}` has no {what}, which the model declares");
        self.diagnosis.finding(Severity::Warning, check, message, self.remedy);
    }

    fn differs(&mut self, check: &'static str, table: &str, what: &str) {
        let message = format!("{what} of `{table}` is not as the model declares it");
        self.diagnosis.finding(Severity::Warning, check, message, self.remedy);
    }

    fn comment(&mut self, message: String) {
        self.diagnosis.finding(Severity::Note, "comment", message, self.remedy);
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
