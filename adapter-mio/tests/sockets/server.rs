//! The server against sockets of the operating system.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Message};
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, JobToken, Service, Verdict};
use wharf_mio::{Handle, Server, Socket};

/// Echoes, panics when told to, serves a page, and keeps the codes that connections ended with.
#[derive(Default)]
struct Desk {
    codes: Vec<u16>,
    waiting: Vec<(JobToken, ConnId)>,
}

impl Service for Desk {
    type Job = String;
    type Done = String;
    type Command = String;

    fn request(&mut self, _: &mut Context<'_, Self::Job>, _: ConnId, request: &Request) -> Verdict {
        match request.target() {
            "/page" => Verdict::Respond(Response::plain(200).body("a page")),
            "/panic" => panic!("a page fell"),
            _ => Verdict::accept(),
        }
    }

    fn message(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, message: Message<'_>) {
        match message.as_text() {
            Some("panic") => panic!("told to"),
            Some(text) if text.starts_with("job ") => {
                if let Ok(token) = cx.submit(text[4..].to_owned()) {
                    self.waiting.push((token, conn));
                }
            }
            _ => drop(cx.send(conn, message)),
        }
    }

    fn done(&mut self, cx: &mut Context<'_, Self::Job>, job: JobToken, outcome: String) {
        let at = self.waiting.iter().position(|(token, _)| *token == job).unwrap();
        let (_, conn) = self.waiting.remove(at);
        let _ = cx.send(conn, Message::text(outcome));
    }

    fn command(&mut self, cx: &mut Context<'_, Self::Job>, command: String) {
        for conn in cx.connections().collect::<Vec<_>>() {
            let _ = cx.send(conn, Message::text(&*command));
        }
    }

    fn closed(&mut self, _: &mut Context<'_, Self::Job>, _: ConnId, closed: &Closed) {
        self.codes.push(closed.code.as_u16());
    }
}

struct Running {
    addr: SocketAddr,
    handle: Handle<Desk>,
    thread: JoinHandle<Desk>,
}

impl Running {
    fn start() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let server = Server::bind(([127, 0, 0, 1], 0), Desk::default(), Arc::new(config)).unwrap();
        let (addr, handle) = (server.local_addr().unwrap().tcp().unwrap(), server.handle());
        let thread = std::thread::spawn(move || server.run_with(carry_out).unwrap());
        Self { addr, handle, thread }
    }

    fn raw(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn socket(&self) -> Socket {
        wharf_mio::connect(format!("ws://{}/", self.addr), &Default::default()).unwrap()
    }

    /// Drains; the codes that the service was told, sorted.
    fn stop(self) -> Vec<u16> {
        self.handle.drain();
        let mut codes = self.thread.join().unwrap().codes;
        codes.sort_unstable();
        codes
    }
}

fn carry_out(mut job: String) -> String {
    assert_ne!(job, "panic");
    job.make_ascii_uppercase();
    job
}

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

#[test]
fn serves_a_page_and_outlives_a_panic_over_one() {
    let server = Running::start();
    for (target, status) in [("/page", "200 OK"), ("/panic", "500 "), ("/page", "200 OK")] {
        let mut stream = server.raw();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let answer = String::from_utf8(rest(stream)).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    assert!(server.stop().is_empty());
}

#[test]
fn echoes_what_came_with_the_handshake_and_ends_at_the_end_of_the_stream() {
    let server = Running::start();
    let mut stream = server.raw();
    stream.write_all(&[UPGRADE, b"\x81\x85\0\0\0\0hello"].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let answer = rest(stream);
    assert!(answer.windows(7).any(|w| w == b"\x81\x05hello"), "{answer:?}");
    assert_eq!(server.stop(), [1006]);
}

/// A peer that says something more once it has seen the Close must find the end of the stream and no reset. The gap
/// between the last write and the close is short, so it is tried often.
#[test]
fn a_last_word_after_the_close_makes_no_reset() {
    const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";
    let server = Running::start();
    for _ in 0..2000 {
        let mut stream = server.raw();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&[UPGRADE, CLOSE].concat()).unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"\x88\x02\x03\xe8") {
            let mut some = [0; 512];
            let n = stream.read(&mut some).unwrap();
            seen.extend_from_slice(&some[..n]);
        }
        // It may find nobody there any more, which is no concern of this test.
        let _ = stream.write_all(CLOSE);
        assert_eq!(rest(stream), b"");
    }
    assert_eq!(server.stop(), [1000; 2000]);
}

