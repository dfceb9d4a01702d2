//! Messages on their way to the bus.

use super::scripted::Bus;
use super::side::{Side, config, message, name};
use crate::service::bus::client::{BusClientEvent, Outcome, Outgoing, Undelivered, WhyRefused};
use crate::service::bus::{FromBus, Reason};
use crate::service::client::WhenFull;
use crate::service::schedule::Schedule;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

fn accepted(bus: &Bus) -> Vec<String> {
    let number = |id: &str| id.rsplit_once('-').map_or(id.into(), |(_, n)| n.to_string());
    bus.accepted.iter().map(|(_, id)| number(id)).collect()
}

fn why(side: &Side, id: &str) -> (Undelivered, bool) {
    match side.outcome(&name(id)) {
        Some(Outcome::Undelivered { message, why, may_be_accepted }) => {
            assert_eq!(&*message.id, id);
            (why.clone(), *may_be_accepted)
        }
        other => panic!("{id}: {other:?}"),
    }
}

#[test]
fn what_was_not_answered_is_sent_again_under_its_id_and_in_order() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    let ids: Vec<_> = (0..6).map(|n| side.send("mail", n)).collect();
    // Two arrive, of which one answer comes back; two are written and lost; two are not written.
    (0..2).for_each(|_| assert!(side.up(&mut bus)));
    side.down();
    side.write(2);
    assert_eq!(side.outcomes.len(), 1);
    side.reconnect(&mut bus);
    assert_eq!(accepted(&bus), ["0", "1", "2", "3", "4", "5"]);
    assert!(ids.iter().all(|id| side.outcome(id) == Some(&Outcome::Accepted)));
    let stats = side.client.stats();
    assert_eq!((stats.accepted, stats.resent, stats.registered), (6, 5, 2));
}

#[test]
fn nothing_is_sent_before_it_is_registered() {
    let mut bus = Bus::default();
    let mut side = Side::new(config("shop"));
    side.send("mail", 0);
    side.open();
    assert_eq!(side.wire.as_ref().unwrap().up.len(), 1, "the registration alone");
    assert!(!side.client.is_registered());
    side.exchange(&mut bus);
    assert_eq!(accepted(&bus), ["0"]);
    // A bus that does not answer is left, and asked again.
    side.lose(&mut bus);
    side.pass(Duration::from_secs(2));
    side.open();
    side.pass(Duration::from_secs(10));
    assert!(side.wire.is_none());
}

#[test]
fn a_full_receiver_holds_up_its_own_messages_and_nobody_elses() {
    let mut bus = Bus::default();
    bus.rejects.insert(name("mail"), Reason::Full);
    let mut side = Side::registered(config("shop"), &mut bus);
    let ids: Vec<_> = (0..3).map(|n| side.send("mail", n)).collect();
    side.exchange(&mut bus);
    let other = side.send("post", 3);
    let late = side.send("mail", 4);
    side.exchange(&mut bus);
    assert_eq!(side.outcome(&other), Some(&Outcome::Accepted));
    let is_told =
        |event: &BusClientEvent| matches!(event, BusClientEvent::Deferred { reason: Reason::Full, .. });
    assert_eq!(side.events.iter().filter(|event| is_told(event)).count(), 3);
    // One at a time is tried again, ever more slowly.
    let before = side.client.stats().deferred;
    for _ in 0..60 {
        side.pass(Duration::from_secs(1));
        side.exchange(&mut bus);
    }
    let tries = side.client.stats().deferred - before;
    assert!((3..=7).contains(&tries), "{tries}");
    bus.rejects.clear();
    for _ in 0..40 {
        side.pass(Duration::from_secs(1));
        side.exchange(&mut bus);
    }
    assert_eq!(accepted(&bus), ["3", "0", "1", "2", "4"]);
    assert!(ids.iter().chain([&late]).all(|id| side.outcome(id) == Some(&Outcome::Accepted)));
    assert_eq!(side.client.unanswered(), 0);
}

#[test]
fn what_passes_is_tried_again_as_often_as_is_wanted() {
    for reason in [Reason::Full, Reason::Closing, Reason::Store] {
        let mut bus = Bus::default();
        bus.rejects.insert(name("mail"), reason);
        let mut config = config("shop");
        config.retry = Schedule::spaced(Duration::from_secs(1)).both(Schedule::recurs(2));
        let mut side = Side::registered(config, &mut bus);
        let ids = [side.send("mail", 0), side.send("mail", 1)];
        for _ in 0..5 {
            side.exchange(&mut bus);
            side.pass(Duration::from_secs(1));
        }
        for id in &ids {
            // What a store failed to write may be there all the same.
            let may_be_accepted = reason == Reason::Store;
            assert_eq!(why(&side, id), (Undelivered::Rejected { reason, detail: None }, may_be_accepted));
        }
        assert_eq!(side.client.unanswered(), 0);
    }
}

