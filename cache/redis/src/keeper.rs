//! Keeps the link: tests it, replaces it when it is lost, and tries again the releases that failed.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use redis::{RedisError, RedisResult};
use thing_driver_api::clock::Limit;
use thing_driver_api::{LeaseId, Result};
use tokio::sync::Notify;

use crate::breaker::Breaker;
use crate::config::RedisConfig;
use crate::counters::Counters;
use crate::error;
use crate::link::Link;
use crate::merged::Merged;
use crate::message::Id;
use crate::programs::Programs;
use crate::settle::Barriers;
use crate::stream::Shared;
use crate::write::{Quarantine, Release};

/// The way to the servers, with all that guards it.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) config: RedisConfig,
    pub(crate) counters: Counters,
    link: ArcSwapOption<Link>,
    /// Wakes who waits for a link.
    linked: Notify,
    links: AtomicU64,
    breaker: Breaker,
    read_timeout: Limit,
    write_timeout: Limit,
    /// Wakes the keeper.
    kick: Arc<Notify>,
    failed_releases: Mutex<VecDeque<FailedRelease>>,
    /// Differs from that of every other client.
    pub(crate) client: Id,
    pub(crate) barriers: Barriers,
    pub(crate) programs: Programs,
    pub(crate) quarantines: Merged<Quarantine>,
    pub(crate) releases: Merged<Release>,
    /// Those that are right only while the link stays the one in use.
    streams: Mutex<Vec<Weak<Shared>>>,
}

/// A release that failed, to be tried again.
#[derive(Debug)]
pub(crate) struct FailedRelease {
    pub(crate) release: Release,
    /// When it is of no use any more: the quarantine has lapsed.
    pub(crate) until: Instant,
}

