//! A client of the world: it asks what its plan says and checks the answers.

use super::{Came, Faults, Habit, Pipe, Transcript};
use crate::dice::Dice;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, End, Entropy, Input, Instant, Message, Shutdown, Wall};
use wharf::link::{Config, ConnId, Event, Link, OpenError};
use wharf::ws::handshake::ClientRequest;

/// How it ended for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The connection was open and is closed.
    Closed(Closed),
    /// It was never open.
    Failed(OpenError),
}

/// A client and the wire to its server.
#[derive(Debug)]
pub struct Client {
    /// Its machine.
    pub link: Link,
    /// The connection at the other end, until that is gone.
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
    pub plan: Vec<Vec<u8>>,
    /// How many of them it has asked, and got an answer to.
    pub progress: (usize, usize),
    /// When it acts next.
    pub acts: Instant,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Its socket is gone.
    pub gone: bool,
    held: Vec<u8>,
    write_shut: bool,
    turned_bad: bool,
}

impl Client {
    /// A client that was just connected to `conn`.
    #[must_use]
    pub fn new(now: Instant, config: &Arc<Config>, conn: ConnId, dice: &mut Dice<'_>) -> Self {
        let request = ClientRequest::new("ws://world/echo").expect("a URL");
        let plan = (0..dice.between(0, 12)).map(|i| question(i, dice)).collect();
        let seed = dice.bytes(32).try_into().expect("32 bytes");
        Self {
            link: Link::client(now, Wall::default(), config, &request.into(), Entropy::from_seed(seed))
                .expect("nothing is amiss before the first byte"),
            conn: Some(conn),
            up: Pipe::default(),
            down: Pipe::default(),
            habit: Habit::any(dice),
            turns_bad: now + Duration::from_micros(dice.below(300_000) as u64),
            plan,
            progress: (0, 0),
            acts: now,
            outcome: None,
            gone: false,
            held: Vec::new(),
            write_shut: false,
            turned_bad: false,
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

    /// Does one thing that is due, if there is one.
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
        if self.habit != Habit::Good && !self.turned_bad && self.turns_bad <= now {
            self.turn_bad(now);
            return true;
        }
        if self.may_act() && self.acts <= now {
            self.act(now, dice);
            self.take(now, &mut [], transcript);
            return true;
        }
        if self.can_write(faults) {
            self.write(now, faults, dice);
            self.take(now, &mut [], transcript);
            return true;
        }
        if self.reads()
            && let Some(came) = self.down.read(now, 4096, faults, dice)
        {
            match came {
                Came::Bytes(mut bytes) => self.take(now, &mut bytes, transcript),
                Came::End(end) => {
                    self.link.receive_end(now, end);
                    self.take(now, &mut [], transcript);
                }
            }
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
        self.take(now, &mut [], transcript);
    }

    fn reads(&self) -> bool {
        let deaf = self.turned_bad && self.habit == Habit::Deaf;
        !deaf && self.held.is_empty() && self.link.wants().read
    }

    fn may_act(&self) -> bool {
        let open = self.link.is_open();
        let (asked, answered) = self.progress;
        open && (asked < self.plan.len() || answered == self.plan.len())
    }

    /// Asks the next question, or closes when all were answered.
    fn act(&mut self, now: Instant, dice: &mut Dice<'_>) {
        self.acts = now + Duration::from_micros(dice.pick(&[0, 10, 3000, 40_000]));
        let Some(question) = self.plan.get(self.progress.0) else {
            return self
                .link
                .close(now, CloseCode::NORMAL, "done")
                .expect("an open connection can be closed");
        };
        if self.link.send(now, Message::binary(&question[..])).is_ok() {
            self.progress.0 += 1;
        }
    }

    fn write(&mut self, now: Instant, faults: Faults, dice: &mut Dice<'_>) {
        let mut output = self.link.output(now);
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let filled = output.slices(&mut slices);
        let n = self.up.write(now, &slices[..filled].concat(), faults, dice);
        output.advance(n);
    }

    /// Hands in what came, behind what waited, and takes what comes of it.
    fn take(&mut self, now: Instant, bytes: &mut [u8], transcript: &mut Transcript) {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut input = Input::new(&mut all);
        while let Some(event) = self.link.receive(now, &mut input) {
            assert!(self.outcome.is_none(), "{event:?} behind the last event");
            transcript.note(now, format_args!("client of {:?}: {event:?}", self.conn));
            match event {
                Event::Message(message) => {
                    let expected = self.plan.get(self.progress.1).expect("an answer too many");
                    assert!(message.payload() == expected, "another answer than the next");
                    self.progress.1 += 1;
                    assert!(self.progress.1 <= self.progress.0, "an answer before its question");
                }
                Event::Closed(closed) => self.outcome = Some(Outcome::Closed(*closed)),
                Event::Failed(error) => self.outcome = Some(Outcome::Failed(*error)),
                _ => {}
            }
        }
        self.held = input.as_slice().to_vec();
    }

    fn turn_bad(&mut self, now: Instant) {
        self.turned_bad = true;
        match self.habit {
            Habit::Reset => {
                self.up.reset(now);
                self.down.reset(now);
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

/// A question, by whose first bytes its place can be told.
fn question(i: usize, dice: &mut Dice<'_>) -> Vec<u8> {
    let len = dice.pick(&[0, 1, 100, 126, 3000, 20_000, 70_000]);
    let mut question = vec![i as u8; len + 1];
    dice.fill(&mut question[1..(len + 1).min(50)]);
    question
}
