//! The client that stays up, on real sockets, on each runtime of the async adapters.

use async_channel::{Receiver, Sender};
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Message};
use wharf::link::{Config, ConnId, Service};
use wharf::service::client::{ClientConfig, Failure, Fate, Stopped, Unsent, WhyRefused};
use wharf::service::schedule::Schedule;
use wharf_async_std::{Bound, Client, Messages, Socket, serve};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::Serving;
use wharf_tests::door::{Door, echo, end_of, listen, run};

/// A hundred times as quick as the defaults.
fn quick() -> ClientConfig {
    let mut config = ClientConfig::default();
    config.schedule = Schedule::spaced(Duration::from_millis(10)).jittered();
    config
}

fn connect<D: Door>(url: &str, config: ClientConfig) -> (Client, Messages) {
    Client::connect::<D>(url, &Arc::new(Config::client()), config).expect("a target")
}

/// The address of a URL.
fn address_of(url: &str) -> SocketAddr {
    url.trim_start_matches("ws://").trim_end_matches('/').parse().expect("an address")
}

fn a_message_goes_out_and_what_comes_is_heard<D: Door>() {
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(echo::<D>).await;
        let (client, mut messages) = connect::<D>(&url, quick());
        // Before it is connected, and after.
        assert_eq!(client.send("one").await.unwrap(), Fate::Written);
        assert_eq!(client.send("two").await.unwrap(), Fate::Written);
        for expected in ["one", "two"] {
            assert_eq!(messages.next().await.unwrap().as_text(), Some(expected));
        }
        assert!(client.state().is_connected && client.state().reconnect_count == 0);
        assert_eq!(client.stop().await, Stopped::Asked);
        assert_eq!(messages.next().await, None);
        assert_eq!(client.send("three").await.unwrap_err().why, WhyRefused::Stopped);
    });
}

fn it_comes_back_when_its_server_does<D: Door>() {
    run::<D>(async {
        let (url, server) = listen::<D, _, _>(echo::<D>).await;
        let (client, mut messages) = connect::<D>(&url, quick());
        let mut watch = client.watch();
        assert!(watch.connected().await);
        for round in 1..=3 {
            let server = if round == 1 { server.clone() } else { again::<D>(&url).await };
            assert!(watch.connected().await);
            assert_eq!(client.send("before").await.unwrap(), Fate::Written);
            assert_eq!(messages.next().await.unwrap().as_text(), Some("before"));
            server.drain().await;
            while watch.state().is_connected {
                watch.changed().await.expect("it goes on");
            }
            assert!(client.state().last_error.is_some());
            // What is sent meanwhile waits.
            let sending = client.send("meanwhile");
            let server = again::<D>(&url).await;
            assert_eq!(sending.await.unwrap(), Fate::Written);
            assert_eq!(messages.next().await.unwrap().as_text(), Some("meanwhile"));
            assert_eq!(client.state().reconnect_count, 2 * round - 1);
            server.drain().await;
        }
        client.stop().await;
    });
}

/// The same server again.
async fn again<D: Door>(url: &str) -> wharf_async_std::ServerHandle {
    let bound = Bound::<D>::bind(address_of(url)).await.expect("the port is free again");
    serve(bound, Arc::default(), echo::<D>)
}

