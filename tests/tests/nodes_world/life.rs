//! How nodes begin and end.

use super::site::{Event, Site};
use wharf::base::Entropy;
use wharf_cli::chat::{Limits, Rooms};

impl Site {
    pub(super) fn start(&mut self, node: usize) {
        if self.nodes[node].rooms.is_some() {
            return;
        }
        self.nodes[node].life += 1;
        let mut bytes = [node as u8; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.nodes[node].life.to_le_bytes());
        let rooms = Rooms::among_nodes(self.now, Limits::default(), Entropy::from_seed(bytes));
        self.nodes[node].rooms = Some(rooms);
        self.nodes[node].subjects.clear();
        self.act(node);
        if !self.nodes[node].is_cut {
            let cuts = self.nodes[node].cuts;
            self.within(5, Event::Connected(node, cuts, true));
        }
    }

    pub(super) fn kill(&mut self, node: usize) {
        if self.remove(node) {
            self.seen.kills += 1;
        }
    }

    /// A node is to end, once all that it has accepted is stored and told, or soon.
    pub(super) fn end_in_order(&mut self, node: usize) {
        let Some(rooms) = &mut self.nodes[node].rooms else { return };
        rooms.drain();
        self.nodes[node].is_ending = true;
        let life = self.nodes[node].life;
        self.within(6_000, Event::Ended(node, life));
        self.act(node);
    }

    /// A node tells the others that it ends, and does.
    pub(super) fn stop(&mut self, node: usize) {
        let now = self.now;
        let Some(rooms) = &mut self.nodes[node].rooms else { return };
        self.seen.ended += 1;
        self.seen.ended_early += u64::from(!rooms.is_drained());
        rooms.leave_nodes(now);
        self.carry_out(node);
        self.remove(node);
        if now >= self.ends {
            // It was to have been started again by now.
            self.within(1_000, Event::Start(node));
        }
    }

    /// Nothing is left of a node but what it has stored. Whether it ran.
    fn remove(&mut self, node: usize) -> bool {
        let Some(rooms) = self.nodes[node].rooms.take() else { return false };
        self.seen.count(&rooms);
        self.nodes[node].is_ending = false;
        self.nodes[node].asks += 1;
        self.nodes[node].life += 1;
        let conns: Vec<u32> =
            self.wires.iter().filter(|(_, wire)| wire.node == node).map(|(conn, _)| *conn).collect();
        for conn in conns {
            self.end(conn);
            self.wires.remove(&conn);
        }
        true
    }

    /// A node closes a connection since its user goes on over another one: where a user came last it stays.
    pub(super) fn judge_taken_over(&self, node: usize, conn: u32) {
        let Some(wire) = self.wires.get(&conn) else { return };
        let person = &self.people[wire.person];
        let was_looked_up_last = self.looked_up.get(&person.user).is_some_and(|last| last.1 == node);
        let came_back_last = self.came_back.get(&person.user) == Some(&node);
        let is_alone =
            self.wires.values().filter(|of| (of.node, of.person) == (node, wire.person)).count() == 1;
        assert!(
            person.conn != Some(conn) || !is_alone || !was_looked_up_last || !came_back_last,
            "{conn} is the last connection of {} and is closed for another",
            person.index
        );
    }
}
