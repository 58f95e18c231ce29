//! Leasing: the stamps of cells before the database is read.

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::try_join;
use redis::{Cmd, RedisResult, Value};
use thing_driver_api::{EntryKey, Lease, LeaseId, LeaseRequest, Leased, Stamp as ContractStamp, TableId, Tag, Token};

use crate::RedisCache;
use crate::batch::{self, Batch, array, bytes};
use crate::cell::{Cell, Stamp};
use crate::config::milliseconds;
use crate::entry::Dependencies;
use crate::fetched::Fetched;
use crate::fills::{Leave, Noted};
use crate::link::Link;
use crate::name::{Name, Shard};
use crate::programs::{Joined, Joining};
use crate::script::Script;

impl RedisCache {
    pub(crate) async fn note(&self, link: &Link, requests: &[LeaseRequest<'_>]) -> RedisResult<Vec<Leased>> {
        if let [LeaseRequest::Entry { key, tags }] = *requests
            && !self.way.config.fill_lease.is_zero()
        {
            return Ok(vec![self.note_and_claim(link, key, tags).await?]);
        }
        let mut names = Fetched::default();
        let mut rows = false;
        let mut joining = Vec::new();
        let mut wanted = Vec::with_capacity(requests.len());
        for request in requests {
            match *request {
                LeaseRequest::Entry { key, tags } => {
                    let (join, tags) = self.way.programs.joining(key, tags);
                    ask_all(&mut names, key, &tags);
                    wanted.push((join.is_some().then_some(joining.len()), tags));
                    joining.extend(join);
                }
                LeaseRequest::Rows { table } => {
                    names.ask(Name::generation(table));
                    wanted.push((None, Cow::default()));
                    rows = true;
                }
            }
        }
        let time_to_live = self.way.config.cell_time_to_live();
        let ((joined, stamps), shards) = if rows {
            try_join(self.join(link, &joining, &names.names), note_shards(link, time_to_live)).await?
        } else {
            (self.join(link, &joining, &names.names).await?, Vec::new())
        };
        let grant = |(request, (join, tags)): (&LeaseRequest<'_>, &(Option<usize>, Cow<'_, [Tag]>))| match *request {
            LeaseRequest::Rows { table } => {
                let generation = names.place(Name::generation(table)).and_then(|at| stamps[at]);
                let Some(generation) = generation else { return Leased::Quarantined };
                let lease = Lease::rows(table, 0);
                let leave = Leave::Rows { generation, shards: shards.clone() };
                self.fills.begin(lease.id, self.noted(link, table, leave, None));
                Leased::Granted(lease)
            }
            LeaseRequest::Entry { key, .. } => match dependencies(&names, &stamps, key, tags) {
                Some(dependencies) if join.is_none_or(|at| joined[at].allows(&dependencies.tags)) => {
                    self.grant(link, LeaseId::random(), key, dependencies, None)
                }
                _ => Leased::Quarantined,
            },
        };
        Ok(requests.iter().zip(&wanted).map(grant).collect())
    }

    /// Has the program join, and notes the stamps of cells behind that.
    pub(crate) async fn join(
        &self,
        link: &Link,
        joining: &[Joining],
        names: &[Name],
    ) -> RedisResult<(Vec<Joined>, Vec<Option<Stamp>>)> {
        let first = joining.iter().map(|joining| (Shard::of_table(joining.table), joining.command(link))).collect();
        let (answers, stamps) = note_behind(link, first, names, self.way.config.cell_time_to_live()).await?;
        let joined = joining.iter().zip(&answers).map(|(joining, answer)| self.way.programs.joined(joining, answer));
        Ok((joined.collect::<RedisResult<_>>()?, stamps))
    }

    /// Begins a fill, or names the one that is running.
    pub(crate) fn grant(
        &self,
        link: &Link,
        id: LeaseId,
        key: &EntryKey,
        dependencies: Dependencies,
        claim: Option<LeaseId>,
    ) -> Leased {
        let named = dependencies.tags.iter().map(|(tag, stamp)| (*tag, contract(stamp))).collect();
        let mut lease = Lease::entry(key.clone(), named, 0);
        lease.id = id;
        let leave = Leave::Entry { key: key.clone(), dependencies };
        match self.fills.begin(id, self.noted(link, key.table(), leave, claim)) {
            Some(running) => self.hold(link, key, running, claim),
            None => Leased::Granted(lease),
        }
    }

