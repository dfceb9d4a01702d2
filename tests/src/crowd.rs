//! A crowd in one group, behind real sockets, and what the server says of each of it.

use crate::adapter::{PATIENCE, Peer, Serving};
use crate::folder::Folder;
use crate::motley::Ground;
use crate::wire::{first, frame};
use std::io::Read;
use std::sync::{Arc, mpsc};
use std::time::Instant;
use wharf::base::{Closed, Message};
use wharf::link::{Config, ConnId, Context, Service};
use wharf::service::groups::{self, Announcement, GroupServer, MemberStats, Stats};

/// What the server tells of.
#[derive(Clone, Debug)]
pub enum News {
    /// An announcement was sent.
    Said(Report),
    /// Time has passed that a member could be waited for.
    Waited(Report),
    /// A member is gone, with its counters and how it ended.
    Gone(usize, MemberStats, Closed),
}

/// How things stand.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The counters of all.
    pub stats: Stats,
    /// The counters of those that do not keep up, by their number.
    pub slow: Vec<(usize, MemberStats)>,
    /// The most bytes that one connection has queued.
    pub most_queued: usize,
    /// The bytes that those connections have queued that do not keep up.
    pub slow_queued: usize,
}

/// A [`GroupServer`] that tells what it does. Members are numbered as they open.
#[derive(Debug)]
struct Watched {
    server: GroupServer,
    tell: mpsc::Sender<News>,
    conns: Vec<ConnId>,
}

impl Watched {
    fn number(&self, conn: ConnId) -> usize {
        self.conns.iter().position(|c| *c == conn).expect("it was opened")
    }

    fn report(&self, cx: &Context<'_>) -> Report {
        let groups = self.server.groups();
        let queued = |conn| cx.info(conn).map_or(0, |info| info.queued);
        Report {
            stats: groups.stats(),
            slow: groups.slow().map(|(conn, stats)| (self.number(conn), stats)).collect(),
            most_queued: self.conns.iter().map(|conn| queued(*conn)).max().unwrap_or_default(),
            slow_queued: groups.slow().map(|(conn, _)| queued(conn)).sum(),
        }
    }
}

impl Service for Watched {
    type Job = ();
    type Done = ();
    type Command = Announcement;

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.conns.push(conn);
        self.server.opened(cx, conn);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        self.server.message(cx, conn, message);
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.server.drained(cx, conn);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        let stats = self.server.groups().member(conn).unwrap_or_default();
        self.server.closed(cx, conn, closed);
        // A test that has ended wants no news.
        let _ = self.tell.send(News::Gone(self.number(conn), stats, closed.clone()));
    }

    fn command(&mut self, cx: &mut Context<'_>, announcement: Announcement) {
        self.server.command(cx, announcement);
        let _ = self.tell.send(News::Said(self.report(cx)));
    }

    fn poll_timeout(&self) -> Option<wharf::base::Instant> {
        self.server.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.server.timeout(cx);
        let _ = self.tell.send(News::Waited(self.report(cx)));
    }
}

/// Members of the group `crowd`, some of whom never read.
#[derive(Debug)]
pub struct Crowd {
    /// All of them, in the order in which they came.
    pub peers: Vec<Peer>,
    /// The numbers of those who never read.
    pub idlers: Vec<usize>,
    /// What was said so far.
    pub said: Vec<String>,
    serving: Serving<Announcement>,
    news: mpsc::Receiver<News>,
    _folder: Option<Folder>,
}

impl Crowd {
    /// A crowd of `size`, every `nth` of whom never reads.
    ///
    /// # Panics
    /// It cannot be gathered.
    #[must_use]
    pub fn gather(ground: Ground, size: usize, nth: usize, limits: groups::Config) -> Self {
        let folder = ground.unix.then(Folder::new);
        let address = folder.as_ref().map_or(([127, 0, 0, 1], 0).into(), |folder| folder.socket("socket"));
        let mut ws = wharf::ws::Config::default();
        // However slow this machine is, who is closed has time to read why.
        (ws.write_timeout, ws.idle_timeout, ws.close_timeout) = (None, None, PATIENCE);
        let mut config = Config::default();
        config.ws = Arc::new(ws);
        let (tell, news) = mpsc::channel();
        let service = Watched { server: GroupServer::new(limits), tell, conns: Vec::new() };
        let serving = Serving::start_at(ground.runtime, vec![address], service, config).expect("it starts");
        let peers: Vec<Peer> = (0..size).map(|_| join(&serving)).collect();
        let idlers: Vec<usize> = (0..size).step_by(nth).collect();
        for idler in &idlers {
            peers[*idler].stream.hold_little();
        }
        Self { peers, idlers, said: Vec::new(), serving, news, _folder: folder }
    }

