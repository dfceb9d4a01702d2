//! Answers on their way out, and the ends of a connection that speaks HTTP.

use super::Responder;
use super::head::HeadError;
use super::responder::Turn;
use super::response::Response;
use crate::base::{
    Cause, Classifier, CloseCode, Closed, Deadline, End, Instant, Origin, Phase, Timeout, Wall, is_stalled,
    least,
};
use alloc::boxed::Box;
use alloc::string::ToString;

/// A body from here on is referenced, a smaller one copied behind its head.
const REFERENCE: usize = 4096;

impl Responder {
    /// Answers what is refused, and reads no further: where the next request begins can't be told any more.
    pub(super) fn refuse(&mut self, now: Instant, wall: Wall, error: HeadError) {
        let mut response = Response::new(error.status()).text(error.to_string());
        if error == HeadError::Method {
            response = response.with("Allow", "GET, HEAD");
        }
        self.write(now, wall, &response, false, false);
        self.finish(now, Origin::Local, CloseCode::PROTOCOL_ERROR, Cause::Refused(error.status()), false);
    }

    pub(super) fn write(
        &mut self,
        now: Instant,
        wall: Wall,
        response: &Response,
        keep_alive: bool,
        head_only: bool,
    ) {
        self.answered = true;
        response.write_head(self.outbox.cork(now), wall, keep_alive);
        if !head_only {
            if response.sent_body().len() >= REFERENCE {
                self.outbox.push_shared(now, response.sent_body().clone());
            } else {
                self.outbox.cork(now).extend_from_slice(response.sent_body());
            }
        }
        if !self.deadlines.is_armed(Deadline::WriteStall) {
            self.deadlines.arm(Deadline::WriteStall, now + least(self.config.write_timeout));
        }
    }

    /// Reads no further; what is queued is still written. With `settled` there is nothing that a reset could overtake,
    /// and no need to linger.
    pub(super) fn finish(
        &mut self,
        now: Instant,
        origin: Origin,
        code: CloseCode,
        cause: Cause,
        settled: bool,
    ) {
        if self.closing.is_open() {
            self.closing.flush(settled);
            self.deadlines.disarm(Deadline::Idle);
            self.deadlines.arm(Deadline::Close, now + least(self.config.close_timeout));
        }
        self.head.clear();
        self.report(origin, code, cause);
    }

    pub(super) fn give_up(&mut self, cause: Cause) {
        self.closing.abort();
        self.outbox.clear();
        self.head.clear();
        self.deadlines.disarm_all();
        self.report(Origin::Abnormal, CloseCode::ABNORMAL, cause);
    }

    pub(super) fn handle_end(&mut self, now: Instant, end: End) {
        if end != End::Eof {
            self.give_up(end.into());
        } else if let (Turn::Ours { keep_alive, .. }, true) = (&mut self.turn, self.closing.is_open()) {
            *keep_alive = false;
            self.closing.note_end_of_stream();
        } else if self.closing.is_open() {
            let between = !self.head.is_begun() && self.answered;
            let (origin, code, cause) = match between {
                true => (Origin::Remote, CloseCode::NORMAL, Cause::Handshake),
                false => (Origin::Abnormal, CloseCode::ABNORMAL, end.into()),
            };
            self.finish(now, origin, code, cause, true);
            self.closing.end_of_stream(self.outbox.is_empty());
        } else {
            self.closing.end_of_stream(self.outbox.is_empty());
        }
    }

    pub(super) fn handle_deadlines(&mut self, now: Instant, wall: Wall) {
        while let Some(due) = self.deadlines.pop_due(now, false) {
            if matches!(self.phase(), Phase::Finished(_)) {
                return self.deadlines.disarm_all();
            }
            match due {
                Deadline::Close => self.handle_close_deadline(now),
                Deadline::WriteStall => {
                    let timeout = Some(self.config.write_timeout);
                    if is_stalled(&self.outbox, now, timeout, &mut self.deadlines) {
                        self.give_up(Timeout::WriteStall.into());
                    }
                }
                Deadline::Idle | Deadline::Pong => self.handle_late(now, wall),
            }
        }
    }

    fn handle_late(&mut self, now: Instant, wall: Wall) {
        if !self.closing.is_open() {
            return;
        }
        if self.turn != Turn::Peer {
            return self.fail(now, wall);
        }
        let begun = self.head.is_begun();
        if begun {
            self.write(now, wall, &Response::plain(408), false, false);
        } else if self.answered {
            // The wait for the next request begins when the last byte of the answer has left.
            let due = self.written_at(now) + least(self.config.keep_alive_timeout);
            if due > now {
                return self.deadlines.arm(Deadline::Idle, due);
            }
        }
        let timeout = if self.answered && !begun { Timeout::Idle } else { Timeout::Handshake };
        self.finish(now, Origin::Abnormal, CloseCode::ABNORMAL, timeout.into(), !begun);
    }

    /// The time to close runs from when all was written: a large last answer may take as long as the peer goes on
    /// taking it. A peer that does not is ended by the write deadline.
    fn handle_close_deadline(&mut self, now: Instant) {
        let due = self.written_at(now) + least(self.config.close_timeout);
        if due > now {
            self.deadlines.arm(Deadline::Close, due);
        } else {
            self.give_up(Timeout::Close.into());
        }
    }

    /// When the last byte of output left; `now` while there is some.
    fn written_at(&self, now: Instant) -> Instant {
        if self.outbox.is_empty() { self.outbox.progress() } else { now }
    }

    fn report(&mut self, origin: Origin, code: CloseCode, cause: Cause) {
        if !core::mem::replace(&mut self.reported, true) {
            self.report = Some(Box::new(Closed::new(origin, code, "", cause, Classifier::OnlyNormal)));
        }
    }
}
