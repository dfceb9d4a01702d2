//! What is wanted while a program pauses, while output waits, and at the marks.

use super::*;
use crate::base::{Accepted, CloseCode, Kind, SendError, Wants};
use crate::ws::Prepared;
use std::vec;

fn small() -> Config {
    Config { max_message: 100, high_mark: 50, low_mark: 10, queue_limit: 0, ..Config::default() }
}

#[test]
fn output_is_wanted_until_it_has_left() {
    let mut connection = server(Config::default());
    let wants = |write| Wants { read: true, write, shutdown: None };
    assert_eq!(connection.wants(), wants(false));
    connection.send(START, Message::text("ahoy")).unwrap();
    assert_eq!(connection.wants(), wants(true));
    written(&mut connection, START);
    assert_eq!(connection.wants(), wants(false));
}

#[test]
fn a_pause_is_one_however_often_and_only_a_pause_is_resumed() {
    let mut connection = server(Config::default());
    connection.resume(at(10_000));
    assert_eq!(connection.poll_timeout(), Some(at(30_000)), "nothing was paused: silence goes on");
    connection.pause(at(10_000));
    connection.pause(at(10_000));
    assert_eq!(connection.wants(), Wants { read: false, write: false, shutdown: None });
    connection.resume(at(10_000));
    assert!(connection.wants().read);
    connection.close(at(10_000), CloseCode::NORMAL, "").unwrap();
    connection.pause(at(10_000));
    assert!(connection.wants().read, "what closes is not paused");
}

#[test]
fn congestion_lasts_from_above_the_high_mark_to_the_low_one() {
    let mut connection = server(small());
    let message = |len| Message::binary(vec![1; len]);
    assert_eq!(connection.send(START, message(48)), Ok(Accepted::Queued));
    assert!(!connection.is_congested() && connection.wants().read, "at the mark, not above it");
    for _ in 0..2 {
        assert_eq!(connection.send(START, message(10)), Ok(Accepted::Congested));
        assert!(connection.is_congested() && !connection.wants().read);
    }
    assert_eq!(connection.stats().messages_out, 3);
    connection.output(START).advance(74 - 11);
    assert!(connection.is_congested());
    connection.output(START).advance(1);
    assert!(!connection.is_congested());
    assert_eq!(feed(&mut connection, START, b""), [Got::Drained]);
    assert_eq!(feed(&mut connection, START, b""), [], "told once");
}

#[test]
fn a_client_reads_on_while_congested() {
    let mut connection = client(Config { high_mark: 50, low_mark: 10, ..Config::client() });
    assert_eq!(connection.send(START, Message::binary(vec![1; 48])), Ok(Accepted::Congested));
    assert!(connection.wants().read);
    let got = feed(&mut connection, START, b"\x81\x02hi");
    assert_eq!(got, [Got::Message(Message::text("hi"))]);
}

#[test]
fn what_just_fits_is_taken_and_a_byte_more_is_not() {
    // 4260 bytes may be queued: 50, 4096 for pongs, 100 and 14 for a header.
    let mut connection = server(small());
    let message = |len| Message::binary(vec![1; len]);
    connection.send(START, message(98)).unwrap();
    assert_eq!(connection.queued(), 100);
    assert_eq!(connection.can_send(START, &message(4146)), Ok(()));
    assert_eq!(connection.can_send(START, &message(4147)), Err(SendError::Full));
    assert_eq!(connection.can_send(START, &message(4236)), Err(SendError::Full));
    let too_big = Err(SendError::TooBig { limit: 4250 });
    assert_eq!(connection.can_send(START, &message(4237)), too_big);
    assert_eq!((connection.stats().sends_refused, connection.queued()), (3, 100));
    assert_eq!(connection.send(START, message(4146)), Ok(Accepted::Congested));
    connection.close(START, CloseCode::NORMAL, "").unwrap();
    assert_eq!(connection.can_send(START, &message(0)), Err(SendError::Closing));
    connection.abort(START);
    assert_eq!(connection.can_send(START, &message(0)), Err(SendError::Closed));
    assert_eq!(connection.close(START, CloseCode::NORMAL, ""), Err(SendError::Closed));
}

#[test]
fn a_pong_that_waits_is_output_that_is_wanted() {
    for (role, pong) in [(Role::Client, 131), (Role::Server, 127)] {
        let mut connection = side(role, Config::default());
        for i in 0..100 {
            feed(&mut connection, START, &frame_to(role, 0x89, &[i; 125]));
        }
        let fit = 4096 / pong;
        assert_eq!(connection.queued(), fit * pong);
        assert_eq!(connection.stats().pongs_dropped as usize, 100 - fit - 1);
        assert_eq!(written(&mut connection, START).len(), fit * pong);
        assert_eq!((connection.queued(), connection.wants().write), (0, true));
        assert_eq!(written(&mut connection, START).len(), pong);
        assert!(!connection.wants().write);
    }
}

#[test]
fn a_large_payload_goes_out_where_it_lies_and_a_small_one_is_copied() {
    let lies_at = |connection: &mut Connection, at: *const u8| {
        let output = connection.output(START);
        let mut slices: [&[u8]; 4] = [&[]; 4];
        let filled = output.slices(&mut slices);
        slices[..filled].iter().any(|slice| slice.as_ptr() == at)
    };
    for (len, large) in [(16_383, false), (16_384, true)] {
        for role in [Role::Client, Role::Server] {
            let own = vec![1; len];
            let (mut connection, at) = (side(role, Config::default()), own.as_ptr());
            connection.send(START, Message::binary(own)).unwrap();
            assert_eq!(lies_at(&mut connection, at), large, "{role:?} {len}");

            let shared = bytes::Bytes::from(vec![1; len]);
            let (mut connection, at) = (side(role, Config::default()), shared.as_ptr());
            connection.send_bytes(START, Kind::Binary, shared).unwrap();
            assert_eq!(lies_at(&mut connection, at), large, "{role:?} {len}");

            let lent = vec![1; len];
            let mut connection = side(role, Config::default());
            connection.send(START, Message::binary(&lent[..])).unwrap();
            assert!(!lies_at(&mut connection, lent.as_ptr()));
        }
        // With its header a frame of four bytes more; no fast way out, which copies.
        let prepared = Prepared::new(Kind::Binary, vec![1; len - 4].into()).unwrap();
        let mut connection = server(Config { fragment_size: 16_383, ..Config::default() });
        connection.send_prepared(START, &prepared).unwrap();
        assert_eq!(lies_at(&mut connection, prepared.frames().as_slice().as_ptr()), large);
    }
}
