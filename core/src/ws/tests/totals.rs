//! What is counted and limited over all the ways in which a message may come.

use super::*;
use crate::base::{Cause, Kind, SendError, Violation};
use crate::ws::{Delivery, Prepared};
use std::vec;

#[test]
fn every_way_in_is_counted() {
    for role in [Role::Client, Role::Server] {
        let mut connection = side(role, Config::default());
        let small = frame_to(role, 0x81, b"ahoy");
        let large = frame_to(role, 0x82, &[7; 70_000]);
        let parts = [frame_to(role, 0x01, b"a"), frame_to(role, 0x80, b"b")].concat();
        let ways = [&small, &large, &parts, &small, &large, &parts];
        for bytes in ways {
            assert_eq!(feed(&mut connection, START, bytes).len(), 1);
        }
        for bytes in ways {
            let got = bytes.chunks(bytes.len() / 2).flat_map(|piece| feed(&mut connection, START, piece));
            assert_eq!(got.count(), 1);
        }
        let bytes_in: usize = ways.iter().map(|bytes| bytes.len() * 2).sum();
        let stats = connection.stats();
        assert_eq!((stats.messages_in, stats.bytes_in), (12, bytes_in as u64));
    }
}

#[test]
fn what_is_read_directly_counts_as_any_other_byte() {
    for role in [Role::Client, Role::Server] {
        for (more, fits) in [(10_000, true), (10_001, false)] {
            let mut connection = side(role, Config { max_message: 30_000, ..Config::default() });
            let payload: Vec<u8> = (0..20_000).map(|i| (i * 7) as u8).collect();
            let first = frame_to(role, 0x02, &payload);
            let (here, rest) = first.split_at(first.len() - 10_000);
            assert_eq!(feed(&mut connection, START, here), []);
            connection.read_space().unwrap().copy_from_slice(rest);
            connection.handle_read(at(20_000), usize::MAX);
            assert_eq!(connection.stats().bytes_in, first.len() as u64);
            assert!(connection.read_space().is_none(), "nothing of this frame is to come");
            connection.handle_timeout(at(30_000));
            assert_eq!(connection.queued(), 0, "no ping: bytes came ten seconds ago");
            let got = feed(&mut connection, at(30_000), &frame_to(role, 0x80, &vec![5; more]));
            if fits {
                assert_eq!(got, [Got::Message(Message::binary([payload, vec![5; more]].concat()))]);
            } else {
                let too_big = Violation::MessageTooBig { limit: 30_000 };
                assert_eq!(closed(got).cause, Cause::Violation(too_big));
            }
        }
    }
}

#[test]
fn nothing_is_read_straight_into_a_text() {
    let mut connection = server(Config::default());
    let bytes = frame(0x81, &[b'a'; 20_000]);
    assert_eq!(feed(&mut connection, START, &bytes[..10_000]), []);
    assert!(connection.read_space().is_none());
    connection.handle_read(START, 5000);
    let want = [Got::Message(Message::text("a".repeat(20_000)))];
    assert_eq!(feed(&mut connection, START, &bytes[10_000..]), want);
}

#[test]
fn nor_into_a_control_frame_between_two_fragments() {
    let mut connection = server(Config::default());
    let first = frame(0x02, &[1; 20_000]);
    let ping = frame(0x89, &[2; 125]);
    assert_eq!(feed(&mut connection, START, &[&first, &ping[..50]].concat()), []);
    assert!(connection.read_space().is_none());
    connection.handle_read(START, 10);
    assert_eq!(feed(&mut connection, START, &ping[50..]), []);
    assert_eq!(written(&mut connection, START), [&[0x8a, 125][..], &[2; 125]].concat());
    let want = [Got::Message(Message::binary([vec![1; 20_000], vec![3]].concat()))];
    assert_eq!(feed(&mut connection, START, &frame(0x80, &[3])), want);
}