fn text(socket: &mut Socket) -> String {
    match socket.next() {
        Some(Ok(Message::Text(text))) => text.into_owned(),
        other => panic!("{other:?}"),
    }
}

fn outcome(socket: &mut Socket) -> u16 {
    match socket.next() {
        Some(Err(closed)) => closed.code.as_u16(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_panic_ends_its_connection_and_no_other() {
    let server = Running::start();
    let (mut bad, mut good) = (server.socket(), server.socket());
    bad.send(Message::text("panic")).unwrap();
    assert_eq!(outcome(&mut bad), 1011);
    assert!(bad.next().is_none());
    good.send(Message::text("still here")).unwrap();
    assert_eq!(text(&mut good), "still here");
    good.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(outcome(&mut good), 1000);
    assert_eq!(server.stop(), [1000, 1011]);
}

#[test]
fn a_drain_ends_all_with_its_code() {
    for (code, said) in [(1012, 1012), (4000, 4000), (1006, 1001)] {
        let server = Running::start();
        let mut socket = server.socket();
        server.handle.drain_with(CloseCode::from(code));
        assert_eq!(outcome(&mut socket), said);
        // It goes on as it began.
        assert_eq!(server.stop(), [said]);
    }
    let server = Running::start();
    let mut sockets: Vec<_> = (0..3).map(|_| server.socket()).collect();
    server.handle.drain();
    let codes: Vec<u16> = sockets.iter_mut().map(outcome).collect();
    assert_eq!(codes, [1001; 3]);
    assert!(TcpStream::connect(server.addr).is_err(), "it still listens");
    let handle = server.handle.clone();
    assert_eq!(server.stop(), [1001; 3]);
    assert_eq!(handle.command("late".into()).unwrap_err().into_command(), "late");
}

#[test]
fn a_silent_connection_does_not_hold_a_drain_up() {
    let mut config = Config::default();
    config.drain_timeout = Duration::from_millis(20);
    let server = Running::with(config);
    let mut stream = server.raw();
    stream.write_all(UPGRADE).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(server.stop().len(), 1);
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn large_messages_come_back_whole() {
    let server = Running::start();
    let mut socket = server.socket();
    let payload: Vec<u8> = (0..1 << 20).map(|n| (n * 7 % 251) as u8).collect();
    for _ in 0..4 {
        socket.send(Message::binary(payload.as_slice())).unwrap();
        let echoed = socket.next().unwrap().unwrap();
        assert!(echoed.payload() == payload);
    }
    drop(socket);
    server.stop();
}

#[test]
fn two_hundred_connections_are_served_at_once() {
    let server = Running::start();
    let mut sockets: Vec<_> = (0..200).map(|_| server.socket()).collect();
    for round in 0..3 {
        for (n, socket) in sockets.iter_mut().enumerate() {
            socket.send(Message::text(format!("{round} {n}"))).unwrap();
        }
        for (n, socket) in sockets.iter_mut().enumerate() {
            assert_eq!(text(socket), format!("{round} {n}"));
        }
    }
    server.handle.command("all".into()).unwrap();
    assert!(sockets.iter_mut().all(|socket| text(socket) == "all"));
    for socket in &mut sockets {
        socket.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(outcome(socket), 1000);
    }
    assert_eq!(server.stop(), [1000; 200]);
}

#[test]
fn jobs_are_carried_out_beside_the_loop() {
    let server = Running::start();
    let mut socket = server.socket();
    for job in ["job one", "job panic", "job two"] {
        socket.send(Message::text(job)).unwrap();
    }
    assert_eq!((text(&mut socket).as_str(), text(&mut socket).as_str()), ("ONE", "TWO"));
    drop(socket);
    server.stop();
}

#[test]
fn many_small_messages_in_one_read_come_in_order() {
    let server = Running::start();
    let mut socket = server.socket();
    for n in 0..2000 {
        socket.send(Message::text(n.to_string())).unwrap();
    }
    for n in 0..2000 {
        assert_eq!(text(&mut socket), n.to_string());
    }
    drop(socket);
    server.stop();
}

#[test]
fn one_too_many_is_dropped_and_the_others_live() {
    let mut config = Config::default();
    config.max_connections = 1;
    let server = Running::with(config);
    let mut socket = server.socket();
    assert!(rest(server.raw()).is_empty());
    socket.send(Message::text("on")).unwrap();
    assert_eq!(text(&mut socket), "on");
    drop(socket);
    server.stop();
}