#[test]
fn what_a_failed_store_rejected_stays_in_doubt() {
    let mut bus = Bus::default();
    bus.rejects.insert(name("mail"), Reason::Store);
    let mut side = Side::registered(config("shop"), &mut bus);
    let mut outgoing = message("mail", 0);
    outgoing.deadline = Some(side.now + Duration::from_secs(5));
    let id = side.client.send(side.now, outgoing).unwrap();
    side.drive();
    side.exchange(&mut bus);
    // It is rejected for another reason later, by a bus that has not seen it since.
    bus.rejects.insert(name("mail"), Reason::Full);
    for _ in 0..5 {
        side.pass(Duration::from_secs(1));
        side.exchange(&mut bus);
    }
    assert_eq!(why(&side, &id), (Undelivered::Expired(Some(Reason::Full)), true));
}

#[test]
fn what_does_not_pass_is_told_at_once() {
    for reason in Reason::ALL.into_iter().filter(|reason| !super::super::is_temporary(*reason)) {
        let mut bus = Bus::default();
        bus.rejects.insert(name("mail"), reason);
        let mut side = Side::registered(config("shop"), &mut bus);
        let id = side.send("mail", 0);
        side.exchange(&mut bus);
        assert_eq!(why(&side, &id), (Undelivered::Rejected { reason, detail: None }, false));
        // It is not used up.
        bus.rejects.clear();
        let Some(Outcome::Undelivered { message, .. }) = side.outcome(&id).cloned() else { panic!() };
        side.outcomes.clear();
        assert_eq!(side.client.send(side.now, Outgoing::again(&message).unwrap()).unwrap(), id);
        side.drive();
        side.exchange(&mut bus);
        assert_eq!(side.outcome(&id), Some(&Outcome::Accepted));
    }
}

#[test]
fn a_message_that_is_too_big_for_the_bus_does_not_end_one_connection_after_the_other() {
    let mut bus = Bus { max_frame: Some(200), ..Bus::default() };
    let mut side = Side::registered(config("shop"), &mut bus);
    let small = side.send("mail", 0);
    let big = Outgoing::new(name("mail"), "n", &"x".repeat(200), Default::default()).unwrap();
    let big = side.client.send(side.now, big).unwrap();
    side.drive();
    let last = side.send("mail", 2);
    // The bus takes the first, and ends the connection at the second.
    assert!(side.up(&mut bus) && side.up(&mut bus) && side.down() && side.down());
    side.reconnect(&mut bus);
    assert_eq!(why(&side, &big), (Undelivered::Rejected { reason: Reason::TooBig, detail: None }, false));
    assert!([small, last].iter().all(|id| side.outcome(id) == Some(&Outcome::Accepted)));
    // Many of them end one connection.
    let mut side = Side::registered(config("shop"), &mut bus);
    let bigs: [_; 4] = core::array::from_fn(|_| {
        let big = Outgoing::new(name("mail"), "n", &"x".repeat(200), Default::default()).unwrap();
        side.client.send(side.now, big).unwrap()
    });
    let small = side.send("mail", 3);
    assert!(side.up(&mut bus) && side.down());
    side.reconnect(&mut bus);
    for big in &bigs {
        let too_big = Undelivered::Rejected { reason: Reason::TooBig, detail: None };
        assert_eq!(why(&side, big), (too_big, false));
    }
    assert_eq!((side.outcome(&small), side.client.stats().registered), (Some(&Outcome::Accepted), 2));
    // What is known to be too big is not even taken.
    let mut config = config("shop");
    config.max_frame = 100;
    let mut side = Side::new(config);
    assert_eq!(side.client.send(side.now, message("mail", 1)).unwrap_err().why, WhyRefused::TooBig);
}

