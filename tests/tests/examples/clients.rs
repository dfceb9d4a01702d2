//! What a client must not do, each fault by its name, on real sockets of every runtime: for a client's socket and for a dial of a
//! service alike. What takes time is asserted in virtual time, where the machines are.

#[allow(dead_code)]
#[path = "../../examples/tcp_client.rs"]
mod tcp_client;
#[allow(dead_code)]
#[path = "../../examples/websocket_client.rs"]
mod websocket_client;

use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use wharf::base::{Message, Wall, When};
use wharf::framed::Lines;
use wharf::http::{Request, Response};
use wharf::link::{
    Address, Config, ConnId, Context, DialError, Framing, OpenError, Service, Target, Verdict,
};
use wharf::proxy::{Proxies, Proxy, ProxyError};
use wharf::service::schedule::Schedule;
use wharf::ws::handshake::{ClientRequest, HandshakeError, RefusedBy};
use wharf_cli::runner::RuntimeKind;
use wharf_std::ConnectError;
use wharf_tests::adapter::{PATIENCE, Serving};
use wharf_tests::cell::{Cell, Spoken, Stand};
use wharf_tests::certificates::trusting;
use wharf_tests::client::{self, Client};
use wharf_tests::dialer::dial;

/// What a phase may take that is to hang.
const SHORT: Duration = Duration::from_millis(100);

fn stand(runtime: RuntimeKind, spoken: Spoken) -> Stand {
    Stand::start(Cell { spoken, runtime, unix: false, tls: false })
}

/// A listener whose queue is full: what asks to connect there gets no answer.
struct Full {
    address: SocketAddr,
    _kept: (Socket, Vec<TcpStream>),
}

impl Full {
    fn listen() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        listener.listen(1).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, SHORT) {
            waiting.push(stream);
        }
        Self { address, _kept: (listener, waiting) }
    }
}

fn addresses(all: &[SocketAddr]) -> Vec<Address> {
    all.iter().copied().map(Address::from).collect()
}

/// The address of a port that is closed.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// How `target` fails, for a client and for a dial alike.
fn failure(runtime: RuntimeKind, target: &Target, config: &Config) -> ConnectError {
    let error = Client::connect(runtime, target, &Arc::new(config.clone())).expect_err("it opens");
    let dialed = dial(runtime, target.clone(), Message::text("ahoy"), config).expect_err("it opens");
    match (&error, &dialed) {
        (ConnectError::Open(error), DialError::Open(dialed)) => assert_eq!(error, dialed),
        (ConnectError::TimedOut, DialError::TimedOut) | (ConnectError::Connect(_), DialError::Connect) => {}
        _ => panic!("{error} and {dialed}"),
    }
    assert_eq!((error.is_retryable(), dialed.is_retryable()), (dialed.is_retryable(), error.is_retryable()));
    error
}

/// The first address never answers, nobody listens at the next, and the third takes us: on the way there nobody waits for the one
/// that hangs.
fn an_address_that_hangs_is_passed_by(runtime: RuntimeKind) {
    let full = Full::listen();
    for spoken in [Spoken::WebSocket, Spoken::Lines] {
        let stand = stand(runtime, spoken);
        let echo = stand.serving.address.clone();
        let all = addresses(&[full.address, closed(), echo.tcp().unwrap()]);
        let target = stand.cell.target(&echo).at_any(all);
        let config = stand.cell.client(Stand::LIMIT);
        let mut client = Client::connect(runtime, &target, &Arc::new(config.clone())).unwrap();
        stand.echoes(&mut client, "ahoy");
        assert_eq!(dial(runtime, target, Message::text("ahoy"), &config), Ok(Message::text("ahoy")));
    }
}

fn a_client_that_never_connects_by_itself(runtime: RuntimeKind) {
    for spoken in [Spoken::Lines, Spoken::Typed, Spoken::Length, Spoken::WebSocket] {
        let stand = stand(runtime, spoken);
        let mut client = stand.connect();
        stand.echoes(&mut client, "ahoy");
    }
}

