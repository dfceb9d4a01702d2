//! A client of a world: a link, driven as its wire and its habit let it.

use super::host::joined;
use super::pipe::Came;
use super::wire::{CALLER, Wire};
use super::{Act, Dice, Faults, Habit, Script, Transcript, Visit};
use crate::base::{CloseCode, Closed, End, Input, Instant, Message, Scratch, SendError, Shutdown};
use crate::link::{ConnId, Event, Link, OpenError};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use slotmap::DefaultKey;

/// How it ended for a client.
///
/// ```
/// use wharf::sim::{Outcome, World};
///
/// fn was_clean(outcome: Option<&Outcome>) -> bool {
///     matches!(outcome, Some(Outcome::Closed(closed)) if closed.is_clean())
/// }
/// # let _ = was_clean;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The connection was open and is closed.
    Closed(Closed),
    /// It was never open.
    Failed(OpenError),
}

/// A client of a [`World`](super::World).
///
/// ```
/// use wharf::base::Message;
/// use wharf::link::{ConnId, Context, Service};
/// use wharf::sim::World;
///
/// struct Greeter;
/// impl Service for Greeter {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         let _ = cx.send(conn, Message::text("welcome"));
///     }
/// }
///
/// let mut world = World::new(1);
/// let server = world.serve("greeter", Greeter, &Default::default());
/// let id = world.connect("ws://greeter/").unwrap();
/// world.settle();
/// let client = world.client(id);
/// assert_eq!((client.received().len(), client.is_gone()), (1, false));
/// world.drain(server, wharf::base::CloseCode::GOING_AWAY);
/// world.run().unwrap();
/// assert!(world.client(id).outcome().is_some());
/// ```
pub struct Client {
    link: Link,
    habit: Habit,
    turns_bad: Instant,
    turned_bad: bool,
    script: Box<dyn Script>,
    received: Vec<Message<'static>>,
    /// Bytes that may still be kept.
    keep: usize,
    missed: u64,
    outcome: Option<Outcome>,
    gone: bool,
    write_shut: bool,
    held: Vec<u8>,
    pub(super) wire: DefaultKey,
    /// What it is called in the transcript.
    name: usize,
    pub(super) conn: Option<ConnId>,
    pub(super) is_served: bool,
}

/// What of a world a client moves in.
pub(super) struct Place<'a> {
    pub(super) now: Instant,
    pub(super) wire: &'a mut Wire,
    pub(super) faults: Faults,
    pub(super) dice: &'a mut Dice<'static>,
    pub(super) transcript: &'a mut Transcript,
}

impl Client {
    /// What a kept message costs beside its payload.
    const KEPT: usize = 32;

    pub(super) fn new(now: Instant, link: Link, wire: DefaultKey, name: usize, visit: Visit) -> Self {
        Self {
            link,
            habit: visit.habit,
            turns_bad: now + visit.turns_bad,
            turned_bad: false,
            script: visit.script,
            received: Vec::new(),
            keep: visit.keep,
            missed: 0,
            outcome: None,
            gone: false,
            write_shut: false,
            held: Vec::new(),
            wire,
            name,
            conn: None,
            is_served: true,
        }
    }

    /// Its machine.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// How it behaves.
    #[must_use]
    pub fn habit(&self) -> Habit {
        self.habit
    }

    /// Whether its habit has shown.
    #[must_use]
    pub fn has_turned_bad(&self) -> bool {
        self.turned_bad
    }

    /// What came, as far as it is kept ([`Visit::keep`]).
    #[must_use]
    pub fn received(&self) -> &[Message<'static>] {
        &self.received
    }

    /// How many messages came that were not kept.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// How it ended, once that is known.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Its socket is closed, or it has vanished.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// What the hub at the other end calls its connection, or called it; `None` if there is no hub ([`Line`](super::Line)).
    #[must_use]
    pub fn conn(&self) -> Option<ConnId> {
        self.conn
    }

