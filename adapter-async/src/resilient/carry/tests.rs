//! The task on a mock's socket, with a machine whose time the test tells.

use super::super::desk::Inner;
use super::*;
use crate::driver::tests::Scripted;
use crate::{Clock, Peer, mock};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Wake, Waker};
use std::time::Duration;
use wharf::base::{Entropy, Wall};
use wharf::link::DialError;
use wharf::service::client::{Client, ClientConfig};
use wharf::ws::handshake::ClientRequest;

type Desk = super::Desk<Inner>;
type Carry<R> = super::Carry<R, Inner>;

const HOUR: Duration = Duration::from_secs(3600);

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn desk(age: Duration) -> Arc<Desk> {
    let clock = Clock::since(std::time::Instant::now().checked_sub(age).unwrap());
    let client = Client::new(Instant::ORIGIN, ClientConfig::default(), Entropy::from_seed([7; 32]));
    Arc::new(Desk::new(clock, client))
}

/// A client that was connected when its clock began, `age` ago, and its peer.
fn connected(age: Duration) -> (Arc<Desk>, Carry<Scripted>, Peer) {
    let (desk, (socket, peer)) = (desk(age), mock::<Scripted>([""; 0]));
    let mut carry = Carry::new(desk.clone(), Target::tcp("mock", 80), Arc::new(Config::client()), None);
    let attempt = desk.with(|inner, _, _| {
        let (client, now) = (&mut inner.client, Instant::ORIGIN);
        let Some(Action::Dial(attempt)) = client.poll_action() else { panic!("it dials") };
        assert!(client.handle_opened(now, Wall::default(), attempt, true));
        client.ready(now, attempt);
        attempt
    });
    carry.stage = Stage::Open(Open::new(attempt, socket));
    (desk, carry, peer)
}

fn poll(carry: &mut Carry<Scripted>) {
    assert!(Pin::new(carry).poll(&mut cx()).is_pending());
}

#[test]
fn what_the_peer_sent_before_its_end_is_not_lost_though_the_program_reads_late() {
    const COUNT: usize = 700;
    let (desk, mut carry, peer) = connected(Duration::ZERO);
    for i in 0..COUNT {
        peer.send(i.to_string()).unwrap();
    }
    peer.close(CloseCode::GOING_AWAY, "").unwrap();
    poll(&mut carry);
    // It is woken for something else, much later: a message that goes out.
    peer.advance(Duration::from_secs(1));
    poll(&mut carry);
    for i in 0..COUNT {
        let Poll::Ready(Some(message)) = desk.poll_message(&mut cx()) else { panic!("{i} is lost") };
        assert_eq!(message.as_text(), Some(&*i.to_string()));
        poll(&mut carry);
    }
    assert!(desk.state().last_error.is_some(), "the end is seen too");
}

#[test]
fn a_sign_of_life_that_waits_to_be_read_is_one() {
    let (desk, mut carry, peer) = connected(HOUR);
    desk.with(|inner, _, _| {
        inner.client.handle_timeout(Instant::from_nanos(30_000_000_000));
        assert!(matches!(inner.client.poll_action(), Some(Action::Ping(_))));
    });
    // The process stood still while the answer came, far past the time that it had.
    peer.send("here").unwrap();
    poll(&mut carry);
    assert_eq!((desk.stats().silent, desk.state().is_connected), (0, true));
}

#[test]
fn what_is_due_since_somebody_reads_again_is_known_to_the_timer() {
    let (desk, mut carry, peer) = connected(Duration::ZERO);
    (0..256).for_each(|_| peer.send("x").unwrap());
    poll(&mut carry);
    // While nothing is read the answer to a heartbeat has no time.
    let by = desk.with(|inner, now, _| {
        assert_eq!(inner.client.poll_timeout(), Some(Instant::ORIGIN + Duration::from_secs(30)));
        inner.client.handle_timeout(now.max(Instant::from_nanos(30_000_000_000)));
        inner.client.poll_timeout()
    });
    // The timer has fired for that.
    carry.alarm = None;
    poll(&mut carry);
    assert_eq!(carry.alarm.as_ref().and_then(Alarm::at), by);
    assert!(desk.poll_message(&mut cx()).is_ready());
    poll(&mut carry);
    let by = desk.with(|inner, _, _| inner.client.poll_timeout());
    assert_eq!(carry.alarm.as_ref().and_then(Alarm::at), by);
}

/// A client that has its first dial under way, whose request has the fields that `make` makes.
fn dialing(
    make: impl Fn(u32) -> Vec<(String, String)> + Send + Sync + 'static,
) -> (Arc<Desk>, Carry<Scripted>) {
    let request = ClientRequest::new("ws://127.0.0.1:9/").unwrap().headers_by(make);
    let desk = desk(Duration::ZERO);
    // The runtime of the tests looks nothing up, and takes whoever connects there.
    let target = Target::from(request).at(std::net::SocketAddr::from(([127, 0, 0, 1], 9)).into());
    let mut carry = Carry::new(desk.clone(), target, Arc::new(Config::client()), None);
    poll(&mut carry);
    (desk, carry)
}

#[test]
fn attempts_are_numbered_for_what_is_made_afresh() {
    let numbers = Arc::<Mutex<Vec<u32>>>::default();
    let told = numbers.clone();
    let (desk, mut carry) = dialing(move |number| {
        told.lock().unwrap().push(number);
        Vec::new()
    });
    for _ in 0..2 {
        let Stage::Dialing(attempt, _) = std::mem::replace(&mut carry.stage, Stage::Idle) else {
            panic!("it dials")
        };
        desk.with(|inner, now, _| {
            inner.client.handle_dial_failed(now, Wall::default(), attempt, &DialError::Connect);
            let due = inner.client.poll_timeout().unwrap();
            inner.client.handle_timeout(due);
        });
        poll(&mut carry);
    }
    assert_eq!(*numbers.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn a_function_that_panics_fails_its_attempt_alone() {
    let (desk, carry) = dialing(|_| panic!("on purpose"));
    assert!(matches!(carry.stage, Stage::Idle) && !carry.is_over);
    assert_eq!(desk.state().last_error, Some(DialError::Connect.into()));
    assert!(desk.with(|inner, _, _| inner.client.next_dial()).is_some());
}

/// Wakes nobody, and is counted.
struct Counted;

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn who_waits_for_a_change_no_longer_is_not_remembered() {
    let desk = desk(Duration::ZERO);
    let counted = Arc::new(Counted);
    let waker = Waker::from(counted.clone());
    let cx = &mut Context::from_waker(&waker);
    assert!(pin!(desk.changed(&mut desk.version())).as_mut().poll(cx).is_pending());
    assert!(pin!(desk.stopped()).as_mut().poll(cx).is_pending());
    assert_eq!(Arc::strong_count(&counted), 2, "one here, one in the waker");
}
