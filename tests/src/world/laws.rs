//! What must hold in every world: safety as it goes, liveness once its faults are over.

use super::{Asker, BAD, Echo, Report, Trial, Wire};
use wharf::base::{CloseCode, End};
use wharf::link::ConnId;
use wharf::sim::{Client, Habit, Outcome};

impl Trial {
    /// Nothing will ever happen again: so nothing may be left.
    pub(super) fn conclude(mut self) -> Report {
        assert_eq!(self.world.next_event(), None, "all is over and something is left to happen");
        let (world, hub) = (&self.world, self.world.hub(self.server));
        assert!(hub.is_empty(), "connections are left: {hub:?}");
        let (stats, echo) = (hub.stats(), hub.service());
        assert!(echo.open.is_empty() && echo.jobs.is_empty());
        let opened = echo.heard.len();
        assert_eq!(opened, echo.closed.len(), "one closed for each opened");
        assert_eq!((stats.opened, stats.closed), (opened as u64, opened as u64));
        assert_eq!((stats.admission.accepted, stats.admission.refused), (self.guests as u64, 0));
        assert_eq!(stats.panics, 0);
        assert!(echo.most_queued <= Wire::most_queued(&self.config), "{} bytes queued", echo.most_queued);
        let clients = || world.clients().map(|id| world.client(id));
        assert_eq!(clients().count(), self.guests);
        for client in clients() {
            check_client(client);
            check_heard(client, echo);
            check_ends(client, echo, self.wire);
        }
        let normal = echo.closed.values().filter(|closed| closed.code == CloseCode::NORMAL).count();
        let content = clients().filter(|client| is_content(client)).count();
        assert!(normal >= content, "{content} clients closed in order, the hub knows of {normal}");
        let truncated = echo.closed.values().filter(|closed| closed.cause == End::Truncated.into()).count();
        let tls = clients().filter_map(|client| client.link().tls());
        Report {
            wire: self.wire,
            hash: world.transcript().hash(),
            lines: world.transcript().lines(),
            opened,
            content,
            compressed: clients().map(|client| client.link().stats().compressed_in as usize).sum(),
            resumed: tls.filter(|session| session.is_resumed()).count(),
            turned: BAD.map(|bad| clients().filter(|c| c.has_turned_bad() && c.habit() == bad).count()),
            truncated: if self.wire.secure { truncated } else { 0 },
        }
    }
}

fn conn(client: &Client) -> ConnId {
    client.conn().expect("a hub is at the other end")
}

fn asker(client: &Client) -> &Asker {
    client.script().expect("they all are askers")
}

fn check_client(client: &Client) {
    assert!(!client.is_served(), "the hub still has it");
    assert!(client.is_gone(), "it still waits: {client:?}");
    assert!(
        client.habit() == Habit::Vanish || client.outcome().is_some(),
        "its end was not told: {client:?}"
    );
    if client.habit() == Habit::Good {
        assert!(is_content(client), "a good client on a network that healed: {client:?}");
    }
}

/// What was heard is what was said, from its begin and in order.
fn check_heard(client: &Client, echo: &Echo) {
    let (asked, answered) = asker(client).progress;
    let heard = echo.heard.get(&conn(client)).map_or(&[][..], |heard| heard);
    assert!(asker(client).plan[..asked].starts_with(heard), "{} heard what was not said", conn(client));
    assert!(heard.len() >= answered, "{} answered what it had not heard", conn(client));
}

/// An end that counts as clean was meant by both, and nothing is missing. Only on a bare stream of frames a cut between two
/// of them is nothing else.
fn check_ends(client: &Client, echo: &Echo, wire: Wire) {
    let cut = client.has_turned_bad() && matches!(client.habit(), Habit::Cut | Habit::HalfClose);
    if cut && wire.is_gullible() {
        return;
    }
    let framed_tls = client.link().tls().filter(|_| wire.is_framed());
    let (asked, name) = (asker(client).progress.0, conn(client));
    if let Some(closed) = echo.closed.get(&name).filter(|closed| closed.is_clean()) {
        assert!(asker(client).closes, "{name} ends as clean and nobody closed it: {closed:?}, {client:?}");
        assert_eq!(echo.heard[&name].len(), asked, "{name} ends as clean and something is missing");
        assert!(framed_tls.is_none_or(|tls| tls.has_sent_close()), "{name}: {closed:?}");
    }
    let Some(Outcome::Closed(closed)) = client.outcome() else { return };
    if closed.is_clean() {
        assert!(asker(client).closes, "a clean end that nobody made: {closed:?}, {client:?}");
        assert_eq!(asker(client).progress, (asked, asked), "a clean end without all answers: {client:?}");
        assert!(framed_tls.is_none_or(|tls| tls.peer_closed()), "{closed:?}, {client:?}");
    }
}

fn is_content(client: &Client) -> bool {
    let all = asker(client).plan.len();
    let normal =
        matches!(client.outcome(), Some(Outcome::Closed(closed)) if closed.code == CloseCode::NORMAL);
    normal && asker(client).progress == (all, all)
}
