//! A service's panic ends the connection that it happened for, not the loop.

use crate::stream::Machine;
use crate::trace;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wharf::base::{End, Instant, Wants};
use wharf::link::{ConnId, Hub, Service};
use wharf_std::text_of_panic;

/// Calls the hub; `None` if the service panicked. The hub is consistent around each call of the service, so going on
/// with it is sound; what the service itself left half done is its own.
pub(crate) fn guard<S: Service, T>(
    hub: &mut Hub<S>,
    now: Instant,
    act: impl FnOnce(&mut Hub<S>) -> T,
) -> Option<T> {
    let mut panic = match catch_unwind(AssertUnwindSafe(|| act(hub))) {
        Ok(out) => return Some(out),
        Err(panic) => panic,
    };
    // Going on calls the service again, so it may panic again: once an event at most, so this ends.
    loop {
        let recovered = catch_unwind(AssertUnwindSafe(|| hub.recover(now)));
        report(hub, recovered.as_ref().ok().copied().flatten(), &*panic);
        match recovered {
            Ok(_) => return None,
            Err(again) => panic = again,
        }
    }
}

fn report<S: Service>(hub: &Hub<S>, conn: Option<ConnId>, panic: &(dyn Any + Send)) {
    let peer = conn.and_then(|conn| hub.peer(conn));
    let cause = text_of_panic(panic);
    trace::handler_failed(conn.as_ref().map(|conn| conn as _), peer.map(|peer| peer as _), cause);
}

/// One connection of a hub, as its stream sees it, for a turn that is guarded as a whole.
pub(crate) struct Connected<'a, S: Service> {
    pub(crate) hub: &'a mut Hub<S>,
    pub(crate) conn: ConnId,
    pub(crate) now: Instant,
}

impl<S: Service> Machine for Connected<'_, S> {
    fn wants(&self) -> Option<Wants> {
        self.hub.wants(self.conn)
    }

    fn read_space(&mut self) -> Option<&mut [u8]> {
        self.hub.read_space(self.conn)
    }

    fn handle_read(&mut self, n: usize) {
        self.hub.handle_read(self.now, self.conn, n);
    }

    fn receive(&mut self, bytes: &mut [u8]) {
        self.hub.receive(self.now, self.conn, bytes);
    }

    fn receive_end(&mut self, end: End) {
        self.hub.receive_end(self.now, self.conn, end);
    }

    fn write(&mut self, write: impl FnMut(&[&[u8]]) -> usize) -> Option<Wants> {
        self.hub.write(self.now, self.conn, write)
    }
}
