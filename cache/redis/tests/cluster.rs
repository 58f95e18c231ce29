//! Redis Cluster: three nodes, which the test starts itself.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::near::{BOUND, Near};
use support::{LIST_TAGS, Server, TABLE, changed, fill, found, hit, lease_rows, list, object, row_tag, store, write};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_conformance::cache::{CASES, Setup};
use thing_driver_api::{CacheClient, EntryKey, Found, Leased, Outcome, Scope, TableId, Tag, async_trait};
use thing_test_servers::redis_prefix;

const PATIENCE: Duration = Duration::from_secs(20);

/// Nodes of a cluster, in a folder of their own. They end with the value, or by themselves after five minutes.
struct Cluster {
    nodes: Vec<Child>,
    ports: Vec<u16>,
    folder: PathBuf,
}

impl Cluster {
    fn start() -> Self {
        for _ in 0..5 {
            let name = uuid::Uuid::new_v4();
            // The nodes talk on ports that are higher by 10,000; those too are below what the kernel gives to clients.
            let first = 20_000 + (name.as_u128() % 900) as u16 * 3;
            let ports: Vec<u16> = (first..first + 3).collect();
            let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
            if !ports.iter().all(|&port| is_free(port) && is_free(port + 10_000)) {
                continue;
            }
            let cluster = Self::run(std::env::temp_dir().join(format!("thing-cluster-{name}")), ports);
            let answers = cluster.ports.iter().all(|port| cluster.says(*port, &["ping"], "PONG"));
            let addresses = cluster.ports.iter().map(|port| format!("127.0.0.1:{port}"));
            // It waits without end for nodes that have not met, and then others are tried.
            let mut create = Command::new("timeout");
            create.args(["60", "redis-cli", "--cluster", "create"]).args(addresses).arg("--cluster-yes");
            if answers
                && create.output().expect("redis-cli is installed").status.success()
                && cluster.ports.iter().all(|port| cluster.says(*port, &["cluster", "info"], "cluster_state:ok"))
            {
                return cluster;
            }
        }
        panic!("no cluster after five attempts");
    }

    fn run(folder: PathBuf, ports: Vec<u16>) -> Self {
        let nodes = ports.iter().map(|port| {
            let own = folder.join(port.to_string());
            std::fs::create_dir_all(&own).expect("a folder");
            let mut node = Command::new("timeout");
            node.args(["300", "redis-server", "--cluster-enabled", "yes", "--save", "", "--appendonly", "no"]);
            node.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"]).arg(&own);
            node.stdout(Stdio::null()).spawn().expect("redis-server is installed")
        });
        Self { nodes: nodes.collect(), ports, folder }
    }

