//! What is tested without a network is what runs on one: the same handler on a mock, on a mock in any weather and on real
//! sockets, and the same service in a world and on real sockets, on tokio, async-std and smol.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Message};
use wharf::link::{Config, ConnId, Context, Service};
use wharf::sim::{Dice, Faults, Habit, Outcome, World};
use wharf_async_std::{Bound, Drain, Error, Scene, Socket, connect, mock, mock_with, no_jobs, serve_service};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::door::{Door, listen, run};

#[allow(dead_code)]
#[path = "../examples/mock_handler.rs"]
mod mock_handler;

const SECOND: Duration = Duration::from_secs(1);

/// What a peer says, and what comes of it: the answers, and how it is closed.
const SAID: [&str; 4] = ["ahoy", "is anybody there", "", "bye"];
type Talk = (Vec<String>, (u16, String));

/// Answers louder; a `bye` ends it.
async fn talk<D: Door>(mut socket: Socket<D>) -> Result<(), Error> {
    while let Some(message) = socket.next().await {
        let message = message?;
        match message.as_text() {
            Some("bye") => return socket.close(CloseCode::from(4000), "so long").await,
            text => socket.send(text.unwrap_or_default().to_uppercase()).await?,
        }
    }
    Ok(())
}

/// The same as a service.
struct Talker;

impl Service for Talker {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        // One that is closing hears nothing more.
        let _ = match message.as_text() {
            Some("bye") => cx.close(conn, CloseCode::from(4000), "so long"),
            text => cx.send(conn, Message::text(text.unwrap_or_default().to_uppercase())).map(drop),
        };
    }
}

fn expected() -> Talk {
    let answers = ["AHOY", "IS ANYBODY THERE", ""].map(String::from).to_vec();
    (answers, (4000, "so long".into()))
}

fn end(closed: &Closed) -> (u16, String) {
    (closed.code.as_u16(), closed.reason.clone())
}

/// What a client on a real socket hears.
async fn heard<D: Door>(url: &str) -> Talk {
    let mut socket = connect::<D>(url).await.unwrap();
    for text in SAID {
        socket.send(text).await.unwrap();
    }
    let mut answers = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        answers.push(message.as_text().unwrap().to_owned());
    }
    (answers, end(socket.closed().unwrap()))
}

/// The same handler on the mock, in any weather, and on a real socket.
fn never_wired_up<D: Door>() {
    let (socket, peer) = mock::<D>(SAID);
    assert!(matches!(peer.run(pin!(talk(socket))), Poll::Ready(Ok(()))));
    assert_eq!((peer.texts(), end(&peer.closed().unwrap())), expected());
    assert_eq!(peer.received().len(), SAID.len());

    for seed in 0..50 {
        let mut scene = Scene::default();
        (scene.seed, scene.faults) = (seed, (Faults::any(&mut Dice::seeded(seed)), 5 * SECOND));
        let (socket, peer) = mock_with::<D>(scene, SAID).unwrap();
        let ended = peer.run_for(20 * SECOND, pin!(talk(socket)));
        assert!(matches!(ended, Poll::Ready(Ok(()))), "seed {seed}");
        assert_eq!((peer.texts(), end(&peer.closed().unwrap())), expected(), "seed {seed}");
    }

    run::<D>(async {
        let (url, server) = listen::<D, _, _>(talk::<D>).await;
        assert_eq!(heard::<D>(&url).await, expected());
        server.drain().await;
    });
}

/// The same service in a world, in any weather, and on a real socket.
fn a_service_in_a_world_is_the_service_on_a_socket<D: Door>() {
    for seed in 0..50 {
        let (mut world, server, client) = World::mock(Talker, &Arc::default()).unwrap();
        let faults = if seed == 0 { Faults::default() } else { Faults::any(&mut Dice::seeded(seed)) };
        world.set_faults(faults, 5 * SECOND);
        SAID.iter().for_each(|text| world.send(client, *text).unwrap());
        world.run().unwrap();
        let Some(Outcome::Closed(closed)) = world.client(client).outcome() else { panic!("seed {seed}") };
        let answers = world.texts(client).iter().map(ToString::to_string).collect();
        assert_eq!((answers, end(closed)), expected(), "seed {seed}");
        assert!(world.hub(server).is_empty());
    }
    run::<D>(async {
        let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
        let url = format!("ws://{}/", bound.local_addr());
        let server = serve_service(vec![bound], Talker, &Arc::new(Config::default()), no_jobs).unwrap();
        assert_eq!(heard::<D>(&url).await, expected());
        server.drain().await;
    });
}

