//! Limits on real sockets, on every runtime: who is refused, how it is told, and whose address it is that counts.

#[allow(dead_code)]
#[path = "../../examples/limited.rs"]
mod limited;

use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;
use wharf::base::Message;
use wharf::framed::Lines;
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, Forwarding, Framing, Service, Verdict};
use wharf::service::limiter::{self, Attempt, Limited, Limits, Over, Rate, Why};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Peer, Serving};
use wharf_tests::on_every_runtime;
use wharf_tests::wire::first;

/// Says to each message where it comes from, and shows a page.
struct Mirror;

impl Service for Mirror {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        if request.is_websocket() {
            Verdict::accept()
        } else {
            Verdict::Respond(Response::new(200).body("page"))
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if message.as_text() == Some("who am I") {
            let client = cx.info(conn).and_then(|info| info.client).expect("an address");
            let _ = cx.send(conn, Message::text(client.to_string()));
        } else {
            let _ = cx.send(conn, message);
        }
    }
}

/// The service within limits, and who was refused.
struct Site {
    serving: Serving<()>,
    refused: mpsc::Receiver<Attempt>,
}

impl Site {
    fn start(runtime: RuntimeKind, limits: Limits, config: Config) -> Self {
        let (tell, refused) = mpsc::channel();
        let service = Limited::new(Mirror, limits).on_refused(move |attempt| {
            let _ = tell.send(*attempt);
        });
        Self { serving: Serving::start(runtime, service, config), refused }
    }

    fn address(&self) -> SocketAddr {
        self.serving.address.tcp().expect("a TCP address")
    }

    fn refused(&self) -> (IpAddr, Why) {
        let attempt = self.refused.recv_timeout(PATIENCE).expect("somebody was refused");
        (attempt.address, attempt.refusal.why)
    }

    /// Asks for a WebSocket with these fields beside; the answer's head, and the peer.
    fn ask(&self, fields: &str) -> (String, Peer) {
        let mut peer = Peer::connect(self.address());
        peer.write(upgrade(fields).as_bytes());
        (peer.head(), peer)
    }
}

