use super::*;
use crate::base::{Accepted, Cause, CloseCode, Shutdown, Timeout};

/// Lets all deadlines up to `until` fire, each at its time.
fn run(connection: &mut Connection, until: Instant) -> Vec<Got> {
    let mut got = Vec::new();
    while let Some(due) = connection.poll_timeout().filter(|due| *due <= until) {
        connection.handle_timeout(due);
        assert!(connection.poll_timeout().is_none_or(|next| next > due), "timers move forward");
        got.extend(feed(connection, due, b""));
    }
    got
}

#[test]
fn a_silent_peer_is_pinged_then_ended() {
    let mut connection = server(Config::default());
    assert_eq!(run(&mut connection, at(29_999)), []);
    assert_eq!(written(&mut connection, at(29_999)), b"");
    assert_eq!(run(&mut connection, at(30_000)), []);
    assert_eq!(written(&mut connection, at(30_000)), b"\x89\x04\0\0\0\x01");
    assert_eq!(run(&mut connection, at(59_999)), []);
    assert_eq!(closed(run(&mut connection, at(60_000))).cause, Cause::Timeout(Timeout::Pong));
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Abort));
}

#[test]
fn a_pong_or_any_byte_keeps_it() {
    let mut connection = server(Config::default());
    run(&mut connection, at(30_000));
    written(&mut connection, at(30_000));
    assert_eq!(feed(&mut connection, at(30_250), &frame(0x8a, &[0, 0, 0, 9])), [], "not ours");
    let pong = frame(0x8a, &[0, 0, 0, 1]);
    assert_eq!(feed(&mut connection, at(30_250), &pong), [Got::Pong(Duration::from_millis(250))]);
    assert_eq!(run(&mut connection, at(60_249)), []);
    written(&mut connection, at(60_249));
    run(&mut connection, at(60_250));
    assert_eq!(written(&mut connection, at(60_250)), b"\x89\x04\0\0\0\x02");
    feed(&mut connection, at(70_000), &frame(0x81, b"busy")[..3]);
    assert_eq!(run(&mut connection, at(100_000)), [], "a byte is as good as a pong");
    assert_eq!(written(&mut connection, at(100_000)), b"\x89\x04\0\0\0\x03");
}

#[test]
fn a_ping_that_has_no_room_lets_a_silent_peer_stay() {
    let mut connection = server(Config::default());
    let pings = 4096 / 127;
    for _ in 0..pings {
        feed(&mut connection, START, &frame(0x89, &[7; 125]));
    }
    feed(&mut connection, START, &frame(0x89, &[7; 4096 % 127 - 2]));
    let queued = connection.queued();
    assert_eq!(queued, 4096, "what is kept for pongs is full");
    connection.output(at(29_000)).advance(1);
    assert_eq!(run(&mut connection, at(30_000)), []);
    assert_eq!(connection.queued(), queued - 1, "nowhere to put a ping");
    connection.output(at(59_000)).advance(1);
    assert_eq!(closed(run(&mut connection, at(60_000))).cause, Cause::Timeout(Timeout::Pong));
}

#[test]
fn a_peer_that_takes_nothing_is_ended() {
    let mut connection = server(Config { idle_timeout: None, ..Config::default() });
    connection.send(at(1000), Message::text("take it")).unwrap();
    connection.output(at(20_000)).advance(1);
    assert_eq!(run(&mut connection, at(49_999)), []);
    assert_eq!(closed(run(&mut connection, at(50_000))).cause, Cause::Timeout(Timeout::WriteStall));
}

#[test]
fn the_close_deadline_frees_every_ending() {
    let mut waiting = server(Config::default());
    waiting.close(START, CloseCode::NORMAL, "").unwrap();
    written(&mut waiting, START);
    assert_eq!(closed(run(&mut waiting, at(5000))).cause, Cause::Timeout(Timeout::Close));

    let mut lingering = client(Config::default());
    closed(feed(&mut lingering, START, b"\x88\x02\x03\xe8"));
    written(&mut lingering, START);
    assert_eq!(run(&mut lingering, at(4999)), []);
    assert!(!lingering.is_finished());
    assert_eq!(run(&mut lingering, at(5000)), []);
    assert_eq!(lingering.wants().shutdown, Some(Shutdown::Abort));
}

