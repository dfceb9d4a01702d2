//! One client and its wire, for those who drive the other end themselves.

use super::client::Place;
use super::pipe::Came;
use super::wire::{CALLED, Wire};
use super::{Client, Dice, Faults, Habit, Transcript, Visit, World};
use crate::base::{CloseCode, End, Entropy, Instant, Message, Scratch, SendError};
use crate::link::{Link, OpenError, Target};
use core::time::Duration;
use slotmap::DefaultKey;

/// A client at one end of a wire, under virtual time. At the other end is whoever reads and writes here: a mock socket of an
/// async adapter, or a loop of your own that is to be tested.
///
/// ```
/// use wharf::base::{Input, Message, Wall};
/// use wharf::link::{Event, Link};
/// use wharf::sim::{Line, Visit};
///
/// let mut line = Line::new(1, &"ws://mock/".parse().unwrap(), Visit::default()).unwrap();
/// let mut server = Link::server(line.now(), Wall::default(), &Default::default());
/// line.settle();
/// let mut buffer = [0; 4096];
/// let Some(Ok(n)) = line.read(&mut buffer) else { panic!("the request is there") };
/// let mut input = Input::new(&mut buffer[..n]);
/// while let Some(event) = server.receive(line.now(), &mut input) {
///     match event {
///         Event::Request(_) => server.accept(line.now(), &Default::default()).unwrap(),
///         _ => drop(server.send(line.now(), Message::text("welcome"))),
///     }
/// }
/// let mut bytes = Vec::new();
/// server.output(line.now()).drain_into(&mut bytes);
/// assert_eq!(line.write(&bytes), bytes.len());
/// line.settle();
/// assert_eq!(line.client().received(), [Message::text("welcome")]);
/// ```
#[derive(Debug)]
pub struct Line {
    now: Instant,
    dice: Dice<'static>,
    faults: Faults,
    heals: Instant,
    wire: Wire,
    client: Client,
    transcript: Transcript,
}

impl Line {
    /// What a client can do at one moment, more often than any does that comes to rest.
    const STEPS: usize = 1_000_000;

    /// A client, as `visit` says, that asks for `target`. Nothing goes wrong on its wire, and bytes take no time.
    ///
    /// # Errors
    /// [`OpenError`], by what can be told before a byte is exchanged.
    pub fn new(seed: u64, target: &Target, visit: Visit) -> Result<Self, OpenError> {
        let (now, mut dice) = (Instant::from_nanos(1 << 30), Dice::seeded(seed));
        let mut entropy = [0; 32];
        dice.fill(&mut entropy);
        let link = Link::client(now, World::WALL, &visit.config, target, Entropy::from_seed(entropy))?;
        let client = Client::new(now, link, DefaultKey::default(), 0, visit);
        let (wire, transcript) = (Wire::default(), Transcript::default());
        let mut line = Self { now, dice, faults: Faults::default(), heals: now, wire, client, transcript };
        // A link without a handshake is open before its first byte.
        line.with_client(Client::take);
        Ok(line)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What has happened to the client.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What goes wrong from now on, and for how long.
    pub fn set_faults(&mut self, faults: Faults, heals_after: Duration) {
        self.faults = faults;
        self.heals = self.now + heals_after;
    }

    /// What arrived: that many bytes, 0 for the end of the stream, or how it broke. `None` while there is nothing.
    pub fn read(&mut self, buffer: &mut [u8]) -> Option<Result<usize, End>> {
        if buffer.is_empty() {
            return None;
        }
        let pipe = self.wire.inward(CALLED);
        match pipe.read(self.now, buffer.len(), self.faults, &mut self.dice)? {
            Came::Bytes(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Some(Ok(bytes.len()))
            }
            Came::End(End::Eof) => Some(Ok(0)),
            Came::End(end) => Some(Err(end)),
        }
    }

    /// Whether a read brings something now.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.wire.next(CALLED).is_some_and(|at| at <= self.now)
    }

    /// Sends bytes off to the client; how many of them the wire took, 0 while it is full.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.wire.outward(CALLED).write(self.now, bytes, self.faults, &mut self.dice)
    }

    /// Whether a write moves something.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.wire.room(CALLED, self.faults) > 0
    }

    /// Ends the writing side, behind what was written.
    pub fn finish(&mut self) {
        self.wire.outward(CALLED).finish(self.now, End::Eof);
    }

    /// Closes this end's socket: with unread input, or if it `aborts`, that resets the wire.
    pub fn hang_up(&mut self, aborts: bool) {
        self.wire.close(CALLED, self.now, aborts);
    }

    /// The client sends a message.
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send).
    pub fn send(&mut self, message: Message<'_>) -> Result<(), SendError> {
        self.with_client(|client, place| client.send(place, message))
    }

    /// The client closes.
    ///
    /// # Errors
    /// As [`Engine::close`](crate::base::Engine::close).
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.with_client(|client, place| client.close(place, code, reason))
    }

    /// The client behaves so from now on, and it shows at once.
    pub fn misbehave(&mut self, habit: Habit) {
        self.with_client(|client, place| client.misbehave(place, habit));
    }

    /// When something happens next at the client, or arrives here; `None` when nothing ever will. What has arrived is no
    /// longer counted ([`is_readable`](Self::is_readable)).
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        let client = Some(&self.client).filter(|client| !client.is_gone());
        let client = client.and_then(|client| client.next(&self.wire));
        let arrives = self.wire.next(CALLED).filter(|at| *at > self.now);
        let heals = Some(self.heals).filter(|_| self.faults.any_at_all());
        [client, arrives, heals].into_iter().flatten().min()
    }

    /// The client does all that it can without time passing.
    pub fn settle(&mut self) {
        self.advance(Duration::ZERO);
    }

    /// Lets time pass for the client, with all that it does in it, each thing at its moment.
    ///
    /// # Panics
    /// If what it does at one moment never ends.
    pub fn advance(&mut self, time: Duration) {
        let (end, mut scratch) = (self.now + time, Scratch::new());
        for _ in 0..Self::STEPS {
            if self.now >= self.heals {
                self.faults = self.faults.healed();
            }
            if self.with_client(|client, place| client.step(place, &mut scratch)) {
                continue;
            }
            let next = self.next_event().filter(|at| *at > self.now && *at <= end);
            match next {
                Some(next) => self.now = next,
                None if self.now < end => self.now = end,
                None => return,
            }
        }
        panic!("the client is never at rest: {self:?}");
    }

    fn with_client<T>(&mut self, act: impl FnOnce(&mut Client, &mut Place<'_>) -> T) -> T {
        let Self { now, dice, faults, wire, client, transcript, .. } = self;
        act(client, &mut Place { now: *now, wire, faults: *faults, dice, transcript })
    }
}
