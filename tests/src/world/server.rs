//! The adapter of the world: it carries bytes between a hub and the wires, by the rules that the hub gives.

use super::{Came, World};
use std::time::Duration;
use wharf::base::{End, Instant, Shutdown, Wants};
use wharf::link::{Address, ConnId};

impl World {
    /// A new connection, by any client.
    pub(super) fn connect(&mut self) {
        let now = self.told();
        let conn = self.hub.accept(now, Address::Unix(String::new())).expect("below the limits");
        self.transcript.note(self.now, format_args!("{conn} accepted"));
        let mut client = super::Client::new(self.now, self.wire, &self.client_config, conn, &mut self.dice);
        client.begin(self.now, &mut self.transcript);
        self.clients.push(client);
        // What needs no handshake is open by that.
        self.hub.receive(now, conn, &mut []);
        self.look_at(conn);
    }

    /// Does one thing that a connection wants, as far as is known.
    pub(super) fn serve(&mut self, i: usize) -> bool {
        let Some(conn) = self.clients[i].conn else { return false };
        let wants = self.seen[&conn];
        if wants.write && self.clients[i].down.room(self.faults) > 0 {
            self.write(i, conn);
            return true;
        }
        let reads = wants.read || (self.faults.eager && self.dice.percent(5));
        if reads && self.read(i, conn) {
            return true;
        }
        self.obey(i, conn, wants)
    }

    /// When a connection's wire brings something next.
    pub(super) fn serves_next(&self, i: usize) -> Option<Instant> {
        let client = &self.clients[i];
        let wants = self.seen[client.conn.as_ref()?];
        client.up.next().filter(|_| wants.read)
    }

    /// The hub's timer fires, asked for or not.
    pub(super) fn handle_timeout(&mut self) {
        self.hub.handle_timeout(self.now);
        assert!(self.hub.poll_timeout().is_none_or(|next| next > self.now), "a timer that does not move");
        self.look_around();
    }

    /// A job is done: any that is due.
    pub(super) fn finish_job(&mut self) -> bool {
        let due: Vec<usize> = (0..self.jobs.len()).filter(|i| self.jobs[*i].0 <= self.now).collect();
        if due.is_empty() {
            return false;
        }
        let (_, token, job) = self.jobs.swap_remove(self.dice.pick(&due));
        self.transcript.note(self.now, format_args!("{token} done: {job:?}"));
        let now = self.told();
        self.hub.job_done(now, token, job.clone());
        // A second outcome is nobody's.
        self.hub.job_done(now, token, job);
        self.look_around();
        true
    }

    /// What the adapter would see if it looked at everything is what it was told.
    pub(super) fn check_seen(&self) {
        for conn in self.clients.iter().filter_map(|client| client.conn) {
            assert_eq!(self.hub.wants(conn), Some(self.seen[&conn]), "the wants of {conn} changed untold");
        }
    }

    fn write(&mut self, i: usize, conn: ConnId) {
        let mut slices: [&[u8]; 4] = [&[]; 4];
        let filled = self.hub.slices(conn, &mut slices);
        let bytes = slices[..filled].concat();
        let n = self.clients[i].down.write(self.now, &bytes, self.faults, &mut self.dice);
        self.transcript.note(self.now, format_args!("{conn} wrote {n} of {}", bytes.len()));
        let now = self.told();
        self.hub.handle_written(now, conn, n);
        self.look_at(conn);
    }

    fn read(&mut self, i: usize, conn: ConnId) -> bool {
        let limit = self.dice.pick(&[1, 100, 5000, 1 << 16]);
        let Some(came) = self.clients[i].up.read(self.now, limit, self.faults, &mut self.dice) else {
            return false;
        };
        let now = self.told();
        match came {
            Came::Bytes(mut bytes) => {
                self.transcript.note(self.now, format_args!("{conn} read {}", bytes.len()));
                if self.dice.percent(30)
                    && let Some(space) = self.hub.read_space(conn)
                {
                    let n = space.len().min(bytes.len());
                    space[..n].copy_from_slice(&bytes[..n]);
                    self.hub.handle_read(now, conn, n);
                    bytes.drain(..n);
                }
                self.hub.receive(now, conn, &mut bytes);
            }
            Came::End(end) => {
                self.transcript.note(self.now, format_args!("{conn} {end}"));
                self.hub.receive_end(now, conn, end);
            }
        }
        self.look_at(conn);
        true
    }

    /// Ends the socket of a connection, or its writing side.
    fn obey(&mut self, i: usize, conn: ConnId, wants: Wants) -> bool {
        let Some(how) = wants.shutdown else { return false };
        let client = &mut self.clients[i];
        if how == Shutdown::Write {
            return self.write_shut.insert(conn) && {
                client.down.finish(self.now, End::Eof);
                true
            };
        }
        self.transcript.note(self.now, format_args!("{conn} shut down: {how:?}"));
        if how == Shutdown::Abort || client.up.is_unread() {
            client.down.reset(self.now);
        } else {
            client.down.finish(self.now, End::Eof);
        }
        client.up.drop_reader();
        client.conn = None;
        let now = self.told();
        self.hub.release(now, conn);
        assert_eq!(self.hub.wants(conn), None);
        // Late words about it are nobody's.
        self.hub.receive(now, conn, &mut [0x81, 0, 0xff]);
        self.hub.handle_written(now, conn, 7);
        self.seen.remove(&conn);
        self.look_around();
        true
    }

    fn look_at(&mut self, conn: ConnId) {
        if let Some(wants) = self.hub.wants(conn) {
            self.seen.insert(conn, wants);
        }
        self.look_around();
    }

    /// Takes all that the hub has to say.
    fn look_around(&mut self) {
        let mut named = Vec::new();
        while let Some(conn) = self.hub.poll_dirty() {
            assert!(!named.contains(&conn), "{conn} is named twice");
            named.push(conn);
            if let (Some(wants), Some(seen)) = (self.hub.wants(conn), self.seen.get_mut(&conn)) {
                *seen = wants;
            }
        }
        while let Some((token, job)) = self.hub.poll_job() {
            let due = self.now + Duration::from_micros(self.dice.below(500_000) as u64);
            self.jobs.push((due, token, job));
        }
    }

    /// The time as a caller tells it, who may be behind.
    fn told(&mut self) -> Instant {
        let behind = if self.faults.backward && self.dice.percent(20) { self.dice.below(1 << 24) } else { 0 };
        Instant::from_nanos(self.now.as_nanos().saturating_sub(behind as u64))
    }
}
