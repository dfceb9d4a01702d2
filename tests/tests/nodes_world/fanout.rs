//! What the mesh goes over: it loses some, doubles some, and brings them in any order but that of one sender's on one subject.

use super::site::{Event, NODES, Site};
use std::time::Duration;
use wharf::service::mesh::Action;
use wharf_cli::chat::Notice;

impl Site {
    /// Does what a node's mesh wants done.
    pub(super) fn carry(&mut self, node: usize, action: Action) {
        match action {
            Action::Subscribe(subject) => drop(self.nodes[node].subjects.insert(subject)),
            Action::Unsubscribe(subject) => drop(self.nodes[node].subjects.remove(&subject)),
            Action::Publish { subject, bytes, .. } => {
                for to in (0..NODES).filter(|to| *to != node) {
                    let is_calm = self.is_calm();
                    let is_lost = self.nodes[node].is_cut || self.dice.percent(self.loss) && !is_calm;
                    if is_lost {
                        self.seen.dropped += 1;
                        continue;
                    }
                    let copies = if !is_calm && self.dice.percent(3) { 2 } else { 1 };
                    for _ in 0..copies {
                        let delay = self.dice.pick(&[1, 1, 1, 2, 5, 30]);
                        let notice =
                            Notice::Delivered { subject: subject.as_str().into(), bytes: bytes.clone() };
                        self.within(delay, Event::Noticed(to, self.nodes[to].life, notice));
                    }
                }
            }
            _ => {}
        }
    }

    /// Something comes by the mesh, if it still can.
    pub(super) fn notice(&mut self, node: usize, notice: &Notice) {
        if let Notice::Delivered { subject, .. } = &notice
            && (self.nodes[node].is_cut || !self.nodes[node].subjects.contains(&**subject))
        {
            return;
        }
        let (now, wall) = (self.now, self.wall(node));
        let Some(rooms) = &mut self.nodes[node].rooms else { return };
        rooms.handle_notice(now, wall, notice);
        self.act(node);
    }

    /// A node is cut off for a while. It may be told so, at once or late, or never.
    pub(super) fn cut(&mut self, node: usize, is_cut: bool) {
        self.seen.cuts += u64::from(is_cut);
        self.nodes[node].is_cut = is_cut;
        self.nodes[node].cuts += 1;
        let cuts = self.nodes[node].cuts;
        if !is_cut {
            self.within(1, Event::Connected(node, cuts, true));
        } else if self.dice.percent(70) {
            let delay = self.dice.pick(&[1, 1, 3_000]);
            self.within(delay, Event::Connected(node, cuts, false));
        }
    }

    /// A node's transport tells whether it is connected, unless that has changed since.
    pub(super) fn connected(&mut self, node: usize, cuts: u64, is_up: bool) {
        if self.nodes[node].cuts == cuts {
            self.notice(node, if is_up { &Notice::Up } else { &Notice::Down });
        }
    }

    pub(super) fn is_calm(&self) -> bool {
        self.now >= self.ends + Duration::from_secs(1)
    }
}
