//! What other clients invalidate, for a near cache.
//!
//! ```text
//! server ── message ──▶ connection ──▶ queue ──▶ next ──▶ near cache
//!        ── answer to a question ─────▶   "        └─ opens the gate · acknowledges a sync message
//! ```
//!
//! Each node is reached by a connection of its own, which is subscribed to the node's channel. The question whether the
//! gate may open goes over the same connections, so its answer comes behind all messages that the server sent before,
//! and is put into the queue when these are in it: the connection puts messages there itself, before it takes the
//! answer from its stream. So when `next` finds the answer, everything before it was handed out, and as the caller asks
//! for the next, it has taken effect. The gate opens until the bound after the moment *before* the question was sent.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::{select, try_join_all};
use redis::aio::{AsyncPushSender, MultiplexedConnection, SendError};
use redis::{Cmd, Pipeline, PushInfo, PushKind, RedisResult};
use thing_driver_api::{Error, Gate, Invalidation, InvalidationStream, LeaseId, Result};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::batch::{bytes, run_on};
use crate::config::{RedisConfig, milliseconds};
use crate::counters::Counter;
use crate::error;
use crate::keeper::Way;
use crate::link::{Link, within};
use crate::message::{self, Id, Message};
use crate::name::{Name, channel, reply_channel};
use crate::script::Script;
use crate::settle::{Holder, reply};

/// Bytes of messages that may wait. A near cache that is so far behind knows too little.
const MAX_QUEUED: usize = 32 << 20;
/// What a message takes besides its bytes.
const OVERHEAD: usize = 128;

/// The stream of a near cache.
pub(crate) struct Stream {
    shared: Arc<Shared>,
    items: mpsc::UnboundedReceiver<Item>,
    acknowledgements: mpsc::UnboundedSender<Acknowledgement>,
    bound: Duration,
    _stop: oneshot::Sender<()>,
}

/// What the stream has in common with those who feed it.
#[derive(Debug)]
pub(crate) struct Shared {
    gate: Arc<Gate>,
    items: mpsc::UnboundedSender<Item>,
    queued: AtomicUsize,
    /// Whether an answer waits in the queue, and who asks on when it has been taken out.
    answered: AtomicBool,
    taken: Notify,
    ended: OnceLock<Error>,
    heard: Arc<Counter>,
    client: Id,
}

#[derive(Debug)]
enum Item {
    Told {
        invalidation: Invalidation,
        size: usize,
    },
    Sync(Acknowledgement),
    /// The answer to the question of that moment.
    Answer(Instant),
    Ended,
}

/// A sync message that came from a node.
#[derive(Debug)]
struct Acknowledgement {
    node: usize,
    sender: Id,
    barrier: Id,
}

impl Stream {
    /// Listens to all nodes.
    pub(crate) async fn open(way: &Way, bound: Duration) -> Result<Self> {
        let config = &way.config;
        check(config, bound)?;
        let link = way.link().ok_or_else(|| error::unreachable("tell what others invalidate"))?;
        let (items, received) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            gate: Arc::default(),
            items,
            queued: AtomicUsize::new(0),
            answered: AtomicBool::new(false),
            taken: Notify::new(),
            ended: OnceLock::new(),
            heard: way.counters.heard.clone(),
            client: way.client,
        });
        if !way.watch(&link, &shared) {
            return Err(error::unreachable("tell what others invalidate"));
        }
        let connections =
            try_join_all(link.holders().map(|(node, _, _)| connect(config, &link, node, &shared))).await?;
        let (acknowledgements, to_send) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let holder = holder(&way.client);
        tokio::spawn(acknowledge(link.clone(), connections.clone(), holder, to_send));
        let questions = Questions { link, connections, holder, bound, config: config.clone(), shared: shared.clone() };
        tokio::spawn(questions.ask(stopped));
        Ok(Self { shared, items: received, acknowledgements, bound, _stop: stop })
    }
}

