//! What a link speaks at the moment, and the machine that speaks it.

use super::Config;
use super::forwarding::Provenance;
use crate::base::{End, Engine, Entropy, Instant, Output, Scratch, Wall, WallClock, Wants};
use crate::framed::{self, Codec};
use crate::http::{RespondError, Responder, Response};
use crate::ws::handshake::{Client, Offer};
use crate::ws::{self, Connection};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

/// The machine in charge. Nearly all links are open for nearly all of their life, so that the open ones are not boxed.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(super) enum Stage {
    Http(Box<Answering>),
    Asking(Box<Asking>),
    Open(Connection),
    Framed(framed::Connection<Arc<dyn Codec>>),
}

/// A server's side before its upgrade.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) responder: Responder,
    pub(super) offer: Option<Offer>,
    pub(super) config: Arc<Config>,
    /// For the `Date` of answers.
    pub(super) wall: WallClock,
    pub(super) provenance: Provenance,
    /// Whoever asks is told to come again later.
    pub(super) turns_away: bool,
}

impl Answering {
    pub(super) fn respond(&mut self, now: Instant, response: &Response) -> Result<(), RespondError> {
        self.responder.respond(now, self.wall.at(now), response)
    }

    pub(super) fn fail(&mut self, now: Instant) {
        self.responder.fail(now, self.wall.at(now));
    }
}

/// A client's side before its answer.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) client: Client,
    pub(super) entropy: Entropy,
    /// What the open connection will be told.
    pub(super) ws: Arc<ws::Config>,
    /// What the handshake may take once its turn has come.
    pub(super) limit: Option<Duration>,
}

/// The same call on whichever machine is in charge.
macro_rules! each {
    ($stage:expr, $machine:ident => $call:expr) => {
        match $stage {
            Stage::Open($machine) => $call,
            Stage::Framed($machine) => $call,
            Stage::Http(answering) => {
                let $machine = &mut answering.responder;
                $call
            }
            Stage::Asking(asking) => {
                let $machine = &mut asking.client;
                $call
            }
        }
    };
}

impl Stage {
    /// A server's begin.
    pub(super) fn http(now: Instant, wall: Wall, config: &Arc<Config>) -> Self {
        Self::Http(Box::new(Answering {
            responder: Responder::new(now, &config.http),
            offer: None,
            config: config.clone(),
            wall: WallClock::new(now, wall),
            provenance: Provenance::default(),
            turns_away: false,
        }))
    }

    /// Whether its outcome is known.
    pub(super) fn is_settled(&self) -> bool {
        match self {
            Self::Open(connection) => connection.is_settled(),
            Self::Framed(connection) => connection.is_settled(),
            Self::Http(_) | Self::Asking(_) => false,
        }
    }

    pub(super) fn receive_end(&mut self, now: Instant, end: End) {
        each!(self, machine => machine.receive_end(now, end));
    }

    pub(super) fn abort(&mut self, now: Instant) {
        each!(self, machine => machine.abort(now));
    }

    #[inline]
    pub(super) fn output(&mut self, now: Instant) -> Output<'_> {
        each!(self, machine => machine.output(now))
    }

    #[inline]
    pub(super) fn wants(&self) -> Wants {
        match self {
            Self::Open(connection) => connection.wants(),
            Self::Framed(connection) => connection.wants(),
            Self::Http(answering) => answering.responder.wants(),
            Self::Asking(asking) => asking.client.wants(),
        }
    }

    #[inline]
    pub(super) fn lend(&mut self, scratch: &mut Scratch) {
        each!(self, machine => machine.lend(scratch));
    }

    #[inline]
    pub(super) fn reclaim(&mut self, scratch: &mut Scratch) {
        each!(self, machine => machine.reclaim(scratch));
    }

    #[inline]
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Open(connection) => connection.poll_timeout(),
            Self::Framed(connection) => connection.poll_timeout(),
            Self::Http(answering) => answering.responder.poll_timeout(),
            Self::Asking(asking) => asking.client.poll_timeout(),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Open(connection) => connection.handle_timeout(now),
            Self::Framed(connection) => connection.handle_timeout(now),
            Self::Http(answering) => answering.responder.handle_timeout(now, answering.wall.at(now)),
            Self::Asking(asking) => asking.client.handle_timeout(now),
        }
    }
}
