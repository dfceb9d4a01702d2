//! How it ends, and what does not end it.

use super::scripted::Bus;
use super::side::{Side, config};
use crate::service::bus::client::{BusClientEvent, BusStopped, Outcome, Undelivered, WhyRefused};
use crate::service::bus::{DeadReason, FromBus, Reason};
use crate::service::client::{Machine, Stopped};
use alloc::vec::Vec;
use core::time::Duration;

fn refusal(reason: Reason) -> alloc::string::String {
    FromBus::Error { reason, detail: Some("why".into()) }.encode()
}

#[test]
fn two_of_one_id_do_not_replace_each_other_for_ever() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    side.say(refusal(Reason::Replaced));
    side.lose(&mut bus);
    assert_eq!(side.stopped(), Some(&BusStopped::Refused(Reason::Replaced)));
    assert_eq!(side.client.state().last_refusal, Some(Reason::Replaced));
    side.pass(Duration::from_secs(3600));
    assert!(side.dialing.is_none());
}

#[test]
fn a_token_that_is_wrong_is_not_tried_again() {
    for reason in [Reason::Token, Reason::Id] {
        let mut bus = Bus::default();
        let mut side = Side::new(config("shop"));
        let id = side.send("mail", 0);
        side.open();
        side.say(refusal(reason));
        side.lose(&mut bus);
        assert_eq!(side.stopped(), Some(&BusStopped::Refused(reason)));
        let Some(Outcome::Undelivered { why, may_be_accepted: false, .. }) = side.outcome(&id) else {
            panic!()
        };
        assert_eq!(*why, Undelivered::Stopped);
    }
}

#[test]
fn other_refusals_are_told_and_it_comes_back_where_the_connection_ends() {
    let fatal = [Reason::Replaced, Reason::Token, Reason::UnknownMessage];
    for reason in Reason::ALL.into_iter().filter(|reason| !fatal.contains(reason)) {
        let mut bus = Bus::default();
        let mut side = Side::registered(config("shop"), &mut bus);
        side.say(refusal(reason));
        let told = BusClientEvent::Refused { reason, detail: Some("why".into()) };
        assert_eq!(side.events.last(), Some(&told));
        assert!(side.client.is_registered(), "{reason}");
        side.reconnect(&mut bus);
        assert!(side.client.is_registered() && side.client.state().last_refusal.is_none(), "{reason}");
    }
    // Where it cannot register now, it tries again in its time.
    for reason in [Reason::Full, Reason::Closing, Reason::Store] {
        let mut bus = Bus::default();
        let mut side = Side::new(config("shop"));
        side.open();
        side.say(refusal(reason));
        assert!(side.wire.is_none() && side.stopped().is_none(), "{reason}");
        assert_eq!(side.client.state().last_refusal, Some(reason));
        side.reconnect(&mut bus);
        assert!(side.client.is_registered());
    }
}

#[test]
fn dead_letters_are_told() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    let id = side.send("mail", 0);
    side.exchange(&mut bus);
    let reason = DeadReason::nack("no such customer");
    side.say(FromBus::Dead { message_id: id.clone(), reason: reason.clone() }.encode());
    assert_eq!(side.events.last(), Some(&BusClientEvent::Dead { id, reason }));
}

#[test]
fn events_that_nobody_takes_are_bounded() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    for _ in 0..2000 {
        side.client.receive(side.now, &refusal(Reason::Invalid).into());
    }
    assert_eq!(side.client.stats().untold, 2000 - 512);
    // Nothing is dialed meanwhile.
    side.wire = None;
    let told = core::iter::from_fn(|| side.client.poll_event()).count();
    assert_eq!(told, 512);
}

