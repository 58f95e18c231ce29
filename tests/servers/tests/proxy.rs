//! The faults of the proxy, against a server that sends back what it receives.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use thing_test_servers::{Direction, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const MOMENT: Duration = Duration::from_millis(200);

/// A server that sends back every chunk and, when a connection ends, tells the test all it received on it.
struct Echo {
    address: String,
    received: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(echo(stream, tell.clone()));
            }
        });
        Self { address, received }
    }

    async fn received(&mut self) -> String {
        String::from_utf8(self.received.recv().await.unwrap()).unwrap()
    }
}

async fn echo(mut stream: TcpStream, tell: mpsc::UnboundedSender<Vec<u8>>) {
    let (mut all, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        all.extend_from_slice(&buffer[..length]);
        let _ = stream.write_all(&buffer[..length]).await;
    }
    let _ = tell.send(all);
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

async fn exchange(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

async fn assert_reset(stream: &mut TcpStream) {
    let ended = timeout(Duration::from_secs(10), stream.read(&mut [0; 64])).await.expect("the connection is open");
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

async fn assert_silent(stream: &mut TcpStream) {
    let silence = timeout(MOMENT, stream.read(&mut [0; 64])).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test]
async fn bytes_pass_and_connections_are_counted() {
    let mut server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let (mut first, mut second) = (connect(&proxy).await, connect(&proxy).await);
    assert_eq!(exchange(&mut first, "one").await.unwrap(), "one");
    assert_eq!(exchange(&mut second, "two").await.unwrap(), "two");
    assert_eq!((proxy.accepted(), proxy.open()), (2, 2));

    drop(first);
    assert_eq!(server.received().await, "one");
    while proxy.open() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn an_orderly_close_of_one_side_lets_the_other_finish() {
    let server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"last words").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "last words");
}

#[tokio::test]
async fn a_cut_resets_open_connections_and_spares_new_ones() {
    let server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    exchange(&mut stream, "hello").await.unwrap();
    proxy.cut_all().await;
    assert_eq!(proxy.open(), 0);
    assert_reset(&mut stream).await;
    assert_eq!(exchange(&mut connect(&proxy).await, "again").await.unwrap(), "again");
}

#[tokio::test]
async fn refusing_spares_open_connections() {
    let server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut open = connect(&proxy).await;
    exchange(&mut open, "hello").await.unwrap();
    proxy.refuse(true);
    // The reset may already have come when the connection is made.
    if let Ok(mut refused) = TcpStream::connect(proxy.address()).await {
        assert_reset(&mut refused).await;
    }
    assert_eq!(exchange(&mut open, "still").await.unwrap(), "still");
    proxy.refuse(false);
    exchange(&mut connect(&proxy).await, "again").await.unwrap();
    assert_eq!(proxy.accepted(), 3);
}

#[tokio::test]
async fn a_stall_holds_bytes_until_it_is_over() {
    let server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    for direction in [Direction::ToServer, Direction::ToClient] {
        let mut stream = connect(&proxy).await;
        proxy.stall(direction);
        stream.write_all(b"held").await.unwrap();
        assert_silent(&mut stream).await;
        proxy.resume();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"held");
    }
}

#[tokio::test]
async fn a_stalled_connection_can_be_cut() {
    let server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    proxy.stall(Direction::ToClient);
    stream.write_all(b"held").await.unwrap();
    assert_silent(&mut stream).await;
    proxy.cut_all().await;
    assert_reset(&mut stream).await;
}

#[tokio::test]
async fn a_black_hole_swallows_what_comes() {
    let mut server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    proxy.black_hole(Direction::ToServer);
    stream.write_all(b"lost").await.unwrap();
    assert_silent(&mut stream).await;
    proxy.resume();
    assert_eq!(exchange(&mut stream, "found").await.unwrap(), "found");
    proxy.black_hole(Direction::ToClient);
    stream.write_all(b", unanswered").await.unwrap();
    assert_silent(&mut stream).await;
    drop(stream);
    assert_eq!(server.received().await, "found, unanswered");
}

#[tokio::test]
async fn a_delay_holds_each_chunk() {
    let server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    exchange(&mut stream, "fast").await.unwrap();
    proxy.delay(Duration::from_millis(100));
    let started = Instant::now();
    exchange(&mut stream, "slow").await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_cut_before_a_statement_loses_all_of_it() {
    let mut server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    exchange(&mut stream, "first").await.unwrap();
    proxy.cut_after(Direction::ToServer, 0);
    stream.write_all(b"second").await.unwrap();
    assert_reset(&mut stream).await;
    assert_eq!(server.received().await, "first");
}

#[tokio::test]
async fn a_cut_within_a_statement_loses_its_end() {
    let mut server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    proxy.cut_after(Direction::ToServer, 9);
    exchange(&mut stream, "first,").await.unwrap();
    stream.write_all(b"second").await.unwrap();
    assert_reset(&mut stream).await;
    assert_eq!(server.received().await, "first,sec");
}

#[tokio::test]
async fn a_cut_after_a_statement_loses_its_answer() {
    let mut server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    proxy.cut_after(Direction::ToClient, 0);
    stream.write_all(b"first").await.unwrap();
    assert_reset(&mut stream).await;
    assert_eq!(server.received().await, "first");
    assert_eq!(exchange(&mut connect(&proxy).await, "again").await.unwrap(), "again");
}

#[tokio::test]
async fn an_answer_arrives_up_to_the_cut() {
    let server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    proxy.cut_after(Direction::ToClient, 3);
    stream.write_all(b"answer").await.unwrap();
    let mut beginning = [0; 3];
    stream.read_exact(&mut beginning).await.unwrap();
    assert_eq!(&beginning, b"ans");
    assert_reset(&mut stream).await;
}

#[tokio::test]
async fn a_server_that_is_down_looks_like_a_reset() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::to(&closed.to_string()).await;
    if let Ok(mut stream) = TcpStream::connect(proxy.address()).await {
        assert_reset(&mut stream).await;
    }
}

#[tokio::test]
async fn a_dropped_proxy_ends_its_connections() {
    let server = Echo::start().await;
    let proxy = Proxy::to(&server.address).await;
    let mut stream = connect(&proxy).await;
    exchange(&mut stream, "hello").await.unwrap();
    drop(proxy);
    let ended = timeout(Duration::from_secs(10), stream.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

#[tokio::test]
async fn the_url_of_the_server_leads_through_the_proxy() {
    let url = "postgres://user:secret@127.0.0.1:1/name?options=-csearch_path%3Dx";
    let proxy = Proxy::to_url(url).await;
    let through = format!("postgres://user:secret@{}/name?options=-csearch_path%3Dx", proxy.address());
    assert_eq!(proxy.url_through(url), through);
}
