//! Order, windows, attempts and rests.

use super::{Bus, secs};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

fn ids(range: core::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("m{i}#0")).collect()
}

#[test]
fn messages_come_in_their_order_and_a_window_at_a_time() {
    let mut bus = Bus::with(|config| config.window = 3);
    bus.register_all(&["a"]);
    for i in 0..5 {
        bus.send("a", "b", &format!("m{i}"));
    }
    bus.register("b", "b");
    assert_eq!(bus.heard("b")[1..], ids(0..3));
    assert_eq!(bus.broker.stats().unacknowledged, 3);
    bus.ack("b", "m1");
    assert_eq!(bus.heard("b"), ids(3..4));
    for id in ["m0", "m2", "m3", "m4"] {
        bus.ack("b", id);
    }
    assert_eq!(bus.heard("b"), ids(4..5));
    let stats = bus.broker.stats();
    assert_eq!((stats.pending, stats.unacknowledged, stats.acknowledged, stats.delivered), (0, 0, 5, 5));
    assert_eq!((stats.services, stats.redelivered), (2, 0));
}

#[test]
fn time_does_not_stand_still_where_nothing_may_wait() {
    let mut bus = Bus::with(|config| {
        (config.mark_wait, config.batch_wait, config.nack_delay) = Default::default();
        (config.attempts, config.heartbeat, config.gone_after) = (6, secs(1000), secs(1000));
    });
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.nack("b", "m");
    // It is handed out again at once, and then each time that it is not acknowledged.
    bus.pass(secs(100));
    assert_eq!(bus.heard("b"), ["m#0", "m#1", "m#2", "m#3", "m#4"]);
}

#[test]
fn what_a_connection_leaves_goes_to_the_next_one_at_once_and_first() {
    let mut bus = Bus::with(|config| config.window = 2);
    bus.register_all(&["a", "b"]);
    for i in 0..4 {
        bus.send("a", "b", &format!("m{i}"));
    }
    assert_eq!(bus.heard("b"), ids(0..2));
    bus.ack("b", "m0");
    assert_eq!(bus.heard("b"), ids(2..3));
    bus.close("b");
    bus.register("b2", "b");
    assert_eq!(bus.heard("b2"), ["registered 3", "m1#0", "m2#0"], "and no attempt is used up");
    bus.register("b3", "b");
    assert_eq!(bus.heard("b3"), ["registered 3", "m1#0", "m2#0"]);
    assert_eq!((bus.heard("b2"), bus.closed["b2"].0.as_u16()), (["error: replaced".into()].into(), 1008));
    bus.ack("b2", "m1");
    assert_eq!(bus.broker.stats().acknowledged, 1, "what a closing connection says does not count");
}

#[test]
fn a_refused_message_rests_for_longer_each_time() {
    let mut bus =
        Bus::with(|config| (config.attempts, config.ack_timeout) = (4, Duration::from_millis(2500)));
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.heard("a");
    for (attempt, rest) in [(1, 1000), (2, 2000), (3, 2500)] {
        assert_eq!(bus.heard("b"), [format!("m#{}", attempt - 1)]);
        bus.nack("b", "m");
        bus.send("a", "b", &format!("n{attempt}"));
        assert_eq!(bus.heard("b"), [format!("n{attempt}#0")], "others do not wait for it");
        bus.ack("b", &format!("n{attempt}"));
        bus.pass(Duration::from_millis(rest - 1));
        assert_eq!(bus.heard("b").len(), 0);
        bus.pass(Duration::from_millis(1));
    }
    bus.heard("b");
    bus.nack("b", "m");
    bus.pass(Duration::from_millis(5));
    assert!(bus.heard("a").contains(&"dead m: nack: busy".into()));
    bus.ack("b", "m");
    assert_eq!(bus.heard("b"), ["error: unknown message"]);
}

#[test]
fn the_tenth_delivery_of_any_kind_is_the_last() {
    let mut bus = Bus::new();
    bus.register_all(&["a"]);
    bus.send("a", "b", "m");
    bus.heard("a");
    for i in 0..10 {
        if i == 5 {
            bus.pass(secs(1));
            bus.restart();
            bus.register_all(&["a"]);
        }
        bus.register("b", "b");
        assert_eq!(bus.heard("b"), ["registered 1", "m#0"], "{i}");
        bus.close("b");
        assert_eq!(bus.broker.stats().dead_letters, usize::from(i == 9));
    }
    bus.pass(secs(1));
    assert_eq!(bus.heard("a"), ["dead m: max deliveries"]);
    bus.register("b", "b");
    assert_eq!(bus.heard("b"), ["registered 0"]);
}

