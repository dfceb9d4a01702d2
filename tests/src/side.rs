//! One end of a connection in a test: the engine, its program, and what it owes the contract at every step.

use std::collections::VecDeque;
use std::sync::Arc;
use wharf::base::{
    Accepted, CloseCode, Closed, End, Engine, Event, Input, Instant, Kind, Message, Scratch, SendError,
};
use wharf::ws::{Config, Connection};

/// A message, owned.
pub type Note = (Kind, Vec<u8>);

/// What an end does with what it hears.
#[derive(Debug)]
pub enum Program {
    /// Sends each message back. What finds no room waits, and reading with it.
    Echo(VecDeque<Note>),
    /// Sends these, hears as many answers, has one last ping answered, and closes with the code.
    Ask {
        /// Still to be sent.
        questions: VecDeque<Note>,
        /// How many there were.
        asked: usize,
        /// Whether the last ping has gone out.
        pinged: bool,
        /// What it closes with.
        code: CloseCode,
    },
}

/// One end.
#[derive(Debug)]
pub struct Side {
    /// The engine.
    pub connection: Connection,
    /// Messages heard; in streaming delivery their pieces put together.
    pub messages: Vec<Note>,
    /// Whether the newest ping was answered.
    pub answered: bool,
    /// The close report.
    pub closed: Option<Closed>,
    /// All bytes ever written.
    pub wire: Vec<u8>,
    /// Bytes on their way here.
    pub(crate) inbox: Vec<u8>,
    /// How the transport ends behind them.
    pub(crate) end: Option<End>,
    config: Arc<Config>,
    program: Program,
    scratch: Scratch,
    piece: Vec<u8>,
    /// How often it was told to wait, less how often it was told to go on.
    waits: u32,
}

impl Side {
    /// An end at rest.
    #[must_use]
    pub fn new(connection: Connection, config: &Arc<Config>, program: Program) -> Self {
        Self {
            connection,
            messages: vec![],
            answered: false,
            closed: None,
            wire: vec![],
            inbox: vec![],
            end: None,
            config: config.clone(),
            program,
            scratch: Scratch::new(),
            piece: vec![],
            waits: 0,
        }
    }

    /// Bytes are on their way here.
    pub fn arrive(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
    }

    /// The most that may wait to be written: the limit, the reserve of pongs, and a close with the pong before it.
    #[must_use]
    pub fn most_queued(&self) -> usize {
        let config = &self.config;
        let fragments = config.max_message.div_ceil(config.fragment_size.max(125)).max(1);
        let least = config.high_mark + 4096 + config.max_message + 14 * fragments;
        config.queue_limit.max(least) + 4096 + 2 * 131
    }

    /// Up to `n` bytes come in, then the end of the stream if it is reached.
    pub fn receive(&mut self, now: Instant, n: usize) {
        let n = n.min(self.inbox.len());
        let mut bytes: Vec<u8> = self.inbox.drain(..n).collect();
        let mut input = Input::new(&mut bytes);
        self.hear(now, &mut input);
        let rest = input.as_slice().to_vec();
        assert!(rest.is_empty() || !self.connection.wants().read, "input left though it reads");
        self.inbox.splice(0..0, rest);
        if let Some(end) = self.end.take_if(|_| self.inbox.is_empty()) {
            self.connection.receive_end(now, end);
            self.hear(now, &mut Input::default());
        }
    }

    /// As [`receive`](Self::receive), straight into a message's own buffer where there is one.
    pub fn read_space(&mut self, now: Instant, n: usize) {
        let Some(space) = self.connection.read_space() else { return };
        assert!(!space.is_empty() && space.len() <= self.config.max_message);
        let n = n.min(space.len()).min(self.inbox.len());
        let bytes: Vec<u8> = self.inbox.drain(..n).collect();
        space[..n].copy_from_slice(&bytes);
        self.connection.handle_read(now, n);
        self.hear(now, &mut Input::default());
    }

    /// The transport takes up to `n` bytes; they are returned.
    pub fn write(&mut self, now: Instant, n: usize) -> Vec<u8> {
        let mut output = self.connection.output(now);
        let mut slices: [&[u8]; 3] = [&[]; 3];
        let filled = output.slices(&mut slices);
        let mut taken = slices[..filled].concat();
        taken.truncate(n);
        assert_eq!(taken.is_empty(), n == 0 || output.is_empty(), "slices without bytes");
        output.advance(taken.len());
        self.wire.extend_from_slice(&taken);
        taken
    }

