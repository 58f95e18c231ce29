//! Synchronising: the tables of models become what the models declare.

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::schema::{Change, Schema, SchemaSession, TableChange, TableSchema};
use thing_driver_api::{
    Column, Condition, Error, ErrorKind, Flow, Operation, Result, Row, RowSink, Shape, Slot, Statement, Table, TableId,
    Tag, Value, ValueType,
};

use super::compare::Left;
use super::model_set::Declared;
use super::parent::undeclared;
use super::progress::Progress;
use super::run::run;
use super::{Consent, Event, Refusal, SchemaPlan, Wanted};
use crate::cache::{Announced, Quarantine, Tags};
use crate::debt::Debt;
use crate::{Coherence, Db};

/// How long a change waits for another program that changes the schema.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tables of models, to be compared with the database and changed: made by [`Db::schema`].
#[derive(Debug)]
#[must_use = "nothing is compared until it is asked for"]
pub struct SchemaSync<'d> {
    db: &'d Db,
    models: Vec<Declared>,
    consent: Consent,
    patience: Duration,
    progress: Progress<'d>,
}

impl<'d> SchemaSync<'d> {
    pub(super) fn new(db: &'d Db, mut models: Vec<Declared>) -> Self {
        models.extend(db.debts().map(|_| Declared::of::<Debt>()));
        Self { db, models, consent: Consent::none(), patience: PATIENCE, progress: Progress::default() }
    }

    /// Allows the loss of a part of a table, by its name: `users.nickname`. A column, an index, a foreign key or a check
    /// of this name that the model does not declare goes; of a column that the model declares, the values may be lost
    /// that its new type does not hold, and the default that the model does not have. It may stay in the program when it
    /// is done.
    pub fn allow(mut self, name: impl Into<String>) -> Self {
        self.consent = self.consent.allow(name);
        self
    }

