//! Several nodes over one database and a mesh that can be cut.

use super::*;
use std::collections::VecDeque;
use wharf::service::history::{PageAsk, Span};
use wharf::service::mesh::{Action as MeshAction, Mesh, Subject};

mod catching_up;
mod finding;
mod flow;
mod gone;
mod pacing;
mod people;
mod poison;
mod sweeps;

/// One node, its store's answers taken at once, and what its connections have heard.
struct Node {
    rooms: Rooms<u32>,
    /// How far its clock is ahead, in milliseconds.
    ahead: u64,
    subjects: BTreeSet<Subject>,
    heard: BTreeMap<u32, Vec<Value>>,
    closed: Vec<(u32, u16)>,
    /// It neither hears nor is heard.
    is_cut: bool,
    /// What the store says to one who comes back waits here.
    holds: bool,
    /// So does what it says to one who writes.
    holds_writes: bool,
    held: Vec<Answer>,
    /// How many pages were read from an id on.
    pages: usize,
}

struct Cluster {
    nodes: Vec<Node>,
    memory: Memory,
    now: Instant,
    on_the_way: VecDeque<(usize, Subject, Bytes)>,
    /// Nothing that is published on a room's subject arrives.
    loses: bool,
    /// The database is not there for anybody.
    is_away: bool,
    /// It answers nothing.
    is_silent: bool,
}

impl Node {
    fn new(now: Instant, limits: Limits, seed: u8) -> Self {
        Self {
            rooms: Rooms::among_nodes(now, limits, Entropy::from_seed([seed; 32])),
            ahead: 0,
            subjects: BTreeSet::new(),
            heard: BTreeMap::new(),
            closed: Vec::new(),
            is_cut: false,
            holds: false,
            holds_writes: false,
            held: Vec::new(),
            pages: 0,
        }
    }
}

impl Cluster {
    /// So many nodes that know each other.
    fn of(nodes: usize) -> Self {
        Self::within(nodes, Limits::default())
    }

    fn within(nodes: usize, limits: Limits) -> Self {
        let now = Instant::ORIGIN;
        let mut cluster = Self {
            nodes: (1..).take(nodes).map(|seed| Node::new(now, limits, seed)).collect(),
            memory: Memory::new(100_000),
            now,
            on_the_way: VecDeque::new(),
            loses: false,
            is_away: false,
            is_silent: false,
        };
        for node in 0..nodes {
            cluster.notice(node, &Notice::Up);
        }
        cluster.pass(3_000);
        cluster
    }

    /// Each with one member in `general`, of the node's number, who has heard nothing yet.
    fn with_one_each(nodes: usize) -> Self {
        let mut cluster = Self::of(nodes);
        for node in 0..nodes {
            cluster.enter(node, node as u32);
        }
        cluster.pass(3_000);
        cluster.forget();
        cluster
    }

    fn start(&mut self) -> usize {
        let node = self.start_alone();
        self.notice(node, &Notice::Up);
        node
    }

    /// One more, whose mesh is not up yet.
    fn start_alone(&mut self) -> usize {
        let seed = 100 + self.nodes.len() as u8;
        self.nodes.push(Node::new(self.now, Limits::default(), seed));
        self.nodes.len() - 1
    }

