//! A hub as a guest in a mio loop that isn't ours. The application has a UDP socket for its thermometers and a timer
//! of its own, both on the loop's one thread; WebSockets are added to it so that people can watch. What the loop must
//! do for them is in the three calls of [`Web`]: `ready` for an event, `turn` once a turn, `deadline` before it sleeps.
//!
//! `cargo run -p wharf-tests --example foreign_mio_loop` takes readings on UDP port 9002 and shows them at
//! ws://127.0.0.1:9001/.

use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Registry, Token, event::Event};
use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wharf::base::{End, Entropy, Instant, Kind, Message, Shutdown, Wall};
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, Hub, Service, Verdict};
use wharf::ws::Prepared;

const THERMOMETERS: Token = Token(0);
const LISTENER: Token = Token(1);

fn main() -> io::Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:9001")?;
    let readings = std::net::UdpSocket::bind("127.0.0.1:9002")?;
    serve(listener, readings, Duration::from_secs(10), &Arc::default())
}

/// The application's loop, as it might have been for years; what is new are the lines with `web`.
pub(crate) fn serve(
    listener: std::net::TcpListener,
    readings: std::net::UdpSocket,
    beat: Duration,
    config: &Arc<Config>,
) -> io::Result<()> {
    let mut poll = Poll::new()?;
    readings.set_nonblocking(true)?;
    let mut readings = UdpSocket::from_std(readings);
    poll.registry().register(&mut readings, THERMOMETERS, Interest::READABLE)?;
    let mut web = Web::new(listener, poll.registry(), config)?;
    let (mut events, mut next_beat, mut beats) = (Events::with_capacity(256), web.now() + beat, 0);
    loop {
        let until = web.deadline().map_or(next_beat, |at| at.min(next_beat));
        match poll.poll(&mut events, Some(until - web.now())) {
            Err(e) if e.kind() != ErrorKind::Interrupted => return Err(e),
            _ => {}
        }
        for event in &events {
            match event.token() {
                THERMOMETERS => drain(&readings, |reading| web.command(Command::Reading(reading))),
                _ => web.ready(event, poll.registry())?,
            }
        }
        if web.now() >= next_beat {
            (next_beat, beats) = (web.now() + beat, beats + 1);
            web.command(Command::Beat(beats));
        }
        web.turn();
    }
}

fn drain(socket: &UdpSocket, mut each: impl FnMut(String)) {
    let mut datagram = [0; 64];
    while let Ok(n) = socket.recv(&mut datagram) {
        each(String::from_utf8_lossy(&datagram[..n]).into_owned());
    }
}

/// What the loop tells the service.
enum Command {
    Reading(String),
    Beat(u64),
}

/// Shows each reading to all who watch, and the last one to whoever comes. What a watcher sends comes back, so that
/// it can measure the way.
#[derive(Default)]
struct Watch {
    last: Option<String>,
}

impl Service for Watch {
    type Job = ();
    type Done = ();
    type Command = Command;

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        match request.is_websocket() {
            true => Verdict::accept(),
            // The same port answers a plain `curl`.
            false => Verdict::Respond(Response::new(200).body(self.last.clone().unwrap_or_default())),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if let Some(last) = &self.last {
            let _ = cx.send(conn, Message::text(last));
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let _ = cx.send(conn, message);
    }

    fn command(&mut self, cx: &mut Context<'_>, command: Command) {
        let text = match command {
            Command::Reading(reading) => self.last.insert(reading).clone(),
            Command::Beat(n) => format!("beat {n}"),
        };
        let watchers: Vec<ConnId> = cx.connections().collect();
        if let Ok(prepared) = Prepared::new(Kind::Text, text.into()) {
            // Who cannot keep up misses a reading, which the next one makes up for.
            cx.broadcast(watchers, &prepared, |_, _| {});
        }
    }
}

/// The guest: a hub, its sockets, and what is known of their readiness.
struct Web {
    hub: Hub<Watch>,
    listener: TcpListener,
    peers: HashMap<Token, Peer>,
    /// Whose turn it is: those with news, and those that had more to read than their turn allowed.
    active: VecDeque<ConnId>,
    buffer: Box<[u8]>,
    start: std::time::Instant,
}

/// mio tells of readiness once, so it must be kept until the socket says `WouldBlock`.
struct Peer {
    conn: ConnId,
    stream: TcpStream,
    readable: bool,
    writable: bool,
}

impl Web {
    fn new(listener: std::net::TcpListener, registry: &Registry, config: &Arc<Config>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        // Only masks, which a client sends, need secrets; this one never dials.
        let entropy = Entropy::from_seed([0; 32]);
        let hub = Hub::new(Instant::ORIGIN, wall(), Watch::default(), config, entropy);
        let (peers, active, buffer) = (HashMap::new(), VecDeque::new(), vec![0; 64 * 1024].into());
        Ok(Self { hub, listener, peers, active, buffer, start: std::time::Instant::now() })
    }

