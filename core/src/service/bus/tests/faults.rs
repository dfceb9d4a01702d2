//! What a first sketch of a bus gets wrong.

use super::{Bus, secs};
use alloc::format;

#[test]
fn the_type_of_a_message_is_not_overwritten_so_it_is_routed() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    let inner = r#"{"id":"m","from":"a","to":"b","type":"register","payload":{"type":"ack"},"timestamp":0}"#;
    bus.frame("a", &format!(r#"{{"type":"message","message":{inner}}}"#));
    assert_eq!(bus.heard("a"), ["accepted m"]);
    let delivered = bus.sent.remove("b").unwrap();
    let expected =
        format!(r#"{{"type":"message","message":{},"retryCount":0}}}}"#, inner.trim_end_matches('}'));
    // The payload ends with a brace of its own.
    assert_eq!(delivered, [expected]);
}

#[test]
fn an_ack_that_comes_before_the_send_returns_is_not_lost() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.is_quick = false;
    bus.send("a", "b", "m");
    let batch = bus.batch.take().unwrap();
    bus.memory.carry_out(&batch).unwrap();
    bus.broker.stored(bus.now, bus.wall());
    // In the very moment in which it is told what to send.
    while let Some(action) = bus.broker.poll_action() {
        if matches!(&action, super::Action::Send { conn: "b", frame } if frame.contains("payload")) {
            bus.broker.receive(bus.now, bus.wall(), "b", r#"{"type":"ack","messageId":"m"}"#);
        }
    }
    assert_eq!((bus.broker.stats().acknowledged, bus.broker.stats().pending), (1, 0));
    bus.is_quick = true;
    bus.pass(secs(100));
    assert!(!bus.heard("b").contains(&"m#1".into()));
}

#[test]
fn a_late_disconnect_does_not_remove_the_connection_that_replaced_it() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.register("b2", "b");
    assert_eq!(bus.heard("b"), ["m#0", "error: replaced"]);
    bus.close("b");
    bus.send("a", "b", "n");
    assert_eq!(bus.heard("b2"), ["registered 1", "m#0", "n#0"]);
    assert_eq!(bus.heard("b").len(), 0);
}

#[test]
fn one_absent_service_does_not_block_the_queue_for_all() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b", "silent"]);
    for i in 0..2000 {
        bus.send("a", "absent", &format!("x{i}"));
        bus.send("a", "silent", &format!("y{i}"));
    }
    bus.send("a", "b", "m");
    assert_eq!(bus.heard("b"), ["m#0"]);
    assert_eq!(bus.heard("a").len(), 4001);
}

#[test]
fn from_cannot_be_forged() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send_as("a", "b", "b", "m", "null");
    assert_eq!(bus.heard("a"), ["rejected m: from"]);
    bus.open("nobody");
    bus.send_as("nobody", "a", "b", "m", "null");
    assert_eq!(bus.heard("nobody"), ["rejected m: unregistered"]);
    bus.send("a", "b", "m");
    assert_eq!((bus.heard("a"), bus.heard("b")), (["accepted m".into()].into(), ["m#0".into()].into()));
}

#[test]
fn what_is_sent_twice_is_delivered_once() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    for payload in ["1", "2"] {
        bus.send_as("a", "a", "b", "m", payload);
    }
    assert_eq!(bus.heard("a"), ["accepted m", "accepted m"]);
    assert_eq!(bus.heard("b"), ["m#0"]);
    assert_eq!(bus.broker.stats().deduplicated, 1);
}

#[test]
fn what_nobody_acknowledges_becomes_a_dead_letter() {
    let mut bus = Bus::with(|config| config.gone_after = secs(1000));
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.heard("a");
    bus.pass(secs(89));
    assert_eq!(bus.heard("b"), ["m#0", "heartbeat", "m#1", "heartbeat", "m#2"]);
    assert_eq!(bus.heard("a"), ["heartbeat", "heartbeat"]);
    bus.pass(secs(2));
    assert!(bus.heard("a").contains(&"dead m: ack timeout".into()));
    let (letter, death) = bus.broker.dead_letters().next().unwrap();
    assert_eq!((&*letter.id, death.progress.attempts, death.progress.history.len()), ("m", 3, 3));
}

#[test]
fn a_restart_loses_nothing() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.send("a", "absent", "m");
    bus.send("a", "b", "n");
    bus.restart();
    bus.register("b", "b");
    bus.register("c", "absent");
    assert_eq!(bus.heard("b"), ["registered 1", "n#0"]);
    assert_eq!(bus.heard("c"), ["registered 1", "m#0"]);
}
