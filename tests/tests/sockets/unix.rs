//! Unix sockets: the files that they leave behind and what lies in their way, on every runtime; clients that connect
//! to them; the binary behind one.

use socket2::{Domain, SockAddr, Type};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wharf::base::{CloseCode, Message, When};
use wharf::link::{Address, Config, Target};
use wharf::ws;
use wharf::ws::handshake::ClientRequest;
use wharf_async_std::{Bound, ConnectError, Error, ServerHandle, Socket, connect_with, serve};
use wharf_cli::runner::{RunError, RuntimeKind};
use wharf_tests::adapter::{PATIENCE, Peer};
use wharf_tests::door::{Door, end_of, run};
use wharf_tests::folder::Folder;
use wharf_tests::motley::{Suite, echoes};
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::program::Running;
use wharf_tests::rig::{self, Work};

/// Why a server cannot listen there.
fn refusal(runtime: RuntimeKind, address: &Address) -> std::io::Error {
    match Suite::serve(runtime, vec![address.clone()], Config::default()) {
        Err(RunError::Bind { address: told, error }) => {
            assert_eq!(told, *address);
            error
        }
        other => panic!("it listens: {other:?}"),
    }
}

fn a_stale_path_is_taken_over(runtime: RuntimeKind) {
    let folder = Folder::new();
    // As a process leaves it that was killed.
    drop(UnixListener::bind(folder.path("socket")).unwrap());
    assert_eq!(folder.names(), ["socket"]);
    let (serving, _news) = Suite::serve(runtime, vec![folder.socket("socket")], Config::default()).unwrap();
    echoes(&mut Peer::open(&serving.address));
}

fn a_path_in_use_stays_with_whoever_listens(runtime: RuntimeKind) {
    let folder = Folder::new();
    let address = folder.socket("socket");
    let (serving, _news) = Suite::serve(runtime, vec![address.clone()], Config::default()).unwrap();
    let mut peer = Peer::open(&address);
    assert_eq!(refusal(runtime, &address).kind(), ErrorKind::AddrInUse);
    echoes(&mut peer);
    echoes(&mut Peer::open(&serving.address));
}

fn what_is_no_socket_is_never_touched(runtime: RuntimeKind) {
    let folder = Folder::new();
    fs::write(folder.path("file"), "precious").unwrap();
    assert_eq!(refusal(runtime, &folder.socket("file")).kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(folder.path("file")).unwrap(), "precious");
}

fn the_file_goes_at_the_end_of_listening(runtime: RuntimeKind) {
    let folder = Folder::new();
    let (serving, _news) = Suite::serve(runtime, vec![folder.socket("socket")], Config::default()).unwrap();
    let mut peer = Peer::open(&serving.address);
    assert_eq!(folder.names(), ["socket"]);
    serving.drain();
    assert_eq!(peer.closed(), 1001);
    peer.close(1001);
    peer.rest();
    serving.wait();
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

fn the_file_of_another_is_left_at_the_end(runtime: RuntimeKind) {
    let folder = Folder::new();
    let (serving, _news) = Suite::serve(runtime, vec![folder.socket("socket")], Config::default()).unwrap();
    fs::remove_file(folder.path("socket")).unwrap();
    let _other = UnixListener::bind(folder.path("socket")).unwrap();
    serving.drain();
    serving.wait();
    assert_eq!(folder.names(), ["socket"]);
}

fn a_path_that_is_too_long_is_said_so(runtime: RuntimeKind) {
    let error = refusal(runtime, &Address::Unix(format!("/tmp/{}", "x".repeat(200))));
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("205 bytes"), "{error}");
}