fn check(config: &RedisConfig, bound: Duration) -> Result<()> {
    if !config.resp3 {
        return Err(Error::invalid_input(
            "Redis tells what others invalidate by RESP3 only; drop `protocol=resp2` from the URL of the cache",
        ));
    }
    if bound > config.bound {
        return Err(Error::invalid_input(format!(
            "a near cache may serve for at most {:?} without news, as `RedisConfig::bound` says, and this one asks for \
             {bound:?}; raise the bound of the cache in all programs, or lower that of the near cache",
            config.bound
        )));
    }
    Ok(())
}

fn holder(client: &Id) -> Holder {
    let mut holder = [0; 24];
    holder[..16].copy_from_slice(client);
    holder[16..].copy_from_slice(&(LeaseId::random().0 as u64).to_le_bytes());
    holder
}

async fn connect(
    config: &RedisConfig,
    link: &Link,
    node: usize,
    shared: &Arc<Shared>,
) -> Result<(usize, MultiplexedConnection)> {
    let of = &link.nodes[node];
    let mut connection = of.open(config, Ear { node, shared: shared.clone() }).await?;
    let subscribed = within(config.connect_timeout, connection.subscribe(channel(&of.head))).await;
    subscribed.map_err(|error| error::connecting(&of.address, error))?;
    Ok((node, connection))
}

#[async_trait]
impl InvalidationStream for Stream {
    /// May be dropped while it waits.
    async fn next(&mut self) -> Result<Invalidation> {
        loop {
            if let Some(error) = self.shared.ended.get() {
                return Err(error.duplicate());
            }
            // Everything that was handed out has taken effect, or the caller would not ask.
            match self.items.recv().await {
                Some(Item::Told { invalidation, size }) => {
                    self.shared.queued.fetch_sub(size, SeqCst);
                    self.shared.heard.add(1);
                    return Ok(invalidation);
                }
                Some(Item::Sync(acknowledgement)) => _ = self.acknowledgements.send(acknowledgement),
                Some(Item::Answer(asked)) => {
                    if let Some(until) = asked.checked_add(self.bound) {
                        self.shared.gate.open_until(until);
                    }
                    self.shared.answered.store(false, SeqCst);
                    self.shared.taken.notify_one();
                }
                Some(Item::Ended) | None => self.shared.end(error::unreachable("tell what others invalidate")),
            }
        }
    }

