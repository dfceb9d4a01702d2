//! What is measured.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The name of ours.
pub const OURS: &str = "wharf";
/// How the names of limits begin: what nobody can do without.
pub const LIMIT: &str = "limit";

/// Something that can be done again and again, and checks what comes of it.
pub struct Subject {
    /// Whose it is.
    pub name: &'static str,
    run: Box<dyn FnMut()>,
}

impl Subject {
    pub(super) fn new(name: &'static str, run: impl FnMut() + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }

    /// Does it once.
    ///
    /// # Panics
    /// Something else came of it than had to.
    #[inline]
    pub fn run(&mut self) {
        (self.run)();
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What comes of a future that has all it needs.
#[inline]
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    // Some hand over from one part of them to another, which takes a second look.
    for _ in 0..8 {
        if let Poll::Ready(done) = future.as_mut().poll(&mut cx) {
            return done;
        }
    }
    panic!("it waits for what will not come");
}
