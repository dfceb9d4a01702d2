//! What a program asks of a link.

use super::Link;
use super::record::{Call, Sending};
use super::stage::Stage;
use crate::base::{Accepted, Cause, CloseCode, Engine, Instant, Kind, Message, Progress, SendError, Stats};
use crate::framed::{self, Codec};
use crate::http::{RespondError, Response};
use crate::ws::{Connection, Prepared};
use alloc::sync::Arc;
use bytes::Bytes;
use core::net::IpAddr;

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
        let call = self.to_record(|| Call::Respond(response.clone()));
        let responded = match &mut self.stage {
            Stage::Http(answering) => {
                // RFC 6455 4.2.2: "If the requested service is not available, the server MUST send"
                answering.offer = None;
                answering.respond(now, response)
            }
            _ => Err(RespondError::NothingAsked),
        };
        self.record(now, call, &responded);
        responded
    }

    /// Queues a message ([`Engine::send`]).
    ///
    /// # Errors
    /// As there; [`SendError::NotOpen`] before [`Event::Opened`](super::Event::Opened).
    #[inline]
    pub fn send(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError> {
        if self.way.is_some() {
            return self.send_by_way(now, message);
        }
        // RFC 6455 4.1: "the client MUST wait for a response from the server before sending any further data"
        open!(self, connection => connection.send(now, message), Err(SendError::NotOpen))
    }

    #[cold]
    fn send_by_way(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError> {
        let call =
            self.to_record(|| Call::Send(Sending::Message, message.kind(), message.payload().to_vec()));
        let sent = open!(self, connection => connection.send(now, message), Err(SendError::NotOpen));
        self.record(now, call, &sent);
        sent
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
        let call = self.to_record(|| Call::Send(Sending::Bytes, kind, payload.to_vec()));
        let sent =
            open!(self, connection => connection.send_bytes(now, kind, payload), Err(SendError::NotOpen));
        self.record(now, call, &sent);
        sent
    }

    /// Queues a prepared message. Where messages are framed its payload is shared and its frames are not; on typed frames it
    /// goes under its type byte ([`Prepared::with_type`]).
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn send_prepared(&mut self, now: Instant, prepared: &Prepared) -> Result<Accepted, SendError> {
        let call = self.to_record(|| {
            let how = if prepared.is_compressed() { Sending::Compressed } else { Sending::Prepared };
            Call::Send(how, prepared.kind(), prepared.payload().to_vec())
        });
        let sent = match &mut self.stage {
            Stage::Open(connection) => connection.send_prepared(now, prepared),
            Stage::Framed(connection) => {
                let kind = prepared.kind_where(|kind| connection.codec().accepts(kind));
                // That is recorded as what it is.
                return self.send_bytes(now, kind, prepared.payload().clone());
            }
            _ => Err(SendError::NotOpen),
        };
        self.record(now, call, &sent);
        sent
    }

    /// Closes: behind what was sent where it is open, after what is owed where it is HTTP, at once while a client
    /// opens it.
    ///
    /// # Errors
    /// As [`Engine::close`].
    pub fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let call = self.to_record(|| Call::Close(code.as_u16(), reason.into()));
        let closed = self.close_stage(now, code, reason);
        self.record(now, call, &closed);
        closed
    }

    fn close_stage(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
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
        self.reject(now, CloseCode::INTERNAL_ERROR);
    }

    /// Nothing more is taken from the peer, and the connection ends with `code`; with 500 where an answer is owed.
    pub(super) fn reject(&mut self, now: Instant, code: CloseCode) {
        match &mut self.stage {
            Stage::Open(connection) => connection.fail(now, code),
            Stage::Framed(connection) => connection.fail(now, code),
            Stage::Http(answering) => answering.fail(now),
            Stage::Asking(asking) => asking.client.abort(now),
        }
        if let Some(way) = &mut self.way {
            way.forget_unread();
        }
        let call = self.to_record(|| Call::Fail(code.as_u16()));
        self.record(now, call, &());
    }

    /// Gives the connection up at once.
    pub fn abort(&mut self, now: Instant) {
        self.stage.abort(now);
        if let Some(way) = &mut self.way {
            way.abort();
        }
        let call = self.to_record(|| Call::Abort);
        self.record(now, call, &());
    }

    /// As [`abort`](Self::abort), of an open connection for a cause that is not the program's.
    pub(super) fn abandon(&mut self, now: Instant, cause: Cause) {
        match &mut self.stage {
            Stage::Open(connection) => connection.abandon(now, cause),
            Stage::Framed(connection) => connection.abandon(now, cause),
            Stage::Http(_) | Stage::Asking(_) => {}
        }
        // The only such cause.
        let call = self.to_record(|| Call::Overload);
        self.record(now, call, &());
        self.abort(now);
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

    /// Whether nothing has come of a message that is not whole, as far as that can be told: of what TLS or compression holds back
    /// nothing is known.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        match &self.stage {
            Stage::Open(connection) => connection.is_between_messages(),
            Stage::Framed(connection) => connection.is_between_messages(),
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

    /// How far the open connection has come, whichever it is; all zero before.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match &self.stage {
            Stage::Open(connection) => connection.progress(),
            Stage::Framed(connection) => connection.progress(),
            Stage::Http(_) | Stage::Asking(_) => Progress::default(),
        }
    }

    /// Stops reading messages; nothing happens before it is open.
    pub fn pause(&mut self, now: Instant) {
        open!(self, connection => connection.pause(now), ());
        let call = self.to_record(|| Call::Pause);
        self.record(now, call, &());
    }

    /// Reads again after [`pause`](Self::pause).
    pub fn resume(&mut self, now: Instant) {
        open!(self, connection => connection.resume(now), ());
        let call = self.to_record(|| Call::Resume);
        self.record(now, call, &());
    }

    /// Tells whether the program owes answers to what it was handed: where framed messages are spoken it can send them when the
    /// peer's stream has ended ([`framed::Connection::owe`](crate::framed::Connection::owe)). To a WebSocket, which says goodbye by a
    /// frame, it means nothing.
    pub fn owe(&mut self, now: Instant, owes: bool) {
        if let Stage::Framed(connection) = &mut self.stage {
            connection.owe(now, owes);
            let call = self.to_record(|| Call::Owe(owes));
            self.record(now, call, &());
        }
    }

    /// The open WebSocket, if it is one: its counters.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match &self.stage {
            Stage::Open(connection) => Some(connection),
            _ => None,
        }
    }

    /// The open WebSocket, if it is one, to be used: its ping. What is done with it by this way is not recorded.
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

    /// The client's address, if it is not the peer's own: what a trusted hop told of the connection, or of the request that
    /// came last ([`Config::forwarding`](super::Config)). Once it is open, [`Welcome::client`](super::Welcome::client) has it.
    #[must_use]
    pub fn client_address(&self) -> Option<IpAddr> {
        match (&self.welcome, &self.stage) {
            (Some(welcome), _) => welcome.client,
            (None, Stage::Http(answering)) => answering.provenance.client,
            (None, _) => None,
        }
    }

    /// Whether it speaks HTTP, has answered, and waits for another request, of which nothing has come.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        matches!(&self.stage, Stage::Http(answering) if answering.responder.is_resting())
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
