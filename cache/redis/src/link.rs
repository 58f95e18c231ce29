//! Connections to the servers, and the epoch under which they are used.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use deadpool_redis::{Manager, Pool, PoolError};
use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Cmd, ConnectionInfo, FromRedisValue, RedisError, RedisResult};
use thing_driver_api::{Error, Result, digest};
use tokio::sync::OnceCell;

use crate::address::Layout;
use crate::age::ServerClock;
use crate::config::RedisConfig;
use crate::error;
use crate::known::{Known, Listener};
use crate::message::Id;
use crate::name::{Name, SHARDS, Shard, head, reply_channel};
use crate::script::{Script, ScriptNames};
use crate::settle::Replies;
use crate::{cluster, sentinel};

/// Connections to all servers of a layout, as of one moment. When something changes, another link takes its place;
/// names of keys made for one link are never used on another.
#[derive(Debug)]
pub(crate) struct Link {
    /// Differs from that of every link before.
    pub(crate) number: u64,
    /// Equal for links on which the same names are the same cells.
    pub(crate) identity: u64,
    pub(crate) scripts: ScriptNames,
    pub(crate) nodes: Vec<Node>,
    /// Which node has a shard.
    places: [u16; SHARDS],
    cluster: bool,
}

/// One server process.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: String,
    server: ConnectionInfo,
    connections: Vec<Connection>,
    next: AtomicUsize,
    pub(crate) head: Box<[u8]>,
    epoch: u64,
    pub(crate) clock: ServerClock,
    /// What near caches answer, by way of the first connection once that listens.
    pub(crate) replies: Arc<Replies>,
    listens: OnceCell<()>,
}

/// A connection that all tasks share.
#[derive(Debug)]
pub(crate) struct Connection {
    multiplexed: MultiplexedConnection,
    /// What the server watches for it; `None` where it can't.
    pub(crate) known: Option<Arc<Known>>,
}

impl Connection {
    /// A handle to send commands by.
    pub(crate) fn handle(&self) -> MultiplexedConnection {
        self.multiplexed.clone()
    }
}

/// A link in the making. The compiler looks into the futures that a future is made of only so deep, and those of a
/// connection are nested deeper than would leave room for those of a program: behind this type it does not look.
type Connecting<'c> = Pin<Box<dyn Future<Output = Result<Link>> + Send + 'c>>;

