//! By a broadcast.

use wharf::base::{CloseCode, Closed, Message};
use wharf::link::{ConnId, Context, Service};
use wharf::ws::Prepared;

/// Sends each message to all members. A member that has not read what its queue may hold is shown out.
///
/// ```
/// let service = wharf_benches::fanout::service::FanOut::default();
/// # let _ = service;
/// ```
#[derive(Debug, Default)]
pub struct FanOut {
    members: Vec<ConnId>,
    /// Members whose queue is full; empty between calls.
    slow: Vec<ConnId>,
}

impl Service for FanOut {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, _: &mut Context<'_>, conn: ConnId) {
        self.members.push(conn);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let Ok(prepared) = Prepared::new(message.kind(), message.into_bytes()) else {
            let _ = cx.close(conn, CloseCode::UNSUPPORTED_DATA, "");
            return;
        };
        let Self { members, slow } = self;
        cx.broadcast(members.iter().copied(), &prepared, |conn, sent| {
            if sent.is_err() {
                slow.push(conn);
            }
        });
        for conn in slow.drain(..) {
            // One that is closing already needs no second.
            let _ = cx.close(conn, CloseCode::POLICY_VIOLATION, "too slow");
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.members.retain(|member| *member != conn);
    }
}
