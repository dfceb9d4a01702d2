//! What a program asks of a link.

use super::Link;
use super::stage::Stage;
use crate::base::{Accepted, CloseCode, Engine, Instant, Kind, Message, SendError, Stats};
use crate::framed::{self, Codec};
use crate::http::{RespondError, Response};
use crate::ws::{Connection, Prepared};
use alloc::sync::Arc;
use bytes::Bytes;

/// The same call on the open connection, whichever it is.
macro_rules! open {
    ($link:expr, $connection:ident => $call:expr, $otherwise:expr) => {
        match &mut $link.stage {
            Stage::Open($connection) => $call,
            Stage::Framed($connection) if $link.opened => $call,
            _ => $otherwise,
        }
    };
}

impl Link {
    /// Answers the request that waits, whatever it asked for.
    ///
    /// # Errors
    /// [`RespondError`] if none waits.
    pub fn respond(&mut self, now: Instant, response: &Response) -> Result<(), RespondError> {
        match &mut self.stage {
            Stage::Http(answering) => {
                answering.offer = None;
                answering.respond(now, response)
            }
            _ => Err(RespondError::NothingAsked),
        }
    }

    /// Queues a message ([`Engine::send`]).
    ///
    /// # Errors
    /// As there; [`SendError::NotOpen`] before [`Event::Opened`](super::Event::Opened).
    #[inline]
    pub fn send(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError> {
        open!(self, connection => connection.send(now, message), Err(SendError::NotOpen))
    }

    /// Whether [`send`](Self::send) would take `message` at this moment; asked first, it is not lost.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn can_send(&mut self, now: Instant, message: &Message<'_>) -> Result<(), SendError> {
        open!(self, connection => connection.can_send(now, message), Err(SendError::NotOpen))
    }

    /// Queues a message whose payload is shared ([`Engine::send_bytes`]).
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn send_bytes(&mut self, now: Instant, kind: Kind, payload: Bytes) -> Result<Accepted, SendError> {
        open!(self, connection => connection.send_bytes(now, kind, payload), Err(SendError::NotOpen))
    }

    /// Queues a prepared message. Where messages are framed its payload is shared and its frames are not; on typed frames it
    /// goes under its type byte ([`Prepared::with_type`]).
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn send_prepared(&mut self, now: Instant, prepared: &Prepared) -> Result<Accepted, SendError> {
        match &mut self.stage {
            Stage::Open(connection) => connection.send_prepared(now, prepared),
            Stage::Framed(connection) => {
                let kind = prepared.kind_where(|kind| connection.codec().accepts(kind));
                self.send_bytes(now, kind, prepared.payload().clone())
            }
            _ => Err(SendError::NotOpen),
        }
    }

    /// Closes: behind what was sent where it is open, after what is owed where it is HTTP, at once while a client
    /// opens it.
    ///
    /// # Errors
    /// As [`Engine::close`].
    pub fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
        match &mut self.stage {
            Stage::Open(connection) => return connection.close(now, code, reason),
            Stage::Framed(connection) if self.opened => return connection.close(now, code, reason),
            Stage::Framed(connection) => connection.abort(now),
            Stage::Http(answering) => answering.responder.close(now),
            Stage::Asking(asking) => asking.client.abort(now),
        }
        Ok(())
    }

    /// The program that handles it failed: 1011, or 500 where an answer is owed.
    pub fn fail(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Open(connection) => connection.fail(now, CloseCode::INTERNAL_ERROR),
            Stage::Framed(connection) => connection.fail(now, CloseCode::INTERNAL_ERROR),
            Stage::Http(answering) => answering.fail(now),
            Stage::Asking(asking) => asking.client.abort(now),
        }
        if let Some(way) = &mut self.way {
            way.forget_unread();
        }
    }

    /// Gives the connection up at once.
    pub fn abort(&mut self, now: Instant) {
        self.stage.abort(now);
        if let Some(way) = &mut self.way {
            way.abort();
        }
    }

    /// Whether messages can be sent: it is open, and no close has begun.
    #[must_use]
    #[inline]
    pub fn is_open(&self) -> bool {
        match &self.stage {
            Stage::Open(connection) => connection.is_open(),
            Stage::Framed(connection) => self.opened && connection.is_open(),
            Stage::Http(_) | Stage::Asking(_) => false,
        }
    }

    /// Whether the output is above the high mark, or has not fallen to the low one since.
    #[must_use]
    #[inline]
    pub fn is_congested(&self) -> bool {
        match &self.stage {
            Stage::Open(connection) => connection.is_congested(),
            Stage::Framed(connection) => connection.is_congested(),
            Stage::Http(_) | Stage::Asking(_) => false,
        }
    }

    /// Bytes of messages that the transport has not taken.
    #[must_use]
    pub fn queued(&self) -> usize {
        match &self.stage {
            Stage::Open(connection) => connection.queued(),
            Stage::Framed(connection) => connection.queued(),
            Stage::Http(_) | Stage::Asking(_) => 0,
        }
    }

    /// The counters of the open connection, whichever it is; all zero before.
    #[must_use]
    pub fn stats(&self) -> Stats {
        match &self.stage {
            Stage::Open(connection) => connection.stats(),
            Stage::Framed(connection) => connection.stats(),
            Stage::Http(_) | Stage::Asking(_) => Stats::default(),
        }
    }

    /// Stops reading messages; nothing happens before it is open.
    pub fn pause(&mut self, now: Instant) {
        open!(self, connection => connection.pause(now), ());
    }

    /// Reads again after [`pause`](Self::pause).
    pub fn resume(&mut self, now: Instant) {
        open!(self, connection => connection.resume(now), ());
    }

    /// The open WebSocket, if it is one: its counters.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match &self.stage {
            Stage::Open(connection) => Some(connection),
            _ => None,
        }
    }

    /// The open WebSocket, if it is one, to be used: its ping.
    pub fn connection_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.stage {
            Stage::Open(connection) => Some(connection),
            _ => None,
        }
    }

    /// The connection of framed messages, if it is one.
    #[must_use]
    pub fn framed(&self) -> Option<&framed::Connection<Arc<dyn Codec>>> {
        match &self.stage {
            Stage::Framed(connection) => Some(connection),
            _ => None,
        }
    }

    /// Whether there is TLS below.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.way.as_ref().is_some_and(|way| way.is_secure())
    }

    /// The TLS session below, if there is one: the protocol that was agreed on, the names, the certificates.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&crate::tls::Session> {
        self.way.as_ref()?.session()
    }
}
