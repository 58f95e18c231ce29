//! Writing: marks on the cells of tags and shards, and the end of marks.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, RedisResult, Value};
use thing_driver_api::{Change, Outcome, Result, TableId, Tag, Token};

use crate::batch::Batch;
use crate::cell::Stamp;
use crate::config::milliseconds;
use crate::error;
use crate::keeper::Way;
use crate::lease::random;
use crate::link::Link;
use crate::log;
use crate::message::{self, Id, Told};
use crate::name::{Name, Shard, channel};
use crate::programs::Writer;
use crate::script::Script;

/// Marks tags for a writer, on whatever link there is.
pub(crate) async fn quarantine(way: &Way, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
    let (tags, writers) = &way.programs.part(tags);
    let names = &cells(tags);
    way.write("close tags for a write", |link| async move {
        let mut batch = Batch::new(&link);
        register(&mut batch, &link, way, writers, duration);
        call_each(&mut batch, &link, Script::Quarantine, names, |command, _| {
            command.arg(&token.0.to_le_bytes()).arg(milliseconds(duration));
        });
        tell(&mut batch, &link, &way.client, Told::Quarantined { token, duration }, tags);
        registered(way, writers, &batch.run().await?)
    })
    .await
}

/// Takes the stamps of tags, on whatever link there is. A near cache must not be told before that: it would fetch again
/// what is about to be void.
pub(crate) async fn void(way: &Way, tags: &[Tag]) -> Result<()> {
    let (tags, writers) = &way.programs.part(tags);
    let names = &cells(tags);
    way.write("void tags", |link| async move {
        let mut batch = Batch::new(&link);
        register(&mut batch, &link, way, writers, Duration::ZERO);
        call_each(&mut batch, &link, Script::Void, names, |_, _| {});
        tell(&mut batch, &link, &way.client, Told::Voided, tags);
        registered(way, writers, &batch.run().await?)
    })
    .await
}

/// Takes the stamp of a table and its log, on whatever link there is.
pub(crate) async fn void_table(way: &Way, table: TableId) -> Result<()> {
    let (generation, log) = (Name::generation(table), Name::log(table));
    way.write("void a table", |link| async move {
        let mut batch = Batch::new(&link);
        call_each(&mut batch, &link, Script::Void, &[generation], |_, _| {});
        batch.add(log.shard, link.keyed("DEL", log));
        let node = link.place(generation.shard);
        batch.publish(node, &channel(&link.nodes[node].head), &message::table(&way.client, table));
        batch.run().await
    })
    .await
    .map(drop)
}

/// Says who writes, before the write can be seen and again after it: whoever was forgotten meanwhile is new.
fn register(batch: &mut Batch<'_>, link: &Link, way: &Way, writers: &[Writer], duration: Duration) {
    for writer in writers {
        let name = Name::programs(writer.table);
        let mut command = link.call(Script::Register, &[name]);
        command.arg(&writer.scopes.to_le_bytes()).arg(milliseconds(way.config.other_programs_time));
        command.arg(milliseconds(duration)).arg(&random()[..]);
        command.arg(channel(&link.nodes[link.place(name.shard)].head)).arg(message::table(&way.client, writer.table));
        batch.add(name.shard, command);
    }
}

/// Reads the answers to [`register`], which come first.
fn registered(way: &Way, writers: &[Writer], answers: &[Value]) -> RedisResult<()> {
    writers.iter().zip(answers).try_for_each(|(writer, answer)| way.programs.registered(writer, answer))
}

/// Tells near caches what is done to tags, by way of the tags' nodes.
fn tell(batch: &mut Batch<'_>, link: &Link, client: &Id, told: Told<'_>, tags: &[Tag]) {
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags.dedup();
    for (node, of) in link.nodes.iter().enumerate() {
        let tags: Vec<Tag> = tags.iter().copied().filter(|&tag| link.place(Shard::of_tag(tag)) == node).collect();
        for message in message::tell(client, told, &tags) {
            batch.publish(node, &channel(&of.head), &message);
        }
    }
}

