//! A client of the world: it asks what its plan says and checks the answers.

use super::{Came, Faults, Habit, Pipe, Transcript, WALL, Wire};
use crate::dice::Dice;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, End, Entropy, Input, Instant, Message, Scratch, Shutdown};
use wharf::link::{Config, ConnId, Event, Link, OpenError};

/// How it ended for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The connection was open and is closed.
    Closed(Closed),
    /// It was never open.
    Failed(OpenError),
}

/// A client and the wire to its server.
pub struct Client {
    /// Its machine.
    pub link: Link,
    /// The connection at the other end.
    pub name: ConnId,
    /// The same, until that is gone.
    pub conn: Option<ConnId>,
    /// To the server.
    pub up: Pipe,
    /// From the server.
    pub down: Pipe,
    /// How it behaves.
    pub habit: Habit,
    /// When its habit shows.
    pub turns_bad: Instant,
    /// What it asks.
    pub plan: Vec<Message<'static>>,
    /// It closes behind its last question, and does not wait for the answers.
    pub hasty: bool,
    /// It has closed.
    pub closes: bool,
    /// How many of them it has asked, and got an answer to.
    pub progress: (usize, usize),
    /// When it acts next.
    pub acts: Instant,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Its socket is gone.
    pub gone: bool,
    /// Its habit has shown.
    pub turned_bad: bool,
    scratch: Scratch,
    held: Vec<u8>,
    write_shut: bool,
    /// The handshake of TLS has left, so that all that waits sealed is of messages.
    shook_hands: bool,
}

impl Client {
    /// A client that was just connected to `conn`.
    ///
    /// # Panics
    /// If its link fails before the first byte.
    #[must_use]
    pub fn new(now: Instant, wire: Wire, config: &Arc<Config>, conn: ConnId, dice: &mut Dice<'_>) -> Self {
        let entropy = Entropy::from_seed(dice.bytes(32).try_into().expect("32 bytes"));
        let link = Link::client(now, WALL, config, &wire.target(), entropy);
        let turns_bad = dice.pick(&[100_000, 300_000, 3_000_000]);
        Self {
            link: link.expect("nothing is amiss before the first byte"),
            name: conn,
            conn: Some(conn),
            up: Pipe::default(),
            down: Pipe::default(),
            habit: Habit::any(dice),
            turns_bad: now + Duration::from_micros(dice.below(turns_bad) as u64),
            plan: wire.questions(dice),
            hasty: dice.percent(50),
            closes: false,
            progress: (0, 0),
            acts: now,
            outcome: None,
            gone: false,
            turned_bad: false,
            scratch: Scratch::new(),
            held: Vec::new(),
            write_shut: false,
            shook_hands: false,
        }
    }

