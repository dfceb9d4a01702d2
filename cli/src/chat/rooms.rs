//! The room machine: who is where, and who hears what.

mod action;
mod congestion;
mod flow;
mod history;
mod judging;
mod nodes;
mod obeying;
mod presence;
mod reading;
mod resuming;
mod spent;
mod storing;

pub use action::{Action, Paged, Stats};
pub use nodes::{NodeStats, Notice};

use self::congestion::Congested;
use self::flow::Behind;
use self::nodes::Nodes;
use self::reading::{Reader, Reading};
use self::spent::Spent;
use super::Limits;
use super::names::key_of;
use super::protocol::{Code, Frame, GENERAL, Refusal};
use super::recent::Recent;
use super::token::new_token;
use super::user::User;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{CloseCode, Entropy, Instant, Message, Wall};
use wharf::service::history::{Action as Told, Desk, TokenHash};

/// How often old sessions go, and those of users who stay are renewed.
const UPKEEP: Duration = Duration::from_secs(3600);

/// The rooms and the users in them, by connection. It does no IO and reads no clock: what happened goes in by
/// `handle_*`, what to do comes out of [`poll_action`](Self::poll_action), to be polled until `None` after each call.
/// The same calls give the same actions, in the same order. Calls about connections that are no users' do nothing.
///
/// A message is stored first, then told to its room. All that a user is told of messages, in whatever rooms, is in the order of
/// their ids; so the greatest id that a client has seen says what it has missed.
///
/// `K` names a connection; a key must not be used again while somebody may still act on its old meaning.
///
/// ```
/// use wharf::base::{Entropy, Instant, Message, Wall};
/// use wharf::service::history::Memory;
/// use wharf_cli::chat::{Action, Limits, Rooms};
///
/// let (now, wall, mut store) = (Instant::ORIGIN, Wall::from_millis(5), Memory::new(100));
/// let mut rooms = Rooms::new(now, Limits::default(), Entropy::from_seed([7; 32]));
/// rooms.handle_opened(now, wall, 'a', true);
/// let hello = Message::text(r#"{"type": "message", "content": "hello"}"#);
/// rooms.handle_message(now, wall, 'a', &hello);
/// let mut texts = Vec::new();
/// while let Some(action) = rooms.poll_action() {
///     match action {
///         Action::Send { text, .. } | Action::Broadcast { text, .. } => texts.push(String::from_utf8(text.into()).unwrap()),
///         Action::Ask(ask) => rooms.handle_answer(now, wall, Ok(store.carry_out(&ask))),
///         _ => {}
///     }
/// }
/// // welcome, join, user_list, history, and the message
/// assert!(texts[0].starts_with(r#"{"type":"welcome""#));
/// assert!(texts.iter().any(|text| text.contains(r#""content":"hello","timestamp":5"#)));
/// assert_eq!(rooms.list().collect::<Vec<_>>(), [("general", 1)]);
/// ```
#[derive(Debug)]
pub struct Rooms<K> {
    limits: Limits,
    entropy: Entropy,
    now: Instant,
    wall: Wall,
    /// At most [`Limits::max_users`].
    users: BTreeMap<K, User>,
    /// Who is called so: one entry a user, by what its name has in common with those that count as the same.
    names: BTreeMap<String, K>,
    /// One entry a user.
    ids: BTreeMap<Arc<str>, K>,
    /// One entry a user.
    tokens: BTreeMap<TokenHash, K>,
    /// `general`, and others while they have a member; the members in the order in which they came in.
    rooms: BTreeMap<Arc<str>, Vec<K>>,
    /// Who enters `general` by itself, and when: one entry a user at most.
    auto_joins: BTreeSet<(Instant, K)>,
    desk: Desk,
    /// The greatest id that was told.
    told: u64,
    recent: Recent,
    /// Users who are not told what is said, since something older comes first.
    behind: BTreeMap<K, Behind>,
    /// How often somebody fell behind.
    turn: u64,
    /// Those of them who can go on.
    ready: BTreeSet<K>,
    /// Users who are not to be sent what can wait.
    congested: Congested<K>,
    spent: Spent,
    /// How often somebody showed a token.
    came: u64,
    /// Who waits to read, those who have waited longest first: users at most once each, and [`Limits::max_pages`].
    readers: VecDeque<Reader<K>>,
    pages: usize,
    reading: Option<Reading<K>>,
    upkeep_at: Instant,
    is_draining: bool,
    /// What is known of other nodes, if there may be any.
    nodes: Option<Box<Nodes>>,
    /// At most [`Limits::max_actions`].
    actions: VecDeque<Action<K>>,
    stats: Stats,
}

