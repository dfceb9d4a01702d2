//! Bytes from several connections to the bus behind sockets, lines and WebSockets.

use super::{moves, number, wire};
use crate::wire::{first, frame, frames};
use core::time::Duration;
use std::sync::Arc;
use wharf::base::{End, Entropy, Instant, Wall};
use wharf::framed::Lines;
use wharf::link::{Address, Config, ConnId, Framing, Hub, JobToken};
use wharf::service::bus::{
    Batch, Broker, BusCommand, BusConfig, BusService, FromBus, Letters, Memory, Name, Restoring, StoreFailure,
};

const OPENING: &[u8] = b"GET /any HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A connection; those from the third on are WebSockets.
struct Peer {
    conn: ConnId,
    /// What it was told and is not a whole line or frame.
    rest: Vec<u8>,
    is_lines: bool,
    is_open: bool,
    service: Option<Name>,
    is_deaf: bool,
}

struct World {
    hub: Hub<BusService>,
    config: BusConfig,
    lines: Arc<Config>,
    memory: Memory,
    job: Option<(JobToken, Batch)>,
    peers: [Option<Peer>; 4],
    now: Instant,
}

/// What a script's moves bring about.
///
/// Digits say the rest of their line by one of four connections, `A` to `D` without its end: a part of a line, or bytes. `x` ends a
/// stream, `d` has it not read. `s` has a batch stored, `f` fails, `l` loses it, `k` ends the bus and begins another. `t` is time, `r` and `p`
/// are for dead letters, `e` is a drain, `g` a request.
pub(super) fn play(script: &[u8]) {
    let mut world = World::new();
    for (what, rest) in moves(script) {
        let at = (number(rest) % 4) as usize;
        match what {
            b'0'..=b'3' => world.say(usize::from(what - b'0'), rest, true),
            b'A'..=b'D' => world.say(usize::from(what - b'A'), rest, false),
            b'x' => world.end(at),
            b'd' => world.peers[at].iter_mut().for_each(|peer| peer.is_deaf ^= true),
            b's' | b'f' | b'l' => world.store(what),
            b'k' => world.restart(),
            b't' => world.pass(Duration::from_millis(number(rest) % 100_000)),
            b'r' => world.hub.command(world.now, BusCommand::Requeue { letters: Letters::All, ticket: 1 }),
            b'p' => world.hub.command(world.now, BusCommand::Purge { letters: Letters::All, ticket: 2 }),
            b'e' => world.hub.command(world.now, BusCommand::Drain),
            b'g' => world.ask(rest),
            _ => continue,
        }
        world.drive();
    }
    world.restart();
    world.drive();
}

impl World {
    fn new() -> Self {
        let mut config = BusConfig::default();
        (config.window, config.attempts, config.max_pending) = (2, 2, 4);
        (config.max_services, config.max_dead, config.max_message) = (4, 2, 512);
        let mut lines = BusService::config(&config);
        lines.framing = Framing::codec(Lines::new());
        let memory = Memory::default();
        let hub = hub(&config, &memory, Instant::ORIGIN);
        let peers = Default::default();
        Self { hub, config, lines: Arc::new(lines), memory, job: None, peers, now: Instant::ORIGIN }
    }

    fn open(&mut self, at: usize) -> Option<ConnId> {
        if self.peers[at].is_none() {
            let (address, is_lines) = (Address::Unix(String::new()), at < 2);
            let conn = self.hub.accept_as(self.now, address, is_lines.then_some(&self.lines)).ok()?;
            let opening = if is_lines { &[][..] } else { OPENING };
            self.hub.receive(self.now, conn, &mut opening.to_vec());
            let (rest, service) = Default::default();
            self.peers[at] = Some(Peer { conn, rest, is_lines, is_open: is_lines, service, is_deaf: false });
        }
        self.peers[at].as_ref().map(|peer| peer.conn)
    }

    fn say(&mut self, at: usize, bytes: &[u8], is_whole: bool) {
        let Some(conn) = self.open(at) else { return };
        let mut bytes = match (at < 2, is_whole) {
            (true, true) => [bytes, b"\n"].concat(),
            (false, true) => frame(first::TEXT, bytes, Some([1, 2, 3, 4])),
            (true, false) => bytes.to_vec(),
            (false, false) => frame(first::BINARY, bytes, Some([0; 4])),
        };
        if self.hub.wants(conn).is_some_and(|wants| wants.read) {
            self.hub.receive(self.now, conn, &mut bytes);
        }
    }

