//! What differs between the servers.

use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server_url::ServerUrl;
use crate::{mysql, postgres};

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Postgres,
    Mariadb,
    Redis,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Redis => "redis",
        }
    }

    pub(super) fn stop_signal(self) -> Signal {
        match self {
            // Fast shutdown; `TERM` would wait for clients to leave.
            Self::Postgres => Signal::INT,
            Self::Mariadb | Self::Redis => Signal::TERM,
        }
    }

    pub(super) fn abort_signal(self) -> Signal {
        match self {
            // Immediate shutdown, which unlike a kill leaves no shared memory behind.
            Self::Postgres => Signal::QUIT,
            Self::Mariadb | Self::Redis => Signal::KILL,
        }
    }

    pub(super) async fn answers(self, url: &str) -> bool {
        let answer = async {
            match self {
                Self::Postgres => postgres::execute(url, "").await.is_ok(),
                Self::Mariadb => mysql::execute(url, &[]).await.is_ok(),
                Self::Redis => ping(&ServerUrl::new(url).address()).await.is_ok_and(|answer| answer == *b"+PONG\r\n"),
            }
        };
        timeout(Duration::from_secs(5), answer).await.unwrap_or(false)
    }
}

async fn ping(address: &str) -> std::io::Result<[u8; 7]> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
