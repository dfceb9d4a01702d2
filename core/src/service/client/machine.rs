//! What a driver needs of a client, or of what is built on one.

use super::{Action, Client, ClientEvent};
use crate::base::Instant;

/// A [`Client`], or a machine that has one in it and wants to be driven as that is ([`Kept`](super::Kept)).
///
/// ```
/// use wharf::service::client::{Action, Machine};
///
/// /// What a driver does after each call.
/// fn drive<M: Machine>(machine: &mut M, carry_out: impl Fn(Action), tell: impl Fn(M::Event)) {
///     while let Some(action) = machine.poll_action() {
///         carry_out(action);
///     }
///     while let Some(event) = machine.poll_event() {
///         tell(event);
///     }
/// }
/// ```
pub trait Machine {
    /// What it tells its program.
    type Event;

    /// What is to be done, until there is nothing.
    fn poll_action(&mut self) -> Option<Action>;

    /// What is to be told, until there is nothing.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Acts on what is due.
    fn handle_timeout(&mut self, now: Instant);

    /// The client.
    fn client(&self) -> &Client;

    /// The client, for its driver to tell it what happens: its `handle_` calls, `pause` and `resume`. Anything else is for the
    /// machine alone to ask of it.
    fn client_mut(&mut self) -> &mut Client;
}

impl Machine for Client {
    type Event = ClientEvent;

    fn poll_action(&mut self) -> Option<Action> {
        self.poll_action()
    }

    fn poll_event(&mut self) -> Option<ClientEvent> {
        self.poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn client(&self) -> &Client {
        self
    }

    fn client_mut(&mut self) -> &mut Client {
        self
    }
}