impl Link {
    /// Connects as the configuration says.
    pub(crate) fn connect(config: &RedisConfig, number: u64) -> Connecting<'_> {
        Box::pin(Self::connected(config, number))
    }

    async fn connected(config: &RedisConfig, number: u64) -> Result<Self> {
        let (servers, places) = match &config.layout {
            Layout::One => (vec![config.with_credentials(config.servers[0].clone())], [0; SHARDS]),
            Layout::Sentinel { primary } => (vec![sentinel::find(config, primary).await?], [0; SHARDS]),
            Layout::Cluster => cluster::find(config).await?,
        };
        let mut nodes = Vec::with_capacity(servers.len());
        let mut scripts = None;
        for server in servers {
            let (node, names) = Node::connect(config, server).await?;
            nodes.push(node);
            scripts = Some(names);
        }
        let Some(scripts) = scripts else {
            return Err(Error::cache("the cluster has no nodes with slots; assign them (redis-cli --cluster fix)"));
        };
        let heads = places.iter().flat_map(|&place| nodes[usize::from(place)].head.iter().copied());
        let identity = digest(&heads.collect::<Vec<u8>>());
        let cluster = config.layout == Layout::Cluster;
        Ok(Self { number, identity, scripts, nodes, places, cluster })
    }

    /// Whether every server still answers and is what it was.
    pub(crate) async fn check(&self, config: &RedisConfig) -> Result<()> {
        for node in &self.nodes {
            for connection in &node.connections {
                let epoch = within(config.write_timeout, epoch(&connection.multiplexed, &node.clock)).await;
                let epoch = epoch.map_err(|error| error::connecting(&node.address, error))??;
                if epoch != node.epoch {
                    return Err(Error::cache(format!("the Redis server at {} has been replaced", node.address)));
                }
            }
        }
        if self.cluster {
            let node = &self.nodes[0];
            let layout =
                within(config.write_timeout, cluster::layout(&node.connections[0].multiplexed, &node.address)).await;
            let (addresses, places) = layout.map_err(|error| error::connecting(&node.address, error))??;
            let is = |place: usize| addresses[usize::from(places[place])].to_string();
            if (0..SHARDS).any(|shard| is(shard) != self.nodes[usize::from(self.places[shard])].address) {
                return Err(Error::cache("the slots of the cluster have moved"));
            }
        }
        Ok(())
    }

    /// The shards of a node.
    fn shards(&self, node: usize) -> impl Iterator<Item = Shard> + '_ {
        Shard::all().filter(move |shard| self.place(*shard) == node)
    }

    /// The nodes that have shards, by their places, each with the name of the cell that says who has a near cache.
    pub(crate) fn holders(&self) -> impl Iterator<Item = (usize, &Node, Name)> {
        let first = |node: usize| self.shards(node).next();
        self.nodes.iter().enumerate().filter_map(move |(at, node)| Some((at, node, Name::holders(first(at)?))))
    }

    /// Commands that fail where a shard that this link has on a node is on another.
    pub(crate) fn probes(&self, node: usize) -> Vec<Cmd> {
        match self.cluster {
            true => self.shards(node).skip(1).map(|shard| self.keyed("PTTL", Name::shard(shard))).collect(),
            false => Vec::new(),
        }
    }

    pub(crate) fn place(&self, shard: Shard) -> usize {
        usize::from(self.places[usize::from(shard.0)])
    }

    /// The only node, where there is one and its commands may name keys of several slots.
    pub(crate) fn single(&self) -> Option<&Node> {
        (!self.cluster).then(|| &self.nodes[0])
    }

    /// Whether one command may name both.
    pub(crate) fn are_together(&self, a: Name, b: Name) -> bool {
        !self.cluster || a.shard == b.shard
    }

    /// Puts what one command may name together: all that is in one slot or, outside of clusters, everything; not too
    /// much at a time, because a script stops the server.
    pub(crate) fn groups(&self, names: &[Name]) -> Vec<Vec<usize>> {
        const AT_ONCE: usize = 500;
        let mut order: Vec<usize> = (0..names.len()).collect();
        if self.cluster {
            order.sort_by_key(|&at| names[at].shard);
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for at in order {
            match groups.last_mut() {
                Some(group) if group.len() < AT_ONCE && self.are_together(names[group[0]], names[at]) => {
                    group.push(at);
                }
                _ => groups.push(vec![at]),
            }
        }
        groups
    }

    /// A call of a script, without its arguments.
    pub(crate) fn call(&self, script: Script, keys: &[Name]) -> Cmd {
        let mut command = self.command("EVALSHA", keys.len());
        command.arg(self.scripts.of(script)).arg(keys.len());
        self.add_keys(&mut command, keys);
        command
    }

    /// A command without its arguments, with room for so many keys.
    pub(crate) fn command(&self, command: &str, keys: usize) -> Cmd {
        let size = self.nodes[0].head.len() + Name::SIZE;
        let mut named = Cmd::with_capacity(keys + 4, 16 + keys * size);
        named.arg(command);
        named
    }

    /// A command whose first argument is this key.
    pub(crate) fn keyed(&self, command: &str, key: Name) -> Cmd {
        let mut keyed = self.command(command, 1);
        self.add_keys(&mut keyed, &[key]);
        keyed
    }

    pub(crate) fn add_keys(&self, command: &mut Cmd, keys: &[Name]) {
        for name in keys {
            name.write(&self.nodes[self.place(name.shard)].head, command);
        }
    }
}

