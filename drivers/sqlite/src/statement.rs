//! Statements on the thread of their connection.

use std::sync::Arc;
use std::time::Instant;

use rusqlite::CachedStatement;
use thing_driver_api::{Error, Flow, Key, Page, Result, RowSink, Value, Written};

use crate::error::{self, Failure};
use crate::plan::Plan;
use crate::row::{self, SqliteRow};
use crate::values::{self, OwnedValues, Values};
use crate::watch::{BUDGET, Watch};

/// A read with what it is about.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a> {
    pub(crate) plan: &'a Arc<Plan>,
    input: Input<'a>,
}

#[derive(Clone, Copy)]
enum Input<'a> {
    Values(&'a [Value<'a>]),
    Keys(&'a [Key]),
}

/// A [`Query`] on its way to another thread.
#[derive(Debug)]
pub(crate) struct OwnedQuery {
    pub(crate) plan: Arc<Plan>,
    input: OwnedInput,
}

#[derive(Debug)]
enum OwnedInput {
    Values(OwnedValues),
    Keys(Vec<Key>),
}

/// How many keys are read on the caller's thread.
const KEYS_HERE: usize = 128;
/// How many keys are read between two looks at the clock.
const KEYS_PER_LOOK: usize = 16;

impl<'a> Query<'a> {
    pub(crate) fn new(plan: &'a Arc<Plan>, values: &'a [Value<'a>]) -> Self {
        Self { plan, input: Input::Values(values) }
    }

    pub(crate) fn keys(plan: &'a Arc<Plan>, keys: &'a [Key]) -> Self {
        Self { plan, input: Input::Keys(keys) }
    }

    /// Whether to try it on the caller's thread.
    pub(crate) fn is_short(&self) -> bool {
        match self.input {
            Input::Values(_) => self.plan.pace.is_short(),
            Input::Keys(keys) => keys.len() <= KEYS_HERE,
        }
    }

    /// Remembers that it was interrupted. Reads by key are not remembered: how long they take is a matter of their number
    /// and of what is cached.
    pub(crate) fn was_long(&self) {
        if let Input::Values(_) = self.input {
            self.plan.pace.was_long();
        }
    }

    pub(crate) fn to_owned(self) -> OwnedQuery {
        OwnedQuery {
            plan: self.plan.clone(),
            input: match self.input {
                Input::Values(values) => OwnedInput::Values(OwnedValues::copied(values)),
                Input::Keys(keys) => OwnedInput::Keys(keys.to_vec()),
            },
        }
    }

    /// Runs it within the budget, on the caller's thread.
    pub(crate) fn run_here(
        &self,
        raw: &rusqlite::Connection,
        watch: &Watch,
        rows: &mut dyn RowSink,
    ) -> Result<(), Failure> {
        watch.within_budget(|| match self.input {
            Input::Values(values) => read(raw, self.plan, Values::Borrowed(values), rows),
            Input::Keys([key]) => read_key(&mut *prepare(raw, self.plan)?, key, rows).map(|_| ()),
            Input::Keys(keys) => {
                let until = Instant::now() + BUDGET;
                read_keys(raw, watch, self.plan, keys, Some(until), rows)
            }
        })
    }
}

impl OwnedQuery {
    pub(crate) fn into_parts(self) -> (Arc<Plan>, OwnedValues) {
        match self.input {
            OwnedInput::Values(values) => (self.plan, values),
            OwnedInput::Keys(_) => (self.plan, OwnedValues::new()),
        }
    }

