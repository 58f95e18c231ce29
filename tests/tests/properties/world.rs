//! Running a program, and comparing every answer with the truth.

use thing::driver::Value;
use thing::{Db, Loaded, Model, Session, Transaction};
use thing_driver_sqlite::SqliteExecutor;

use crate::ask::{Asked, Way, chosen};
use crate::filters::{Any, column};
use crate::oracle::{Outcome, Rows};
use crate::program::{CacheKind, Program, Setting, Step};
use crate::schema::{Dynamic, row};
use crate::setting::cached;
use crate::values::pool;

/// Objects that were read before are kept, to be saved later.
const KEPT: usize = 8;

pub(crate) struct World {
    pub(crate) db: Db,
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
pub(crate) async fn run(program: &Program, executor: &SqliteExecutor) -> Result<World, String> {
    program.schema.choose();
    let plain = Db::builder(executor.clone()).build();
    plain.raw("DROP TABLE IF EXISTS dynamics").execute().await.map_err(|error| format!("{error:?}"))?;
    plain.sync::<Dynamic>().await.map_err(|error| format!("{error:?}"))?;
    let mut world = World {
        db: cached(executor, program.setting),
        plain,
        setting: program.setting,
        transactions: Vec::new(),
        levels: vec![Rows::default()],
        kept: Vec::new(),
    };
    for (number, step) in program.steps.iter().enumerate() {
        world.step(program, step).await.map_err(|wrong| format!("step {number}, {step:?}: {wrong}"))?;
        // Not after every step, so that answers are sometimes behind by several changes.
        if number % 3 > 0 {
            world.glance(program).await.map_err(|wrong| format!("after step {number}, {step:?}: {wrong}"))?;
        }
    }
    while world.transactions.pop().is_some() {
        world.levels.pop();
    }
    for (number, question) in program.questions.iter().enumerate() {
        let asked = question.about(world.committed());
        world.ask(&asked).await.map_err(|wrong| format!("question {number} at the end, {asked:?}: {wrong}"))?;
    }
    Ok(world)
}

impl World {
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
                self.created(&[object], created.map(|created| vec![created]))
            }
            Step::CreateMany(many) => {
                let objects: Vec<Dynamic> = many.iter().map(|choices| row(choices)).collect();
                let created = self.session().things::<Dynamic>().create_many(objects.clone()).await;
                self.created(&objects, created)
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
                    return self.created(&[object], saved.map(|created| vec![created]));
                }
                let values: Vec<_> = object.0.into_iter().enumerate().collect();
                let expected = self.rows().update(&key, &values);
                same(expected, Outcome::of(&saved)?)
            }
            Step::Delete(target) => {
                let key = chosen(target, self.rows());
                let deleted = self.session().things::<Dynamic>().delete(key.clone()).await;
                let expected = self.rows().delete(&key);
                same(expected, Outcome::of(&deleted)?)
            }
            Step::DeleteMany(targets) => {
                let keys: Vec<_> = targets.iter().map(|target| chosen(target, self.rows())).collect();
                let deleted = self.session().things::<Dynamic>().delete_many(&keys).await;
                let expected = self.rows().together(keys.iter().map(|key| |rows: &mut Rows| rows.delete(key)));
                same(expected, Outcome::of(&deleted)?)
            }
            Step::DeleteLoaded(which) => {
                if self.kept.is_empty() {
                    return Ok(());
                }
                let object = self.kept.remove(usize::from(*which) % self.kept.len());
                let key = object.original().key();
                let deleted = object.delete(self.session()).await;
                let expected = self.rows().delete(&key);
                same(expected, Outcome::of(&deleted)?)
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

    fn created(&mut self, objects: &[Dynamic], created: thing::Result<Vec<Loaded<Dynamic>>>) -> Checked {
        let given = created.as_ref().ok();
        let insert = |(at, object): (usize, &Dynamic)| {
            let stored = given.map_or_else(|| object.clone(), |created| (*created[at]).clone());
            // Without an answer, a generated key is one that no row has.
            let generated = Dynamic::table().has_generated_key() && object.key() == crate::schema::unset();
            let known = (given.is_none() && generated).then(|| crate::schema::unused(at));
            move |rows: &mut Rows| rows.insert(stored.0, known)
        };
        let steps: Vec<_> = objects.iter().enumerate().map(insert).collect();
        let expected = self.rows().together(steps);
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
        same(expected, outcome)
    }

    async fn save(&mut self, which: u8, changes: &[(u8, u8)]) -> Checked {
        if self.kept.is_empty() {
            return Ok(());
        }
        let mut object = self.kept.remove(usize::from(which) % self.kept.len());
        change(&mut object, changes);
        let expected = saved(self.rows(), &object);
        let sent = self.db.statistics().statements();
        let result = object.save(self.session()).await;
        same(expected, Outcome::of(&result)?)?;
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
        let expected = self.rows().together(copies.iter().map(|object| |rows: &mut Rows| saved(rows, object)));
        let result = self.session().things::<Dynamic>().save_many(&mut objects).await;
        same(expected, Outcome::of(&result)?)?;
        for (object, copy) in objects.into_iter().zip(copies) {
            if object.is_changed() != (expected != Outcome::Done && copy.is_changed()) || *object != *copy {
                return Err("an object lost its changes, or kept them".into());
            }
            self.keep(object);
        }
        Ok(())
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
        let text = format!("UPDATE dynamics SET {} = ? WHERE {} IS ?", table.column(set).name, table.column(when).name);
        let raw = self.plain.raw(text).bind(Any(to.clone())).bind(Any(is.clone()));
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
        for question in &program.questions {
            let asked = question.about(self.committed());
            let truth = asked.truth(self.committed());
            let (answer, _) = asked.of(&self.db, Way::Cached).await?;
            if answer != truth {
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
            if answer != truth {
                return Err(format!("the transaction answers {answer:?}, the truth is {truth:?}"));
            }
            objects.into_iter().for_each(|object| self.keep(object));
        }
        let truth = asked.truth(self.committed());
        let (answer, objects) = asked.of(&self.db, Way::Cached).await?;
        if answer != truth {
            return Err(format!("the cache answers {answer:?}, the truth is {truth:?}"));
        }
        objects.into_iter().for_each(|object| self.keep(object));
        for (name, db, way) in [("uncached", &self.db, Way::Uncached), ("cacheless", &self.plain, Way::Cached)] {
            let (answer, _) = asked.of(db, way).await?;
            if answer != truth {
                return Err(format!("the {name} database answers {answer:?}, the truth is {truth:?}"));
            }
        }
        if let Some(answer) = asked.streamed(&self.plain).await?
            && answer != truth
        {
            return Err(format!("the stream gives {answer:?}, the truth is {truth:?}"));
        }
        let sent = self.db.statistics().statements();
        let (again, _) = asked.of(&self.db, Way::Cached).await?;
        if again != truth {
            return Err(format!("the second time, the cache answers {again:?}, the truth is {truth:?}"));
        }
        if self.setting.cache != CacheKind::Tiny && self.db.statistics().statements() != sent {
            return Err("the answer was not remembered".into());
        }
        Ok(())
    }

    fn keep(&mut self, object: Loaded<Dynamic>) {
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push(object);
    }
}

fn same(expected: Outcome, outcome: Outcome) -> Checked {
    if expected == outcome { Ok(()) } else { Err(format!("ended with {outcome:?}, expected {expected:?}")) }
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
