//! All at once: whatever is done to a hub, the sums that it keeps are those of its connections, and each recording comes out
//! the same.

use super::{START, WALL};
use crate::base::{CloseCode, Closed, End, Entropy, Input, Instant, Kind, Message};
use crate::link::record::{Recorder, replay};
use crate::link::{Address, Config, ConnId, Context, Event, Hub, Link, Overload, Service};
use crate::ws::Prepared;
use crate::ws::handshake::ClientRequest;
use alloc::sync::Arc;
use core::time::Duration;
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;
use std::sync::Mutex;
use std::vec::Vec;

#[derive(Debug, Default)]
pub(super) struct Shelf(pub(super) Mutex<Vec<Vec<u8>>>);

impl Recorder for Shelf {
    fn take(&self, recording: Vec<u8>) {
        self.0.lock().unwrap().push(recording);
    }
}

/// Does what the first letter of a message says.
#[derive(Default)]
struct Restless {
    conns: Vec<ConnId>,
}

impl Service for Restless {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, _: &mut Context<'_>, conn: ConnId) {
        self.conns.push(conn);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let text = message.as_text().unwrap_or_default();
        match text.as_bytes().first() {
            Some(b'p') => panic!("in message"),
            Some(b'a') => {
                let prepared = Prepared::text(text);
                cx.broadcast(self.conns.iter().copied(), &prepared, |_, _| {});
            }
            Some(b'r') => self.conns.iter().for_each(|conn| cx.resume(*conn)),
            Some(b'm') => {
                for _ in 0..5 {
                    let _ = cx.send(conn, message.as_lent());
                }
            }
            Some(b'c') => drop(cx.close(conn, CloseCode::NORMAL, "")),
            Some(b'x') => cx.abort(conn),
            _ => drop(cx.send(conn, message)),
        }
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.conns.retain(|other| *other != conn);
        let _ = cx.send(conn, Message::text("too late"));
        for other in &self.conns {
            let _ = cx.send(*other, Message::text("one has gone"));
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Say(u8, u16),
    Take(usize),
    Send(u16, bool),
    Pause,
    Resume,
    Throttle(bool),
    Later(u16),
    Wall,
    End,
    Release,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (prop::sample::select(b"eeeeaammrrcxp".to_vec()), 0..30_000_u16).prop_map(|(what, size)| Act::Say(what, size)),
        8 => (0..60_000_usize).prop_map(Act::Take),
        4 => (0..30_000_u16, any::<bool>()).prop_map(|(size, shared)| Act::Send(size, shared)),
        3 => Just(Act::Pause),
        3 => Just(Act::Resume),
        2 => any::<bool>().prop_map(Act::Throttle),
        2 => (0..40_000_u16).prop_map(Act::Later),
        1 => Just(Act::Wall),
        1 => Just(Act::End),
        1 => Just(Act::Release),
    ]
}

struct Turmoil {
    hub: Hub<Restless>,
    now: Instant,
    clients: Vec<(ConnId, Link)>,
}

impl Turmoil {
    fn new(config: &Arc<Config>) -> Self {
        let hub = Hub::new(START, WALL, Restless::default(), config, Entropy::from_seed([1; 32]));
        let mut turmoil = Self { hub, now: START, clients: Vec::new() };
        for _ in 0..3 {
            let conn = turmoil.hub.accept(START, Address::Unix(String::new())).unwrap();
            let request = ClientRequest::new("ws://a/").unwrap();
            let own = Config { recorder: None, ..Config::clone(config) };
            let link = Link::client(START, WALL, &own.into(), &request.into(), Entropy::from_seed([2; 32]));
            turmoil.clients.push((conn, link.unwrap()));
            let which = turmoil.clients.len() - 1;
            turmoil.up(which);
            turmoil.take(which, usize::MAX);
        }
        assert_eq!(turmoil.hub.service().conns.len(), 3);
        turmoil
    }

    /// As an adapter does it: a panic is followed by a recovery, and that may panic again.
    fn guarded(&mut self, act: impl FnOnce(&mut Hub<Restless>, Instant)) {
        let (hub, now) = (&mut self.hub, self.now);
        if catch_unwind(AssertUnwindSafe(|| act(hub, now))).is_err() {
            while catch_unwind(AssertUnwindSafe(|| hub.recover(now))).is_err() {}
        }
    }

