//! Handlers on mocks, with no runtime at all: a timer or a task of one would panic here.

use super::*;
use crate::driver::tests::Scripted;
use crate::{Drain, Error, Socket};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use wharf::base::{CloseCode, Message, Origin};
use wharf::framed::Lines;
use wharf::link::{Config, Framing, OpenError};
use wharf::sim::{Act, Dice, Faults, Habit, Outcome};
use wharf::ws;
use wharf::ws::handshake::{ClientRequest, OriginPolicy};

const SECOND: Duration = Duration::from_secs(1);

async fn echo(mut socket: Socket<Scripted>) -> Result<(), Error> {
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    Ok(())
}

fn open(received: &[&'static str]) -> (Socket<Scripted>, Peer) {
    mock(received.iter().copied())
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_handler_hears_what_was_sent_and_its_answers_are_seen() {
    let (socket, peer) = open(&["ahoy", "there"]);
    let mut handler = pin!(echo(socket));
    assert!(peer.run(handler.as_mut()).is_pending());
    assert_eq!(peer.texts(), ["ahoy", "there"]);
    peer.send(vec![1, 2, 3]).unwrap();
    assert!(peer.run(handler.as_mut()).is_pending());
    assert_eq!(peer.sent()[2], Message::binary(&[1, 2, 3][..]));
    assert_eq!(peer.received(), peer.sent());
    peer.close(CloseCode::NORMAL, "bye").unwrap();
    assert!(matches!(peer.run(handler.as_mut()), Poll::Ready(Ok(()))));
    let closed = peer.closed().unwrap();
    assert_eq!((closed.code, closed.origin), (CloseCode::NORMAL, Origin::Local));
}

#[test]
fn an_executor_without_a_reactor_is_enough() {
    let (socket, peer) = open(&["ahoy"]);
    let other = peer.clone();
    let test = async move {
        assert_eq!(other.next().await, Some(Message::text("ahoy")));
        other.send("again").unwrap();
        assert_eq!(other.next().await, Some(Message::text("again")));
        other.advance(Duration::from_secs(3600));
        other.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(other.next().await, None);
    };
    let handler = async move { assert!(echo(socket).await.is_ok()) };
    all_of(vec![Box::pin(handler), Box::pin(test)]);
}

/// Whether a task was woken.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs tasks to their ends, each polled only when it was woken.
pub(crate) fn all_of(tasks: Vec<Pin<Box<dyn Future<Output = ()>>>>) {
    let mut tasks: Vec<_> =
        tasks.into_iter().map(|task| (task, Arc::new(Flag(AtomicBool::new(true))))).collect();
    while !tasks.is_empty() {
        let is_woken = |(_, flag): &(_, Arc<Flag>)| flag.0.swap(false, Ordering::SeqCst);
        let at = tasks.iter().position(is_woken).expect("each waits for a wake-up that is missing");
        let (task, flag) = &mut tasks[at];
        let waker = Waker::from(flag.clone());
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(tasks.remove(at));
        }
    }
}

/// Lets others act.
async fn turn_over() {
    let mut has_waited = false;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Lets time pass from moment to moment, and the handler act only where it is woken.
pub(crate) async fn let_time_pass(peer: Peer, time: Duration) {
    let end = peer.now() + time;
    while let Some(next) = peer.next_event().filter(|next| *next < end) {
        peer.advance((next - peer.now()).max(Duration::from_nanos(1)));
        turn_over().await;
    }
}

#[test]
fn a_deadline_that_comes_wakes_the_handler() {
    let (socket, peer) = open(&[]);
    peer.misbehave(Habit::Vanish);
    let handler = async move { assert!(echo(socket).await.is_err()) };
    all_of(vec![Box::pin(handler), Box::pin(let_time_pass(peer, 3600 * SECOND))]);
}

#[test]
fn room_that_comes_wakes_the_handler() {
    let (mut socket, peer) = open(&[]);
    let mut slow = Faults::default();
    (slow.latency, slow.partial) = (SECOND, true);
    peer.set_faults(slow, 3600 * SECOND);
    let handler = async move {
        socket.send(vec![7; 200_000]).await.unwrap();
        socket.flush().await.unwrap();
        // All is on its way, and the last of it has a second to go.
        std::mem::forget(socket);
    };
    let seen = peer.clone();
    all_of(vec![Box::pin(handler), Box::pin(let_time_pass(peer, 3000 * SECOND))]);
    assert_eq!(seen.sent().len(), 1);
}

#[test]
fn time_passes_by_the_peer_alone() {
    let mut config = Config::default();
    let mut ws = ws::Config::default();
    (ws.idle_timeout, ws.pong_timeout) = (Some(30 * SECOND), Some(5 * SECOND));
    config.ws = Arc::new(ws);
    let (socket, peer) = mock_with::<Scripted>(Scene::new(&config.into()), [""; 0]).unwrap();
    let mut handler = pin!(echo(socket));
    let begin = peer.now();
    // Pings keep a quiet peer for ever.
    assert!(peer.run_for(3600 * SECOND, handler.as_mut()).is_pending());
    assert_eq!((peer.now() - begin, peer.outcome()), (3600 * SECOND, None));
    // One that has vanished answers none.
    peer.misbehave(Habit::Vanish);
    assert!(peer.run_for(34 * SECOND, handler.as_mut()).is_pending());
    let Poll::Ready(Err(Error::Closed(closed))) = peer.run_for(31 * SECOND, handler.as_mut()) else {
        panic!("a dead peer is not found out");
    };
    assert_eq!(closed.code, CloseCode::ABNORMAL);
}

#[test]
fn a_peer_that_reads_nothing_lets_the_handler_wait_and_its_write_deadline_ends_it() {
    let (mut socket, peer) = open(&[]);
    peer.misbehave(Habit::Deaf);
    let mut handler = pin!(async move {
        loop {
            socket.send(vec![7; 10_000]).await?;
        }
        #[allow(unreachable_code)]
        Ok::<(), Error>(())
    });
    assert!(peer.run(handler.as_mut()).is_pending());
    assert!(matches!(peer.run_for(120 * SECOND, handler.as_mut()), Poll::Ready(Err(Error::Closed(_)))));
}

#[test]
fn an_end_without_a_goodbye_is_told_both_ways() {
    for habit in [Habit::Reset, Habit::HalfClose, Habit::Cut] {
        let (socket, peer) = open(&[]);
        let mut handler = pin!(echo(socket));
        assert!(peer.run(handler.as_mut()).is_pending());
        peer.misbehave(habit);
        let Poll::Ready(Err(Error::Closed(closed))) = peer.run(handler.as_mut()) else { panic!("{habit:?}") };
        assert_eq!(closed.code, CloseCode::ABNORMAL);
    }
    let (socket, peer) = open(&[]);
    drop(socket);
    assert_eq!(peer.closed().unwrap().code, CloseCode::GOING_AWAY);
}

#[test]
fn a_berth_ends_it_as_a_server_does() {
    let ends = |fails: bool| {
        let (socket, peer) = open(&[]);
        let berth = Drain::new().enter(1).unwrap();
        let handler = move |_: Socket<Scripted>| async move { if fails { Err("no") } else { Ok(()) } };
        assert!(peer.run(pin!(berth.handle(socket, handler))).is_ready());
        peer.closed().unwrap().code
    };
    assert_eq!((ends(false), ends(true)), (CloseCode::NORMAL, CloseCode::INTERNAL_ERROR));
}

#[test]
fn whatever_the_wire_does_the_handler_is_heard_and_the_same_seed_is_the_same_run() {
    let play = |seed: u64| {
        let mut scene = Scene::default();
        let mut dice = Dice::seeded(seed);
        scene.seed = seed;
        scene.faults = (Faults::any(&mut dice), 5 * SECOND);
        let texts: Vec<String> = (0..20).map(|n| format!("{n}").repeat(dice.below(2000))).collect();
        let (socket, peer) = mock_with::<Scripted>(scene, texts.clone()).unwrap();
        let mut handler = pin!(echo(socket));
        assert!(peer.run_for(20 * SECOND, handler.as_mut()).is_pending());
        assert_eq!(peer.texts(), texts, "seed {seed}");
        peer.close(CloseCode::NORMAL, "").unwrap();
        assert!(matches!(peer.run_for(SECOND, handler.as_mut()), Poll::Ready(Ok(()))));
        peer.hash()
    };
    let hashes: Vec<u64> = (0..40).map(play).collect();
    assert_eq!(hashes, (0..40).map(play).collect::<Vec<_>>());
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn other_framings_other_peers_and_a_handshake_that_fails() {
    let mut config = Config::default();
    config.framing = Framing::codec(Lines::new());
    let mut scene = Scene::new(&Arc::new(config));
    let mut is_first = true;
    scene.visit.script = Box::new(move |act: &mut Act<'_>, _: Message<'_>| {
        if std::mem::take(&mut is_first) {
            act.send("pong").unwrap();
        }
    });
    let (socket, peer) = mock_with::<Scripted>(scene, ["ping"]).unwrap();
    let mut handler = pin!(echo(socket));
    assert!(peer.run(handler.as_mut()).is_pending());
    assert_eq!(peer.texts(), ["ping", "pong"]);

    let mut config = Config::default();
    config.policy.origins = OriginPolicy::SameHost;
    let mut request = ClientRequest::new("ws://mock/").unwrap();
    request = request.header("Origin", "https://elsewhere").unwrap();
    let mut scene = Scene::new(&config.into());
    scene.target = request.into();
    let failed = mock_with::<Scripted>(scene, [""; 0]);
    assert!(matches!(failed, Err(OpenError::Handshake(_))), "{failed:?}");
}

#[test]
fn what_nobody_waits_for_wakes_nobody() {
    let (mut socket, peer) = open(&[]);
    let mut next = pin!(socket.next());
    assert!(poll(next.as_mut()).is_pending());
    peer.misbehave(Habit::Good);
    assert!(peer.run_for(SECOND, next.as_mut()).is_pending());
    assert_eq!(peer.outcome(), None::<Outcome>);
}

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(std::sync::atomic::AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn all_who_wait_for_a_message_are_woken() {
    let (socket, peer) = open(&[]);
    let mut handler = pin!(echo(socket));
    assert!(peer.run(handler.as_mut()).is_pending());
    let bells = [Arc::new(Bell::default()), Arc::new(Bell::default())];
    let [first, second] = [Waker::from(bells[0].clone()), Waker::from(bells[1].clone())];
    let mut waits = pin!(peer.next());
    assert!(waits.as_mut().poll(&mut Context::from_waker(&first)).is_pending());
    // Another one waits as well, and is dropped.
    assert!(pin!(peer.next()).poll(&mut Context::from_waker(&second)).is_pending());
    peer.send("ahoy").unwrap();
    assert!(peer.run(handler.as_mut()).is_pending());
    assert_eq!(bells[0].0.load(Ordering::SeqCst), 1);
    assert_eq!(poll(waits), Poll::Ready(Some(Message::text("ahoy"))));
}
