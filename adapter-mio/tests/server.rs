//! The server against sockets of the operating system.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Message};
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, JobToken, Service, Verdict};
use wharf_mio::{Handle, Server};

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

    fn request(&mut self, _: &mut Context<'_, Self>, _: ConnId, request: &Request) -> Verdict {
        match request.target() {
            "/page" => Verdict::Respond(Response::plain(200).body("a page")),
            "/panic" => panic!("a page fell"),
            _ => Verdict::accept(),
        }
    }

    fn message(&mut self, cx: &mut Context<'_, Self>, conn: ConnId, message: Message<'_>) {
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

    fn done(&mut self, cx: &mut Context<'_, Self>, job: JobToken, outcome: String) {
        let at = self.waiting.iter().position(|(token, _)| *token == job).unwrap();
        let (_, conn) = self.waiting.remove(at);
        let _ = cx.send(conn, Message::text(outcome));
    }

    fn command(&mut self, cx: &mut Context<'_, Self>, command: String) {
        for conn in cx.connections().collect::<Vec<_>>() {
            let _ = cx.send(conn, Message::text(&*command));
        }
    }

    fn closed(&mut self, _: &mut Context<'_, Self>, _: ConnId, closed: &Closed) {
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
        let server = Server::bind("127.0.0.1:0", Desk::default(), Arc::new(config)).unwrap();
        let (addr, handle) = (server.local_addr().unwrap(), server.handle());
        let thread = std::thread::spawn(move || server.run_with(|job: String| job.to_uppercase()).unwrap());
        Self { addr, handle, thread }
    }

    fn raw(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Drains; the codes that the service was told, sorted.
    fn stop(self) -> Vec<u16> {
        self.handle.drain(CloseCode::GOING_AWAY);
        let mut codes = self.thread.join().unwrap().codes;
        codes.sort_unstable();
        codes
    }
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
