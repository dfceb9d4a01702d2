//! What a client does.

use super::{Dice, Outcome};
use crate::base::{Accepted, CloseCode, Instant, Message, SendError};
use crate::link::{Event, Link};
use core::any::Any;

/// What a client of a [`World`](super::World) does, a method for each thing that happens to it. Any closure over an [`Act`]
/// and a message is one that answers messages; [`Quiet`](super::Quiet) does nothing.
///
/// ```
/// use wharf::base::{CloseCode, Message};
/// use wharf::sim::{Act, Script};
///
/// /// Says one thing and leaves once it is answered.
/// struct Once;
///
/// impl Script for Once {
///     fn opened(&mut self, act: &mut Act<'_>) {
///         let _ = act.send("ahoy");
///     }
///     fn message(&mut self, act: &mut Act<'_>, _: Message<'_>) {
///         let _ = act.close(CloseCode::NORMAL, "done");
///     }
/// }
/// ```
#[allow(unused_variables)]
pub trait Script: Any + Send {
    /// It is open.
    fn opened(&mut self, act: &mut Act<'_>) {}

    /// A message came.
    fn message(&mut self, act: &mut Act<'_>, message: Message<'_>) {}

    /// Anything else that its link hands up, but the end: pieces of messages, pongs, output that has drained.
    fn event(&mut self, act: &mut Act<'_>, event: &Event<'_>) {}

    /// It has ended; the last call.
    fn ended(&mut self, outcome: &Outcome) {}

    /// When [`timeout`](Self::timeout) is to be called.
    fn poll_timeout(&self, link: &Link) -> Option<Instant> {
        None
    }

    /// The time that `poll_timeout` named has come.
    fn timeout(&mut self, act: &mut Act<'_>) {}

    /// Its link was called, for whatever reason: the place to check what must hold at all times.
    fn turned(&mut self, link: &Link) {}
}

impl<F: FnMut(&mut Act<'_>, Message<'_>) + Send + 'static> Script for F {
    fn message(&mut self, act: &mut Act<'_>, message: Message<'_>) {
        self(act, message);
    }
}

/// A script that does nothing by itself: the test says what is sent.
///
/// ```
/// use wharf::sim::{Quiet, Visit};
///
/// let visit = Visit::by(Quiet);
/// # let _ = visit;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quiet;

impl Script for Quiet {}

/// A client's hands for the length of one call.
///
/// ```
/// use wharf::base::Message;
/// use wharf::sim::{Act, Visit};
///
/// let echo = Visit::by(|act: &mut Act<'_>, message: Message<'_>| {
///     let _ = act.send(message);
/// });
/// # let _ = echo;
/// ```
#[derive(Debug)]
pub struct Act<'a> {
    pub(super) now: Instant,
    pub(super) link: &'a mut Link,
    pub(super) dice: &'a mut Dice<'static>,
}

impl Act<'_> {
    /// The time of this call.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Sends a message.
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send).
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<Accepted, SendError> {
        self.link.send(self.now, message.into())
    }

    /// Closes, behind what was sent.
    ///
    /// # Errors
    /// As [`Engine::close`](crate::base::Engine::close).
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.link.close(self.now, code, reason)
    }

    /// Its machine.
    pub fn link(&mut self) -> &mut Link {
        self.link
    }

    /// The world's dice.
    pub fn dice(&mut self) -> &mut Dice<'static> {
        self.dice
    }
}
