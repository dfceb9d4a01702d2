//! A client on a hub's connections, in a world.

use crate::base::{CloseCode, Closed, Entropy, Instant, Message};
use crate::link::{Config, ConnId, Context, DialError, DialId, Service};
use crate::service::client::{ClientConfig, ClientEvent, Failure, Fate, Kept, Stopped, Unsent};
use crate::sim::{ServerId, World};
use crate::ws;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// The dialed side takes no message of this size.
const TOO_BIG: usize = 500_000;

type Ask = fn(&mut Keeper, &mut Context<'_>);

/// A program that keeps one connection up, and says `hello` on each.
struct Keeper {
    kept: Kept,
    greeting: &'static str,
    connected: usize,
    lost: Vec<Failure>,
    fates: Vec<Fate>,
    heard: Vec<String>,
    stopped: Option<Stopped>,
}

impl Keeper {
    fn settle(&mut self, cx: &mut Context<'_>) {
        while let Some(event) = self.kept.poll_event(cx) {
            match event {
                ClientEvent::Connected { attempt, .. } => {
                    self.connected += 1;
                    let greeting = self.greeting;
                    self.kept.act(cx, |client, now| client.greet(now, attempt, greeting));
                    self.kept.act(cx, |client, now| client.ready(now, attempt));
                }
                ClientEvent::Disconnected { failure, .. } => self.lost.push(failure),
                ClientEvent::Fate { fate, .. } => self.fates.push(fate),
                ClientEvent::Stopped(why) => self.stopped = Some(why),
            }
        }
    }

    fn say(&mut self, cx: &mut Context<'_>, text: impl Into<String>) {
        let text = text.into();
        self.kept.act(cx, |client, now| client.send(now, Message::text(text))).unwrap();
    }
}

impl Service for Keeper {
    type Job = ();
    type Done = ();
    type Command = Ask;

    fn command(&mut self, cx: &mut Context<'_>, ask: Ask) {
        ask(self, cx);
        self.settle(cx);
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        assert!(self.kept.opened(cx, conn), "none but its own");
        assert!(!self.kept.opened(cx, conn), "once");
        self.settle(cx);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        assert!(self.kept.progressed(cx, conn));
        self.heard.push(message.as_text().unwrap_or_default().to_string());
        self.settle(cx);
    }

    fn written(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.kept.progressed(cx, conn);
        self.settle(cx);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        assert!(self.kept.closed(cx, conn, closed));
        assert!(!self.kept.closed(cx, conn, closed), "once");
        assert!(!self.kept.progressed(cx, conn), "it is over");
        self.settle(cx);
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
        assert!(self.kept.dial_failed(cx, dial, error));
        assert!(!self.kept.dial_failed(cx, dial, error), "once");
        self.settle(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.kept.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.kept.timeout(cx);
        self.settle(cx);
    }
}

/// Says again what it hears, and leaves when it is told to.
struct Echo;

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        match message.as_text() {
            Some("leave") => drop(cx.close(conn, CloseCode::NORMAL, "")),
            Some("restart") => drop(cx.close(conn, CloseCode::SERVICE_RESTART, "")),
            _ => drop(cx.send(conn, message)),
        }
    }
}

struct Stage {
    world: World,
    echo: ServerId<Echo>,
    keeper: ServerId<Keeper>,
}

/// A client that was not started.
fn staged(client: impl FnOnce(&mut ClientConfig), hub: impl FnOnce(&mut Config)) -> Stage {
    let mut world = World::new(1);
    let echo = world.serve("echo", Echo, &Arc::default());
    let mut config = ClientConfig::default();
    client(&mut config);
    let mut kept =
        Kept::new(Instant::ORIGIN, "ws://nowhere/".parse().unwrap(), config, Entropy::from_seed([7; 32]));
    kept.set_target("ws://echo/".parse().unwrap());
    let keeper = Keeper {
        kept,
        greeting: "hello",
        connected: 0,
        lost: Vec::new(),
        fates: Vec::new(),
        heard: Vec::new(),
        stopped: None,
    };
    let mut limits = Config::default();
    // The signs of life are the client's own.
    let dialed =
        ws::Config { idle_timeout: None, max_message: 100_000, queue_limit: 0, ..ws::Config::client() };
    limits.dialed = Arc::new(dialed);
    hub(&mut limits);
    let keeper = world.serve("keeper", keeper, &Arc::new(limits));
    Stage { world, echo, keeper }
}

