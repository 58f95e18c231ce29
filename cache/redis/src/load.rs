//! Loading: is what the cache holds still true?
//!
//! ```text
//! one row ──▶ GET ── its generation is known ──────────────────────────▶ hit
//! else ─────▶ MGET ── tags that were not foreseen ─▶ MGET ─▶ judgement ─▶ hit, miss, quarantined
//!                                                            └─ behind ─▶ HMGET log ─▶ behind, or miss
//! ```

use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, RedisResult, Value};
use thing_driver_api::{Behind, Change, EntryKey, Found, Lease, LeaseId, Payload, TableId, Tag, Wanted};

use crate::RedisCache;
use crate::batch::{self, Batch, bytes};
use crate::cell::{Cell, Stamp};
use crate::entry::{Dependencies, Entry};
use crate::error;
use crate::fetched::Fetched;
use crate::fills::Leave;
use crate::known::Known;
use crate::lease::contract;
use crate::link::{Connection, Link};
use crate::log;
use crate::name::{Name, Shard};

impl RedisCache {
    /// The fastest path: one row, alone, that depends on its own tag alone, of a table whose generation is known.
    /// `None` if it is not as simple as that.
    pub(crate) async fn find_row(&self, link: &Link, wanted: &Wanted<'_>) -> RedisResult<Option<Found>> {
        let EntryKey::Object { table, .. } = wanted.key else { return Ok(None) };
        let digest = wanted.key.digest();
        let (name, generation) = (Name::tag(digest), Name::generation(*table));
        if wanted.tags.iter().any(|tag| *tag != digest) || link.place(name.shard) != link.place(generation.shard) {
            return Ok(None);
        }
        let connection = link.nodes[link.place(name.shard)].connection();
        let Some(known) = &connection.known else { return Ok(None) };
        let value = batch::value(connection.handle().send_packed_command(&link.keyed("GET", name)).await?)?;
        let counters = &self.way.counters;
        let cell = Cell::read(bytes(&value));
        if cell == Cell::Marked {
            counters.misses_quarantined.add(1);
            return Ok(Some(Found::Quarantined));
        }
        let Some(content) = content(wanted.key, &value) else {
            counters.misses_cold.add(1);
            return Ok(Some(Found::Miss));
        };
        let Some(entry) = Entry::read(content, wanted.key) else {
            counters.damaged.add(1);
            counters.misses_cold.add(1);
            return Ok(Some(Found::Miss));
        };
        let mut tags = entry.tags();
        let depends_on_itself = tags.next().map(|(tag, stamp)| (tag, Some(stamp))) == Some((digest, cell.stamp()));
        if !depends_on_itself || tags.next().is_some() {
            return Ok(None);
        }
        // Looked at only now that the row has come.
        match known.get(*table) {
            Some(generation) if generation == *entry.generation() => {}
            Some(_) => return Ok(None),
            None => {
                Box::pin(learn(link, connection, known, *table)).await?;
                return Ok(None);
            }
        }
        if self.is_due(link, name, wanted.key, &entry) {
            return Ok(Some(Found::Miss));
        }
        counters.hits.add(1);
        Ok(Some(Found::Hit(entry.payload())))
    }