impl Node {
    async fn connect(config: &RedisConfig, server: ConnectionInfo) -> Result<(Self, ScriptNames)> {
        let address = server.addr().to_string();
        let mut connections = Vec::with_capacity(config.connections);
        let (replies, clock) = (Arc::new(Replies::default()), ServerClock::new());
        for _ in 0..config.connections {
            connections.push(watched(config, server.clone(), &replies).await?);
        }
        let connecting = |error| error::connecting(&address, error);
        let prepared = within(config.connect_timeout, async {
            let mut epochs = Vec::with_capacity(connections.len());
            for connection in &connections {
                epochs.push(epoch(&connection.multiplexed, &clock).await?);
            }
            Ok((epochs, load_scripts(&connections[0].multiplexed).await?))
        });
        let (epochs, scripts) = prepared.await.map_err(connecting)?;
        let epochs: Vec<u64> = epochs.into_iter().collect::<Result<_>>()?;
        let epoch = epochs[0];
        if epochs.iter().any(|other| *other != epoch) {
            return Err(Error::cache(format!(
                "connections to {address} reach different Redis servers; name the primary itself"
            )));
        }
        let head = head(&config.prefix, epoch);
        let (next, listens) = (AtomicUsize::new(0), OnceCell::new());
        Ok((Self { address, server, connections, next, head, epoch, clock, replies, listens }, scripts))
    }

    /// Another connection to this server process, for whoever is told what it says unasked.
    pub(crate) async fn open(
        &self,
        config: &RedisConfig,
        listener: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection> {
        let connection = open(config, self.server.clone(), Some(listener)).await?;
        let found = within(config.connect_timeout, epoch(&connection, &self.clock)).await;
        match found.map_err(|error| error::connecting(&self.address, error))?? {
            found if found == self.epoch => Ok(connection),
            _ => Err(Error::cache(format!("the Redis server at {} has been replaced", self.address))),
        }
    }

    /// Sees to it that answers of near caches come in; not with RESP2, in which they can't.
    pub(crate) async fn listen(&self, config: &RedisConfig, client: &Id) -> RedisResult<()> {
        if config.resp3 {
            let mut connection = self.connections[0].handle();
            self.listens.get_or_try_init(|| connection.subscribe(reply_channel(&self.head, client))).await?;
        }
        Ok(())
    }

    /// One of the connections, each in turn.
    pub(crate) fn connection(&self) -> &Connection {
        match &*self.connections {
            [one] => one,
            many => &many[self.next.fetch_add(1, Relaxed) % many.len()],
        }
    }
}

/// A connection for which the server watches keys, if it can.
async fn watched(config: &RedisConfig, server: ConnectionInfo, replies: &Arc<Replies>) -> Result<Connection> {
    if !config.resp3 {
        return Ok(Connection { multiplexed: open(config, server, None::<Listener>).await?, known: None });
    }
    let known = Arc::new(Known::default());
    let listener = Listener { known: known.clone(), replies: replies.clone() };
    let multiplexed = open(config, server, Some(listener)).await?;
    let mut watch = Cmd::new();
    watch.arg("CLIENT").arg("TRACKING").arg("ON").arg("OPTIN");
    let watches = within(config.connect_timeout, query::<()>(&multiplexed, &watch)).await.is_ok();
    Ok(Connection { multiplexed, known: watches.then_some(known) })
}

/// A connection of its own to a server, made by the pool and taken from it: it would send two commands more for each
/// use.
pub(crate) async fn open(
    config: &RedisConfig,
    server: ConnectionInfo,
    listener: Option<impl AsyncPushSender>,
) -> Result<MultiplexedConnection> {
    let address = server.addr().to_string();
    let connecting = |error| error::connecting(&address, error);
    let server = trusting(config, server)?;
    let server = server.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    // Timeouts are set for each command.
    let mut settings = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(config.connect_timeout))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(1024);
    if let Some(listener) = listener {
        settings = settings.set_push_sender(listener);
    }
    let manager = Manager::new_with_config(server, settings).map_err(connecting)?;
    let pool = Pool::builder(manager).max_size(1).build();
    let pool = pool.map_err(|error| Error::cache("the pool of connections can't be made").with_source(error))?;
    let connection = pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => connecting(error),
        other => Error::cache(format!("the Redis server at {address} can't be reached")).with_source(other),
    })?;
    Ok(deadpool_redis::Connection::take(connection))
}

