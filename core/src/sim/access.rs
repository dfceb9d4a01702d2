//! What a test sees of a world and does to it.

use super::client::Place;
use super::host::HubHost;
use super::wire::PARTED;
use super::world::Actor;
use super::{Client, ClientId, Faults, Habit, Script, ServerId, World};
use crate::base::{CloseCode, Instant, Message, SendError};
use crate::link::{Hub, Service};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::time::Duration;

impl World {
    /// What goes wrong from now on, and for how long. Once that is over, or [`heal`](Self::heal) was called, nothing does.
    pub fn set_faults(&mut self, faults: Faults, heals_after: Duration) {
        self.faults = faults;
        self.heals = self.now + heals_after;
    }

    /// What goes wrong at this moment.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults
    }

    /// When the faults are over.
    #[must_use]
    pub fn heals(&self) -> Instant {
        self.heals
    }

    /// Ends all faults of the network, all partitions and crashes. What clients do goes on.
    pub fn heal(&mut self) {
        self.faults = self.faults.healed();
        self.heals = self.heals.min(self.now);
        self.isolated.clear();
        self.crashed.clear();
        self.wires.values_mut().for_each(|wire| wire.free());
    }

    /// How long [`run`](Self::run) goes on once all faults are over. Default 10 minutes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::Instant;
    /// use wharf::link::{Context, Service};
    /// use wharf::sim::{Stuck, World};
    ///
    /// /// Has something to do every second, for ever.
    /// struct Clock(Instant);
    /// impl Service for Clock {
    ///     type Job = ();
    ///     type Done = ();
    ///     type Command = ();
    ///     fn poll_timeout(&self) -> Option<Instant> {
    ///         Some(self.0)
    ///     }
    ///     fn timeout(&mut self, cx: &mut Context<'_>) {
    ///         self.0 = cx.now() + Duration::from_secs(1);
    ///     }
    /// }
    ///
    /// let (mut world, hour) = (World::new(1), Duration::from_secs(3600));
    /// let clock = world.serve("clock", Clock(Instant::ORIGIN), &Default::default());
    /// world.set_patience(hour);
    /// assert_eq!(world.run_until(|_| false), Err(Stuck::Late(hour)));
    /// assert!(world.service(clock).0 > Instant::ORIGIN + hour);
    /// ```
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// How many steps a call may take, of which each moves some bytes or lets time pass. Default 2,000,000.
    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// Does something at a moment, or at once if that is over.
    pub fn at(&mut self, when: Instant, act: impl FnOnce(&mut World) + 'static) {
        self.planned += 1;
        self.plans.insert((when, self.planned), Box::new(act));
    }

    /// Nothing comes through between a client and its server until [`rejoin`](Self::rejoin) or [`heal`](Self::heal), and
    /// neither is told. Nothing is lost: what was sent comes then.
    pub fn partition(&mut self, client: ClientId) {
        self.set_parted(client, true);
    }

    /// Ends a [`partition`](Self::partition).
    pub fn rejoin(&mut self, client: ClientId) {
        self.set_parted(client, false);
    }

    /// The same for a server and all that is connected to it, and dials to it and of it find nobody.
    pub fn isolate<S>(&mut self, server: ServerId<S>) {
        self.isolated.insert(server.index);
        self.part_server(server.index, true);
    }

    /// Ends an [`isolate`](Self::isolate).
    pub fn reunite<S>(&mut self, server: ServerId<S>) {
        self.isolated.remove(&server.index);
        self.part_server(server.index, false);
    }

    /// A server's process dies: the system closes its connections, which resets those with input that was not read, and dials to
    /// it are refused until [`revive`](Self::revive) or [`heal`](Self::heal). Its service is told of each connection by `closed`, and is
    /// to forget by itself what the process had in memory.
    pub fn crash<S>(&mut self, server: ServerId<S>) {
        self.crashed.insert(server.index);
        self.unplug_all(server.index);
    }

    /// The process is there again.
    pub fn revive<S>(&mut self, server: ServerId<S>) {
        self.crashed.remove(&server.index);
    }

    /// A client behaves so from now on, and it shows at once. Its wire stays as that has left it.
    pub fn misbehave(&mut self, client: ClientId, habit: Habit) {
        self.with_client(client.0, |client, place| client.misbehave(place, habit));
    }

    /// A client sends a message. What comes of it comes when time is let go on ([`settle`](Self::settle)).
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send).
    pub fn send<'m>(&mut self, client: ClientId, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        let message = message.into();
        self.with_client(client.0, |client, place| client.send(place, message))
            .unwrap_or(Err(SendError::Closed))
    }

    /// A client closes.
    ///
    /// # Errors
    /// As [`Engine::close`](crate::base::Engine::close).
    pub fn close(&mut self, client: ClientId, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.with_client(client.0, |client, place| client.close(place, code, reason))
            .unwrap_or(Err(SendError::Closed))
    }

    /// What a client received, as far as it is kept ([`Visit::keep`](super::Visit::keep)).
    ///
    /// # Panics
    /// If the client is of another world, as each call with one.
    #[must_use]
    pub fn received(&self, client: ClientId) -> &[Message<'static>] {
        self.client(client).received()
    }

    /// The texts among what a client received.
    #[must_use]
    pub fn texts(&self, client: ClientId) -> Vec<&str> {
        self.received(client).iter().filter_map(Message::as_text).collect()
    }

    /// A client.
    #[must_use]
    pub fn client(&self, client: ClientId) -> &Client {
        &self.clients[client.0]
    }

    /// All clients that ever were.
    pub fn clients(&self) -> impl Iterator<Item = ClientId> + use<> {
        (0..self.clients.len()).map(ClientId)
    }

    /// A client's script, if it is one of this type.
    #[must_use]
    pub fn script<T: Script>(&self, client: ClientId) -> Option<&T> {
        self.client(client).script()
    }

    /// A server's hub.
    ///
    /// # Panics
    /// If the server is of another world, as each call with one.
    #[must_use]
    pub fn hub<S: Service + 'static>(&self, server: ServerId<S>) -> &Hub<S> {
        let host: &dyn Any = &*self.hosts[server.index];
        &host.downcast_ref::<HubHost<S>>().expect("a server of this world").hub
    }

    /// A server's service.
    #[must_use]
    pub fn service<S: Service + 'static>(&self, server: ServerId<S>) -> &S {
        self.hub(server).service()
    }

    /// The program pushes something into a service.
    ///
    /// # Panics
    /// As [`hub`](Self::hub).
    pub fn command<S: Service + 'static>(&mut self, server: ServerId<S>, command: S::Command) {
        let now = self.told();
        let host: &mut dyn Any = &mut *self.hosts[server.index];
        host.downcast_mut::<HubHost<S>>().expect("a server of this world").hub.command(now, command);
        self.look_around(server.index);
    }

    /// A server begins to end ([`Hub::drain`]).
    pub fn drain<S>(&mut self, server: ServerId<S>, code: CloseCode) {
        let now = self.told();
        self.hosts[server.index].drain(now, code);
        self.look_around(server.index);
    }

    fn set_parted(&mut self, client: ClientId, parted: bool) {
        if let Some(wire) = self.wires.get_mut(self.clients[client.0].wire) {
            wire.hold(PARTED, parted);
        }
    }

    /// A client that is still there, in its place; one whose wire is gone has nothing to do there.
    pub(super) fn with_client<T>(
        &mut self,
        client: usize,
        act: impl FnOnce(&mut Client, &mut Place<'_>) -> T,
    ) -> Option<T> {
        self.with_lent(client, |client, place, _| act(client, place))
    }

    /// The same, and the buffers of its thread.
    pub(super) fn with_lent<T>(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut Client, &mut Place<'_>, &mut crate::base::Scratch) -> T,
    ) -> Option<T> {
        let Self { now, faults, dice, transcript, wires, clients, scratch, .. } = self;
        let client = &mut clients[index];
        let wire = wires.get_mut(client.wire)?;
        let place = &mut Place { now: *now, wire, faults: *faults, dice, transcript };
        let out = act(client, place, scratch);
        if client.is_gone() {
            let wire = client.wire;
            self.retire(Actor::Client(index));
            self.drop_wire(wire);
        }
        Some(out)
    }
}
