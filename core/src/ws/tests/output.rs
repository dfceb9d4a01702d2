use super::*;
use crate::base::{Accepted, Kind, Scratch, SendError};
use crate::ws::Prepared;
use std::vec;

#[test]
fn marks_and_limit() {
    let config =
        Config { max_message: 100, high_mark: 50, low_mark: 10, queue_limit: 0, ..Config::default() };
    let mut connection = server(config);
    assert_eq!(connection.send(START, Message::binary(vec![1; 48])), Ok(Accepted::Queued));
    assert_eq!(connection.send(START, Message::binary(vec![2; 48])), Ok(Accepted::Congested));
    assert_eq!(connection.queued(), 100);
    assert_eq!(connection.send(START, Message::binary(vec![3; 4200])), Err(SendError::Full));
    assert_eq!(
        connection.send(START, Message::binary(vec![3; 4240])),
        Err(SendError::TooBig { limit: 4250 })
    );
    assert_eq!((connection.queued(), connection.stats().sends_refused), (100, 2));
    assert_eq!(feed(&mut connection, START, &frame(0x81, b"wait")), [], "reads nothing while congested");
    connection.output(START).advance(89);
    assert!(!connection.wants().read);
    connection.output(START).advance(1);
    assert!(connection.wants().read);
    let got = feed(&mut connection, START, &frame(0x81, b"go"));
    assert_eq!(got, [Got::Drained, Got::Message(Message::text("go"))]);
}

#[test]
fn one_answer_a_message_always_fits() {
    let config =
        Config { max_message: 100, high_mark: 50, low_mark: 10, queue_limit: 0, ..Config::default() };
    let mut connection = server(config);
    let mut bytes: Vec<u8> = (0..50).flat_map(|i| frame(0x82, &vec![i; usize::from(i) * 2])).collect();
    let mut input = Input::new(&mut bytes);
    while !input.is_empty() {
        while let Some(event) = connection.receive(START, &mut input) {
            if let Event::Message(message) = event {
                connection.send(START, message).unwrap();
            }
        }
        written(&mut connection, START);
    }
}

#[test]
fn whoever_finds_no_room_is_told_when_there_is() {
    let config =
        Config { max_message: 100, high_mark: 5000, low_mark: 10, queue_limit: 0, ..Config::default() };
    let mut connection = server(config);
    while connection.ping(START).is_ok() {}
    assert_eq!(connection.send(START, Message::binary(vec![1; 100])), Err(SendError::Full));
    written(&mut connection, START);
    assert_eq!(feed(&mut connection, START, b""), [Got::Drained]);
    assert_eq!(connection.send(START, Message::binary(vec![1; 100])), Ok(Accepted::Queued));
}

#[test]
fn pongs_take_no_room_from_answers() {
    let config = Config { max_message: 100, high_mark: 8, low_mark: 0, queue_limit: 0, ..Config::default() };
    let mut connection = server(config);
    assert_eq!(connection.send(START, Message::binary(vec![1; 6])), Ok(Accepted::Queued));
    feed(&mut connection, START, &frame(0x89, &[2; 120]));
    assert_eq!(connection.send(START, Message::binary(vec![1; 100])), Ok(Accepted::Congested));
}

#[test]
fn pongs_step_in_at_a_frame_boundary() {
    let mut connection = server(Config { fragment_size: 128 << 10, ..Config::default() });
    connection.send(START, Message::binary(vec![1; 300_000])).unwrap();
    connection.output(START).advance(1);
    // A server's large payload is read back by a client, which finds the pong between two fragments.
    connection.gate = 0; // as if this server read on while congested
    feed(&mut connection, START, &frame(0x89, b"now"));
    let bytes = written(&mut connection, START);
    let pong = bytes.windows(5).position(|w| w == b"\x8a\x03now").unwrap();
    assert!(pong < 140_000, "the pong waited for {pong} bytes");
    let mut peer = client(Config::default());
    let mut whole = vec![0x02];
    whole.extend(bytes);
    assert_eq!(feed(&mut peer, START, &whole), [Got::Message(Message::binary(vec![1; 300_000]))]);
}

