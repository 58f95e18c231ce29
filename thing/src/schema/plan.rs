//! Plans: the steps from what is there to what is wanted.

use std::collections::{BTreeSet, HashMap};

use thing_driver_api::schema::{Change, ForeignKeySchema, Schema, Step, TableChange, TableSchema};
use thing_driver_api::{Error, ErrorKind, Result};

use super::compare::{Left, compare_renamed};
use super::rename::Rename;
use super::{Consent, Refusal, Wanted};

/// The steps that make a schema what it is to be. Shown, it explains them one by one: what each does, by which
/// statements, whom it keeps waiting, what it reads and writes, when it fails and what is lost.
#[derive(Clone, Debug, Default)]
pub struct SchemaPlan {
    changes: Vec<TableChange>,
    steps: Vec<PlannedStep>,
    left: Vec<Left>,
    refusals: Vec<Refusal>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedStep {
    /// The table that it is about, by the name that it has before.
    pub table: String,
    /// What is done.
    pub step: Step,
}

impl SchemaPlan {
    /// Compares the tables that are there with those that are wanted. Asks no database. A table that is there and not
    /// wanted goes with [`Consent::everything`] only.
    ///
    /// # Errors
    ///
    /// Those of [`Schema::plan`], but for [`ErrorKind::Unsupported`], which is a [refusal](SchemaPlan::refused).
    pub fn new(driver: &dyn Schema, found: &[TableSchema], wanted: &[Wanted], consent: &Consent) -> Result<Self> {
        let mut plan = Self::default();
        let mut found: Vec<TableSchema> = found.to_vec();
        let mut matched: Vec<Option<usize>> = Vec::with_capacity(wanted.len());
        let (mut renamed, mut unclear): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        for wanted in wanted {
            let at = place(&found, wanted, &matched);
            matched.push(at);
            let Some(at) = at else { continue };
            let rename = Rename::of(&found[at], wanted);
            if let Some(change) = rename.change(&found[at]) {
                unclear.extend((0..found.len()).filter(|at| !rename.is_clear_for(&found[*at])));
                found[at] = change.after.clone().unwrap_or_default();
                found.iter_mut().for_each(|table| rename.follow(table));
                renamed.push(at);
                plan.changes.push(change);
            }
        }
        let mut created: Vec<&TableSchema> = Vec::new();
        let mut altered = Vec::new();
        for (wanted, at) in wanted.iter().zip(&matched) {
            let Some(at) = *at else {
                created.push(&wanted.schema);
                continue;
            };
            let comparison = compare_renamed(&found[at], wanted, consent, renamed.contains(&at));
            altered.extend(comparison.change);
            plan.left.extend(comparison.left);
            plan.refusals.extend(comparison.refusals);
        }
        let is_new = |key: &ForeignKeySchema| created.iter().any(|new| new.name.eq_ignore_ascii_case(&key.table));
        let mut last = Vec::new();
        for change in altered {
            let (now, later) = put_off(change, is_new);
            plan.changes.extend(now);
            last.extend(later);
        }
        let mut there: Vec<&str> = Vec::new();
        let waiting = sorted(&created);
        for table in &waiting {
            there.push(&table.name);
            let comes_later = |key: &ForeignKeySchema| {
                is_new(key) && !there.iter().any(|known| known.eq_ignore_ascii_case(&key.table))
            };
            let (now, later) = put_off(TableChange::create((*table).clone()), comes_later);
            plan.changes.extend(now);
            last.extend(later);
        }
        plan.changes.extend(last);
        if consent.is_everything() {
            let unwanted = found.iter().enumerate().filter(|(at, _)| !matched.contains(&Some(*at)));
            // Those that refer go before those that are referred to.
            let unwanted = sorted(&unwanted.map(|(_, table)| table).collect::<Vec<_>>());
            plan.changes.extend(unwanted.into_iter().rev().map(|table| TableChange::drop(table.clone())));
        }
        for change in std::mem::take(&mut plan.changes) {
            plan.add(driver, change, consent)?;
        }
        unclear.sort_unstable();
        unclear.dedup();
        plan.refuse_unclear(&unclear.into_iter().map(|at| &found[at]).collect::<Vec<_>>());
        Ok(plan)
    }