    /// Runs it to its end, on a thread that may block.
    pub(crate) fn run(&self, raw: &rusqlite::Connection, watch: &Watch, rows: &mut dyn RowSink) -> Result<(), Failure> {
        let started = Instant::now();
        match &self.input {
            OwnedInput::Values(values) => {
                let result = read(raw, &self.plan, values.all(), rows);
                self.plan.pace.took(started.elapsed());
                result
            }
            OwnedInput::Keys(keys) => read_keys(raw, watch, &self.plan, keys, None, rows),
        }
    }
}

fn read(raw: &rusqlite::Connection, plan: &Plan, values: Values<'_>, rows: &mut dyn RowSink) -> Result<(), Failure> {
    let mut statement = prepare(raw, plan)?;
    if plan.raw {
        if !statement.readonly() {
            return Err(Failure::Writes);
        }
        rows.columns(&statement.column_names()).map_err(Failure::Error)?;
    }
    values.bind(&mut statement, plan)?;
    let mut found = statement.raw_query();
    while let Some(row) = found.next().map_err(|e| error::translate(e, Some(&plan.text)))? {
        if rows.row(&SqliteRow::new(row)).map_err(Failure::Error)? == Flow::Stop {
            break;
        }
    }
    Ok(())
}

/// Reads many rows by key with one statement, in one read transaction: beginning one for each key costs more than the
/// read.
fn read_keys(
    raw: &rusqlite::Connection,
    watch: &Watch,
    plan: &Plan,
    keys: &[Key],
    until: Option<Instant>,
    rows: &mut dyn RowSink,
) -> Result<(), Failure> {
    let begins = raw.is_autocommit();
    if begins {
        control(raw, "BEGIN")?;
    }
    let result = read_each_key(raw, plan, keys, until, rows);
    if begins {
        // The end of the transaction must not be interrupted.
        watch.rest();
        control(raw, "COMMIT")?;
    }
    result
}

fn read_each_key(
    raw: &rusqlite::Connection,
    plan: &Plan,
    keys: &[Key],
    until: Option<Instant>,
    rows: &mut dyn RowSink,
) -> Result<(), Failure> {
    let mut statement = prepare(raw, plan)?;
    for chunk in keys.chunks(KEYS_PER_LOOK) {
        if until.is_some_and(|until| Instant::now() > until) {
            return Err(error::over_budget());
        }
        for key in chunk {
            if read_key(&mut statement, key, rows)? == Flow::Stop {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn read_key(statement: &mut rusqlite::Statement<'_>, key: &Key, rows: &mut dyn RowSink) -> Result<Flow, Failure> {
    values::bind_key(statement, key)?;
    let mut found = statement.raw_query();
    match found.next().map_err(|e| error::translate(e, None))? {
        Some(row) => rows.row(&SqliteRow::new(row)).map_err(Failure::Error),
        None => Ok(Flow::Continue),
    }
}

/// What a write did, with the rows that it gave back.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) written: Written,
    rows: Option<Page>,
}

impl Done {
    /// Hands the rows to the sink. Names go before the rows of raw statements.
    pub(crate) fn deliver(self, raw: bool, rows: &mut dyn RowSink) -> Result<Written> {
        if let Some(page) = &self.rows {
            if raw {
                let names: Vec<&str> = page.names().iter().map(String::as_str).collect();
                rows.columns(&names)?;
            }
            page.replay(rows)?;
        }
        Ok(self.written)
    }
}

/// Runs one write. Outside of a transaction it is committed when this returns.
pub(crate) fn write(raw: &rusqlite::Connection, plan: &Plan, values: Values<'_>) -> Result<Done, Failure> {
    write_prepared(raw, plan, values, &mut *prepare(raw, plan)?)
}

/// As [`write`], for a statement that is used again and again.
pub(crate) fn write_prepared(
    raw: &rusqlite::Connection,
    plan: &Plan,
    values: Values<'_>,
    statement: &mut rusqlite::Statement<'_>,
) -> Result<Done, Failure> {
    let commits = raw.is_autocommit();
    let translate = |e| {
        if commits { error::commit(e, Some(&plan.text)) } else { error::translate(e, Some(&plan.text)) }
    };
    let before = if plan.raw { raw.total_changes() } else { 0 };
    values.bind(statement, plan)?;
    let mut rows = None;
    if statement.column_count() == 0 {
        statement.raw_execute().map_err(translate)?;
    } else {
        let mut page = named_page(statement, plan);
        let mut found = statement.raw_query();
        while let Some(row) = found.next().map_err(translate)? {
            row::fill(&mut page, &SqliteRow::new(row))?;
        }
        rows = Some(page);
    }
    if raw.is_autocommit() != commits {
        // Unknown words for a transaction's begin or end; undone as far as possible.
        if commits {
            control(raw, "ROLLBACK")?;
        }
        return Err(Failure::Error(error::transaction_control()));
    }
    // SQLite keeps the count of the last statement that changed rows.
    let changed = !plan.raw || raw.total_changes() != before;
    let mut written = Written::new(if changed { raw.changes() } else { 0 });
    if plan.generates_key {
        written = written.generated(raw.last_insert_rowid());
    }
    Ok(Done { written, rows })
}

fn named_page(statement: &rusqlite::Statement<'_>, plan: &Plan) -> Page {
    if plan.raw {
        row::named_page(statement.column_names().into_iter().map(str::to_owned).collect())
    } else {
        row::page(statement.column_count())
    }
}

pub(crate) fn prepare<'c>(raw: &'c rusqlite::Connection, plan: &Plan) -> Result<CachedStatement<'c>> {
    let prepared = raw.prepare_cached(&plan.text).or_else(|refused| {
        let stale = refused.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown) && look_at_schema(raw).is_ok();
        if stale { raw.prepare_cached(&plan.text) } else { Err(refused) }
    });
    prepared.map_err(|e| error::translate(e, Some(&plan.text)))
}

/// Has the connection read the schema anew, if another one has changed it. SQLite compares the two when a statement runs;
/// one that it refuses before that, because of a column that has become another, it judges by the schema it knows.
pub(crate) fn look_at_schema(raw: &rusqlite::Connection) -> rusqlite::Result<()> {
    raw.prepare_cached("SELECT 1 FROM sqlite_schema LIMIT 1")?.exists([]).map(|_| ())
}

/// Runs BEGIN, COMMIT and their like.
pub(crate) fn control(raw: &rusqlite::Connection, text: &str) -> Result<()> {
    let run = |text: &str| raw.prepare_cached(text)?.raw_execute();
    run(text).map(|_| ()).map_err(|e| if text == "COMMIT" { error::commit(e, None) } else { error::translate(e, None) })
}

/// Commits; a transaction that can't be committed is rolled back.
pub(crate) fn commit(raw: &rusqlite::Connection) -> Result<()> {
    if raw.is_autocommit() {
        return Err(ended());
    }
    control(raw, "COMMIT").inspect_err(|_| {
        if !raw.is_autocommit() {
            // What remains open is closed by the pool.
            let _ = control(raw, "ROLLBACK");
        }
    })
}

/// SQLite rolled the transaction back by itself.
pub(crate) fn ended() -> Error {
    Error::new(
        thing_driver_api::ErrorKind::Conflict,
        "an earlier failure rolled the transaction back; run it again from its start",
    )
}
