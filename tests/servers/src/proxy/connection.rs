//! One forwarded connection.

use std::io;
use std::pin::pin;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::Direction;
use super::faults::{Faults, Passage};

/// Closes a connection so that its other end sees a reset.
pub(super) fn reset(stream: TcpStream) {
    // It fails when the other end has reset the connection already.
    let _ = stream.set_zero_linger();
    drop(stream);
}

/// Forwards in both directions until both ends have closed, one has failed, or `cut` is ready.
pub(super) async fn forward(
    mut client: TcpStream,
    server: &str,
    faults: &watch::Sender<Faults>,
    cut: impl Future<Output = ()>,
) {
    let mut cut = pin!(cut);
    let connected = tokio::select! {
        () = &mut cut => None,
        outcome = TcpStream::connect(server) => outcome.ok(),
    };
    let Some(mut server) = connected else { return reset(client) };
    // Chunks go on as they came.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let both = async {
        tokio::try_join!(
            pump(from_client, to_server, Direction::ToServer, faults),
            pump(from_server, to_client, Direction::ToClient, faults),
        )
    };
    let closed_in_order = tokio::select! {
        () = cut => false,
        outcome = both => outcome.is_ok(),
    };
    if !closed_in_order {
        reset(client);
        reset(server);
    }
}

/// Fails when the connection is to be reset.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    faults: &watch::Sender<Faults>,
) -> io::Result<()> {
    let mut news = faults.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        let delay = news.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        // It fails only without a sender, and `faults` is one.
        let _ = news.wait_for(|faults| !faults.is_stalled(direction)).await;
        if length == 0 {
            return to.shutdown().await;
        }
        match decide(faults, direction, length) {
            Passage::Whole => to.write_all(&buffer[..length]).await?,
            Passage::Swallowed => {}
            Passage::Cut(passing) => {
                to.write_all(&buffer[..passing]).await?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        }
    }
}

fn decide(faults: &watch::Sender<Faults>, direction: Direction, length: usize) -> Passage {
    let mut passage = Passage::Whole;
    faults.send_if_modified(|faults| {
        passage = faults.way(direction).pass(length);
        // Nobody waits for the count of remaining bytes.
        false
    });
    passage
}
