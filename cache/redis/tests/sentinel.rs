//! Redis Sentinel: a primary, a replica and a sentinel, which the test starts itself.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{Server, fill, hit, object, row_tag, until};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_api::{CacheClient, Wanted};
use thing_test_servers::redis_prefix;

/// They end with the value, or by themselves after two minutes.
struct Servers {
    processes: Vec<Child>,
    folder: std::path::PathBuf,
    first: u16,
}

impl Servers {
    async fn start() -> Self {
        let name = uuid::Uuid::new_v4();
        let folder = std::env::temp_dir().join(format!("thing-sentinel-{name}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let first = 25_000 + (name.as_u128() % 600) as u16 * 3;
        let configuration = format!(
            "port {}\nbind 127.0.0.1\nsentinel monitor shop 127.0.0.1 {first} 1\n\
             sentinel down-after-milliseconds shop 500\nsentinel failover-timeout shop 3000\n",
            first + 2
        );
        std::fs::write(folder.join("sentinel.conf"), configuration).expect("a file");
        let mut servers = Self { processes: Vec::new(), folder, first };
        let (primary, replica) = (first.to_string(), (first + 1).to_string());
        servers.run(&["--port", &primary, "--save", "", "--repl-diskless-sync-delay", "0", "--bind", "127.0.0.1"]);
        servers.run(&["--port", &replica, "--save", "", "--bind", "127.0.0.1", "--replicaof", "127.0.0.1", &primary]);
        let replicates = || async {
            let info = Command::new("redis-cli").args(["-p", &replica, "info", "replication"]).output();
            info.is_ok_and(|info| String::from_utf8_lossy(&info.stdout).contains("master_link_status:up"))
        };
        until("the replica is one", replicates).await;
        let sentinel = servers.folder.join("sentinel.conf").display().to_string();
        servers.run(&[&sentinel, "--sentinel"]);
        let knows = || async {
            let port = (first + 2).to_string();
            let info = Command::new("redis-cli").args(["-p", &port, "info", "sentinel"]).output();
            info.is_ok_and(|info| String::from_utf8_lossy(&info.stdout).contains("slaves=1"))
        };
        until("the sentinel knows both", knows).await;
        servers
    }

    fn run(&mut self, arguments: &[&str]) {
        let mut server = Command::new("timeout");
        server.args(["120", "redis-server"]).args(arguments).current_dir(&self.folder).stdout(Stdio::null());
        self.processes.push(server.spawn().expect("redis-server is installed"));
    }

    fn stop(&mut self, at: usize) {
        // `timeout` passes the signal on.
        let _ = Command::new("kill").arg(self.processes[at].id().to_string()).status();
        let _ = self.processes[at].wait();
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        (0..self.processes.len()).for_each(|at| self.stop(at));
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The primary is found, and after a failover the new one, which is empty for the cache although it has the data.
#[tokio::test]
async fn a_failover_is_followed() {
    let mut servers = Servers::start().await;
    let sentinel = format!("redis://127.0.0.1:{}", servers.first + 2);
    let config = RedisConfig::sentinel("shop", ["redis://127.0.0.1:1", &sentinel]).expect("URLs");
    let config = config.prefix(redis_prefix()).heartbeat(Duration::from_millis(100));
    let cache = RedisCache::connect(config.clone()).await.expect("the sentinel knows the primary");
    fill(&cache, &object(1), &[row_tag(1)], 1).await;
    let replica = Server::connect(&format!("redis://127.0.0.1:{}", servers.first + 1)).await;
    until("the replica has it", || async { replica.keys(&config, None).await.len() >= 2 }).await;
    servers.stop(0);
    until("the cache is used again", || async { cache.load(&[Wanted::new(&object(1))]).await.is_ok() }).await;
    assert_eq!(hit(&cache, &object(1)).await, None);
    fill(&cache, &object(1), &[row_tag(1)], 2).await;
    let unknown = RedisConfig::sentinel("other", [&sentinel]).expect("URLs");
    let said = RedisCache::connect(unknown).await.expect_err("there is no such primary").to_string();
    assert!(said.contains("other"), "{said}");
}