#[test]
fn a_message_of_any_kind_is_held_to_its_limit_over_all_fragments() {
    for role in [Role::Client, Role::Server] {
        for delivery in [Delivery::Messages, Delivery::Streaming] {
            for (first, last) in [(0x01, 100), (0x01, 101), (0x02, 100), (0x02, 101)] {
                let config = Config { max_message: 1000, delivery, ..Config::default() };
                let sizes = [(first, 600), (0x00, 300), (0x80, last)];
                let bytes = sizes.map(|(first, len)| frame_to(role, first, &vec![b'a'; len])).concat();
                let mut connection = side(role, config);
                feed(&mut connection, START, &bytes);
                assert_eq!(connection.is_open(), last == 100, "{role:?} {delivery:?} {first}");
            }
        }
    }
}

#[test]
fn a_control_frame_in_pieces_is_the_same() {
    let payload: Vec<u8> = (0..125).collect();
    let close = [&1001u16.to_be_bytes()[..], b"off to lunch"].concat();
    let bytes = [frame(0x89, &payload), frame(0x89, b""), frame(0x88, &close)].concat();
    for size in [1, 2, 3, 50, 130, 1000] {
        let mut connection = server(Config::default());
        let got = bytes.chunks(size).flat_map(|piece| feed(&mut connection, START, piece)).collect();
        let report = closed(got);
        assert_eq!((report.code.as_u16(), &*report.reason), (1001, "off to lunch"), "in pieces of {size}");
        let pongs = [&[0x8a, 125][..], &payload, &[0x8a, 0]].concat();
        assert_eq!(&written(&mut connection, START)[..129], pongs, "in pieces of {size}");
        assert_eq!(connection.stats().pings_in, 2);
    }
}

#[test]
fn whether_a_message_is_on_its_way_is_known() {
    let mut connection = server(Config::default());
    assert!(connection.is_between_messages() && connection.is_silent());
    feed(&mut connection, START, &frame(0x01, b"a")[..1]);
    assert!(!connection.is_between_messages() && !connection.is_silent(), "in a header");
    feed(&mut connection, START, &frame(0x01, b"a")[1..]);
    assert!(!connection.is_between_messages() && !connection.is_silent(), "between fragments");
    feed(&mut connection, START, &frame(0x80, b"b"));
    assert!(connection.is_between_messages() && connection.is_silent());
    connection.pause(START);
    assert!(connection.is_between_messages() && !connection.is_silent(), "more may be heard than comes");
}

#[test]
fn a_kind_that_a_websocket_has_not_and_a_text_that_is_none_are_refused() {
    for role in [Role::Client, Role::Server] {
        let mut connection = side(role, Config::default());
        let unsupported = SendError::UnsupportedKind(Kind::Typed(5));
        let typed = Message::typed(5, &b"x"[..]);
        assert_eq!(connection.can_send(START, &typed), Err(unsupported));
        assert_eq!(connection.send(START, typed), Err(unsupported));
        assert_eq!(connection.send_bytes(START, Kind::Typed(5), vec![1].into()), Err(unsupported));
        assert_eq!(Prepared::new(Kind::Typed(5), vec![1].into()).err(), Some(unsupported));
        let not_text = connection.send_bytes(START, Kind::Text, vec![0xff].into());
        assert_eq!(not_text, Err(SendError::NotUtf8));
        assert_eq!(connection.queued(), 0);
        connection.send_bytes(START, Kind::Binary, vec![0xff].into()).unwrap();
        let binary = Prepared::new(Kind::Binary, vec![0xff].into()).unwrap();
        assert_eq!(binary.message(), Message::binary(&[0xff][..]));
        assert_eq!(Prepared::text("ahoy").message(), Message::text("ahoy"));
    }
}

#[test]
fn a_prepared_message_goes_under_its_type_only_where_its_kind_does_not() {
    let (plain, typed) = (Prepared::text("ahoy"), Prepared::text("ahoy").with_type(5));
    let all = |_| true;
    let texts = |kind| kind == Kind::Text;
    let fives = |kind| kind == Kind::Typed(5);
    let none = |_| false;
    assert_eq!(typed.kind_where(all), Kind::Text);
    assert_eq!(typed.kind_where(texts), Kind::Text);
    assert_eq!(typed.kind_where(fives), Kind::Typed(5));
    assert_eq!(typed.kind_where(none), Kind::Text);
    assert_eq!(plain.kind_where(fives), Kind::Text);
}
