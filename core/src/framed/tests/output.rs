use super::*;
use crate::base::{Accepted, Kind, Scratch, SendError};
use crate::framed::{Length, Lines, MAX_HEADER, Raw, Typed};
use std::vec;

const SMALL: usize = 2 * MAX_HEADER;

fn tight() -> Config {
    Config { max_message: 100, high_mark: 50, low_mark: 10, queue_limit: 0, ..Config::default() }
}

#[test]
fn marks_and_limit() {
    let mut connection = open(Raw, tight());
    assert_eq!(connection.send(START, Message::binary(vec![1; 50])), Ok(Accepted::Queued));
    assert_eq!(connection.send(START, Message::binary(vec![2; 50])), Ok(Accepted::Congested));
    assert!(connection.is_congested());
    let limit = 50 + 4096 + 100 + SMALL - 10;
    let most = limit - SMALL;
    assert_eq!(connection.send(START, Message::binary(vec![3; most])), Err(SendError::Full));
    assert_eq!(connection.send(START, Message::binary(vec![3; most + 1])), Err(SendError::TooBig { limit }));
    assert_eq!((connection.queued(), connection.stats().sends_refused), (100, 2));
    assert_eq!(feed(&mut connection, START, b"wait"), [], "reads nothing while congested");
    connection.output(START).advance(89);
    assert!(!connection.wants().read);
    connection.output(START).advance(1);
    assert!(connection.wants().read);
    let got = feed(&mut connection, START, b"go");
    assert_eq!(got, [Got::Drained, Got::Message(Message::binary(b"go".to_vec()))]);
    assert_eq!(connection.send(START, Message::binary(vec![3; most])), Ok(Accepted::Congested));
}

#[test]
fn one_answer_a_message_always_fits() {
    let mut connection = open(Typed, tight());
    let mut bytes: Vec<u8> =
        (1..=50u8).flat_map(|i| [vec![0, 0, 0, i + 1, 2], vec![i; i.into()]].concat()).collect();
    let mut input = Input::new(&mut bytes);
    while !input.is_empty() {
        while let Some(event) = connection.receive(START, &mut input) {
            if let Event::Message(message) = event {
                connection.send(START, message).unwrap();
            }
        }
        written(&mut connection, START);
    }
    assert_eq!(connection.stats().messages_out, 50);
}

#[test]
fn a_refused_message_leaves_nothing_behind() {
    let mut connection = open(Lines::new(), Config::default());
    connection.send(START, Message::text("a")).unwrap();
    assert_eq!(connection.send(START, Message::text("b\nc")), Err(SendError::ContainsDelimiter));
    assert_eq!(connection.send_bytes(START, Kind::Text, vec![0xff].into()), Err(SendError::NotUtf8));
    let large = std::string::String::from_utf8(vec![b'\n'; 20_000]).unwrap();
    assert_eq!(connection.send(START, Message::text(large)), Err(SendError::ContainsDelimiter));
    assert_eq!(written(&mut connection, START), b"a\n");
    assert_eq!(connection.stats().messages_out, 1);
}

#[test]
fn large_payloads_are_referenced() {
    let payload = bytes::Bytes::from(vec![b'x'; 100_000]);
    let mut connection = open(Lines::crlf(), Config::default());
    connection.send_bytes(START, Kind::Text, payload.clone()).unwrap();
    connection.send(START, Message::text("small")).unwrap();
    let output = connection.output(START);
    let mut slices: [&[u8]; 4] = [&[]; 4];
    assert_eq!(output.slices(&mut slices), 2);
    assert_eq!(slices[0].as_ptr(), payload.as_ptr(), "the payload itself");
    assert_eq!(slices[1], b"\r\nsmall\r\n");
}

#[test]
fn pairs_talk_both_ways() {
    for len in [0, 5, 126, 20_000, 300_000] {
        let config = Config { high_mark: 1 << 20, ..Config::default() };
        let (mut a, mut b) = (open(Length::default(), config.clone()), open(Length::default(), config));
        let payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        a.send(START, Message::binary(&payload[..])).unwrap();
        a.send(START, Message::binary(payload.clone())).unwrap();
        a.send_bytes(START, Kind::Binary, payload.clone().into()).unwrap();
        let got = feed(&mut b, START, &written(&mut a, START));
        assert_eq!(got.len(), 3);
        assert!(got.iter().all(|got| *got == Got::Message(Message::binary(payload.clone()))));
    }
}

#[test]
fn a_whole_message_is_lent() {
    let mut connection = open(Typed, Config::default());
    let mut bytes = *b"\0\0\0\x03\x02hi\0\0\0";
    let mut input = Input::new(&mut bytes);
    let Some(Event::Message(message)) = connection.receive(START, &mut input) else { panic!() };
    assert!(message.is_lent());
    connection.send(START, message).unwrap();
    assert!(connection.receive(START, &mut input).is_none());
    let mut rest = *b"\x02\x02!";
    let mut input = Input::new(&mut rest);
    let Some(Event::Message(message)) = connection.receive(START, &mut input) else { panic!() };
    assert!(message.is_lent(), "a header that was cut does not make its payload be copied");
    assert_eq!(written(&mut connection, START), b"\0\0\0\x03\x02hi");
}

#[test]
fn an_idle_connection_gives_its_buffers_back() {
    let (mut connection, mut scratch) = (open(Typed, Config::default()), Scratch::new());
    for _ in 0..3 {
        connection.lend(&mut scratch);
        connection.send(START, Message::typed(1, &[0; 99][..])).unwrap();
        connection.output(START).advance(usize::MAX);
        connection.reclaim(&mut scratch);
        assert!(scratch.capacity() > 0);
    }
}