    /// The steps, in their order.
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The changes that the steps make, in the same order.
    pub fn changes(&self) -> &[TableChange] {
        &self.changes
    }

    /// What the tables have and nobody wants. It stays.
    pub fn left(&self) -> &[Left] {
        &self.left
    }

    /// Why the plan is not carried out, if it is not.
    pub fn refused(&self) -> &[Refusal] {
        &self.refusals
    }

    /// True when there is nothing to do, and nothing in the way.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.refusals.is_empty()
    }

    /// The plan, if nothing is in the way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Schema`] with all [refusals](SchemaPlan::refused) and the plan.
    pub fn accepted(self) -> Result<Self> {
        if self.refusals.is_empty() {
            return Ok(self);
        }
        let reasons: Vec<String> = self.refusals.iter().map(Refusal::to_string).collect();
        let mut message =
            format!("the database differs from the models, and nothing was changed: {}", reasons.join("; "));
        if !self.steps.is_empty() {
            message.push_str(&format!("\nthe plan was:\n{self}"));
        }
        Err(Error::new(ErrorKind::Schema, message))
    }

    /// The table as it is in the database, by what it is called when it has been renamed.
    pub(super) fn as_found<'t>(&'t self, renamed: &'t TableSchema) -> &'t TableSchema {
        let is_rename = |change: &&TableChange| {
            let renames = |one: &Change| matches!(one, Change::RenameTable | Change::RenameColumn { .. });
            change.changes.iter().any(renames) && change.after.as_ref().is_some_and(|after| after.name == renamed.name)
        };
        self.changes.iter().find(is_rename).and_then(|change| change.before.as_ref()).unwrap_or(renamed)
    }

    /// Refuses to make triggers again that say what the database has made of them at a rename.
    fn refuse_unclear(&mut self, tables: &[&TableSchema]) {
        for table in tables {
            let again = |planned: &PlannedStep| planned.step.sql.iter().any(|text| table.attached.contains(text));
            if self.steps.iter().any(again) {
                let reason = "it has to be made anew, and a trigger of it has a name that is changed by a rename, perhaps \
                              of something else";
                let advice = "rename first, by a migration, or drop the trigger";
                self.refuse([Refusal::new("unsupported", &table.name, reason).advice(advice)]);
            }
        }
    }

    pub(super) fn refuse(&mut self, refusals: impl IntoIterator<Item = Refusal>) {
        self.refusals.extend(refusals);
    }

    fn add(&mut self, driver: &dyn Schema, change: TableChange, consent: &Consent) -> Result<()> {
        let table = change.name().to_owned();
        let steps = match driver.plan(&change) {
            Ok(steps) => steps,
            Err(error) if *error.kind() == ErrorKind::Unsupported => {
                self.refusals.push(Refusal::new("unsupported", &table, error.to_string()));
                return Ok(());
            }
            Err(error) => return Err(error.context(format!("plan the change of table `{table}`"))),
        };
        self.refusals.extend(losses(driver, &change, &steps, consent));
        self.steps.extend(steps.into_iter().map(|step| PlannedStep { table: table.clone(), step }));
        self.changes.push(change);
        Ok(())
    }
}

/// Where the wanted table is, by its name or one that it had.
fn place(found: &[TableSchema], wanted: &Wanted, taken: &[Option<usize>]) -> Option<usize> {
    let named = |name: &str| {
        let at = found.iter().position(|table| table.name.eq_ignore_ascii_case(name))?;
        (!taken.contains(&Some(at))).then_some(at)
    };
    named(&wanted.schema.name).or_else(|| wanted.former_names.iter().find_map(|name| named(name)))
}