fn several_listeners_of_both_families(runtime: RuntimeKind) {
    let folder = Folder::new();
    let any = || Address::from(([127, 0, 0, 1], 0));
    let listen = vec![any(), folder.socket("one"), any(), folder.socket("two")];
    let (serving, news) = Suite::serve(runtime, listen, patient()).unwrap();
    let addresses = serving.addresses.clone();
    assert_eq!((&addresses[1], &addresses[3]), (&folder.socket("one"), &folder.socket("two")));
    assert!(addresses[0] != addresses[2] && addresses[0] != any(), "{addresses:?}");
    let mut peers: Vec<Peer> = addresses.iter().cycle().take(12).map(Peer::open).collect();
    peers.iter_mut().for_each(echoes);
    serving.drain();
    // None of them listens any more while the connections are still there.
    let until = Instant::now() + PATIENCE;
    while !addresses.iter().all(|address| PeerStream::connect(address).is_err()) {
        assert!(Instant::now() < until, "it still listens");
    }
    assert!(folder.names().is_empty());
    for peer in &mut peers {
        assert_eq!(peer.closed(), 1001);
        peer.close(1001);
        peer.rest();
    }
    serving.wait();
    assert_eq!(news.iter().count(), 12);
}

/// A drain waits longer for its connections than a test does for anything.
fn patient() -> Config {
    let mut ws = ws::Config::default();
    ws.close_timeout = PATIENCE * 2;
    let mut config = Config::default();
    config.ws = Arc::new(ws);
    config.drain_timeout = PATIENCE * 2;
    config
}

fn a_dial_to_where_nobody_listens_fails(runtime: RuntimeKind) {
    let folder = Folder::new();
    drop(UnixListener::bind(folder.path("stale")).unwrap());
    for name in ["absent", "stale"] {
        let ran = rig::run(runtime, Some(folder.socket(name)), "ws://localhost/", false, Work::Collect);
        assert!(ran.unwrap_err().contains("no address could be connected to"));
    }
}

fn at(address: Address) -> Target {
    Target::from(request()).at(address)
}

fn config(open_timeout: Duration) -> Arc<Config> {
    let mut config = Config::client();
    config.open_timeout = open_timeout;
    Arc::new(config)
}

/// The host is one that nobody has: only the address counts.
fn request() -> ClientRequest {
    ClientRequest::new("ws://nobody.invalid/").unwrap()
}

async fn listen<D: Door>(folder: &Folder) -> ServerHandle {
    let bound = Bound::<D>::bind(folder.socket("socket")).await.unwrap();
    serve(bound, Arc::default(), |mut socket: Socket<D>| async move {
        while let Some(message) = socket.next().await {
            let message = message?;
            match message.as_text() {
                Some("return") => return Ok(()),
                Some("panic") => panic!("as it was asked to"),
                _ => socket.send(message).await?,
            }
        }
        Ok::<(), Error>(())
    })
}

fn a_socket_over_it_echoes_and_ends<D: Door>() {
    run::<D>(async {
        let folder = Folder::new();
        let server = listen::<D>(&folder).await;
        assert_eq!(server.local_addr(), &folder.socket("socket"));
        let connect =
            || async { connect_with::<D>(at(server.local_addr().clone()), &config(PATIENCE)).await.unwrap() };
        let mut bystander = connect().await;
        for size in [0, 1, 125, 126, 4096, 65_535, 65_536, 1 << 20] {
            let payload: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            bystander.send(payload.clone()).await.unwrap();
            assert!(bystander.next().await.unwrap().unwrap() == Message::binary(payload), "{size} bytes");
        }
        for (word, code) in [("return", 1000), ("panic", 1011)] {
            let mut socket = connect().await;
            socket.send(word).await.unwrap();
            assert_eq!(end_of(&mut socket).await.code.as_u16(), code, "{word}");
        }
        let mut socket = connect().await;
        socket.close(CloseCode::from(4001), "enough").await.unwrap();
        let ending = async {
            assert_eq!(end_of(&mut bystander).await.code, CloseCode::GOING_AWAY);
        };
        futures_util::future::join(server.drain(), ending).await;
        assert!(folder.names().is_empty());
    });
}

