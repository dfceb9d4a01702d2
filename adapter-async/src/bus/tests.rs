//! The task on a mock's socket, whose peer the test makes the bus.

use super::desk::{Desk, Inner};
use super::{BusClient, BusSendError, Deliveries};
use crate::driver::tests::Scripted;
use crate::resilient::{Carried, Carry};
use crate::{Clock, Peer, mock};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wharf::base::{Entropy, Wall};
use wharf::link::{Config, Target};
use wharf::service::bus::client::{self as core, BusClientConfig, BusClientEvent, BusStopped, Undelivered};
use wharf::service::bus::{Envelope, FromBus, Name, Reason, ToBus};
use wharf::service::client::{Action, Machine, Stopped};

type Task = Carry<Scripted, Inner>;

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

/// A client that is registered, its task, and the bus.
fn registered() -> (BusClient, Deliveries, Task, Peer) {
    let (socket, peer) = mock::<Scripted>([""; 0]);
    let clock = Clock::new();
    let entropy = Entropy::from_seed([7; 32]);
    let machine = core::BusClient::new(clock.now(), BusClientConfig::new(name("mail")), entropy);
    let desk = Arc::new(Desk::new(clock, machine));
    let attempt = desk.with(|inner, now, _| {
        let Some(Action::Dial(attempt)) = inner.machine().poll_action() else { panic!("it dials") };
        let client = inner.machine().client_mut();
        assert!(client.handle_opened(now, Wall::default(), attempt, true));
        attempt
    });
    let task = Carry::unhooked(desk.clone(), Target::tcp("mock", 80), Arc::new(Config::client()));
    let mut task = task.connected(attempt, socket);
    poll(&mut task, &peer);
    assert_eq!(peer.texts(), [r#"{"type":"register","serviceId":"mail"}"#]);
    say(&mut task, &peer, &FromBus::Registered { service_id: name("mail"), pending: 0 });
    (BusClient(desk.clone()), Deliveries::new(desk), task, peer)
}

fn poll(task: &mut Task, peer: &Peer) {
    for _ in 0..3 {
        assert!(Pin::new(&mut *task).poll(&mut cx()).is_pending());
        peer.advance(Duration::from_millis(1));
    }
}

fn say(task: &mut Task, peer: &Peer, frame: &FromBus<'_>) {
    peer.send(frame.encode()).unwrap();
    poll(task, peer);
}

fn delivery(n: u64) -> FromBus<'static> {
    let id = name(&format!("m-{n}"));
    FromBus::Message(Envelope::new(id, name("shop"), name("mail"), "n", &n, 0).unwrap())
}

fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut cx()) {
        Poll::Ready(out) => Some(out),
        Poll::Pending => None,
    }
}

fn last(peer: &Peer) -> String {
    peer.texts().pop().unwrap()
}

#[test]
fn an_answer_behind_deliveries_that_nobody_takes_is_read() {
    let (client, mut deliveries, mut task, peer) = registered();
    let mut sent = client.send("shop", "n", &1);
    for n in 0..600 {
        peer.send(delivery(n).encode()).unwrap();
    }
    let message_id = sent.id().unwrap().clone();
    say(&mut task, &peer, &FromBus::Accepted { message_id: message_id.clone() });
    assert_eq!(now(&mut sent).expect("it is answered").unwrap(), message_id);
    for n in 0..600 {
        let delivery = now(deliveries.next()).expect("it has come").unwrap();
        assert_eq!(delivery.payload::<u64>().unwrap(), n);
        delivery.ack();
    }
    poll(&mut task, &peer);
    assert_eq!(last(&peer), r#"{"type":"ack","messageId":"m-599","from":"shop"}"#);
    assert_eq!(client.stats().acked, 600);
}

#[test]
fn a_delivery_that_is_dropped_is_refused_and_says_why() {
    let (_client, mut deliveries, mut task, peer) = registered();
    for n in 0..3 {
        say(&mut task, &peer, &delivery(n));
    }
    drop(now(deliveries.next()).unwrap());
    poll(&mut task, &peer);
    let refusal = |why: &str, n| {
        let reason = why.into();
        ToBus::Nack { message_id: name(&format!("m-{n}")), from: Some(name("shop")), reason }.encode()
    };
    assert_eq!(last(&peer), refusal("the receiver dropped it", 0));
    let delivery = now(deliveries.next()).unwrap().unwrap();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _held = delivery;
        std::panic::resume_unwind(Box::new("a fault of the receiver"));
    }))
    .unwrap_err();
    poll(&mut task, &peer);
    assert_eq!(last(&peer), refusal("the receiver panicked", 1));
    // Nobody takes any more.
    drop(deliveries);
    poll(&mut task, &peer);
    assert_eq!(last(&peer), refusal("nobody takes deliveries", 2));
}

#[test]
fn a_posting_that_is_dropped_is_taken_back_and_one_that_is_detached_is_not() {
    let (client, _deliveries, mut task, peer) = registered();
    client.send("shop", "n", &1).detach().unwrap();
    drop(client.send("shop", "n", &2));
    assert_eq!((client.stats().taken, client.stats().cancelled), (2, 1));
    poll(&mut task, &peer);
    assert!(matches!(client.send("no name", "n", &3).detach(), Err(BusSendError::Name(_))));
    // That it was not accepted is told all the same.
    let texts = peer.texts();
    let Ok(ToBus::Message(first)) = ToBus::decode(&texts[1]) else { panic!("{texts:?}") };
    let rejected =
        FromBus::Rejected { message_id: first.id.as_str().into(), reason: Reason::To, detail: None };
    say(&mut task, &peer, &rejected);
    assert!(matches!(now(client.notice()), Some(Some(BusClientEvent::Connected { again: false }))));
    assert!(matches!(now(client.notice()), Some(Some(BusClientEvent::Registered { pending: 0 }))));
    let Some(Some(BusClientEvent::Sent { id, .. })) = now(client.notice()) else { panic!() };
    assert_eq!(id, first.id);
    assert!(now(client.notice()).is_none());
}

#[test]
fn whoever_waits_is_told_when_it_stops_or_its_runtime_does() {
    let (client, mut deliveries, mut task, peer) = registered();
    let mut sent = client.send("shop", "n", &1);
    poll(&mut task, &peer);
    let mut watch = client.watch();
    drop(task);
    let Some(Err(BusSendError::Undelivered { why, may_be_accepted: true, message })) = now(&mut sent) else {
        panic!()
    };
    assert_eq!((why, message.payload()), (Undelivered::Stopped, "1"));
    assert!(now(deliveries.next()).unwrap().is_none() && !now(watch.registered()).unwrap());
    assert_eq!(now(client.stopped()), Some(BusStopped::Client(Stopped::Asked)));
    while now(client.notice()).unwrap().is_some() {}
}

#[test]
fn without_a_handle_it_stops() {
    let (client, _deliveries, mut task, peer) = registered();
    let other = client.clone();
    drop(client);
    poll(&mut task, &peer);
    drop(other);
    let _ = Pin::new(&mut task).poll(&mut cx());
    peer.advance(Duration::from_secs(1));
    let _ = Pin::new(&mut task).poll(&mut cx());
    peer.advance(Duration::from_secs(60));
    assert!(Pin::new(&mut task).poll(&mut cx()).is_ready());
}
