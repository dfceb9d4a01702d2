//! What nobody takes, and what no connection takes.

use super::scripted::Bus;
use super::side::{Side, config, message, name};
use crate::base::{Cause, Classifier, CloseCode, Closed, End, Origin, Progress, SendError};
use crate::service::bus::client::{BusClientEvent, Outcome, Outgoing, Undelivered, WhyRefused};
use crate::service::bus::{FromBus, Reason};
use crate::service::client::{Action, Machine, WhenFull};
use alloc::vec::Vec;
use core::time::Duration;

#[test]
fn outcomes_that_nobody_takes_fill_the_memory() {
    for when_full in [WhenFull::Reject, WhenFull::DropOldest, WhenFull::DropNewest] {
        let mut config = config("shop");
        (config.max_messages, config.when_full) = (4, when_full);
        let mut side = Side::new(config);
        let sent: Vec<_> =
            (0..20).map(|n| side.client.send(side.now, message("mail", n)).map_err(|e| e.why)).collect();
        // Four wait, and four may be told at most.
        let taken = if when_full == WhenFull::Reject { 4 } else { 8 };
        assert!(sent[..taken].iter().all(Result::is_ok), "{when_full:?}");
        assert!(sent[taken..].iter().all(|sent| *sent == Err(WhyRefused::Full)), "{when_full:?}");
        side.drive();
        assert_eq!((side.outcomes.len(), side.client.unanswered()), (taken - 4, 4));
        // There is room once they are looked at.
        let is_taken = side.client.send(side.now, message("mail", 20)).is_ok();
        assert_eq!(is_taken, when_full != WhenFull::Reject);
    }
    // By their bytes, too.
    let mut config = config("shop");
    (config.max_bytes, config.when_full) = (2000, WhenFull::DropNewest);
    let mut side = Side::new(config);
    let big = || Outgoing::new(name("mail"), "n", &"x".repeat(900), Default::default()).unwrap();
    let sent: Vec<_> = (0..6).map(|_| side.client.send(side.now, big()).is_ok()).collect();
    assert_eq!(sent, [true, true, true, true, false, false]);
}

#[test]
fn what_the_connection_has_makes_room_for_what_is_newer() {
    let mut config = config("shop");
    (config.max_messages, config.when_full) = (3, WhenFull::DropOldest);
    let mut bus = Bus { is_mute: true, ..Bus::default() };
    let mut side = Side::registered(config, &mut bus);
    (0..3).for_each(|n| drop(side.send("mail", n)));
    side.exchange(&mut bus);
    assert_eq!(side.client.send(side.now, message("mail", 3)).unwrap_err().why, WhyRefused::Full);
    // Nor what it had, which the bus may have accepted.
    side.lose(&mut bus);
    assert_eq!(side.client.send(side.now, message("mail", 3)).unwrap_err().why, WhyRefused::Full);
    assert_eq!((side.outcomes.len(), side.client.unanswered()), (0, 3));
}

#[test]
fn replies_that_the_connection_does_not_take_fill_the_memory() {
    let mut bus = Bus::default();
    let mut shop = Side::registered(config("shop"), &mut bus);
    shop.send("mail", 0);
    shop.exchange(&mut bus);
    let mut mail = Side::registered(config("mail"), &mut bus);
    let again = FromBus::Message(mail.ack(0).envelope).encode();
    mail.exchange(&mut bus);
    // It comes again and again, and the driver does not look.
    for _ in 0..5000 {
        mail.client.receive(mail.now, &again.clone().into());
    }
    let stats = mail.client.stats();
    // Those that wait here, and a few that wait in the connection.
    assert_eq!((stats.duplicates, stats.unsaid), (5000, 5000 - 4096 - 64));
    mail.drive();
    mail.exchange(&mut bus);
    assert_eq!((bus.unknown, mail.client.stats().unsaid), (4096 + 64, stats.unsaid));
}

#[test]
fn what_is_sent_before_the_end_of_the_connection_is_heard_of_is_lost() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    let refused = FromBus::Error { reason: Reason::Invalid, detail: None }.encode();
    for _ in 0..300 {
        side.client.receive(side.now, &refused.clone().into());
    }
    // While nobody takes events, the client below is not asked for its own.
    let cause = Cause::Transport(End::Reset);
    let closed = Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default());
    let attempt = side.wire.take().unwrap().attempt;
    side.client.client_mut().handle_closed(side.now, attempt, &closed);
    side.client.client_mut().handle_gone(side.now, attempt, &Progress::default());
    let id = side.client.send(side.now, message("mail", 0)).unwrap();
    bus.lost(&side.name.clone());
    side.drive();
    assert_eq!(side.events.iter().filter(|e| matches!(e, BusClientEvent::Disconnected { .. })).count(), 1);
    side.reconnect(&mut bus);
    assert_eq!(side.outcome(&id), Some(&Outcome::Accepted));
}

