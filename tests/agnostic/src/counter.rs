//! The server's side.

use crate::{Answer, Request};
use wharf::base::{CloseCode, Message};
use wharf::link::{ConnId, Context, Service};

/// The counter: one total for all connections. Hand it to an adapter's `serve_service`, or drive it by a
/// [`Hub`](wharf::link::Hub).
///
/// ```
/// assert_eq!(wharf_agnostic::Counter::default().total(), 0);
/// ```
#[derive(Debug, Default)]
pub struct Counter {
    total: i64,
}

impl Counter {
    /// The total now.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.total
    }

    fn answer(&mut self, request: Request) -> Answer {
        let Request::Add(n) = request else { return Answer::Total(self.total) };
        match self.total.checked_add(n) {
            Some(total) => {
                self.total = total;
                Answer::Total(total)
            }
            None => Answer::Overflow,
        }
    }
}

impl Service for Counter {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        // Either fails only on a connection that is closing, and its peer wants no answer any more.
        let _ = match Request::parse(&message) {
            Some(request) => cx.send(conn, self.answer(request).to_message()).map(drop),
            None => cx.close(conn, CloseCode::POLICY_VIOLATION, "add N or get"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_never_wraps() {
        let mut counter = Counter::default();
        assert_eq!(counter.answer(Request::Add(i64::MAX)), Answer::Total(i64::MAX));
        assert_eq!(counter.answer(Request::Add(1)), Answer::Overflow);
        assert_eq!(counter.answer(Request::Add(-1)), Answer::Total(i64::MAX - 1));
        assert_eq!(counter.answer(Request::Get), Answer::Total(i64::MAX - 1));
    }
}
