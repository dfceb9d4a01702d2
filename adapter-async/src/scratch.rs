//! The thread's buffers, lent to one poll at a time.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use wharf::base::Scratch;

/// How much one read takes at most.
pub(crate) const READ: usize = 256 * 1024;

/// A read buffer and the engine's scratch.
pub(crate) struct Buffers {
    pub(crate) read: Box<[u8]>,
    /// What a read amounts to once it is decrypted: a little less than that read and one record.
    pub(crate) plain: Vec<u8>,
    /// For what a read brought and a program takes later: empty, unless a connection has it.
    pub(crate) held: Vec<u8>,
    pub(crate) scratch: Scratch,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

/// The thread's buffers for the length of a poll: taken, and put back on drop, also when a handler panics. A handler
/// that polls another socket inside finds them taken and gets fresh ones.
pub(crate) struct Lent(Option<Box<Buffers>>);

impl Lent {
    pub(crate) fn take() -> Self {
        let kept = BUFFERS.try_with(Cell::take).ok().flatten();
        Self(Some(kept.unwrap_or_else(|| {
            Box::new(Buffers {
                read: vec![0; READ].into_boxed_slice(),
                plain: Vec::new(),
                held: Vec::new(),
                scratch: Scratch::new(),
            })
        })))
    }
}

impl Deref for Lent {
    type Target = Buffers;

    fn deref(&self) -> &Buffers {
        self.0.as_ref().expect("held until drop")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Buffers {
        self.0.as_mut().expect("held until drop")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffers = self.0.take();
        // A thread that is going down has no place for them; they are simply freed then.
        let _ = BUFFERS.try_with(|cell| cell.set(buffers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_also_on_unwind() {
        let address = |lent: &Lent| lent.read.as_ptr() as usize;
        let first = address(&Lent::take());
        let panicked = std::panic::catch_unwind(|| {
            let _lent = Lent::take();
            panic!("in a handler");
        });
        assert!(panicked.is_err());
        let outer = Lent::take();
        assert_eq!(address(&outer), first);
        assert_ne!(address(&Lent::take()), first, "a poll inside a poll has its own");
    }
}