    fn up(&mut self, which: usize) {
        let (conn, link) = &mut self.clients[which];
        let (conn, mut up) = (*conn, Vec::new());
        link.output(self.now).drain_into(&mut up);
        // It comes only while it is wanted.
        if self.hub.wants(conn).is_some_and(|wants| wants.read) {
            self.guarded(|hub, now| hub.receive(now, conn, &mut up));
        }
        // The transport takes nothing.
        self.guarded(|hub, now| hub.handle_written(now, conn, 0));
    }

    fn take(&mut self, which: usize, most: usize) {
        let conn = self.clients[which].0;
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let n = self.hub.slices(conn, &mut slices);
        let mut down = slices[..n].concat();
        down.truncate(most);
        self.guarded(|hub, now| hub.handle_written(now, conn, down.len()));
        let mut input = Input::new(&mut down);
        while let Some(event) = self.clients[which].1.receive(self.now, &mut input) {
            assert!(!matches!(event, Event::Failed(_)));
        }
    }

    fn carry_out(&mut self, which: usize, act: &Act) {
        let conn = self.clients[which].0;
        match act {
            Act::Say(what, size) => {
                let mut text = String::from(char::from(*what));
                text.extend((0..*size).map(|i| char::from(b'a' + (i.wrapping_mul(i) >> 3) as u8 % 26)));
                let _ = self.clients[which].1.send(self.now, Message::text(text));
                self.up(which);
            }
            Act::Take(n) => self.take(which, *n),
            Act::Send(size, shared) => self.guarded(|hub, now| {
                let (mut cx, payload) = (Context::new(&mut hub.core), std::vec![7; usize::from(*size)]);
                let _ = match shared {
                    true => cx.send_bytes(conn, Kind::Binary, payload.into()),
                    false => cx.send(conn, Message::binary(payload)),
                };
                hub.pump(now);
            }),
            Act::Pause | Act::Resume | Act::Throttle(_) => self.guarded(|hub, now| {
                let mut cx = Context::new(&mut hub.core);
                match act {
                    Act::Pause => cx.pause(conn),
                    Act::Throttle(throttled) => cx.throttle(conn, *throttled),
                    _ => cx.resume(conn),
                }
                hub.pump(now);
            }),
            Act::Later(millis) => {
                self.now += Duration::from_millis((*millis).into());
                self.guarded(|hub, now| hub.handle_timeout(now));
            }
            Act::Wall => self.guarded(|hub, now| hub.handle_wall(now, WALL)),
            Act::End => self.guarded(|hub, now| hub.receive_end(now, conn, End::Eof)),
            Act::Release => self.guarded(|hub, now| hub.release(now, conn)),
        }
        let counted: usize =
            self.hub.core.links.iter().map(|(_, entry)| entry.link.queued() / 4096 * 4096).sum();
        assert_eq!(self.hub.queued(), counted, "{act:?}");
    }
}

fn all_adds_up(acts: &[(usize, Act)], overload: Overload, compresses: bool, is_recorded: bool) {
    let shelf = Arc::new(Shelf::default());
    let mut config = Config { overload, ..Config::default() };
    if is_recorded {
        config.recorder = Some(shelf.clone());
    }
    config.max_queued = 150_000;
    #[cfg(feature = "deflate")]
    if compresses {
        Arc::make_mut(&mut config.ws).deflate = Some(Default::default());
    }
    let _ = compresses;
    let config = Arc::new(config);
    let mut turmoil = Turmoil::new(&config);
    for (which, act) in acts {
        turmoil.carry_out(*which, act);
    }
    for which in 0..3 {
        turmoil.carry_out(which, &Act::Release);
    }
    assert_eq!((turmoil.hub.len(), turmoil.hub.queued(), turmoil.hub.handshakes()), (0, 0, 0));
    assert!(!turmoil.hub.core.is_overloaded);
    let recordings = shelf.0.lock().unwrap();
    assert_eq!(recordings.len(), if is_recorded { 3 } else { 0 });
    for recording in &*recordings {
        let replayed = replay(recording, &config).unwrap();
        assert_eq!((replayed.difference, replayed.is_whole), (None, true));
    }
}

proptest! {
    #[test]
    fn what_waits_adds_up_and_what_was_recorded_comes_out_the_same(
        acts in prop::collection::vec((0..3_usize, act()), 0..40),
        refuses in any::<bool>(),
        compresses in any::<bool>(),
        is_recorded in any::<bool>(),
    ) {
        let overload = if refuses { Overload::Refuse } else { Overload::Disconnect };
        all_adds_up(&acts, overload, compresses, is_recorded);
    }
}
