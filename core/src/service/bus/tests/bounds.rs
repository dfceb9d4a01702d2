//! Limits, and what happens at them.

use super::{Bus, message, secs};
use crate::service::bus::Reason;
use alloc::format;

#[test]
fn a_service_has_no_more_waiting_than_it_may() {
    let size = message("a", "b", "m0", "null").len();
    let mut bus = Bus::with(|config| (config.max_pending, config.max_pending_bytes) = (3, 10 * size));
    bus.register_all(&["a", "b"]);
    for i in 0..4 {
        bus.send("a", "b", &format!("m{i}"));
    }
    assert_eq!(bus.heard("a")[2..], ["accepted m2", "rejected m3: full"], "what is handed out counts too");
    bus.ack("b", "m0");
    let long = format!("\"{}\"", "x".repeat(8 * size));
    bus.send_as("a", "a", "b", "l", &long);
    bus.send("a", "c", "m3");
    assert_eq!(bus.heard("a"), ["rejected l: full", "accepted m3"]);
    assert_eq!(bus.broker.stats().rejected.of(Reason::Full), 2);
    bus.ack("b", "m1");
    bus.ack("b", "m2");
    bus.send_as("a", "a", "b", "l", &long);
    assert_eq!(bus.heard("a"), ["accepted l"]);
}

#[test]
fn a_service_with_too_many_dead_letters_gets_no_more() {
    let mut bus = Bus::with(|config| (config.max_dead, config.attempts) = (1, 1));
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.nack("b", "m");
    bus.send("a", "b", "n");
    bus.pass(secs(1));
    assert_eq!(bus.heard("a"), ["accepted m", "rejected n: full", "dead m: nack: busy"]);
    let mut bus = Bus::with(|config| config.max_dead = 0);
    bus.register_all(&["a"]);
    bus.send("a", "b", "m");
    assert_eq!((bus.heard("a"), bus.broker.stats().services), (["rejected m: full".into()].into(), 1));
    let mut bus = Bus::with(|config| (config.max_dead_bytes, config.attempts) = (1, 1));
    bus.register_all(&["a", "b"]);
    bus.send("a", "b", "m");
    bus.nack("b", "m");
    bus.send("a", "b", "n");
    assert_eq!(bus.heard("a"), ["accepted m", "rejected n: full"]);
}

#[test]
fn there_are_no_more_services_than_may_be() {
    let mut bus = Bus::with(|config| config.max_services = 2);
    bus.register_all(&["a"]);
    bus.send("a", "b", "m");
    bus.send("a", "c", "m2");
    bus.register("c", "c");
    assert_eq!(
        (bus.heard("a"), bus.heard("c")),
        (["accepted m".into(), "rejected m2: full".into()].into(), ["error: full".into()].into())
    );
    bus.register("b", "b");
    bus.ack("b", "m");
    bus.close("b");
    assert_eq!(bus.broker.stats().services, 1, "of whom nothing waits and who is gone is forgotten");
    bus.frame("c", r#"{"type":"register","serviceId":"c"}"#);
    assert_eq!(bus.heard("c"), ["registered 0"]);
}

#[test]
fn a_frame_that_is_too_long_ends_its_connection() {
    let mut bus = Bus::with(|config| config.max_message = 200);
    bus.register_all(&["a", "b"]);
    bus.send_as("a", "a", "b", "m", &format!("\"{}\"", "x".repeat(200)));
    assert_eq!(bus.heard("a"), ["error: too big"]);
    assert_eq!((bus.closed["a"].0.as_u16(), bus.closed["a"].1), (1009, Reason::TooBig));
    bus.send("b", "b", "m");
    assert_eq!(bus.heard("b"), ["accepted m", "m#0"]);
}

#[test]
fn bad_frames_are_answered_and_the_connection_is_kept() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    for bad in
        ["", "nonsense", "[]", r#"{"type":"sing"}"#, r#"{"type":"ack"}"#, r#"{"type":"message","message":7}"#]
    {
        bus.frame("a", bad);
        assert_eq!(bus.heard("a"), ["error: invalid"], "{bad}");
    }
    bus.frame("a", &format!(r#"{{"type":"x","x":{}{}}}"#, "[".repeat(300_000), "]".repeat(300_000)));
    assert_eq!(bus.heard("a"), ["error: invalid"]);
    bus.broker.receive_binary(bus.now, bus.wall(), "a");
    bus.act();
    assert_eq!(bus.heard("a"), ["error: invalid"]);
    bus.send_as("a", "a", "b c", "m", "null");
    bus.send_as("a", "a", "b", "m n", "null");
    bus.send_as("a", "a", "b", "m", "nil");
    assert_eq!(bus.heard("a"), ["rejected m: to", "rejected m n: id", "error: invalid"]);
    bus.send("a", "b", "m");
    assert_eq!((bus.heard("a"), bus.closed.len()), (["accepted m".into()].into(), 0));
    assert_eq!(bus.broker.stats().errors.of(Reason::Invalid), 9);
}
