use super::*;
use crate::base::{Accepted, Cause, CloseCode, Shutdown, Timeout};
use crate::framed::{Keepalive, Lines, Raw, Typed};
use std::vec;

/// Lets all deadlines up to `until` fire, each at its time.
fn run<C: Codec>(connection: &mut Connection<C>, until: Instant) -> Vec<Got> {
    let mut got = Vec::new();
    while let Some(due) = connection.poll_timeout().filter(|due| *due <= until) {
        connection.handle_timeout(due);
        assert!(connection.poll_timeout().is_none_or(|next| next > due), "timers move forward");
        got.extend(feed(connection, due, b""));
    }
    got
}

fn idle(millis: u64) -> Config {
    Config { idle_timeout: Some(Duration::from_millis(millis)), ..Config::default() }
}

fn pinged() -> Config {
    let keepalive = Keepalive::Frames { ping: Typed::PING, payload: b"?"[..].into(), pong: 7 };
    Config { keepalive, pong_timeout: Some(Duration::from_millis(50)), ..idle(100) }
}

#[test]
fn a_silent_peer_is_ended() {
    let mut connection = open(Lines::new(), idle(100));
    feed(&mut connection, at(50), b"a byte that is no message");
    assert_eq!(run(&mut connection, at(149)), []);
    assert_eq!(closed(run(&mut connection, at(150))).cause, Cause::Timeout(Timeout::Idle));
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Abort));
}

#[test]
fn keepalive_frames_are_opt_in_and_any_byte_counts() {
    let mut connection = open(Typed, pinged());
    assert_eq!(run(&mut connection, at(100)), []);
    assert_eq!(written(&mut connection, at(100)), b"\0\0\0\x02\x01?");
    assert_eq!(feed(&mut connection, at(130), b"\0\0\0\x02\x07?"), [Got::Pong(Duration::from_millis(30))]);
    assert_eq!(feed(&mut connection, at(131), b"\0\0\0\x01\x07"), [], "a pong that nobody asked for");
    assert_eq!(run(&mut connection, at(231)), []);
    assert_eq!(written(&mut connection, at(231)), b"\0\0\0\x02\x01?");
    assert_eq!(feed(&mut connection, at(250), b"\0"), [], "any byte");
    assert_eq!(run(&mut connection, at(350)), []);
    assert_eq!(written(&mut connection, at(350)), b"\0\0\0\x02\x01?");
    assert_eq!(closed(run(&mut connection, at(400))).cause, Cause::Timeout(Timeout::Pong));
}

#[test]
fn a_ping_is_answered_where_that_was_asked_for() {
    let mut connection = open(Typed, pinged());
    assert_eq!(
        feed(&mut connection, START, b"\0\0\0\x03\x01ab\0\0\0\x02\x02c")[..],
        [Got::Message(Message::typed(2, b"c".to_vec()))]
    );
    assert_eq!(written(&mut connection, START), b"\0\0\0\x03\x07ab");
    assert_eq!((connection.stats().pings_in, connection.stats().messages_in), (1, 1));
    connection.close(START, CloseCode::NORMAL, "").unwrap();
    assert_eq!(feed(&mut connection, START, b"\0\0\0\x01\x01"), []);
    assert_eq!(written(&mut connection, START), b"", "nothing follows a close");

    let mut plain = open(Typed, idle(100));
    assert_eq!(feed(&mut plain, START, b"\0\0\0\x01\x01"), [Got::Message(Message::typed(1, vec![]))]);
    assert_eq!(written(&mut plain, START), b"", "a message like any other");
}

#[test]
fn answers_to_pings_are_bounded() {
    let mut config = pinged();
    (config.high_mark, config.low_mark, config.pause_reading_when_congested) = (1000, 0, false);
    let mut connection = open(Typed, config);
    feed(
        &mut connection,
        START,
        &b"\0\0\0\x65\x01".iter().copied().chain([0; 100]).collect::<Vec<u8>>().repeat(99),
    );
    assert!(connection.queued() <= 1000 + 4096);
    let stats = connection.stats();
    assert_eq!(stats.pings_in, 99);
    assert_eq!(connection.queued() / 105 + stats.pongs_dropped as usize, 99);
}

#[test]
fn a_codec_without_types_has_no_keepalive_frames() {
    let mut connection = open(Raw, pinged());
    assert_eq!(closed(run(&mut connection, at(100))).cause, Cause::Timeout(Timeout::Idle));
}

#[test]
fn a_peer_that_takes_nothing_is_ended() {
    let mut connection = open(Lines::new(), Config { idle_timeout: None, ..Config::default() });
    connection.send(at(1000), Message::text("take it")).unwrap();
    connection.output(at(20_000)).advance(1);
    assert_eq!(run(&mut connection, at(49_999)), []);
    assert_eq!(closed(run(&mut connection, at(50_000))).cause, Cause::Timeout(Timeout::WriteStall));
}

#[test]
fn the_close_deadline_frees_every_ending() {
    let mut waiting = open(Lines::new(), Config::default());
    waiting.close(START, CloseCode::NORMAL, "").unwrap();
    assert_eq!(closed(run(&mut waiting, at(5000))).cause, Cause::Timeout(Timeout::Close));

    let mut lingering = open(Typed, Config::default());
    closed(feed(&mut lingering, START, b"\0\0\0\0"));
    assert_eq!(run(&mut lingering, at(4999)), []);
    assert!(!lingering.is_finished());
    assert_eq!(run(&mut lingering, at(5000)), []);
    assert_eq!(lingering.wants().shutdown, Some(Shutdown::Abort));
}

#[test]
fn while_we_do_not_read_the_peer_is_not_blamed() {
    let mut connection = open(Raw, Config { write_timeout: Some(Duration::from_secs(600)), ..idle(100) });
    assert_eq!(connection.send(at(90), Message::binary(vec![0; 70_000])), Ok(Accepted::Congested));
    assert!(!connection.wants().read);
    assert_eq!(run(&mut connection, at(300_000)), []);
    written(&mut connection, at(300_000));
    assert_eq!(feed(&mut connection, at(300_000), b""), [Got::Drained]);
    assert_eq!(run(&mut connection, at(300_099)), []);
    assert_eq!(closed(run(&mut connection, at(300_100))).cause, Cause::Timeout(Timeout::Idle));
}

#[test]
fn a_paused_connection_stands_still() {
    let mut connection = open(Lines::new(), idle(100));
    connection.pause(at(10));
    assert_eq!(connection.poll_timeout(), None);
    assert_eq!(feed(&mut connection, at(20), b"later\n"), []);
    connection.resume(at(90_000));
    assert!(connection.wants().read);
    assert_eq!(connection.poll_timeout(), Some(at(90_100)));
}

#[test]
fn time_that_runs_backwards_is_clamped() {
    let mut connection = open(Lines::new(), Config::default());
    connection.handle_timeout(at(100));
    connection.handle_timeout(at(50));
    assert_eq!(connection.stats().times_clamped, 1);
}
