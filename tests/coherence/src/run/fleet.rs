//! The workers of a run, each with proxies of its own.

use std::error::Error;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use thing_test_servers::Proxy;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::servers::Servers;
use crate::model::SEEDER;
use crate::options::{Options, WorkerOptions};

/// How long a worker may take to connect, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The workers.
#[derive(Debug)]
pub(super) struct Fleet {
    options: Options,
    directory: PathBuf,
    workers: Vec<Worker>,
    incarnations: u16,
}

/// A worker and the ways to its servers.
#[derive(Debug)]
pub(super) struct Worker {
    process: usize,
    child: Child,
    /// Apart from the child, because to wait for a child closes its input.
    input: Option<ChildStdin>,
    pub(super) redis: Option<Proxy>,
    pub(super) database: Option<Proxy>,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

impl Fleet {
    pub(super) async fn start(options: &Options, servers: &Servers, directory: &Path) -> Outcome<Self> {
        let mut fleet = Self {
            options: options.clone(),
            directory: directory.to_owned(),
            workers: Vec::new(),
            incarnations: SEEDER,
        };
        for process in 0..options.workers {
            let redis = match &servers.redis {
                Some(instance) => Some(Proxy::to(&instance.address()).await),
                None => None,
            };
            let database = match &servers.database {
                Some(instance) => Some(Proxy::to(&instance.address()).await),
                None => None,
            };
            let mut child = fleet.spawn(process, servers, redis.as_ref(), database.as_ref(), false).await?;
            fleet.workers.push(Worker { process, input: child.stdin.take(), child, redis, database });
        }
        Ok(fleet)
    }

    async fn spawn(
        &mut self,
        process: usize,
        servers: &Servers,
        redis: Option<&Proxy>,
        database: Option<&Proxy>,
        sweep: bool,
    ) -> Outcome<Child> {
        self.incarnations += 1;
        let database_url = servers.database_url();
        let cache_url = servers.redis.as_ref().map_or("", |instance| instance.url()).to_owned();
        let worker = WorkerOptions {
            options: self.options.clone(),
            process,
            incarnation: self.incarnations,
            directory: self.directory.clone(),
            database_url: database.map_or(database_url.clone(), |proxy| proxy.url_through(&database_url)),
            cache_url: redis.map_or(cache_url.clone(), |proxy| proxy.url_through(&cache_url)),
            sweep,
        };
        let log = File::options().append(true).create(true).open(self.directory.join(format!("log-{process}")))?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("worker")
            .args(worker.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Keeps the interrupt of a terminal away from the worker.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("a worker has no output")?;
        let mut line = String::new();
        // Whoever does not get ready in time is seen by `all_run`, or gets ready later.
        let _ = timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await;
        Ok(child)
    }

    pub(super) fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// Fails if a worker has ended by itself.
    pub(super) fn all_run(&mut self) -> Outcome<()> {
        for worker in &mut self.workers {
            if let Some(status) = worker.child.try_wait()? {
                return Err(format!("worker {} ended by itself, with {status}", worker.process).into());
            }
        }
        Ok(())
    }

    /// Kills a worker; whether that is what it died of.
    pub(super) async fn kill(&mut self, process: usize) -> Outcome<bool> {
        let child = &mut self.workers[process].child;
        child.start_kill()?;
        Ok(was_killed(child.wait().await?))
    }

    /// Tells a worker to kill itself at a step; whether it did so in time.
    pub(super) async fn kill_at(&mut self, process: usize, step: &str, passes: u64, limit: Duration) -> Outcome<bool> {
        self.tell(process, &format!("kill {step} {passes}\n")).await;
        match timeout(limit, self.workers[process].child.wait()).await {
            Ok(status) => Ok(was_killed(status?)),
            Err(_) => {
                self.tell(process, &format!("kill {step} 0\n")).await;
                Ok(false)
            }
        }
    }

    async fn tell(&mut self, process: usize, line: &str) {
        if let Some(input) = &mut self.workers[process].input {
            // A worker that is dead is seen by what follows.
            let _ = input.write_all(line.as_bytes()).await;
        }
    }

    /// Starts a worker anew if it has ended.
    pub(super) async fn restart(&mut self, process: usize, servers: &Servers) -> Outcome<()> {
        if self.workers[process].child.try_wait()?.is_none() {
            return Ok(());
        }
        let (redis, database) = (self.workers[process].redis.take(), self.workers[process].database.take());
        let mut child = self.spawn(process, servers, redis.as_ref(), database.as_ref(), false).await?;
        self.workers[process] = Worker { process, input: child.stdin.take(), child, redis, database };
        Ok(())
    }

    /// Ends all workers in order.
    pub(super) async fn stop(&mut self) -> Outcome<()> {
        for worker in &mut self.workers {
            drop(worker.input.take());
        }
        for worker in &mut self.workers {
            let status = timeout(PATIENCE, worker.child.wait()).await;
            let status = status.map_err(|_| format!("worker {} does not end", worker.process))??;
            if !status.success() {
                return Err(format!("worker {} ended with {status}", worker.process).into());
            }
        }
        Ok(())
    }

    /// Reads everything once, in one more process, when nothing is written any more.
    pub(super) async fn sweep(&mut self, servers: &Servers) -> Outcome<()> {
        let mut child = self.spawn(self.options.workers, servers, None, None, true).await?;
        let status = timeout(2 * PATIENCE, child.wait()).await.map_err(|_| "the last reader does not end")??;
        if status.success() { Ok(()) } else { Err(format!("the last reader ended with {status}").into()) }
    }
}

impl Worker {
    /// Makes the worker stand still; whether it does.
    pub(super) fn pause(&self) -> bool {
        self.signal(Signal::STOP)
    }

    /// Ends a pause; whether the worker was there to go on.
    pub(super) fn resume(&self) -> bool {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> bool {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
}

fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}
