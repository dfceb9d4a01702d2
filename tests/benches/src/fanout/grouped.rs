//! By a group.

use wharf::base::{Closed, Instant, Message};
use wharf::link::{ConnId, Context, Service};
use wharf::service::groups::{Config, Groups, To};
use wharf::ws::Prepared;

/// Sends each message to the members of one group, which all are.
///
/// ```
/// let service = wharf_benches::fanout::grouped::Grouped::default();
/// # let _ = service;
/// ```
#[derive(Debug)]
pub struct Grouped {
    groups: Groups,
}

impl Grouped {
    /// With these limits.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { groups: Groups::new(config) }
    }

    /// The groups.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }
}

impl Default for Grouped {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Service for Grouped {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        // There is room for more than a bench has.
        let _ = self.groups.subscribe(cx, conn, "all");
    }

    fn message(&mut self, cx: &mut Context<'_>, _: ConnId, message: Message<'_>) {
        if let Ok(prepared) = Prepared::new(message.kind(), message.into_bytes()) {
            self.groups.broadcast(cx, To::Group("all"), None, &prepared);
        }
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.groups.handle_drained(cx, conn);
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.groups.leave_all(conn);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.groups.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.groups.handle_timeout(cx);
    }
}