#[test]
fn while_we_do_not_read_the_peer_is_not_blamed() {
    let mut connection =
        server(Config { write_timeout: Some(Duration::from_secs(600)), ..Config::default() });
    run(&mut connection, at(30_000));
    let big = Message::binary([0; 70_000].to_vec());
    assert_eq!(connection.send(at(31_000), big), Ok(Accepted::Congested));
    assert!(!connection.wants().read);
    assert_eq!(run(&mut connection, at(300_000)), []);
    written(&mut connection, at(300_000));
    assert_eq!(feed(&mut connection, at(300_000), b""), [Got::Drained]);
    assert_eq!(run(&mut connection, at(329_999)), []);
    assert_eq!(closed(run(&mut connection, at(330_000))).cause, Cause::Timeout(Timeout::Pong));
}

#[test]
fn a_paused_connection_stands_still() {
    let mut connection = server(Config::default());
    connection.pause(at(10));
    assert_eq!(connection.poll_timeout(), None);
    assert_eq!(feed(&mut connection, at(20), &frame(0x81, b"later")), []);
    connection.resume(at(90_000));
    assert!(connection.wants().read);
    assert_eq!(connection.poll_timeout(), Some(at(120_000)));
}

#[test]
fn time_that_runs_backwards_is_clamped() {
    let mut connection = server(Config::default());
    connection.handle_timeout(at(100));
    connection.handle_timeout(at(50));
    assert_eq!(connection.stats().times_clamped, 1);
}

#[test]
fn further_pings_do_not_put_the_pong_deadline_off() {
    let mut connection = server(Config::default());
    let mut got = Vec::new();
    for second in (0..120_000).step_by(10_000) {
        got.extend(run(&mut connection, at(second)));
        let _ = connection.ping(at(second));
        written(&mut connection, at(second));
    }
    assert_eq!(closed(got).cause, Cause::Timeout(Timeout::Pong));
}

#[test]
fn a_byte_between_two_pings_gives_the_newer_one_its_time() {
    let mut connection = server(Config::default());
    connection.ping(at(0)).unwrap();
    feed(&mut connection, at(10_000), &frame(0x81, b"busy")[..3]);
    connection.ping(at(20_000)).unwrap();
    written(&mut connection, at(20_000));
    assert_eq!(run(&mut connection, at(39_999)), []);
    assert_eq!(closed(run(&mut connection, at(40_000))).cause, Cause::Timeout(Timeout::Pong));
}

#[test]
fn times_of_zero_are_over_once_time_passes_and_not_before() {
    let (zero, close_timeout) = (Some(Duration::ZERO), Duration::ZERO);
    let (idle_timeout, pong_timeout, write_timeout) = (zero, zero, zero);
    let config = Config { idle_timeout, pong_timeout, write_timeout, close_timeout, ..Config::default() };
    let mut silent = server(Config { write_timeout: None, ..config.clone() });
    silent.handle_timeout(START);
    assert_eq!((written(&mut silent, START).len(), silent.poll_timeout() > Some(START)), (0, true));
    assert_eq!(closed(run(&mut silent, at(1))).cause, Cause::Timeout(Timeout::Pong));

    let mut full = server(Config { idle_timeout: None, pong_timeout: None, ..config.clone() });
    full.send(START, Message::text("take it")).unwrap();
    full.handle_timeout(START);
    assert_eq!((full.is_finished(), full.poll_timeout() > Some(START)), (false, true));
    assert_eq!(closed(run(&mut full, at(1))).cause, Cause::Timeout(Timeout::WriteStall));

    let mut closing = server(Config { write_timeout: None, ..config });
    closing.close(START, CloseCode::NORMAL, "").unwrap();
    closing.handle_timeout(START);
    assert_eq!((closing.is_finished(), closing.poll_timeout() > Some(START)), (false, true));
    assert_eq!(closed(run(&mut closing, at(1))).cause, Cause::Timeout(Timeout::Close));
}

#[test]
fn to_ask_without_bytes_is_not_to_hear_the_peer() {
    let mut connection = server(Config::default());
    feed(&mut connection, START, &frame(0x82, &[1; 20_000])[..10_000]);
    assert_eq!(feed(&mut connection, at(20_000), b""), []);
    connection.handle_read(at(20_000), 0);
    assert_eq!(run(&mut connection, at(30_000)), []);
    assert_eq!(written(&mut connection, at(30_000)), b"\x89\x04\0\0\0\x01");
}

#[test]
fn a_late_timer_changes_nothing_of_an_end() {
    let mut connection = server(Config::default());
    closed(feed(&mut connection, START, &frame(0x88, b"\x03\xe8")));
    written(&mut connection, START);
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
    connection.handle_timeout(at(60_000));
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
    assert_eq!(feed(&mut connection, at(60_000), b""), []);
}
