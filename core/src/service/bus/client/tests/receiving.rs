//! Deliveries.

use super::scripted::Bus;
use super::side::{Side, config, name};
use crate::service::bus::client::{DeliveryId, Seen};
use crate::service::bus::{Envelope, FromBus};
use core::time::Duration;

/// A receiver, for whom so many messages have come.
fn delivered(bus: &mut Bus, count: u64) -> Side {
    let mut shop = Side::registered(config("shop"), bus);
    (0..count).for_each(|n| drop(shop.send("mail", n)));
    shop.exchange(bus);
    Side::registered(config("mail"), bus)
}

#[test]
fn an_ack_that_was_lost_is_said_again_and_nothing_is_handed_over_again() {
    let mut bus = Bus::default();
    let mut mail = delivered(&mut bus, 3);
    assert_eq!(mail.deliveries.len(), 3);
    assert_eq!(mail.deliveries[2].payload::<u64>().unwrap(), 2);
    (0..3).for_each(|_| drop(mail.ack(0)));
    // They were written, and nobody read them.
    mail.write(3);
    mail.reconnect(&mut bus);
    assert_eq!((mail.deliveries.len(), bus.held(), bus.unknown), (0, 0, 0));
    let stats = mail.client.stats();
    assert_eq!((stats.acked, stats.duplicates), (3, 3));
}

#[test]
fn what_is_worked_on_is_not_handed_over_twice_and_acknowledged_when_the_work_ends() {
    let mut bus = Bus::default();
    let mut mail = delivered(&mut bus, 1);
    let who = mail.name.clone();
    let again = bus.again(&who, 0).unwrap();
    mail.say(again);
    assert_eq!((mail.deliveries.len(), mail.client.stats().repeated), (1, 1));
    // Nor over another connection, on which it is acknowledged then.
    mail.reconnect(&mut bus);
    assert_eq!((mail.deliveries.len(), mail.client.stats().repeated, bus.held()), (1, 2, 1));
    mail.ack(0);
    mail.exchange(&mut bus);
    assert_eq!((bus.held(), bus.unknown, mail.client.working()), (0, 0, 0));
}

#[test]
fn an_ack_between_two_connections_is_said_when_the_message_comes_again() {
    let mut bus = Bus::default();
    let mut mail = delivered(&mut bus, 2);
    mail.lose(&mut bus);
    mail.ack(0);
    mail.pass(Duration::from_secs(2));
    mail.open();
    // It is registered, and the message has not come yet: the bus would not know what is meant.
    assert!(mail.up(&mut bus) && mail.down() && mail.client.is_registered());
    mail.ack(0);
    assert_eq!(mail.client.stats().unsaid, 2);
    mail.exchange(&mut bus);
    assert_eq!((mail.deliveries.len(), bus.held(), bus.unknown), (0, 0, 0));
}

#[test]
fn what_was_refused_is_handed_over_again() {
    let mut bus = Bus::default();
    let mut mail = delivered(&mut bus, 1);
    mail.nack(0, &"é".repeat(2000));
    mail.exchange(&mut bus);
    assert_eq!((mail.deliveries.len(), bus.nacks[0].len()), (1, 1024));
    assert_eq!(mail.deliveries[0].envelope.retry_count, 1);
    // Over a connection that is gone nothing needs to be said.
    mail.lose(&mut bus);
    mail.nack(0, "no");
    mail.reconnect(&mut bus);
    assert_eq!((mail.deliveries.len(), bus.nacks.len()), (1, 1));
    mail.ack(0);
    mail.exchange(&mut bus);
    assert_eq!(bus.held(), 0);
}

#[test]
fn each_ends_once() {
    let mut bus = Bus::default();
    let mut mail = delivered(&mut bus, 1);
    let id = mail.ack(0).id;
    assert!(!mail.client.ack(mail.now, id) && !mail.client.nack(mail.now, id, "no"));
    assert!(!mail.client.ack(mail.now, DeliveryId(99)));
    mail.exchange(&mut bus);
    assert_eq!((bus.held(), bus.unknown), (0, 0));
}

#[test]
fn what_is_not_handed_over_goes_back_with_its_connection() {
    let mut bus = Bus::default();
    let mut shop = Side::registered(config("shop"), &mut bus);
    shop.send("mail", 0);
    shop.exchange(&mut bus);
    let mut mail = Side::registered(config("mail"), &mut bus);
    let other = Envelope::new(name("x"), name("shop"), name("mail"), "n", &1, 0).unwrap();
    mail.client.receive(mail.now, &FromBus::Message(other).encode().into());
    assert_eq!(mail.client.waiting(), 1, "the program does not look");
    mail.client.stop(mail.now);
    assert_eq!((mail.client.waiting(), mail.client.stats().let_go), (0, 1));
}