fn the_mode_is_what_was_asked_for<D: Door>() {
    run::<D>(async {
        let folder = Folder::new();
        for mode in [0o600, 0o660, 0o777] {
            let bound = Bound::<D>::bind_unix(folder.path("socket"), mode).await.unwrap();
            let found = fs::metadata(folder.path("socket")).unwrap().permissions().mode();
            assert_eq!(found & 0o7777, mode);
            // The file goes with a listener that never served, too.
            drop(bound);
            assert!(folder.names().is_empty());
        }
    });
}

fn errors_of_connecting_to_it<D: Door>() {
    run::<D>(async {
        let folder = Folder::new();
        let refused = async |address: Address, open_timeout| {
            let connected = connect_with::<D>(at(address), &config(open_timeout)).await;
            connected.map(drop).expect_err("nobody is there")
        };
        let absent = refused(folder.socket("absent"), PATIENCE).await;
        assert!(matches!(&absent, ConnectError::Connect(e) if e.kind() == ErrorKind::NotFound), "{absent}");
        assert_eq!((absent.when(), absent.is_retryable()), (When::Connect, true));

        drop(UnixListener::bind(folder.path("stale")).unwrap());
        let stale = refused(folder.socket("stale"), PATIENCE).await;
        assert!(
            matches!(&stale, ConnectError::Connect(e) if e.kind() == ErrorKind::ConnectionRefused),
            "{stale}"
        );

        let unnamed = refused(Address::Unix(String::new()), PATIENCE).await;
        assert!(matches!(&unnamed, ConnectError::Connect(_)) && !unnamed.is_retryable(), "{unnamed}");

        let _full = full_listener(&folder.path("full"));
        let full = refused(folder.socket("full"), Duration::from_millis(100)).await;
        assert!(matches!(full, ConnectError::TimedOut), "{full}");
    });
}

/// One whose queue is full: who asks to connect is told to come again.
fn full_listener(path: &str) -> (socket2::Socket, Vec<UnixStream>) {
    let listener = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&SockAddr::unix(path).unwrap()).unwrap();
    listener.listen(1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = wharf_std::connect_unix(path) {
        waiting.push(stream);
    }
    (listener, waiting)
}

#[test]
fn the_binary_listens_there_and_says_so() {
    for runtime in ["tokio", "async-std", "smol", "mio"] {
        let folder = Folder::new();
        let address = folder.socket("socket");
        let running = Running::start([
            "echo",
            "--runtime",
            runtime,
            "--log",
            "error",
            "--listen",
            &address.to_string(),
        ]);
        assert_eq!(running.line(), format!("listening on {address}"));
        let mut peer = Peer::open(&address);
        echoes(&mut peer);
        running.signal("TERM");
        assert_eq!(peer.closed(), 1001);
        peer.close(1001);
        peer.rest();
        let ended = running.wait();
        assert_eq!((ended.code, ended.err), (Some(0), vec![]), "{runtime}");
        assert!(folder.names().is_empty(), "{runtime}");
    }
}

macro_rules! on_every_runtime {
    ($($module:ident = $runtime:ident),* : $tests:tt) => { $(on_every_runtime!(@ $module $runtime $tests);)* };
    (@ $module:ident $runtime:ident { $($test:ident)* }) => {
        mod $module {
            $(#[test]
            fn $test() {
                super::$test(super::RuntimeKind::$runtime);
            })*
        }
    };
}

on_every_runtime!(on_tokio = Tokio, on_async_std = AsyncStd, on_smol = Smol, on_mio = Mio: {
    a_stale_path_is_taken_over
    a_path_in_use_stays_with_whoever_listens
    what_is_no_socket_is_never_touched
    the_file_goes_at_the_end_of_listening
    the_file_of_another_is_left_at_the_end
    a_path_that_is_too_long_is_said_so
    several_listeners_of_both_families
    a_dial_to_where_nobody_listens_fails
});

wharf_tests::on_every_door!({
    a_socket_over_it_echoes_and_ends
    the_mode_is_what_was_asked_for
    errors_of_connecting_to_it
});