impl<K: Copy + Ord> Rooms<K> {
    /// One empty room, `general`, before a store that is well. Ids and tokens are drawn from `entropy`.
    #[must_use]
    pub fn new(now: Instant, limits: Limits, entropy: Entropy) -> Self {
        Self {
            limits,
            entropy,
            now,
            wall: Wall::default(),
            users: BTreeMap::new(),
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            tokens: BTreeMap::new(),
            rooms: BTreeMap::from([(GENERAL.into(), Vec::new())]),
            auto_joins: BTreeSet::new(),
            desk: Desk::new(now, limits.desk),
            told: 0,
            recent: Recent::default(),
            behind: BTreeMap::new(),
            turn: 0,
            ready: BTreeSet::new(),
            congested: Congested::default(),
            spent: Spent::default(),
            came: 0,
            readers: VecDeque::new(),
            pages: 0,
            reading: None,
            upkeep_at: now + UPKEEP,
            is_draining: false,
            nodes: None,
            actions: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// A connection is there: it becomes a user and is welcomed. With `auto_join` it enters `general` after a while
    /// without a message, or with its first one, unless that is a `join`.
    pub fn handle_opened(&mut self, now: Instant, wall: Wall, conn: K, auto_join: bool) {
        let now = self.advance(now, wall);
        if self.users.contains_key(&conn) {
            return;
        }
        if self.users.len() >= self.limits.max_users {
            self.stats.refused += 1;
            self.close(conn, CloseCode::TRY_AGAIN_LATER, "too many users");
            return;
        }
        let token = new_token(&mut self.entropy);
        let mut user = User::new(now, &token, &mut self.entropy);
        while self.is_taken(&key_of(&user.name), &user.id) {
            user = User::new(now, &token, &mut self.entropy);
        }
        self.enter(conn, user);
        self.welcome(conn, &token, None);
        if auto_join {
            self.await_auto_join(conn);
        }
    }

    /// A connection says something. What comes back is why that was refused, if it was, for a log: the client is told
    /// already.
    pub fn handle_message(
        &mut self,
        now: Instant,
        wall: Wall,
        conn: K,
        message: &Message<'_>,
    ) -> Option<Code> {
        self.advance(now, wall);
        let user = self.users.get_mut(&conn)?;
        let frame = Frame::parse(message);
        match &mut user.resuming {
            None => self.handle_frame(conn, frame),
            Some(resuming) if resuming.held.len() < self.limits.max_held => {
                resuming.held.push_back(frame);
                None
            }
            Some(_) => {
                let refusal = Refusal::new(Code::RateLimited, "your token is being looked up, wait a little");
                let refusal = Refusal { retry_after_ms: Some(1000), ..refusal };
                Some(self.refuse(conn, &refusal, frame.reference.as_deref()))
            }
        }
    }

    /// A connection is over, however it ended, or is given up: each of its rooms is told, once.
    pub fn handle_closed(&mut self, now: Instant, wall: Wall, conn: K) {
        self.advance(now, wall);
        if self.users.contains_key(&conn) {
            self.renew(conn, storing::LEAVING);
            self.part(conn);
        }
    }

    /// Accepts no more messages: they are refused as `unavailable`. What was accepted is stored and told.
    pub fn drain(&mut self) {
        self.is_draining = true;
    }

    /// Whether it drains, and all that was accepted is told.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_draining && self.desk.is_settled() && self.actions.is_empty()
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<Action<K>> {
        loop {
            if let Some(action) = self.actions.pop_front() {
                return Some(action);
            }
            if self.actions.capacity() > 64 {
                self.actions = VecDeque::new();
            }
            if self.hear_nodes() {
                continue;
            }
            if let Some(action) = self.mesh_action() {
                return Some(action);
            }
            if let Some(conn) = self.ready.pop_first() {
                self.go_on(conn);
            } else if self.desk.takes_reads() && self.sweeps_next() {
                self.sweep();
            } else if self.desk.takes_reads() && self.lets_read() && !self.readers.is_empty() {
                self.read_next();
            } else {
                match self.desk.poll_action()? {
                    Told::Ask(ask) => return Some(Action::Ask(ask)),
                    Told::Stored(draft, stored) => self.tell(draft, stored),
                    Told::Unavailable(draft) => self.hand_back(&draft, &storing::UNAVAILABLE),
                    Told::Refused(draft, _) => self.hand_back(&draft, &storing::REFUSED),
                    _ => {}
                }
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let auto_join = self.auto_joins.first().map(|(at, _)| *at);
        let slow = self.congested.poll_timeout();
        let (store, reading) = (self.desk.poll_timeout(), self.reading_due());
        let due = [auto_join, slow, store, reading, self.nodes_due(), Some(self.upkeep_at)];
        due.into_iter().flatten().min()
    }

    /// Acts on what is due. An early or spurious call does nothing.
    pub fn handle_timeout(&mut self, now: Instant, wall: Wall) {
        let now = self.advance(now, wall);
        while let Some((_, conn)) = self.auto_joins.first().copied().filter(|(at, _)| *at <= now) {
            self.auto_join(conn);
        }
        self.give_up_slow();
        self.desk.handle_timeout(now);
        self.give_up_reading();
        self.handle_nodes_timeout();
        if self.upkeep_at <= now {
            self.upkeep_at = now + UPKEEP;
            self.desk.expire(wall);
            let all: Vec<K> = self.users.keys().copied().collect();
            all.into_iter().for_each(|conn| self.renew(conn, storing::STAYING));
        }
    }

    /// Whether the database is away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.desk.is_away()
    }

    /// The rooms by id, with how many users are in each, at all nodes: `general`, and others while they have a member.
    pub fn list(&self) -> impl Iterator<Item = (&str, usize)> {
        let mut all: BTreeMap<&str, usize> =
            self.rooms.iter().map(|(id, members)| (&**id, members.len())).collect();
        for (id, users) in self.remote_counts() {
            *all.entry(id).or_default() += users;
        }
        all.into_iter()
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            users: self.users.len(),
            rooms: self.rooms.len(),
            behind: self.behind.len(),
            readers: self.readers.len() + usize::from(self.reading.is_some()),
            desk: self.desk.stats(),
            nodes: self.node_stats(),
            ..self.stats
        }
    }

    fn advance(&mut self, now: Instant, wall: Wall) -> Instant {
        self.now = self.now.max(now);
        self.wall = wall;
        self.now
    }

    fn push(&mut self, action: Action<K>) {
        if self.actions.len() < self.limits.max_actions {
            self.actions.push_back(action);
        } else {
            self.stats.dropped += 1;
        }
    }

    fn send(&mut self, conn: K, text: Bytes) {
        self.weigh(&[conn], text.len());
        self.push(Action::Send { conn, text });
    }

    fn broadcast(&mut self, conns: Vec<K>, text: Bytes) {
        if !conns.is_empty() {
            self.weigh(&conns, text.len());
            self.push(Action::Broadcast { conns, text });
        }
    }

    fn close(&mut self, conn: K, code: CloseCode, reason: &'static str) {
        self.push(Action::Close { conn, code, reason });
    }

    fn refuse(&mut self, conn: K, refusal: &Refusal, reference: Option<&str>) -> Code {
        self.stats.refused += 1;
        self.send(conn, refusal.reply(reference).to_bytes());
        refusal.code
    }
}

#[cfg(test)]
mod tests;