    /// Says something of about `len` bytes to all; those who read, read it.
    ///
    /// # Panics
    /// One of them gets something else.
    pub fn say(&mut self, len: usize) -> Report {
        let number = self.said.len();
        self.said.push(format!("[{number},\"{}\"]", "x".repeat(len)));
        let announcement = Announcement::to_group("crowd", &(number, "x".repeat(len))).expect("it is JSON");
        self.serving.command(announcement);
        let expected = frame(first::TEXT, self.said[number].as_bytes(), None);
        let mut got = vec![0; expected.len()];
        for (member, peer) in self.peers.iter_mut().enumerate() {
            if self.idlers.binary_search(&member).is_err() {
                peer.stream.read_exact(&mut got).expect("a message");
                assert!(got == expected, "{member} gets something else");
            }
        }
        loop {
            match self.news() {
                News::Said(report) => return report,
                News::Waited(_) => {}
                News::Gone(..) => panic!("nobody goes by himself"),
            }
        }
    }

    /// Says something again and again until the outcome is as wished.
    ///
    /// # Panics
    /// It never is.
    pub fn say_until(&mut self, len: usize, wish: impl Fn(&Report) -> bool) -> Report {
        let until = Instant::now() + PATIENCE;
        loop {
            let report = self.say(len);
            if wish(&report) {
                return report;
            }
            assert!(Instant::now() < until, "{report:?}");
        }
    }

    /// What comes next.
    ///
    /// # Panics
    /// Nothing comes.
    #[must_use]
    pub fn news(&self) -> News {
        self.news.recv_timeout(PATIENCE).expect("something happens")
    }

    /// One who never read reads all that it still gets: the numbers of the messages, and the code of a close if there is one.
    /// Without a close the last of them is the last that was said.
    ///
    /// # Panics
    /// It gets what was never said.
    pub fn awaken(&mut self, member: usize, closed: bool) -> (Vec<usize>, Option<u16>) {
        let mut numbers = Vec::new();
        while closed || numbers.last() != Some(&(self.said.len() - 1)) {
            let peer = &mut self.peers[member];
            let frame = peer.frame().expect("a message");
            if frame.first == first::CLOSE {
                let code = u16::from_be_bytes([frame.payload[0], frame.payload[1]]);
                peer.close(code);
                assert!(peer.rest().is_empty());
                return (numbers, Some(code));
            }
            let text = String::from_utf8(frame.payload).expect("text");
            let number =
                text[1..].split(',').next().and_then(|number| number.parse().ok()).expect("a number");
            assert!(self.said[number] == text);
            numbers.push(number);
        }
        (numbers, None)
    }

    /// Drains the server, to its end.
    pub fn disperse(self) {
        let Self { peers, serving, .. } = self;
        serving.drain();
        for mut peer in peers {
            // Some were closed before.
            if let Some(frame) = peer.frame() {
                assert_eq!((frame.first, &frame.payload[..2]), (first::CLOSE, &1001_u16.to_be_bytes()[..]));
                peer.close(1001);
            }
        }
        serving.wait();
    }
}

/// A member that the server knows of: it has been answered since it subscribed.
fn join(serving: &Serving<Announcement>) -> Peer {
    let mut peer = Peer::open(&serving.address);
    // In one write: a second would wait until the first is acknowledged.
    let said = [&br#"{"type":"subscribe","groupId":"crowd"}"#[..], b"?"];
    peer.write(&said.map(|text| frame(first::TEXT, text, Some([7, 1, 4, 2]))).concat());
    let answer = peer.frame().expect("an answer").payload;
    assert!(answer.starts_with(br#"{"type":"error","code":"bad_json""#));
    peer
}