#[test]
fn it_drains_what_it_has_taken() {
    let mut bus = Bus::default();
    let mut shop = Side::registered(config("shop"), &mut bus);
    (0..2).for_each(|n| drop(shop.send("mail", n)));
    shop.exchange(&mut bus);
    let mut mail = Side::registered(config("mail"), &mut bus);
    let id = mail.send("shop", 2);
    mail.client.drain(mail.now, mail.now + Duration::from_secs(100));
    mail.drive();
    let refused = mail.client.send(mail.now, super::side::message("shop", 3)).unwrap_err();
    assert_eq!(refused.why, WhyRefused::Stopped);
    mail.ack(0);
    // Not all is answered when the connection is lost: it is made again for that.
    mail.lose(&mut bus);
    mail.pass(Duration::from_secs(2));
    mail.open();
    mail.exchange(&mut bus);
    assert_eq!(mail.outcome(&id), Some(&Outcome::Accepted));
    assert!(!mail.client.client().is_stopped() && mail.wire.is_some(), "one is worked on");
    mail.ack(0);
    mail.exchange(&mut bus);
    mail.lose(&mut bus);
    assert_eq!(mail.stopped(), Some(&BusStopped::Client(Stopped::Asked)));
    // A delivery that comes meanwhile stays with the bus.
    assert_eq!(bus.boxes[&mail.name].pending.len(), bus.held() - bus.boxes[&shop.name].pending.len());
}

#[test]
fn a_drain_has_an_end() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    bus.is_mute = true;
    let id = side.send("mail", 0);
    side.exchange(&mut bus);
    side.client.drain(side.now, side.now + Duration::from_secs(5));
    side.pass(Duration::from_secs(5));
    side.lose(&mut bus);
    assert!(side.stopped().is_some());
    let Some(Outcome::Undelivered { why: Undelivered::Stopped, may_be_accepted: true, .. }) =
        side.outcome(&id)
    else {
        panic!()
    };
    let outcomes: Vec<_> = side.outcomes.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(outcomes, [id]);
}

#[test]
fn a_sign_of_life_is_given_and_asked_for() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    side.pass(Duration::from_secs(31));
    side.exchange(&mut bus);
    assert_eq!(bus.beats, 1);
    // Whatever comes is one.
    side.pass(Duration::from_secs(50));
    side.say(FromBus::Heartbeat.encode());
    side.pass(Duration::from_secs(30));
    assert!(side.wire.is_some());
    side.pass(Duration::from_secs(60));
    assert!(side.wire.is_none(), "a bus that is silent is left");
}

#[test]
fn a_drain_of_what_has_stopped_begins_anew() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    side.client.stop(side.now);
    side.drive();
    side.lose(&mut bus);
    assert_eq!(side.stopped(), Some(&BusStopped::Client(Stopped::Asked)));
    let version = side.client.state_version();
    side.client.drain(side.now, side.now + Duration::from_secs(5));
    side.drive();
    assert_eq!((side.client.poll_timeout(), side.client.state_version()), (None, version));
}

#[test]
fn a_registration_that_is_answered_twice_is_two() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    let (events, version) = (side.events.len(), side.client.state_version());
    side.say(FromBus::Registered { service_id: side.name.clone(), pending: 7 }.encode());
    assert_eq!((side.events.len(), side.client.stats().registered), (events, 1));
    assert_eq!(side.client.state_version(), version);
    // One that comes over no connection is strange.
    side.lose(&mut bus);
    let registered = FromBus::Registered { service_id: side.name.clone(), pending: 7 }.encode();
    side.client.receive(side.now, &registered.into());
    assert!(!side.client.is_registered() && side.client.stats().strange == 1);
}

#[test]
fn a_drain_ends_before_its_last_ack_is_written() {
    let mut bus = Bus::default();
    let mut shop = Side::registered(config("shop"), &mut bus);
    shop.send("mail", 0);
    shop.exchange(&mut bus);
    let mut mail = Side::registered(config("mail"), &mut bus);
    mail.ack(0);
    mail.client.drain(mail.now, mail.now + Duration::from_secs(5));
    mail.drive();
    assert!(!mail.wire.as_ref().unwrap().is_closing);
    assert!(mail.up(&mut bus));
    assert!(mail.wire.as_ref().unwrap().is_closing);
    mail.lose(&mut bus);
    assert_eq!((mail.stopped(), bus.held()), (Some(&BusStopped::Client(Stopped::Asked)), 0));
}
