//! One connection of a hub: its task.

use crate::carrier::Carrier;
use crate::hub::{Shared, State};
use crate::runtime::{Runtime, Transport};
use crate::scratch::Lent;
use crate::trace;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wharf::base::{CloseCode, End, Instant, Origin, Shutdown, Wants};
use wharf::link::{Address, ConnId, Service};
use wharf_std::end_of;

/// Reads of one poll, after which other tasks get their turn.
const ROUNDS: usize = 16;

/// Slices of one write.
const SLICES: usize = 16;

/// Carries a connection until its end.
///
/// The hub learns of its end also when the future is dropped before it was ever polled.
pub(crate) fn run<R: Runtime, S: Service>(
    shared: Arc<Shared<S>>,
    conn: ConnId,
    peer: &Address,
    stream: Carrier<R>,
) -> impl Future<Output = ()> + use<R, S> {
    let wire =
        Wire { conn, stream, reading: Reading::New, opened: false, write_shut: false, read_over: false };
    trace::in_connection(conn, peer, Task { shared, wire })
}

struct Task<T: Transport, S: Service> {
    shared: Arc<Shared<S>>,
    wire: Wire<T>,
}

/// The stream, and what is known of its connection.
struct Wire<T> {
    conn: ConnId,
    stream: T,
    reading: Reading,
    /// That it opened was told.
    opened: bool,
    write_shut: bool,
    read_over: bool,
}

/// How a poll begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// The hub has not heard of the connection yet: what opens without a byte from the peer opens now.
    New,
    /// The hub is asked first: it wants no input.
    Not,
    /// By a read. Should the hub want no more input meanwhile, it holds back what one read brings.
    Shared,
    /// The hub is asked first: it has a place to read into.
    Direct,
}

/// What a read brought.
#[derive(Clone, Copy)]
enum Came {
    Nothing,
    Bytes(usize),
    /// `n` bytes stand in the space of the message itself.
    Direct(usize),
    End(End),
}

impl Came {
    fn of(read: io::Result<usize>, bytes: impl FnOnce(usize) -> Self) -> Self {
        match read {
            Ok(0) => Self::End(End::Eof),
            Ok(n) => bytes(n),
            Err(e) => Self::End(end_of(&e)),
        }
    }
}

/// What a locked section found.
enum Section {
    /// The connection is no more.
    Over,
    /// What it wants, and what a read straight into a large message came to.
    Wants(Wants, Option<Poll<Came>>),
}

impl<T: Transport, S: Service> Future for Task<T, S> {
    type Output = ();