#[test]
fn a_flood_of_pings_collapses_into_the_newest() {
    let mut connection = server(Config::default());
    for i in 0..1000u32 {
        feed(&mut connection, START, &frame(0x89, &[&i.to_be_bytes()[..], &[0; 96]].concat()));
    }
    assert!(connection.queued() <= 4096);
    let mut pongs = Vec::new();
    loop {
        let bytes = written(&mut connection, START);
        if bytes.is_empty() {
            break;
        }
        pongs.extend(bytes.chunks(102).map(|pong| u32::from_be_bytes([pong[2], pong[3], pong[4], pong[5]])));
    }
    assert_eq!(pongs.last(), Some(&999));
    assert!(pongs.is_sorted());
    assert_eq!(pongs.len() as u32 + connection.stats().pongs_dropped, 1000);
}

#[test]
fn prepared_messages_are_the_same_bytes() {
    for len in [0, 10, 200, 20_000, 300_000, 3 << 20] {
        let payload = vec![b'x'; len];
        let prepared = Prepared::new(Kind::Text, payload.clone().into()).unwrap();
        let (mut a, mut b) = (server(Config::default()), server(Config::default()));
        a.send_prepared(START, &prepared).unwrap();
        b.send_bytes(START, Kind::Text, payload.clone().into()).unwrap();
        assert_eq!(written(&mut a, START), written(&mut b, START), "{len}");
        let (mut c, mut d) = (client(Config::default()), server(Config::default()));
        c.send_prepared(START, &prepared).unwrap();
        let text = std::string::String::from_utf8(payload).unwrap();
        assert_eq!(feed(&mut d, START, &written(&mut c, START)), [Got::Message(Message::text(text))]);
    }
    assert!(Prepared::new(Kind::Text, vec![0xff].into()).is_err());
}

#[test]
fn an_idle_connection_gives_its_buffers_back() {
    let (mut connection, mut scratch) = (server(Config::default()), Scratch::new());
    for _ in 0..3 {
        connection.lend(&mut scratch);
        for got in feed(&mut connection, START, &frame(0x82, &[1; 100])) {
            let Got::Message(message) = got else { panic!() };
            connection.send(START, message).unwrap();
        }
        connection.output(START).advance(usize::MAX);
        connection.reclaim(&mut scratch);
        assert!(scratch.capacity() > 0);
    }
}

#[test]
fn unwritten_bytes_stay_with_the_connection() {
    // RFC 6455 6.1: "The frame(s) that have been formed MUST be transmitted"
    let (mut connection, mut scratch) = (server(Config::default()), Scratch::new());
    let mut out = Vec::new();
    for i in 0..100u8 {
        connection.lend(&mut scratch);
        connection.send(START, Message::binary(vec![i; 300])).unwrap();
        let mut output = connection.output(START);
        let mut slices: [&[u8]; 1] = [&[]];
        output.slices(&mut slices);
        let n = slices[0].len().min(17 * usize::from(i));
        out.extend_from_slice(&slices[0][..n]);
        output.advance(n);
        connection.reclaim(&mut scratch);
    }
    out.extend(written(&mut connection, START));
    let want: Vec<u8> = (0..100u8).flat_map(|i| [vec![0x82, 126, 1, 44], vec![i; 300]].concat()).collect();
    assert_eq!(out, want);
}

#[test]
fn masks_differ_from_frame_to_frame() {
    let mut connection = client(Config::default());
    connection.send(START, Message::text("same")).unwrap();
    connection.send(START, Message::text("same")).unwrap();
    let bytes = written(&mut connection, START);
    assert_ne!(bytes[2..6], bytes[12..16]);
}
