//! Registrations and signs of life.

use super::{Bus, secs};
use crate::service::bus::{BusEvent, Reason};
use alloc::format;

#[test]
fn a_connection_registers_in_time_or_is_closed() {
    let mut bus = Bus::new();
    bus.open("a");
    bus.pass(secs(9));
    bus.frame("a", r#"{"type":"heartbeat"}"#);
    bus.pass(secs(1));
    assert_eq!(bus.heard("a"), ["error: unregistered"]);
    assert_eq!((bus.closed["a"].0.as_u16(), bus.broker.stats().connections), (1008, 1));
    bus.frame("a", r#"{"type":"register","serviceId":"a"}"#);
    assert_eq!(bus.heard("a").len(), 0, "it is being closed");
    bus.close("a");
    assert_eq!((bus.broker.stats().connections, bus.broker.poll_timeout()), (0, None));
}

#[test]
fn an_id_is_registered_once_a_connection() {
    let mut bus = Bus::new();
    bus.register("a", "a");
    bus.send("a", "a", "m");
    bus.frame("a", r#"{"type":"register","serviceId":"a"}"#);
    bus.frame("a", r#"{"type":"register","serviceId":"b"}"#);
    bus.frame("a", r#"{"type":"register","serviceId":"a b"}"#);
    assert_eq!(
        bus.heard("a"),
        ["registered 0", "accepted m", "m#0", "registered 1", "error: id", "error: id"]
    );
    assert!(bus.closed.is_empty());
}

#[test]
fn a_silent_service_is_gone_and_any_frame_is_a_sign_of_life() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.pass(secs(59));
    bus.frame("a", "nonsense");
    assert_eq!(bus.heard("a"), ["heartbeat", "error: invalid"]);
    assert_eq!(bus.heard("b"), ["heartbeat"]);
    bus.pass(secs(1));
    assert_eq!(bus.heard("b"), ["error: gone"]);
    assert_eq!((bus.closed["b"].0.as_u16(), bus.closed.len()), (1008, 1));
    let gone = BusEvent::Unregistered { conn: "b", service: super::name("b"), reason: Some(Reason::Gone) };
    assert!(bus.events.contains(&gone));
    bus.send("a", "b", "m");
    bus.register("b2", "b");
    assert_eq!(bus.heard("b2"), ["registered 1", "m#0"]);
    bus.pass(secs(58));
    assert_eq!(bus.closed.len(), 1);
    bus.pass(secs(2));
    assert!(bus.closed.contains_key("a"));
}

#[test]
fn a_wrong_token_closes_and_replaces_nobody() {
    let mut bus =
        Bus::with(|config| config.tokens = Some([("a", "one"), ("*", "any")].into_iter().collect()));
    let register = |bus: &mut Bus, conn, token: &str| {
        bus.open(conn);
        bus.frame(conn, &format!(r#"{{"type":"register","serviceId":"a"{token}}}"#));
    };
    register(&mut bus, "a", r#","token":"one""#);
    for (conn, token) in [("b", ""), ("c", r#","token":"any""#), ("d", r#","token":"on""#)] {
        register(&mut bus, conn, token);
        assert_eq!((bus.heard(conn), bus.closed[conn].1), (["error: token".into()].into(), Reason::Token));
    }
    bus.open("e");
    bus.frame("e", r#"{"type":"register","serviceId":"e","token":"any"}"#);
    assert_eq!(
        (bus.heard("a"), bus.heard("e")),
        (["registered 0".into()].into(), ["registered 0".into()].into())
    );
}

#[test]
fn heartbeats_stay_on_their_grid() {
    let mut bus = Bus::with(|config| config.gone_after = secs(10_000));
    bus.register_all(&["a"]);
    // The timer is late, and no heartbeat is made up for.
    bus.now += secs(100);
    bus.broker.handle_timeout(bus.now, bus.wall());
    bus.act();
    assert_eq!(bus.heard("a"), ["heartbeat"]);
    bus.pass(secs(60));
    assert_eq!(bus.heard("a").len(), 2);
}

#[test]
fn what_comes_of_a_connection_that_is_over_counts() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    bus.open("c");
    bus.send("a", "b", "m");
    assert_eq!(bus.heard("b"), ["m#0"]);
    bus.close("b");
    bus.broker.congested("b");
    bus.broker.drained(bus.now, "b");
    bus.broker.receive_binary(bus.now, bus.wall(), "b");
    bus.ack("b", "m");
    bus.close("b");
    assert_eq!(bus.heard("b").len(), 0);
    let stats = bus.broker.stats();
    assert_eq!((stats.acknowledged, stats.pending, stats.errors.of(Reason::Invalid)), (0, 1, 0));
    // One that has not registered may read slowly as well.
    bus.broker.congested("c");
    bus.broker.drained(bus.now, "c");
    bus.frame("c", r#"{"type":"register","serviceId":"b"}"#);
    assert_eq!(bus.heard("c"), ["registered 1", "m#0"]);
}

#[test]
fn a_connection_that_is_opened_again_is_still_the_service_that_it_was() {
    let mut bus = Bus::new();
    bus.register_all(&["a", "b"]);
    // Nobody has said that it was over.
    bus.register("b", "c");
    bus.send("a", "b", "m");
    assert_eq!(bus.heard("b"), ["registered 0"]);
    let over = BusEvent::Unregistered { conn: "b", service: super::name("b"), reason: None };
    assert!(bus.events.contains(&over));
    bus.close("b");
    bus.register("b2", "b");
    assert_eq!(bus.heard("b2"), ["registered 1", "m#0"]);
}

#[test]
fn a_service_is_gone_only_when_its_next_heartbeat_is_due() {
    let mut bus = Bus::with(|config| (config.heartbeat, config.gone_after) = (secs(100), secs(60)));
    bus.register_all(&["a"]);
    bus.pass(secs(30));
    bus.frame("a", "nonsense");
    bus.pass(secs(59));
    assert_eq!((bus.heard("a"), bus.closed.len()), (["error: invalid".into()].into(), 0));
    bus.pass(secs(1));
    assert_eq!(bus.heard("a"), ["error: gone"]);
}
