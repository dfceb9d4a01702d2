//! The end of a stream behind a compressed message that is handed up in pieces.

use super::deflate::{compressed, deflated, inflating};
use super::*;
use crate::base::{Cause, CloseCode, End, Shutdown, Violation};
use crate::ws::Delivery;

/// Again and again the same text, of which the last time may be cut within a character.
fn payload(len: usize) -> Vec<u8> {
    let text = "\u{e9}".repeat(125) + "a";
    text.bytes().cycle().take(len).collect()
}

/// All bytes of a message of this length are here, a program pauses between two pieces, and then the stream ends. With what
/// was heard until then; `None` if all of it was.
fn ended_between_pieces(first: u8, len: usize) -> Option<(Connection, Vec<u8>)> {
    let mut connection = inflating(&Config { delivery: Delivery::Streaming, ..Config::default() });
    let mut bytes = deflated(first, &compressed(&payload(len)));
    let (mut input, mut heard) = (Input::new(&mut bytes), Vec::new());
    while !input.is_empty() {
        let Some(Event::Chunk(chunk)) = connection.receive(START, &mut input) else { return None };
        heard.extend_from_slice(&chunk.bytes);
        if chunk.last {
            return None;
        }
    }
    connection.pause(START);
    connection.receive_end(START, End::Eof);
    assert!(feed(&mut connection, START, &[]).is_empty());
    Some((connection, heard))
}

#[test]
fn the_rest_of_the_message_is_heard() {
    let mut tried = 0;
    for len in (8000..40_000).step_by(53) {
        let Some((mut connection, mut heard)) = ended_between_pieces(0x82, len) else { continue };
        tried += 1;
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
        assert!(heard == payload(len) && ends.pop() == Some(true), "{len}");
        assert!(connection.is_finished());
    }
    assert!(tried > 10, "{tried}");
}

#[test]
fn an_end_that_came_is_not_waited_for_behind_a_failure() {
    for fails in [false, true] {
        let mut tried = 0;
        for len in (8000..40_000).step_by(53).filter(|len| payload(*len).ends_with(&[0xc3])) {
            let Some((mut connection, _)) = ended_between_pieces(0x81, len) else { continue };
            tried += 1;
            let mut cause = Cause::Violation(Violation::TextNotUtf8);
            if fails {
                connection.fail(START, CloseCode::INTERNAL_ERROR);
                cause = Cause::Aborted;
            }
            connection.resume(START);
            let got = feed(&mut connection, START, &[]).pop();
            assert!(matches!(got, Some(Got::Closed(closed)) if closed.cause == cause), "{cause:?}");
            assert!(!connection.wants().read, "{cause:?}");
            assert!(!written(&mut connection, START).is_empty(), "why it ends is still told");
            assert_eq!(connection.wants().shutdown, Some(Shutdown::Both), "{cause:?}");
        }
        assert!(tried > 3, "{tried}");
    }
}