#[test]
fn an_ack_after_a_redelivery_ends_it() {
    let mut bus = Bus::with(|config| config.gone_after = secs(1000));
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.pass(secs(31));
    assert_eq!(bus.heard("b"), ["m#0", "heartbeat", "m#1"]);
    bus.ack("b", "m");
    assert_eq!(bus.heard("b").len(), 0);
    // While it waits to come again, too: by then the service has dealt with it.
    bus.send("a", "b", "n");
    bus.nack("b", "n");
    bus.ack("b", "n");
    bus.pass(secs(20));
    assert_eq!(bus.heard("b"), ["n#0"]);
    assert_eq!(bus.broker.stats().acknowledged, 2);
}

#[test]
fn acks_for_something_unknown_are_errors_and_nothing_else() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b", "c"]);
    bus.send("a", "b", "m");
    bus.send("a", "absent", "w");
    bus.heard("b");
    bus.ack("c", "m");
    bus.nack("c", "m");
    bus.ack("a", "m");
    assert_eq!(bus.heard("c"), ["error: unknown message", "error: unknown message"]);
    assert_eq!(bus.heard("a")[2..], ["error: unknown message"]);
    bus.ack("b", "w");
    bus.frame("b", r#"{"type":"ack","messageId":"m","from":"c"}"#);
    assert_eq!(bus.heard("b"), ["error: unknown message", "error: unknown message"]);
    bus.open("d");
    bus.ack("d", "m");
    assert_eq!(bus.heard("d"), ["error: unregistered"]);
    bus.ack("b", "m");
    bus.ack("b", "m");
    assert_eq!(bus.heard("b"), ["error: unknown message"]);
    assert!(bus.closed.is_empty());
}

#[test]
fn an_id_of_several_senders_has_to_say_whose() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b", "c"]);
    bus.send("a", "b", "m");
    bus.send("c", "b", "m");
    assert_eq!(bus.heard("b"), ["m#0", "m#0"]);
    bus.ack("b", "m");
    bus.nack("b", "m");
    assert_eq!(bus.heard("b"), ["error: from", "error: from"]);
    bus.frame("b", r#"{"type":"ack","messageId":"m","from":"c"}"#);
    bus.ack("b", "m");
    assert_eq!((bus.heard("b").len(), bus.broker.stats().acknowledged), (0, 2));
}

#[test]
fn a_connection_that_does_not_read_is_delivered_nothing_more() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m0");
    bus.broker.congested("b");
    bus.send("a", "b", "m1");
    bus.pass(secs(40));
    assert_eq!(bus.heard("b"), ["m0#0"], "no heartbeat either");
    assert_eq!(bus.broker.stats().unacknowledged, 0);
    bus.ack("b", "m0");
    bus.broker.drained(bus.now, "b");
    bus.act();
    assert_eq!(bus.heard("b"), ["m1#0"]);
}

#[test]
fn services_take_turns() {
    let mut bus = Bus::new();
    bus.register_all(&["a"]);
    for i in 0..3 {
        for to in ["b", "c"] {
            bus.send("a", to, &format!("{to}{i}"));
        }
    }
    for to in ["b", "c"] {
        bus.open(to);
        bus.broker.receive(bus.now, bus.wall(), to, &format!(r#"{{"type":"register","serviceId":"{to}"}}"#));
    }
    let mut order = Vec::new();
    while let Some(action) = bus.broker.poll_action() {
        if let super::Action::Send { conn, frame } = action {
            order.extend(frame.contains("payload").then_some(conn));
        }
    }
    assert_eq!(order, ["b", "c", "b", "c", "b", "c"]);
}

#[test]
fn a_nack_of_a_delivery_that_has_ended_counts() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.nack("b", "m");
    bus.nack("b", "m");
    assert_eq!(bus.heard("b"), ["m#0", "error: unknown message"]);
    bus.pass(secs(1));
    assert_eq!(bus.heard("b"), ["m#1"]);
}

#[test]
fn a_message_whose_sender_left_before_it_was_stored_is_lost() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.is_quick = false;
    bus.send("a", "b", "m");
    bus.close("a");
    bus.store();
    assert_eq!((bus.heard("a").len(), bus.heard("b")), (0, ["m#0".into()].into()));
    bus.register("a2", "a");
    bus.send_as("a2", "a", "b", "m", "null");
    assert_eq!(
        (bus.heard("a2"), bus.heard("b").len()),
        (["registered 0".into(), "accepted m".into()].into(), 0)
    );
}