/// Releases tags, on whatever link there is.
pub(crate) async fn release(way: &Way, tags: &[Tag], token: Token, outcome: &Outcome) -> Result<()> {
    let (tags, writers) = &way.programs.part(tags);
    let writers = if matches!(outcome, Outcome::Nothing) { &[] } else { &writers[..] };
    let gone = way.write("open tags after a write", |link| async move {
        // Another try must not give a stamp that this one may have given.
        let stamp = random();
        let mut batch = Batch::new(&link);
        register(&mut batch, &link, way, writers, Duration::ZERO);
        let mut own = Vec::new();
        let mut records = 0;
        if let Outcome::Changed(changes) = outcome {
            own = changes.iter().map(|change| Tag::row(change.table, &change.key)).collect();
            own.sort_unstable();
            // Before the stamps that name them, where order is kept.
            records = add_records(&mut batch, &link, changes, &stamp, way.config.cell_time_to_live());
        }
        // An entry of a row is never judged, so the tags of rows need no history.
        let of_tag = |tag: &Tag| match outcome {
            Outcome::Nothing => b'N',
            Outcome::Changed(_) if own.binary_search(tag).is_err() => b'L',
            _ => b'U',
        };
        let of_shard = if matches!(outcome, Outcome::Nothing) { b'n' } else { b'u' };
        let mut tags = tags.clone();
        tags.sort_unstable();
        tags.dedup();
        let mut modes: Vec<u8> = tags.iter().map(of_tag).collect();
        let names = cells(&tags);
        modes.resize(names.len(), of_shard);
        let calls = call_each(&mut batch, &link, Script::Release, &names, |command, group| {
            command.arg(&token.0.to_le_bytes());
            command.arg(group.iter().map(|&at| modes[at]).collect::<Vec<u8>>()).arg(&stamp[..]);
            command.arg(milliseconds(way.config.cell_time_to_live()));
            command.arg(way.config.max_listed_moves.saturating_add(1));
        });
        tell(&mut batch, &link, &way.client, Told::Released { token, outcome }, &tags);
        let answers = batch.run().await?;
        registered(way, writers, &answers)?;
        let gone = answers.into_iter().skip(writers.len() + records).take(calls);
        gone.map(|answer| match answer {
            Value::Int(count) => Ok(usize::try_from(count).unwrap_or(0)),
            _ => Err(error::unexpected("a number")),
        })
        .sum::<RedisResult<usize>>()
    });
    way.counters.lapsed.add(gone.await?);
    Ok(())
}

/// Tries again the releases that failed, until one fails again.
pub(crate) async fn release_failed(way: &Way) {
    while let Some(failed) = way.take_failed_release() {
        if release(way, &failed.tags, failed.token, &failed.outcome).await.is_err() {
            way.release_later(failed);
            return;
        }
    }
}

/// Adds the changes of a write to the logs of their tables; returns how many commands that takes.
fn add_records(
    batch: &mut Batch<'_>,
    link: &Link,
    changes: &[Arc<Change>],
    stamp: &Stamp,
    time_to_live: Duration,
) -> usize {
    let mut tables: Vec<TableId> = changes.iter().map(|change| change.table).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut commands = 0;
    for table in tables {
        let of_table = changes.iter().filter(|change| change.table == table).map(|change| &**change);
        let Some(record) = log::write(stamp, of_table) else { continue };
        let name = Name::log(table);
        let mut set = link.keyed("HSET", name);
        set.arg(log::field(stamp)).arg(record);
        let mut expire = link.keyed("PEXPIRE", name);
        expire.arg(milliseconds(time_to_live));
        batch.add(name.shard, set);
        batch.add(name.shard, expire);
        commands += 2;
    }
    commands
}

/// Adds calls of a script for cells; returns how many.
fn call_each(
    batch: &mut Batch<'_>,
    link: &Link,
    script: Script,
    names: &[Name],
    arguments: impl Fn(&mut Cmd, &[usize]),
) -> usize {
    let groups = link.groups(names);
    for group in &groups {
        let keys: Vec<Name> = group.iter().map(|&at| names[at]).collect();
        let mut command = link.call(script, &keys);
        arguments(&mut command, group);
        batch.add(keys[0].shard, command);
    }
    groups.len()
}

/// The cells that a write to tags touches, each once. Those of shards are for rows, which alone are stored unnamed.
fn cells(tags: &[Tag]) -> Vec<Name> {
    let mut names = names_of(tags);
    names.extend(shards_of(tags));
    names
}

fn names_of(tags: &[Tag]) -> Vec<Name> {
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags.dedup();
    tags.into_iter().map(Name::tag).collect()
}

fn shards_of(tags: &[Tag]) -> Vec<Name> {
    let mut shards: Vec<Shard> = tags.iter().filter(|tag| tag.is_row()).map(|&tag| Shard::of_tag(tag)).collect();
    shards.sort_unstable();
    shards.dedup();
    shards.into_iter().map(Name::shard).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_once() {
        let tags = [Tag(1), Tag(2), Tag(1), Tag(3), Tag(u64::MAX), Tag(1 << 60)];
        assert_eq!(cells(&tags).len(), 5 + 2, "tags, and shards of those of rows");
    }
}
