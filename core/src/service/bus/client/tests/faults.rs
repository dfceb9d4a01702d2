//! What a client of a bus gets wrong, each by its name.

use super::scripted::Bus;
use super::side::{Side, config, message};
use crate::service::bus::FromBus;
use crate::service::bus::client::Outcome;
use core::time::Duration;

#[test]
fn the_client_never_reads_or_acks() {
    let mut bus = Bus::default();
    let mut shop = Side::registered(config("shop"), &mut bus);
    let ids: [_; 3] = core::array::from_fn(|n| shop.send("mail", n as u64));
    shop.exchange(&mut bus);
    // It reads what it is answered.
    assert!(ids.iter().all(|id| shop.outcome(id) == Some(&Outcome::Accepted)));
    // It reads what it is sent, and once that is applied, the bus hears of it.
    let mut mail = Side::registered(config("mail"), &mut bus);
    assert_eq!((mail.deliveries.len(), bus.held()), (3, 3));
    (0..3).for_each(|_| drop(mail.ack(0)));
    mail.exchange(&mut bus);
    assert_eq!((bus.held(), mail.client.seen().len()), (0, 1));
}

#[test]
fn no_dedupe() {
    let mut bus = Bus::default();
    let mut shop = Side::registered(config("shop"), &mut bus);
    shop.send("mail", 0);
    assert!(shop.up(&mut bus));
    // The answer is lost: it is sent again, and is one message all the same.
    shop.reconnect(&mut bus);
    assert_eq!((bus.accepted.len(), bus.held(), shop.client.stats().resent), (1, 1, 1));
    let mut mail = Side::registered(config("mail"), &mut bus);
    let delivery = mail.ack(0);
    // Long after, it comes again.
    mail.pass(Duration::from_secs(20));
    mail.say(FromBus::Message(delivery.envelope).encode());
    assert_eq!((mail.deliveries.len(), mail.client.stats().duplicates), (0, 1));
}

#[test]
fn an_early_ack_is_lost() {
    // It is answered before it is known to be written.
    let mut bus = Bus::default();
    let mut shop = Side::registered(config("shop"), &mut bus);
    let id = shop.send("mail", 0);
    shop.say(FromBus::Accepted { message_id: id.clone() }.encode());
    assert_eq!(shop.outcome(&id), Some(&Outcome::Accepted));
    shop.reconnect(&mut bus);
    assert_eq!((shop.client.unanswered(), shop.client.stats().resent), (0, 0));
}

#[test]
fn one_absent_service_blocks_the_queue_for_all() {
    let mut bus = Bus::default();
    bus.rejects.insert(super::side::name("mail"), crate::service::bus::Reason::Full);
    let mut config = config("shop");
    config.max_in_flight = 2;
    let mut shop = Side::registered(config, &mut bus);
    for n in 0..50 {
        shop.client.send(shop.now, message("mail", n)).unwrap();
    }
    shop.drive();
    shop.exchange(&mut bus);
    let other = shop.send("post", 50);
    shop.exchange(&mut bus);
    assert_eq!(shop.outcome(&other), Some(&Outcome::Accepted));
}
