//! `sync` and `diff`: what the models declare, and what the database has.

use serde_json::{Value, json};
use thing::driver::schema::{Change, Effect};
use thing::schema::{PlannedStep, SchemaPlan};

use super::progress::Shown;
use crate::arguments::Sync;
use crate::context::Context;
use crate::database::Access;
use crate::failure::{Failure, Result};
use crate::output::{BAD, CAREFUL, FAINT, GOOD, Page, STRONG};
use crate::report::{Outcome, Report};

/// What was done, or would be.
#[derive(Debug)]
pub(crate) struct Synchronised {
    plan: SchemaPlan,
    applied: bool,
}

/// What differs.
#[derive(Debug)]
pub(crate) struct Differences {
    plan: SchemaPlan,
}

pub(crate) async fn sync(context: &Context<'_>, asked: &Sync) -> Result<Synchronised> {
    let models = context.declared()?;
    let access = if asked.plan { Access::Plan } else { Access::Write };
    let database = context.database(access).await?;
    let sync = asked.allow_loss.iter().fold(database.db.schema_of(models), |sync, name| sync.allow(name));
    let plan = sync.plan().await?;
    if asked.plan {
        return Ok(Synchronised { plan, applied: false });
    }
    if !plan.refused().is_empty() {
        let reasons: Vec<String> = plan.refused().iter().map(|refusal| format!("- {}", reason(refusal))).collect();
        let message =
            format!("the tables can't become what the models declare; nothing was changed:\n{}", reasons.join("\n"));
        return Err(Failure::new(message).with("plan", plan_json(&plan)));
    }
    let sync = match Shown::where_somebody_looks(context.json()) {
        Some(shown) => sync.progress(move |event| shown.change(event)),
        None => sync,
    };
    Ok(Synchronised { plan: sync.apply().await?, applied: true })
}

pub(crate) async fn diff(context: &Context<'_>) -> Result<Differences> {
    let models = context.declared()?;
    let database = context.database(Access::Plan).await?;
    Ok(Differences { plan: database.db.schema_of(models).plan().await? })
}

/// Why a change is refused, with the argument that allows it.
fn reason(refusal: &thing::schema::Refusal) -> String {
    let advice = refusal.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
    let allow = refusal.consent.as_ref().map(|name| format!("; if that is meant: --allow-loss {name}"));
    format!("table `{}`: {}{advice}{}", refusal.table, refusal.reason, allow.unwrap_or_default())
}

impl Report for Synchronised {
    fn write(&self, page: &mut Page) {
        if self.plan.is_empty() {
            page.line(format_args!("{GOOD}nothing to change{GOOD:#}"));
        }
        for (number, PlannedStep { step, .. }) in (1..).zip(self.plan.steps()) {
            page.line(format_args!("{STRONG}{number}. {}{STRONG:#}", step.what));
            for sql in &step.sql {
                page.line(format_args!("{FAINT}     {};{FAINT:#}", sql.replace('\n', "\n     ")));
            }
            for effect in &step.effects {
                let style = if matches!(effect, Effect::Loses(_)) { BAD } else { CAREFUL };
                page.line(format_args!("   {style}-{style:#} {effect}"));
            }
        }
        rest(&self.plan, page);
        match (self.applied, self.plan.steps().len()) {
            (_, 0) => {}
            (true, 1) => page.line(format_args!("{GOOD}done{GOOD:#}: 1 step")),
            (true, steps) => page.line(format_args!("{GOOD}done{GOOD:#}: {steps} steps")),
            (false, _) => page.line("nothing was done; run `sync` without --plan"),
        }
    }

    fn json(&self) -> Result<Value> {
        let mut report = plan_json(&self.plan);
        report["applied"] = self.applied.into();
        Ok(report)
    }

    fn outcome(&self) -> Outcome {
        Outcome::found(!self.applied && !self.plan.is_empty())
    }
}