    fn gate(&self) -> Arc<Gate> {
        self.shared.gate.clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.gate.close();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("gate", &self.shared.gate).field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl Shared {
    /// Closes the gate for good. What is held from now on is in doubt.
    pub(crate) fn end(&self, why: Error) {
        self.gate.close();
        // Only the first reason counts.
        let _ = self.ended.set(why);
        let _ = self.items.send(Item::Ended);
    }

    fn heard(&self, node: usize, info: &PushInfo) {
        let message = match &info.data[..] {
            [_, message] => bytes(message),
            _ => None,
        };
        let Some((size, (sender, message))) = message.and_then(|it| Some((it.len() + OVERHEAD, message::read(it)?)))
        else {
            return self.end(Error::cache(
                "another client of the Redis cache sent a message that can't be read; do all programs have the same \
                 version?",
            ));
        };
        if sender == self.client {
            return;
        }
        let item = match message {
            Message::Sync { barrier } => Item::Sync(Acknowledgement { node, sender, barrier }),
            Message::Told(_) if self.queued.fetch_add(size, SeqCst) > MAX_QUEUED => {
                return self.end(Error::cache(format!(
                    "the near cache is behind by more than {MAX_QUEUED} bytes of what others invalidate"
                )));
            }
            Message::Told(invalidation) => Item::Told { invalidation, size },
        };
        let _ = self.items.send(item);
    }
}

/// Told by a connection, in the order of its stream.
struct Ear {
    node: usize,
    shared: Arc<Shared>,
}

impl AsyncPushSender for Ear {
    fn send(&self, info: PushInfo) -> Result<(), SendError> {
        match info.kind {
            PushKind::Message => self.shared.heard(self.node, &info),
            PushKind::Disconnection | PushKind::Unsubscribe => self.shared.end(error::disconnected()),
            _ => {}
        }
        Ok(())
    }
}

impl Drop for Ear {
    /// The connection has ended, however it did.
    fn drop(&mut self) {
        self.shared.end(error::disconnected());
    }
}

/// Asks, time and again, whether the gate may open.
struct Questions {
    link: Arc<Link>,
    connections: Vec<(usize, MultiplexedConnection)>,
    holder: Holder,
    bound: Duration,
    config: RedisConfig,
    shared: Arc<Shared>,
}

impl Questions {
    /// Until the stream is dropped or has ended.
    async fn ask(self, stopped: oneshot::Receiver<()>) {
        select(pin!(self.ask_on()), stopped).await;
        let leaving = try_join_all(self.commands(|holders| {
            let mut leave = self.link.keyed("HDEL", holders);
            leave.arg(&self.holder);
            vec![leave]
        }));
        // Who does not get this waits until the holder's time is over.
        let _ = within(self.config.write_timeout, leaving).await;
    }

    async fn ask_on(&self) {
        while self.shared.ended.get().is_none() {
            let asked = Instant::now();
            let answers = try_join_all(self.commands(|holders| {
                let mut register = self.link.call(Script::Gate, &[holders]);
                register.arg(&self.holder).arg(milliseconds(self.bound));
                vec![register]
            }));
            // When the gate is closed there may have been a reason for the silence.
            match tokio::time::timeout(self.bound, answers).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return self.shared.end(error::failed("open the gate of a near cache", error)),
                Err(_) => return self.shared.end(error::timed_out("open the gate of a near cache", self.bound)),
            }
            // One answer at a time: a caller that asks for nothing is told nothing more.
            self.shared.answered.store(true, SeqCst);
            let _ = self.shared.items.send(Item::Answer(asked));
            while self.shared.answered.load(SeqCst) {
                self.shared.taken.notified().await;
            }
            tokio::time::sleep_until((asked + self.config.gate_interval).into()).await;
        }
    }

    /// Runs commands on each node, and with them what shows whether its shards are still there.
    fn commands(
        &self,
        of: impl Fn(Name) -> Vec<Cmd>,
    ) -> impl Iterator<Item = impl Future<Output = RedisResult<Vec<redis::Value>>>> {
        self.link.holders().zip(&self.connections).map(move |((node, _, holders), (_, connection))| {
            let mut commands = of(holders);
            commands.extend(self.link.probes(node));
            run_on(connection, &self.link.scripts, commands, Vec::new())
        })
    }
}

/// Tells writers that what they published before a sync message has taken effect, until the stream is dropped.
async fn acknowledge(
    link: Arc<Link>,
    connections: Vec<(usize, MultiplexedConnection)>,
    holder: Holder,
    mut acknowledgements: mpsc::UnboundedReceiver<Acknowledgement>,
) {
    while let Some(first) = acknowledgements.recv().await {
        let mut pipelines: Vec<Pipeline> = connections.iter().map(|_| Pipeline::new()).collect();
        let mut next = Some(first);
        while let Some(Acknowledgement { node, sender, barrier }) = next {
            if let Some(at) = connections.iter().position(|(of, _)| *of == node) {
                let to = reply_channel(&link.nodes[node].head, &sender);
                pipelines[at].cmd("PUBLISH").arg(to).arg(reply(&barrier, &holder));
            }
            next = acknowledgements.try_recv().ok();
        }
        for ((_, connection), pipeline) in
            connections.iter().zip(pipelines).filter(|(_, pipeline)| !pipeline.is_empty())
        {
            // A writer that does not get this waits until the holder's time is over.
            let _: RedisResult<()> = pipeline.query_async(&mut connection.clone()).await;
        }
    }
}
