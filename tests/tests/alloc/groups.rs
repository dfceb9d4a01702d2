//! What a broadcast by a group costs beside one by hand: no memory for a member that keeps up.

use allocation_counter::measure;
use std::sync::Arc;
use wharf::base::{Entropy, Instant, Wall};
use wharf::framed::Lines;
use wharf::link::{Address, Config, ConnId, Context, Framing, Hub, Service};
use wharf::service::groups::{self, Groups, To};
use wharf::ws::Prepared;

const NOW: Instant = Instant::ORIGIN;
const BROADCASTS: usize = 10;

/// Whom the next command is for.
#[derive(Clone, Copy)]
enum How {
    ByHand,
    To(To<'static>),
}

struct Announcer {
    groups: Groups,
    conns: Vec<ConnId>,
    text: Prepared,
}

impl Service for Announcer {
    type Job = ();
    type Done = ();
    type Command = How;

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.groups.subscribe(cx, conn, "a").unwrap();
        self.groups.subscribe(cx, conn, "b").unwrap();
        self.conns.push(conn);
    }

    fn command(&mut self, cx: &mut Context<'_>, how: How) {
        match how {
            How::ByHand => {
                cx.broadcast(self.conns.iter().copied(), &self.text, |_, sent| assert!(sent.is_ok()));
            }
            How::To(to) => {
                let sent = self.groups.broadcast(cx, to, None, &self.text);
                assert_eq!(sent.sent, self.conns.len());
            }
        }
    }
}

fn hub(members: usize) -> Hub<Announcer> {
    let mut config = Config::default();
    config.framing = Framing::codec(Lines::new());
    let service = Announcer {
        groups: Groups::new(groups::Config::default()),
        conns: Vec::new(),
        text: Prepared::text("ahoy"),
    };
    let mut hub = Hub::new(NOW, Wall::default(), service, &Arc::new(config), Entropy::from_seed([1; 32]));
    for _ in 0..members {
        let conn = hub.accept(NOW, Address::Unix(String::new())).unwrap();
        hub.receive(NOW, conn, &mut []);
    }
    hub
}

/// Allocations of some broadcasts, each of which is written before the next.
fn allocations(hub: &mut Hub<Announcer>, how: How) -> u64 {
    let mut round = || {
        hub.command(NOW, how);
        while let Some(conn) = hub.poll_dirty() {
            hub.handle_written(NOW, conn, 5);
        }
    };
    // What is kept for the next time is made.
    round();
    measure(|| (0..BROADCASTS).for_each(|_| round())).count_total
}

#[test]
fn a_group_allocates_nothing_for_a_member_that_keeps_up() {
    for members in [10, 1000] {
        let mut hub = hub(members);
        let by_hand = allocations(&mut hub, How::ByHand);
        for to in [To::Group("a"), To::Members, To::Groups(&["a", "b"]), To::Everyone] {
            assert_eq!(allocations(&mut hub, How::To(to)), by_hand, "{to:?}, {members} members");
        }
    }
}
