//! One socket under an edge-triggered poll, and the machine that it carries.

use crate::carrier::Carrier;
use crate::trace;
use mio::event::Event;
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use wharf::base::{End, Shutdown, Wants};
use wharf_std::end_of;

/// Bytes of a large message that one turn reads at most, but for one read more.
const STRAIGHT: usize = 1 << 20;

/// Bytes that a read takes at most, behind a message that was read into its own buffer: the next one is mostly as large, and what
/// it brings into the loop's buffer must be copied.
const BEGINNING: usize = 64 * 1024;

/// Pieces that one write takes at most.
pub(crate) const PIECES: usize = 16;

/// The machine behind a stream, at one moment: a connection of a hub, or a link.
pub(crate) trait Machine {
    /// `None` for one that is no more.
    fn wants(&self) -> Option<Wants>;
    fn read_space(&mut self) -> Option<&mut [u8]>;
    fn handle_read(&mut self, n: usize);
    fn receive(&mut self, bytes: &mut [u8]);
    fn receive_end(&mut self, end: End);
    /// Has all that there is written by `write`, which says how much it took of some pieces, until that takes none; what is
    /// wanted then.
    fn write(&mut self, write: impl FnMut(&[&[u8]]) -> usize) -> Option<Wants>;
}

/// Where a socket stands after its turn.
///
/// ```
/// assert_ne!(wharf_mio::Turn::Idle, wharf_mio::Turn::Over);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    /// Nothing can be done before the next event, send or deadline.
    Idle,
    /// There may be more to do, and no event will tell: it is due another turn.
    Again,
    /// All is said and done: deregister it and drop it.
    Over,
}

/// Whether a read or write that took less than it could have has found the socket's buffer empty, or full, so that the next
/// event comes when that changes. So it is on epoll and kqueue; elsewhere mio wants to see a `WouldBlock` first. The end of a
/// stream and a failure are read without bytes before them, so of those the event counts.
const SHORT_IS_LAST: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd",
    target_vendor = "apple",
));

/// A socket and what the poll last said of it. An edge-triggered poll says it once, so it is kept until the socket
/// has nothing more to give, or room for no more.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Carrier,
    readable: bool,
    writable: bool,
    /// The poll told of an end or a failure, of which it tells no more.
    closed: bool,
    /// The reading side is over, by its end or by an error.
    ended: bool,
    /// Our writing side is ended.
    shut: bool,
    /// The last turn that read had a large message.
    large: bool,
}

impl Stream {
    /// A connected socket. Both sides are tried first: asking costs less than waiting for the poll.
    pub(crate) fn new(socket: Carrier) -> Self {
        if let Err(error) = socket.set_nodelay() {
            // It works without, only later.
            trace::minor(error, "TCP_NODELAY cannot be set");
        }
        Self {
            socket,
            readable: true,
            writable: true,
            closed: false,
            ended: false,
            shut: false,
            large: false,
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE | Interest::WRITABLE)
    }

    pub(crate) fn reregister(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.reregister(&mut self.socket, token, Interest::READABLE | Interest::WRITABLE)
    }

    pub(crate) fn deregister(&mut self, registry: &Registry) {
        if let Err(error) = registry.deregister(&mut self.socket) {
            trace::minor(error, "a socket was not registered");
        }
    }

    pub(crate) fn handle_event(&mut self, event: &Event) {
        self.closed |= event.is_read_closed() || event.is_error();
        self.readable |= event.is_readable() || self.closed;
        self.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
    }

    /// Writes, reads if `buffer` is given, once or on into a large message, writes what came of that, and obeys the machine's wish to end.
    pub(crate) fn turn(&mut self, machine: &mut impl Machine, buffer: Option<&mut [u8]>) -> Turn {
        let mut wanted = machine.wants();
        if wanted.is_some_and(|wants| wants.write && self.writable) {
            wanted = self.write(machine);
        }
        if let Some(buffer) = buffer.filter(|_| wanted.is_some_and(|wants| self.can_read(wants))) {
            self.read(machine, buffer);
            wanted = self.write(machine);
        }
        let Some(wants) = wanted else { return Turn::Over };
        match wants.shutdown {
            None => {}
            Some(Shutdown::Both) => {
                self.shut_down_writing();
                return Turn::Over;
            }
            Some(Shutdown::Abort) => {
                self.reset_on_close();
                return Turn::Over;
            }
            Some(Shutdown::Write) => self.shut_down_writing(),
        }
        if self.can_read(wants) { Turn::Again } else { Turn::Idle }
    }