    fn end(&mut self, at: usize) {
        if let Some(peer) = &self.peers[at] {
            self.hub.receive_end(self.now, peer.conn, End::Eof);
        }
    }

    fn ask(&mut self, path: &[u8]) {
        let Ok(conn) = self.hub.accept(self.now, Address::Unix(String::new())) else { return };
        let mut request = [b"GET /", path, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        self.hub.receive(self.now, conn, &mut request);
        self.hub.release(self.now, conn);
    }

    fn store(&mut self, what: u8) {
        let Some((job, batch)) = self.job.take() else { return };
        match what {
            b's' => {
                self.memory.carry_out(&batch).expect("it fits");
                self.hub.job_done(self.now, job, Ok(()));
            }
            b'f' => self.hub.job_done(self.now, job, Err(StoreFailure::new("no room"))),
            _ => self.hub.job_lost(self.now, job),
        }
    }

    fn restart(&mut self) {
        self.job = None;
        self.peers = Default::default();
        self.hub = hub(&self.config, &self.memory, self.now);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.hub.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.hub.handle_timeout(self.now);
            self.drive();
            assert!(self.hub.poll_timeout().is_none_or(|next| next > self.now), "time stands still");
        }
        self.now = end;
    }

    /// What an adapter does.
    fn drive(&mut self) {
        while self.hub.poll_dirty().is_some() {}
        if let Some(job) = self.hub.poll_job() {
            assert!(self.job.replace(job).is_none(), "a second job");
        }
        for slot in &mut self.peers {
            let Some(peer) = slot else { continue };
            if !peer.is_deaf {
                let rest = &mut peer.rest;
                self.hub.write(self.now, peer.conn, |pieces| {
                    rest.extend(pieces.concat());
                    pieces.iter().map(|piece| piece.len()).sum()
                });
                peer.read();
            }
            if self.hub.wants(peer.conn).is_none_or(|wants| wants.shutdown.is_some()) {
                self.hub.release(self.now, peer.conn);
                *slot = None;
            }
        }
        let (stats, config) = (self.hub.service().broker().stats(), &self.config);
        assert!(stats.pending <= config.max_pending * stats.services, "{stats:?}");
        assert!(stats.unacknowledged <= config.window * stats.services, "{stats:?}");
        assert!(stats.services <= config.max_services && stats.connections <= self.peers.len(), "{stats:?}");
    }
}

fn hub(config: &BusConfig, memory: &Memory, now: Instant) -> Hub<BusService> {
    let mut restoring = Restoring::new(config.clone());
    for record in memory.records() {
        restoring.record(record).expect("the broker wrote it");
    }
    let broker: Broker<ConnId> = restoring.finish(now, Wall::default());
    let limits = Arc::new(BusService::config(config));
    Hub::new(now, Wall::default(), BusService::new(broker), &limits, Entropy::from_seed([0; 32]))
}

impl Peer {
    /// Takes what is whole: each is a frame of the bus, and a message is for the service that it is.
    fn read(&mut self) {
        if !self.is_open {
            let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") else { return };
            self.is_open = true;
            self.rest.drain(..end + 4);
        }
        while let Some(text) = if self.is_lines { self.line() } else { self.text() } {
            let text = String::from_utf8(text).expect("it is text");
            let frame = FromBus::decode(&text).expect("a frame");
            wire::said(&frame, &text);
            match frame {
                FromBus::Registered { service_id, .. } => self.service = Some(service_id),
                FromBus::Message(message) => assert_eq!(self.service, Some(message.to), "another's message"),
                FromBus::Accepted { .. } | FromBus::Dead { .. } => assert!(self.service.is_some()),
                _ => {}
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.rest.drain(..=end).collect();
        line.pop();
        Some(line)
    }

    /// The next text of a WebSocket.
    fn text(&mut self) -> Option<Vec<u8>> {
        loop {
            let next = frames(&self.rest).into_iter().next()?;
            let wide = [0, 2, 8][usize::from(self.rest[1].saturating_sub(125))];
            self.rest.drain(..2 + wide + next.payload.len());
            if next.first == first::TEXT {
                return Some(next.payload);
            }
        }
    }
}
