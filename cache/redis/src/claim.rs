//! Fill leases: of several processes that miss an entry, one reads the database for it.
//!
//! ```text
//! lease ─▶ stamps of now ─┬─ the entry is there and has them ───▶ filled
//!                         ├─ a fill of this process has them ───▶ held: wait for it
//!                         ├─ one of another process has them ───▶ held: ask again in a moment
//!                         └─ nobody is at it ─▶ claim it ───────▶ granted
//! ```
//!
//! Nothing but effort depends on it. A claim names the stamps that were noted for it, so nobody waits for a fill that
//! can't be stored any more; it ends with the fill, or by itself when its process does not end it.

use redis::{Cmd, RedisResult, Value};
use thing_driver_api::{EntryKey, LeaseId, Leased, Payload, Tag};

use crate::RedisCache;
use crate::batch::{array, bytes, run_on};
use crate::cell::{Cell, Stamp};
use crate::config::milliseconds;
use crate::entry::{Dependencies, Entry};
use crate::error;
use crate::fetched::Fetched;
use crate::fills::{Leave, Noted};
use crate::lease::{ask_all, dependencies, own_tag, random};
use crate::link::{Link, within};
use crate::message::Id;
use crate::name::Name;
use crate::programs::{Joined, Joining};
use crate::script::Script;

/// What came of a claim.
struct Claimed {
    /// The lease and the client that are at it.
    by: Option<(LeaseId, Id)>,
    /// The entry, if it stands.
    payload: Option<Payload>,
}

impl RedisCache {
    /// Notes the stamps for an entry and claims its fill: in one round trip, or in a cluster in two.
    pub(crate) async fn note_and_claim(&self, link: &Link, key: &EntryKey, tags: &[Tag]) -> RedisResult<Leased> {
        let id = LeaseId::random();
        let again = self.fills.is_to_be_read_again(key);
        let (joining, tags) = self.way.programs.joining(key, tags);
        let mut names = Fetched::default();
        ask_all(&mut names, key, &tags);
        let together = link.single().is_some();
        let (joined, stamps, mut answer) = match together {
            true => self.lease_there(link, id, key, again, joining, &names.names).await?,
            false => {
                let (joined, stamps) = self.join(link, joining.as_slice(), &names.names).await?;
                (joined.first().copied(), stamps, [Value::Nil, Value::Nil])
            }
        };
        let Some(dependencies) = dependencies(&names, &stamps, key, &tags) else { return Ok(Leased::Quarantined) };
        if joined.is_some_and(|joined| !joined.allows(&dependencies.tags)) {
            if together {
                self.unclaim(key, id, link.identity);
            }
            return Ok(Leased::Quarantined);
        }
        if !together {
            answer = self.claim_there(link, id, key, again, &stamps).await?;
        }
        let claimed = read(&answer, key, &dependencies);
        let own = matches!(claimed.by, Some((_, client)) if client == self.way.client);
        let claim = match claimed.by {
            // That of a fill of this client which has not begun yet, or is about to be taken away.
            Some((by, _)) if own => Some(by),
            Some(_) => None,
            None => claimed.payload.is_none().then_some(id),
        };
        if let Some(payload) = claimed.payload.filter(|_| !own) {
            self.way.counters.filled.add(1);
            return Ok(Leased::Filled(payload));
        }
        if let Some(running) = self.fills.running(key, link.identity, &dependencies) {
            return Ok(self.hold(link, key, running, claim));
        }
        if let Some((other, _)) = claimed.by.filter(|_| !own) {
            self.way.counters.held.add(1);
            self.way.counters.held_elsewhere.add(1);
            return Ok(Leased::Held(other));
        }
        Ok(self.grant(link, id, key, dependencies, claim))
    }

    /// Names the fill of this client that is running. A claim that is not its own is for nobody.
    pub(crate) fn hold(&self, link: &Link, key: &EntryKey, running: LeaseId, claim: Option<LeaseId>) -> Leased {
        self.way.counters.held.add(1);
        let theirs = self.fills.get(running).and_then(|noted| noted.claim());
        if let Some(claim) = claim.filter(|claim| theirs != Some(*claim)) {
            self.unclaim(key, claim, link.identity);
        }
        Leased::Held(running)
    }