    /// Goes on with its program: sends what it may.
    pub fn act(&mut self, now: Instant) {
        let heard = self.messages.len();
        let Self { connection, program, answered, waits, .. } = self;
        let (Program::Echo(waiting) | Program::Ask { questions: waiting, .. }) = program;
        if let Some(note) = waiting.front() {
            match connection.send(now, message(note)) {
                Ok(accepted) => {
                    *waits += u32::from(accepted == Accepted::Congested);
                    waiting.pop_front();
                }
                Err(SendError::Full) => *waits += 1,
                Err(SendError::Closing | SendError::Closed) => {}
                Err(other) => panic!("{other} for {} bytes", note.1.len()),
            }
            return;
        }
        match program {
            Program::Ask { asked, pinged, code, .. } if heard == *asked => {
                if !*pinged {
                    *answered = false;
                    *pinged = connection.ping(now).is_ok();
                } else if *answered {
                    let closed = connection.close(now, *code, "all said");
                    assert!(closed.is_ok() || !connection.is_open());
                }
            }
            Program::Echo(_) => connection.resume(now),
            Program::Ask { .. } => {}
        }
    }

    /// Takes the thread's buffers for a turn.
    pub fn lend(&mut self) {
        self.connection.lend(&mut self.scratch);
    }

    /// Gives them back.
    pub fn reclaim(&mut self) {
        self.connection.reclaim(&mut self.scratch);
    }

    /// Time is up, or not: both are fine.
    pub fn timeout(&mut self, now: Instant) {
        self.connection.handle_timeout(now);
        let next = self.connection.poll_timeout();
        assert!(next.is_none_or(|next| next > now), "after {now:?} comes {next:?}");
        self.hear(now, &mut Input::default());
    }

    /// What holds after every step.
    pub fn check(&mut self, now: Instant) {
        let (queued, most) = (self.connection.queued(), self.most_queued());
        assert!(queued <= most, "{queued} bytes wait, {most} may");
        let remaining = self.connection.output(now).remaining();
        let wants = self.connection.wants();
        assert_eq!(wants.write, remaining > 0, "{wants:?} with {remaining} to write");
        if self.connection.is_finished() {
            assert!(!wants.read && !wants.write && wants.shutdown.is_some(), "{wants:?} though finished");
            assert_eq!(self.connection.poll_timeout(), None);
            self.hear(now, &mut Input::default());
            assert!(self.closed.is_some(), "finished without a report");
        }
    }

    fn hear(&mut self, now: Instant, input: &mut Input<'_>) {
        while let Some(event) = self.connection.receive(now, input) {
            assert!(self.closed.is_none(), "{event:?} behind the close report");
            match event {
                Event::Message(message) => self.heard(now, message),
                Event::Chunk(chunk) => {
                    self.piece.extend_from_slice(&chunk.bytes);
                    if chunk.last {
                        let note = (chunk.kind, std::mem::take(&mut self.piece));
                        self.heard(now, message(&note).into_owned());
                    }
                }
                Event::Pong { .. } => self.answered = true,
                Event::Drained => {
                    assert!(self.waits > 0, "drained, but was never full");
                    self.waits -= 1;
                }
                Event::Closed(closed) => self.closed = Some(*closed),
                other => panic!("what is {other:?}"),
            }
        }
    }

    fn heard(&mut self, now: Instant, message: Message<'_>) {
        self.messages.push((message.kind(), message.payload().to_vec()));
        let Program::Echo(waiting) = &mut self.program else { return };
        let sent = if waiting.is_empty() {
            self.connection.send(now, message.as_lent())
        } else {
            Err(SendError::Full)
        };
        match sent {
            Ok(accepted) => self.waits += u32::from(accepted == Accepted::Congested),
            Err(SendError::Full) => {
                assert!(!self.config.pause_reading_when_congested, "one answer a message must always fit");
                self.waits += 1;
                waiting.push_back((message.kind(), message.into_vec()));
                self.connection.pause(now);
            }
            Err(SendError::Closing | SendError::Closed) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

fn message((kind, payload): &Note) -> Message<'_> {
    match kind {
        Kind::Text => Message::text(std::str::from_utf8(payload).expect("text")),
        _ => Message::binary(&payload[..]),
    }
}
