//! A TCP proxy that breaks connections when a test says so.

mod connection;
mod faults;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use self::faults::Faults;
use crate::server_url::ServerUrl;

/// Which way bytes go through a [`Proxy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server: statements, commands.
    ToServer,
    /// From the server to the client: rows, replies.
    ToClient,
}

/// Listens on a port of its own and forwards connections to a server. Faults are switched on and off while it runs and
/// hold for all its connections, open ones and new ones.
///
/// It needs the runtime in which it was started, and ends with all its connections when it is dropped. A reset is one at
/// the level of TCP (`RST`), for client and server; what had passed before can still be read by them.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    server: Mutex<String>,
    faults: watch::Sender<Faults>,
    /// Every connection holds a receiver, and ends when it is told so. A cut replaces the sender.
    cut: Mutex<watch::Sender<()>>,
    accepted: AtomicUsize,
    open: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy to the server of `url`; see [`url_through`](Self::url_through).
    pub async fn to_url(url: &str) -> Self {
        Self::to(&ServerUrl::new(url).address()).await
    }

    /// Starts a proxy to `address`, a `host:port`.
    pub async fn to(address: &str) -> Self {
        let bound = async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            Ok::<_, std::io::Error>((listener.local_addr()?, listener))
        };
        let (own, listener) = bound.await.unwrap_or_else(|error| panic!("no port for a proxy to {address}: {error}"));
        let shared = Arc::new(Shared {
            server: Mutex::new(address.to_owned()),
            faults: watch::Sender::new(Faults::default()),
            cut: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address: own, shared, listener: task }
    }

    /// The address that the proxy listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `url` with the proxy's host and port instead of its own.
    pub fn url_through(&self, url: &str) -> String {
        ServerUrl::new(url).with_address(&self.address.to_string())
    }

    /// Forwards new connections to another server, a `host:port`; open ones stay where they are.
    pub fn redirect(&self, address: &str) {
        address.clone_into(&mut self.shared.server());
    }

    /// Resets all open connections, and returns when they are gone. New ones are forwarded as before.
    pub async fn cut_all(&self) {
        let cut = std::mem::take(&mut *self.shared.cut());
        cut.send_replace(());
        cut.closed().await;
    }

    /// With `true` every new connection is reset as soon as it is made; open ones go on. `false` ends it.
    pub fn refuse(&self, refuse: bool) {
        self.change(|faults| faults.refuse = refuse);
    }

    /// Holds all bytes that go in `direction`, and the news that the sender closed, until [`resume`](Self::resume). When
    /// the buffers are full, senders wait.
    pub fn stall(&self, direction: Direction) {
        self.change(|faults| faults.way(direction).stalled = true);
    }

    /// Swallows all bytes that go in `direction` until [`resume`](Self::resume); they are lost.
    pub fn black_hole(&self, direction: Direction) {
        self.change(|faults| faults.way(direction).black_hole = true);
    }

    /// Ends [`stall`](Self::stall) and [`black_hole`](Self::black_hole) in both directions; held bytes go on.
    pub fn resume(&self) {
        self.change(|faults| {
            for direction in [Direction::ToServer, Direction::ToClient] {
                let way = faults.way(direction);
                (way.stalled, way.black_hole) = (false, false);
            }
        });
    }

    /// Holds every chunk of bytes, of at most 16 KiB, for so long before it goes on, in both directions.
    /// [`Duration::ZERO`] ends it.
    pub fn delay(&self, delay: Duration) {
        self.change(|faults| faults.delay = delay);
    }

    /// Lets `bytes` more bytes pass in `direction`, counted over all connections, and then resets the connection that
    /// carried the last of them; with 0 the one that would carry the next byte. Other connections go on, and the fault is
    /// over when it has struck.
    ///
    /// `cut_after(ToServer, 0)` loses the next statement before the server sees it, `cut_after(ToServer, n)` with less
    /// than its length tears it apart, and `cut_after(ToClient, 0)` loses the answer to a statement that the server ran.
    pub fn cut_after(&self, direction: Direction, bytes: u64) {
        self.change(|faults| faults.way(direction).remaining = Some(bytes));
    }

    /// How many connections have come in since the start, refused ones too.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    fn change(&self, change: impl FnOnce(&mut Faults)) {
        self.shared.faults.send_modify(change);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Shared {
    fn server(&self) -> MutexGuard<'_, String> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self) -> MutexGuard<'_, watch::Sender<()>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections end with this task, because the set of their tasks does.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        shared.accepted.fetch_add(1, Ordering::Relaxed);
        if shared.faults.borrow().refuse {
            connection::reset(client);
        } else {
            let cut = shared.cut().subscribe();
            let server = shared.server().clone();
            connections.spawn(serve(client, server, Arc::clone(&shared), cut));
        }
    }
}

async fn serve(client: TcpStream, server: String, shared: Arc<Shared>, mut cut: watch::Receiver<()>) {
    let _open = Open::count(&shared.open);
    // The sender lives until it has told.
    let cut = async { _ = cut.changed().await };
    connection::forward(client, &server, &shared.faults, cut).await;
}

/// Counts a connection as long as it lives, also when its task is aborted.
struct Open<'a>(&'a AtomicUsize);

impl<'a> Open<'a> {
    fn count(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
