//! Whom to wake for which connection.

use std::task::Waker;
use wharf::link::ConnId;

/// The wakers of a hub's tasks, each at its connection's slot: at most as many places as there ever were connections at
/// once, and given back when three quarters of them are empty.
#[derive(Default)]
pub(crate) struct Wakers {
    seats: Vec<Option<(ConnId, Waker)>>,
}

impl Wakers {
    /// Fewer places than this are kept.
    const FEW: usize = 64;

    /// Remembers whom to wake for a connection.
    pub(crate) fn register(&mut self, conn: ConnId, waker: &Waker) {
        match self.seats.get(conn.slot()) {
            Some(Some((who, known))) if *who == conn && known.will_wake(waker) => {}
            _ => self.seat(conn, waker.clone()),
        }
    }

    #[cold]
    fn seat(&mut self, conn: ConnId, waker: Waker) {
        let slot = conn.slot();
        if self.seats.len() <= slot {
            self.seats.resize_with(slot + 1, || None);
        }
        self.seats[slot] = Some((conn, waker));
    }

    pub(crate) fn of(&self, conn: ConnId) -> Option<&Waker> {
        let (who, waker) = self.seats.get(conn.slot())?.as_ref()?;
        (*who == conn).then_some(waker)
    }

    pub(crate) fn forget(&mut self, conn: ConnId) {
        if self.of(conn).is_none() {
            return;
        }
        self.seats[conn.slot()] = None;
        while let Some(None) = self.seats.last() {
            self.seats.pop();
        }
        if self.seats.capacity() / 4 > self.seats.len().max(Self::FEW) {
            self.seats.shrink_to(2 * self.seats.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use wharf::base::{Entropy, Instant, Wall};
    use wharf::link::{Address, Context, Hub, Service};

    struct Nothing;

    impl Service for Nothing {
        type Job = ();
        type Done = ();
        type Command = ();

        fn message(&mut self, _: &mut Context<'_>, _: ConnId, _: wharf::base::Message<'_>) {}
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_place_is_its_connections_alone_and_goes_with_it() {
        let now = Instant::ORIGIN;
        let mut hub = Hub::new(now, Wall::default(), Nothing, &Arc::default(), Entropy::from_seed([0; 32]));
        let accept = |hub: &mut Hub<Nothing>| hub.accept(now, Address::Unix(String::new())).unwrap();
        let conns: Vec<ConnId> = (0..1000).map(|_| accept(&mut hub)).collect();
        let (mut wakers, count) = (Wakers::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        for conn in &conns {
            wakers.register(*conn, &waker);
            wakers.register(*conn, &waker);
        }
        // One kept by the test, one a connection.
        assert_eq!(Arc::strong_count(&count), 2 + conns.len());
        for conn in &conns[1..] {
            hub.release(now, *conn);
            wakers.forget(*conn);
        }
        assert_eq!(wakers.seats.len(), conns[0].slot() + 1);
        assert!(wakers.seats.capacity() <= 4 * Wakers::FEW);
        let next = accept(&mut hub);
        wakers.register(next, Waker::noop());
        let old = conns.iter().find(|old| old.slot() == next.slot()).unwrap();
        assert!(wakers.of(*old).is_none() && wakers.of(next).is_some());
        wakers.forget(*old);
        assert!(wakers.of(next).is_some());
        wakers.of(conns[0]).unwrap().wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }
}