    fn forget(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.heard.clear());
    }

    fn wall(&self, node: usize) -> Wall {
        Wall::from_millis(1_000 + self.nodes[node].ahead + self.now.as_nanos() / 1_000_000)
    }

    fn notice(&mut self, node: usize, notice: &Notice) {
        let (now, wall) = (self.now, self.wall(node));
        self.nodes[node].rooms.handle_notice(now, wall, notice);
        self.settle();
    }

    /// It is cut off from the others, or is not any more.
    fn cut(&mut self, node: usize, is_cut: bool) {
        self.nodes[node].is_cut = is_cut;
        self.notice(node, if is_cut { &Notice::Down } else { &Notice::Up });
    }

    fn open(&mut self, node: usize, conn: u32) {
        let (now, wall) = (self.now, self.wall(node));
        self.nodes[node].rooms.handle_opened(now, wall, conn, false);
        self.settle();
    }

    fn enter(&mut self, node: usize, conn: u32) {
        self.open(node, conn);
        self.say(node, conn, json!({"type": "join"}));
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the JSON in place")]
    fn say(&mut self, node: usize, conn: u32, message: Value) {
        self.put(node, conn, &message);
        self.settle();
    }

    /// Says it without anything being done about it yet.
    fn put(&mut self, node: usize, conn: u32, message: &Value) {
        let (now, wall) = (self.now, self.wall(node));
        self.nodes[node].rooms.handle_message(now, wall, conn, &Message::text(message.to_string()));
    }

    fn message(&mut self, node: usize, content: &str) {
        self.say(node, node as u32, json!({"type": "message", "content": content, "ref": content}));
    }

    fn close(&mut self, node: usize, conn: u32) {
        let (now, wall) = (self.now, self.wall(node));
        self.nodes[node].rooms.handle_closed(now, wall, conn);
        self.settle();
    }

    /// Time goes on, and nobody is late by more than 10 ms.
    fn pass(&mut self, millis: u64) {
        for _ in 0..millis.div_ceil(10) {
            self.now += Duration::from_millis(10);
            for node in 0..self.nodes.len() {
                let (now, wall) = (self.now, self.wall(node));
                self.nodes[node].rooms.handle_timeout(now, wall);
            }
            self.settle();
        }
    }

    /// Does all that is to be done, until nothing is.
    fn settle(&mut self) {
        loop {
            for node in 0..self.nodes.len() {
                self.drain(node);
            }
            let Some((from, subject, bytes)) = self.on_the_way.pop_front() else { return };
            for to in 0..self.nodes.len() {
                let (now, wall, node) = (self.now, self.wall(to), &mut self.nodes[to]);
                if to != from && !node.is_cut && node.subjects.contains(&subject) {
                    let came = Notice::Delivered { subject: subject.as_str().into(), bytes: bytes.clone() };
                    node.rooms.handle_notice(now, wall, &came);
                }
            }
        }
    }

    fn drain(&mut self, at: usize) {
        while let Some(action) = self.nodes[at].rooms.poll_action() {
            let (now, wall) = (self.now, self.wall(at));
            let node = &mut self.nodes[at];
            let (conns, text) = match action {
                Action::Send { conn, text } => (vec![conn], text),
                Action::Broadcast { conns, text } => (conns, text),
                Action::Close { conn, code, .. } => {
                    node.closed.push((conn, code.as_u16()));
                    continue;
                }
                Action::Ask(_) if self.is_silent => continue,
                Action::Ask(ask) => {
                    let is_after = matches!(&ask, StoreAsk::Page(PageAsk { span: Span::After(_), .. }));
                    node.pages += usize::from(is_after);
                    let is_write = matches!(&ask, StoreAsk::Write(_));
                    if is_after && node.holds || is_write && node.holds_writes {
                        node.held.push(self.memory.carry_out(&ask));
                        continue;
                    }
                    let away = Err(Failure::Away("gone".into()));
                    let answer = if self.is_away { away } else { Ok(self.memory.carry_out(&ask)) };
                    node.rooms.handle_answer(now, wall, answer);
                    continue;
                }
                Action::Mesh(MeshAction::Subscribe(subject)) => {
                    node.subjects.insert(subject);
                    continue;
                }
                Action::Mesh(MeshAction::Unsubscribe(subject)) => {
                    node.subjects.remove(&subject);
                    continue;
                }
                Action::Mesh(MeshAction::Publish { subject, sequence, bytes, .. }) => {
                    let is_lost = self.loses && sequence > 0;
                    if !node.is_cut && !is_lost {
                        self.on_the_way.push_back((at, subject, bytes));
                    }
                    continue;
                }
                other => panic!("{other:?}"),
            };
            for conn in conns {
                node.heard.entry(conn).or_default().push(serde_json::from_slice(&text).expect("JSON"));
            }
        }
    }

    fn heard(&mut self, node: usize, conn: u32) -> Vec<Value> {
        self.nodes[node].heard.remove(&conn).unwrap_or_default()
    }

    fn types(&mut self, node: usize, conn: u32) -> Vec<String> {
        self.heard(node, conn).iter().map(|m| m["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The ids of the messages that were heard, those in histories too.
    fn ids(&mut self, node: usize, conn: u32) -> Vec<u64> {
        self.heard(node, conn).iter().flat_map(ids_of).collect()
    }

    fn welcome(&self, node: usize, conn: u32) -> Value {
        let mut heard = self.nodes[node].heard[&conn].iter().rev();
        heard.find(|m| m["type"] == "welcome").expect("a welcome").clone()
    }

    /// Who is in a room, as a member is told.
    fn list(&mut self, node: usize, conn: u32, room: &str) -> Vec<String> {
        self.say(node, conn, json!({"type": "user_list", "roomId": room}));
        let heard = self.nodes[node].heard.get_mut(&conn).expect("a list");
        let list = heard.pop().expect("a list");
        let members = list["members"].as_array().expect("members");
        let mut ids: Vec<String> =
            members.iter().map(|member| member["userId"].as_str().unwrap_or_default().to_owned()).collect();
        ids.sort();
        assert_eq!(list["users"].as_array().map(Vec::len), Some(ids.len()));
        ids
    }

    fn stats(&self, node: usize) -> NodeStats {
        self.nodes[node].rooms.stats().nodes.expect("one of several")
    }
}
