//! Any calls in any order, of a pair with TLS between: what holds all the time.

use super::START;
use super::ways::{IN_2027, configs, framings, target};
use crate::base::{CloseCode, End, Entropy, Input, Instant, Message};
use crate::link::{Event, Link};
use crate::proxy::{Proxies, Proxy};
use alloc::sync::Arc;
use core::time::Duration;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// What may be called.
#[derive(Clone, Debug)]
enum Call {
    Send(usize),
    Close,
    Abort,
    Fail,
    Pause,
    Resume,
    /// Carries up to so many bytes from this side to the other.
    Carry(usize),
    /// The same, with a byte changed.
    Damage(usize),
    /// Takes what is held.
    Hear,
    End(End),
    Wait(u64),
    Timeout,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => (0_usize..40_000).prop_map(Call::Send),
        1 => Just(Call::Close),
        1 => Just(Call::Abort),
        1 => Just(Call::Fail),
        2 => Just(Call::Pause),
        2 => Just(Call::Resume),
        20 => prop_oneof![1_usize..60, 500_usize..50_000].prop_map(Call::Carry),
        1 => (1_usize..4000).prop_map(Call::Damage),
        4 => Just(Call::Hear),
        1 => prop_oneof![Just(End::Eof), Just(End::Reset), Just(End::WriteFailed)].prop_map(Call::End),
        2 => (0_u64..4_000_000_000).prop_map(Call::Wait),
        3 => Just(Call::Timeout),
    ]
}

/// One link, what it holds, and what it told.
struct Party {
    link: Link,
    held: Vec<u8>,
    opened: bool,
    over: bool,
    ended: bool,
}

impl Party {
    fn hear(&mut self, now: Instant) {
        let mut held = core::mem::take(&mut self.held);
        let mut input = Input::new(&mut held);
        while let Some(event) = self.link.receive(now, &mut input) {
            assert!(!self.over, "behind the report: {event:?}");
            if let Event::Message(_) | Event::Drained = event {
                assert!(self.opened, "before it is open: {event:?}");
            }
            match event {
                Event::Request(_) => self.link.accept(now, &Default::default()).unwrap(),
                Event::Opened(_) => assert!(!core::mem::replace(&mut self.opened, true)),
                Event::Closed(_) | Event::Failed(_) => self.over = true,
                _ => {}
            }
        }
        self.held = input.as_slice().to_vec();
    }

    fn act(&mut self, now: &mut Instant, call: &Call, other: &mut Self) {
        match call {
            Call::Send(n) => drop(self.link.send(*now, Message::text("x".repeat(*n)))),
            Call::Close => drop(self.link.close(*now, CloseCode::NORMAL, "")),
            Call::Abort => self.link.abort(*now),
            Call::Fail => self.link.fail(*now),
            Call::Pause => self.link.pause(*now),
            Call::Resume => self.link.resume(*now),
            Call::Carry(n) | Call::Damage(n) => {
                let mut bytes = self.write(*now, *n);
                if let (Call::Damage(_), Some(last)) = (call, bytes.last_mut()) {
                    *last ^= 1;
                }
                if !other.ended {
                    let mut plain = Vec::new();
                    let fresh = other.link.input(*now, &mut bytes, &mut plain).as_slice().to_vec();
                    other.held.extend(fresh);
                    other.hear(*now);
                }
            }
            Call::Hear => self.hear(*now),
            Call::End(end) => {
                self.ended = true;
                self.link.receive_end(*now, *end);
            }
            Call::Wait(nanos) => *now += Duration::from_nanos(*nanos),
            Call::Timeout => {
                if let Some(due) = self.link.poll_timeout() {
                    *now = (*now).max(due);
                    self.link.handle_timeout(*now);
                    let next = self.link.poll_timeout();
                    assert!(next.is_none_or(|next| next > *now), "{next:?} at {now:?}");
                }
            }
        }
        self.check(*now);
        other.check(*now);
    }

    fn check(&mut self, now: Instant) {
        let wants = self.link.wants();
        if wants.write {
            assert!(!self.link.output(now).is_empty(), "it wants to write and has nothing: {wants:?}");
        }
    }

    fn write(&mut self, now: Instant, n: usize) -> Vec<u8> {
        if !self.link.wants().write {
            return Vec::new();
        }
        let mut slices: [&[u8]; 4] = [&[]; 4];
        let mut output = self.link.output(now);
        let filled = output.slices(&mut slices);
        let mut written = slices[..filled].concat();
        written.truncate(n);
        output.advance(written.len());
        self.hear(now);
        written
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Law: nothing comes behind the report, who wants to write has something, who was woken is not due, and with
    /// nothing more from anywhere every end comes.
    #[test]
    fn any_calls_in_any_order(
        framing in 0_usize..3,
        tls: bool,
        proxied in 0_usize..4,
        connected: bool,
        compressed: bool,
        calls in prop::collection::vec((any::<bool>(), call()), 1..80),
    ) {
        let framing = &framings()[framing];
        let (mut client, mut server) = configs(framing, tls);
        #[cfg(feature = "deflate")]
        for config in [&mut client, &mut server] {
            let deflate = compressed.then(crate::ws::deflate::Config::default);
            Arc::make_mut(&mut Arc::make_mut(config).ws).deflate = deflate;
        }
        let _ = (&mut server, compressed);
        if proxied == 0 {
            Arc::get_mut(&mut client).unwrap().proxies =
                Some(Proxies::all(Proxy::parse("http://proxy:3128").unwrap()).into());
        }
        let link = Link::client(START, IN_2027, &client, &target(framing, tls), Entropy::from_seed([1; 32]));
        let new = |link| Party { link, held: Vec::new(), opened: false, over: false, ended: false };
        let (mut a, mut b) = (new(link.unwrap()), new(Link::server(START, IN_2027, &server)));
        let mut now = START;
        if proxied == 0 {
            a.write(now, 9999);
            let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
            a.link.input(now, &mut answer, &mut Vec::new());
        }
        for _ in 0..if connected { 6 } else { 0 } {
            a.act(&mut now, &Call::Carry(99_999), &mut b);
            b.act(&mut now, &Call::Carry(99_999), &mut a);
        }
        prop_assert!(!connected || (a.opened && b.opened));
        for (first, call) in &calls {
            let (one, other) = if *first { (&mut a, &mut b) } else { (&mut b, &mut a) };
            one.act(&mut now, call, other);
        }
        for side in [&mut a, &mut b] {
            side.link.resume(now);
            side.hear(now);
            side.check(now);
            for _ in 0..40 {
                let Some(due) = side.link.poll_timeout() else { break };
                now = now.max(due);
                side.link.handle_timeout(now);
                side.hear(now);
                side.check(now);
            }
            prop_assert!(side.over, "it never ends: {:?} {:?}", side.link.wants(), side.link);
            let shutdown = side.link.wants().shutdown;
            prop_assert!(shutdown.is_some(), "{:?}", side.link.wants());
        }
    }
}
