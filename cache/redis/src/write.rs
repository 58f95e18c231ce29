//! Writing: marks on the cells of tags and shards, and the end of marks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use redis::{RedisResult, Value};
use thing_driver_api::{Change, Outcome, Result, TableId, Tag, Token};

use crate::batch::{Batch, array};
use crate::cell::Stamp;
use crate::config::milliseconds;
use crate::error;
use crate::keeper::Way;
use crate::lease::random;
use crate::link::Link;
use crate::log;
use crate::merged::{Merged, Request};
use crate::message::{self, Told};
use crate::name::{Name, Shard, channel};
use crate::programs::Writer;
use crate::script::Script;

/// Marks of a writer on tags, on whatever link there is.
#[derive(Debug)]
pub(crate) struct Quarantine {
    pub(crate) tags: Vec<Tag>,
    pub(crate) token: Token,
    pub(crate) duration: Duration,
}

impl Request for Quarantine {
    const WHAT: &'static str = "close tags for a write";

    fn merged(way: &Way) -> &Merged<Self> {
        &way.quarantines
    }

    fn size(&self) -> usize {
        self.tags.len()
    }

    async fn run(way: &Way, requests: &[Self]) -> Result<()> {
        let mut step = Step::new(way, Script::Quarantine);
        for Self { tags, token, duration } in requests {
            let mark = [&token.0.to_le_bytes()[..], &digits(*duration)].concat();
            let (tags, writers) = way.programs.part(tags);
            step.writers(writers, *duration);
            step.work.add(&tags, |_| mark.clone());
            step.tell(Told::Quarantined { token: *token, duration: *duration }, tags);
        }
        way.write(Self::WHAT, |link| step.run(link)).await.map(drop)
    }
}

/// The end of marks, on whatever link there is.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) tags: Vec<Tag>,
    pub(crate) token: Token,
    pub(crate) outcome: Outcome,
}

impl Request for Release {
    const WHAT: &'static str = "open tags after a write";

    fn merged(way: &Way) -> &Merged<Self> {
        &way.releases
    }

    fn size(&self) -> usize {
        self.tags.len()
    }

    async fn run(way: &Way, requests: &[Self]) -> Result<()> {
        let gone = way.write(Self::WHAT, |link| {
            // Another try must not give a stamp that this one may have given.
            let mut step = Step::new(way, Script::Release);
            requests.iter().for_each(|release| release.add(&mut step));
            async move { step.run(link).await }
        });
        way.counters.lapsed.add(gone.await?);
        Ok(())
    }
}

impl Release {
    fn add<'a>(&'a self, step: &mut Step<'a>) {
        let Self { tags, token, outcome } = self;
        let (tags, writers) = step.way.programs.part(tags);
        let stamp = random();
        let mut own = Vec::new();
        if let Outcome::Changed(changes) = outcome {
            own = changes.iter().map(|change| Tag::row(change.table, &change.key)).collect();
            own.sort_unstable();
            step.records(changes, &stamp);
        }
        if !matches!(outcome, Outcome::Nothing) {
            step.writers(writers, Duration::ZERO);
        }
        // An entry of a row is never judged, so the tags of rows need no history.
        let mode = |cell| match (outcome, cell) {
            (Outcome::Nothing, Some(_)) => b'N',
            (Outcome::Changed(_), Some(tag)) if own.binary_search(&tag).is_err() => b'L',
            (_, Some(_)) => b'U',
            (Outcome::Nothing, None) => b'n',
            (_, None) => b'u',
        };
        step.work.add(&tags, |cell| [&[mode(cell)], &token.0.to_le_bytes()[..], &stamp[..]].concat());
        step.tell(Told::Released { token: *token, outcome }, tags);
    }
}

/// Takes the stamps of tags, on whatever link there is. A near cache must not be told before that: it would fetch again
/// what is about to be void.
pub(crate) async fn void(way: &Way, tags: &[Tag]) -> Result<()> {
    let mut step = Step::new(way, Script::Void);
    let (tags, writers) = way.programs.part(tags);
    step.writers(writers, Duration::ZERO);
    step.work.add(&tags, |_| Vec::new());
    step.tell(Told::Voided, tags);
    way.write("void tags", |link| step.run(link)).await.map(drop)
}