fn what_is_done_on_connect_comes_first_and_may_fail<D: Door>() {
    run::<D>(async {
        let (tell, told): (Sender<String>, Receiver<String>) = async_channel::unbounded();
        let (url, _server) = listen::<D, _, _>(move |mut socket: Socket<D>| {
            let tell = tell.clone();
            async move {
                while let Some(Ok(message)) = socket.next().await {
                    let text = message.as_text().unwrap_or_default().to_owned();
                    if text.starts_with("login") {
                        let _ = socket.send(if text == "login 1" { "denied" } else { "welcome" }).await;
                    }
                    let _ = tell.send(text).await;
                }
            }
        })
        .await;
        let logins = AtomicUsize::new(0);
        let config = Arc::new(Config::client());
        let hook = move |mut socket: Socket<D>, again: bool| {
            let nth = logins.fetch_add(1, Ordering::SeqCst) + 1;
            assert_eq!(again, nth > 1);
            // The second one panics, which is the hook's own affair.
            assert_ne!(nth, 2, "on purpose");
            async move {
                socket.send(format!("login {nth}")).await?;
                match socket.next().await {
                    Some(Ok(answer)) if answer.as_text() == Some("welcome") => Ok(socket),
                    other => Err(format!("{other:?}").into()),
                }
            }
        };
        let (client, _messages) = Client::connect_with::<D, _, _>(&*url, &config, quick(), hook).unwrap();
        assert_eq!(client.send("work").await.unwrap(), Fate::Written);
        for expected in ["login 1", "login 3", "work"] {
            assert_eq!(told.recv().await.unwrap(), expected);
        }
        assert_eq!(client.state().reconnect_count, 2);
        client.stop().await;
    });
}

fn stopped_or_dropped_it_closes_in_order_and_leaves_nothing<D: Door>() {
    run::<D>(async {
        for is_dropped in [false, true] {
            let (tell, told): (Sender<Closed>, Receiver<Closed>) = async_channel::unbounded();
            let (url, server) = listen::<D, _, _>(move |mut socket: Socket<D>| {
                let tell = tell.clone();
                async move {
                    let _ = tell.send(end_of::<D>(&mut socket).await).await;
                }
            })
            .await;
            let (client, messages) = connect::<D>(&url, quick());
            let other = client.clone();
            assert!(client.watch().connected().await);
            if is_dropped {
                drop((client, messages));
                assert!(other.state().is_connected, "a handle is left");
                drop(other);
            } else {
                assert_eq!(client.stop().await, Stopped::Asked);
                assert_eq!(other.stopped().await, Stopped::Asked);
            }
            assert_eq!(told.recv().await.unwrap().code, CloseCode::NORMAL);
            server.drain().await;
        }
    });
}

fn a_stop_waits_for_no_dial<D: Door>() {
    run::<D>(async {
        // It is connected to, and nobody answers.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let mut config = Config::client();
        config.open_timeout = Duration::from_secs(3600);
        let (client, _messages) = Client::connect::<D>(&*url, &Arc::new(config), quick()).unwrap();
        let sending = client.send("nobody's");
        let (stream, _) = listener.accept().unwrap();
        assert_eq!(client.stop().await, Stopped::Asked);
        let why = Unsent::Stopped;
        assert_eq!(sending.await.unwrap(), Fate::Unsent { message: Message::text("nobody's"), why });
        drop(stream);
    });
}

fn a_send_that_is_given_up_is_taken_back_and_a_detached_one_goes_out<D: Door>() {
    run::<D>(async {
        let (url, server) = listen::<D, _, _>(echo::<D>).await;
        server.drain().await;
        let (client, mut messages) = connect::<D>(&url, quick());
        let mut given_up = client.send("given up");
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(pin!(&mut given_up).as_mut().poll(cx).is_pending());
        drop(given_up);
        client.send("detached").detach().unwrap();
        let _server = again::<D>(&url).await;
        assert_eq!(messages.next().await.unwrap().as_text(), Some("detached"));
        assert_eq!((client.stats().cancelled, client.stats().written), (1, 1));
        client.stop().await;
    });
}

/// Takes connections and never reads from them.
struct Deaf;

impl Service for Deaf {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut wharf::link::Context<'_>, conn: ConnId) {
        cx.pause(conn);
    }
}

fn a_peer_without_a_sign_of_life_is_given_up<D: Door>() {
    run::<D>(async {
        let server = Serving::start(RuntimeKind::Mio, Deaf, Config::default());
        let mut config = quick();
        config.heartbeat = Some(Duration::from_millis(20));
        config.pong_timeout = Some(Duration::from_millis(20));
        let (client, _messages) = connect::<D>(&format!("ws://{}/", server.address), config);
        let mut watch = client.watch();
        let mut silent = 0;
        while silent < 3 {
            let state = watch.changed().await.expect("it goes on");
            silent += usize::from(matches!(state.last_error, Some(Failure::Silent(_))));
        }
        client.stop().await;
        assert!(client.stats().silent >= 3);
    });
}

