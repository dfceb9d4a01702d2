//! How a handler is tested: on a mock of the very socket that it takes, with no network, no runtime and no real time. The
//! same handler, unchanged, serves on real sockets. `cargo run -p wharf-tests --example mock_handler` plays both.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::CloseCode;
use wharf::sim::{Faults, Habit};
use wharf_tokio::{Socket, bind, connect, mock, serve};

/// The handler: it adds up numbers, and will not be talked to about anything else.
async fn sums(mut socket: Socket) -> Result<(), wharf_tokio::Error> {
    let mut sum = 0i64;
    while let Some(message) = socket.next().await {
        match message?.as_text().map(str::parse::<i64>) {
            Some(Ok(number)) => {
                sum += number;
                socket.send(sum.to_string()).await?;
            }
            _ => return socket.close(CloseCode::POLICY_VIOLATION, "numbers only").await,
        }
    }
    Ok(())
}

/// A conversation without a network.
fn on_a_mock() {
    let (socket, peer) = mock(["1", "2", "39"]);
    let mut handler = pin!(sums(socket));
    assert!(peer.run(handler.as_mut()).is_pending());
    assert_eq!(peer.texts(), ["1", "3", "42"]);
    peer.send("forty-two").unwrap();
    assert!(peer.run(handler.as_mut()).is_ready());
    let closed = peer.closed().unwrap();
    assert_eq!((closed.code, &*closed.reason), (CloseCode::POLICY_VIOLATION, "numbers only"));
}

/// A peer that is gone without a word is found out, in no time at all.
fn with_a_peer_that_vanishes() {
    let (socket, peer) = mock(["1"]);
    let mut handler = pin!(sums(socket));
    assert!(peer.run(handler.as_mut()).is_pending());
    peer.misbehave(Habit::Vanish);
    let begin = peer.now();
    assert!(peer.run_for(Duration::from_secs(3600), handler.as_mut()).is_ready());
    println!("found out after {:?}", peer.now() - begin);
}

/// Any split, delay and stall of the network: the same answers.
fn in_any_weather() {
    for seed in 0..100 {
        let (socket, peer) = mock(["1", "2", "39"]);
        peer.set_faults(Faults::any(&mut wharf::sim::Dice::seeded(seed)), Duration::from_secs(5));
        let mut handler = pin!(sums(socket));
        assert!(peer.run_for(Duration::from_secs(20), handler.as_mut()).is_pending());
        assert_eq!(peer.texts(), ["1", "3", "42"], "seed {seed}");
    }
}

/// The same on a real socket: at a port that the system picks, with no sleep, and to a clean end.
async fn on_a_real_socket() -> Result<(), Box<dyn Error>> {
    let bound = bind(([127, 0, 0, 1], 0)).await?;
    let address = bound.local_addr().clone();
    let server = serve(bound, Arc::default(), sums);
    let mut socket = connect(&format!("ws://{address}/")).await?;
    let mut answers = Vec::new();
    for number in ["1", "2", "39"] {
        socket.send(number).await?;
        answers.push(socket.next().await.ok_or("the server is gone")??);
    }
    let texts: Vec<_> = answers.iter().filter_map(|answer| answer.as_text()).collect();
    assert_eq!(texts, ["1", "3", "42"]);
    socket.close(CloseCode::NORMAL, "").await?;
    server.drain().await;
    assert_eq!(server.connections(), 0);
    Ok(())
}

/// Plays all of them.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    on_a_mock();
    with_a_peer_that_vanishes();
    in_any_weather();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(on_a_real_socket())
}
