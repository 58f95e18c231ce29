//! Running a program, and comparing every answer with the truth.

use std::sync::Arc;

use thing::driver::{Executor, Value};
use thing::{Column, Db, Loaded, Model, Session, Statistics, Transaction};

use super::ask::{Answer, Asked, Way, chosen};
use super::filters::{Any, Plan, Spec, column};
use super::oracle::{Outcome, Rows};
use super::program::{CacheKind, Program, Setting, Step};
use super::schema::{Dynamic, DynamicKey, row};
use super::setting::cached;
use super::storable::Storable;
use super::values::pool;
use crate::support::{Cache, Stack, placeholders, quoted};

/// Objects that were read before are kept, to be saved later.
const KEPT: usize = 8;

pub(crate) struct World<'a> {
    stack: &'a Stack,
    storable: &'a Storable,
    db: Db,
    /// The same database without a cache.
    plain: Db,
    setting: Setting,
    transactions: Vec<Transaction>,
    /// The committed rows, then what each open transaction made of them.
    levels: Vec<Rows>,
    kept: Vec<Loaded<Dynamic>>,
}

type Checked = Result<(), String>;

/// Runs the program on an empty table; fails at the first answer that is not true.
pub(crate) async fn run(
    program: &Program,
    stack: &Stack,
    executor: &Arc<dyn Executor>,
    storable: &Storable,
) -> Result<Statistics, String> {
    program.schema.choose();
    let plain = Db::builder(executor.clone()).build();
    plain.sync::<Dynamic>().await.map_err(|error| format!("{error:?}"))?;
    let mut world = World {
        stack,
        storable,
        db: cached(stack, executor, program.setting).await,
        plain: plain.clone(),
        setting: program.setting,
        transactions: Vec::new(),
        levels: vec![Rows::default()],
        kept: Vec::new(),
    };
    let passed = world.pass(program).await.map(|()| world.db.statistics());
    drop(world);
    let dropped = plain.raw(format!("DROP TABLE {}", Dynamic::table().name())).execute().await;
    dropped.map_err(|error| format!("{error:?}"))?;
    passed
}