    async fn lease_there(
        &self,
        link: &Link,
        id: LeaseId,
        key: &EntryKey,
        again: bool,
        joining: Option<Joining>,
        cells: &[Name],
    ) -> RedisResult<(Option<Joined>, Vec<Option<Stamp>>, [Value; 2])> {
        let entry = Name::entry(key, key.digest());
        let names: Vec<Name> = [Name::fill(key), entry].iter().chain(cells).copied().collect();
        let mut command = link.call(Script::Lease, &names);
        self.claim_arguments(&mut command, id, again);
        // Of a row, its table and its own tag; else all.
        let open = own_tag(key).map_or(cells.len(), |own| 1 + usize::from(cells.get(1) == Some(&Name::tag(own))));
        command.arg(open).arg(&random()[..]).arg(milliseconds(self.way.config.cell_time_to_live()));
        let join = joining.iter().map(|joining| joining.command(link));
        let mut answers = self.run_at(link, entry, join.chain([command]).collect()).await?;
        let answer = answers.pop().unwrap_or(Value::Nil);
        let joined = joining.iter().zip(&answers).map(|(joining, answer)| self.way.programs.joined(joining, answer));
        let joined = joined.collect::<RedisResult<Vec<_>>>()?.pop();
        let mut answers = array(answer, cells.len() + 2)?;
        let claim = [answers.remove(cells.len()), answers.remove(cells.len())];
        let stamp = |answer: &Value| bytes(answer).and_then(|stamp| stamp.try_into().ok());
        Ok((joined, answers.iter().map(stamp).collect(), claim))
    }

    async fn claim_there(
        &self,
        link: &Link,
        id: LeaseId,
        key: &EntryKey,
        again: bool,
        stamps: &[Option<Stamp>],
    ) -> RedisResult<[Value; 2]> {
        let entry = Name::entry(key, key.digest());
        let mut command = link.call(Script::Claim, &[Name::fill(key), entry]);
        self.claim_arguments(&mut command, id, again);
        stamps.iter().for_each(|stamp| _ = command.arg(stamp.as_ref().map_or(&[][..], |stamp| &stamp[..])));
        let answer = self.run_at(link, entry, vec![command]).await?.pop();
        let answers = array(answer.unwrap_or(Value::Nil), 2)?;
        <[Value; 2]>::try_from(answers).map_err(|_| error::unexpected("two answers"))
    }

    fn claim_arguments(&self, command: &mut Cmd, id: LeaseId, again: bool) {
        command.arg(&id.0.to_le_bytes()).arg(&self.way.client).arg(milliseconds(self.way.config.fill_lease));
        command.arg(if again { "1" } else { "" });
    }

    async fn run_at(&self, link: &Link, name: Name, commands: Vec<Cmd>) -> RedisResult<Vec<Value>> {
        let connection = link.nodes[link.place(name.shard)].connection().handle();
        run_on(&connection, &link.scripts, commands, Vec::new()).await
    }

    /// Ends the lease of a fill, and has its claim taken away.
    pub(crate) fn end(&self, id: LeaseId) {
        if let Some(noted) = self.fills.end(id)
            && let Noted { leave: Leave::Entry { key, .. }, identity, .. } = &*noted
            && let Some(claim) = noted.take_claim()
        {
            self.unclaim(key, claim, *identity);
        }
    }

    /// Takes a claim away in the background; outside of a runtime it ends by itself.
    fn unclaim(&self, key: &EntryKey, id: LeaseId, identity: u64) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let Some(link) = self.way.link().filter(|link| link.identity == identity) else { return };
        let (name, limit) = (Name::fill(key), self.way.config.read_timeout);
        runtime.spawn(async move {
            let mut command = link.call(Script::Unclaim, &[name]);
            command.arg(&id.0.to_le_bytes());
            let connection = link.nodes[link.place(name.shard)].connection().handle();
            // What fails here ends by itself.
            let _ = within(limit, run_on(&connection, &link.scripts, vec![command], Vec::new())).await;
        });
    }
}

fn read([by, entry]: &[Value; 2], key: &EntryKey, dependencies: &Dependencies) -> Claimed {
    let by = bytes(by).filter(|by| by.len() == 32).and_then(|by| {
        let (lease, client) = by.split_first_chunk()?;
        Some((LeaseId(u128::from_le_bytes(*lease)), client.try_into().ok()?))
    });
    Claimed { by, payload: bytes(entry).and_then(|entry| standing(entry, key, dependencies)) }
}

/// The content of an entry all of whose stamps were noted after it was asked for: so it was valid at that moment.
fn standing(bytes: &[u8], key: &EntryKey, noted: &Dependencies) -> Option<Payload> {
    let content = match key {
        EntryKey::Object { .. } => Cell::entry(bytes)?,
        EntryKey::Query { .. } => bytes,
    };
    let entry = Entry::read(content, key)?;
    let own = own_tag(key);
    let has_own = own.is_none_or(|own| entry.tags().any(|(tag, _)| tag == own));
    let stands = *entry.generation() == noted.generation && entry.tags().all(|tag| noted.tags.contains(&tag));
    (stands && has_own).then(|| entry.payload())
}
