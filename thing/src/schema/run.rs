//! Running a plan: in one transaction where the database can, else step by step.

use std::time::Instant;

use thing_driver_api::schema::{Effect, SchemaSession, Step};
use thing_driver_api::{Error, Result};

use super::progress::Progress;
use super::{Event, PlannedStep, SchemaPlan};

/// Runs the steps, in the transaction that has begun, if there is one. The error says which steps were done and stay so.
pub(super) async fn run(plan: &SchemaPlan, session: &mut dyn SchemaSession, progress: &Progress<'_>) -> Result<()> {
    let steps = plan.steps().len();
    for (done, planned) in plan.steps().iter().enumerate() {
        let (number, began) = (done + 1, Instant::now());
        progress.tell(&Event::Step { number, steps, planned });
        for (statement, text) in planned.step.sql.iter().enumerate() {
            if let Err(error) = session.execute(text).await {
                let place = format!("step {} of {}, {}", done + 1, plan.steps().len(), planned.step.what);
                let state = if session.is_transactional() {
                    "nothing was changed".to_owned()
                } else {
                    left_behind(&plan.steps()[..done], statement, &error, session).await
                };
                let why = match error.is_retryable() || error.may_have_executed() {
                    true => String::new(),
                    false => reasons(&planned.step),
                };
                return Err(error.context(format!("{place} ({state}{why})")));
            }
        }
        progress.tell(&Event::StepDone { number, took: began.elapsed() });
    }
    Ok(())
}

/// Why a step may fail, in words that the error of the database may lack.
fn reasons(step: &Step) -> String {
    let conditions: Vec<&str> = step
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::MayFail(when) => Some(&**when),
            _ => None,
        })
        .collect();
    match conditions.is_empty() {
        true => String::new(),
        false => format!("; it fails if {}: see to the rows, and run it again", conditions.join(", or if ")),
    }
}

/// Puts back what the last step took away for a moment, and says what stays done.
async fn left_behind(
    mut done: &[PlannedStep],
    statement: usize,
    failed: &Error,
    session: &mut dyn SchemaSession,
) -> String {
    let mut notes = Vec::new();
    if let Some((last, before)) = done.split_last().filter(|(last, _)| !last.step.restore.is_empty()) {
        match restore(last, failed, session).await {
            Ok(()) => done = before,
            Err(error) => notes.push(format!("that could not be taken back: {error}")),
        }
    }
    if done.is_empty() && statement == 0 {
        return "no step was done before it".to_owned();
    }
    if statement > 0 {
        notes.insert(0, format!("{statement} of its statements were done"));
    }
    let names: Vec<&str> = done.iter().map(|planned| &*planned.step.what).collect();
    let names = if names.is_empty() { "no step".to_owned() } else { names.join(", ") };
    notes.insert(0, format!("done and not undone: {names}"));
    notes.join(", ")
}

/// Nothing can be put back while the step that failed may still be under way.
async fn restore(last: &PlannedStep, failed: &Error, session: &mut dyn SchemaSession) -> Result<()> {
    if failed.may_have_executed() {
        return Err(Error::backend(format!("run {} by hand", last.step.restore.join("; "))));
    }
    for text in &last.step.restore {
        session.execute(text).await.map_err(|error| error.context(format!("run {text} by hand")))?;
    }
    Ok(())
}
