//! Unix sockets: the client, a loop of one's own, the modes of a server's files.

use mio::{Events, Poll, Token};
use std::fs;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use wharf::base::{CloseCode, Message};
use wharf::link::{Address, Config, ConnId, Context, Event, Link, OpenError, Service, Target};
use wharf::ws::handshake::ClientRequest;
use wharf_mio::{Clock, ConnectError, Driven, Server, Socket, Turn, connect};

const LONG: Duration = Duration::from_secs(20);

struct Echo;

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        assert_eq!(cx.info(conn).unwrap().peer, &Address::Unix(String::new()));
        let _ = cx.send(conn, message);
    }
}

/// A folder of a test's own, by its name.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wharf-mio-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn attempt(path: &str, timeout: Duration) -> Result<Socket, ConnectError> {
    let request = ClientRequest::new("ws://nobody.invalid/").unwrap();
    let mut config = Config::client();
    config.open_timeout = timeout;
    connect(Target::from(request).at(Address::Unix(path.to_owned())), &config.into())
}

#[test]
fn modes_listeners_and_the_client() {
    let folder = Folder::new("server");
    let (narrow, wide) = (folder.path("narrow"), folder.path("wide"));
    let server = Server::new(Echo, Config::default().into()).unwrap();
    assert!(server.local_addr().is_none());
    let server = server.listen_unix(&narrow, 0o600).unwrap().listen_unix(&wide, 0o666).unwrap();
    for (path, mode) in [(&narrow, 0o600), (&wide, 0o666)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, mode);
    }
    let addresses: Vec<String> = server.local_addrs().map(ToString::to_string).collect();
    assert_eq!(addresses, [format!("unix:{narrow}"), format!("unix:{wide}")]);
    let handle = server.handle();
    let thread = std::thread::spawn(move || server.run().map(drop));
    for path in [&narrow, &wide, &narrow] {
        let mut socket = attempt(path, LONG).unwrap();
        assert_eq!(socket.peer_addr(), &Address::Unix(path.clone()));
        let payload = vec![7; 1 << 20];
        socket.send(Message::binary(payload.as_slice())).unwrap();
        assert!(socket.next().unwrap().unwrap().payload() == payload);
        socket.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(socket.next().unwrap().unwrap_err().code, CloseCode::NORMAL);
    }
    handle.drain();
    thread.join().unwrap().unwrap();
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn a_server_that_never_runs_leaves_no_file() {
    let folder = Folder::new("unrun");
    let path = folder.path("socket");
    let server = Server::bind(Address::Unix(path.clone()), Echo, Config::default().into()).unwrap();
    assert!(fs::exists(&path).unwrap());
    drop(server);
    assert!(!fs::exists(&path).unwrap());
}

#[test]
fn what_is_in_the_way() {
    let folder = Folder::new("way");
    let (file, used) = (folder.path("file"), folder.path("used"));
    fs::write(&file, "precious").unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(&used).unwrap();
    for (path, kind) in [(&file, ErrorKind::AlreadyExists), (&used, ErrorKind::AddrInUse)] {
        let refused = Server::bind(Address::Unix(path.clone()), Echo, Config::default().into());
        assert_eq!(refused.map(drop).unwrap_err().kind(), kind);
    }
    assert_eq!(fs::read(&file).unwrap(), b"precious");
}

#[test]
fn connecting_fails_where_nobody_listens_and_waits_where_the_queue_is_full() {
    let folder = Folder::new("client");
    let absent = attempt(&folder.path("absent"), LONG).map(drop).unwrap_err();
    assert!(matches!(&absent, ConnectError::Connect(e) if e.kind() == ErrorKind::NotFound), "{absent}");

    let path = folder.path("full");
    let listener = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    listener.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    listener.listen(1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = wharf_std::connect_unix(&path) {
        waiting.push(stream);
    }
    let full = attempt(&path, Duration::from_millis(50)).map(drop).unwrap_err();
    assert!(matches!(full, ConnectError::TimedOut), "{full}");
    // Room is made while it waits: it gets in, and the handshake is what is never answered.
    let waits = std::thread::spawn(move || attempt(&path, Duration::from_millis(500)).map(drop).unwrap_err());
    let accepted: Vec<_> = (0..=waiting.len()).map(|_| listener.accept().unwrap()).collect();
    let mute = waits.join().unwrap();
    assert!(matches!(mute, ConnectError::Open(OpenError::Handshake(_))), "{mute}");
    drop(accepted);
}

#[test]
fn a_loop_of_ones_own_drives_it() {
    let (here, there) = mio::net::UnixStream::pair().unwrap();
    let (mut poll, mut events, clock) = (Poll::new().unwrap(), Events::with_capacity(8), Clock::new());
    let config = Config::default().into();
    let entropy = wharf_mio::entropy().unwrap();
    let request = ClientRequest::new("ws://a/").unwrap();
    let client =
        Link::client(clock.now(), clock.wall(), &Config::client().into(), &request.into(), entropy).unwrap();
    let server = Link::server(clock.now(), clock.wall(), &config);
    let mut driven = [Driven::new(here, server), Driven::new(there, client)];
    let mut heard = None;
    for (n, one) in driven.iter_mut().enumerate() {
        one.register(poll.registry(), Token(n)).unwrap();
    }
    let mut buffer = vec![0; 65536];
    let mut over = [false; 2];
    while over != [true; 2] {
        let mut again = false;
        for (one, over) in driven.iter_mut().zip(&mut over).filter(|(_, over)| !**over) {
            let now = clock.now();
            let turn = one.turn(now, &mut buffer, |link, event| {
                match event {
                    Event::Request(_) => link.accept(now, &Default::default()).unwrap(),
                    Event::Opened(_) => drop(link.send(now, Message::text("ahoy"))),
                    Event::Message(message) => {
                        heard = message.as_text().map(String::from);
                        link.close(now, CloseCode::NORMAL, "").unwrap();
                    }
                    _ => {}
                }
                ControlFlow::Continue(())
            });
            *over = turn == Turn::Over;
            again |= turn == Turn::Again;
        }
        if over != [true; 2] && !again {
            poll.poll(&mut events, Some(LONG)).unwrap();
            assert!(!events.is_empty(), "it waits for ever");
        }
        for event in &events {
            driven[event.token().0].handle_event(event);
        }
    }
    assert_eq!(heard.as_deref(), Some("ahoy"));
}
