//! The ends of a connection: close, violation, end of stream, deadlines, abort.

use super::Codec;
use super::connection::{Connection, Gate};
use crate::base::{
    Cause, CloseCode, Closed, Deadline, End, Instant, Origin, Phase, SendError, Timeout, Violation,
    is_stalled, least,
};
use alloc::boxed::Box;
use alloc::string::{String, ToString};

impl<C: Codec> Connection<C> {
    /// Gives the connection up at once: what is queued is dropped, the transport is to be reset.
    pub fn abort(&mut self, now: Instant) {
        self.abandon(now, Cause::Aborted);
    }

    /// As [`abort`](Self::abort), for a cause that is not the program's.
    pub(crate) fn abandon(&mut self, now: Instant, cause: Cause) {
        self.settle(now);
        self.give_up(cause);
    }

    /// Tells whether the program still owes answers to what it was handed. While it does, a peer that ends its stream between two
    /// messages, as in `printf 'hi\n' | nc -N`, is not taken to have ended the connection: messages can be sent until nothing is owed
    /// or the time of a close is over, and only then is the end told. Nothing is owed by default.
    pub fn owe(&mut self, now: Instant, owes: bool) {
        self.settle(now);
        if owes {
            self.gate |= Gate::OWES;
        } else {
            self.gate &= !Gate::OWES;
            self.end_if_waiting();
        }
    }

    /// The local program failed over what it was handed: what was accepted is written, then the stream ends; the peer is
    /// read no further. The report has `code`. Nothing happens once the messages are over.
    pub fn fail(&mut self, now: Instant, code: CloseCode) {
        let now = self.settle(now);
        if !self.closing.is_receiving() {
            return;
        }
        let code = self.goodbye.take().map_or(code, |goodbye| goodbye.0);
        self.closing.flush(false);
        self.leave_open(now);
        self.report(Origin::Local, code, String::new(), Cause::Aborted);
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
        // As a Close frame could say it, so that a close is good or bad on every transport.
        if !code.can_close_with(reason) {
            return Err(SendError::InvalidClose);
        }
        self.goodbye = Some(Box::new((code, reason.to_string())));
        self.closing.close();
        self.leave_open(now);
        self.end_if_waiting();
        Ok(())
    }

    /// The peer broke the framing or a limit: what was accepted is written, then the stream ends, and it is read no
    /// further.
    pub(super) fn violate(&mut self, now: Instant, violation: Violation) {
        if !self.closing.is_receiving() {
            return;
        }
        self.closing.flush(false);
        self.leave_open(now);
        let reason = violation.to_string();
        self.report(Origin::Abnormal, CloseCode::ABNORMAL, reason, Cause::Violation(violation));
    }

    pub(super) fn handle_end(&mut self, end: End) {
        if end != End::Eof {
            return self.give_up(Cause::Transport(end));
        }
        if self.closing.read_over() {
            return;
        }
        let whole = self.closing.is_receiving() && !self.is_between_messages();
        let mut last = if whole { self.finish_at_eof() } else { Ok(None) };
        let between = self.is_between_messages();
        if let Ok(last) = &mut last
            && between
            && self.closing.is_open()
            && self.gate & Gate::OWES != 0
        {
            self.last = last.take().map(Box::new);
            return self.await_answers();
        }
        self.closing.end_of_stream(self.outbox.is_empty());
        self.leave_open(self.clock.last());
        match last {
            Err(violation) => {
                let reason = violation.to_string();
                self.report(Origin::Abnormal, CloseCode::ABNORMAL, reason, Cause::Violation(violation));
            }
            Ok(_) if !between => {
                let cause = Cause::Transport(End::Truncated);
                self.report(Origin::Abnormal, CloseCode::ABNORMAL, String::new(), cause);
            }
            Ok(last) => {
                self.last = last.map(Box::new);
                self.report_end();
            }
        }
    }

    /// The peer says no more, and is owed something.
    fn await_answers(&mut self) {
        self.closing.note_end_of_stream();
        self.deadlines.disarm(Deadline::Idle);
        self.deadlines.disarm(Deadline::Pong);
        self.arm_close(self.clock.last());
    }

    /// The end of the stream that was put off, if one was.
    fn end_if_waiting(&mut self) {
        if self.closing.read_over() && self.closing.is_receiving() {
            self.closing.end_of_stream(self.outbox.is_empty());
            self.leave_open(self.clock.last());
            self.report_end();
        }
    }

    /// Both sides are done.
    fn report_end(&mut self) {
        let goodbye = self.goodbye.take();
        let origin = if goodbye.is_some() { Origin::Local } else { Origin::Remote };
        let (code, reason) = goodbye.map_or((CloseCode::NORMAL, String::new()), |goodbye| *goodbye);
        self.report(origin, code, reason, Cause::Handshake);
    }

    pub(super) fn handle_deadlines(&mut self, now: Instant) {
        while let Some(due) = self.deadlines.pop_due(now, self.is_paused()) {
            if self.is_finished() {
                break;
            }
            match due {
                Deadline::Close => {
                    // What is owed by now is not paid any more.
                    self.end_if_waiting();
                    if !self.is_finished() {
                        self.give_up(Timeout::Close.into());
                    }
                }
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
                        match self.keepalive_types() {
                            Some(_) => self.queue_ping(now),
                            None => self.give_up(Timeout::Idle.into()),
                        }
                    }
                }
            }
        }
        if self.is_finished() {
            self.deadlines.disarm_all();
        }
    }

    /// Ends it at once; the report is made unless the outcome was known before.
    fn give_up(&mut self, cause: Cause) {
        self.closing.abort();
        self.outbox.clear();
        self.leave_open(self.clock.last());
        self.report(Origin::Abnormal, CloseCode::ABNORMAL, String::new(), cause);
    }

    /// What every way out of the open state has in common. From here on the close deadline runs; idle does not.
    fn leave_open(&mut self, now: Instant) {
        if self.gate & Gate::NOT_OPEN == 0 {
            self.gate |= Gate::NOT_OPEN;
            self.gate &= !Gate::PAUSED;
            self.deadlines.disarm(Deadline::Idle);
            self.deadlines.disarm(Deadline::Pong);
            self.arm_close(now);
        }
        if !self.closing.is_receiving() {
            self.gate &= !Gate::DRAINED;
            self.assembly = None;
        }
        if matches!(self.phase(), Phase::Finished(_)) {
            self.deadlines.disarm_all();
        }
    }

    /// The time of a close begins, if it has not.
    fn arm_close(&mut self, now: Instant) {
        if !self.deadlines.is_armed(Deadline::Close) {
            self.deadlines.arm(Deadline::Close, now + least(self.config.close_timeout));
        }
    }

    fn report(&mut self, origin: Origin, code: CloseCode, reason: String, cause: Cause) {
        if self.gate & Gate::REPORTED != 0 || self.closing.is_receiving() {
            return;
        }
        self.gate |= Gate::REPORTED;
        self.goodbye = None;
        self.report = Some(Box::new(Closed::new(origin, code, reason, cause, self.config.classifier)));
    }
}
