//! The ends of a connection: close, peer's close, violation, end of stream, deadlines, abort.

use super::Role;
use super::connection::Connection;
use super::gate::Gate;
use crate::base::{
    Cause, CloseCode, Closed, Deadline, End, Instant, Origin, Phase, SendError, Timeout, Violation,
    is_stalled, least,
};
use alloc::boxed::Box;
use alloc::string::{String, ToString};

impl Connection {
    /// Gives the connection up at once: what is queued is dropped, the transport is to be reset.
    pub fn abort(&mut self, now: Instant) {
        self.abandon(now, Cause::Aborted);
    }

    /// As [`abort`](Self::abort), for a cause that is not the program's.
    pub(crate) fn abandon(&mut self, now: Instant, cause: Cause) {
        self.settle(now);
        self.give_up(cause);
    }

    /// The local program failed over what it was handed: the peer is told `code` behind what was accepted, and is read
    /// no further, since what was handed up last may not have been taken whole. Nothing happens once the messages are
    /// over.
    pub fn fail(&mut self, now: Instant, code: CloseCode) {
        let now = self.settle(now);
        if !self.closing.is_receiving() {
            return;
        }
        if self.closing.is_open() && code.may_be_sent() {
            self.queue_close(now, code, "");
        }
        self.closing.flush(false);
        self.leave_open(now);
        self.report(Origin::Local, self.close_sent.unwrap_or(code), String::new(), Cause::Aborted);
    }

    pub(super) fn begin_close(
        &mut self,
        now: Instant,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), SendError> {
        if !self.closing.is_open() {
            return Err(if self.closing.is_receiving() { SendError::Closing } else { SendError::Closed });
        }
        if !code.can_close_with(reason) {
            return Err(SendError::InvalidClose);
        }
        // RFC 6455 7.1.2: "an endpoint MUST send a Close control frame, as described in Section 5.5.1"
        self.queue_close(now, code, reason);
        self.closing.close();
        self.leave_open(now);
        Ok(())
    }

    /// The peer's Close frame: its code is the one that is told, whatever follows (RFC 6455 section 7.1.5).
    pub(super) fn handle_peer_close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        let origin = if self.closing.is_open() { Origin::Remote } else { Origin::Local };
        // RFC 6455 5.5.1: "the endpoint MUST send a Close frame in response"
        if origin == Origin::Remote {
            self.queue_close(now, code, "");
        }
        // "The server MUST close the TCP connection immediately; the client SHOULD wait for the server" (7.1.1).
        // RFC 6455 5.5.1: "considers the WebSocket connection closed and MUST close the underlying TCP connection"
        // RFC 6455 5.5.1: "The server MUST close the underlying TCP connection immediately"
        self.closing.flush(self.role == Role::Server);
        self.leave_open(now);
        self.report(origin, code, reason.to_string(), Cause::Handshake);
    }

    /// The peer broke the protocol: it is told why, and read no further (RFC 6455 section 7.1.7).
    pub(super) fn violate(&mut self, now: Instant, violation: Violation) {
        let reason = violation.to_string();
        if self.closing.is_open() {
            // RFC 6455 7.1.7: "the client MUST _Close the WebSocket Connection_"
            // RFC 6455 7.1.7: "the server MUST _Close the WebSocket Connection_"
            self.queue_close(now, violation.close_code(), &reason);
        }
        self.closing.flush(false);
        self.leave_open(now);
        self.report(Origin::Abnormal, CloseCode::ABNORMAL, reason, Cause::Violation(violation));
    }

    pub(super) fn handle_end(&mut self, end: End) {
        if end == End::Eof {
            // RFC 6455 7.2.1: "If at any point the underlying transport layer connection is unexpectedly lost"
            self.closing.end_of_stream(self.outbox.is_empty());
            self.leave_open(self.clock.last());
            self.report(Origin::Abnormal, CloseCode::ABNORMAL, String::new(), Cause::Transport(end));
        } else {
            self.give_up(Cause::Transport(end));
        }
    }

    pub(super) fn handle_deadlines(&mut self, now: Instant) {
        while let Some(due) = self.deadlines.pop_due(now, self.is_paused()) {
            if matches!(self.phase(), Phase::Finished(_)) {
                break;
            }
            match due {
                Deadline::Close => self.give_up(Timeout::Close.into()),
                Deadline::WriteStall => {
                    if is_stalled(&self.outbox, now, self.config.write_timeout, &mut self.deadlines) {
                        self.give_up(Timeout::WriteStall.into());
                    }
                }
                Deadline::Pong => {
                    if self.liveness.is_dead(now, self.config.patience(), &mut self.deadlines) {
                        self.give_up(Timeout::Pong.into());
                    }
                }
                Deadline::Idle => {
                    if self.liveness.is_idle(now, self.config.patience(), &mut self.deadlines) {
                        self.queue_ping(now);
                    }
                }
            }
        }
        if matches!(self.phase(), Phase::Finished(_)) {
            self.deadlines.disarm_all();
        }
    }

    /// Ends it at once; the report is made unless the outcome was known before.
    fn give_up(&mut self, cause: Cause) {
        self.closing.abort();
        // RFC 6455 6.1: "If at any point the state of the WebSocket connection changes, the endpoint MUST abort"
        self.outbox.clear();
        self.take_pong();
        self.leave_open(self.clock.last());
        self.report(Origin::Abnormal, CloseCode::ABNORMAL, String::new(), cause);
    }

    /// What every way out of the open state has in common. From here on the close deadline runs; the keepalive
    /// does not, since it could only ping behind a Close.
    fn leave_open(&mut self, now: Instant) {
        if self.gate & Gate::NOT_OPEN == 0 {
            self.gate |= Gate::NOT_OPEN;
            self.gate &= !Gate::PAUSED;
            self.deadlines.disarm(Deadline::Idle);
            self.deadlines.disarm(Deadline::Pong);
            self.deadlines.arm(Deadline::Close, now + least(self.config.close_timeout));
            #[cfg(feature = "deflate")]
            self.compression.end_sending();
        }
        if !self.closing.is_receiving() {
            if self.gate & Gate::ENDED != 0 {
                self.closing.note_end_of_stream();
            }
            self.gate &= !Gate::DRAINED;
            self.take_pong();
            self.assembly = None;
            self.control = None;
            #[cfg(feature = "deflate")]
            self.compression.end_receiving();
        }
        if matches!(self.phase(), Phase::Finished(_)) {
            self.deadlines.disarm_all();
        }
    }

    fn report(&mut self, origin: Origin, code: CloseCode, reason: String, cause: Cause) {
        if self.gate & Gate::REPORTED != 0 {
            return;
        }
        self.gate |= Gate::REPORTED;
        let closed =
            Closed::new(origin, code, reason, cause, self.config.classifier).with_sent(self.close_sent);
        self.report = Some(Box::new(closed));
    }
}