    /// Waits so long for other programs that change the schema; 60 seconds without this.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Tells what [`SchemaSync::apply`] does: when it waits for other programs, and each step before it is made. The change
    /// goes on when the function returns.
    pub fn progress(mut self, told: impl Fn(&Event<'_>) + Send + Sync + 'd) -> Self {
        self.progress = Progress::to(told);
        self
    }

    /// Says what [`SchemaSync::apply`] would do, and does nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the driver has no schema or the database can't have such a table, and those of the
    /// database. What stands in the way of the changes is no error: see [`SchemaPlan::refused`].
    pub async fn plan(&self) -> Result<SchemaPlan> {
        let driver = self.driver()?;
        let mut found = Vec::new();
        for table in self.tables() {
            for name in names(table) {
                if let Some(table) = driver.describe(&name).await? {
                    found.push(named(table, &name));
                    break;
                }
            }
        }
        let mut plan = self.compared(driver, &found)?;
        plan.refuse(self.unfillable(&plan).await?);
        Ok(plan)
    }

    /// Sees to it that there is nothing to change: for programs that leave changes of the schema to others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Schema`] with the plan when there is, and as [`SchemaSync::plan`].
    pub async fn check(&self) -> Result<()> {
        let plan = self.plan().await?;
        if plan.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Schema, format!("the database is not as the models declare:\n{plan}")))
    }

    /// Makes the changes and says what was done. Programs that do so at the same time wait for one another. What a cache
    /// holds of the tables that change is forgotten.
    ///
    /// A step that may fail is tried. Where the database has transactions for changes of the schema, nothing has happened
    /// when it fails; elsewhere the error says which steps were done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Schema`] listing all reasons when a change would lose something that is not
    /// [allowed](SchemaSync::allow), or can't be made; nothing has been changed then. [`ErrorKind::Timeout`] or
    /// [`ErrorKind::Busy`] when others change the schema for too long, [`ErrorKind::Cache`] when the cache can't be told,
    /// those of the database, and as [`SchemaSync::plan`].
    pub async fn apply(&self) -> Result<SchemaPlan> {
        let plan = self.plan().await?.accepted()?;
        if plan.is_empty() {
            return Ok(plan);
        }
        let driver = self.driver()?;
        let mut session = driver.session().await?;
        self.progress.tell(&Event::Locking);
        session.lock(self.patience).await?;
        if !session.is_transactional() {
            self.progress.tell(&Event::Locked);
            return self.locked(driver, &mut *session).await;
        }
        // A database without such locks waits here.
        session.begin().await?;
        self.progress.tell(&Event::Locked);
        let applied = self.locked(driver, &mut *session).await;
        if applied.is_err() {
            // The error says why; dropping the session rolls back too.
            let _ = session.rollback().await;
        }
        applied
    }

    /// Looks again, now that nobody else changes the schema, and does what is left to do.
    async fn locked(&self, driver: &dyn Schema, session: &mut dyn SchemaSession) -> Result<SchemaPlan> {
        let mut found = Vec::new();
        for table in self.tables() {
            for name in names(table) {
                if let Some(table) = driver.describe_in(session, &name).await? {
                    found.push(named(table, &name));
                    break;
                }
            }
        }
        let plan = self.compared(driver, &found)?.accepted()?;
        let Some(quarantine) = self.quarantine(&plan).await? else {
            self.carry_out(&plan, session).await?;
            return Ok(plan);
        };
        match quarantine.during(self.carry_out(&plan, session)).await {
            Ok(()) => {
                quarantine.release_unlisted().await;
                Ok(plan)
            }
            Err(error) if session.is_transactional() || error.may_have_executed() => {
                quarantine.fail(&error).await;
                Err(error)
            }
            Err(error) => {
                // Steps before the one that failed stay done.
                quarantine.release_unlisted().await;
                Err(error)
            }
        }
    }

    async fn carry_out(&self, plan: &SchemaPlan, session: &mut dyn SchemaSession) -> Result<()> {
        run(plan, session, &self.progress).await?;
        if !session.is_transactional() {
            return Ok(());
        }
        self.progress.tell(&Event::Committing);
        session.commit().await
    }

    /// The tables, each once.
    fn tables(&self) -> Vec<&'static Table> {
        let mut tables: Vec<&'static Table> = Vec::with_capacity(self.models.len());
        for model in &self.models {
            if !tables.iter().any(|known| known.id() == model.table.id()) {
                tables.push(model.table);
            }
        }
        tables
    }

    fn driver(&self) -> Result<&'d dyn Schema> {
        self.db
            .executor()
            .schema()
            .ok_or_else(|| Error::unsupported("this driver does not change schemas; create the tables by other means"))
    }

    /// What the models want, each table once. Asks nobody.
    ///
    /// # Errors
    ///
    /// Those of [`Schema::wanted`].
    pub fn wanted(&self) -> Result<Vec<Wanted>> {
        let driver = self.driver()?;
        let mut wanted: Vec<Wanted> = Vec::new();
        for model in &self.models {
            let table = Wanted::of(driver, model.table)?;
            match wanted.iter_mut().find(|known| known.schema.name.eq_ignore_ascii_case(&table.schema.name)) {
                Some(known) => known.merge(table),
                None => wanted.push(table),
            }
        }
        Ok(wanted)
    }

    fn compared(&self, driver: &dyn Schema, found: &[TableSchema]) -> Result<SchemaPlan> {
        let wanted = self.wanted()?;
        let mut plan = SchemaPlan::new(driver, found, &wanted, &self.consent)?;
        plan.refuse(wanted.iter().flat_map(Wanted::contradictions));
        plan.refuse(undeclared(&self.models));
        Ok(plan)
    }

    /// New columns for which the rows that are there would have no value.
    async fn unfillable(&self, plan: &SchemaPlan) -> Result<Vec<Refusal>> {
        let mut refusals = Vec::new();
        for change in plan.changes() {
            let (Some(before), Some(after)) = (&change.before, &change.after) else { continue };
            let added = change.changes.iter().filter_map(|one| match one {
                Change::AddColumn(column) => after.column(column),
                _ => None,
            });
            let unfilled: Vec<_> = added.filter(|column| !column.nullable && !column.is_filled()).collect();
            if unfilled.is_empty() || !self.has_rows(plan.as_found(before)).await? {
                continue;
            }
            let is_left = |left: &Left| left.kind == "column" && left.table.eq_ignore_ascii_case(&after.name);
            let renamed = match plan.left().iter().any(is_left) {
                true => "say `#[thing(was = \"…\")]` if the field had another name, ",
                false => "",
            };
            refusals.extend(unfilled.into_iter().map(|column| {
                let reason =
                    format!("the new column `{}` is NOT NULL without default, and there are rows", column.name);
                Refusal::new("unfillable_column", &after.name, reason).advice(format!(
                    "{renamed}make the field an `Option`, give it a `#[thing(default = …)]`, or add and fill the column by a \
                     migration"
                ))
            }));
        }
        Ok(refusals)
    }

    /// Whether the table has rows, by the names that it has now.
    async fn has_rows(&self, found: &TableSchema) -> Result<bool> {
        let Some(column) = found.columns.first() else { return Ok(false) };
        let holds = column.holds.first().copied().unwrap_or(ValueType::Text);
        let asked = Table::builder(found.name.clone()).column(Column::new(column.name.clone(), holds)).key([0]);
        let (columns, filter, limit) = (vec![0], Condition::Constant(true), Some(Slot(0)));
        let operation = Operation::Select { columns, filter, order: Vec::new(), limit, offset: None, lock: None };
        let mut rows = Any(false);
        let shape = Shape::new(Arc::new(asked.build()?), operation);
        self.db.executor().fetch(&Statement::new(&shape, &[Value::I64(1)]), &mut rows).await?;
        Ok(rows.0)
    }

    /// Closes what a cache holds of the tables that change.
    async fn quarantine(&self, plan: &SchemaPlan) -> Result<Option<Quarantine<'d>>> {
        let db = self.db;
        let Some(cache) = db.cache() else { return Ok(None) };
        let mut tags = Tags::default();
        let mut strict = db.coherence() == Coherence::Strict;
        for change in plan.changes().iter().filter(|change| changes_rows(change)) {
            for name in [&change.before, &change.after].into_iter().flatten().map(|table| &table.name) {
                match self.models.iter().find(|model| model.table.name().eq_ignore_ascii_case(name)) {
                    Some(model) => {
                        tags.add(model.table, vec![Tag::table(model.table.id())]);
                        strict |= model.coherence == Some(Coherence::Strict);
                    }
                    None => tags.add_tables(vec![TableId::of(name)]),
                }
            }
        }
        if tags.is_empty() {
            return Ok(None);
        }
        let coherence = if strict { Coherence::Strict } else { db.coherence() };
        match Quarantine::close(db, cache, tags, coherence).await? {
            Announced::Closed(quarantine) => Ok(Some(quarantine)),
            Announced::Owing(_) => Err(Error::cache(
                "the schema was not changed because the cache could not be told of it; try again when it is reached",
            )),
        }
    }
}

/// Whether there was a row.
struct Any(bool);

impl RowSink for Any {
    fn row(&mut self, _: &dyn Row) -> Result<Flow> {
        self.0 = true;
        Ok(Flow::Stop)
    }

    fn restart(&mut self) {
        self.0 = false;
    }
}

/// The name of the table, then those that it had.
fn names(table: &Table) -> impl Iterator<Item = String> {
    std::iter::once(table.name().to_owned()).chain(table.former_names().iter().map(|name| name.to_string()))
}

fn named(mut table: TableSchema, name: &str) -> TableSchema {
    if table.name.is_empty() {
        name.clone_into(&mut table.name);
    }
    table
}

/// Whether rows that are there are others afterwards. A column that is added may have been there once, and what a cache
/// holds from then would count again.
fn changes_rows(change: &TableChange) -> bool {
    change.before.is_some()
        && change.changes.iter().any(|one| {
            !matches!(
                one,
                Change::CreateIndex(_)
                    | Change::DropIndex(_)
                    | Change::AddForeignKey(_)
                    | Change::DropForeignKey(_)
                    | Change::AddCheck(_)
                    | Change::DropCheck(_)
                    | Change::ChangeComment
            )
        })
}