#[test]
fn there_is_a_limit_of_deliveries_past_which_the_bus_keeps_them() {
    let mut bus = Bus::default();
    let mut shop = Side::registered(config("shop"), &mut bus);
    (0..6).for_each(|n| drop(shop.send("mail", n)));
    shop.exchange(&mut bus);
    let mut config = config("mail");
    config.max_deliveries = 4;
    let mut mail = Side::registered(config, &mut bus);
    assert_eq!((mail.deliveries.len(), mail.client.stats().overflowed, bus.held()), (4, 2, 6));
    (0..4).for_each(|_| drop(mail.ack(0)));
    mail.exchange(&mut bus);
    let who = mail.name.clone();
    for n in 0..2 {
        let again = bus.again(&who, n).unwrap();
        mail.say(again);
    }
    (0..2).for_each(|_| drop(mail.ack(0)));
    mail.exchange(&mut bus);
    assert_eq!(bus.held(), 0);
}

#[test]
fn a_receiver_that_was_restarted_knows_what_its_program_has_stored() {
    let mut bus = Bus::default();
    let mut mail = delivered(&mut bus, 2);
    // It applies one, stores that, and ends before it says so.
    let mut seen = mail.client.seen().clone();
    assert!(seen.insert(&mail.deliveries[0].envelope.from, &mail.deliveries[0].envelope.id));
    let stored = serde_json::to_string(&seen).unwrap();
    mail.lose(&mut bus);
    let mut config = config("mail");
    config.seen = serde_json::from_str::<Seen>(&stored).unwrap();
    let mut mail = Side::registered(config, &mut bus);
    assert_eq!((mail.deliveries.len(), bus.held()), (1, 1));
    assert_eq!(mail.deliveries[0].payload::<u64>().unwrap(), 1);
    mail.ack(0);
    let all = mail.client.seen();
    assert!(all.contains("shop", &seen_id(all, 0)) && all.len() == 1, "two numbers in a row are one run");
}

/// The id of the `n`th message of the only sender.
fn seen_id(seen: &Seen, n: u64) -> alloc::string::String {
    let stored = serde_json::to_value(seen).unwrap();
    let prefix = stored["senders"]["shop"]["numbers"].as_object().unwrap().keys().next().unwrap().clone();
    alloc::format!("{prefix}-{n}")
}

#[test]
fn a_number_and_an_id_that_looks_like_one_are_two() {
    let mut seen = Seen::default();
    for id in ["m-7", "m-07", "m--7", "m", "m-"] {
        assert!(seen.insert(&name("shop"), &name(id)), "{id}");
    }
    assert!(!seen.insert(&name("shop"), &name("m-7")) && seen.insert(&name("sho"), &name("m-7")));
}

#[test]
fn what_is_forgotten_leaves_something_of_its_sender() {
    let mut seen = Seen::new(0);
    assert_eq!((seen.limit(), seen.len(), seen.is_empty()), (Seen::LEAST_LIMIT, 0, true));
    for (from, id) in [("a", "m-1"), ("a", "m-3"), ("b", "n-1"), ("b", "y"), ("c", "x")] {
        assert!(seen.insert(&name(from), &name(id)));
    }
    // Each more makes the oldest go.
    let left = |seen: &Seen| serde_json::to_value(seen).unwrap()["senders"].as_object().unwrap().len();
    for n in 0..Seen::LEAST_LIMIT - 5 {
        seen.insert(&name("z"), &name(&alloc::format!("id{n}")));
    }
    assert_eq!((seen.len(), left(&seen)), (Seen::LEAST_LIMIT, 4));
    for (n, senders) in [4, 3, 3, 2, 1].into_iter().enumerate() {
        seen.insert(&name("z"), &name(&alloc::format!("other{n}")));
        assert_eq!((seen.len(), left(&seen)), (Seen::LEAST_LIMIT, senders));
    }
    assert!(!seen.contains("a", "m-1") && seen.contains("z", "id0") && !seen.is_empty());
}

#[test]
fn different_things_that_were_seen_are_the_same() {
    let seen = |ids: &[(&str, &str)]| {
        let mut seen = Seen::default();
        assert!(ids.iter().all(|(from, id)| seen.insert(&name(from), &name(id))));
        seen
    };
    let all = [("a", "m-1"), ("a", "m-2"), ("a", "x")];
    let mut reversed = all;
    reversed.reverse();
    assert_eq!(seen(&all), seen(&reversed), "in whatever order");
    for other in [
        &[][..],
        &all[..2],
        &[("a", "m-1"), ("a", "m-2"), ("a", "y")],
        &[("a", "n-1"), ("a", "n-2"), ("a", "x")],
        &[("a", "m-1"), ("a", "m-3"), ("a", "x")],
        &[("b", "m-1"), ("b", "m-2"), ("b", "x")],
        &[("a", "m-1"), ("a", "m-2"), ("a", "x"), ("b", "x")],
    ] {
        assert_ne!(seen(&all), seen(other));
    }
}

#[test]
fn parts_of_what_was_seen_hide_each_other() {
    let mut seen = Seen::default();
    for (from, id) in [("a", "m-1"), ("a", "x"), ("b", "x")] {
        seen.insert(&name(from), &name(id));
    }
    assert!(seen.of("c").is_empty());
    let mut part = seen.of("a");
    assert!(part.contains("a", "x") && !part.contains("b", "x") && part.len() == 2);
    // What both have is there once.
    part.merge(seen.clone());
    assert_eq!((part.len(), part), (3, seen));
}