/// Each phase in turn hangs. With a time of its own it is over then, without one with the time of all, and says which it was.
fn no_connect_timeout(runtime: RuntimeKind) {
    let full = Full::listen();
    let mut config = client::config();
    config.framing = Framing::codec(Lines::new());
    let target = Target::tcp("127.0.0.1", full.address.port());
    for own in [true, false] {
        config.connect_timeout = own.then_some(SHORT);
        config.open_timeout = if own { PATIENCE } else { SHORT };
        let error = failure(runtime, &target, &config);
        assert!(matches!(error, ConnectError::TimedOut) && error.when() == When::Connect, "{error}");
    }
}

fn no_timeout_of_proxy_tls_or_handshake(runtime: RuntimeKind) {
    // The system takes the connection, and nobody ever says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let by_proxy = Proxies::all(Proxy::parse(&format!("http://{address}")).unwrap());
    for (url, proxies, expected) in [
        ("ws://a.example/".to_owned(), by_proxy, OpenError::Proxy(ProxyError::TimedOut)),
        (format!("wss://{address}/"), Proxies::none(), OpenError::TlsTimedOut),
        (format!("ws://{address}/"), Proxies::none(), OpenError::Handshake(HandshakeError::TimedOut)),
    ] {
        for own in [true, false] {
            let mut config = client::config();
            config.client_tls = Some(trusting().build().unwrap());
            config.proxies = Some(Arc::new(proxies.clone()));
            let own_timeout = own.then_some(SHORT);
            match expected {
                OpenError::Handshake(_) => config.handshake_timeout = own_timeout,
                _ => config.tls_timeout = own_timeout,
            }
            config.open_timeout = if own { PATIENCE } else { SHORT };
            let error = failure(runtime, &url.parse().unwrap(), &config);
            assert!(matches!(&error, ConnectError::Open(error) if *error == expected), "{url}: {error}");
            assert!(error.is_retryable(), "{url}");
        }
    }
}

/// A server that answers each request so, whatever it was, and ends.
fn answering(answer: &'static str) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url.parse().unwrap()
}

/// The answer that refuses is kept, and says whether and when to ask again.
fn an_answer_that_refuses_is_lost(runtime: RuntimeKind) {
    // Seven seconds before the date that one of them names.
    let wall = Wall::from_millis(784_111_770_000);
    for (answer, status, after) in [
        (
            "HTTP/1.1 401 No\r\nRetry-After: 9\r\nWWW-Authenticate: Bearer\r\nContent-Length: 3\r\n\r\nwho",
            401,
            None,
        ),
        ("HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nyou", 403, None),
        ("HTTP/1.1 429 Slow\r\nRetry-After: 9\r\nContent-Length: 3\r\n\r\nnow", 429, Some(9)),
        (
            "HTTP/1.1 503 Busy\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 3\r\n\r\neve",
            503,
            Some(7),
        ),
    ] {
        let error = failure(runtime, &answering(answer), &client::config());
        assert_eq!(error.retry_after(wall), after.map(Duration::from_secs), "{answer}");
        assert_eq!(error.is_retryable(), after.is_some(), "{answer}");
        let Some(HandshakeError::Refused(refused)) = error.handshake() else { panic!("{error}") };
        let RefusedBy { headers, body, body_is_whole, .. } = &**refused;
        assert_eq!((refused.status, body.len(), *body_is_whole), (status, 3, true), "{answer}");
        assert_eq!(headers.get("www-authenticate").is_some(), status == 401);
    }
}

/// A server that takes each token once.
struct Gate(Arc<Mutex<Vec<String>>>);

