//! Groups in a hub whose connections speak lines and are read from only when a test says so.

mod faults;
mod model;
mod overload;
#[cfg(feature = "json")]
mod server;
mod slow;
mod subscriptions;

use super::*;
use crate::base::{CloseCode, Closed, End, Entropy, Instant, Kind, Wall};
use crate::framed::{self, Lines};
use crate::link::{self, Address, ConnId, Context, Framing, Hub, Service};
use crate::ws::Prepared;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// Above so many bytes an output is congested here.
const HIGH: usize = 100;

/// With more than so many bytes that wait to be written on all connections the hub sends nothing.
const MOST: usize = 64 << 10;

type Act = Box<dyn FnOnce(&mut Groups, &mut Context<'_>)>;

/// A service that embeds groups as it should, and does what a test says.
struct Embedding {
    groups: Groups,
    left: Vec<(ConnId, Left)>,
}

impl Service for Embedding {
    type Job = ();
    type Done = ();
    type Command = Act;

    fn command(&mut self, cx: &mut Context<'_>, act: Act) {
        act(&mut self.groups, cx);
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.groups.handle_drained(cx, conn);
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.left.push((conn, self.groups.leave_all(conn)));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.groups.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.groups.handle_timeout(cx);
    }
}

/// The hub, the members by number, and what each has read.
struct Hall {
    hub: Hub<Embedding>,
    now: Instant,
    conns: Vec<ConnId>,
    read: Vec<String>,
}

impl Hall {
    fn new(config: Config, members: usize) -> Self {
        let mut framed = framed::Config::default();
        (framed.high_mark, framed.low_mark, framed.max_message) = (HIGH, HIGH / 2, 200);
        (framed.queue_limit, framed.idle_timeout, framed.write_timeout) = (0, None, None);
        let limits = link::Config {
            framing: Framing::codec(Lines::new()),
            framed: Arc::new(framed),
            max_queued: MOST,
            overload: link::Overload::Refuse,
            ..link::Config::default()
        };
        let now = Instant::ORIGIN;
        let service = Embedding { groups: Groups::new(config), left: Vec::new() };
        let mut hub = Hub::new(now, Wall::default(), service, &Arc::new(limits), Entropy::from_seed([1; 32]));
        let mut conns = Vec::new();
        for _ in 0..members {
            let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
            hub.receive(now, conn, &mut []);
            conns.push(conn);
        }
        Self { hub, now, conns, read: alloc::vec![String::new(); members] }
    }

    fn groups(&self) -> &Groups {
        &self.hub.service().groups
    }

    fn act<T: 'static>(&mut self, act: impl FnOnce(&mut Groups, &mut Context<'_>) -> T + 'static) -> T {
        let out = alloc::rc::Rc::new(core::cell::RefCell::new(None));
        let told = out.clone();
        self.hub.command(
            self.now,
            Box::new(move |groups: &mut Groups, cx: &mut Context<'_>| {
                *told.borrow_mut() = Some(act(groups, cx))
            }),
        );
        let out = out.borrow_mut().take();
        out.unwrap()
    }

    fn join(&mut self, member: usize, group: &str) -> Result<bool, SubscribeError> {
        let (conn, group) = (self.conns[member], group.to_string());
        self.act(move |groups, cx| groups.subscribe(cx, conn, &group))
    }

    fn leave(&mut self, member: usize, group: &str) -> bool {
        let (conn, group) = (self.conns[member], group.to_string());
        self.act(move |groups, _| groups.unsubscribe(conn, &group))
    }

    /// Says something to all of these groups.
    fn say(&mut self, to: &[&str], except: Option<usize>, text: &str) -> Sent {
        let to: Vec<String> = to.iter().map(|group| group.to_string()).collect();
        let (except, message) = (except.map(|i| self.conns[i]), text_message(text));
        self.act(move |groups, cx| {
            let to: Vec<&str> = to.iter().map(|group| &**group).collect();
            match to[..] {
                [group] => groups.broadcast(cx, To::Group(group), except, &message),
                _ => groups.broadcast(cx, To::Groups(&to), except, &message),
            }
        })
    }

    fn say_to(&mut self, to: To<'static>, except: Option<usize>, text: &str) -> Sent {
        let (except, message) = (except.map(|i| self.conns[i]), text_message(text));
        self.act(move |groups, cx| groups.broadcast(cx, to, except, &message))
    }

    /// A member reads so many bytes; whether there were any.
    fn read(&mut self, member: usize, most: usize) -> bool {
        let conn = self.conns[member];
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let n = self.hub.slices(conn, &mut slices);
        let mut bytes = slices[..n].concat();
        bytes.truncate(most);
        self.read[member].push_str(core::str::from_utf8(&bytes).unwrap());
        if !bytes.is_empty() {
            self.hub.handle_written(self.now, conn, bytes.len());
        }
        !bytes.is_empty()
    }

    /// A member reads all that comes; the lines that it has read in its life.
    fn lines(&mut self, member: usize) -> Vec<String> {
        while self.read(member, 64) {}
        assert!(self.read[member].is_empty() || self.read[member].ends_with('\n'));
        self.read[member].lines().map(String::from).collect()
    }

    /// A member is gone, without a word.
    fn vanish(&mut self, member: usize) -> Left {
        self.hub.receive_end(self.now, self.conns[member], End::Reset);
        self.hub.release(self.now, self.conns[member]);
        self.left(member)
    }

    /// What a member left behind.
    fn left(&self, member: usize) -> Left {
        let conn = self.conns[member];
        let left: Vec<_> = self.hub.service().left.iter().filter(|(c, _)| *c == conn).collect();
        assert_eq!(left.len(), 1, "told once");
        left[0].1.clone()
    }

    fn stats(&self, member: usize) -> MemberStats {
        self.groups().member(self.conns[member]).unwrap()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.hub.handle_timeout(self.now);
    }
}

fn text_message(text: &str) -> Prepared {
    Prepared::text(text)
}

fn config(slow: SlowPolicy) -> Config {
    Config { slow, max_behind: 4, max_behind_bytes: 100, ..Config::default() }
}