#[test]
fn deadlines_and_cancelling_tell_whether_the_bus_may_have_it() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    bus.is_mute = true;
    let send = |side: &mut Side, n, seconds| {
        let mut outgoing = message("mail", n);
        outgoing.deadline = Some(side.now + Duration::from_secs(seconds));
        let id = side.client.send(side.now, outgoing).unwrap();
        side.drive();
        id
    };
    let given = send(&mut side, 0, 5);
    let taken_back = send(&mut side, 1, 500);
    side.exchange(&mut bus);
    side.pass(Duration::from_secs(5));
    assert_eq!(why(&side, &given), (Undelivered::Expired(None), true));
    let Some(Outcome::Undelivered { why: cause, may_be_accepted, .. }) =
        side.client.cancel(side.now, &taken_back)
    else {
        panic!()
    };
    assert_eq!((cause, may_be_accepted), (Undelivered::Cancelled, true));
    assert_eq!(side.client.cancel(side.now, &taken_back), None, "once");
    side.lose(&mut bus);
    let waits = send(&mut side, 2, 5);
    let other = send(&mut side, 3, 500);
    let outcome = side.client.cancel(side.now, &other);
    assert!(matches!(outcome, Some(Outcome::Undelivered { may_be_accepted: false, .. })), "{outcome:?}");
    side.pass(Duration::from_secs(5));
    assert_eq!(why(&side, &waits), (Undelivered::Expired(None), false));
    assert_eq!((side.outcomes.len(), side.client.unanswered()), (2, 0));
}

#[test]
fn a_bus_that_does_not_answer_is_left() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    bus.is_mute = true;
    let ids = [side.send("mail", 0), side.send("mail", 1)];
    side.exchange(&mut bus);
    side.pass(Duration::from_secs(31));
    assert!(side.wire.is_none(), "it was given up");
    bus.is_mute = false;
    side.reconnect(&mut bus);
    assert!(ids.iter().all(|id| side.outcome(id) == Some(&Outcome::Accepted)));
    assert_eq!(accepted(&bus), ["0", "1"]);
}

#[test]
fn there_is_a_limit_and_what_happens_past_it() {
    for when_full in [WhenFull::Reject, WhenFull::DropOldest, WhenFull::DropNewest] {
        let mut config = config("shop");
        (config.max_messages, config.max_in_flight, config.when_full) = (4, 2, when_full);
        let mut bus = Bus::default();
        let mut side = Side::registered(config, &mut bus);
        bus.is_mute = true;
        let ids: Vec<_> = (0..4).map(|n| side.send("mail", n)).collect();
        assert_eq!(side.wire.as_ref().unwrap().up.len(), 2, "no more than may be under way");
        let sent = side.client.send(side.now, message("mail", 4));
        side.drive();
        match when_full {
            WhenFull::DropOldest => assert_eq!(why(&side, &ids[2]), (Undelivered::Full, false)),
            WhenFull::DropNewest => assert_eq!(why(&side, &sent.unwrap()), (Undelivered::Full, false)),
            _ => assert_eq!(sent.unwrap_err().why, WhyRefused::Full),
        }
        assert_eq!(side.client.unanswered(), 4);
    }
    let mut config = config("shop");
    config.max_bytes = 200;
    let mut side = Side::new(config);
    assert_eq!(side.client.send(side.now, message("mail", 0)).map_err(|e| e.why).err(), None);
    assert_eq!(side.client.send(side.now, message("mail", 0)).unwrap_err().why, WhyRefused::Full);
}

#[test]
fn ids_are_those_of_this_life_alone() {
    let mut side = Side::new(config("shop"));
    let (first, second) = (side.send("mail", 0), side.send("mail", 1));
    let (prefix, number) = first.rsplit_once('-').unwrap();
    assert_eq!((prefix.len(), number), (20, "0"));
    assert_eq!(*second, *format!("{prefix}-1"));
    let mut own = message("mail", 2);
    own.id = Some(name("order-7"));
    assert_eq!(&*side.client.send(side.now, own.clone()).unwrap(), "order-7");
    assert_eq!(side.client.send(side.now, own.clone()).unwrap_err().why, WhyRefused::Id, "it is under way");
    own.id = Some(name(&format!("{prefix}-2")));
    assert_eq!(side.client.send(side.now, own).unwrap_err().why, WhyRefused::Id, "the client's next");
    let mut other = Side::born(side.now, config("shop"), 8);
    assert!(!other.send("mail", 0).starts_with(prefix), "another life");
    let mut config = config("shop");
    config.prefix = Some(name(&"p".repeat(128)));
    assert_eq!(Side::new(config).send("mail", 0).len(), 109, "cut, so that a number fits");
}

#[test]
fn what_is_strange_is_counted() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    side.say("nonsense".into());
    side.say(FromBus::Accepted { message_id: name("x") }.encode());
    side.say(FromBus::Rejected { message_id: "x".into(), reason: Reason::Full, detail: None }.encode());
    side.say(FromBus::Registered { service_id: name("mail"), pending: 0 }.encode());
    side.client.receive(side.now, &crate::base::Message::binary(&b"{}"[..]));
    side.say(FromBus::Error { reason: Reason::UnknownMessage, detail: None }.encode());
    let stats = side.client.stats();
    assert_eq!((stats.strange, stats.unknown, stats.registered), (5, 1, 1));
}
