//! Whether a message is obeyed, and who enters `general` by itself.

use super::Rooms;
use crate::chat::protocol::{Ask, Code, Frame, FrameType, GENERAL, Refusal};

impl<K: Copy + Ord> Rooms<K> {
    pub(super) fn handle_frame(&mut self, conn: K, frame: Frame) -> Option<Code> {
        self.judge_auto_join(conn, frame.kind);
        let is_first = self.users.get_mut(&conn).is_some_and(|user| std::mem::take(&mut user.is_fresh));
        let reference = frame.reference.as_deref();
        let obeyed = frame.ask.and_then(|ask| {
            self.check_rate(conn, &ask)?;
            self.obey(conn, ask, reference, is_first)
        });
        let refusal = obeyed.err()?;
        Some(self.refuse(conn, &refusal, reference))
    }

    /// The first message says whether the client sees to its rooms itself. A `name` or a `resume` leaves that open.
    fn judge_auto_join(&mut self, conn: K, kind: FrameType) {
        let Some(user) = self.users.get_mut(&conn) else { return };
        let owes = kind != FrameType::Resume && std::mem::take(&mut user.owes_auto_join);
        if user.auto_join.is_none() && !owes {
            return;
        }
        match kind {
            FrameType::Join => {
                let _ = self.cancel_auto_join(conn);
            }
            FrameType::Name | FrameType::Resume => self.await_auto_join(conn),
            _ => self.auto_join(conn),
        }
    }

    pub(super) fn await_auto_join(&mut self, conn: K) {
        self.cancel_auto_join(conn);
        let at = self.now + self.limits.auto_join_after;
        if let Some(user) = self.users.get_mut(&conn) {
            user.auto_join = Some(at);
            self.auto_joins.insert((at, conn));
        }
    }

    /// Whether there was anything to cancel.
    pub(super) fn cancel_auto_join(&mut self, conn: K) -> bool {
        let at = self.users.get_mut(&conn).and_then(|user| user.auto_join.take());
        at.is_some_and(|at| self.auto_joins.remove(&(at, conn)))
    }

    pub(super) fn auto_join(&mut self, conn: K) {
        self.cancel_auto_join(conn);
        // A fresh user is in no room, so this is not refused but by a limit of 0 rooms.
        let _ = self.join(conn, GENERAL);
    }

    fn check_rate(&mut self, conn: K, ask: &Ask) -> Result<(), Refusal> {
        let (now, limits) = (self.now, self.limits);
        let Some(user) = self.users.get_mut(&conn) else { return Ok(()) };
        let taken = match ask {
            Ask::Message { .. } => user.messages.take(now, limits.messages),
            // It has a pace of its own.
            Ask::Typing { .. } => Ok(()),
            _ => user.requests.take(now, limits.requests),
        };
        taken.map_err(|wait| {
            // Rounded up: who waits as told is served.
            let millis = wait.as_nanos().div_ceil(1_000_000) as u64;
            Refusal {
                retry_after_ms: Some(millis),
                ..Refusal::new(Code::RateLimited, "too much at once, wait a little")
            }
        })
    }
}