    /// One locked section a round: hand in what was read, write what came of it, see what is wanted. The waker is
    /// stored in the same section, so nothing that changes later goes unnoticed.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { shared, wire } = &mut *self;
        let mut lent = Lent::take();
        let read = &mut lent.read;
        // Whether there is something to read or not, the hub is asked once: it may be what woke this task.
        let first = wire.first(cx, read);
        let mut is_waiting = first.is_pending();
        let mut came = if let Poll::Ready(came) = first { came } else { Came::Nothing };
        for _ in 0..ROUNDS {
            // After a panic the next section finds what became of the connection.
            let input = std::mem::replace(&mut came, Came::Nothing);
            let section =
                shared.with_own(Some(wire.conn), |state, now| wire.section(state, cx, now, input, read));
            let Some(section) = section else { continue };
            let Section::Wants(wants, direct) = section else { return Poll::Ready(()) };
            if let Some(how) = wants.shutdown
                && wire.shut_down(how)
            {
                return Poll::Ready(());
            }
            if !wants.read || wire.read_over {
                wire.reading = Reading::Not;
                return Poll::Pending;
            }
            wire.reading = if direct.is_some() { Reading::Direct } else { Reading::Shared };
            if std::mem::take(&mut is_waiting) && direct.is_none() {
                return Poll::Pending;
            }
            came = ready!(direct.unwrap_or_else(|| wire.read(cx, read)));
        }
        if !matches!(came, Came::Nothing) {
            wire.reading = Reading::Not;
            shared.with(|state, now| wire.hand_in(state, now, came, read));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: Transport> Wire<T> {
    /// What a poll begins with; pending if the stream will wake it.
    fn first(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Came> {
        match self.reading {
            Reading::New => Poll::Ready(Came::Bytes(0)),
            Reading::Not | Reading::Direct => Poll::Ready(Came::Nothing),
            Reading::Shared => self.read(cx, buffer),
        }
    }

    fn section<S: Service>(
        &mut self,
        state: &mut State<S>,
        cx: &mut Context<'_>,
        now: Instant,
        came: Came,
        read: &mut [u8],
    ) -> Section {
        state.wakers.register(self.conn, cx.waker());
        self.hand_in(state, now, came, read);
        if !self.opened
            && state.hub.was_opened(self.conn)
            && let Some(peer) = state.hub.peer(self.conn)
        {
            self.opened = true;
            trace::opened(self.conn, peer);
        }
        let Some(wants) = self.write(state, cx, now) else {
            state.wakers.forget(self.conn);
            return Section::Over;
        };
        if !wants.read || self.read_over {
            return Section::Wants(wants, None);
        }
        let direct = state.hub.read_space(self.conn).map(|space| self.stream.poll_read(cx, space));
        Section::Wants(wants, direct.map(|read| read.map(|read| Came::of(read, Came::Direct))))
    }

    fn hand_in<S: Service>(&mut self, state: &mut State<S>, now: Instant, came: Came, read: &mut [u8]) {
        match came {
            Came::Nothing => {}
            Came::Bytes(n) => state.hub.receive(now, self.conn, &mut read[..n]),
            Came::Direct(n) => state.hub.handle_read(now, self.conn, n),
            Came::End(end) => {
                self.read_over = true;
                state.hub.receive_end(now, self.conn, end);
            }
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Came> {
        self.stream.poll_read(cx, buffer).map(|read| Came::of(read, Came::Bytes))
    }

    /// Writes until the stream takes no more; what the connection wants then.
    fn write<S: Service>(
        &mut self,
        state: &mut State<S>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Option<Wants> {
        loop {
            let wants = state.hub.wants(self.conn)?;
            if !wants.write {
                return Some(wants);
            }
            let mut slices: [&[u8]; SLICES] = [&[]; SLICES];
            let wrote = match state.hub.slices(self.conn, &mut slices) {
                0 => return Some(wants),
                1 => self.stream.poll_write(cx, &[IoSlice::new(slices[0])]),
                filled => self.stream.poll_write(cx, &slices.map(IoSlice::new)[..filled]),
            };
            match wrote {
                Poll::Ready(Ok(n)) if n > 0 => state.hub.handle_written(now, self.conn, n),
                Poll::Ready(_) => {
                    state.hub.receive_end(now, self.conn, End::WriteFailed);
                    return state.hub.wants(self.conn);
                }
                Poll::Pending => {
                    state.hub.handle_written(now, self.conn, 0);
                    return state.hub.wants(self.conn);
                }
            }
        }
    }

    /// Ends the stream, or a side of it; whether that was all.
    fn shut_down(&mut self, how: Shutdown) -> bool {
        if how == Shutdown::Abort {
            self.stream.reset_on_drop();
        } else if !std::mem::replace(&mut self.write_shut, true) {
            // A stream that is gone already tells so by its read.
            let _ = self.stream.shutdown_write();
        }
        how != Shutdown::Write
    }
}

impl<T: Transport, S: Service> Drop for Task<T, S> {
    /// Also when the runtime goes down and drops its tasks: the hub learns that the stream is gone.
    fn drop(&mut self) {
        let conn = self.wire.conn;
        self.shared.with(|state, now| {
            state.wakers.forget(conn);
            if !state.hub.was_opened(conn) {
                return state.hub.release(now, conn);
            }
            let (code, origin) = match state.hub.closed(conn) {
                Some(closed) => (closed.code, closed.origin),
                // The runtime goes down with it open.
                None => (CloseCode::ABNORMAL, Origin::Abnormal),
            };
            if let Some(peer) = state.hub.peer(conn) {
                trace::closed(conn, peer, code, origin);
            }
            state.hub.release(now, conn);
        });
    }
}