impl Stage {
    fn ask(&mut self, ask: Ask) {
        self.world.command(self.keeper, ask);
        self.world.settle();
    }

    fn keeper(&self) -> &Keeper {
        self.world.service(self.keeper)
    }
}

/// One that is connected.
fn connected() -> Stage {
    let mut stage = staged(|_| {}, |_| {});
    stage.ask(|_, _| {});
    assert_eq!((stage.keeper().connected, stage.keeper().kept.conn().is_some()), (1, true));
    stage
}

#[test]
fn it_comes_back_from_a_crash_and_tells_each_fate_once() {
    let mut stage = connected();
    stage.ask(|keeper, cx| keeper.say(cx, "one"));
    assert_eq!(stage.keeper().heard, ["hello", "one"]);
    assert_eq!(stage.keeper().fates, [Fate::Written]);

    // While nobody is there a message waits, and dials fail.
    stage.world.crash(stage.echo);
    stage.world.settle();
    stage.ask(|keeper, cx| keeper.say(cx, "two"));
    stage.world.advance(5 * SECOND);
    let at = stage.keeper();
    assert_eq!((at.connected, at.kept.conn(), at.kept.client().waiting()), (1, None, 1));
    assert!(matches!(&at.lost[..], [Failure::Closed { .. }, Failure::Dial(DialError::Connect), ..]));

    stage.world.revive(stage.echo);
    stage.world.advance(60 * SECOND);
    let at = stage.keeper();
    assert_eq!((at.connected, &at.heard[2..]), (2, &["hello".to_string(), "two".to_string()][..]));
    assert_eq!(at.fates, [Fate::Written, Fate::Written]);
}

#[test]
fn who_dies_while_it_is_isolated_is_never_come_back_to() {
    for order in 0..4 {
        for away in [SECOND, 20 * SECOND, 200 * SECOND] {
            let mut stage = connected();
            let echo = stage.echo;
            stage.world.isolate(echo);
            stage.world.advance(SECOND);
            stage.ask(|keeper, cx| keeper.say(cx, "one"));
            stage.world.crash(echo);
            stage.world.advance(away);
            if order & 1 == 0 {
                stage.world.revive(echo);
            }
            if order & 2 == 0 {
                stage.world.advance(away);
            }
            stage.world.reunite(echo);
            stage.world.advance(away);
            stage.world.revive(echo);
            stage.world.advance(100 * SECOND);
            let at = stage.keeper();
            assert_eq!((at.connected, at.kept.conn().is_some()), (2, true), "{order} {away:?} {:?}", at.lost);
        }
    }
}

#[test]
fn what_the_transport_never_took_is_sent_again_by_the_next_connection() {
    let mut stage = staged(|config| config.window = 1 << 20, |_| {});
    stage.ask(|_, _| {});
    // More than a wire takes while nobody reads: the last one is untouched, one is cut.
    stage.world.isolate(stage.echo);
    stage.ask(|keeper, cx| {
        for text in ["a", "b", "c"] {
            keeper.say(cx, text.repeat(40_000));
        }
    });
    assert_eq!(stage.keeper().fates, [Fate::Written]);
    let client = stage.keeper().kept.client();
    assert_eq!((client.unwritten(), client.waiting()), (2, 0));
    stage.ask(|keeper, cx| keeper.kept.act(cx, |client, now| client.reconnect(now)));
    stage.world.reunite(stage.echo);
    stage.world.advance(5 * SECOND);

    let at = stage.keeper();
    assert_eq!((at.connected, &at.lost[..]), (2, &[Failure::GivenUp][..]));
    let [Fate::Written, Fate::Unknown { message }, Fate::Written] = &at.fates[..] else {
        panic!("{} fates, {:?}", at.fates.len(), at.kept.client().stats())
    };
    assert!(message.as_text().is_some_and(|text| text.starts_with('b')));
    assert!(at.heard.last().is_some_and(|text| text.starts_with('c')));
    assert_eq!(at.kept.client().stats().resent, 1);
}

#[test]
fn a_silent_server_is_found_out_and_come_back_to() {
    let mut stage = connected();
    // Two heartbeats are answered.
    stage.world.advance(70 * SECOND);
    assert_eq!((stage.keeper().lost.len(), stage.keeper().kept.client().stats().heartbeats), (0, 2));
    stage.world.isolate(stage.echo);
    stage.world.advance(40 * SECOND);
    assert_eq!(stage.keeper().lost, [Failure::Silent(10 * SECOND)]);
    stage.world.reunite(stage.echo);
    stage.world.advance(60 * SECOND);
    assert!(stage.keeper().kept.client().state().is_connected);
    assert_eq!((stage.keeper().connected, stage.world.hub(stage.echo).len()), (2, 1));
}