    pub(crate) fn noted(&self, link: &Link, table: TableId, leave: Leave, claim: Option<LeaseId>) -> Noted {
        let began = Instant::now();
        // A time beyond the clock's end is far enough without being exact.
        let deadline = began.checked_add(self.way.config.lease_time).unwrap_or(began + Duration::from_secs(86_400));
        Noted { table, identity: link.identity, leave, began, deadline, claim: Mutex::new(claim) }
    }
}

/// Asks for the cells that an entry will depend on: those first that have to be open.
pub(crate) fn ask_all(names: &mut Fetched, key: &EntryKey, tags: &[Tag]) {
    names.ask(Name::generation(key.table()));
    if let Some(own) = own_tag(key).filter(|own| tags.contains(own)) {
        names.ask(Name::tag(own));
    }
    tags.iter().for_each(|&tag| _ = names.ask(Name::tag(tag)));
}

/// What an entry depends on that is read now; `None` while a writer is at work. For a row, only its own tag and its
/// table matter: where a mark lies on another tag, that tag is left out, and with it the leave to store that the row is
/// absent.
pub(crate) fn dependencies(
    names: &Fetched,
    stamps: &[Option<Stamp>],
    key: &EntryKey,
    tags: &[Tag],
) -> Option<Dependencies> {
    // Everything was asked for.
    let stamp = |name| names.place(name).and_then(|at| stamps[at]);
    let generation = stamp(Name::generation(key.table()))?;
    let own = own_tag(key);
    let mut noted = Vec::with_capacity(tags.len());
    for &tag in tags {
        match stamp(Name::tag(tag)) {
            Some(stamp) => noted.push((tag, stamp)),
            None if own.is_none_or(|own| own == tag) => return None,
            None => {}
        }
    }
    Some(Dependencies { generation, tags: noted })
}

pub(crate) fn own_tag(key: &EntryKey) -> Option<Tag> {
    matches!(key, EntryKey::Object { .. }).then(|| key.digest())
}

/// The stamps of cells, made where there are none; `None` where a writer is at work.
pub(crate) async fn note(link: &Link, names: &[Name], time_to_live: Duration) -> RedisResult<Vec<Option<Stamp>>> {
    Ok(note_behind(link, Vec::new(), names, time_to_live).await?.1)
}

/// The stamps of cells, and the answers of commands that run before they are noted, on the servers of both.
async fn note_behind(
    link: &Link,
    first: Vec<(Shard, Cmd)>,
    names: &[Name],
    time_to_live: Duration,
) -> RedisResult<(Vec<Value>, Vec<Option<Stamp>>)> {
    let groups = link.groups(names);
    let mut batch = Batch::new(link);
    let new = random();
    let count = first.len();
    first.into_iter().for_each(|(shard, command)| batch.add(shard, command));
    for group in &groups {
        let keys: Vec<Name> = group.iter().map(|&at| names[at]).collect();
        let mut command = link.call(Script::Note, &keys);
        command.arg(&new[..]).arg(milliseconds(time_to_live));
        batch.add(keys[0].shard, command);
    }
    let mut stamps = vec![None; names.len()];
    let mut answers = batch.run().await?;
    let noted = answers.split_off(count);
    for (group, answer) in groups.iter().zip(noted) {
        for (&at, answer) in group.iter().zip(array(answer, group.len())?) {
            stamps[at] = bytes(&answer).and_then(|bytes| bytes.try_into().ok());
        }
    }
    Ok((answers, stamps))
}

/// The stamps of the cells of all shards. Most are there, and reading many is far cheaper than a script that looks at
/// them.
async fn note_shards(link: &Link, time_to_live: Duration) -> RedisResult<Vec<Option<Stamp>>> {
    let names: Vec<Name> = Shard::all().map(Name::shard).collect();
    let values = batch::get(link, &names).await?;
    let cells = values.iter().map(|value| Cell::read(bytes(value)));
    let absent: Vec<Name> =
        names.iter().zip(cells.clone()).filter(|(_, cell)| *cell == Cell::Absent).map(|(name, _)| *name).collect();
    let mut made = note(link, &absent, time_to_live).await?.into_iter();
    let stamp = |cell: Cell<'_>| if cell == Cell::Absent { made.next().flatten() } else { cell.stamp() };
    Ok(cells.map(stamp).collect())
}

pub(crate) fn random() -> Stamp {
    Token::random().0.to_le_bytes()
}

pub(crate) fn contract(stamp: &Stamp) -> ContractStamp {
    ContractStamp(u128::from_le_bytes(*stamp))
}
