//! A server of handlers on real sockets, on every async runtime: its limits, whose places come free, and its drain. Each test has
//! the name of the fault that it looks for.

use socket2::{Domain, Type};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::panic_any;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;
use wharf::base::CloseCode;
use wharf::link::{Address, Config, Forwarding};
use wharf_async_std::{Bound, ServerHandle, Socket, serve};
use wharf_tests::adapter::{PATIENCE, Peer};
use wharf_tests::door::{Door, run};
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::wire::first;

/// A server of handlers that do what they are told, within these limits.
async fn within<D: Door>(config: Config) -> ServerHandle {
    let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
    serve(bound, Arc::new(config), |mut socket: Socket<D>| async move {
        while let Some(message) = socket.next().await {
            match message.map_err(|e| e.to_string())?.as_text() {
                Some("panic") => panic_any("as it was told"),
                Some("fail") => return Err("as it was told".to_owned()),
                Some("return") => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    })
}

/// Waits for what others bring about.
async fn until(mut is_so: impl FnMut() -> bool) {
    poll_fn(|cx| {
        if is_so() {
            return Poll::Ready(());
        }
        thread::yield_now();
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A peer that comes from this address of this machine.
fn from(source: [u8; 4], to: &Address) -> Peer {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&to.tcp().unwrap().into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    Peer::over(PeerStream::Tcp(socket.into()))
}

fn hears_503(peer: &mut Peer) {
    peer.ask("/", true);
    let head = peer.head();
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nRetry-After: 5\r\n"), "{head}");
    peer.rest();
}

fn handlers_of_one_address_take_all_places<D: Door>() {
    run::<D>(async {
        for refusals in [1, 0] {
            let mut config = Config::default();
            (config.max_connections_per_address, config.max_refusals) = (Some(2), refusals);
            let server = within::<D>(config).await;
            let address = server.local_addr();
            let open: Vec<Peer> = (0..2).map(|_| Peer::open(address.clone())).collect();
            let mut third = Peer::connect(address);
            if refusals > 0 {
                hears_503(&mut third);
            } else {
                assert!(third.rest().is_empty(), "those that are told are limited too");
            }
            let mut other = from([127, 0, 0, 2], address);
            other.ask("/", true);
            assert!(other.head().starts_with("HTTP/1.1 101 "), "another address has its own share");
            drop(open);
            until(|| server.connections() == 1).await;
            let _again = Peer::open(address);
            let stats = server.stats();
            assert_eq!((stats.accepted, stats.refused, stats.refused_address), (4, 1, 1));
            assert_eq!(stats.turned_away, u64::try_from(refusals).unwrap());
        }
        let mut config = Config::default();
        config.max_connections_per_address = Some(1);
        config.forwarding = Some(Arc::new(Forwarding::trusting(["127.0.0.1".parse().unwrap()])));
        let server = within::<D>(config).await;
        let _clients: Vec<Peer> = (0..3).map(|_| Peer::open(server.local_addr().clone())).collect();
        assert_eq!(server.stats().refused, 0, "a trusted hop stands for many");
    });
}

fn handshakes_of_handlers_without_end<D: Door>() {
    run::<D>(async {
        let mut config = Config::default();
        config.max_handshakes = 2;
        let server = within::<D>(config).await;
        let address = server.local_addr();
        let (mut reader, mut silent) = (Peer::connect(address), Peer::connect(address));
        until(|| server.handshakes() == 2).await;
        hears_503(&mut Peer::connect(address));
        reader.ask("/", false);
        assert_eq!(reader.answer().0, 426);
        until(|| server.handshakes() == 1).await;
        // One that is between two requests is in none, and one that is open is not either.
        let _open: Vec<Peer> = (0..3).map(|_| Peer::open(address.clone())).collect();
        reader.write(b"GET / HT");
        until(|| server.handshakes() == 2).await;
        hears_503(&mut Peer::connect(address));
        silent.end();
        reader.end();
        until(|| server.handshakes() == 0).await;
        let stats = server.stats();
        assert_eq!(
            (stats.accepted, stats.refused, stats.refused_handshakes, stats.turned_away),
            (5, 2, 2, 2)
        );
    });
}

/// Where there is one place, one that was kept would leave none.
fn one_place() -> Config {
    let mut config = Config::default();
    (config.max_connections, config.max_connections_per_address, config.max_handshakes) = (1, Some(1), 1);
    config
}

fn a_place_is_kept_by_a_connection_that_is_over<D: Door>() {
    run::<D>(async {
        let server = within::<D>(one_place()).await;
        let address = server.local_addr();
        for (text, code) in [("return", 1000), ("fail", 1011), ("panic", 1011)] {
            let mut peer = Peer::open(address);
            peer.send(first::TEXT, text.as_bytes());
            assert_eq!(peer.closed(), code);
            peer.close(code);
            peer.rest();
            until(|| server.connections() == 0).await;
        }
        Peer::open(address).reset();
        until(|| server.connections() == 0).await;
        Peer::connect(address).reset();
        until(|| server.stats().accepted == 5 && server.connections() == 0).await;
        let mut nonsense = Peer::connect(address);
        nonsense.write(b"nonsense\r\n\r\n");
        assert!(nonsense.rest().starts_with(b"HTTP/1.1 400 "));
        until(|| server.connections() == 0).await;
        let _last = Peer::open(address);
        assert_eq!((server.stats().accepted, server.stats().refused, server.handshakes()), (7, 0, 0));

        let (mut config, mut http) = (one_place(), wharf::http::Config::default());
        http.open_timeout = Duration::from_millis(50);
        config.http = Arc::new(http);
        let server = within::<D>(config).await;
        for accepted in 1..=2 {
            let mut silent = Peer::connect(server.local_addr());
            silent.rest();
            until(|| server.stats().accepted == accepted && server.connections() == 0).await;
        }
        assert_eq!((server.stats().refused, server.handshakes()), (0, 0));
    });
}

fn a_drain_of_handlers_says_1001_whatever_it_was_told<D: Door>() {
    run::<D>(async {
        for (code, said) in [(1012, 1012), (4000, 4000), (1006, 1001)] {
            let server = within::<D>(Config::default()).await;
            let mut peer = Peer::open(server.local_addr().clone());
            let told = thread::spawn(move || {
                let code = peer.closed();
                peer.close(code);
                peer.rest();
                code
            });
            assert_eq!(server.drain_with(CloseCode::from(code)).await.closed, 1);
            assert_eq!(told.join().unwrap(), said);
        }
    });
}

wharf_tests::on_every_door!({
    handlers_of_one_address_take_all_places handshakes_of_handlers_without_end
    a_place_is_kept_by_a_connection_that_is_over a_drain_of_handlers_says_1001_whatever_it_was_told
});