    /// Waits until a node gives this answer, ten seconds at most.
    fn says(&self, port: u16, command: &[&str], answer: &str) -> bool {
        (0..100).any(|_| {
            let said = Command::new("redis-cli").args(["-p", &port.to_string()]).args(command).output();
            let is_so = said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(answer));
            if !is_so {
                std::thread::sleep(Duration::from_millis(100));
            }
            is_so
        })
    }

    fn url(&self, node: usize) -> String {
        format!("redis://127.0.0.1:{}", self.ports[node])
    }

    /// Moves most slots of the first node to the second.
    async fn move_slots(&self) {
        let mut ids: Vec<String> = Vec::new();
        for node in 0..2 {
            ids.push(Server::connect(&self.url(node)).await.run(&[b"CLUSTER", b"MYID"]).await);
        }
        let mut reshard = Command::new("timeout");
        reshard.args(["120", "redis-cli", "--cluster", "reshard", &format!("127.0.0.1:{}", self.ports[0])]);
        reshard.args(["--cluster-from", &ids[0]]);
        reshard.args(["--cluster-to", &ids[1], "--cluster-slots", "3000", "--cluster-yes"]);
        let moved = tokio::task::spawn_blocking(move || reshard.output()).await.expect("it runs").expect("it runs");
        assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stdout));
    }

    async fn connect(&self, prefix: &str) -> RedisCache {
        let config = RedisConfig::cluster([self.url(0), self.url(2)]).expect("URLs").prefix(prefix);
        let config = config.read_timeout(PATIENCE).write_timeout(PATIENCE).connect_timeout(PATIENCE).bound(BOUND);
        RedisCache::connect(config.heartbeat(Duration::from_millis(100))).await.expect("the cluster is ready")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            // `timeout` passes the signal on.
            let _ = Command::new("kill").arg(node.id().to_string()).status();
            let _ = node.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[async_trait]
impl Setup for Cluster {
    async fn cache(&self) -> Arc<dyn CacheClient> {
        Arc::new(self.connect(&redis_prefix()).await)
    }
}

/// The suite, but for two cases that make 20,000 writes each to fill logs, which are the same here.
#[test]
fn the_suite() {
    let cluster = Cluster::start();
    let long = ["lists::behind_is_complete_or_a_miss", "rows::a_touch_long_ago_counts"];
    for case in CASES.iter().filter(|case| !long.contains(&case.name)) {
        thing_conformance::cache::run(case.name, &cluster);
    }
}

/// Two processes, entries and tags on all nodes; then a slot moves, and nothing old is found.
#[tokio::test]
async fn slots_move() {
    let cluster = Cluster::start();
    let prefix = redis_prefix();
    let (one, other) = (cluster.connect(&prefix).await, cluster.connect(&prefix).await);
    for n in 0..50 {
        fill(&one, &object(n), &[row_tag(n)], n as u64).await;
        assert_eq!(hit(&other, &object(n)).await, Some(n as u64));
    }
    fill(&one, &list("all"), &LIST_TAGS, 1).await;
    write(&other, &[row_tag(1), LIST_TAGS[0]], changed(1, 0, 1)).await;
    assert!(matches!(found(&one, &list("all")).await, Found::Behind(_)));
    let rows = lease_rows(&one).await;
    assert_eq!(store(&one, &rows, &object(60), &[row_tag(60)], 1).await, 1);
    assert_eq!(hit(&other, &object(60)).await, Some(1));
    for n in 0..50 {
        fill(&one, &object(n), &[row_tag(n)], n as u64).await;
    }

    cluster.move_slots().await;

    for n in 0..50 {
        write(&other, &[row_tag(n)], Outcome::Unlisted).await;
        let after = one.load(&[thing_driver_api::Wanted::new(&object(n))]).await;
        assert!(!matches!(after.as_deref(), Ok([Found::Hit(_)])), "row {n} is {after:?}");
    }
    support::until("both know the new layout", || async {
        let ok = async |cache: &RedisCache| {
            for n in 0..50 {
                if cache.load(&[thing_driver_api::Wanted::new(&object(n))]).await.is_err() {
                    return false;
                }
            }
            true
        };
        ok(&one).await && ok(&other).await
    })
    .await;
    for n in 0..50 {
        fill(&one, &object(n), &[row_tag(n)], 2).await;
        assert_eq!(hit(&other, &object(n)).await, Some(2));
    }
    one.void_table(TABLE).await.expect("the cache answers");
    assert_eq!(hit(&other, &object(1)).await, None);
}

/// Programs with other indexes, wherever the slots of their tables are.
#[tokio::test]
async fn programs_with_other_indexes() {
    let cluster = Cluster::start();
    let prefix = redis_prefix();
    let (old, new) = (cluster.connect(&prefix).await, cluster.connect(&prefix).await);
    for table in (0..20).map(TableId) {
        assert!(old.declare(table, 1) && new.declare(table, 2));
        let key = EntryKey::Query { table, question: [1].into() };
        let whole = [Tag::rows(table, &Scope::Table)];
        fill(&old, &key, &LIST_TAGS, 1).await;
        let late = support::lease(&old, &EntryKey::Query { table, question: [2].into() }, &LIST_TAGS).await;
        write(&new, &[whole[0], Tag::writer(table, 2)], Outcome::Unlisted).await;
        assert_eq!(hit(&old, &key).await, None);
        let late_key = late.key.clone().expect("it is for a list");
        assert_eq!(store(&old, &late, &late_key, &LIST_TAGS, 2).await, 0);
        assert!(matches!(support::leased(&old, &key, &LIST_TAGS).await, Leased::Quarantined));
        assert!(!old.declare(table, 1));
        fill(&old, &key, &whole, 3).await;
    }
}

/// Near caches are told by all nodes, are waited for at each, and close when slots move.
#[tokio::test]
async fn near_caches() {
    let cluster = Cluster::start();
    let prefix = redis_prefix();
    let (one, other) = (cluster.connect(&prefix).await, cluster.connect(&prefix).await);
    other.settle().await.expect("the nodes answer");
    let near = Near::start(&one, BOUND).await;
    let tags: Vec<Tag> = (0..64).map(|shard| Tag(shard << 58 | 1)).collect();
    let all = async |near: &Near, what: &str| {
        let told = near.told();
        tags.iter().all(|tag| told.iter().any(|told| told.starts_with(what) && told.contains(&format!("{tag:?}"))))
    };
    let token = support::quarantine(&other, &tags).await;
    let began = Instant::now();
    other.settle().await.expect("the near caches are told");
    assert!(began.elapsed() < BOUND / 2, "{:?}", began.elapsed());
    assert!(near.gate.is_open() && all(&near, "Quarantined").await);
    support::release(&other, &tags, token, changed(1, 0, 1)).await;
    other.void_table(TABLE).await.expect("the cache answers");
    other.settle().await.expect("the near caches are told");
    assert!(all(&near, "Released").await);
    assert!(near.told().last().is_some_and(|told| told.starts_with("VoidedTable")), "{:?}", near.told());
    // It does not ask for the next.
    near.pause();
    support::quarantine(&other, &[tags[40]]).await;
    other.settle().await.expect("the gate closes");
    assert!(!near.gate.is_open());
    near.resume();
    support::until("the gate opens", || async { near.gate.is_open() }).await;

    // One of two processes fills.
    for n in 0..20 {
        let (key, tags) = (object(n), [row_tag(n)]);
        let first = support::lease(&one, &key, &tags).await;
        assert!(matches!(support::leased(&other, &key, &tags).await, Leased::Held(id) if id == first.id));
        assert_eq!(store(&one, &first, &key, &tags, 1).await, 1);
        assert!(matches!(support::leased(&other, &key, &tags).await, Leased::Filled(_)));
    }

    cluster.move_slots().await;
    let gate = near.gate.clone();
    near.ended().await;
    assert!(!gate.is_open());
    support::until("the new layout is known", || async { one.invalidations(BOUND).await.is_ok() }).await;
    let near = Near::start(&one, BOUND).await;
    let token = support::quarantine(&other, &tags).await;
    other.settle().await.expect("the near caches are told");
    assert!(!near.gate.is_open() || all(&near, "Quarantined").await);
    support::release(&other, &tags, token, Outcome::Unlisted).await;
}
