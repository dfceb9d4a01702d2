//! A server with moods: it answers, hangs, refuses and lies.

use std::collections::{BTreeMap, BTreeSet};
use wharf::base::{CloseCode, Closed, Kind, Message};
use wharf::framed::Typed;
use wharf::http::{Request, Response};
use wharf::link::{ConnId, Context, Service, Verdict};

/// How a [`Moody`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It does what it should.
    #[default]
    Good,
    /// It takes connections and messages, and answers none.
    Hang,
    /// It answers requests by this status, and to come again after so many seconds.
    Refuse(u16, u16),
    /// It acknowledges what it likes, and says what nobody asked for.
    Lie,
}

/// What a [`Moody`] is told.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// Its mood from now on.
    Mood(Mood),
    /// All connections are closed with this code.
    Close(u16),
    /// All connections are reset.
    Reset,
}

/// A message of a client: whose, and which.
pub type Name = (usize, u64);

/// It takes `m CLIENT NUMBER FLAG`, remembers it for ever, and answers `ack CLIENT NUMBER` where the flag is `a`; `hello` is answered
/// by `welcome`.
#[derive(Debug, Default)]
pub struct Moody {
    mood: Mood,
    conns: BTreeSet<ConnId>,
    /// How often each message came.
    pub received: BTreeMap<Name, u32>,
    /// Acknowledged whether it came or not.
    pub lied: BTreeSet<Name>,
}

/// A message of a text, as `kind` carries it.
#[must_use]
pub fn message_of(text: String, is_typed: bool) -> Message<'static> {
    if is_typed { Message::typed(Typed::DATA, text.into_bytes()) } else { Message::text(text) }
}

/// What a message says.
///
/// # Panics
/// If that is no text.
#[must_use]
pub fn text_of<'m>(message: &'m Message<'_>) -> &'m str {
    std::str::from_utf8(message.payload()).expect("a text")
}

impl Moody {
    fn take(&mut self, cx: &mut Context<'_>, conn: ConnId, text: &str, is_typed: bool) {
        let mut words = text.split(' ');
        let mut say = |text: String| {
            // One that is closing hears nothing more.
            let _ = cx.send(conn, message_of(text, is_typed));
        };
        match words.next() {
            Some("hello") if self.mood == Mood::Hang => {}
            Some("hello") => say("welcome".into()),
            Some("m") => {
                let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).expect("a number");
                let (client, number) = (number() as usize, number());
                *self.received.entry((client, number)).or_default() += 1;
                let wants_word = words.next() == Some("a");
                match self.mood {
                    Mood::Hang => {}
                    Mood::Lie => {
                        for number in [number / 2, number + 1, number, number, number + 1_000_000] {
                            self.lied.insert((client, number));
                            say(format!("ack {client} {number}"));
                        }
                        say("nonsense".into());
                    }
                    _ if wants_word => say(format!("ack {client} {number}")),
                    _ => {}
                }
            }
            // A heartbeat.
            _ => {}
        }
    }
}

impl Service for Moody {
    type Job = ();
    type Done = ();
    type Command = Turn;

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, _: &Request) -> Verdict {
        match self.mood {
            Mood::Hang => Verdict::Later,
            Mood::Refuse(status, after) => {
                Verdict::Respond(Response::plain(status).with("Retry-After", after.to_string()))
            }
            Mood::Good | Mood::Lie => Verdict::accept(),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.conns.insert(conn);
        if self.mood == Mood::Hang {
            cx.pause(conn);
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let is_typed = matches!(message.kind(), Kind::Typed(_));
        self.take(cx, conn, text_of(&message), is_typed);
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.conns.remove(&conn);
    }

    fn command(&mut self, cx: &mut Context<'_>, turn: Turn) {
        for conn in self.conns.clone() {
            match turn {
                Turn::Mood(Mood::Hang) => cx.pause(conn),
                Turn::Mood(_) => cx.resume(conn),
                Turn::Close(code) => drop(cx.close(conn, CloseCode::from(code), "")),
                Turn::Reset => cx.abort(conn),
            }
        }
        if let Turn::Mood(mood) = turn {
            self.mood = mood;
        }
    }
}
