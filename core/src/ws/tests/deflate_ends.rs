//! The end of a stream behind a compressed message that is handed up in pieces.

use super::deflate::{compressed, deflated, inflating};
use super::*;
use crate::base::End;
use crate::ws::Delivery;

/// All bytes are here, a program pauses between two pieces, and then the stream ends: the rest of the message is heard.
#[test]
fn an_end_stands_behind_what_is_not_inflated() {
    let mut tried = 0;
    for len in (8000..40_000).step_by(53) {
        let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let mut connection = inflating(&Config { delivery: Delivery::Streaming, ..Config::default() });
        let mut bytes = deflated(0x82, &compressed(&payload));
        let (mut input, mut heard) = (Input::new(&mut bytes), Vec::new());
        let is_last = loop {
            let Some(Event::Chunk(chunk)) = connection.receive(START, &mut input) else { panic!("no piece") };
            heard.extend_from_slice(&chunk.bytes);
            if chunk.last || input.is_empty() {
                break chunk.last;
            }
        };
        if is_last {
            continue;
        }
        tried += 1;
        connection.pause(START);
        connection.receive_end(START, End::Eof);
        assert!(feed(&mut connection, START, &[]).is_empty());
        connection.resume(START);
        let mut ends = Vec::new();
        for got in feed(&mut connection, START, &[]) {
            match got {
                Got::Chunk(bytes, _, last) => {
                    heard.extend(bytes);
                    ends.push(last);
                }
                Got::Closed(closed) => assert_eq!(closed.cause, End::Eof.into()),
                got => panic!("{got:?}"),
            }
        }
        assert!(heard == payload && ends.pop() == Some(true), "{len}");
        assert!(connection.is_finished());
    }
    assert!(tried > 10, "{tried}");
}
