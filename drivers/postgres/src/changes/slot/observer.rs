//! The observer: looks at the log, and advances the slot behind what was told.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use thing_driver_api::{ErrorKind, Observations, Observer, Result, Table, async_trait};
use tokio_postgres::types::ToSql;
use tokio_postgres::{RowStream, Statement};

use super::pgoutput::{self, Cell, Message};
use super::snapshot::Snapshot;
use super::{has_slot, published};
use crate::changes::image::{self, SETTINGS, Texts};
use crate::changes::place::Place;
use crate::changes::{control, patiently};
use crate::connection::Connection;
use crate::error;
use crate::executor::Database;

/// Reads the log through a slot.
#[derive(Debug)]
pub(in crate::changes) struct SlotObserver {
    connection: Connection,
    interval: Duration,
    slot: String,
    tables: Vec<(Place, Arc<Table>)>,
    statements: Statements,
    /// Whether no other feed reads from the slot.
    alone: bool,
    /// Where the log was when it was looked at last.
    seen: u64,
    /// What was looked at up to here is told, or about to be.
    taken: Option<u64>,
    /// When the slot was advanced last.
    advanced: Instant,
}

struct Statements {
    position: Statement,
    look: Statement,
    snapshot: Statement,
    advance: Statement,
}

/// A look ends behind the transaction with which it has so many messages.
const MESSAGES: i32 = 1000;

/// How often the slot is advanced while others write what does not concern it.
const ADVANCE: Duration = Duration::from_secs(1);

/// How often it is looked whether a transaction is seen that is in the log.
const SEEN: Duration = Duration::from_millis(1);

/// A process that is gone without a sign keeps others from reading for so long, in milliseconds.
const ABANDONED: u128 = 10_000;

impl SlotObserver {
    pub(in crate::changes) async fn open(
        database: &Database,
        connection: Connection,
        slot: &str,
        tables: &[Arc<Table>],
    ) -> Result<Self> {
        let interval = database.config.changes_interval;
        set_up(&connection, interval).await?;
        if !has_slot(&connection, slot).await? {
            return Err(error::no_slot(slot));
        }
        let published = published(&connection, slot).await?;
        let mut places = Vec::with_capacity(tables.len());
        for table in tables {
            let place = Place::of(&connection, table).await?;
            if !published.contains(&place) {
                return Err(error::not_recorded(&place.name));
            }
            places.push((place, table.clone()));
        }
        Ok(Self {
            statements: Statements::prepare(&connection).await?,
            connection,
            interval,
            slot: slot.to_owned(),
            tables: places,
            alone: false,
            seen: 0,
            taken: None,
            advanced: Instant::now(),
        })
    }

    /// Leaves behind what was told.
    async fn confirm(&mut self) -> Result<()> {
        let Some(end) = self.taken.take() else { return Ok(()) };
        let parameters: [&(dyn ToSql + Sync); 2] = [&self.slot, &written(end)];
        self.advanced = Instant::now();
        patiently(self.connection.client().query(&self.statements.advance, &parameters)).await?;
        Ok(())
    }

    /// Becomes the one that reads, if there is no other.
    async fn take_over(&mut self) -> Result<bool> {
        const LOCK: &str = "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1::text, 0))";
        let name = format!("thing slot {}", self.slot);
        let row = patiently(self.connection.client().query_one(LOCK, &[&name])).await?;
        self.alone = row.get(0);
        Ok(self.alone)
    }