    /// When it has something to do next, whatever comes.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        if self.gone {
            return None;
        }
        let bad = Some(self.turns_bad).filter(|_| !self.turned_bad && self.habit != Habit::Good);
        let acts = Some(self.acts).filter(|_| self.may_act());
        let read = self.down.next().filter(|_| self.reads());
        [bad, acts, read, self.link.poll_timeout()].into_iter().flatten().min()
    }

    /// Whether a write moves something.
    #[must_use]
    pub fn can_write(&self, faults: Faults) -> bool {
        !self.gone && self.habit != Habit::Mute && self.link.wants().write && self.up.room(faults) > 0
    }

    /// What a link has to say before its first byte: one without a handshake is open.
    pub fn begin(&mut self, now: Instant, transcript: &mut Transcript) {
        self.take(now, transcript);
    }

    /// Does one thing that is due, if there is one; mostly with the buffers of its thread.
    pub fn step(
        &mut self,
        now: Instant,
        faults: Faults,
        dice: &mut Dice<'_>,
        transcript: &mut Transcript,
    ) -> bool {
        if self.gone {
            return false;
        }
        if dice.percent(80) {
            self.link.lend(&mut self.scratch);
        }
        let moved = self.step_lent(now, faults, dice, transcript);
        self.link.reclaim(&mut self.scratch);
        self.check_sealed();
        moved
    }

    fn step_lent(
        &mut self,
        now: Instant,
        faults: Faults,
        dice: &mut Dice<'_>,
        transcript: &mut Transcript,
    ) -> bool {
        if self.habit != Habit::Good && !self.turned_bad && self.turns_bad <= now {
            transcript.note(now, format_args!("client of {}: {:?}", self.name, self.habit));
            self.turn_bad(now, dice);
            return true;
        }
        if self.may_act() && self.acts <= now {
            self.act(now, dice);
            self.take(now, transcript);
            return true;
        }
        if self.can_write(faults) {
            self.write(now, faults, dice, transcript);
            self.take(now, transcript);
            return true;
        }
        if self.reads()
            && let Some(came) = self.down.read(now, 4096, faults, dice)
        {
            match came {
                Came::Bytes(mut bytes) => {
                    let mut plain = Vec::new();
                    self.held.extend_from_slice(self.link.input(now, &mut bytes, &mut plain).as_slice());
                }
                Came::End(end) => self.link.receive_end(now, end),
            }
            self.take(now, transcript);
            return true;
        }
        if self.link.poll_timeout().is_some_and(|at| at <= now) {
            self.handle_timeout(now, transcript);
            return true;
        }
        self.obey(now)
    }

    /// Its timer fires, asked for or not.
    pub fn handle_timeout(&mut self, now: Instant, transcript: &mut Transcript) {
        self.link.handle_timeout(now);
        assert!(self.link.poll_timeout().is_none_or(|next| next > now), "a timer that does not move");
        self.take(now, transcript);
    }

    fn reads(&self) -> bool {
        let deaf = self.turned_bad && self.habit == Habit::Deaf;
        !deaf && self.held.is_empty() && self.link.wants().read
    }

    fn may_act(&self) -> bool {
        let (asked, answered) = self.progress;
        let has_asked = asked == self.plan.len();
        self.link.is_open() && (!has_asked || self.hasty || answered == asked)
    }

    /// Asks the next question, or closes when all were asked, or answered.
    fn act(&mut self, now: Instant, dice: &mut Dice<'_>) {
        self.acts = now + Duration::from_micros(dice.pick(&[0, 10, 3000, 40_000]));
        let Some(question) = self.plan.get(self.progress.0) else {
            self.closes = true;
            return self
                .link
                .close(now, CloseCode::NORMAL, "done")
                .expect("an open connection can be closed");
        };
        if self.link.send(now, question.as_lent()).is_ok() {
            self.progress.0 += 1;
        }
    }

    fn write(&mut self, now: Instant, faults: Faults, dice: &mut Dice<'_>, transcript: &mut Transcript) {
        let mut output = self.link.output(now);
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let filled = output.slices(&mut slices);
        let bytes = slices[..filled].concat();
        assert!(!bytes.is_empty(), "it wants to write and has nothing");
        let n = self.up.write(now, &bytes, faults, dice);
        transcript.note(now, format_args!("client of {} wrote {n} of {}", self.name, bytes.len()));
        output.advance(n);
    }

    /// Hands in what waits, and takes what comes of it.
    fn take(&mut self, now: Instant, transcript: &mut Transcript) {
        let mut held = std::mem::take(&mut self.held);
        let mut input = Input::new(&mut held);
        while let Some(event) = self.link.receive(now, &mut input) {
            assert!(self.outcome.is_none(), "{event:?} behind the last event");
            match event {
                Event::Message(message) => {
                    transcript
                        .note(now, format_args!("client of {}: {}", self.name, message.payload().len()));
                    let expected = self.plan.get(self.progress.1).expect("an answer too many");
                    assert!(message == *expected, "another answer than the next");
                    self.progress.1 += 1;
                    assert!(self.progress.1 <= self.progress.0, "an answer before its question");
                    continue;
                }
                Event::Closed(ref closed) => self.outcome = Some(Outcome::Closed((**closed).clone())),
                Event::Failed(ref error) => self.outcome = Some(Outcome::Failed((**error).clone())),
                _ => {}
            }
            transcript.note(now, format_args!("client of {}: {event:?}", self.name));
        }
        self.held = input.as_slice().to_vec();
    }

    /// A message counts as queued for as long as any byte of it waits, sealed or not.
    fn check_sealed(&mut self) {
        let Some(tls) = self.link.tls() else { return };
        self.shook_hands |= self.link.is_open() && tls.queued() == 0;
        if self.shook_hands && !tls.has_sent_close() && tls.failure().is_none() && self.outcome.is_none() {
            let (sealed, queued) = (tls.queued(), self.link.queued());
            assert!(sealed == 0 || queued > 0, "{sealed} bytes of messages wait, and count as written");
        }
    }

    fn turn_bad(&mut self, now: Instant, dice: &mut Dice<'_>) {
        self.turned_bad = true;
        match self.habit {
            Habit::Reset => {
                self.up.reset(now);
                self.down.reset(now);
            }
            Habit::Cut => {
                self.up.cut(now, dice);
                self.down.cut(now, dice);
            }
            Habit::HalfClose => {
                self.write_shut = true;
                self.up.finish(now, End::Eof);
            }
            Habit::Vanish => self.gone = true,
            Habit::Good | Habit::Deaf | Habit::Mute => {}
        }
    }

    /// Ends its socket, or a side of it, as its link wants.
    fn obey(&mut self, now: Instant) -> bool {
        let Some(how) = self.link.wants().shutdown else { return false };
        if how == Shutdown::Write && self.write_shut {
            return false;
        }
        self.write_shut = true;
        // A socket that is closed with unread input, or by an abort, resets the wire.
        let reset = how == Shutdown::Abort || (how == Shutdown::Both && self.down.is_unread());
        if reset {
            self.up.reset(now)
        } else {
            self.up.finish(now, End::Eof)
        }
        if how != Shutdown::Write {
            self.gone = true;
            self.down.drop_reader();
        }
        true
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("habit", &(self.habit, self.turned_bad))
            .field("asked, answered", &self.progress)
            .field("of", &self.plan.len())
            .field("hasty, closes", &(self.hasty, self.closes))
            .field("outcome", &self.outcome)
            .field("held", &self.held.len())
            .field("wants", &self.link.wants())
            .finish_non_exhaustive()
    }
}
