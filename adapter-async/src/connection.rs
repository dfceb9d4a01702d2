//! One connection of a hub: its task.

use crate::carrier::Carrier;
use crate::hub::{Shared, State};
use crate::runtime::{Runtime, Transport};
use crate::scratch::Lent;
use crate::trace;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};
use wharf::base::{CloseCode, End, Instant, Origin, Shutdown, Wants};
use wharf::link::{Address, ConnId, Service};
use wharf_std::end_of;

/// Reads of one poll, after which other tasks get their turn.
const ROUNDS: usize = 16;

/// Carries a connection until its end.
///
/// The hub learns of its end also when the future is dropped before it was ever polled.
pub(crate) fn run<R: Runtime, S: Service>(
    shared: Arc<Shared<S>>,
    conn: ConnId,
    peer: Address,
    stream: Carrier<R>,
) -> impl Future<Output = ()> {
    let name = peer.clone();
    let mut task =
        Task { shared, conn, peer, stream, begun: false, opened: false, write_shut: false, read_over: false };
    trace::in_connection(conn, name, async move { poll_fn(|cx| task.poll(cx)).await })
}

struct Task<T: Transport, S: Service> {
    shared: Arc<Shared<S>>,
    conn: ConnId,
    peer: Address,
    stream: T,
    begun: bool,
    /// That it opened was told.
    opened: bool,
    write_shut: bool,
    read_over: bool,
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

/// What a locked section found.
struct Section {
    /// `None`: the connection is no more.
    wants: Option<Wants>,
    /// The outcome of a read straight into a large message.
    direct: Option<Poll<io::Result<usize>>>,
}

impl<T: Transport, S: Service> Task<T, S> {
    /// One locked section a round: hand in what was read, write what came of it, see what is wanted. The waker is
    /// stored in the same section, so nothing that changes later goes unnoticed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut lent = Lent::take();
        let read = &mut lent.read;
        // What opens without a byte from the peer opens now.
        let mut came = if self.begun { Came::Nothing } else { Came::Bytes(0) };
        self.begun = true;
        for _ in 0..ROUNDS {
            let shared = self.shared.clone();
            let section = shared.with(|state, now| self.section(state, cx, now, came, read));
            // After a panic the next section finds what became of the connection.
            came = Came::Nothing;
            let Some(Section { wants, direct }) = section else { continue };
            let Some(wants) = wants else { return Poll::Ready(()) };
            match wants.shutdown {
                Some(how @ (Shutdown::Both | Shutdown::Abort)) => return self.end(how),
                Some(Shutdown::Write) if !self.write_shut => {
                    self.write_shut = true;
                    // A stream that is gone already tells so by its read.
                    let _ = self.stream.shutdown_write();
                }
                _ => {}
            }
            if !wants.read || self.read_over {
                return Poll::Pending;
            }
            came = match direct
                .map_or_else(|| self.stream.poll_read(cx, read).map(|r| (r, false)), |d| d.map(|r| (r, true)))
            {
                Poll::Pending => return Poll::Pending,
                Poll::Ready((Ok(0), _)) => Came::End(End::Eof),
                Poll::Ready((Ok(n), true)) => Came::Direct(n),
                Poll::Ready((Ok(n), false)) => Came::Bytes(n),
                Poll::Ready((Err(e), _)) => Came::End(end_of(&e)),
            };
            self.read_over = matches!(came, Came::End(_));
        }
        if !matches!(came, Came::Nothing) {
            let shared = self.shared.clone();
            shared.with(|state, now| self.hand_in(state, now, came, read));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn section(
        &mut self,
        state: &mut State<S>,
        cx: &mut Context<'_>,
        now: Instant,
        came: Came,
        read: &mut [u8],
    ) -> Section {
        state.register(self.conn, cx.waker());
        self.hand_in(state, now, came, read);
        if !self.opened && state.hub.was_opened(self.conn) {
            self.opened = true;
            trace::opened(self.conn, &self.peer);
        }
        self.write(state, cx, now);
        let Some(wants) = state.hub.wants(self.conn) else {
            state.forget(self.conn);
            return Section { wants: None, direct: None };
        };
        let direct = match state.hub.read_space(self.conn) {
            Some(space) if wants.read && !self.read_over => Some(self.stream.poll_read(cx, space)),
            _ => None,
        };
        Section { wants: Some(wants), direct }
    }

    fn hand_in(&self, state: &mut State<S>, now: Instant, came: Came, read: &mut [u8]) {
        match came {
            Came::Nothing => {}
            Came::Bytes(n) => state.hub.receive(now, self.conn, &mut read[..n]),
            Came::Direct(n) => state.hub.handle_read(now, self.conn, n),
            Came::End(end) => state.hub.receive_end(now, self.conn, end),
        }
    }

    fn write(&mut self, state: &mut State<S>, cx: &mut Context<'_>, now: Instant) {
        while state.hub.wants(self.conn).is_some_and(|w| w.write) {
            let mut slices: [&[u8]; 16] = [&[]; 16];
            let filled = state.hub.slices(self.conn, &mut slices);
            let io = slices.map(IoSlice::new);
            match self.stream.poll_write(cx, &io[..filled]) {
                Poll::Ready(Ok(n)) if n > 0 => state.hub.handle_written(now, self.conn, n),
                Poll::Ready(_) => return state.hub.receive_end(now, self.conn, End::WriteFailed),
                Poll::Pending => return,
            }
        }
    }

    fn end(&mut self, how: Shutdown) -> Poll<()> {
        if how == Shutdown::Abort {
            self.stream.reset_on_drop();
        } else if !self.write_shut {
            let _ = self.stream.shutdown_write();
        }
        Poll::Ready(())
    }
}

impl<T: Transport, S: Service> Drop for Task<T, S> {
    /// Also when the runtime goes down and drops its tasks: the hub learns that the stream is gone.
    fn drop(&mut self) {
        let conn = self.conn;
        self.shared.with(|state, now| {
            state.forget(conn);
            if !state.hub.was_opened(conn) {
                return state.hub.release(now, conn);
            }
            let (code, origin) = match state.hub.closed(conn) {
                Some(closed) => (closed.code, closed.origin),
                // The runtime goes down with it open.
                None => (CloseCode::ABNORMAL, Origin::Abnormal),
            };
            trace::closed(conn, &self.peer, code, origin);
            state.hub.release(now, conn);
        });
    }
}