    /// Looks what is new in the log; `None` when nothing concerns the tables, up to its end.
    async fn look(&mut self) -> Result<Option<Observations>> {
        let row = patiently(self.connection.client().query_one(&self.statements.position, &[])).await?;
        let Some(end) = read(row.get(0)) else { return Err(error::no_position()) };
        if end == self.seen {
            return Ok(None);
        }
        let parameters: [&(dyn ToSql + Sync); 4] = [&self.slot, &written(end), &MESSAGES, &self.slot];
        let client = self.connection.client();
        let answer = client.query_raw(&self.statements.look, parameters);
        let looked = match patiently(async { Look::new(&self.tables).read(answer.await?).await }).await {
            // A feed that just ended, or a look at the slot by somebody else, holds it for a moment.
            Err(error) if *error.kind() == ErrorKind::Busy => return Ok(None),
            looked => looked?,
        };
        let whole = looked.messages < MESSAGES;
        let end = if whole { end } else { looked.end.unwrap_or(end) };
        if whole {
            self.seen = end;
        }
        let found = if looked.damaged {
            Observations::everything()
        } else {
            self.await_visibility(&looked.transactions).await?;
            looked.found
        };
        let concerns = !found.is_empty() || !whole;
        if concerns || self.advanced.elapsed() > ADVANCE {
            self.taken = Some(end);
        }
        Ok(concerns.then_some(found))
    }

    /// Waits until a new read sees these transactions.
    async fn await_visibility(&self, transactions: &[u32]) -> Result<()> {
        if transactions.is_empty() {
            return Ok(());
        }
        loop {
            let row = patiently(self.connection.client().query_one(&self.statements.snapshot, &[])).await?;
            let Some(snapshot) = Snapshot::read(row.get(0)) else { return Err(error::no_position()) };
            if transactions.iter().all(|&transaction| snapshot.sees(transaction)) {
                return Ok(());
            }
            tokio::time::sleep(SEEN).await;
        }
    }
}

#[async_trait]
impl Observer for SlotObserver {
    async fn observe(&mut self) -> Result<Observations> {
        self.confirm().await?;
        if !self.alone && self.take_over().await? {
            // The slot may have been made a moment ago; nobody knows what was written before.
            return Ok(Observations::everything());
        }
        if self.alone
            && let Some(found) = self.look().await?
        {
            return Ok(found);
        }
        tokio::time::sleep(self.interval).await;
        Ok(Observations::default())
    }
}

/// What one look found.
struct Look<'a> {
    tables: &'a [(Place, Arc<Table>)],
    relations: HashMap<u32, Relation<'a>>,
    found: Observations,
    /// The transaction whose messages come.
    transaction: Option<u32>,
    /// Those with changes of our tables.
    transactions: Vec<u32>,
    /// Where the last transaction ended.
    end: Option<u64>,
    messages: i32,
    /// There was a message that is none.
    damaged: bool,
}

struct Relation<'a> {
    table: &'a Table,
    columns: Vec<String>,
}

impl<'a> Look<'a> {
    fn new(tables: &'a [(Place, Arc<Table>)]) -> Self {
        Self {
            tables,
            relations: HashMap::new(),
            found: Observations::default(),
            transaction: None,
            transactions: Vec::new(),
            end: None,
            messages: 0,
            damaged: false,
        }
    }

    async fn read(mut self, answer: RowStream) -> Result<Self, tokio_postgres::Error> {
        let mut answer = pin!(answer);
        while let Some(row) = answer.next().await {
            let row = row?;
            self.messages = self.messages.saturating_add(1);
            self.damaged |= pgoutput::read(row.get(0)).and_then(|message| self.take(message)).is_none();
        }
        Ok(self)
    }

    /// Notes a message; `None` when it does not fit those before.
    fn take(&mut self, message: Message<'_>) -> Option<()> {
        match message {
            Message::Begin { transaction } => self.transaction = Some(transaction),
            Message::Commit { end } => {
                self.transaction = None;
                self.end = Some(end);
            }
            Message::Relation { number, schema, name, columns } => {
                let ours = self.tables.iter().find(|(place, _)| place.schema == schema && place.name == name);
                let columns = columns.into_iter().map(str::to_owned).collect();
                match ours {
                    Some((_, table)) => drop(self.relations.insert(number, Relation { table, columns })),
                    None => drop(self.relations.remove(&number)),
                }
            }
            Message::Insert { relation, new } => self.row(relation, Some(None), Some(&new))?,
            Message::Update { relation, old, new } => self.row(relation, old.as_deref().map(Some), Some(&new))?,
            Message::Delete { relation, old } => self.row(relation, old.as_deref().map(Some), None)?,
            Message::Truncate { relations } => {
                for relation in relations {
                    self.row(relation, None, None)?;
                }
            }
            Message::Other => {}
        }
        Some(())
    }

