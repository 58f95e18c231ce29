//! A cache that many processes share, in Redis or Valkey: for programs that write one database from several places.
//!
//! ```text
//! load ──▶ GET row, or MGET entry · tags · generation ──▶ hit, miss, quarantined ── behind ─▶ HMGET log
//! lease ─▶ note (script) ──▶ stamps of before the read ─▶ store (script): the entry, if they still stand
//! write    quarantine, release, void: scripts on the cells of tags and shards
//! near     stream ◀── messages of quarantine, release, void      settle ──▶ waits until all streams have them
//!     programs who else uses a table, with other indexes
//!     name     what is where                   entry, cell, log, message   as which bytes
//!     fills    who fills what in this process  claim              which process fills what
//!     known    generations that the server watches               age   when to read again what is valid
//!     merged   writes that come at the same time go together
//!     link     connections and their epoch     batch, script      commands in one round trip
//!     address, cluster, sentinel   where the servers are
//!     keeper   keeps the link, and tries releases again           breaker   spares reads a dead server
//! ```
//!
//! ```no_run
//! use thing_cache_redis::{RedisCache, RedisConfig};
//!
//! # async fn example() -> Result<(), thing_driver_api::Error> {
//! let cache = RedisCache::open("redis://user:password@127.0.0.1:6379/0?prefix=app").await?;
//! let of_a_cluster = RedisConfig::cluster(["redis://10.0.0.1:6379", "redis://10.0.0.2:6379"])?.prefix("app");
//! let of_a_cluster = RedisCache::connect(of_a_cluster).await?;
//! # drop((cache, of_a_cluster));
//! # Ok(())
//! # }
//! ```
//!
//! # Why a hit is never wrong
//!
//! - **An entry proves itself.** It holds the stamps of its tags and of its table's generation as they were before
//!   the database was read, and is a hit only while all of these cells hold the same stamps, unmarked. Stamps are
//!   random numbers of 128 bits and are given once, so it doesn't matter in which order the cells are read, or what
//!   became of cells in between: if a cell is lost (evicted, expired, flushed), no entry has its next stamp.
//! - **The entry of a row is in the cell of the row's tag**, so a script puts it there only if that cell still has the
//!   stamp of before the read, in one step. Whatever marks or moves the tag drops the entry.
//! - **A commit lies between its quarantine and its release.** The quarantine is acknowledged for every cell before
//!   the commit. While a mark is there, the cell is no stamp that an entry could have, and no lease is given. The
//!   release takes the own token only, and the last one leaves a new stamp or none. A token that lapsed takes the
//!   stamps along, seen by the next script that reads the cell, or by Redis, which drops the cell with its last mark.
//!   A token that is gone voids.
//! - **`Outcome::Nothing`** leaves the stamps as they are, unless a lapse, a void or another writer took or replaced
//!   them.
//! - **Behind.** A release with listed changes keeps the former stamps behind the new one. So the cell itself says by
//!   which stamps it came from the entry's to its own, without a gap: anything unlisted clears them. Each of these
//!   stamps names a record in the table's log with all changes of that write. A record that is lost or damaged is a
//!   miss.
//! - **Rows that a list brings along** have no stamps from before the read. Each shard of tags has a cell that every
//!   write to one of its tags marks and moves like the tag itself. While that cell has the stamp of before the read,
//!   no tag of the shard was written, and the stamp that the row's tag has now is the stamp that it had then.
//! - **A table is a tag too**, on which every entry of it depends: its stamp is the *generation* that each entry holds.
//! - **A row's generation is known** without asking while the server watches it for the connection over which the row
//!   is fetched, and has not said on it, ahead of the row, that it changed.
//! - **Epoch.** Names of keys begin with a digest of the server's `run_id` (and of the history of its promotions),
//!   read on the connection that then uses them. A connection reaches one server process, and another process has
//!   other names, so a server that restarts with old data, or another that takes its place, is empty for every
//!   client.
//! - **Late commands.** A quarantine that runs late lapses; a lease that runs late notes stamps that no entry has; a
//!   store that runs late finds other stamps; a release or void that runs late clears stamps. Nothing is sent twice,
//!   save with a new stamp.
//!
//! # Programs with other indexes
//!
//! Programs whose models declare other indexes may share the cache, as old and new versions do while one replaces the
//! other. Such a writer touches scopes that others do not name, and not those that they do. So each table has a string
//! of its programs. It holds a stamp, who was given the stamp, and who writes. A list that depends on scopes depends on
//! the stamp too, as on a tag. A reader *joins* in the round trip in which it notes its stamps; a writer *registers* in
//! that of its quarantine, so before its commit, and again in that of its release. Both are one step in the server.
//!
//! - **Who holds the stamp is known.** A program gets the stamp only by joining, which notes it among the readers, and
//!   only where all that write touch the very same scopes. It may read the database only if it then still notes this
//!   stamp. So while the stamp stands, every valid list that depends on scopes is of a program noted under it.
//! - **A new writer that meets other readers replaces the stamp**, in the same step. From then on what they stored is
//!   invalid, what they are about to store finds another stamp, and they don't join: they are told
//!   ([`declare`](thing_driver_api::CacheClient::declare)), and have their lists depend on the whole table, which every
//!   write touches. So between a foreign writer's first quarantine and the end of its time no list is valid that its
//!   writes don't reach, and each of its commits lies in between: a quarantine makes that time last for as long as its
//!   marks, at least.
//! - **A writer whose time is over is new again.** A reader that relies on it being gone takes it out first, and
//!   registering finds it gone. So no two clocks are compared: time is that of the server, and only ends what a step in the
//!   server ended.
//! - **What is lost proves nothing.** The stamp is lost with what is known of programs: a string that is evicted takes
//!   along all lists that depend on scopes. A writer that is at work just then registers again when it renews its
//!   quarantine and when it releases. Until then, as with a mark that is lost (see Faults), readers may join
//!   and find what was true before the commit; since the writer is new then, its release ends that before the write returns
//!   to its caller. A generation that is lost ends every entry of the table; the stamp does not depend on it.
//! - **Near caches** don't know the stamp. They are told that the table is forgotten, by the script that registers a
//!   writer, whenever it replaces the stamp, and once for each new string, which does not say who held lists before. So
//!   they hear it before the commit, as they hear quarantines. That of the writer itself does not; so the writer counts as a
//!   reader, and the next foreign writer tells it. What they take in later comes from this cache, under a
//!   lease of after the message, where no such list is valid any more.
//! - **Rows** are touched by every writer; they depend on no scope, and none is lost.
//!
//! # Near caches
//!
//! A cache in the memory of a process, in front of this one, is told what others do by
//! [`invalidations`](thing_driver_api::CacheClient::invalidations): messages that each quarantine, release and void
//! publishes in its script, or behind all of them, so before it is acknowledged, over connections of their own.
//!
//! - **An open gate has heard everything** that was acknowledged longer than the bound ago. The gate is opened by
//!   answers to questions that go over the connections of the stream, behind all messages of before, and for the bound
//!   from the moment *before* the question. So a connection that is silent, cut, or swallows what it is given closes
//!   the gate by itself, and one that is known to be lost closes it at once. So do a message that can't be read, a near
//!   cache that is too far behind, and a client that lost its connections: a server that is new to it has other
//!   channels.
//! - **The question is a write.** A primary that has lost its replicas refuses it where `min-replicas-to-write` is set,
//!   so near caches that reach only an old primary close within the bound. In a cluster it also looks at every shard:
//!   one that moved closes the gate.
//! - **Settling** ([`settle`](thing_driver_api::CacheClient::settle)) makes a write linearizable for near caches too.
//!   The question says who has a gate, and until when, in a cell of the server. A writer that has closed its tags reads
//!   that cell, and waits for an acknowledgement of each, or until its time is over, be it dead or alive. Where the
//!   cell is younger than [`RedisConfig::bound`], it does not say who had a gate before, so the writer waits for as
//!   long: once for a server that never knew of a near cache, and after it was flushed. Writers that wait at the same
//!   time share the answer. With RESP2 no acknowledgement comes, so a writer waits until the gates are closed that were
//!   open.
//!
//! # Effort
//!
//! - **One process fills.** Who may fill an entry alone says so in the server for at most
//!   [`RedisConfig::fill_lease`]; others get [`Leased::Held`](thing_driver_api::Leased::Held), ask again, and get the
//!   entry. A fill that has lost its stamps holds nobody.
//! - **Hot entries are read again early**, by one reader, while the others go on to hit them
//!   ([`RedisConfig::early_refresh`]).
//!
//! # Faults
//!
//! One cell that is lost while it is marked opens its tag to readers before the writer has ended: they may store, and
//! find, what was true before the commit. The release, which does not find its token, ends that before the write
//! returns to its caller. Only a second fault at that moment (the writer dies) leaves the entry to its time to live.
//! So give Redis room, and an eviction policy that spares what is in use: `allkeys-lru` or `volatile-lru`, never
//! `volatile-ttl`.
//!
//! # What it asks of the server
//!
//! Redis 6.2 or later, or Valkey, without a proxy that mixes clients. It speaks RESP3; with `protocol=resp2` a hit of
//! a row fetches the table's generation each time. A user who may run, on `<prefix>:*`: `@connection`, `info`,
//! `mget`, `get`, `getrange`, `set`, `del`, `pexpire`, `pttl`, `hset`, `hmget`, `hgetall`, `hdel`, `publish`,
//! `subscribe`, `time`, `evalsha`, `script|load`, in a cluster `cluster|slots`; and the channels `&<prefix>:*`.
//!
//! In a cluster, a command for a slot that moved is not sent to its new node under the old names: reads go to the
//! database and writes wait for the new layout. A slot that moves away and back within the time to live brings back
//! what it held; flush the cache after that. With Sentinel, an old primary that is cut off from its sentinels may
//! serve those that still reach it: set `min-replicas-to-write`. A primary that is demoted without being told to end
//! its connections (`REPLICAOF` by hand) is noticed at the next heartbeat.

mod client;
mod config;
mod address;
mod load;
mod lease;
mod claim;
mod store;
mod write;
mod stream;
mod settle;
mod merged;
mod message;
mod fetched;
mod programs;
mod name;
mod entry;
mod age;
mod cell;
mod known;
mod log;
mod fills;
mod script;
mod link;
mod batch;
mod cluster;
mod sentinel;
mod keeper;
mod breaker;
mod counters;
mod server;
mod error;

pub use client::RedisCache;
pub use config::RedisConfig;
pub use counters::RedisStatistics;
pub use server::RedisServer;