#[test]
fn a_heartbeat_may_be_a_message() {
    let mut stage = staged(|config| config.heartbeat_message = Some(Message::text("are you there")), |_| {});
    stage.ask(|_, _| {});
    stage.world.advance(65 * SECOND);
    assert_eq!(stage.keeper().heard, ["hello", "are you there", "are you there"]);
    assert_eq!(stage.keeper().fates, [], "nobody waits for its fate");
}

#[test]
fn a_heartbeat_that_cannot_be_sent_is_counted_and_the_next_one_comes() {
    let beat = Message::text("x".repeat(TOO_BIG));
    let mut stage = staged(|config| config.heartbeat_message = Some(beat), |_| {});
    stage.ask(|_, _| {});
    stage.world.advance(65 * SECOND);
    assert_eq!((stage.keeper().connected, stage.keeper().lost.len()), (1, 0));
    assert_eq!(stage.keeper().kept.client().stats().heartbeats_failed, 2);
}

#[test]
fn one_that_leaves_for_good_is_not_come_back_to_and_one_that_restarts_is() {
    let mut stage = connected();
    stage.ask(|keeper, cx| keeper.say(cx, "restart"));
    stage.world.advance(5 * SECOND);
    assert_eq!((stage.keeper().connected, stage.world.hub(stage.echo).len()), (2, 1));
    stage.ask(|keeper, cx| keeper.say(cx, "leave"));
    let at = stage.keeper();
    assert!(matches!(&at.stopped, Some(Stopped::Fatal(Failure::Closed { .. }))), "{:?}", at.stopped);
    assert_eq!((at.kept.conn(), at.kept.poll_timeout()), (None, None));
}

#[test]
fn a_message_that_fits_no_connection_is_given_back_and_a_greeting_like_that_gives_it_up() {
    let mut stage = connected();
    stage.ask(|keeper, cx| keeper.say(cx, "x".repeat(TOO_BIG)));
    let [Fate::Unsent { message, why: Unsent::Unfit(_) }] = &stage.keeper().fates[..] else {
        panic!("{:?}", stage.keeper().fates)
    };
    assert_eq!((message.payload().len(), stage.keeper().connected), (TOO_BIG, 1));

    let mut stage = staged(|_| {}, |_| {});
    stage.ask(|keeper, _| keeper.greeting = "x".repeat(TOO_BIG).leak());
    assert_eq!((stage.keeper().connected, &stage.keeper().lost[..]), (1, &[Failure::GivenUp][..]));
    // The next connection is another one.
    stage.ask(|keeper, _| keeper.greeting = "short");
    stage.world.advance(2 * SECOND);
    assert_eq!((stage.keeper().connected, &stage.keeper().heard[..]), (2, &["short".to_string()][..]));
}

#[test]
fn a_dial_that_the_hub_refuses_is_one_that_failed() {
    let mut stage = staged(|_| {}, |hub| hub.max_dials = 0);
    stage.ask(|_, _| {});
    assert_eq!(stage.keeper().lost, [Failure::Dial(DialError::TooMany)]);
    stage.world.advance(2 * SECOND);
    assert_eq!(stage.keeper().kept.client().stats().dials_failed, 2);
}

#[test]
fn stopping_says_goodbye_and_gives_a_dial_up() {
    let stop: Ask = |keeper, cx| keeper.kept.act(cx, |client, now| client.stop(now));
    let mut stage = connected();
    stage.ask(stop);
    assert_eq!((&stage.keeper().stopped, stage.world.hub(stage.echo).len()), (&Some(Stopped::Asked), 0));

    let mut stage = connected();
    stage.world.isolate(stage.echo);
    stage.ask(|keeper, cx| keeper.kept.act(cx, |client, now| client.reconnect(now)));
    // It is dialing by then.
    stage.world.advance(3 * SECOND);
    stage.ask(stop);
    stage.world.reunite(stage.echo);
    assert_eq!(stage.world.run(), Ok(()));
    let at = stage.keeper();
    assert_eq!((&at.stopped, at.connected, at.kept.poll_timeout()), (&Some(Stopped::Asked), 1, None));
    assert!(stage.world.hub(stage.echo).is_empty());
}