/// The server with the authorities that may have signed its certificate.
#[cfg(feature = "tls")]
fn trusting(config: &RedisConfig, server: ConnectionInfo) -> Result<ConnectionInfo> {
    if !matches!(server.addr(), redis::ConnectionAddr::TcpTls { .. }) {
        return Ok(server);
    }
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only where another thread has installed one meanwhile.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let Some(file) = &config.certificate_authority else {
        return Ok(server);
    };
    let unreadable =
        |why: String| Error::cache(format!("the certificate authority in {} can't be used: {why}", file.display()));
    let root = std::fs::read(file).map_err(|error| unreadable(error.to_string()).with_source(error))?;
    let certificates = redis::TlsCertificates { client_tls: None, root_cert: Some(root) };
    let client = redis::Client::build_with_tls(server, certificates);
    let client = client.map_err(|error| unreadable(error.to_string()).with_source(error))?;
    Ok(client.get_connection_info().clone())
}

#[cfg(not(feature = "tls"))]
fn trusting(_: &RedisConfig, server: ConnectionInfo) -> Result<ConnectionInfo> {
    Ok(server)
}

/// A digest of what tells this server process from others and from itself at other times: `run_id` is made when the
/// process starts, the second replication id and its offset when a replica is promoted. A server that was demoted and
/// promoted again holds what it held before, so it needs another epoch.
async fn epoch(connection: &MultiplexedConnection, clock: &ServerClock) -> RedisResult<Result<u64>> {
    let before = Instant::now();
    let server = info(connection, "server").await?;
    if let Some(microseconds) = field(&server, "server_time_usec").and_then(|time| time.parse::<i64>().ok()) {
        clock.learn(before, Instant::now(), microseconds / 1000);
    }
    let replication = info(connection, "replication").await?;
    let (Some(run_id), Some(role)) = (field(&server, "run_id"), field(&replication, "role")) else {
        return Ok(Err(Error::cache("the server's INFO has no run_id or no role, which the cache needs")));
    };
    if role != "master" {
        return Ok(Err(Error::cache(format!(
            "the server is a replica (role {role}); connect to its primary, or use `RedisConfig::sentinel`"
        ))));
    }
    let promoted = [field(&replication, "master_replid2"), field(&replication, "second_repl_offset")];
    let [id, offset] = promoted.map(Option::unwrap_or_default);
    Ok(Ok(digest(format!("{run_id} {id} {offset}").as_bytes())))
}

pub(crate) async fn info(connection: &MultiplexedConnection, section: &str) -> RedisResult<String> {
    let mut command = Cmd::new();
    command.arg("INFO").arg(section);
    query(connection, &command).await
}

pub(crate) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = info.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Gives the scripts to a server.
pub(crate) async fn load_scripts(connection: &MultiplexedConnection) -> RedisResult<ScriptNames> {
    let mut names = ScriptNames(Default::default());
    for script in Script::ALL {
        names.0[script as usize] = query::<String>(connection, &script.load()).await?.into();
    }
    Ok(names)
}

pub(crate) async fn query<T: FromRedisValue>(connection: &MultiplexedConnection, command: &Cmd) -> RedisResult<T> {
    command.query_async(&mut connection.clone()).await
}

/// Fails as a connection does that is silent for too long.
pub(crate) async fn within<T>(duration: Duration, future: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    match tokio::time::timeout(duration, future).await {
        Ok(result) => result,
        Err(_) => Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))),
    }
}