    /// Notes the change of a row. The row before is `None` where it is not known, and `Some(None)` where there was none.
    fn row(&mut self, relation: u32, old: Option<Option<&[Cell<'_>]>>, new: Option<&[Cell<'_>]>) -> Option<()> {
        let Some(Relation { table, columns }) = self.relations.get(&relation) else { return Some(()) };
        let transaction = self.transaction?;
        if self.transactions.last() != Some(&transaction) {
            self.transactions.push(transaction);
        }
        let fits = |row: Option<&[Cell<'_>]>| row.is_none_or(|row| row.len() == columns.len());
        if !fits(old.flatten()) || !fits(new) {
            return None;
        }
        let changes = old.and_then(|old| {
            let before = old.map(|row| texts(columns, row, None));
            let after = new.map(|row| texts(columns, row, before.as_ref()));
            let same = |name: &str| match (&before, &after) {
                (Some(before), Some(after)) => {
                    before.get(name).is_some_and(|old| after.get(name).is_some_and(|new| old == new))
                }
                _ => false,
            };
            image::changes(table, before.as_ref(), after.as_ref(), same)
        });
        self.found.add(table, changes);
        Some(())
    }
}

/// The texts of a row. What is as it was is taken from the row before.
fn texts<'t>(columns: &'t [String], row: &[Cell<'t>], before: Option<&Texts<'t>>) -> Texts<'t> {
    let mut texts = Texts::with_capacity(columns.len());
    for (name, cell) in columns.iter().zip(row) {
        let text = match cell {
            Cell::Null => Some(None),
            Cell::Text(text) => Some(Some(*text)),
            Cell::Unchanged => before.and_then(|before| before.get(name.as_str()).copied()),
        };
        if let Some(text) = text {
            texts.insert(name, text);
        }
    }
    texts
}

impl Statements {
    async fn prepare(connection: &Connection) -> Result<Self> {
        let prepare = async |text: &str| patiently(connection.client().prepare(text)).await;
        Ok(Self {
            position: prepare("SELECT pg_catalog.pg_current_wal_flush_lsn()::text").await?,
            look: prepare(
                "SELECT data FROM pg_catalog.pg_logical_slot_peek_binary_changes($1::text::name, $2::text::pg_lsn, \
                 $3::int4, 'proto_version', '1', 'publication_names', $4::text)",
            )
            .await?,
            snapshot: prepare("SELECT pg_catalog.txid_current_snapshot()::text").await?,
            advance: prepare(
                "SELECT pg_catalog.pg_replication_slot_advance(slot_name, $2::text::pg_lsn)::text \
                 FROM pg_catalog.pg_replication_slots \
                 WHERE slot_name = $1::text AND confirmed_flush_lsn < $2::text::pg_lsn",
            )
            .await?,
        })
    }
}

impl std::fmt::Debug for Statements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statements").finish_non_exhaustive()
    }
}

/// Values are written as they are read, and the session ends when its process is gone.
async fn set_up(connection: &Connection, interval: Duration) -> Result<()> {
    let settings: String = SETTINGS.iter().map(|(name, value)| format!("SET {name} = '{value}'; ")).collect();
    control(connection, &settings).await?;
    // Since PostgreSQL 14.
    const TIMEOUT: &str = "\
        SELECT pg_catalog.set_config(name, $1::text, false) FROM pg_catalog.pg_settings \
        WHERE name = 'idle_session_timeout'";
    let limit = ABANDONED.max(interval.as_millis() * 3).to_string();
    patiently(connection.client().query(TIMEOUT, &[&limit])).await?;
    Ok(())
}

/// A position in the log, as the server writes it.
fn written(position: u64) -> String {
    format!("{:X}/{:X}", position >> 32, position & u64::from(u32::MAX))
}

fn read(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let half = |digits: &str| u32::from_str_radix(digits, 16).ok().map(u64::from);
    Some(half(high)? << 32 | half(low)?)
}
