//! What an adapter's log asks of a hub.

use super::{ConnId, Hub, Service};
use crate::base::Closed;

impl<S: Service> Hub<S> {
    /// Whether a connection's WebSocket was opened, for the adapter's log; never of one that the log leaves out
    /// ([`Config::is_logged`](super::Config)).
    #[must_use]
    pub fn was_opened(&self, conn: ConnId) -> bool {
        self.core.links.get(conn.0).is_some_and(|entry| entry.opened && entry.is_logged)
    }

    /// How a connection's WebSocket ended, from its end until it is released.
    #[must_use]
    pub fn closed(&self, conn: ConnId) -> Option<&Closed> {
        self.core.links.get(conn.0)?.told.as_ref()?.report.as_deref()
    }
}
