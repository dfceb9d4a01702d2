//! One message to one connection, whatever its state.

use super::lag::{Held, Lags, Standing};
use super::{Config, Fate};
use crate::base::{Accepted, CloseCode, SendError};
use crate::link::{ConnId, Context};
use crate::ws::Prepared;
use alloc::vec::Vec;

/// What stands between a message and its connections.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) config: Config,
    pub(super) lags: Lags,
    pub(super) counts: Counts,
    /// Connections that are to leave their groups, and whether they are disconnected for being slow; empty between calls.
    pub(super) going: Vec<Going>,
}

/// One that goes, and how many messages it did not get that never waited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Going {
    pub(super) conn: ConnId,
    pub(super) is_disconnected: bool,
    pub(super) unsent: u64,
}

/// The counters that only grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) dropped: u64,
    pub(super) unsent: u64,
    pub(super) unsendable: u64,
    pub(super) disconnected: u64,
    pub(super) refused: u64,
}

impl Counts {
    pub(super) const fn new() -> Self {
        Self { sent: 0, dropped: 0, unsent: 0, unsendable: 0, disconnected: 0, refused: 0 }
    }
}

impl Delivery {
    /// Sends a message, or keeps it where one that came before waits.
    #[inline]
    pub(super) fn deliver<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId, message: &Prepared) -> Fate {
        if self.lags.standing(conn) == Standing::Free {
            let sent = cx.send_prepared(conn, message);
            if sent == Ok(Accepted::Queued) {
                self.counts.sent += 1;
                return Fate::Sent;
            }
            return self.judge(cx, conn, message, sent);
        }
        self.deliver_slowly(cx, conn, message)
    }

    /// What an answer other than `Queued` means.
    #[cold]
    fn judge<J>(
        &mut self,
        cx: &mut Context<'_, J>,
        conn: ConnId,
        message: &Prepared,
        sent: Result<Accepted, SendError>,
    ) -> Fate {
        match sent {
            Ok(accepted) => {
                if accepted == Accepted::Congested {
                    self.lags.congest(conn);
                }
                self.counts.sent += 1;
                Fate::Sent
            }
            Err(SendError::Full) => {
                self.lags.congest(conn);
                self.deliver_slowly(cx, conn, message)
            }
            // Whatever else is said of one that is not open: its end may have been told, and who was written down anew
            // would stay for ever.
            Err(_) if !is_open(cx, conn) => {
                self.counts.unsent += 1;
                self.going.push(Going { conn, is_disconnected: false, unsent: 1 });
                Fate::Unsent
            }
            Err(error) if is_unsendable(error) => {
                self.counts.unsendable += 1;
                self.lags.note(conn, true, |stats| stats.unsendable += 1);
                Fate::Unsendable
            }
            // Neither the message nor the connection is to blame, so there is nothing that it could wait for.
            Err(_) => {
                self.counts.dropped += 1;
                self.lags.note(conn, true, |stats| stats.dropped += 1);
                Fate::Dropped
            }
        }
    }

    /// To one that is behind, or goes.
    #[cold]
    fn deliver_slowly<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId, message: &Prepared) -> Fate {
        if self.lags.standing(conn) == Standing::Gone {
            self.counts.unsent += 1;
            self.lags.note(conn, false, |stats| stats.unsent += 1);
            return Fate::Unsent;
        }
        let (held, dropped) = self.lags.hold(cx.now(), &self.config, conn, message);
        self.counts.dropped += dropped;
        match held {
            Held::Waiting => Fate::Waiting,
            Held::Dropped => {
                self.counts.dropped += 1;
                Fate::Dropped
            }
            Held::Overflow => {
                self.counts.unsent += 1;
                self.disconnect(cx, conn, 1);
                Fate::Unsent
            }
        }
    }

    /// Closes one that is too slow; it is to leave its groups.
    pub(super) fn disconnect<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId, unsent: u64) {
        // One that is closing already goes without our help.
        let is_disconnected = cx.close(conn, CloseCode::TRY_AGAIN_LATER, "too slow").is_ok();
        self.counts.disconnected += u64::from(is_disconnected);
        self.going.push(Going { conn, is_disconnected, unsent });
    }

    /// Tries those again who had room while nothing at all could be sent.
    pub(super) fn retry<J>(&mut self, cx: &mut Context<'_, J>) {
        for conn in self.lags.take_starved(cx.now()) {
            if self.lags.is_any_starved() {
                self.lags.starve(cx.now(), conn, &self.config);
            } else {
                self.flush(cx, conn);
            }
        }
    }

    /// Sends what waits for one that has drained, as far as it goes.
    pub(super) fn flush<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId) {
        self.lags.relieve(conn);
        while let Some(message) = self.lags.first(conn) {
            let sent = cx.send_prepared(conn, message);
            match sent {
                Ok(_) => self.counts.sent += 1,
                Err(SendError::Full) => {}
                Err(SendError::Closing | SendError::Closed | SendError::NotOpen) => {
                    self.going.push(Going { conn, is_disconnected: false, unsent: 0 });
                    return;
                }
                Err(SendError::Overload) => return self.lags.starve(cx.now(), conn, &self.config),
                Err(error) if is_unsendable(error) => {
                    self.counts.unsendable += 1;
                    self.lags.note(conn, false, |stats| stats.unsendable += 1);
                }
                Err(_) => {
                    self.counts.dropped += 1;
                    self.lags.note(conn, false, |stats| stats.dropped += 1);
                }
            }
            if sent != Err(SendError::Full) {
                self.lags.take(conn);
            }
            if matches!(sent, Ok(Accepted::Congested) | Err(SendError::Full)) {
                return self.lags.congest(conn);
            }
        }
        self.lags.settle(conn);
    }
}

/// Whether messages can be sent to it.
pub(super) fn is_open<J>(cx: &Context<'_, J>, conn: ConnId) -> bool {
    cx.info(conn).is_some_and(|info| info.is_open)
}

/// Whether it is the message that the connection cannot carry, now or later.
fn is_unsendable(error: SendError) -> bool {
    matches!(
        error,
        SendError::TooBig { .. }
            | SendError::NotUtf8
            | SendError::UnsupportedKind(_)
            | SendError::ContainsDelimiter
            | SendError::Unframeable(_)
    )
}
