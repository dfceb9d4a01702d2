//! Drives a hub with an echo for N turns, as a poll loop would, for a tool that counts instructions:
//! `valgrind --tool=callgrind target/release/examples/hub_counts 16 64 1000`.
//!
//! A turn is one read that brings DEPTH messages of SIZE bytes, all that the service makes of it, and the write of the
//! answer; a message larger than the read buffer takes several. Two connections have their turns alternately, since one
//! alone would keep what its thread lends. Counts of two Ns, subtracted, leave the turns themselves.

use std::hint::black_box;
use wharf::base::{Engine, Entropy, Instant, Message, Wall, Wants};
use wharf::link::{Address, Config, ConnId, Context, Hub, Service};
use wharf::ws::Connection;

/// Bytes that one read brings at most.
const READ: usize = 64 * 1024;

struct Echo;

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        cx.send(conn, message).expect("room");
    }
}

fn main() {
    let args: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let [size, depth, turns] = args[..] else {
        eprintln!("usage: hub_counts SIZE DEPTH TURNS");
        std::process::exit(2);
    };
    let mut looped = Loop::new();
    let wire = wire(size, depth);
    let before = looped.written;
    for i in 0..turns {
        looped.now = Instant::from_nanos(1 + i as u64);
        looped.conns.reverse();
        for read in black_box(&wire).chunks(READ) {
            looped.turn(read);
        }
    }
    // A server's frames carry no mask.
    assert_eq!(looped.written - before, turns * (wire.len() - 4 * depth));
}

/// Masked frames of DEPTH messages.
fn wire(size: usize, depth: usize) -> Vec<u8> {
    let mut client = Connection::client(Instant::ORIGIN, &Config::client().ws, Entropy::from_seed([1; 32]));
    let mut wire = Vec::new();
    for _ in 0..depth {
        client.send(Instant::ORIGIN, Message::binary(vec![7; size])).expect("room");
        client.output(Instant::ORIGIN).drain_into(&mut wire);
    }
    wire
}

/// The part of a poll loop that is not the poll: what it keeps of its sockets and what it calls.
struct Loop {
    hub: Hub<Echo>,
    conns: [ConnId; 2],
    now: Instant,
    buffer: Vec<u8>,
    written: usize,
}

impl Loop {
    fn new() -> Self {
        let now = Instant::ORIGIN;
        let (config, entropy) = (Config::default().into(), Entropy::from_seed([0; 32]));
        let mut hub = Hub::new(now, Wall::default(), Echo, &config, entropy);
        let conns =
            [1, 2].map(|port| hub.accept(now, Address::Tcp(([127, 0, 0, 1], port).into())).expect("room"));
        let mut new = Self { hub, conns, now, buffer: vec![0; READ], written: 0 };
        for _ in 0..2 {
            new.turn(
                b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            );
            new.conns.reverse();
        }
        new
    }

    /// One round of the loop: the event of the first socket, its turn, the turns of those that were touched, the timer.
    fn turn(&mut self, read: &[u8]) {
        let mut from = read;
        while !from.is_empty() {
            self.serve(Some(&mut from));
        }
        while self.hub.poll_dirty().is_some() {
            self.serve(None);
        }
        assert!(self.hub.poll_timeout().is_some_and(|at| at > self.now));
    }

    fn serve(&mut self, read: Option<&mut &[u8]>) {
        let mut wants = self.write();
        if let Some(from) = read.filter(|_| wants.read) {
            self.read(from);
            wants = self.write();
        }
        assert!(wants.read && wants.shutdown.is_none());
    }

    fn read(&mut self, from: &mut &[u8]) {
        let straight = self.hub.read_space(self.conns[0]);
        let is_straight = straight.is_some();
        let to = straight.unwrap_or(&mut self.buffer);
        let n = to.len().min(from.len());
        // In pieces: a large copy is one instruction a byte to callgrind, and would drown what is counted.
        for (to, from) in to[..n].chunks_mut(1024).zip(from[..n].chunks(1024)) {
            to[..from.len()].copy_from_slice(from);
        }
        *from = &from[n..];
        if is_straight {
            self.hub.handle_read(self.now, self.conns[0], n);
        } else {
            self.hub.receive(self.now, self.conns[0], &mut self.buffer[..n]);
        }
    }

    /// Writes all there is; what is wanted then.
    fn write(&mut self) -> Wants {
        let Self { hub, conns, now, written, .. } = self;
        let wants = hub.write(*now, conns[0], |pieces| {
            let n = pieces.iter().map(|piece| black_box(piece).len()).sum();
            *written += n;
            n
        });
        wants.expect("it stays")
    }
}