#[test]
fn what_no_connection_can_carry_is_tried_for_ever() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    let id = side.client.send(side.now, message("mail", 0)).unwrap();
    let other = side.client.send(side.now, message("mail", 1)).unwrap();
    let Some(Action::Send { ticket, .. }) = side.client.poll_action() else { panic!() };
    let error = SendError::TooBig { limit: 10 };
    side.client.client_mut().handle_not_sent(side.now, ticket, error);
    side.drive();
    let Some(Outcome::Undelivered { why, may_be_accepted: false, .. }) = side.outcome(&id) else { panic!() };
    assert_eq!(*why, Undelivered::Unfit(error));
    side.exchange(&mut bus);
    assert_eq!((side.outcome(&other), side.outcomes.len()), (Some(&Outcome::Accepted), 2));
}

#[test]
fn what_was_taken_back_is_told_when_its_time_is_over() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    let mut timed = message("mail", 0);
    timed.deadline = Some(side.now + Duration::from_secs(5));
    let ids = [timed, message("mail", 1), message("mail", 2)].map(|m| side.client.send(side.now, m).unwrap());
    side.drive();
    // The connection has them: the bus may accept them, or may not take them.
    for id in &ids {
        let outcome = side.client.cancel(side.now, id);
        assert!(matches!(outcome, Some(Outcome::Undelivered { may_be_accepted: true, .. })), "{outcome:?}");
    }
    side.pass(Duration::from_secs(5));
    assert_eq!((side.outcomes.len(), side.client.unanswered()), (0, 3));
    assert!(side.up(&mut bus) && side.down());
    bus.rejects.insert(name("mail"), Reason::Full);
    assert!(side.up(&mut bus) && side.down());
    assert_eq!(side.client.unanswered(), 1);
    side.reconnect(&mut bus);
    assert_eq!((side.outcomes.len(), side.client.unanswered(), bus.accepted.len()), (0, 0, 1));
}

#[test]
fn what_was_deferred_waits_for_its_time_over_the_next_connection_too() {
    let mut bus = Bus::default();
    bus.rejects.insert(name("mail"), Reason::Full);
    let mut side = Side::registered(config("shop"), &mut bus);
    let ids: [_; 3] = core::array::from_fn(|n| side.send("mail", n as u64));
    for _ in 0..60 {
        side.exchange(&mut bus);
        side.pass(Duration::from_secs(1));
    }
    // It has grown slow.
    side.lose(&mut bus);
    bus.rejects.clear();
    while side.dialing.is_none() {
        side.pass(Duration::from_millis(100));
    }
    side.open();
    side.exchange(&mut bus);
    assert!(ids.iter().all(|id| side.outcome(id) == Some(&Outcome::Accepted)));
    assert_eq!(bus.accepted.iter().map(|(_, id)| id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
}

#[test]
fn what_waits_for_its_time_cannot_be_taken_back() {
    let mut bus = Bus::default();
    bus.rejects.insert(name("mail"), Reason::Full);
    let mut side = Side::registered(config("shop"), &mut bus);
    let ids: [_; 3] = core::array::from_fn(|n| side.send("mail", n as u64));
    side.exchange(&mut bus);
    for id in &ids {
        let outcome = side.client.cancel(side.now, id);
        assert!(matches!(outcome, Some(Outcome::Undelivered { may_be_accepted: false, .. })), "{outcome:?}");
    }
    // Nothing is held back any more.
    side.send("mail", 3);
    assert!(side.up(&mut bus) && side.down());
    // One that waits behind another is taken back while that is tried.
    let behind = side.send("mail", 4);
    while !side.up(&mut bus) {
        side.pass(Duration::from_millis(100));
    }
    assert!(side.client.cancel(side.now, &behind).is_some());
    bus.rejects.clear();
    let last = side.send("mail", 5);
    for _ in 0..10 {
        side.exchange(&mut bus);
        side.pass(Duration::from_secs(1));
    }
    assert_eq!(side.outcome(&last), Some(&Outcome::Accepted));
    assert_eq!((bus.accepted.len(), side.client.unanswered()), (2, 0));
}

#[test]
fn what_an_earlier_connection_had_written_is_taken_back_as_if_it_had_not() {
    let mut bus = Bus::default();
    let mut side = Side::registered(config("shop"), &mut bus);
    let ids = [side.send("mail", 0), side.send("mail", 1)];
    side.write(1);
    side.lose(&mut bus);
    let doubts = ids.map(|id| match side.client.cancel(side.now, &id) {
        Some(Outcome::Undelivered { may_be_accepted, .. }) => may_be_accepted,
        other => panic!("{other:?}"),
    });
    assert_eq!(doubts, [true, false]);
}
