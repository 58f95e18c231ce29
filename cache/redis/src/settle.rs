//! Settling: a barrier behind which no near cache answers by what it held before.
//!
//! ```text
//! writer   holders ◀─ settle (script) ─▶ sync message ─▶ stream of each near cache
//!             └─ waits for each: its answer, or the end of its time ◀─ asks for the next
//! ```
//!
//! Who has a near cache is a *holder*: its stream says so with every question that may open its gate. What was
//! published before the script ran is ahead of the sync message in every stream, and ahead of the answer to every
//! question that the server got after the script. So for a holder that the script found, its acknowledgement will do,
//! or the end of the time for which it had asked by then. Who is not among the holders has no open gate, or the hash of
//! the holders was lost. How old the hash is says whether that can be: when it is older than the longest bound,
//! everybody who had a gate before has asked again since, or has closed. No clock is compared with another; times of
//! the server's clock pass here as fast, and a hundredth more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{PushInfo, RedisResult, Value, from_redis_value_ref};
use thing_driver_api::{Error, LeaseId, Result};
use tokio::sync::mpsc;

use crate::batch::{array, bytes, run_on};
use crate::error::{self, unexpected};
use crate::keeper::Way;
use crate::link::{Link, Node};
use crate::message::{self, Id};
use crate::name::{Name, channel};
use crate::script::Script;

/// Identifies the stream of a client: the client, and a number.
pub(crate) type Holder = [u8; 24];

/// Who waits for which barrier, at one node.
#[derive(Debug, Default)]
pub(crate) struct Replies(Mutex<HashMap<Id, mpsc::UnboundedSender<Holder>>>);

impl Replies {
    fn waiting(&self) -> MutexGuard<'_, HashMap<Id, mpsc::UnboundedSender<Holder>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Told by the connection. What can't be read is no answer.
    pub(crate) fn heard(&self, info: &PushInfo) {
        let [_, answer] = &info.data[..] else { return };
        let Some((barrier, holder)) = bytes(answer).and_then(|answer| answer.split_first_chunk()) else { return };
        let Ok(holder) = Holder::try_from(holder) else { return };
        if let Some(waiting) = self.waiting().get(barrier) {
            // Who waits no longer needs no answer.
            let _ = waiting.send(holder);
        }
    }
}

/// What a stream answers to a sync message.
pub(crate) fn reply(barrier: &Id, holder: &Holder) -> Vec<u8> {
    [&barrier[..], holder].concat()
}

/// The barriers of a client: one runs, and those who came since it began share the next.
#[derive(Debug, Default)]
pub(crate) struct Barriers {
    state: Mutex<State>,
    running: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    begun: u64,
    /// The last one that came to an end, and how.
    ended: Option<(u64, Result<(), Error>)>,
}

impl Barriers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a barrier that begins after the call.
    async fn reach(&self, run: impl Future<Output = Result<()>>) -> Result<()> {
        let wanted = self.state().begun + 1;
        let _running = self.running.lock().await;
        let number = {
            let mut state = self.state();
            if let Some((ended, result)) = &state.ended
                && *ended >= wanted
            {
                return result.as_ref().copied().map_err(Error::duplicate);
            }
            state.begun += 1;
            state.begun
        };
        let result = run.await;
        self.state().ended = Some((number, result.as_ref().copied().map_err(Error::duplicate)));
        result
    }
}

/// Waits until no near cache of another client answers by what it held before what was published before the call.
pub(crate) async fn settle(way: &Arc<Way>) -> Result<()> {
    way.counters.settles.add(1);
    let limit = way.config.write_timeout.saturating_add(way.config.bound);
    let reached = way.barriers.reach(barrier(way));
    match tokio::time::timeout(limit, reached).await {
        Ok(result) => result,
        Err(_) => Err(error::timed_out("say that all near caches have been told", limit)),
    }
}

async fn barrier(way: &Arc<Way>) -> Result<()> {
    way.counters.barriers.add(1);
    let asked = way.write("ask who has a near cache", |link| async move {
        let nodes = link.holders().map(|(at, node, holders)| ask(way, &link, at, node, holders));
        futures_util::future::try_join_all(nodes).await
    });
    for asked in asked.await? {
        asked.wait().await;
    }
    Ok(())
}

/// What a node was asked.
struct Asked {
    /// The holders of before, and until when each may be open.
    open: HashMap<Holder, Instant>,
    /// Until when others may be open.
    unknown: Option<Instant>,
    answers: mpsc::UnboundedReceiver<Holder>,
    _waiting: Waiting,
}