/// What stays, and what stands in the way.
fn rest(plan: &SchemaPlan, page: &mut Page) {
    for left in plan.left() {
        page.line(format_args!("{FAINT}left alone{FAINT:#} {left}"));
    }
    for refusal in plan.refused() {
        page.line(format_args!("{BAD}refused{BAD:#} {}", reason(refusal)));
    }
}

impl Report for Differences {
    fn write(&self, page: &mut Page) {
        if self.plan.is_empty() {
            page.line(format_args!("{GOOD}no differences{GOOD:#}"));
        }
        for table in self.plan.changes() {
            page.line(format_args!("{STRONG}{}{STRONG:#}", table.name()));
            table.changes.iter().for_each(|change| page.line(format_args!("  {}", words(change))));
        }
        rest(&self.plan, page);
    }

    fn json(&self) -> Result<Value> {
        let table = |table: &thing::driver::schema::TableChange| {
            let changes: Vec<String> = table.changes.iter().map(words).collect();
            json!({ "table": table.name(), "changes": changes })
        };
        let mut report = plan_json(&self.plan);
        report["tables"] = self.plan.changes().iter().map(table).collect();
        report["differs"] = (!self.plan.is_empty()).into();
        Ok(report)
    }

    fn outcome(&self) -> Outcome {
        Outcome::found(!self.plan.is_empty())
    }
}

fn words(change: &Change) -> String {
    match change {
        Change::CreateTable => "+ the table".to_owned(),
        Change::DropTable => "- the table".to_owned(),
        Change::RenameTable => "~ the name".to_owned(),
        Change::AddColumn(name) => format!("+ column {name}"),
        Change::DropColumn(name) => format!("- column {name}"),
        Change::RenameColumn { from, to } => format!("~ column {from}, now {to}"),
        Change::AlterColumn(name) => format!("~ column {name}"),
        Change::ChangeKey => "~ the key".to_owned(),
        Change::CreateIndex(name) => format!("+ index {name}"),
        Change::DropIndex(name) => format!("- index {name}"),
        Change::AddForeignKey(name) => format!("+ foreign key {name}"),
        Change::DropForeignKey(name) => format!("- foreign key {name}"),
        Change::AddCheck(name) => format!("+ check {name}"),
        Change::DropCheck(name) => format!("- check {name}"),
        Change::ChangeComment => "~ the comment".to_owned(),
        other => format!("~ {other:?}"),
    }
}

fn plan_json(plan: &SchemaPlan) -> Value {
    let step = |PlannedStep { table, step, .. }: &PlannedStep| {
        let effects: Vec<Value> = step.effects.iter().map(effect_json).collect();
        json!({ "table": table, "what": step.what, "sql": step.sql, "effects": effects })
    };
    json!({
        "steps": plan.steps().iter().map(step).collect::<Vec<_>>(),
        "left": plan.left().iter().map(|left| json!({ "kind": left.kind, "table": left.table, "name": left.name }))
            .collect::<Vec<_>>(),
        "refused": plan.refused().iter().map(|refusal| json!({
            "kind": refusal.kind, "table": refusal.table, "reason": refusal.reason, "advice": refusal.advice,
            "allow_loss": refusal.consent,
        })).collect::<Vec<_>>(),
    })
}

/// `kind`, and `what` where there is more to say.
pub(crate) fn effect_json(effect: &Effect) -> Value {
    match effect {
        Effect::BlocksReads => json!({ "kind": "blocks_reads" }),
        Effect::BlocksWrites => json!({ "kind": "blocks_writes" }),
        Effect::Scans => json!({ "kind": "scans" }),
        Effect::Rewrites => json!({ "kind": "rewrites" }),
        Effect::MayFail(when) => json!({ "kind": "may_fail", "what": when }),
        Effect::Loses(what) => json!({ "kind": "loses", "what": what }),
        Effect::NotTransactional => json!({ "kind": "not_transactional" }),
        other => json!({ "kind": "other", "what": format!("{other:?}") }),
    }
}
