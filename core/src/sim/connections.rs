//! The adapter of a world: it carries bytes between hubs and wires, by what a hub says and not by looking at everything.
//! What a connection wants is looked at after a call about it and when the dirty list names it.

use super::pipe::Came;
use super::wire::{CALLED, Wire};
use super::world::{Actor, World};
use crate::base::{End, Instant, Shutdown, Wants};
use crate::link::ConnId;
use alloc::vec::Vec;
use slotmap::DefaultKey;

/// A hub's end of a wire.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) server: usize,
    pub(super) conn: ConnId,
    pub(super) wire: DefaultKey,
    pub(super) side: usize,
    /// What the adapter knows that it wants.
    seen: Wants,
    write_shut: bool,
    /// The client at the other end, if it is one.
    client: Option<usize>,
}

impl World {
    /// A hub's connection has a wire: `side` of it.
    pub(super) fn plug(
        &mut self,
        server: usize,
        conn: ConnId,
        wire: DefaultKey,
        side: usize,
        client: Option<usize>,
    ) {
        let seen = Wants { read: false, write: false, shutdown: None };
        let socket = Socket { server, conn, wire, side, seen, write_shut: false, client };
        let key = self.sockets.insert(socket);
        self.by_conn.insert((server, conn), key);
        self.actors.push(Actor::Socket(key));
        // What needs no handshake is open by that.
        let now = self.told();
        self.hosts[server].receive(now, conn, &mut []);
        self.look_at(server, conn);
    }

    /// Does one thing that a connection wants, as far as is known.
    pub(super) fn serve_socket(&mut self, key: DefaultKey) -> bool {
        let Some(socket) = self.sockets.get(key) else { return false };
        let (wants, side) = (socket.seen, socket.side);
        let room = self.wires[socket.wire].room(side, self.faults);
        if wants.write && room > 0 {
            self.write(key);
            return true;
        }
        let reads = wants.read || (self.faults.eager && self.dice.percent(5));
        if reads && self.read(key) {
            return true;
        }
        self.obey(key, wants)
    }

    /// When a connection's wire brings something next.
    pub(super) fn next_of_socket(&self, key: DefaultKey) -> Option<Instant> {
        let socket = self.sockets.get(key).filter(|socket| socket.seen.read)?;
        self.wires[socket.wire].next(socket.side)
    }

    /// What the adapter would see if it looked at everything is what it was told.
    pub(super) fn check_seen(&self) {
        for (_, socket) in &self.sockets {
            let wants = self.hosts[socket.server].wants(socket.conn);
            assert_eq!(wants, Some(socket.seen), "the wants of {} changed untold", socket.conn);
        }
    }

    fn write(&mut self, key: DefaultKey) {
        let told = self.told();
        let Self { hosts, sockets, wires, dice, transcript, .. } = self;
        let Socket { server, conn, wire, side, .. } = sockets[key];
        let bytes = hosts[server].output(conn, wires[wire].room(side, self.faults));
        let n = wires[wire].outward(side).write(self.now, &bytes, self.faults, dice);
        transcript.note(self.now, format_args!("{server}: {conn} wrote {n}"));
        hosts[server].handle_written(told, conn, n);
        self.look_at(server, conn);
    }

    fn read(&mut self, key: DefaultKey) -> bool {
        let Self { sockets, wires, dice, faults, .. } = self;
        let Socket { server, conn, wire, side, .. } = sockets[key];
        let limit = if faults.split { dice.pick(&[1, 100, 5000, 1 << 16]) } else { 1 << 16 };
        if wires[wire].is_parted() {
            return false;
        }
        let Some(came) = wires[wire].inward(side).read(self.now, limit, *faults, dice) else { return false };
        let now = self.told();
        let host = &mut self.hosts[server];
        match came {
            Came::Bytes(mut bytes) => {
                self.transcript.note(self.now, format_args!("{server}: {conn} read {}", bytes.len()));
                if self.dice.percent(30)
                    && let Some(space) = host.read_space(conn)
                {
                    let n = space.len().min(bytes.len());
                    space[..n].copy_from_slice(&bytes[..n]);
                    host.handle_read(now, conn, n);
                    bytes.drain(..n);
                }
                host.receive(now, conn, &mut bytes);
            }
            Came::End(end) => self.end(server, conn, now, end),
        }
        self.look_at(server, conn);
        true
    }