/// Takes the stamp of a table and its log, on whatever link there is.
pub(crate) async fn void_table(way: &Way, table: TableId) -> Result<()> {
    let (generation, log) = (Name::generation(table), Name::log(table));
    way.write("void a table", |link| async move {
        let node = link.place(generation.shard);
        let channel = channel(&link.nodes[node].head);
        let mut batch = Batch::new(&link);
        let mut command = link.call(Script::Void, &[generation]);
        // No programs, no logs, no messages: near caches are told when all is done.
        command.arg(0).arg(0).arg(&channel[..]).arg(0).arg("");
        batch.add(generation.shard, command);
        batch.add(log.shard, link.keyed("DEL", log));
        batch.publish(node, &channel, &message::table(&way.client, table));
        batch.run().await
    })
    .await
    .map(drop)
}

/// Tries again the releases that failed, until one fails again.
pub(crate) async fn release_failed(way: &Way) {
    while let Some(failed) = way.take_failed_release() {
        if Release::run(way, std::slice::from_ref(&failed.release)).await.is_err() {
            way.release_later(failed);
            return;
        }
    }
}

/// Changes of one table by one write, and the field of the log where they go.
struct Record {
    field: u64,
    bytes: Vec<u8>,
}

/// Of each cell what is to be done, one thing after the other. Shards move before the tags of their rows: where there are
/// too many for one script, a reader in between may note a new stamp of a row, of which it read the old state, and only
/// the shard that has moved by then keeps it from storing that.
#[derive(Default)]
struct Work(BTreeMap<(Moves, Name), Vec<u8>>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moves {
    First,
    Then,
}

impl Work {
    /// Adds what is to be done to the cells of tags, each once, and (`None`) to those of the shards of rows, which alone are
    /// stored unnamed.
    fn add(&mut self, tags: &[Tag], what: impl Fn(Option<Tag>) -> Vec<u8>) {
        let tags: BTreeSet<Tag> = tags.iter().copied().collect();
        let shards: BTreeSet<Shard> = tags.iter().filter(|tag| tag.is_row()).map(|&tag| Shard::of_tag(tag)).collect();
        let shards = shards.into_iter().map(|shard| ((Moves::First, Name::shard(shard)), None));
        let tags = tags.into_iter().map(|tag| ((Moves::Then, Name::tag(tag)), Some(tag)));
        for (cell, tag) in shards.chain(tags) {
            self.0.entry(cell).or_default().extend(what(tag));
        }
    }
}

/// What writes do to cells, in one step on each slot (`scripts/write.lua`), and what they do besides: they say who writes,
/// before the write can be seen and again after it, since whoever was forgotten meanwhile is new; they list their changes
/// before the stamps that name them; and they tell near caches, when all is done.
struct Step<'a> {
    way: &'a Way,
    script: Script,
    writers: Vec<Writer>,
    /// How long the longest of the writes may take.
    duration: Duration,
    logs: Vec<(TableId, Vec<Record>)>,
    work: Work,
    told: Vec<(Told<'a>, Vec<Tag>)>,
}

impl<'a> Step<'a> {
    fn new(way: &'a Way, script: Script) -> Self {
        let (writers, logs, told) = (Vec::new(), Vec::new(), Vec::new());
        Self { way, script, writers, duration: Duration::ZERO, logs, work: Work::default(), told }
    }

    fn writers(&mut self, writers: Vec<Writer>, duration: Duration) {
        self.duration = self.duration.max(duration);
        writers.into_iter().for_each(|writer| {
            if !self.writers.contains(&writer) {
                self.writers.push(writer);
            }
        });
    }

    /// Adds a record of changes for each of their tables.
    fn records(&mut self, changes: &[Arc<Change>], stamp: &Stamp) {
        let mut tables: Vec<TableId> = changes.iter().map(|change| change.table).collect();
        tables.sort_unstable();
        tables.dedup();
        for table in tables {
            let of_table = changes.iter().filter(|change| change.table == table).map(|change| &**change);
            let Some(bytes) = log::write(stamp, of_table) else { continue };
            let record = Record { field: log::field(stamp), bytes };
            match self.logs.iter_mut().find(|(known, _)| *known == table) {
                Some((_, records)) => records.push(record),
                None => self.logs.push((table, vec![record])),
            }
        }
    }

    fn tell(&mut self, told: Told<'a>, tags: Vec<Tag>) {
        self.told.push((told, tags));
    }

    /// Runs it. Returns the sum of the numbers that the scripts answer.
    async fn run(&self, link: Arc<Link>) -> RedisResult<usize> {
        let (way, link) = (self.way, &*link);
        let programs = self.writers.iter().map(|writer| Name::programs(writer.table));
        let logs = self.logs.iter().map(|(table, _)| Name::log(*table));
        // In this order they are the keys of a script, too.
        let names: Vec<Name> = programs.chain(logs).chain(self.work.0.keys().map(|(_, name)| *name)).collect();
        let work: Vec<&Vec<u8>> = self.work.0.values().collect();
        let (logs, cells) = (self.writers.len(), self.writers.len() + self.logs.len());
        let groups = link.groups(&names);
        let mut messages = self.messages(link);
        let mut batch = Batch::new(link);
        for group in &groups {
            let keys: Vec<Name> = group.iter().map(|&at| names[at]).collect();
            let node = link.place(keys[0].shard);
            let is_alone = groups.iter().filter(|group| link.place(names[group[0]].shard) == node).count() == 1;
            let messages = if is_alone { std::mem::take(&mut messages[node]) } else { Vec::new() };
            let (of_programs, rest) = group.split_at(group.partition_point(|&at| at < logs));
            let (of_logs, of_cells) = rest.split_at(rest.partition_point(|&at| at < cells));
            let mut command = link.call(self.script, &keys);
            command.arg(of_programs.len()).arg(of_logs.len());
            command.arg(channel(&link.nodes[node].head)).arg(messages.len()).arg(messages);
            for &at in of_programs {
                let Writer { table, scopes } = self.writers[at];
                command.arg(&scopes.to_le_bytes()).arg(milliseconds(way.config.other_programs_time));
                command.arg(milliseconds(self.duration)).arg(&random()[..]).arg(message::table(&way.client, table));
            }
            let time_to_live = milliseconds(way.config.cell_time_to_live());
            for &at in of_logs {
                let records = &self.logs[at - logs].1;
                command.arg(time_to_live).arg(records.len());
                records.iter().for_each(|record| _ = command.arg(record.field).arg(&record.bytes[..]));
            }
            if self.script == Script::Release {
                command.arg(time_to_live).arg(way.config.max_listed_moves.saturating_add(1));
            }
            of_cells.iter().for_each(|at| _ = command.arg(&work[at - cells][..]));
            batch.add(keys[0].shard, command);
        }
        for (node, messages) in messages.iter().enumerate() {
            messages.iter().for_each(|message| batch.publish(node, &channel(&link.nodes[node].head), message));
        }
        let mut count = 0;
        for (group, answer) in groups.iter().zip(batch.run().await?) {
            let programs = group.iter().filter(|&&at| at < logs);
            let answers = array(answer, programs.clone().count() + 1)?;
            let Value::Int(number) = answers[0] else { return Err(error::unexpected("a number")) };
            count += usize::try_from(number).unwrap_or(0);
            for (&at, answer) in programs.zip(&answers[1..]) {
                way.programs.registered(&self.writers[at], answer)?;
            }
        }
        Ok(count)
    }

    /// What near caches are told by way of each node.
    fn messages(&self, link: &Link) -> Vec<Vec<Vec<u8>>> {
        let of_node = |node: usize| {
            let tell = |(told, tags): &(Told<'_>, Vec<Tag>)| {
                let here = tags.iter().copied().filter(|&tag| link.place(Shard::of_tag(tag)) == node);
                let mut here: Vec<Tag> = here.collect();
                here.sort_unstable();
                here.dedup();
                message::tell(&self.way.client, *told, &here)
            };
            self.told.iter().flat_map(tell).collect()
        };
        (0..link.nodes.len()).map(of_node).collect()
    }
}

/// Milliseconds as scripts read them in a row of other things.
fn digits(duration: Duration) -> [u8; 16] {
    let mut digits = [b'0'; 16];
    let mut rest = milliseconds(duration);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader between two scripts notes the new stamp of a row that it read before: the shard has to have moved by then.
    #[test]
    fn cells_are_named_once_and_shards_come_before_rows() {
        let mut work = Work::default();
        let what = |tag: Option<Tag>| tag.map_or(b"s".to_vec(), |tag| vec![tag.0 as u8]);
        work.add(&[Tag(1), Tag(2), Tag(1), Tag(3), Tag(u64::MAX)], what);
        work.add(&[Tag(4), Tag(3)], what);
        let done: Vec<&[u8]> = work.0.values().map(|work| &work[..]).collect();
        assert_eq!(done, [&b"ss"[..], b"s", &[1], &[2], &[3, 3], &[4], &[255]]);
    }

    #[test]
    fn durations_have_so_many_digits() {
        assert_eq!(&digits(Duration::from_secs(30)), b"0000000000030000");
        assert_eq!(&digits(Duration::MAX), b"0003153600000000");
    }
}
