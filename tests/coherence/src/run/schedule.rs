//! Faults, one after the other, chosen by a seed.

use std::error::Error;
use std::time::Duration;

use thing_test_servers::{Direction, Instance, Proxy};
use tokio::time::sleep;

use super::fault::{Fault, FaultKind};
use super::fleet::{Fleet, Worker};
use super::servers::Servers;
use crate::clock;
use crate::instrument::Step;
use crate::options::Options;
use thing_test_random::Random;

/// How long a worker may take to come to the step at which it is to end.
const TO_THE_STEP: Duration = Duration::from_secs(5);

/// What goes wrong when.
#[derive(Debug)]
pub(super) struct Schedule {
    random: Random,
    faults: Vec<(u64, FaultKind)>,
    workers: u64,
    gap: u64,
}

/// Whether a fault struck, and how.
type Struck = Result<(bool, String), Box<dyn Error>>;

impl Schedule {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            random: Random::seeded(options.seed),
            faults: options.faults.iter().map(|fault| (fault.weight(), *fault)).collect(),
            workers: options.workers as u64,
            gap: options.gap.as_millis() as u64,
        }
    }

    /// Lets things go wrong until the end.
    pub(super) async fn inject(
        &self,
        servers: &mut Servers,
        fleet: &mut Fleet,
        end: u64,
    ) -> Result<Vec<Fault>, Box<dyn Error>> {
        let mut faults = Vec::new();
        let (mut told, minute) = (clock::now(), 60_000_000_000);
        loop {
            sleep(self.milliseconds(self.gap / 4, self.gap)).await;
            fleet.all_run()?;
            if clock::now() >= end {
                return Ok(faults);
            }
            if clock::now() - told > minute {
                told += minute;
                eprintln!("{} faults, {} minutes to go", faults.len(), end.saturating_sub(told) / minute);
            }
            if let Some(kind) = self.random.weighted(&self.faults) {
                faults.push(self.strike(kind, servers, fleet).await?);
            }
        }
    }

    async fn strike(&self, kind: FaultKind, servers: &mut Servers, fleet: &mut Fleet) -> Result<Fault, Box<dyn Error>> {
        let one = self.random.below(self.workers) as usize;
        let begin = clock::now();
        let (process, (applied, detail)) = match kind {
            FaultKind::Kill => (Some(one), (fleet.kill(one).await?, String::new())),
            FaultKind::KillAtStep => (Some(one), self.kill_at_step(fleet, one).await?),
            FaultKind::Stop => (Some(one), self.stop(&fleet.workers()[one]).await),
            FaultKind::RedisKill => (None, self.restart(servers.redis.as_mut()).await),
            FaultKind::DatabaseKill => (None, self.restart(servers.database.as_mut()).await),
            FaultKind::RedisPause => (None, self.pause(servers.redis.as_ref(), 2_000).await),
            FaultKind::DatabasePause => (None, self.pause(servers.database.as_ref(), 1_500).await),
            FaultKind::RedisClockAhead | FaultKind::RedisClockBack => (None, self.move_clock(kind, servers).await?),
            FaultKind::RedisFailover => (None, fail_over(servers, fleet).await?),
            FaultKind::RedisFlush | FaultKind::RedisMemory | FaultKind::RedisLoseKeys => {
                (None, self.lose(kind, servers).await?)
            }
            _ => {
                let process = (self.random.below(3) > 0).then_some(one);
                let struck = fleet.workers().iter().enumerate();
                let struck = struck.filter(|(at, _)| process.is_none_or(|one| *at == one));
                let database = matches!(kind, FaultKind::DatabaseCut | FaultKind::DatabaseLoseAnswer);
                let way = |(_, worker)| way(worker, database);
                let proxies: Vec<&Proxy> = struck.filter_map(way).collect();
                (process, self.link(kind, &proxies).await)
            }
        };
        let end = clock::now();
        if matches!(kind, FaultKind::Kill | FaultKind::KillAtStep) {
            fleet.restart(one, servers).await?;
        }
        Ok(Fault { kind, process, begin, end, applied, detail })
    }

    async fn kill_at_step(&self, fleet: &mut Fleet, process: usize) -> Struck {
        let step = Step::ALL[self.random.below(Step::ALL.len() as u64) as usize];
        let struck = fleet.kill_at(process, step.name(), self.random.between(1, 20), TO_THE_STEP).await?;
        Ok((struck, step.name().to_owned()))
    }

    async fn stop(&self, worker: &Worker) -> (bool, String) {
        let time = self.milliseconds(100, 3_000);
        let stopped = worker.pause();
        sleep(time).await;
        (worker.resume() && stopped, format!("{} ms", time.as_millis()))
    }

    async fn restart(&self, server: Option<&mut Instance>) -> (bool, String) {
        let Some(server) = server else { return (false, String::new()) };
        let time = self.milliseconds(0, 1_000);
        server.kill().await;
        sleep(time).await;
        server.start().await;
        (true, format!("{} ms", time.as_millis()))
    }

    async fn pause(&self, server: Option<&Instance>, longest: u64) -> (bool, String) {
        let Some(server) = server else { return (false, String::new()) };
        let time = self.milliseconds(50, longest);
        server.pause();
        sleep(time).await;
        server.resume();
        (true, format!("{} ms", time.as_millis()))
    }

    async fn move_clock(&self, kind: FaultKind, servers: &mut Servers) -> Struck {
        // Marks last thirty seconds.
        let seconds = self.random.between(31, 120).cast_signed();
        let seconds = if kind == FaultKind::RedisClockAhead { seconds } else { -seconds };
        Ok((servers.move_clock(seconds).await?, format!("{seconds:+} s")))
    }

    async fn lose(&self, kind: FaultKind, servers: &Servers) -> Struck {
        Ok(match kind {
            FaultKind::RedisFlush => {
                let keys: u64 = servers.command(&["DBSIZE"]).await?;
                let () = servers.command(&["FLUSHALL"]).await?;
                (keys > 0, format!("{keys} keys"))
            }
            FaultKind::RedisLoseKeys => {
                let keys = servers.lose_keys(self.random.between(10, 500)).await?;
                (keys > 0, format!("{keys} keys"))
            }
            _ => {
                let (used, before) = (servers.redis_figure("used_memory").await?, evicted(servers).await?);
                let limit = used - used / self.random.between(3, 20);
                let () = servers.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await?;
                let () = servers.command(&["CONFIG", "SET", "maxmemory", &limit.to_string()]).await?;
                sleep(self.milliseconds(500, 3_000)).await;
                let () = servers.command(&["CONFIG", "SET", "maxmemory", "0"]).await?;
                let keys = evicted(servers).await? - before;
                (keys > 0, format!("{keys} keys evicted"))
            }
        })
    }

    async fn link(&self, kind: FaultKind, proxies: &[&Proxy]) -> (bool, String) {
        let open: usize = proxies.iter().map(|proxy| proxy.open()).sum();
        let mut detail = format!("{open} connections");
        match kind {
            FaultKind::LinkCut | FaultKind::DatabaseCut => cut(proxies).await,
            FaultKind::LinkRefuse => {
                proxies.iter().for_each(|proxy| proxy.refuse(true));
                cut(proxies).await;
                sleep(self.milliseconds(100, 3_000)).await;
                proxies.iter().for_each(|proxy| proxy.refuse(false));
            }
            FaultKind::LinkSlow => {
                let delay = self.milliseconds(1, 60);
                proxies.iter().for_each(|proxy| proxy.delay(delay));
                sleep(self.milliseconds(500, 2_000)).await;
                proxies.iter().for_each(|proxy| proxy.delay(Duration::ZERO));
                detail = format!("{} ms", delay.as_millis());
            }
            FaultKind::LinkStall | FaultKind::LinkBlackHole => {
                let direction = [Direction::ToServer, Direction::ToClient][self.random.below(2) as usize];
                let hole = kind == FaultKind::LinkBlackHole;
                for proxy in proxies {
                    if hole { proxy.black_hole(direction) } else { proxy.stall(direction) }
                }
                let time = self.milliseconds(50, 2_000);
                sleep(time).await;
                if hole {
                    // A connection that lost bytes in the middle never goes on in a real network.
                    proxies.iter().for_each(|proxy| proxy.refuse(true));
                    cut(proxies).await;
                }
                proxies.iter().for_each(|proxy| proxy.resume());
                proxies.iter().for_each(|proxy| proxy.refuse(false));
                detail = format!("{direction:?} {} ms", time.as_millis());
            }
            FaultKind::DatabaseLoseAnswer => return self.lose_answer(proxies).await,
            _ => return (false, "not of a link".to_owned()),
        }
        (open > 0, detail)
    }

    /// A lost answer shows by the connection that is gone, or by the one that was made in its place.
    async fn lose_answer(&self, proxies: &[&Proxy]) -> (bool, String) {
        let accepted = || proxies.iter().map(|proxy| proxy.accepted()).sum::<usize>();
        let open = || proxies.iter().map(|proxy| proxy.open()).sum::<usize>();
        let (before, open_before) = (accepted(), open());
        for proxy in proxies {
            proxy.cut_after(Direction::ToClient, self.random.below(3_000));
        }
        for _ in 0..100 {
            sleep(Duration::from_millis(20)).await;
            if accepted() > before || open() < open_before {
                return (true, String::new());
            }
        }
        (false, "no connection is gone".to_owned())
    }

    fn milliseconds(&self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.random.between(least, most))
    }
}

async fn fail_over(servers: &mut Servers, fleet: &Fleet) -> Struck {
    let Some(keys) = servers.fail_over().await? else { return Ok((false, "the replica is not in step".to_owned())) };
    let address = servers.redis.as_ref().map_or(String::new(), Instance::address);
    for proxy in fleet.workers().iter().filter_map(|worker| worker.redis.as_ref()) {
        proxy.redirect(&address);
    }
    Ok((true, format!("{keys} keys")))
}

fn way(worker: &Worker, to_database: bool) -> Option<&Proxy> {
    if to_database { worker.database.as_ref() } else { worker.redis.as_ref() }
}

async fn cut(proxies: &[&Proxy]) {
    for proxy in proxies {
        proxy.cut_all().await;
    }
}

async fn evicted(servers: &Servers) -> redis::RedisResult<u64> {
    servers.redis_figure("evicted_keys").await
}
