//! Those who are told of every change.

use crate::base::{Accepted, CloseCode};
use crate::link::{ConnId, Context};
use crate::ws::Prepared;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// Those who are told of every change. One who takes too little is told nothing until it has drained, and then all at once: so
/// nobody has more to take than one list and what changed while that was written.
#[derive(Debug)]
pub(super) struct Subscribers {
    /// At most `limit`.
    members: BTreeMap<ConnId, Member>,
    pub(super) limit: usize,
    /// Those for whom there was no place.
    pub(super) refused: u64,
}

/// How far one of them is.
#[derive(Clone, Copy, Debug, Default)]
struct Member {
    /// It has not taken what it was told.
    is_congested: bool,
    /// It was not told of something since.
    is_behind: bool,
}

impl Subscribers {
    pub(super) fn new(limit: usize) -> Self {
        Self { members: BTreeMap::new(), limit, refused: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is a place for one more; if not, that is counted.
    pub(super) fn has_place(&mut self) -> bool {
        let has_place = self.members.len() < self.limit;
        self.refused += u64::from(!has_place);
        has_place
    }

    pub(super) fn insert(&mut self, conn: ConnId) {
        self.members.insert(conn, Member::default());
    }

    pub(super) fn remove(&mut self, conn: ConnId) {
        self.members.remove(&conn);
    }

    /// One of them has taken what it was told; whether there is more.
    pub(super) fn handle_drained(&mut self, conn: ConnId) -> bool {
        self.members.get_mut(&conn).is_some_and(|member| core::mem::take(member).is_behind)
    }

    /// Tells one of them all that there is to tell.
    pub(super) fn tell<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId, all: String) {
        self.send(cx, [conn], all);
    }

    /// Tells those what changed who have taken what they were told before.
    pub(super) fn tell_all<J>(&mut self, cx: &mut Context<'_, J>, changed: String) {
        let mut ready = Vec::new();
        for (conn, member) in &mut self.members {
            member.is_behind = member.is_congested;
            if !member.is_congested {
                ready.push(*conn);
            }
        }
        self.send(cx, ready, changed);
    }

    fn send<J>(&mut self, cx: &mut Context<'_, J>, members: impl IntoIterator<Item = ConnId>, text: String) {
        let prepared = Prepared::text(text);
        let mut lost = Vec::new();
        cx.broadcast(members, &prepared, |conn, sent| match sent {
            Ok(accepted) => {
                if let Some(member) = self.members.get_mut(&conn) {
                    member.is_congested = accepted == Accepted::Congested;
                }
            }
            Err(_) => lost.push(conn),
        });
        for conn in lost {
            // What it is shown would be wrong from here on. One that is closing already is on its way.
            let _ = cx.close(conn, CloseCode::TRY_AGAIN_LATER, "too slow");
            self.members.remove(&conn);
        }
    }
}
