//! What the fast paths take, and what they leave to the general ones.

use super::*;
use crate::base::{CloseCode, Scratch};
use std::vec;

/// What the fast way in makes of the front of `bytes`, and how much it leaves; of what it does not take it takes no byte.
fn taken(connection: &mut Connection, bytes: &[u8]) -> Option<(Message<'static>, usize)> {
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    let before = input.len();
    let message = match connection.receive_fast(START, &mut input) {
        Some(Event::Message(message)) => message.into_owned(),
        Some(event) => panic!("{event:?}"),
        None => {
            assert_eq!(input.len(), before);
            return None;
        }
    };
    Some((message, input.len()))
}

#[test]
fn a_whole_message_at_rest_is_taken_and_one_that_lacks_a_byte_is_not() {
    for role in [Role::Client, Role::Server] {
        let mut connection = side(role, Config::default());
        let (mut bytes_in, mut messages_in) = (0, 0);
        for len in [0, 1, 2, 5, 125, 126, 127, 128, 300, 65_535] {
            let text: std::string::String = (0..len).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
            for message in [Message::text(&*text), Message::binary(text.as_bytes())] {
                let first = if message.as_text().is_some() { 0x81 } else { 0x82 };
                let bytes = [frame_to(role, first, text.as_bytes()), vec![0x81; 3]].concat();
                let whole = bytes.len() - 3;
                assert_eq!(taken(&mut connection, &bytes[..whole - 1]), None, "{role:?} {len}");
                assert_eq!(taken(&mut connection, &bytes), Some((message.into_owned(), 3)), "{role:?} {len}");
                (bytes_in, messages_in) = (bytes_in + whole as u64, messages_in + 1);
            }
        }
        let stats = connection.stats();
        assert_eq!((stats.bytes_in, stats.messages_in), (bytes_in, messages_in));
    }
}

#[test]
fn what_is_out_of_the_ordinary_is_left() {
    for role in [Role::Client, Role::Server] {
        let mut connection = side(role, Config::default());
        let masked = if role == Role::Server { 0x80 } else { 0 };
        for first in [0x00, 0x01, 0x02, 0x80, 0x83, 0x88, 0x89, 0x8a, 0xc1, 0xc2] {
            assert_eq!(taken(&mut connection, &frame_to(role, first, b"ahoy")), None, "{first:x}");
        }
        assert_eq!(taken(&mut connection, &frame_to(role.peer(), 0x81, b"ahoy")), None, "the other's mask");
        let long_form = [&[0x82, masked | 126, 0, 125][..], &[0; 200]].concat();
        assert_eq!(taken(&mut connection, &long_form), None, "not the shortest form");
        assert_eq!(taken(&mut connection, &frame_to(role, 0x82, &[0; 65_536])), None, "64 bits of length");
        for (max_frame, max_message) in [(200, 300), (300, 200)] {
            let mut tight = side(role, Config { max_frame, max_message, ..Config::default() });
            assert!(taken(&mut tight, &frame_to(role, 0x82, &[0; 200])).is_some());
            assert_eq!(taken(&mut tight, &frame_to(role, 0x82, &[0; 201])), None);
        }
    }
}

#[test]
fn a_small_message_goes_out_at_once_below_the_high_mark() {
    for role in [Role::Client, Role::Server] {
        let goes =
            |connection: &mut Connection, len| connection.send_fast(START, &Message::binary(vec![7; len]));
        let config = Config { high_mark: 1000, ..Config::default() };
        let mut connection = side(role, config.clone());
        assert!(!goes(&mut connection, 986) && goes(&mut connection, 100));
        let rest = 986 - connection.queued();
        assert!(!goes(&mut connection, rest) && goes(&mut connection, rest - 1));
        assert_eq!(connection.stats().messages_out, 2);

        let mut closing = side(role, config.clone());
        closing.close(START, CloseCode::NORMAL, "").unwrap();
        assert!(!goes(&mut closing, 1) && !closing.send_framed_fast(START, b"\x82\x00"));

        let mut prepared = side(role, config);
        assert!(!prepared.send_framed_fast(START, &[0; 986]));
        assert!(prepared.send_framed_fast(START, &[0; 985]));

        let wide = Config { high_mark: 1 << 20, fragment_size: 16_384, ..Config::default() };
        let mut connection = side(role, wide.clone());
        assert!(!goes(&mut connection, 16_384) && goes(&mut connection, 16_383));
        let mut cut = side(role, Config { fragment_size: 16_383, ..wide });
        assert!(!goes(&mut cut, 1), "where messages are cut");
        assert!(!cut.send_fast(START, &Message::typed(1, &b"x"[..])));
    }
}

#[test]
fn every_short_length_form_goes_out() {
    for role in [Role::Client, Role::Server] {
        let (mut near, mut far) = (side(role, Config::default()), side(role.peer(), Config::default()));
        assert_eq!((near.role(), far.role()), (role, role.peer()));
        for len in [0, 1, 124, 125, 126, 127, 255, 256, 16_383] {
            let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
            assert!(near.send_fast(START, &Message::binary(&payload[..])));
            let bytes = written(&mut near, START);
            assert_eq!(bytes.len(), header::encoded_len(role == Role::Client, len) + len);
            assert_eq!(feed(&mut far, START, &bytes), [Got::Message(Message::binary(payload))]);
        }
    }
}

#[test]
fn a_client_draws_its_own_masks_in_a_turn_and_outside_of_one() {
    let seeded = |seed| Connection::client(START, &Arc::default(), Entropy::from_seed([seed; 32]));
    let mut pairs = [1, 2].map(|seed| (seeded(seed), seeded(seed)));
    let mut scratch = Scratch::new();
    for _ in 0..40 {
        for (lent, alone) in &mut pairs {
            lent.lend(&mut scratch);
            lent.send(START, Message::text("same")).unwrap();
            alone.send(START, Message::text("same")).unwrap();
            assert_eq!(written(lent, START), written(alone, START));
            lent.reclaim(&mut scratch);
        }
    }
}