/// The tables so that each comes after those that it refers to, as far as they don't refer to one another in a circle.
fn sorted<'t>(tables: &[&'t TableSchema]) -> Vec<&'t TableSchema> {
    let places: HashMap<String, usize> =
        tables.iter().enumerate().map(|(at, table)| (table.name.to_ascii_lowercase(), at)).collect();
    // Of each table those that it waits for, and those that wait for it.
    let mut waits: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); tables.len()];
    let mut waited: Vec<Vec<usize>> = vec![Vec::new(); tables.len()];
    for (at, table) in tables.iter().enumerate() {
        let refers = table.foreign_keys.iter().filter_map(|key| places.get(&key.table.to_ascii_lowercase()));
        for &to in refers.filter(|to| **to != at) {
            if waits[at].insert(to) {
                waited[to].push(at);
            }
        }
    }
    let mut left: BTreeSet<usize> = (0..tables.len()).collect();
    let mut free: BTreeSet<usize> = left.iter().copied().filter(|at| waits[*at].is_empty()).collect();
    let mut sorted = Vec::with_capacity(tables.len());
    while let Some(next) = free.pop_first().or_else(|| left.first().copied()) {
        left.remove(&next);
        sorted.push(tables[next]);
        for &waiting in &waited[next] {
            waits[waiting].remove(&next);
            if waits[waiting].is_empty() && left.contains(&waiting) {
                free.insert(waiting);
            }
        }
    }
    sorted
}

/// The change without the foreign keys that have to wait for another table, and a change that adds those.
fn put_off(
    mut change: TableChange,
    waits: impl Fn(&ForeignKeySchema) -> bool,
) -> (Option<TableChange>, Option<TableChange>) {
    let Some(after) = &change.after else { return (Some(change), None) };
    let added = |key: &&ForeignKeySchema| {
        let new = change.before.is_none() || change.changes.contains(&Change::AddForeignKey(key.name.clone()));
        new && waits(key)
    };
    let later: Vec<String> = after.foreign_keys.iter().filter(added).map(|key| key.name.clone()).collect();
    if later.is_empty() {
        return (Some(change), None);
    }
    let whole = after.clone();
    let mut first = whole.clone();
    first.foreign_keys.retain(|key| !later.contains(&key.name));
    let adds: Vec<Change> = later.into_iter().map(Change::AddForeignKey).collect();
    change.changes.retain(|one| !adds.contains(one));
    let second = TableChange::alter(first.clone(), whole, adds);
    change.after = Some(first);
    ((!change.changes.is_empty()).then_some(change), Some(second))
}

/// What would be lost without consent.
fn losses(driver: &dyn Schema, change: &TableChange, steps: &[Step], consent: &Consent) -> Vec<Refusal> {
    if consent.is_everything() || !steps.iter().any(|step| step.loses().next().is_some()) {
        return Vec::new();
    }
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return Vec::new() };
    let mut refusals = Vec::new();
    let mut explained = change.changes.iter().any(|one| matches!(one, Change::DropColumn(_)));
    for column in change.changes.iter().filter_map(|one| match one {
        Change::AlterColumn(column) => after.column(column),
        _ => None,
    }) {
        // Alone, so that what a step loses besides is not taken for the column's.
        let mut alone = before.clone();
        for known in alone.columns.iter_mut().filter(|known| known.name.eq_ignore_ascii_case(&column.name)) {
            known.clone_from(column);
        }
        let alone = TableChange::alter(before.clone(), alone, vec![Change::AlterColumn(column.name.clone())]);
        let Ok(steps) = driver.plan(&alone) else { continue };
        let lost: Vec<&str> = steps.iter().flat_map(Step::loses).collect();
        explained |= !lost.is_empty();
        if !lost.is_empty() && !consent.allows(&after.name, &column.name) {
            let reason = format!("changing column `{}` loses {}", column.name, lost.join(" and "));
            refusals.push(Refusal::new("loss", &after.name, reason).unless_allowed(&column.name));
        }
    }
    if !explained {
        let lost: Vec<&str> = steps.iter().flat_map(Step::loses).collect();
        let reason = format!("the change loses {}", lost.join(" and "));
        refusals.push(Refusal::new("loss", &after.name, reason).advice("migrate it by hand"));
    }
    refusals
}

#[cfg(test)]
mod tests;