impl World<'_> {
    async fn pass(&mut self, program: &Program) -> Checked {
        for (number, step) in program.steps.iter().enumerate() {
            self.step(program, step).await.map_err(|wrong| format!("step {number}, {step:?}: {wrong}"))?;
            // Not after every step, so that answers are sometimes behind by several changes.
            if number % 3 > 0 {
                self.glance(program).await.map_err(|wrong| format!("after step {number}, {step:?}: {wrong}"))?;
            }
        }
        while self.transactions.pop().is_some() {
            self.levels.pop();
        }
        for (number, question) in program.questions.iter().enumerate() {
            let asked = question.about(self.committed());
            self.ask(&asked).await.map_err(|wrong| format!("question {number} at the end, {asked:?}: {wrong}"))?;
        }
        Ok(())
    }

    fn session(&self) -> &dyn Session {
        match self.transactions.last() {
            Some(transaction) => transaction,
            None => &self.db,
        }
    }

    fn committed(&self) -> &Rows {
        &self.levels[0]
    }

    fn rows(&mut self) -> &mut Rows {
        self.levels.last_mut().expect("the committed rows are never popped")
    }

    async fn step(&mut self, program: &Program, step: &Step) -> Checked {
        match step {
            Step::Ask(number) => {
                let question = &program.questions[usize::from(*number) % program.questions.len()];
                let asked = question.about(self.rows());
                self.ask(&asked).await
            }
            Step::Create(choices) => {
                let object = row(choices);
                let created = self.session().things::<Dynamic>().create(object.clone()).await;
                self.created(&[object], created.map(|created| vec![created])).await
            }
            Step::CreateMany(many) => {
                let objects: Vec<Dynamic> = many.iter().map(|choices| row(choices)).collect();
                let created = self.session().things::<Dynamic>().create_many(objects.clone()).await;
                self.created(&objects, created).await
            }
            Step::Save { which, changes } => self.save(*which, changes).await,
            Step::SaveMany { which, changes } => self.save_many(which, changes).await,
            Step::SavePlain { target, row: choices } => {
                let key = chosen(target, self.rows());
                let mut object = row(choices);
                for (part, &column) in Dynamic::table().key().iter().enumerate() {
                    object.0[column] = key.0.value(part).into_owned();
                }
                let saved = self.session().things::<Dynamic>().save_plain(object.clone()).await;
                if Dynamic::table().has_generated_key() && key.0 == thing::driver::Key::Int(0) {
                    return self.created(&[object], saved.map(|created| vec![created])).await;
                }
                let refused = self.storable.refuses_row(&object.0);
                let values: Vec<_> = object.0.into_iter().enumerate().collect();
                let expected = self.unless(refused, |rows| rows.update(&key, &values));
                self.end(expected, Outcome::of(&saved)?).await
            }
            Step::UpdateWhere { plan, changes } => self.update_where(plan, changes).await,
            Step::DeleteWhere(plan) => {
                if plan.is_refused(self.storable) {
                    return Ok(());
                }
                let deleted = self.session().things::<Dynamic>().filter(plan.filter()).all_rows().delete().await;
                let matching = self.rows().matching(plan);
                self.counted(&deleted, matching.len())?;
                matching.iter().for_each(|key| _ = self.rows().delete(key));
                self.end(Outcome::Done, Outcome::of(&deleted)?).await
            }
            Step::Delete(target) => {
                let key = chosen(target, self.rows());
                let deleted = self.session().things::<Dynamic>().delete(key.clone()).await;
                let expected = self.unless(self.refuses_key(&key), |rows| rows.delete(&key));
                self.end(expected, Outcome::of(&deleted)?).await
            }
            Step::DeleteMany(targets) => {
                let keys: Vec<_> = targets.iter().map(|target| chosen(target, self.rows())).collect();
                let deleted = self.session().things::<Dynamic>().delete_many(&keys).await;
                let refused = keys.iter().any(|key| self.refuses_key(key));
                let one_by_one = keys.iter().map(|key| |rows: &mut Rows| rows.delete(key));
                let expected = self.unless(refused, |rows| rows.together(one_by_one));
                self.end(expected, Outcome::of(&deleted)?).await
            }
            Step::DeleteLoaded(which) => {
                if self.kept.is_empty() {
                    return Ok(());
                }
                let object = self.kept.remove(usize::from(*which) % self.kept.len());
                let key = object.original().key();
                let deleted = object.delete(self.session()).await;
                let expected = self.rows().delete(&key);
                self.end(expected, Outcome::of(&deleted)?).await
            }
            Step::Raw { set, to, when, is } => self.raw(*set, *to, *when, *is).await,
            Step::Begin if self.transactions.len() < 3 => {
                let begun = match self.transactions.last() {
                    Some(outer) => outer.begin().await,
                    None => self.db.begin().await,
                };
                self.transactions.push(begun.map_err(|error| format!("{error:?}"))?);
                let copy = self.rows().clone();
                self.levels.push(copy);
                Ok(())
            }
            Step::Commit => {
                let Some(transaction) = self.transactions.pop() else { return Ok(()) };
                transaction.commit().await.map_err(|error| format!("{error:?}"))?;
                let rows = self.levels.pop().expect("one level for each transaction");
                *self.rows() = rows;
                Ok(())
            }
            Step::Rollback | Step::Drop => {
                let Some(transaction) = self.transactions.pop() else { return Ok(()) };
                self.levels.pop();
                if matches!(step, Step::Rollback) {
                    return transaction.rollback().await.map_err(|error| format!("{error:?}"));
                }
                drop(transaction);
                Ok(())
            }
            Step::Begin => Ok(()),
        }
    }

    async fn created(&mut self, objects: &[Dynamic], created: thing::Result<Vec<Loaded<Dynamic>>>) -> Checked {
        let given = created.as_ref().ok();
        let insert = |(at, object): (usize, &Dynamic)| {
            let stored = given.map_or_else(|| object.clone(), |created| (*created[at]).clone());
            // Without an answer, a generated key is one that no row has.
            let generated = Dynamic::table().has_generated_key() && object.key() == super::schema::unset();
            let known = (given.is_none() && generated).then(|| super::schema::unused(at));
            move |rows: &mut Rows| rows.insert(stored.0, known)
        };
        let steps: Vec<_> = objects.iter().enumerate().map(insert).collect();
        let refused = objects.iter().any(|object| self.storable.refuses_row(&object.0));
        let expected = self.unless(refused, |rows| rows.together(steps));
        let outcome = Outcome::of(&created)?;
        if let Ok(created) = created {
            for (object, created) in objects.iter().zip(created) {
                let key = Dynamic::table().key();
                let differs = |column: &usize| !key.contains(column) && object.0[*column] != created.0[*column];
                if let Some(column) = (0..object.0.len()).find(differs) {
                    return Err(format!("column {column} was given back as {:?}", created.0[column]));
                }
                self.keep(created);
            }
        }
        self.end(expected, outcome).await
    }

    async fn save(&mut self, which: u8, changes: &[(u8, u8)]) -> Checked {
        if self.kept.is_empty() {
            return Ok(());
        }
        let mut object = self.kept.remove(usize::from(which) % self.kept.len());
        change(&mut object, changes);
        let refused = self.refuses_changes(&object);
        let expected = self.unless(refused, |rows| saved(rows, &object));
        let sent = self.db.statistics().statements();
        let result = object.save(self.session()).await;
        self.end(expected, Outcome::of(&result)?).await?;
        if changed(&object).is_empty() == object.is_changed() {
            return Err("the object says something else of its changes".into());
        }
        if expected == Outcome::Done {
            if object.is_changed() {
                return Err("the object still takes itself for changed".into());
            }
            self.keep(object);
        } else if expected == Outcome::Refused && self.db.statistics().statements() > sent {
            return Err("a refused save was sent".into());
        } else if which.is_multiple_of(2) {
            // Tried again with its changes, later.
            self.keep(object);
        }
        Ok(())
    }

    async fn save_many(&mut self, which: &[u8], changes: &[(u8, u8)]) -> Checked {
        let count = self.kept.len().max(1);
        let chosen = |at: usize| which.iter().any(|which| usize::from(*which) % count == at);
        let mut objects: Vec<Loaded<Dynamic>> = Vec::new();
        let mut others = Vec::new();
        for (at, object) in std::mem::take(&mut self.kept).into_iter().enumerate() {
            if chosen(at) { objects.push(object) } else { others.push(object) }
        }
        self.kept = others;
        objects.iter_mut().for_each(|object| change(object, changes));
        let copies = objects.clone();
        let refused = copies.iter().any(|object| self.refuses_changes(object));
        let one_by_one = copies.iter().map(|object| |rows: &mut Rows| saved(rows, object));
        let expected = self.unless(refused, |rows| rows.together(one_by_one));
        let result = self.session().things::<Dynamic>().save_many(&mut objects).await;
        self.end(expected, Outcome::of(&result)?).await?;
        for (object, copy) in objects.into_iter().zip(copies) {
            if object.is_changed() != (expected != Outcome::Done && copy.is_changed()) || *object != *copy {
                return Err("an object lost its changes, or kept them".into());
            }
            self.keep(object);
        }
        Ok(())
    }

    async fn update_where(&mut self, plan: &Plan, changes: &[(u8, u8)]) -> Checked {
        let table = Dynamic::table();
        let mut values: Vec<(usize, Value<'static>)> = Vec::new();
        for &(number, choice) in changes {
            let column = column(number);
            if !table.key().contains(&column) && values.iter().all(|(known, _)| *known != column) {
                values.push((column, pool(column, choice)));
            }
        }
        let refused = values.iter().any(|(column, value)| self.storable.refuses(*column, value));
        if refused || plan.is_refused(self.storable) {
            return Ok(());
        }
        let set = |(column, value): &(usize, Value<'static>)| Column::<Spec>::at(*column).set(Any(value.clone()));
        let Some(changes) = values.iter().map(set).reduce(|a, b| a & b) else { return Ok(()) };
        let written = self.session().things::<Dynamic>().filter(plan.filter()).all_rows().update(changes).await;
        let matching = self.rows().matching(plan);
        self.counted(&written, matching.len())?;
        let one_by_one = matching.iter().map(|key| |rows: &mut Rows| rows.update(key, &values));
        let expected = self.rows().together(one_by_one);
        self.end(expected, Outcome::of(&written)?).await
    }

    fn counted(&self, written: &thing::Result<u64>, rows: usize) -> Checked {
        match written {
            Ok(count) if *count != rows as u64 => Err(format!("{count} rows are said to be written, not {rows}")),
            _ => Ok(()),
        }
    }

    /// Writes past the cache, and says so.
    async fn raw(&mut self, set: u8, to: u8, when: u8, is: u8) -> Checked {
        let table = Dynamic::table();
        let free: Vec<usize> = (0..table.columns().len())
            .filter(|column| !table.key().contains(column))
            .filter(|column| !table.indexes().iter().any(|index| index.unique && index.columns.contains(column)))
            .collect();
        if !self.transactions.is_empty() || free.is_empty() {
            return Ok(());
        }
        let set = free[usize::from(set) % free.len()];
        let when = usize::from(when) % table.columns().len();
        let (to, is) = (pool(set, to), pool(when, is));
        if self.storable.refuses(set, &to) || self.storable.refuses(when, &is) {
            return Ok(());
        }
        let [table_name, set_name, when_name] =
            [table.name(), &table.column(set).name, &table.column(when).name].map(|name| quoted(&self.plain, name));
        let same = self.plain.executor().dialect().expect("a dialect").same();
        let text = format!("UPDATE {table_name} SET {set_name} = ? WHERE {when_name}{same}?");
        let raw = self.plain.raw(placeholders(&self.plain, &text)).bind(Any(to.clone())).bind(Any(is.clone()));
        raw.execute().await.map_err(|error| format!("{error:?}"))?;
        for row in self.rows().0.values_mut() {
            let equal = thing_conformance::evaluate::compare(&row[when], &is).map_or(row[when] == is, |o| o.is_eq());
            if equal {
                row[set] = to.clone();
            }
        }
        self.db.invalidate::<Dynamic>().await.map_err(|error| format!("{error:?}"))
    }

    /// Asks the cache all questions.
    async fn glance(&mut self, program: &Program) -> Checked {
        if !self.can_look_beside() {
            return Ok(());
        }
        for question in &program.questions {
            let asked = question.about(self.committed());
            let truth = asked.truth(self.committed());
            let (answer, _) = asked.of(&self.db, Way::Cached).await?;
            if !self.is_true(&asked, &answer, &truth) {
                return Err(format!("asked {asked:?}, the cache answers {answer:?}, the truth is {truth:?}"));
            }
        }
        Ok(())
    }

    /// Asks in the innermost transaction, and outside in every way.
    async fn ask(&mut self, asked: &Asked<'_>) -> Checked {
        if let Some(transaction) = self.transactions.last() {
            let truth = asked.truth(self.levels.last().expect("a level"));
            let (answer, objects) = asked.of(transaction, Way::Cached).await?;
            if !self.is_true(asked, &answer, &truth) {
                return Err(format!("the transaction answers {answer:?}, the truth is {truth:?}"));
            }
            objects.into_iter().for_each(|object| self.keep(object));
            if let Answer::Failed(outcome) = answer {
                self.settle(outcome).await?;
            }
        }
        if !self.can_look_beside() {
            return Ok(());
        }
        let truth = asked.truth(self.committed());
        let (answer, objects) = asked.of(&self.db, Way::Cached).await?;
        if !self.is_true(asked, &answer, &truth) {
            return Err(format!("the cache answers {answer:?}, the truth is {truth:?}"));
        }
        objects.into_iter().for_each(|object| self.keep(object));
        for (name, db, way) in [("uncached", &self.db, Way::Uncached), ("cacheless", &self.plain, Way::Cached)] {
            let (answer, _) = asked.of(db, way).await?;
            if !self.is_true(asked, &answer, &truth) {
                return Err(format!("the {name} database answers {answer:?}, the truth is {truth:?}"));
            }
        }
        if let Some(answer) = asked.streamed(&self.plain).await?
            && !self.is_true(asked, &answer, &truth)
        {
            return Err(format!("the stream gives {answer:?}, the truth is {truth:?}"));
        }
        let sent = self.db.statistics().statements();
        let (again, _) = asked.of(&self.db, Way::Cached).await?;
        if !self.is_true(asked, &again, &truth) {
            return Err(format!("the second time, the cache answers {again:?}, the truth is {truth:?}"));
        }
        let remembers = self.stack.cache() != Cache::Memory || self.setting.cache != CacheKind::Tiny;
        if remembers && !asked.is_refused(self.storable) && self.db.statistics().statements() != sent {
            return Err("the answer was not remembered".into());
        }
        Ok(())
    }

    /// Whether others can read while the transaction is open.
    fn can_look_beside(&self) -> bool {
        self.transactions.is_empty() || self.stack.reads_beside_transactions()
    }

    /// A question about values that the database refuses may be refused, too.
    fn is_true(&self, asked: &Asked<'_>, answer: &Answer, truth: &Answer) -> bool {
        let refusal = matches!(answer, Answer::Failed(Outcome::Unstorable | Outcome::Refused));
        answer == truth || refusal && asked.is_refused(self.storable)
    }

    fn refuses_key(&self, key: &DynamicKey) -> bool {
        let columns = Dynamic::table().key().iter().enumerate();
        columns.into_iter().any(|(part, &column)| self.storable.refuses(column, &key.0.value(part)))
    }

    fn refuses_changes(&self, object: &Loaded<Dynamic>) -> bool {
        changed(object).iter().any(|(column, value)| self.storable.refuses(*column, value))
    }

    /// What a write does to the rows: nothing, if the database refuses its values.
    fn unless(&mut self, refused: bool, write: impl FnOnce(&mut Rows) -> Outcome) -> Outcome {
        if refused { Outcome::Unstorable } else { write(self.rows()) }
    }

    /// Compares how a write ended. One with a value that the database refuses may end with what else is wrong with it.
    async fn end(&mut self, expected: Outcome, outcome: Outcome) -> Checked {
        if expected != outcome && (expected != Outcome::Unstorable || outcome == Outcome::Done) {
            return Err(format!("ended with {outcome:?}, expected {expected:?}"));
        }
        self.settle(outcome).await
    }

    /// Rolls back a transaction that the database gave up because of a failure.
    async fn settle(&mut self, outcome: Outcome) -> Checked {
        if !matches!(outcome, Outcome::Violation | Outcome::Unstorable) || self.transactions.is_empty() {
            return Ok(());
        }
        if self.session().things::<Dynamic>().count().await.is_ok() {
            return Ok(());
        }
        self.levels.pop();
        let transaction = self.transactions.pop().expect("a transaction is open");
        transaction.rollback().await.map_err(|error| format!("{error:?}"))
    }

    fn keep(&mut self, object: Loaded<Dynamic>) {
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push(object);
    }
}

fn change(object: &mut Loaded<Dynamic>, changes: &[(u8, u8)]) {
    for &(number, choice) in changes {
        let column = column(number);
        // A changed key is refused; once in a while is enough.
        if !Dynamic::table().key().contains(&column) || choice > 200 {
            object.0[column] = pool(column, choice);
        }
    }
}

fn changed(object: &Loaded<Dynamic>) -> Vec<(usize, Value<'static>)> {
    let values = object.0.iter().zip(&object.original().0).enumerate();
    values.filter(|(_, (new, old))| new != old).map(|(column, (new, _))| (column, new.clone())).collect()
}

/// What saving the object does to the rows.
fn saved(rows: &mut Rows, object: &Loaded<Dynamic>) -> Outcome {
    let changes = changed(object);
    if changes.is_empty() {
        return Outcome::Done;
    }
    if changes.iter().any(|(column, _)| Dynamic::table().key().contains(column)) {
        return Outcome::Refused;
    }
    rows.update(&object.original().key(), &changes)
}