fn upgrade(fields: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{fields}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// So many connections of an address, ever.
fn at_most(limit: usize) -> Limits {
    let (mut limits, mut config) = (Limits::default(), limiter::Config::default());
    config.limit = limit;
    limits.connections = Some(config);
    limits
}

fn lines() -> Config {
    let mut config = Config::default();
    config.framing = Framing::codec(Lines::new());
    config
}

/// All of `trusted` are believed.
fn behind(trusted: &str, proxy_protocol: bool, mut config: Config) -> Config {
    let mut forwarding = Forwarding::trusting([trusted.parse().expect("a block")]);
    forwarding.proxy_protocol = proxy_protocol;
    config.forwarding = Some(Arc::new(forwarding));
    config
}

/// A stream that comes from this address of this machine.
fn from(source: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((source, 0)).into()).expect("all of 127.0.0.0/8 is this machine");
    socket.connect(&to.into()).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    socket.into()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// All that comes until the end; a reset is one too.
fn rest(mut stream: impl Read) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn a_refused_websocket_is_told_with_429_and_closed(runtime: RuntimeKind) {
    let site = Site::start(runtime, at_most(2), Config::default());
    let open: Vec<Peer> = (0..2).map(|_| Peer::open(site.address())).collect();
    for why in [Why::Rate, Why::Blocked] {
        let (head, mut peer) = site.ask("");
        assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
        let after = head.split("\r\nRetry-After: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        assert!((1..=300).contains(&after.expect(&head).parse().expect("seconds")), "{head}");
        assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
        assert_eq!(peer.rest(), b"Too Many Requests", "and the end");
        assert_eq!(site.refused(), (ip("127.0.0.1"), why));
    }
    for mut peer in open {
        peer.send(first::TEXT, b"ahoy");
        assert_eq!(peer.frame().expect("an echo").payload, b"ahoy", "who is in stays in");
    }
    let mut peer = Peer::connect(site.address());
    for _ in 0..20 {
        peer.ask("/", false);
        assert_eq!(peer.answer(), (200, "page".to_owned()), "pages are not counted");
    }
}

fn a_refused_framed_client_is_closed(runtime: RuntimeKind) {
    let site = Site::start(runtime, at_most(1), lines());
    let mut open = from([127, 0, 0, 1], site.address());
    open.write_all(b"ahoy\n").expect("it reads");
    // Only then is it sure that it was the first.
    let mut heard = [0; 5];
    open.read_exact(&mut heard).expect("an echo");
    let mut refused = from([127, 0, 0, 1], site.address());
    // It may be gone before it has spoken.
    let _ = refused.write_all(b"let me in\n");
    assert_eq!(rest(refused), "");
    assert_eq!(site.refused(), (ip("127.0.0.1"), Why::Rate));
    open.write_all(b"still there\n").expect("it reads");
    open.shutdown(std::net::Shutdown::Write).expect("it is open");
    assert_eq!(rest(open), "still there\n");
}

fn the_address_is_the_clients_own_and_no_constant(runtime: RuntimeKind) {
    let site = Site::start(runtime, at_most(1), lines());
    for source in [[127, 0, 0, 1], [127, 0, 0, 2], [127, 0, 0, 3]] {
        for expected in [IpAddr::from(source).to_string() + "\n", String::new()] {
            let mut stream = from(source, site.address());
            let _ = stream.write_all(b"who am I\n");
            let _ = stream.shutdown(std::net::Shutdown::Write);
            assert_eq!(rest(stream), expected);
        }
        assert_eq!(site.refused(), (source.into(), Why::Rate));
    }
}

fn of_many_at_once_no_more_than_the_limit_get_in(runtime: RuntimeKind) {
    let site = Site::start(runtime, at_most(10), Config::default());
    let (address, start) = (site.address(), Arc::new(Barrier::new(40)));
    let peers: Vec<_> = (0..40)
        .map(|_| {
            let start = start.clone();
            thread::spawn(move || {
                let peer = Peer::connect(address);
                start.wait();
                peer.is_taken()
            })
        })
        .collect();
    let taken = peers.into_iter().map(|peer| peer.join().expect("it ends"));
    assert_eq!(taken.filter(|taken| *taken).count(), 10);
    assert_eq!((0..30).filter(|_| site.refused().1 == Why::Rate).count(), 1, "one starts the block");
}

fn behind_a_trusted_hop_the_address_of_the_field_counts(runtime: RuntimeKind) {
    let site = Site::start(runtime, at_most(1), behind("127.0.0.0/8", false, Config::default()));
    for (fields, client) in [
        ("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 192.0.2.66, 192.0.2.2\r\n", "192.0.2.2"),
        ("X-Forwarded-For: 192.0.2.3, 127.0.0.9\r\n", "192.0.2.3"),
        ("Forwarded: for=\"[2001:db8:1::4]:4711\";proto=https\r\n", "2001:db8:1::4"),
    ] {
        let (head, mut peer) = site.ask(fields);
        assert!(head.starts_with("HTTP/1.1 101 "), "{fields}: {head}");
        peer.send(first::TEXT, b"who am I");
        assert_eq!(peer.frame().expect("an answer").payload, client.as_bytes());
        let (head, _) = site.ask(fields);
        assert!(head.starts_with("HTTP/1.1 429 "), "{fields}: {head}");
        assert_eq!(site.refused(), (ip(client), Why::Rate));
    }
    let (head, _) = site.ask("X-Forwarded-For: 192.0.2.99, 192.0.2.1\r\n");
    assert!(head.starts_with("HTTP/1.1 429 "), "what it says itself helps nobody: {head}");
    let (head, _) = site.ask("Forwarded: for=\"[2001:db8:1::5]\"\r\n");
    assert!(head.starts_with("HTTP/1.1 429 "), "the same /64: {head}");
}

fn an_untrusted_hop_names_nobody(runtime: RuntimeKind) {
    let site = Site::start(runtime, at_most(1), behind("10.0.0.0/8", true, Config::default()));
    let (head, mut peer) = site.ask("X-Forwarded-For: 192.0.2.1\r\n");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    peer.send(first::TEXT, b"who am I");
    assert_eq!(peer.frame().expect("an answer").payload, b"127.0.0.1");
    let (head, _) = site.ask("X-Forwarded-For: 192.0.2.2\r\n");
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    let mut peer = Peer::connect(site.address());
    peer.write(b"PROXY TCP4 192.0.2.3 127.0.0.1 1 2\r\n\r\n");
    let answer = String::from_utf8(peer.rest()).expect("text");
    assert!(answer.starts_with("HTTP/1.1 505 "), "it is no request: {answer}");
}

/// A PROXY header of version 2 for 192.0.2.`host`, with an additional value.
fn version_2(host: u8) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x10".to_vec();
    bytes.extend([192, 0, 2, host, 127, 0, 0, 1, 0xc3, 0x50, 0x1f, 0x90]);
    bytes.extend([0x04, 0, 1, 0]);
    bytes
}

fn a_proxy_header_of_either_version_names_the_client(runtime: RuntimeKind) {
    let site = Site::start(runtime, at_most(1), behind("127.0.0.1", true, Config::default()));
    let line = |host: u8| format!("PROXY TCP4 192.0.2.{host} 127.0.0.1 50000 8080\r\n").into_bytes();
    for (host, header) in [(1, line(1)), (2, version_2(2))] {
        let mut peer = Peer::connect(site.address());
        // In pieces, and the request right behind.
        let (front, back) = header.split_at(14);
        peer.write(front);
        peer.write(&[back, upgrade("").as_bytes()].concat());
        assert!(peer.head().starts_with("HTTP/1.1 101 "));
        peer.send(first::TEXT, b"who am I");
        assert_eq!(peer.frame().expect("an answer").payload, format!("192.0.2.{host}").as_bytes());
    }
    for (host, header) in [(1, version_2(1)), (2, line(2))] {
        let mut peer = Peer::connect(site.address());
        peer.write(&[&header, upgrade("").as_bytes()].concat());
        assert!(peer.head().starts_with("HTTP/1.1 429 "));
        assert_eq!(site.refused(), (IpAddr::from([192, 0, 2, host]), Why::Rate));
    }
    let mut peer = Peer::connect(site.address());
    peer.write(b"PROXY UNKNOWN\r\n");
    peer.write(upgrade("X-Forwarded-For: 192.0.2.9\r\n").as_bytes());
    assert!(peer.head().starts_with("HTTP/1.1 101 "));
    peer.send(first::TEXT, b"who am I");
    assert_eq!(peer.frame().expect("an answer").payload, b"127.0.0.1", "it may be said by anybody");
}

fn and_of_framed_clients_too(runtime: RuntimeKind) {
    let site = Site::start(runtime, at_most(1), behind("127.0.0.1", true, lines()));
    for expected in ["192.0.2.5\n", ""] {
        let mut stream = from([127, 0, 0, 1], site.address());
        let _ = stream.write_all(&[&version_2(5), &b"who am I\n"[..]].concat());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        assert_eq!(rest(stream), expected);
    }
    assert_eq!(site.refused(), (ip("192.0.2.5"), Why::Rate));
}

fn a_malformed_proxy_header_ends_the_connection(runtime: RuntimeKind) {
    let mut config = behind("127.0.0.1", true, Config::default());
    let site = Site::start(runtime, at_most(1), config.clone());
    let mut http = wharf::http::Config::default();
    http.open_timeout = Duration::from_millis(100);
    config.http = Arc::new(http);
    let hasty = Site::start(runtime, at_most(1), config);
    let mut stream = from([127, 0, 0, 1], hasty.address());
    let _ = stream.write_all(b"PROXY TCP4 ");
    assert_eq!(rest(stream), "", "one that does not go on");
    let wrong_version = b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0";
    for bad in [upgrade("").as_bytes(), b"PROXY TCP4 192.0.2.1\r\n", wrong_version] {
        let mut stream = from([127, 0, 0, 1], site.address());
        let _ = stream.write_all(bad);
        assert_eq!(rest(stream), "", "not a word to {}", bad.escape_ascii());
    }
    let mut peer = Peer::connect(site.address());
    peer.write(&[&version_2(1), upgrade("").as_bytes()].concat());
    assert!(peer.head().starts_with("HTTP/1.1 101 "), "and nobody else is the worse for it");
}

fn who_says_too_much_is_slowed_down_and_loses_nothing(runtime: RuntimeKind) {
    let mut limits = Limits::default();
    limits.messages = Some(Rate { per_second: 200, burst: 5 });
    let site = Site::start(runtime, limits, Config::default());
    let mut peer = Peer::open(site.address());
    for i in 0..50 {
        peer.send(first::TEXT, format!("{i}").as_bytes());
    }
    for i in 0..50 {
        assert_eq!(peer.frame().expect("an echo").payload, format!("{i}").as_bytes());
    }
}

fn or_is_closed_with_1008(runtime: RuntimeKind) {
    let mut limits = Limits::default();
    limits.bytes = Some(Rate { per_second: 1, burst: 1000 });
    limits.over = Over::Close;
    let site = Site::start(runtime, limits, Config::default());
    let (mut peer, mut bystander) = (Peer::open(site.address()), Peer::open(site.address()));
    peer.send(first::BINARY, &[1; 900]);
    peer.send(first::BINARY, &[2; 900]);
    assert_eq!(peer.frame().expect("an echo").payload, [1; 900]);
    assert_eq!(peer.closed(), 1008);
    bystander.send(first::TEXT, b"ahoy");
    assert_eq!(bystander.frame().expect("an echo").payload, b"ahoy");
}

fn the_example_says_what_it_says(runtime: RuntimeKind) {
    let lines = limited::play(runtime).expect("it runs");
    let (told, log) = lines.split_at(5);
    assert!(told[..3].iter().all(|line| line == "HTTP/1.1 101 Switching Protocols"), "{lines:?}");
    let refused = "HTTP/1.1 429 Too Many Requests, Retry-After: ";
    let seconds =
        told[3..].iter().map(|line| line.strip_prefix(refused).expect(line).parse().expect("seconds"));
    assert!(seconds.into_iter().all(|seconds: u32| (200..=300).contains(&seconds)), "{lines:?}");
    let expected =
        ["log: 127.0.0.1: too many connections from this address", "log: 127.0.0.1: the address is blocked"];
    assert_eq!(log, expected);
}

on_every_runtime!({
    the_example_says_what_it_says
    a_refused_websocket_is_told_with_429_and_closed
    a_refused_framed_client_is_closed
    the_address_is_the_clients_own_and_no_constant
    of_many_at_once_no_more_than_the_limit_get_in
    behind_a_trusted_hop_the_address_of_the_field_counts
    an_untrusted_hop_names_nobody
    a_proxy_header_of_either_version_names_the_client
    and_of_framed_clients_too
    a_malformed_proxy_header_ends_the_connection
    who_says_too_much_is_slowed_down_and_loses_nothing
    or_is_closed_with_1008
});
