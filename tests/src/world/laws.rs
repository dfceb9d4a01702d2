//! What must hold in every world: safety as it goes, liveness once its faults are over.

use super::{Client, Habit, Outcome, Report, World};
use std::time::Duration;
use wharf::base::CloseCode;

impl World {
    /// All settles within its deadlines once the network has healed.
    pub(super) fn check_patience(&self) {
        let patience = Duration::from_secs(600);
        assert!(
            self.now < self.heals + patience,
            "still at it long after all faults are over: {:?}",
            self.hub
        );
    }

    /// Nothing will ever happen again: so nothing may be left.
    pub(super) fn conclude(self) -> Report {
        assert!(self.hub.is_empty(), "connections are left: {:?}", self.hub);
        let stats = self.hub.stats();
        let echo = self.hub.service();
        assert!(echo.open.is_empty() && echo.jobs.is_empty());
        assert_eq!(echo.opened.len(), echo.closed.len(), "one closed for each opened");
        assert_eq!((stats.opened, stats.closed), (echo.opened.len() as u64, echo.closed.len() as u64));
        assert_eq!((stats.accepted, stats.refused), (self.clients.len() as u64, 0));
        assert_eq!(stats.panics, 0);
        let ws = &self.config.ws;
        assert!(echo.most_queued <= ws.high_mark + ws.max_message, "{} bytes queued", echo.most_queued);
        for client in &self.clients {
            check_client(client);
        }
        let normal = echo.closed.values().filter(|closed| closed.code == CloseCode::NORMAL).count();
        let content = self.clients.iter().filter(|client| is_content(client)).count();
        assert!(normal >= content, "{content} clients closed in order, the hub knows of {normal}");
        let (hash, lines) = (self.transcript.hash(), self.transcript.lines());
        Report { hash, lines, opened: echo.opened.len(), content }
    }
}

fn check_client(client: &Client) {
    assert!(client.conn.is_none(), "the hub still has it");
    assert!(client.gone, "it still waits: {client:?}");
    assert!(client.habit == Habit::Vanish || client.outcome.is_some(), "its end was not told: {client:?}");
    if client.habit == Habit::Good {
        assert!(is_content(client), "a good client on a network that healed: {client:?}");
    }
}

fn is_content(client: &Client) -> bool {
    let all = client.plan.len();
    let normal = matches!(&client.outcome, Some(Outcome::Closed(closed)) if closed.code == CloseCode::NORMAL);
    normal && client.progress == (all, all)
}