fn a_program_that_does_not_listen_holds_the_server_back_and_loses_nothing<D: Door>() {
    const COUNT: usize = 3000;
    run::<D>(async {
        let (url, server) = listen::<D, _, _>(|mut socket: Socket<D>| async move {
            for i in 0..COUNT {
                socket.send(format!("{i} {}", "x".repeat(500))).await?;
            }
            socket.next().await;
            Ok::<(), wharf_async_std::Error>(())
        })
        .await;
        let (client, mut messages) = connect::<D>(&url, quick());
        assert!(client.watch().connected().await);
        // It is written to all the same.
        for _ in 0..10 {
            assert_eq!(client.send("are you there").await.unwrap(), Fate::Written);
        }
        for i in 0..COUNT {
            let message = messages.next().await.unwrap();
            assert_eq!(message.as_text().unwrap().split(' ').next(), Some(&*i.to_string()));
        }
        // A stop does not wait for who reads either.
        let (other, unread) = connect::<D>(&url, quick());
        assert!(other.watch().connected().await);
        assert_eq!(other.stop().await, Stopped::Asked);
        drop(unread);
        client.stop().await;
        server.drain().await;
    });
}

fn an_acknowledgement_is_the_fate_of_who_waits_for_one<D: Door>() {
    run::<D>(async {
        let (url, server) = listen::<D, _, _>(echo::<D>).await;
        let (client, mut messages) = connect::<D>(&url, quick());
        let sending = client.send_acknowledged("important");
        let ticket = sending.ticket().unwrap();
        assert_eq!(messages.next().await.unwrap().as_text(), Some("important"));
        assert!(client.acknowledge(ticket) && !client.acknowledge(ticket));
        assert_eq!(sending.await.unwrap(), Fate::Acknowledged);
        let lost = client.send_acknowledged("who knows");
        assert_eq!(messages.next().await.unwrap().as_text(), Some("who knows"));
        server.drain().await;
        assert_eq!(lost.await.unwrap(), Fate::Unknown { message: Message::text("who knows") });
        client.stop().await;
    });
}

fn a_refusal_that_is_final_stops_it<D: Door>() {
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(|mut socket: Socket<D>| async move {
            socket.close(CloseCode::from(4001), "not you").await
        })
        .await;
        let (client, mut messages) = connect::<D>(&url, quick());
        let Stopped::Fatal(Failure::Closed { closed, .. }) = client.stopped().await else {
            panic!("it goes on")
        };
        assert_eq!((closed.code.as_u16(), &*closed.reason), (4001, "not you"));
        assert_eq!(messages.next().await, None);
        assert_eq!(client.stats().dials, 1);
    });
}

wharf_tests::on_every_door!({
    a_message_goes_out_and_what_comes_is_heard
    it_comes_back_when_its_server_does
    what_is_done_on_connect_comes_first_and_may_fail
    stopped_or_dropped_it_closes_in_order_and_leaves_nothing
    a_stop_waits_for_no_dial
    a_send_that_is_given_up_is_taken_back_and_a_detached_one_goes_out
    a_peer_without_a_sign_of_life_is_given_up
    a_program_that_does_not_listen_holds_the_server_back_and_loses_nothing
    an_acknowledgement_is_the_fate_of_who_waits_for_one
    a_refusal_that_is_final_stops_it
});

/// Whoever waits for a fate is told when the runtime is gone that carried the client.
#[test]
fn a_runtime_that_goes_down_tells_the_fates() {
    use wharf_tests::door::Tokio;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let runtime =
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (client, sending) = runtime.block_on(async {
        let (client, _messages) = connect::<Tokio>(&url, quick());
        let sending = client.send("lost");
        (client, sending)
    });
    drop(runtime);
    ::smol::block_on(async {
        assert!(matches!(sending.await.unwrap(), Fate::Unsent { .. }));
        assert_eq!(client.stopped().await, Stopped::Asked);
    });
}
