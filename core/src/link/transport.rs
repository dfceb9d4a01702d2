//! What is moved between a connection and its transport.

use super::entry::{Entry, Turn};
use super::{ConnId, Hub, Service};
use crate::base::{End, Instant, Scratch, Wants};

/// Pieces that one write is shown at most.
const PIECES: usize = 16;

/// With so much to write the buffer of a large message may be among it, which the scratch then keeps for the next.
const LARGE: usize = 16 * 1024;

/// What a connection was before some of its output left.
#[derive(Clone, Copy)]
struct Before {
    quiet: bool,
    /// Some of its output is counted.
    counted: bool,
}

impl Before {
    #[inline]
    fn of(entry: &Entry) -> Self {
        Self { quiet: entry.is_quiet(), counted: entry.pages != 0 }
    }
}

impl<S: Service> Hub<S> {
    /// Bytes came from a connection. What it does not want now is held back, so that an adapter can give it whole
    /// reads; while `wants(conn).read` is false it should bring none.
    pub fn receive(&mut self, now: Instant, conn: ConnId, bytes: &mut [u8]) {
        let now = self.begin(now);
        self.core.lend(conn);
        self.feed(now, conn, bytes);
        self.pump(now);
    }

    /// A connection's reading side is over, or its transport failed.
    pub fn receive_end(&mut self, now: Instant, conn: ConnId, end: End) {
        let now = self.begin(now);
        self.end_of(now, conn, end);
        self.pump(now);
    }

    /// The space of a large message on its way, to read straight into ([`Engine::read_space`](crate::base::Engine::read_space)).
    pub fn read_space(&mut self, conn: ConnId) -> Option<&mut [u8]> {
        self.core.entry(conn).filter(|entry| entry.held.is_none())?.link.read_space()
    }

    /// `n` bytes were read into the space.
    pub fn handle_read(&mut self, now: Instant, conn: ConnId, n: usize) {
        let now = self.begin(now);
        self.core.lend(conn);
        if let Some(entry) = self.core.entry(conn) {
            entry.link.handle_read(now, n);
        }
        self.feed(now, conn, &mut []);
        self.pump(now);
    }

    /// Fills `out` with what is to be written for a connection; returns how many slices were filled.
    pub fn slices<'a>(&'a mut self, conn: ConnId, out: &mut [&'a [u8]]) -> usize {
        let now = self.core.clock.last();
        match self.core.links.get_mut(conn.0) {
            Some(entry) => entry.link.output(now).into_slices(out),
            None => 0,
        }
    }

    /// Writes all that a connection has to write, by `write`: it is shown some pieces, in order, and says how many bytes the
    /// transport took of them. It is called until all is taken or until it takes none, and answers 0 also when the transport
    /// has failed, which is then to be told by [`receive_end`](Self::receive_end). Returns what is wanted then; `None` for a
    /// connection that is no more.
    #[inline]
    pub fn write(
        &mut self,
        now: Instant,
        conn: ConnId,
        write: impl FnMut(&[&[u8]]) -> usize,
    ) -> Option<Wants> {
        let wants = self.wants(conn)?;
        if wants.write { self.write_all(now, conn, wants, write) } else { Some(wants) }
    }

    fn write_all(
        &mut self,
        now: Instant,
        conn: ConnId,
        mut wants: Wants,
        mut write: impl FnMut(&[&[u8]]) -> usize,
    ) -> Option<Wants> {
        while wants.write {
            let now = self.begin(now);
            let mut entry = self.core.entry(conn)?;
            if entry.link.queued() >= LARGE {
                self.core.lend(conn);
                entry = self.core.entry(conn)?;
            }
            let before = Before::of(entry);
            let mut output = entry.link.output(now);
            let mut alone: [&[u8]; 1] = [&[]];
            output.slices(&mut alone);
            let n = if alone[0].len() == output.remaining() {
                if alone[0].is_empty() { 0 } else { write(&alone) }
            } else {
                let mut pieces: [&[u8]; PIECES] = [&[]; PIECES];
                let filled = output.slices(&mut pieces);
                write(&pieces[..filled])
            };
            if n == 0 {
                self.core.recount_queue(now, conn);
                self.pump(now);
                return self.wants(conn);
            }
            output.advance(n);
            let is_drained = output.is_empty();
            self.settle_written(now, conn, n, before, is_drained);
            wants = self.wants(conn)?;
        }
        Some(wants)
    }

    /// A connection's transport took `n` bytes; 0 tells that it takes none for now.
    pub fn handle_written(&mut self, now: Instant, conn: ConnId, n: usize) {
        let now = self.begin(now);
        let Some(entry) = self.core.entry(conn) else { return };
        let before = Before::of(entry);
        let mut output = entry.link.output(now);
        output.advance(n);
        let is_drained = output.is_empty();
        self.settle_written(now, conn, n, before, is_drained);
    }

    /// What follows from `n` bytes having left.
    #[inline]
    fn settle_written(&mut self, now: Instant, conn: ConnId, n: usize, before: Before, is_drained: bool) {
        if !is_drained {
            self.core.overflowed |= self.core.lent == Some(conn);
        } else if self.core.lent != Some(conn) || self.core.overflowed || n > Scratch::KEEP {
            // Else it keeps the scratch for what it is fed next.
            self.core.take_back(conn);
        }
        // What is taken at once was never counted, and need not be.
        if before.counted || !is_drained {
            self.core.recount_queue(now, conn);
        }
        if !before.quiet {
            self.feed(now, conn, &mut []);
            self.tell_written(conn, n);
        } else if !is_drained {
            self.core.reschedule(conn);
        }
        self.pump(now);
    }

    /// Tells the service, where it wants to know.
    #[cold]
    fn tell_written(&mut self, conn: ConnId, n: usize) {
        let Some(entry) = self.core.entry(conn) else { return };
        if n > 0 && core::mem::take(&mut entry.tells_written) && entry.opened && !entry.over {
            self.call(Turn::Connection(conn), |s, cx| s.written(cx, conn));
        }
    }

    /// What a connection wants of its transport; `None` for one that is no more.
    #[must_use]
    #[inline]
    pub fn wants(&self, conn: ConnId) -> Option<Wants> {
        let entry = self.core.links.get(conn.0)?;
        let mut wants = entry.link.wants();
        // One read may be held back, not more.
        wants.read &= entry.held.is_none();
        Some(wants)
    }

    /// A connection whose output or wants may have changed.
    pub fn poll_dirty(&mut self) -> Option<ConnId> {
        let conn = self.core.dirty.pop_front()?;
        if let Some(entry) = self.core.entry(conn) {
            entry.dirty = false;
        }
        Some(conn)
    }
}
