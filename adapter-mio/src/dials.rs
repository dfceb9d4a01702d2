//! The connections that a service asked for, until they are made.

use crate::carrier::Carrier;
use crate::connect::{Connecting, Step, look_up};
use crate::handle::Shared;
use crate::trace::{self, Span};
use mio::{Registry, Token};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use wharf::base::Instant;
use wharf::link::{Address, Dial, DialError, DialId, Hop};

/// Threads that look names up at once, at most; the others wait.
const MAX_LOOKUPS: usize = 16;

type Found = (DialId, io::Result<Vec<SocketAddr>>);

/// Dials in flight, by slot. As many as the hub allows.
#[derive(Debug)]
pub(crate) struct Dials {
    attempts: BTreeMap<usize, Attempt>,
    /// Those whose name nobody looks up yet.
    waiting: VecDeque<(DialId, String, u16)>,
    lookups: usize,
    /// Some have not had their first step.
    fresh: bool,
    /// Not bounded by itself: one message a lookup in flight.
    tell: Sender<Found>,
    found: Receiver<Found>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Attempt {
    id: DialId,
    deadline: Instant,
    attempt_delay: Duration,
    span: Span,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    LookingUp,
    Found(Vec<Address>),
    Connecting(Box<Connecting>),
}

/// How a dial ended.
#[derive(Debug)]
pub(crate) enum Dialed {
    /// The stream is still registered under the dial's token.
    Connected(DialId, Carrier, Address),
    Failed(DialId, DialError),
}

impl Dials {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (tell, found) = channel();
        Self {
            attempts: BTreeMap::new(),
            waiting: VecDeque::new(),
            lookups: 0,
            fresh: false,
            tell,
            found,
            shared,
        }
    }

    /// Takes a dial on. Its first step, and so its outcome, is left to the next [`poll`](Self::poll), which is due at
    /// once: a service that dials again whenever a dial fails must not hold the loop up.
    pub(crate) fn start(&mut self, dial: Dial) {
        self.fresh = true;
        let Dial { id, deadline, attempt_delay, .. } = dial;
        // One that had its slot before has ended, perhaps while it waited for its name to be looked up.
        self.waiting.retain(|(other, ..)| other.slot() != id.slot());
        let stage = match dial.hop {
            Hop::Address(address) => Stage::Found(vec![address]),
            Hop::Addresses(addresses) => Stage::Found(addresses),
            Hop::Host(host, port) => {
                self.waiting.push_back((id, host, port));
                Stage::LookingUp
            }
        };
        let span = Span::connect(dial.target.host(), dial.target.port());
        self.attempts.insert(id.slot(), Attempt { id, deadline, attempt_delay, span, stage });
    }

    /// Whether there is nothing to go on with.
    pub(crate) fn is_idle(&self) -> bool {
        self.attempts.is_empty() && self.lookups == 0
    }

    /// When to call [`poll`](Self::poll) at the latest.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let due = |attempt: &Attempt| match &attempt.stage {
            Stage::Connecting(connecting) => connecting.poll_timeout(),
            Stage::LookingUp => attempt.deadline,
            Stage::Found(_) => Instant::ORIGIN,
        };
        if self.fresh { Some(Instant::ORIGIN) } else { self.attempts.values().map(due).min() }
    }

    /// Goes on with all of them; call until `None`. An event or the waker says when it is worth it.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        registry: &Registry,
        token: impl Fn(DialId) -> Token,
    ) -> Option<Dialed> {
        self.fresh = false;
        self.look_up();
        self.take_found();
        let ended = self.attempts.values_mut().find_map(|attempt| attempt.step(now, registry, &token))?;
        self.attempts.remove(&ended.id().slot());
        Some(ended)
    }

    /// Gives all up: nobody waits for them any more.
    pub(crate) fn clear(&mut self) {
        self.attempts.clear();
        self.waiting.clear();
    }

    fn take_found(&mut self) {
        while let Ok((id, found)) = self.found.try_recv() {
            self.lookups -= 1;
            let Some(attempt) = self.attempts.get_mut(&id.slot()).filter(|a| a.id == id) else { continue };
            if let Err(error) = &found {
                trace::minor((id, error), "a name cannot be looked up");
            }
            let addresses = found.unwrap_or_default().into_iter().map(Address::from).collect();
            attempt.stage = Stage::Found(addresses);
        }
    }

    fn look_up(&mut self) {
        while self.lookups < MAX_LOOKUPS {
            let Some((id, host, port)) = self.waiting.pop_front() else { return };
            if self.attempts.get(&id.slot()).is_none_or(|a| a.id != id) {
                continue;
            }
            let (tell, shared) = (self.tell.clone(), self.shared.clone());
            let started = look_up(&host, port, move |found| {
                // The loop may have ended meanwhile.
                let _ = tell.send((id, found));
                shared.wake();
            });
            self.lookups += 1;
            if let Err(e) = started {
                // No thread: told as if nothing had been found.
                let _ = self.tell.send((id, Err(e)));
                self.shared.wake();
            }
        }
    }
}

impl Attempt {
    /// Goes on with it; how it ended, if it did.
    fn step(&mut self, now: Instant, registry: &Registry, token: impl Fn(DialId) -> Token) -> Option<Dialed> {
        let id = self.id;
        if let Stage::Found(addresses) = &mut self.stage {
            let addresses = std::mem::take(addresses);
            let connecting = Connecting::new(now, addresses, self.deadline, self.attempt_delay);
            self.stage = Stage::Connecting(Box::new(connecting));
        }
        let Stage::Connecting(connecting) = &mut self.stage else {
            return (now >= self.deadline).then_some(Dialed::Failed(id, DialError::TimedOut));
        };
        match self.span.run(|| connecting.step(now, registry, token(id))) {
            Step::Wait => None,
            Step::Connected(socket, address) => Some(Dialed::Connected(id, socket, address)),
            Step::Failed(error) => Some(Dialed::Failed(id, error.into())),
        }
    }
}

impl Dialed {
    fn id(&self) -> DialId {
        match self {
            Self::Connected(id, ..) | Self::Failed(id, _) => *id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Waker};
    use wharf::base::{Entropy, Wall};
    use wharf::link::{Config, Context, Hub, Service, Target};

    /// Dials when it is told to.
    struct Caller;

    impl Service for Caller {
        type Job = ();
        type Done = ();
        type Command = ();

        fn command(&mut self, cx: &mut Context<'_>, (): ()) {
            cx.dial(Target::tcp("name", 1)).unwrap();
        }
    }

    #[test]
    fn those_who_gave_up_while_no_name_was_looked_up_are_forgotten() {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let mut dials = Dials::new(Arc::new(Shared::new(waker)));
        // All lookups hang.
        dials.lookups = MAX_LOOKUPS;
        let mut now = Instant::ORIGIN;
        let entropy = Entropy::from_seed([7; 32]);
        let mut hub = Hub::new(now, Wall::default(), Caller, &Arc::new(Config::client()), entropy);
        for _ in 0..9 {
            hub.command(now, ());
            let dial = hub.poll_dial().unwrap();
            now = dial.deadline;
            dials.start(dial);
            let Some(Dialed::Failed(id, error)) = dials.poll(now, poll.registry(), |_| Token(1)) else {
                panic!("its time is over")
            };
            hub.dial_failed(now, id, &error);
            assert_eq!((dials.waiting.len(), dials.attempts.len()), (1, 0));
        }
    }
}