    pub(crate) async fn find(&self, link: &Link, wanted: &[Wanted<'_>]) -> RedisResult<Vec<Found>> {
        let counters = &self.way.counters;
        let mut fetched = Fetched::default();
        let digests: Vec<Tag> = wanted.iter().map(|wanted| wanted.key.digest()).collect();
        let places: Vec<usize> = wanted
            .iter()
            .zip(&digests)
            .map(|(wanted, &digest)| {
                let place = fetched.ask(Name::entry(wanted.key, digest));
                wanted.tags.iter().for_each(|&tag| _ = fetched.ask(Name::tag(tag)));
                fetched.ask(Name::generation(wanted.key.table()));
                self.way.programs.cell(wanted.key, wanted.tags).map(|name| fetched.ask(name));
                place
            })
            .collect();
        fetched.fetch(link).await?;

        // Entries say themselves what they depend on.
        let mut unforeseen = Vec::new();
        for (wanted, &place) in wanted.iter().zip(&places) {
            let entry = content(wanted.key, &fetched.values[place]).and_then(|bytes| Entry::read(bytes, wanted.key));
            let tags = entry.into_iter().flat_map(|entry| entry.tags());
            unforeseen.extend(tags.map(|(tag, _)| Name::tag(tag)).filter(|name| fetched.place(*name).is_none()));
        }
        if !unforeseen.is_empty() {
            unforeseen.into_iter().for_each(|name| _ = fetched.ask(name));
            fetched.fetch(link).await?;
        }

        let mut found = Vec::with_capacity(wanted.len());
        let mut moved = Vec::new();
        for ((wanted, &digest), &place) in wanted.iter().zip(&digests).zip(&places) {
            let Some(bytes) = content(wanted.key, &fetched.values[place]) else {
                let own = matches!(wanted.key, EntryKey::Object { .. }).then_some(&digest);
                let table = Tag::table(wanted.key.table());
                let mut tags = wanted.tags.iter().chain(own).chain([&table]);
                let marked = tags.any(|tag| fetched.cell(Name::tag(*tag)) == Cell::Marked);
                found.push(if marked {
                    counters.misses_quarantined.add(1);
                    Found::Quarantined
                } else {
                    counters.misses_cold.add(1);
                    Found::Miss
                });
                continue;
            };
            let Some(entry) = Entry::read(bytes, wanted.key) else {
                counters.damaged.add(1);
                counters.misses_cold.add(1);
                found.push(Found::Miss);
                continue;
            };
            let own = matches!(wanted.key, EntryKey::Object { .. }).then_some(digest);
            match stand(&fetched, &entry, wanted.key, own) {
                Standing::Valid if self.is_due(link, Name::entry(wanted.key, digest), wanted.key, &entry) => {
                    found.push(Found::Miss);
                }
                Standing::Valid => {
                    counters.hits.add(1);
                    found.push(Found::Hit(entry.payload()));
                }
                Standing::Marked => {
                    counters.misses_quarantined.add(1);
                    let age = self.stale(link, wanted, &entry);
                    found.push(age.map_or(Found::Quarantined, |_| Found::Stale(entry.payload())));
                }
                Standing::Lost => {
                    counters.misses_stale.add(1);
                    let age = self.stale(link, wanted, &entry);
                    found.push(age.map_or(Found::Miss, |_| Found::Stale(entry.payload())));
                }
                Standing::Moved { renewed, stamps } => {
                    counters.misses_stale.add(1);
                    let age = self.stale(link, wanted, &entry);
                    moved.push(Moved {
                        at: found.len(),
                        payload: entry.payload(),
                        age,
                        header: entry.header().into(),
                        renewed,
                        stamps,
                        log: Name::log(wanted.key.table()),
                    });
                    // Unless all changes are known.
                    found.push(age.map_or(Found::Miss, |_| Found::Stale(entry.payload())));
                }
            }
        }
        if !moved.is_empty() {
            self.explain(link, wanted, moved, &mut found).await?;
        }
        Ok(found)
    }

    /// Whether this reader is the one who reads a valid entry again before its time ends. Others go on to hit it.
    fn is_due(&self, link: &Link, name: Name, key: &EntryKey, entry: &Entry<'_>) -> bool {
        let beta = self.way.config.early_refresh;
        if beta == 0.0 {
            return false;
        }
        let now = link.nodes[link.place(name.shard)].clock.now();
        // Between 0 and 1, and not 0.
        let draw = || ((LeaseId::random().0 as u64 >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
        let is_due = entry.age().is_due(now, beta, draw) && self.fills.read_again(key);
        self.way.counters.early.add(usize::from(is_due));
        is_due
    }

    /// How old a list is that is not valid any more, if the reader is content with that.
    fn stale(&self, link: &Link, wanted: &Wanted<'_>, entry: &Entry<'_>) -> Option<Duration> {
        let EntryKey::Query { table, .. } = wanted.key else { return None };
        let longest = wanted.stale?;
        let now = link.nodes[link.place(Shard::of_table(*table))].clock.now();
        entry.age().at(now).filter(|age| *age <= longest)
    }

    /// Fetches the changes that entries are behind by, and puts those entries in their place where all are known.
    async fn explain(
        &self,
        link: &Link,
        wanted: &[Wanted<'_>],
        moved: Vec<Moved>,
        found: &mut [Found],
    ) -> RedisResult<()> {
        let mut records: Vec<(Name, Vec<Stamp>)> = Vec::new();
        for moved in &moved {
            match records.iter_mut().find(|(log, _)| *log == moved.log) {
                Some((_, stamps)) => stamps.extend_from_slice(&moved.stamps),
                None => records.push((moved.log, moved.stamps.clone())),
            }
        }
        let mut batch = Batch::new(link);
        for (log, stamps) in &mut records {
            stamps.sort_unstable();
            stamps.dedup();
            let mut command = link.keyed("HMGET", *log);
            stamps.iter().for_each(|stamp| _ = command.arg(log::field(stamp)));
            batch.add(log.shard, command);
        }
        let answers = batch.run().await?;
        for moved in moved {
            let Some(at) = records.iter().position(|(log, _)| *log == moved.log) else { continue };
            let (stamps, Value::Array(values)) = (&records[at].1, &answers[at]) else { continue };
            let table = wanted[moved.at].key.table();
            let record = |stamp: &Stamp| {
                let place = stamps.binary_search(stamp).ok()?;
                let bytes = bytes(values.get(place)?)?;
                log::read(bytes, stamp, table)
            };
            let changes: Option<Vec<Vec<Arc<Change>>>> = moved.stamps.iter().map(record).collect();
            let Some(changes) = changes else { continue };
            let key = wanted[moved.at].key.clone();
            let stamps = moved.renewed.tags.iter().map(|(tag, stamp)| (*tag, contract(stamp))).collect();
            let as_of = Lease::entry(key.clone(), stamps, 0);
            let leave = Leave::Renewal { key, header: moved.header, dependencies: moved.renewed };
            self.fills.begin(as_of.id, self.noted(link, table, leave, None));
            found[moved.at] = Found::Behind(Behind::new(moved.payload, changes.concat(), as_of).aged(moved.age));
        }
        Ok(())
    }
}

/// Has the server watch the generation of a table for the connection.
async fn learn(link: &Link, connection: &Connection, known: &Known, table: TableId) -> RedisResult<()> {
    let changes = known.changes();
    let mut commands = Pipeline::with_capacity(2);
    commands.cmd("CLIENT").arg("CACHING").arg("YES");
    commands.add_command(link.keyed("GET", Name::generation(table)));
    let answers = connection.handle().send_packed_commands(&commands, 0, 2).await?;
    let [watched, value] = <[Value; 2]>::try_from(answers).map_err(|_| error::unexpected("two answers"))?;
    // A server that has stopped to watch for this connection is asked each time.
    if let (Value::Okay, Some(generation)) = (watched, Cell::read(bytes(&batch::value(value)?)).stamp()) {
        known.keep(table, generation, changes);
    }
    Ok(())
}

/// An entry of which some tags moved, each by listed changes.
struct Moved {
    /// Where its answer is.
    at: usize,
    payload: Payload,
    /// How old it is, where it may be used although it is not true any more.
    age: Option<Duration>,
    header: Box<[u8]>,
    renewed: Dependencies,
    /// The stamps whose records say what happened.
    stamps: Vec<Stamp>,
    log: Name,
}

/// The bytes of the entry in a value. That of a row begins with its cell.
fn content<'a>(key: &EntryKey, value: &'a Value) -> Option<&'a [u8]> {
    let bytes = bytes(value)?;
    match key {
        EntryKey::Object { .. } => Cell::entry(bytes),
        EntryKey::Query { .. } => Some(bytes),
    }
}

/// How an entry stands.
enum Standing {
    Valid,
    /// A writer is at work.
    Marked,
    /// Its tags moved by the writes that gave these stamps.
    Moved {
        renewed: Dependencies,
        stamps: Vec<Stamp>,
    },
    /// Its tags moved, and not everything that moved them is known.
    Lost,
}

/// The only place that decides on a hit. `own` is the tag of the row, for an entry of a row: its moves always end the
/// entry.
fn stand(fetched: &Fetched, entry: &Entry<'_>, key: &EntryKey, own: Option<Tag>) -> Standing {
    let generation = fetched.cell(Name::generation(key.table()));
    let mut valid = generation.stamp() == Some(*entry.generation());
    let mut lost = !valid;
    let (mut owned, mut marked) = (own.is_none(), generation == Cell::Marked);
    for (tag, stamp) in entry.tags() {
        let cell = fetched.cell(Name::tag(tag));
        owned |= own == Some(tag);
        marked |= cell == Cell::Marked;
        if cell.stamp() != Some(stamp) {
            valid = false;
            lost |= own == Some(tag) || cell.since(&stamp).is_none();
        }
    }
    match (valid, owned) {
        (true, true) => return Standing::Valid,
        (_, false) => return Standing::Lost,
        (false, true) if marked => return Standing::Marked,
        (false, true) if lost => return Standing::Lost,
        (false, true) => {}
    }
    let mut renewed = Dependencies { generation: *entry.generation(), tags: Vec::new() };
    let mut stamps = Vec::new();
    for (tag, stamp) in entry.tags() {
        let cell = fetched.cell(Name::tag(tag));
        let (Some(current), Some(since)) = (cell.stamp(), cell.since(&stamp)) else { return Standing::Lost };
        renewed.tags.push((tag, current));
        stamps.extend_from_slice(since);
    }
    Standing::Moved { renewed, stamps }
}