impl Service for Gate {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        let token = request.headers().get("authorization").unwrap_or_default().to_owned();
        let mut seen = self.0.lock().unwrap();
        let is_new = !seen.contains(&token);
        seen.push(token);
        if is_new { Verdict::accept() } else { Verdict::Respond(Response::plain(401)) }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        cx.send(conn, message).unwrap();
    }
}

/// The same target connects again with another token, by a socket and by a dial.
fn credentials_that_are_made_once(runtime: RuntimeKind) {
    let seen = Arc::default();
    let gate = Serving::start(runtime, Gate(Arc::clone(&seen)), Config::default());
    let request = ClientRequest::new(&format!("ws://{}/", gate.address)).unwrap();
    let made = |attempt| vec![("Authorization".into(), format!("Bearer {attempt}"))];
    let target = Target::from(request.headers_by(made));
    let config = client::config();
    let connect = |target: &Target| Client::connect(runtime, target, &Arc::new(config.clone()));
    connect(&target).unwrap();
    let spent = connect(&target).unwrap_err();
    assert!(!spent.is_retryable(), "{spent}");
    connect(&target.clone().numbered(2)).unwrap();
    let third = target.numbered(3);
    assert_eq!(dial(runtime, third, Message::text("ahoy"), &config), Ok(Message::text("ahoy")));
    assert_eq!(*seen.lock().unwrap(), ["Bearer 1", "Bearer 1", "Bearer 2", "Bearer 3"]);
}

/// Refuses so often before it takes anybody, and then only with the token of the third attempt.
struct Shy {
    refusals: u32,
    status: u16,
}

impl Service for Shy {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        if let Some(left) = self.refusals.checked_sub(1) {
            self.refusals = left;
            return Verdict::Respond(Response::plain(self.status).with("Retry-After", "0").body("not yet"));
        }
        match request.headers().get("authorization") {
            Some("Bearer 3") => Verdict::accept(),
            _ => Verdict::Respond(Response::plain(401).body("an old token")),
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        cx.send(conn, message).unwrap();
    }
}

/// The server refuses twice, and the third attempt gets through; it says no for good, and that is the end of it.
fn the_retry_wraps_something_that_cannot_fail(runtime: RuntimeKind) {
    let schedule = Schedule::spaced(Duration::from_millis(1)).both(Schedule::recurs(9));
    let say = ["ahoy".to_owned(), "again".to_owned()];
    for status in [429, 503] {
        let shy = Serving::start(runtime, Shy { refusals: 2, status }, Config::default());
        let url = format!("ws://{}/", shy.address);
        assert_eq!(websocket_client::talk(runtime, &url, &schedule, &say).unwrap(), say);
    }
    let shy = Serving::start(runtime, Shy { refusals: 1, status: 403 }, Config::default());
    let url = format!("ws://{}/", shy.address);
    let error = websocket_client::talk(runtime, &url, &schedule, &say).unwrap_err().to_string();
    assert_eq!(error, "handshake: the server answered with status 403: not yet");
}

fn a_tcp_client_by_host_and_port(runtime: RuntimeKind) {
    let stand = stand(runtime, Spoken::Lines);
    let port = stand.serving.address.tcp().unwrap().port();
    let say = ["ahoy".to_owned(), "again".to_owned()];
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(tcp_client::talk(runtime, Target::tcp(host, port), &say).unwrap(), say, "{host}");
    }
    let nobody = tcp_client::talk(runtime, Target::tcp("127.0.0.1", closed().port()), &say).unwrap_err();
    assert!(nobody.to_string().starts_with("connect: 127.0.0.1:"), "{nobody}");
}

wharf_tests::on_every_runtime!({
    the_retry_wraps_something_that_cannot_fail
    a_tcp_client_by_host_and_port
    an_address_that_hangs_is_passed_by
    a_client_that_never_connects_by_itself
    no_connect_timeout
    no_timeout_of_proxy_tls_or_handshake
    an_answer_that_refuses_is_lost
    credentials_that_are_made_once
});