    /// Whether the server has not closed its side.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.is_served
    }

    /// Its script, if it is one of this type.
    #[must_use]
    pub fn script<T: Script>(&self) -> Option<&T> {
        let script: &dyn Any = &*self.script;
        script.downcast_ref()
    }

    /// When it has something to do next, whatever comes.
    pub(super) fn next(&self, wire: &Wire) -> Option<Instant> {
        let bad = Some(self.turns_bad).filter(|_| !self.turned_bad && self.habit != Habit::Good);
        let acts = if self.outcome.is_none() { self.script.poll_timeout(&self.link) } else { None };
        let read = wire.next(CALLER).filter(|_| self.reads());
        [bad, acts, read, self.link.poll_timeout()].into_iter().flatten().min()
    }

    /// Something is done to it from outside.
    pub(super) fn act<T>(&mut self, place: &mut Place<'_>, act: impl FnOnce(&mut Act<'_>) -> T) -> T {
        let out = act(&mut Act { now: place.now, link: &mut self.link, dice: place.dice });
        self.take(place);
        out
    }

    /// Sends and closes by hand.
    pub(super) fn send(&mut self, place: &mut Place<'_>, message: Message<'_>) -> Result<(), SendError> {
        if self.gone {
            return Err(SendError::Closed);
        }
        self.act(place, |act| act.send(message)).map(drop)
    }

    pub(super) fn close(
        &mut self,
        place: &mut Place<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), SendError> {
        if self.gone {
            return Err(SendError::Closed);
        }
        self.act(place, |act| act.close(code, reason))
    }

    /// Does one thing that is due, if there is one; mostly with the buffers of its thread.
    pub(super) fn step(&mut self, place: &mut Place<'_>, scratch: &mut Scratch) -> bool {
        if self.gone {
            return false;
        }
        if place.dice.percent(80) {
            self.link.lend(scratch);
        }
        let moved = self.step_lent(place);
        self.link.reclaim(scratch);
        if moved {
            self.script.turned(&self.link);
        }
        moved
    }

    fn step_lent(&mut self, place: &mut Place<'_>) -> bool {
        let now = place.now;
        if self.habit != Habit::Good && !self.turned_bad && self.turns_bad <= now {
            self.turn_bad(place);
            return true;
        }
        let acts = if self.outcome.is_none() { self.script.poll_timeout(&self.link) } else { None };
        if acts.is_some_and(|at| at <= now) {
            self.script.timeout(&mut Act { now, link: &mut self.link, dice: place.dice });
            self.take(place);
            return true;
        }
        let writes = self.habit != Habit::Mute && self.link.wants().write;
        if writes && place.wire.room(CALLER, place.faults) > 0 {
            self.write(place);
            self.take(place);
            return true;
        }
        if self.reads() && self.read(place) {
            return true;
        }
        if self.link.poll_timeout().is_some_and(|at| at <= now) {
            self.handle_timeout(place);
            return true;
        }
        self.obey(place)
    }

    /// Its timer fires, asked for or not.
    pub(super) fn handle_timeout(&mut self, place: &mut Place<'_>) {
        let now = place.now;
        self.link.handle_timeout(now);
        assert!(self.link.poll_timeout().is_none_or(|next| next > now), "a timer that does not move");
        self.take(place);
    }

    /// The calendar's time was set.
    pub(super) fn handle_wall(&mut self, now: Instant, wall: crate::base::Wall) {
        self.link.handle_wall(now, wall);
    }

    fn reads(&self) -> bool {
        let deaf = self.turned_bad && self.habit == Habit::Deaf;
        !deaf && self.held.is_empty() && self.link.wants().read
    }

    fn read(&mut self, place: &mut Place<'_>) -> bool {
        let (now, faults) = (place.now, place.faults);
        let limit = if faults.split { 4096 } else { 1 << 16 };
        if place.wire.is_parted() {
            return false;
        }
        let Some(came) = place.wire.inward(CALLER).read(now, limit, faults, place.dice) else { return false };
        match came {
            Came::Bytes(mut bytes) => {
                let mut plain = Vec::new();
                self.held.extend_from_slice(self.link.input(now, &mut bytes, &mut plain).as_slice());
            }
            Came::End(end) => self.link.receive_end(now, end),
        }
        self.take(place);
        true
    }

    fn write(&mut self, place: &mut Place<'_>) {
        let mut output = self.link.output(place.now);
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let filled = output.slices(&mut slices);
        let bytes = joined(&slices[..filled], place.wire.room(CALLER, place.faults));
        assert!(!bytes.is_empty(), "it wants to write and has nothing");
        let n = place.wire.outward(CALLER).write(place.now, &bytes, place.faults, place.dice);
        output.advance(n);
        place.transcript.note(place.now, format_args!("client {} wrote {n}", self.name));
    }

    /// Hands in what waits, and takes what comes of it.
    pub(super) fn take(&mut self, place: &mut Place<'_>) {
        let now = place.now;
        let mut held = core::mem::take(&mut self.held);
        let mut input = Input::new(&mut held);
        while let Some(event) = self.link.receive(now, &mut input) {
            assert!(self.outcome.is_none(), "{event:?} behind the last event");
            let mut act = Act { now, link: &mut self.link, dice: place.dice };
            match event {
                Event::Message(message) => {
                    let (name, len) = (self.name, message.payload().len());
                    place.transcript.note(now, format_args!("client {name}: {len}"));
                    match self.keep.checked_sub(len + Self::KEPT) {
                        Some(left) => {
                            self.keep = left;
                            self.received.push(message.as_lent().into_owned());
                        }
                        None => self.missed += 1,
                    }
                    self.script.message(&mut act, message);
                    continue;
                }
                Event::Closed(ref closed) => self.outcome = Some(Outcome::Closed((**closed).clone())),
                Event::Failed(ref error) => self.outcome = Some(Outcome::Failed((**error).clone())),
                Event::Opened(_) => self.script.opened(&mut act),
                ref event => self.script.event(&mut act, event),
            }
            place.transcript.note(now, format_args!("client {}: {event:?}", self.name));
            if let Some(outcome) = &self.outcome {
                self.script.ended(outcome);
            }
        }
        self.held = input.as_slice().to_vec();
    }

    /// Behaves like that from now on.
    pub(super) fn misbehave(&mut self, place: &mut Place<'_>, habit: Habit) {
        self.habit = habit;
        self.turned_bad = false;
        if habit != Habit::Good {
            self.turn_bad(place);
        }
    }

    fn turn_bad(&mut self, place: &mut Place<'_>) {
        let now = place.now;
        place.transcript.note(now, format_args!("client {}: {:?}", self.name, self.habit));
        self.turned_bad = true;
        match self.habit {
            Habit::Reset => place.wire.reset(now),
            Habit::Cut => {
                place.wire.outward(CALLER).cut(now, place.dice);
                place.wire.inward(CALLER).cut(now, place.dice);
            }
            Habit::HalfClose => {
                self.write_shut = true;
                place.wire.outward(CALLER).finish(now, End::Eof);
            }
            Habit::Vanish => {
                self.gone = true;
                place.wire.leave(CALLER);
            }
            Habit::Good | Habit::Deaf | Habit::Mute => {}
        }
    }

    /// Ends its socket, or a side of it, as its link wants.
    fn obey(&mut self, place: &mut Place<'_>) -> bool {
        let Some(how) = self.link.wants().shutdown else { return false };
        if how == Shutdown::Write {
            if self.write_shut {
                return false;
            }
            self.write_shut = true;
            place.wire.outward(CALLER).finish(place.now, End::Eof);
            return true;
        }
        self.gone = true;
        place.wire.close(CALLER, place.now, how == Shutdown::Abort);
        true
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("conn", &self.conn)
            .field("habit", &(self.habit, self.turned_bad))
            .field("received", &self.received.len())
            .field("outcome", &self.outcome)
            .field("held", &self.held.len())
            .field("wants", &self.link.wants())
            .finish_non_exhaustive()
    }
}