    fn end(&mut self, server: usize, conn: ConnId, now: Instant, end: End) {
        self.transcript.note(self.now, format_args!("{server}: {conn} {end}"));
        self.hosts[server].receive_end(now, conn, end);
    }

    /// Ends the socket of a connection, or its writing side.
    fn obey(&mut self, key: DefaultKey, wants: Wants) -> bool {
        let Some(how) = wants.shutdown else { return false };
        let Self { sockets, wires, .. } = self;
        let socket = &mut sockets[key];
        let (server, conn, side) = (socket.server, socket.conn, socket.side);
        let wire = &mut wires[socket.wire];
        if how == Shutdown::Write {
            if !core::mem::replace(&mut socket.write_shut, true) {
                wire.outward(side).finish(self.now, End::Eof);
                return true;
            }
            return false;
        }
        self.transcript.note(self.now, format_args!("{server}: {conn} shut down: {how:?}"));
        wire.close(side, self.now, how == Shutdown::Abort);
        self.unplug(key);
        let now = self.told();
        self.hosts[server].release(now, conn);
        self.look_around(server);
        true
    }

    /// A hub's end of a wire is gone.
    fn unplug(&mut self, key: DefaultKey) {
        let Some(socket) = self.sockets.remove(key) else { return };
        self.by_conn.remove(&(socket.server, socket.conn));
        self.retire(Actor::Socket(key));
        if let Some(client) = socket.client {
            self.clients[client].is_served = false;
        }
        self.drop_wire(socket.wire);
    }

    /// The system closes all sockets of a server.
    pub(super) fn unplug_all(&mut self, server: usize) {
        let keys: Vec<_> =
            self.sockets.iter().filter(|(_, socket)| socket.server == server).map(|(key, _)| key).collect();
        for key in keys {
            let Socket { conn, side, wire, .. } = self.sockets[key];
            self.transcript.note(self.now, format_args!("{server}: {conn} is gone in a crash"));
            let now = self.now;
            self.wires[wire].close(side, now, false);
            self.unplug(key);
            self.hosts[server].release(now, conn);
        }
        self.look_around(server);
    }

    /// Nobody acts there any more.
    pub(super) fn retire(&mut self, actor: Actor) {
        if let Some(at) = self.actors.iter().position(|other| *other == actor) {
            self.actors.swap_remove(at);
        }
    }

    /// A wire goes once nobody is left at it.
    pub(super) fn drop_wire(&mut self, wire: DefaultKey) {
        if self.wires.get(wire).is_some_and(Wire::is_abandoned) {
            self.wires.remove(wire);
        }
    }

    pub(super) fn look_at(&mut self, server: usize, conn: ConnId) {
        self.see(server, conn);
        self.look_around(server);
    }

    fn see(&mut self, server: usize, conn: ConnId) {
        if let Some(wants) = self.hosts[server].wants(conn)
            && let Some(key) = self.by_conn.get(&(server, conn))
        {
            self.sockets[*key].seen = wants;
        }
    }

    /// Takes all that a hub has to say.
    pub(super) fn look_around(&mut self, server: usize) {
        let mut named = Vec::new();
        while let Some(conn) = self.hosts[server].poll_dirty() {
            assert!(!named.contains(&conn), "{conn} is named twice");
            named.push(conn);
            self.see(server, conn);
        }
        self.hosts[server].take_jobs(self.now, self.faults.job_time, &mut self.dice);
        self.take_dials(server);
    }

    /// All wires that end at a server are parted, or no longer.
    pub(super) fn part_server(&mut self, server: usize, parted: bool) {
        for (_, socket) in self.sockets.iter().filter(|(_, socket)| socket.server == server) {
            self.wires[socket.wire].hold(socket.side, parted);
        }
    }

    /// One that was refused: its stream is closed at once.
    pub(super) fn hang_up(&mut self, wire: DefaultKey) {
        let now = self.now;
        self.wires[wire].close(CALLED, now, false);
    }
}
