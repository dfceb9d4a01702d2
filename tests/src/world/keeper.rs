//! A program with several connections that it keeps up, which writes down what it is told of each message.

use super::moody::{Name, message_of, text_of};
use std::collections::{BTreeMap, BTreeSet};
use wharf::base::{Closed, Entropy, Instant, Message};
use wharf::link::{ConnId, Context, DialError, DialId, Service, Target};
use wharf::service::client::{ClientConfig, ClientEvent, Fate, Kept, Refused, Ticket};

/// What the program asks of a [`Keeper`].
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    /// Connect, all of them.
    Start,
    /// Say something of so many bytes, by this client.
    Say(usize, usize),
    /// Stop this client.
    Stop(usize),
}

/// What became of a message, over all tickets that it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// Written.
    pub written: u32,
    /// Acknowledged.
    pub acknowledged: u32,
    /// Not sent.
    pub unsent: u32,
    /// Unknown.
    pub unknown: u32,
}

/// One of the connections.
#[derive(Debug)]
pub struct Own {
    /// The connection.
    pub kept: Kept,
    next: u64,
    /// Messages whose fate is not told.
    pub open: BTreeMap<Ticket, Name>,
    /// Whether it is ready, on the connection that it has.
    pub is_ready: bool,
    /// Whether it has stopped.
    pub is_stopped: bool,
    /// When it was found that there is no connection, be it lost or not to be had, most recently.
    pub missed_at: Option<Instant>,
    /// How often that was found.
    pub misses: u64,
    /// When it became ready, most recently.
    pub ready_at: Option<Instant>,
    attempt: Option<wharf::service::client::Attempt>,
}

/// The program.
#[derive(Debug)]
pub struct Keeper {
    /// Its connections.
    pub own: Vec<Own>,
    /// What became of each message.
    pub fates: BTreeMap<Name, Fates>,
    /// Messages that are to be acknowledged.
    pub wants_word: BTreeSet<Name>,
    is_typed: bool,
    /// Sends again what was not sent, or may not have arrived.
    is_stubborn: bool,
}

impl Keeper {
    /// One with so many connections to `target`.
    #[must_use]
    pub fn new(now: Instant, target: &Target, config: &ClientConfig, count: usize, seed: u64) -> Self {
        let is_typed = config.heartbeat_message.as_ref().is_some_and(|message| message.as_text().is_none());
        let own = (0..count).map(|i| {
            let mut bytes = [i as u8; 32];
            bytes[..8].copy_from_slice(&seed.to_le_bytes());
            let kept = Kept::new(now, target.clone(), config.clone(), Entropy::from_seed(bytes));
            Own {
                kept,
                next: 0,
                open: BTreeMap::new(),
                is_ready: false,
                is_stopped: false,
                missed_at: None,
                misses: 0,
                ready_at: None,
                attempt: None,
            }
        });
        let (fates, wants_word) = (BTreeMap::new(), BTreeSet::new());
        Self { own: own.collect(), fates, wants_word, is_typed, is_stubborn: seed.is_multiple_of(2) }
    }

    fn say(&mut self, cx: &mut Context<'_>, client: usize, len: usize) {
        let own = &mut self.own[client];
        own.next += 1;
        let name = (client, own.next);
        if own.next.is_multiple_of(3) {
            self.wants_word.insert(name);
        }
        self.fates.insert(name, Fates::default());
        self.send(cx, name, len);
    }

    fn send(&mut self, cx: &mut Context<'_>, name: Name, len: usize) {
        let wants_word = self.wants_word.contains(&name);
        let flag = if wants_word { 'a' } else { '-' };
        let text = format!("m {} {} {flag} {}", name.0, name.1, "x".repeat(len));
        let message = message_of(text, self.is_typed);
        let own = &mut self.own[name.0];
        let sent = own.kept.act(cx, |client, now| {
            if wants_word { client.send_acknowledged(now, message) } else { client.send(now, message) }
        });
        match sent {
            Ok(ticket) => drop(own.open.insert(ticket, name)),
            // It was not taken, which is as good as not sent.
            Err(Refused { .. }) => self.fates.entry(name).or_default().unsent += 1,
        }
    }