/// Whatever a handler waits for comes by a wake-up: no time passes on the mock, and none is waited for on a real socket, where
/// the first connect finds a listener.
fn sleeps_instead_of_waiting<D: Door>() {
    let (socket, peer) = mock::<D>([""; 0]);
    let begin = peer.now();
    let mut handler = pin!(talk(socket));
    let mut answers = Vec::new();
    for text in SAID {
        assert!(peer.run(handler.as_mut()).is_pending());
        peer.send(text).unwrap();
        if text != "bye" {
            assert!(peer.run(handler.as_mut()).is_pending());
            let Poll::Ready(answer) = peer.run(pin!(peer.next())) else { panic!("no answer to {text:?}") };
            answers.push(answer.unwrap().as_text().unwrap().to_owned());
        }
    }
    assert!(peer.run(handler.as_mut()).is_ready());
    assert_eq!((answers, peer.now()), (expected().0, begin));

    run::<D>(async {
        for _ in 0..20 {
            let (url, server) = listen::<D, _, _>(talk::<D>).await;
            connect::<D>(&url).await.unwrap();
            server.drain().await;
        }
    });
}

/// Servers that run at once have ports of their own, and tell the one that they have.
fn fixed_port<D: Door>() {
    run::<D>(async {
        let mut servers = Vec::new();
        for _ in 0..8 {
            servers.push(listen::<D, _, _>(talk::<D>).await);
        }
        let ports: BTreeSet<u16> =
            servers.iter().map(|(_, s)| s.local_addr().tcp().unwrap().port()).collect();
        assert!(ports.len() == servers.len() && !ports.contains(&0), "{ports:?}");
        for (url, server) in &servers {
            assert_eq!(heard::<D>(url).await, expected());
            server.drain().await;
        }
    });
}

/// A drain ends handlers that would go on for ever, on the mock and on a real socket; a world says that it is never over.
fn never_ends<D: Door>() {
    let (socket, peer) = mock::<D>([""; 0]);
    let drain = Drain::new();
    let mut served =
        pin!(drain.enter(1).unwrap().handle(socket, |_: Socket<D>| std::future::pending::<()>()));
    assert!(peer.run_for(3600 * SECOND, served.as_mut()).is_pending());
    let mut draining = pin!(drain.drain());
    assert!(peer.run(draining.as_mut()).is_pending());
    assert!(peer.run(served.as_mut()).is_ready() && peer.run(draining.as_mut()).is_ready());
    assert_eq!((peer.closed().unwrap().code, drain.connections()), (CloseCode::GOING_AWAY, 0));

    run::<D>(async {
        let (url, server) = listen::<D, _, _>(|socket: Socket<D>| async move {
            let _socket = socket;
            std::future::pending::<()>().await;
        })
        .await;
        let mut socket = connect::<D>(&url).await.unwrap();
        let (ended, _) = futures_util::future::join(
            async {
                while let Some(Ok(_)) = socket.next().await {}
                socket.closed().unwrap().code
            },
            server.drain(),
        )
        .await;
        assert_eq!((ended, server.connections()), (CloseCode::GOING_AWAY, 0));
        assert!(connect::<D>(&url).await.is_err(), "nobody listens any more");
    });
}

/// A mock's time is its own: hours pass at once, by a timer that no runtime has.
fn a_mock_needs_no_reactor_and_no_clock<D: Door>() {
    let (socket, peer) = mock::<D>(["ahoy"]);
    let mut handler = pin!(talk(socket));
    assert!(peer.run_for(24 * 3600 * SECOND, handler.as_mut()).is_pending());
    assert_eq!(peer.texts(), ["AHOY"]);
    peer.misbehave(Habit::Vanish);
    let begin = peer.now();
    let ended = peer.run_for(3600 * SECOND, handler.as_mut());
    assert!(matches!(ended, Poll::Ready(Err(Error::Closed(_)))) && peer.now() > begin);
}

wharf_tests::on_every_door!({
    never_wired_up
    a_service_in_a_world_is_the_service_on_a_socket
    sleeps_instead_of_waiting
    fixed_port
    never_ends
    a_mock_needs_no_reactor_and_no_clock
});

fn the_example_of_a_mock(runtime: RuntimeKind) {
    mock_handler::play(runtime).unwrap();
}

/// The example is for a bare loop too.
mod example {
    use super::the_example_of_a_mock;

    wharf_tests::on_every_runtime!({ the_example_of_a_mock });
}