/// Ends the wait for answers when it is dropped.
struct Waiting {
    replies: Arc<Replies>,
    barrier: Id,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.replies.waiting().remove(&self.barrier);
    }
}

impl Asked {
    async fn wait(mut self) {
        while let Some(latest) = self.open.values().max() {
            match tokio::time::timeout_at((*latest).into(), self.answers.recv()).await {
                Ok(Some(holder)) => _ = self.open.remove(&holder),
                _ => break,
            }
        }
        if let Some(until) = self.unknown {
            tokio::time::sleep_until(until.into()).await;
        }
    }
}

async fn ask(way: &Way, link: &Link, at: usize, node: &Node, holders: Name) -> RedisResult<Asked> {
    node.listen(&way.config, &way.client).await?;
    let barrier = LeaseId::random().0.to_le_bytes();
    let (sender, answers) = mpsc::unbounded_channel();
    node.replies.waiting().insert(barrier, sender);
    let waiting = Waiting { replies: node.replies.clone(), barrier };
    let mut call = link.call(Script::Settle, &[holders]);
    call.arg(&way.client).arg(channel(&node.head)).arg(message::sync(&way.client, &barrier));
    let mut commands = vec![call];
    commands.extend(link.probes(at));
    let answer = run_on(&node.connection().handle(), &link.scripts, commands, Vec::new()).await?;
    let now = Instant::now();
    let Some(Value::Array(found)) = answer.into_iter().next() else { return Err(unexpected("holders")) };
    let [age, bound, found @ ..] = &found[..] else { return Err(unexpected("holders")) };
    let (age, bound): (u64, u64) = (from_redis_value_ref(age)?, from_redis_value_ref(bound)?);
    let mut open = HashMap::with_capacity(found.len());
    for holder in found {
        let holder = array(holder.clone(), 2)?;
        let id = bytes(&holder[0]).and_then(|id| Holder::try_from(id).ok()).ok_or_else(|| unexpected("a holder"))?;
        open.insert(id, end(now, Duration::from_millis(from_redis_value_ref(&holder[1])?)));
    }
    let old = way.config.bound.max(Duration::from_millis(bound));
    let left = old.checked_sub(Duration::from_millis(age)).filter(|left| !left.is_zero());
    Ok(Asked { open, unknown: left.map(|left| end(now, left)), answers, _waiting: waiting })
}

/// When a time that began before `now` on the server's clock is certainly over: clocks differ in their rates, and show
/// whole milliseconds.
fn end(now: Instant, left: Duration) -> Instant {
    let left = left.saturating_add(left / 100).saturating_add(Duration::from_millis(2));
    now.checked_add(left).unwrap_or(now + Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    /// Those who come while one runs share the next, and it begins after they came.
    #[tokio::test]
    async fn barriers_are_shared() {
        let (barriers, runs) = (Arc::new(Barriers::default()), Arc::new(AtomicUsize::new(0)));
        let (open, gate) = tokio::sync::watch::channel(false);
        let call = || {
            let (barriers, runs, mut gate) = (barriers.clone(), runs.clone(), gate.clone());
            tokio::spawn(async move {
                let run = async {
                    runs.fetch_add(1, SeqCst);
                    let _ = gate.wait_for(|open| *open).await;
                    Ok(())
                };
                barriers.reach(pin!(run)).await
            })
        };
        let first = call();
        while runs.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (0..100).map(|_| call()).collect();
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(runs.load(SeqCst), 1, "one at a time");
        open.send(true).expect("they wait");
        for call in others.into_iter().chain([first]) {
            call.await.expect("no panic").expect("it is reached");
        }
        assert_eq!(runs.load(SeqCst), 2);
        call().await.expect("no panic").expect("it is reached");
        assert_eq!(runs.load(SeqCst), 3, "what ended before does not count");
    }

    #[tokio::test]
    async fn a_failure_is_shared_and_a_caller_that_goes_away_is_not_waited_for() {
        let barriers = Arc::new(Barriers::default());
        let lost = tokio::time::timeout(Duration::from_millis(1), barriers.reach(std::future::pending())).await;
        assert!(lost.is_err());
        barriers.reach(async { Err(Error::cache("no")) }).await.expect_err("it failed");
        barriers.reach(async { Ok(()) }).await.expect("another one");
    }
}
