//! Servers that belong to one test.

mod kind;
mod process_tree;

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use self::kind::Kind;
use self::process_tree::ProcessTree;

/// The time in which a server must start, or stop.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// A server of one test, with its own data and port, which the test may kill, stop, pause and start again.
///
/// It takes a few hundred milliseconds to start, because its data is a copy of initialised data. The user of its
/// [`url`](Self::url) and its settings are those of the shared servers; data survives [`kill`](Self::kill) and
/// [`stop`](Self::stop) on PostgreSQL and MariaDB and is lost on Redis. The server ends when the value is dropped, and
/// also when the test program dies without dropping it.
///
/// Every method panics with the server's log when the server does not do what it is told within a minute.
#[derive(Debug)]
pub struct Instance {
    kind: Kind,
    directory: PathBuf,
    port: u16,
    url: String,
    has_clock: bool,
    process: Option<Child>,
}

impl Instance {
    /// Starts a PostgreSQL server and waits until it answers.
    pub async fn postgres() -> Self {
        Self::create(Kind::Postgres, false).await
    }

    /// Starts a MariaDB server and waits until it answers.
    pub async fn mariadb() -> Self {
        Self::create(Kind::Mariadb, false).await
    }

    /// Starts a Redis server and waits until it answers. It speaks plain text only; the others speak TLS too.
    pub async fn redis() -> Self {
        Self::create(Kind::Redis, false).await
    }

    /// As [`redis`](Self::redis), with a clock that [`set_clock`](Self::set_clock) moves. It needs libfaketime, which
    /// `tests/servers/servers install` installs.
    pub async fn redis_with_clock() -> Self {
        Self::create(Kind::Redis, true).await
    }

    async fn create(kind: Kind, has_clock: bool) -> Self {
        let (directory, port) = reserve();
        let mut instance = Self { kind, directory, port, url: String::new(), has_clock, process: None };
        instance.start().await;
        instance
    }

    /// The URL of a user with all rights and of the empty database `thing`; it stays the same as long as the value lives.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that the server listens on, `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The file that the server writes its log to.
    pub fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Starts the server again, on the same port and data, and waits until it answers. Nothing happens when it runs.
    pub async fn start(&mut self) {
        if self.process.is_some() {
            return;
        }
        self.process = Some(self.spawn());
        let deadline = Instant::now() + PATIENCE;
        while !self.answers().await {
            if let Some(status) = self.exit_status() {
                self.fail(&format!("ended while it started, with {status}"));
            }
            if Instant::now() > deadline {
                self.fail("did not answer");
            }
            sleep(POLL).await;
        }
    }

    /// Ends the server at once with all its processes, as the loss of its machine would: nothing is said to clients and
    /// nothing is written any more.
    pub async fn kill(&mut self) {
        let Some(tree) = self.tree() else { return };
        tree.kill();
        self.await_end().await;
        while tree.is_alive() {
            sleep(POLL).await;
        }
    }

    /// Stops the server in order: it ends the connections, tells clients where the protocol allows, and keeps its data.
    pub async fn stop(&mut self) {
        let Some(tree) = self.tree() else { return };
        tree.resume();
        tree.signal_root(self.kind.stop_signal());
        self.await_end().await;
    }

    /// Makes the server hang: its connections stay open, new ones are accepted by the kernel, and nothing is answered.
    pub fn pause(&self) {
        if let Some(tree) = self.tree() {
            tree.pause();
        }
    }

    /// Ends a [`pause`](Self::pause).
    pub fn resume(&self) {
        if let Some(tree) = self.tree() {
            tree.resume();
        }
    }

    /// Puts the server's clock so many seconds ahead of that of the machine, or behind it, from the next second on. The
    /// monotonic clock goes on as before.
    pub fn set_clock(&self, ahead: i64) {
        assert!(self.has_clock, "the {} of this test has the machine's clock", self.kind.name());
        let (file, new) = (self.directory.join("clock"), self.directory.join("clock.new"));
        // The server never sees half of it.
        let written = fs::write(&new, format!("{ahead:+}\n")).and_then(|()| fs::rename(&new, &file));
        written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    fn spawn(&self) -> Child {
        let log = File::options().append(true).create(true).open(self.log());
        let log = log.unwrap_or_else(|error| panic!("{}: {error}", self.log().display()));
        let log_of_errors = log.try_clone().unwrap_or_else(|error| panic!("{}: {error}", self.log().display()));
        let child = servers()
            .arg("instance")
            .arg(self.kind.name())
            .arg(&self.directory)
            .arg(self.port.to_string())
            .args(self.has_clock.then_some("clock"))
            // The script watches this pipe, to end the server when this program dies.
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(log_of_errors)
            // Keeps the interrupt of a terminal away from the server.
            .process_group(0)
            .spawn();
        child.unwrap_or_else(|error| panic!("tests/servers/servers cannot be run: {error}"))
    }

    async fn answers(&mut self) -> bool {
        if self.url.is_empty() {
            self.url = fs::read_to_string(self.directory.join("url")).unwrap_or_default().trim().to_owned();
        }
        !self.url.is_empty() && self.kind.answers(&self.url).await
    }

    fn tree(&self) -> Option<ProcessTree> {
        self.process.as_ref().map(|process| ProcessTree::below(process.id()))
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().and_then(|process| process.try_wait().ok().flatten())
    }

    async fn await_end(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.exit_status().is_none() {
            if Instant::now() > deadline {
                self.fail("did not end");
            }
            sleep(POLL).await;
        }
        self.process = None;
    }

    fn fail(&self, what: &str) -> ! {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(30)..].join("\n");
        panic!("the {} of this test {what}; the end of its log:\n{tail}", self.kind.name());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(tree) = self.tree() {
            tree.resume();
            tree.signal_root(self.kind.abort_signal());
            let deadline = Instant::now() + Duration::from_secs(5);
            while self.exit_status().is_none() && Instant::now() < deadline {
                thread::sleep(POLL);
            }
            tree.kill();
            if let Some(mut process) = self.process.take() {
                let _ = process.wait();
            }
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A folder whose name says who owns it, and a port that nothing listens on. The folder also keeps the port from other
/// instances, of whatever program.
fn reserve() -> (PathBuf, u16) {
    let output = servers().arg("directory").output();
    let output = output.unwrap_or_else(|error| panic!("tests/servers/servers cannot be run: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let instances = Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("instances");
    fs::create_dir_all(&instances).unwrap_or_else(|error| panic!("{}: {error}", instances.display()));
    loop {
        // Below the ports that the kernel gives to outgoing connections: a client that tries to reach a server that is
        // down could otherwise be given the server's port, and be connected to itself.
        let port = 27_000 + (uuid::Uuid::new_v4().as_u128() % 5_000) as u16;
        let directory = instances.join(format!("{}-{port}", std::process::id()));
        if TcpListener::bind(("127.0.0.1", port)).is_err() || fs::create_dir(&directory).is_err() {
            continue;
        }
        // Made before the look: of two programs with one port at least one sees the other.
        if folders_of(&instances, port) == 1 {
            return (directory, port);
        }
        let _ = fs::remove_dir(&directory);
    }
}

fn folders_of(instances: &Path, port: u16) -> usize {
    let folders = fs::read_dir(instances).unwrap_or_else(|error| panic!("{}: {error}", instances.display()));
    let end = format!("-{port}");
    folders.flatten().filter(|folder| folder.file_name().to_string_lossy().ends_with(&end)).count()
}

fn servers() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("servers"))
}