    fn can_read(&self, wants: Wants) -> bool {
        self.readable && !self.ended && wants.read
    }

    /// Reads once, or on into a large message until it is whole or has taken [`STRAIGHT`] bytes: one message at a time in
    /// the processor's cache costs the others less than their parts in turn.
    fn read(&mut self, machine: &mut impl Machine, buffer: &mut [u8]) {
        let mut straight = self.read_straight(machine);
        if straight.is_none() && self.readable && !self.ended {
            let most = if self.large { buffer.len().min(BEGINNING) } else { buffer.len() };
            let buffer = &mut buffer[..most];
            let read = read(&mut self.socket, buffer);
            if let Some(n) = self.judge(machine, read, buffer.len()) {
                machine.receive(&mut buffer[..n]);
            }
            straight = Some(0);
        }
        let mut total = 0;
        while let Some(n) = straight.filter(|_| self.readable && !self.ended && total < STRAIGHT) {
            total += n;
            straight = self.read_straight(machine);
        }
        self.large = total > 0;
    }

    /// Reads into a large message's own buffer; `None` if there is none.
    fn read_straight(&mut self, machine: &mut impl Machine) -> Option<usize> {
        let space = machine.read_space().filter(|space| !space.is_empty())?;
        let (read, room) = (read(&mut self.socket, space), space.len());
        let n = self.judge(machine, read, room)?;
        machine.handle_read(n);
        Some(n)
    }

    /// What a read came to that had so much room: how many bytes are there, if any.
    fn judge(&mut self, machine: &mut impl Machine, read: io::Result<usize>, room: usize) -> Option<usize> {
        match read {
            Ok(0) => self.end(machine, End::Eof),
            Ok(n) => {
                self.readable = self.closed || n == room || !SHORT_IS_LAST;
                return Some(n);
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => self.readable = false,
            Err(e) => self.end(machine, end_of(&e)),
        }
        None
    }

    /// Writes until all is written or the socket takes no more; what is wanted then.
    fn write(&mut self, machine: &mut impl Machine) -> Option<Wants> {
        let mut failed = false;
        let wants = machine.write(|pieces| {
            while self.writable {
                let (written, room) = match pieces {
                    [alone] => (self.socket.write(alone), alone.len()),
                    several => {
                        (write_pieces(&mut self.socket, several), several.iter().map(|p| p.len()).sum())
                    }
                };
                match written {
                    Ok(n) if n > 0 => {
                        self.writable = n == room || !SHORT_IS_LAST;
                        return n;
                    }
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) if e.kind() == ErrorKind::WouldBlock => self.writable = false,
                    Ok(_) | Err(_) => {
                        self.writable = false;
                        failed = true;
                    }
                }
            }
            0
        });
        if !failed {
            return wants;
        }
        self.end(machine, End::WriteFailed);
        machine.wants()
    }

    fn end(&mut self, machine: &mut impl Machine, end: End) {
        self.ended = true;
        machine.receive_end(end);
    }

    fn shut_down_writing(&mut self) {
        if !std::mem::replace(&mut self.shut, true)
            && let Err(error) = self.socket.shut_down_writing()
        {
            // The peer is gone already; reading tells how.
            trace::minor(error, "the writing side cannot be ended");
        }
    }

    fn reset_on_close(&self) {
        if let Err(error) = self.socket.reset_on_close() {
            trace::minor(error, "SO_LINGER cannot be set");
        }
    }
}

fn write_pieces(socket: &mut Carrier, pieces: &[&[u8]]) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); PIECES];
    let n = pieces.len().min(PIECES);
    for (slice, piece) in slices.iter_mut().zip(pieces) {
        *slice = IoSlice::new(piece);
    }
    socket.write_vectored(&slices[..n])
}

fn read(socket: &mut Carrier, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match socket.read(buffer) {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