/// The most releases kept for another try. Those beyond lapse.
const MAX_RELEASES: usize = 1024;
/// The pause between two links, however often they are lost.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Way {
    /// Connects, and keeps the connection until the way is dropped.
    pub(crate) async fn open(config: RedisConfig) -> Result<Arc<Self>> {
        config.check()?;
        let link = Link::connect(&config, 0).await?;
        let kick = Arc::new(Notify::new());
        let way = Arc::new(Self {
            breaker: Breaker::new(config.breaker_failures),
            counters: Counters::default(),
            link: ArcSwapOption::from_pointee(link),
            linked: Notify::new(),
            links: AtomicU64::new(1),
            kick: kick.clone(),
            failed_releases: Mutex::default(),
            client: LeaseId::random().0.to_le_bytes(),
            barriers: Barriers::default(),
            programs: Programs::default(),
            quarantines: Merged::default(),
            releases: Merged::default(),
            streams: Mutex::default(),
            read_timeout: Limit::new(config.read_timeout),
            write_timeout: Limit::new(config.write_timeout),
            config,
        });
        way.counters.links.add(1);
        tokio::spawn(keep(Arc::downgrade(&way), kick));
        Ok(way)
    }

    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        self.link.load_full()
    }

    /// Whether reads are not let through, because the server did not answer lately.
    pub(crate) fn is_sparing(&self) -> bool {
        self.breaker.is_open()
    }

    /// The link for a read, which is not made to wait.
    pub(crate) fn link_for_read(&self, what: &str) -> Result<Arc<Link>> {
        match self.link() {
            Some(link) if !self.is_sparing() => Ok(link),
            _ => {
                self.counters.spared.add(1);
                Err(error::unreachable(what))
            }
        }
    }

    /// Runs a read, for as long as reads may take. It is pinned by the caller: moving it through here costs more than
    /// the rest of this does.
    pub(crate) async fn read<T>(
        &self,
        what: &str,
        link: &Link,
        run: Pin<&mut impl Future<Output = RedisResult<T>>>,
    ) -> Result<T> {
        match self.read_timeout.apply(run).await {
            Some(Ok(answer)) => {
                self.breaker.succeeded();
                Ok(answer)
            }
            Some(Err(error)) => Err(self.failed(what, link, error)),
            None => Err(self.timed_out(what, self.config.read_timeout)),
        }
    }

    /// Runs a command that may run twice, on another link if one is lost, for as long as writes may take.
    pub(crate) async fn write<T, R>(&self, what: &str, run: impl Fn(Arc<Link>) -> R) -> Result<T>
    where
        R: Future<Output = RedisResult<T>>,
    {
        let tries = async {
            loop {
                let link = self.linked().await;
                match run(link.clone()).await {
                    Err(error) if error::is_of_the_link(&error) => {
                        self.failed(what, &link, error);
                    }
                    Err(error) => return Err(self.failed(what, &link, error)),
                    Ok(answer) => {
                        self.breaker.succeeded();
                        return Ok(answer);
                    }
                }
            }
        };
        match self.write_timeout.apply(pin!(tries)).await {
            Some(result) => result,
            None => {
                let error = self.timed_out(what, self.config.write_timeout);
                self.kick.notify_one();
                Err(error)
            }
        }
    }

    /// Waits for what runs elsewhere, for as long as writes may take.
    pub(crate) async fn wait<T>(&self, what: &str, run: Pin<&mut impl Future<Output = T>>) -> Result<T> {
        match self.write_timeout.apply(run).await {
            Some(answer) => Ok(answer),
            None => Err(self.timed_out(what, self.config.write_timeout)),
        }
    }

    /// Keeps a release for another try.
    pub(crate) fn release_later(&self, release: FailedRelease) {
        let mut releases = self.failed_releases.lock().unwrap_or_else(PoisonError::into_inner);
        if releases.len() < MAX_RELEASES {
            releases.push_back(release);
        }
    }

    pub(crate) fn take_failed_release(&self) -> Option<FailedRelease> {
        let mut releases = self.failed_releases.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while let Some(release) = releases.pop_front() {
            if now < release.until {
                return Some(release);
            }
        }
        None
    }

    /// Waits for a link.
    async fn linked(&self) -> Arc<Link> {
        loop {
            let mut linked = pin!(self.linked.notified());
            // From here on a link that comes is not missed.
            linked.as_mut().enable();
            match self.link() {
                Some(link) => return link,
                None => linked.await,
            }
        }
    }

    fn failed(&self, what: &str, link: &Link, error: RedisError) -> thing_driver_api::Error {
        self.counters.failures.add(1);
        if error::is_of_the_link(&error) {
            self.lose(link);
        }
        self.fail();
        error::failed(what, error)
    }

    fn timed_out(&self, what: &str, after: Duration) -> thing_driver_api::Error {
        self.counters.timeouts.add(1);
        self.fail();
        error::timed_out(what, after)
    }

    fn fail(&self) {
        if self.breaker.failed() {
            self.kick.notify_one();
        }
    }

    /// Gives up a link, if it is still the one in use.
    fn lose(&self, link: &Link) {
        let mut streams = self.streams();
        if self.link().is_some_and(|current| current.number == link.number) {
            self.link.store(None);
            end_all(&mut streams);
            self.kick.notify_one();
        }
    }

    /// Has all use a new link.
    fn put(&self, link: Link) {
        self.counters.links.add(1);
        let mut streams = self.streams();
        end_all(&mut streams);
        self.link.store(Some(Arc::new(link)));
        drop(streams);
        self.linked.notify_waiters();
    }

    /// Ends a stream when the link is lost, before another is used; returns whether it is still in use.
    pub(crate) fn watch(&self, link: &Link, stream: &Arc<Shared>) -> bool {
        let mut streams = self.streams();
        streams.retain(|stream| stream.strong_count() > 0);
        let is_current = self.link().is_some_and(|current| current.number == link.number);
        if is_current {
            streams.push(Arc::downgrade(stream));
        }
        is_current
    }

    /// The link changes under this lock only.
    fn streams(&self) -> MutexGuard<'_, Vec<Weak<Shared>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end_all(streams: &mut Vec<Weak<Shared>>) {
    for stream in streams.drain(..).filter_map(|stream| stream.upgrade()) {
        stream.end(error::unreachable("tell what others invalidate"));
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        end_all(self.streams.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.kick.notify_one();
    }
}

async fn keep(way: Weak<Way>, kick: Arc<Notify>) {
    let mut pause = PAUSE;
    let mut wait = match way.upgrade() {
        Some(way) => way.config.heartbeat,
        None => return,
    };
    loop {
        let _ = tokio::time::timeout(wait, kick.notified()).await;
        let Some(way) = way.upgrade() else { return };
        if let Some(link) = way.link() {
            let began = Instant::now();
            if link.check(&way.config).await.is_ok() {
                if began.elapsed() <= way.config.read_timeout {
                    way.breaker.close();
                }
                crate::write::release_failed(&way).await;
                wait = if way.breaker.is_open() { way.config.breaker_wait } else { way.config.heartbeat };
                continue;
            }
            way.lose(&link);
        }
        match Link::connect(&way.config, way.links.fetch_add(1, Relaxed)).await {
            Ok(link) => {
                way.put(link);
                drop(way);
                tokio::time::sleep(PAUSE).await;
                // Tests it at once, which closes the breaker.
                (pause, wait) = (PAUSE, Duration::ZERO);
            }
            Err(_) => {
                drop(way);
                tokio::time::sleep(pause).await;
                (pause, wait) = ((pause * 2).min(LONGEST_PAUSE), Duration::ZERO);
            }
        }
    }
}
