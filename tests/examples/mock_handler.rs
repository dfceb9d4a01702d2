//! How what talks to others is tested: without a network, a runtime or real time, and unchanged on real sockets. On tokio,
//! async-std and smol it is a handler, on a mock of the very socket that it takes; on a bare mio loop it is a service, in a world of
//! its own.
//!
//! `cargo run -p wharf-tests --example mock_handler -- --runtime tokio|async-std|smol|mio` plays all of it.

use clap::Parser;
use std::collections::BTreeMap;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Message};
use wharf::link::{Config, ConnId, Context, Service, Target};
use wharf::sim::{Dice, Faults, Habit, Outcome, World};
use wharf_async_std::{Bound, Error as SocketError, Runtime, Socket, connect, mock, serve};
use wharf_cli::runner::{Portable, RuntimeKind};
use wharf_mio::Server;

#[derive(Parser)]
struct Args {
    /// What it runs on.
    #[arg(long, value_enum, default_value = "tokio")]
    runtime: RuntimeKind,
}

fn main() -> Result<(), Box<dyn Error>> {
    play(Args::parse().runtime)
}

/// Plays all of them.
pub(crate) fn play(runtime: RuntimeKind) -> Result<(), Box<dyn Error>> {
    runtime.run(Play)?
}

struct Play;

impl Portable for Play {
    type Output = Result<(), Box<dyn Error>>;

    async fn run_async<R: Runtime>(self) -> Self::Output {
        on_a_mock::<R>();
        with_a_peer_that_vanishes::<R>();
        in_any_weather::<R>();
        on_a_real_socket::<R>().await
    }

    fn run_mio(self) -> Self::Output {
        in_a_world()?;
        with_a_client_that_vanishes()?;
        in_any_weather_of_the_world()?;
        on_a_real_loop()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// The handler: it adds up numbers, and will not be talked to about anything else.
async fn sums<R: Runtime>(mut socket: Socket<R>) -> Result<(), SocketError> {
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
fn on_a_mock<R: Runtime>() {
    let (socket, peer) = mock::<R>(["1", "2", "39"]);
    let mut handler = pin!(sums(socket));
    assert!(peer.run(handler.as_mut()).is_pending());
    assert_eq!(peer.texts(), ["1", "3", "42"]);
    peer.send("forty-two").unwrap();
    assert!(peer.run(handler.as_mut()).is_ready());
    let closed = peer.closed().unwrap();
    assert_eq!((closed.code, &*closed.reason), (CloseCode::POLICY_VIOLATION, "numbers only"));
}

/// A peer that is gone without a word is found out, in no time at all.
fn with_a_peer_that_vanishes<R: Runtime>() {
    let (socket, peer) = mock::<R>(["1"]);
    let mut handler = pin!(sums(socket));
    assert!(peer.run(handler.as_mut()).is_pending());
    peer.misbehave(Habit::Vanish);
    let begin = peer.now();
    assert!(peer.run_for(HOUR, handler.as_mut()).is_ready());
    println!("found out after {:?}", peer.now() - begin);
}

/// Any split, delay and stall of the network: the same answers.
fn in_any_weather<R: Runtime>() {
    for seed in 0..100 {
        let (socket, peer) = mock::<R>(["1", "2", "39"]);
        peer.set_faults(Faults::any(&mut Dice::seeded(seed)), Duration::from_secs(5));
        let mut handler = pin!(sums(socket));
        assert!(peer.run_for(Duration::from_secs(20), handler.as_mut()).is_pending());
        assert_eq!(peer.texts(), ["1", "3", "42"], "seed {seed}");
    }
}

/// The same on a real socket: at a port that the system picks, with no sleep, and to a clean end.
async fn on_a_real_socket<R: Runtime>() -> Result<(), Box<dyn Error>> {
    let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
    let address = bound.local_addr().clone();
    let server = serve(bound, Arc::default(), sums::<R>);
    let mut socket = connect::<R>(&format!("ws://{address}/")).await?;
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

/// The handler as a service, which any of the runtimes can run.
#[derive(Default)]
struct Sums(BTreeMap<ConnId, i64>);

impl Service for Sums {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        // One that is closing already wants neither.
        let _ = match message.as_text().map(str::parse::<i64>) {
            Some(Ok(number)) => {
                let sum = self.0.entry(conn).or_default();
                *sum += number;
                cx.send(conn, Message::text(sum.to_string())).map(drop)
            }
            _ => cx.close(conn, CloseCode::POLICY_VIOLATION, "numbers only"),
        };
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.0.remove(&conn);
    }
}

/// A conversation without a network.
fn in_a_world() -> Result<(), Box<dyn Error>> {
    let (mut world, server, client) = World::mock(Sums::default(), &Arc::default())?;
    for text in ["1", "2", "39", "forty-two"] {
        world.send(client, text)?;
    }
    world.settle();
    assert_eq!(world.texts(client), ["1", "3", "42"]);
    let Some(Outcome::Closed(closed)) = world.client(client).outcome() else { panic!("it is closed") };
    assert_eq!((closed.code, &*closed.reason), (CloseCode::POLICY_VIOLATION, "numbers only"));
    assert!(world.service(server).0.is_empty());
    Ok(())
}

/// A client that is gone without a word is found out, in no time at all.
fn with_a_client_that_vanishes() -> Result<(), Box<dyn Error>> {
    let (mut world, server, client) = World::mock(Sums::default(), &Arc::default())?;
    world.send(client, "1")?;
    world.settle();
    assert_eq!(world.service(server).0.len(), 1);
    world.misbehave(client, Habit::Vanish);
    world.advance(HOUR);
    assert!(world.service(server).0.is_empty() && world.hub(server).is_empty());
    Ok(())
}

/// Any split, delay and stall of the network: the same answers.
fn in_any_weather_of_the_world() -> Result<(), Box<dyn Error>> {
    for seed in 0..100 {
        let (mut world, _, client) = World::mock(Sums::default(), &Arc::default())?;
        world.set_faults(Faults::any(&mut Dice::seeded(seed)), Duration::from_secs(5));
        for text in ["1", "2", "39"] {
            world.send(client, text)?;
        }
        world.advance(Duration::from_secs(20));
        assert_eq!(world.texts(client), ["1", "3", "42"], "seed {seed}");
    }
    Ok(())
}

/// The same behind real sockets: at a port that the system picks, with no sleep, and to a clean end.
fn on_a_real_loop() -> Result<(), Box<dyn Error>> {
    let server = Server::bind(([127, 0, 0, 1], 0), Sums::default(), Arc::default())?;
    let target: Target = format!("ws://{}/", server.local_addr().ok_or("no address")?).parse()?;
    let handle = server.handle();
    let server = thread::spawn(|| server.run());
    let mut socket = wharf_mio::connect(target, &Arc::new(Config::client()))?;
    let mut answers = Vec::new();
    for number in ["1", "2", "39"] {
        socket.send(Message::text(number))?;
        answers.push(socket.next().ok_or("the end was told")?.map_err(|closed| closed.to_string())?);
    }
    let texts: Vec<_> = answers.iter().filter_map(|answer| answer.as_text()).collect();
    assert_eq!(texts, ["1", "3", "42"]);
    socket.close(CloseCode::NORMAL, "")?;
    while let Some(Ok(_)) = socket.next() {}
    handle.drain();
    let service = server.join().map_err(|_| "the server panicked")??;
    assert!(service.0.is_empty());
    Ok(())
}