    /// Takes note of an event.
    fn ready(&mut self, event: &Event, registry: &Registry) -> io::Result<()> {
        if event.token() == LISTENER {
            return self.accept(registry);
        }
        // A late event of a connection that is gone finds nobody: its name is never given twice.
        if let Some(peer) = self.peers.get_mut(&event.token()) {
            peer.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            peer.writable |= event.is_writable() || event.is_error();
            self.active.push_back(peer.conn);
        }
        Ok(())
    }

    /// Does what has become possible or due.
    fn turn(&mut self) {
        self.hub.handle_timeout(self.now());
        self.note_dirty();
        for _ in 0..self.active.len() {
            if let Some(conn) = self.active.pop_front() {
                self.drive(conn);
            }
        }
        self.note_dirty();
    }

    /// When the next turn is due at the latest: now, if somebody waits for one.
    fn deadline(&mut self) -> Option<Instant> {
        if self.active.is_empty() { self.hub.poll_timeout() } else { Some(self.now()) }
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        // The `Date` of an answer is right as long as the calendar time is told about once a minute.
        self.hub.handle_wall(now, wall());
        self.hub.command(now, command);
    }

    fn now(&self) -> Instant {
        Instant::ORIGIN + self.start.elapsed()
    }

    fn accept(&mut self, registry: &Registry) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((mut stream, address)) => {
                    stream.set_nodelay(true)?;
                    // One that is refused is closed by being dropped; the hub counts it.
                    let Ok(conn) = self.hub.accept(self.now(), address.into()) else { continue };
                    registry.register(&mut stream, token(conn), Interest::READABLE | Interest::WRITABLE)?;
                    self.peers.insert(token(conn), Peer { conn, stream, readable: false, writable: false });
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            }
        }
    }

    /// A call may have touched any connection, as a broadcast does.
    fn note_dirty(&mut self) {
        while let Some(conn) = self.hub.poll_dirty() {
            self.active.push_back(conn);
        }
    }

    /// At most one read, and all that can be written; then the next one has its turn.
    fn drive(&mut self, conn: ConnId) {
        let now = self.now();
        let Some(peer) = self.peers.get_mut(&token(conn)) else { return };
        write(now, &mut self.hub, peer);
        if peer.readable && self.hub.wants(conn).is_some_and(|wants| wants.read) {
            match peer.stream.read(&mut self.buffer) {
                Ok(0) => self.hub.receive_end(now, conn, End::Eof),
                Ok(n) => self.hub.receive(now, conn, &mut self.buffer[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => peer.readable = false,
                Err(e) => self.hub.receive_end(now, conn, end(&e, End::ReadFailed)),
            }
            write(now, &mut self.hub, peer);
        }
        let Some(wants) = self.hub.wants(conn) else { return };
        match wants.shutdown {
            Some(Shutdown::Write) => drop(peer.stream.shutdown(std::net::Shutdown::Write)),
            Some(how) => {
                if how == Shutdown::Abort {
                    // Closing a socket that lingers for no time resets it.
                    let _ = rustix::net::sockopt::set_socket_linger(&peer.stream, Some(Duration::ZERO));
                }
                self.peers.remove(&token(conn));
                self.hub.release(now, conn);
                return;
            }
            None => {}
        }
        if peer.readable && wants.read {
            self.active.push_back(conn);
        }
    }
}

fn write(now: Instant, hub: &mut Hub<Watch>, peer: &mut Peer) {
    while peer.writable && hub.wants(peer.conn).is_some_and(|wants| wants.write) {
        let mut slices = [&[][..]; 16];
        let filled = hub.slices(peer.conn, &mut slices);
        match peer.stream.write_vectored(&slices.map(IoSlice::new)[..filled]) {
            Ok(n) => hub.handle_written(now, peer.conn, n),
            Err(e) if e.kind() == ErrorKind::WouldBlock => peer.writable = false,
            Err(e) => hub.receive_end(now, peer.conn, end(&e, End::WriteFailed)),
        }
    }
}

fn end(error: &io::Error, other: End) -> End {
    if error.kind() == ErrorKind::ConnectionReset { End::Reset } else { other }
}

/// The hub's names are numbers above 2^32 that are never used twice: they cannot be mistaken for the application's.
fn token(conn: ConnId) -> Token {
    Token(conn.as_u64() as usize)
}

fn wall() -> Wall {
    Wall::from_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}