    fn settle(&mut self, cx: &mut Context<'_>) {
        for client in 0..self.own.len() {
            while let Some(event) = self.own[client].kept.poll_event(cx) {
                self.take(cx, client, event);
            }
        }
    }

    fn take(&mut self, cx: &mut Context<'_>, client: usize, event: ClientEvent) {
        let own = &mut self.own[client];
        assert!(!own.is_stopped, "{event:?} behind the last event");
        match event {
            ClientEvent::Connected { attempt, .. } => {
                own.attempt = Some(attempt);
                let hello = message_of(format!("hello {client}"), self.is_typed);
                if let Some(conn) = own.kept.conn() {
                    let _ = cx.send(conn, hello);
                }
            }
            ClientEvent::Disconnected { .. } => {
                (own.is_ready, own.missed_at) = (false, Some(cx.now()));
                own.misses += 1;
            }
            ClientEvent::Fate { ticket, fate } => {
                let name = own.open.remove(&ticket).expect("a fate once for each that was taken");
                let fates = self.fates.entry(name).or_default();
                match &fate {
                    Fate::Written => fates.written += 1,
                    Fate::Acknowledged => fates.acknowledged += 1,
                    Fate::Unsent { .. } => fates.unsent += 1,
                    _ => fates.unknown += 1,
                }
                let again = fates.unsent + fates.unknown < 4 && fate.into_message().is_some();
                if again && self.is_stubborn {
                    self.send(cx, name, 10);
                }
            }
            ClientEvent::Stopped(_) => {
                (own.is_ready, own.is_stopped) = (false, true);
                assert!(own.open.is_empty(), "{:?} have no fate", own.open);
            }
            _ => {}
        }
    }

    fn hear(&mut self, cx: &mut Context<'_>, client: usize, text: &str) {
        let own = &mut self.own[client];
        let mut words = text.split(' ');
        match (words.next(), own.attempt) {
            (Some("welcome"), Some(attempt)) => {
                (own.is_ready, own.ready_at) = (true, Some(cx.now()));
                own.kept.act(cx, |client, now| client.ready(now, attempt));
            }
            (Some("ack"), _) => {
                let number = words.nth(1).and_then(|word| word.parse().ok()).expect("a number");
                let open = own.open.iter().find(|(_, name)| **name == (client, number));
                if let Some(ticket) = open.map(|(ticket, _)| *ticket) {
                    own.kept.act(cx, |client, now| client.acknowledge(now, ticket));
                }
            }
            _ => {}
        }
    }
}

impl Service for Keeper {
    type Job = ();
    type Done = ();
    type Command = Ask;

    fn command(&mut self, cx: &mut Context<'_>, ask: Ask) {
        match ask {
            Ask::Start => {}
            Ask::Say(client, len) => self.say(cx, client, len),
            Ask::Stop(client) => {
                self.own[client].is_ready = false;
                self.own[client].kept.act(cx, |client, now| client.stop(now));
            }
        }
        self.settle(cx);
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let owners = self.own.iter_mut().filter_map(|own| own.kept.opened(cx, conn).then_some(())).count();
        assert_eq!(owners, 1, "a connection that nobody asked for");
        self.settle(cx);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let owner = self.own.iter_mut().position(|own| own.kept.progressed(cx, conn));
        if let Some(client) = owner {
            self.hear(cx, client, text_of(&message));
        }
        self.settle(cx);
    }

    fn written(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        for own in &mut self.own {
            own.kept.progressed(cx, conn);
        }
        self.settle(cx);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        for own in &mut self.own {
            own.kept.closed(cx, conn, closed);
        }
        self.settle(cx);
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
        for own in &mut self.own {
            own.kept.dial_failed(cx, dial, error);
        }
        self.settle(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.own.iter().filter_map(|own| own.kept.poll_timeout()).min()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.own.iter_mut().for_each(|own| own.kept.timeout(cx));
        self.settle(cx);
    }
}
