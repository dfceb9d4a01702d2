//! The message loop on real sockets and on each async runtime, over a WebSocket, lines of JSON and typed frames: whatever comes is
//! a message of the type or the error that it is none.

use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use wharf::base::{Cause, CloseCode, Closed, Message, Origin};
use wharf::framed::json::{JsonError, OnInvalid};
use wharf::service::messages::MessagesConfig;
use wharf_async_std::{ServerHandle, Socket, TypedError, TypedSocket};
use wharf_tests::adapter::Peer;
use wharf_tests::cell::{Cell, Spoken};
use wharf_tests::desk::{SPOKEN, cell, open};
use wharf_tests::door::{Door, end_of, run};
use wharf_tests::wire::{first, frame};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum Frame {
    Say { text: String },
    Bad(String),
    Bye,
}

fn say(text: &str) -> Frame {
    Frame::Say { text: text.into() }
}

fn config(cell: Cell, on_invalid: OnInvalid) -> MessagesConfig {
    let mut config = MessagesConfig::default();
    (config.kind, config.on_invalid, config.max_invalid) = (cell.message("").kind(), on_invalid, 3);
    config
}

/// Says each message again, and of what is none that it is none, in words of ours.
async fn converse<D: Door>(mut socket: TypedSocket<D, Frame, Frame>) -> Result<(), TypedError> {
    // Not one word of the socket's own: only what streams and sinks have.
    while let Some(message) = StreamExt::next(&mut socket).await {
        let answer = match message {
            Ok(Frame::Bye) => return Ok(()),
            Ok(message) => message,
            Err(TypedError::Bad(bad)) if bad.close.is_none() => Frame::Bad(bad.reason()),
            Err(TypedError::Bad(_)) => continue,
            Err(error) => return Err(error),
        };
        SinkExt::send(&mut socket, answer).await?;
    }
    Ok(())
}

async fn conversing<D: Door>(cell: Cell, on_invalid: OnInvalid) -> (Socket<D>, ServerHandle) {
    let config = config(cell, on_invalid);
    open::<D, _, _>(cell, move |socket| async move { drop(converse::<D>(socket.typed(config)).await) }).await
}

/// A message of the cell's kind, of whatever text.
fn raw(cell: Cell, text: &str) -> Message<'static> {
    if cell.spoken == Spoken::JsonLines { Message::text(text.to_owned()) } else { cell.message(text) }
}

fn one_bad_message_is_a_value_and_not_the_end<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (mut socket, _server) = conversing::<D>(cell, OnInvalid::Report).await;
            // Nothing is cast without validating: not the shape, not the types, not the names.
            let bad = ["{", r#"{"type":"say","payload":{"text":7}}"#, r#"{"type":"sing"}"#];
            for text in bad {
                socket.send(raw(cell, text)).await.unwrap();
            }
            let mut socket: TypedSocket<D, Frame, Frame> = socket.typed(config(cell, OnInvalid::Report));
            socket.send(&say("ahoy")).await.unwrap();
            for text in bad {
                let Some(Ok(Frame::Bad(reason))) = socket.next().await else { panic!("it is bad: {text}") };
                assert!(reason.contains("JSON") && !reason.contains("sing"), "{reason}");
            }
            assert_eq!(socket.next().await.unwrap().unwrap(), say("ahoy"));
            socket.send(&Frame::Bye).await.unwrap();
            assert!(socket.next().await.is_none());
            assert_eq!((socket.invalid(), socket.socket().closed().unwrap().code), (0, CloseCode::NORMAL));
        }
    });
}

fn said(closed: &Closed) -> (Origin, Cause, CloseCode) {
    (closed.origin, closed.cause, closed.code)
}

fn by_policy_a_bad_message_is_the_end<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            for code in [CloseCode::INVALID_PAYLOAD, CloseCode::POLICY_VIOLATION] {
                let (mut socket, _server) = conversing::<D>(cell, OnInvalid::Close(code)).await;
                socket.send(raw(cell, "no JSON")).await.unwrap();
                let closed = end_of(&mut socket).await;
                let told = if cell.is_websocket() { code } else { CloseCode::NORMAL };
                assert_eq!(said(&closed), (Origin::Remote, Cause::Handshake, told));
                let reason = if cell.is_websocket() { "not JSON at line 1 column 2" } else { "" };
                assert_eq!(closed.reason, reason);
            }
        }
    });
}

fn bad_messages_are_counted_and_too_many_are_the_end<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (mut socket, _server) = conversing::<D>(cell, OnInvalid::Report).await;
            for _ in 0..4 {
                socket.send(raw(cell, "no JSON")).await.unwrap();
            }
            for _ in 0..3 {
                let message = socket.next().await.unwrap().unwrap();
                assert!(message.payload().starts_with(br#"{"type":"bad","#), "{message:?}");
            }
            let closed = end_of(&mut socket).await;
            let told = if cell.is_websocket() { CloseCode::POLICY_VIOLATION } else { CloseCode::NORMAL };
            assert_eq!(said(&closed), (Origin::Remote, Cause::Handshake, told));
        }
    });
}

/// The bytes of a text of a cell, as its client writes them.
fn bytes(cell: Cell, text: &str) -> Vec<u8> {
    let Some(codec) = cell.codec() else { return frame(first::TEXT, text.as_bytes(), Some([1, 2, 3, 4])) };
    let (message, mut out) = (raw(cell, text), Vec::new());
    codec.encode_head(message.kind(), message.payload(), &mut out).expect("it can be framed");
    out.extend_from_slice(message.payload());
    codec.encode_tail(message.kind(), message.payload(), &mut out);
    out
}

/// Reads until so many of `needle` were answered; all that came.
fn hears(peer: &mut Peer, heard: &mut Vec<u8>, needle: &[u8], count: usize) {
    use std::io::Read;
    let mut buffer = [0; 4096];
    while heard.windows(needle.len()).filter(|part| part == &needle).count() < count {
        let n = peer.stream.read(&mut buffer).expect("an answer");
        assert!(n > 0, "it ended");
        heard.extend_from_slice(&buffer[..n]);
    }
}

/// Messages are told apart by their framing, whatever comes in one read.
fn a_character_split_over_two_reads_is_one_and_two_messages_in_one_read_are_two<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (socket, server) = conversing::<D>(cell, OnInvalid::Report).await;
            let address = server.local_addr();
            let mut peer = if cell.is_websocket() { Peer::open(address) } else { Peer::connect(address) };
            let ahoy = bytes(cell, r#"{"type":"say","payload":{"text":"ahoy"}}"#);
            let split = bytes(cell, "{\"type\":\"say\",\"payload\":{\"text\":\"\u{2693}\"}}");
            let mut heard = Vec::new();
            let mut count = 0;
            for cut in 1..split.len() {
                // Once the two before it are answered, the front of the split one was read with them.
                peer.write(&[&ahoy[..], &ahoy, &split[..cut]].concat());
                hears(&mut peer, &mut heard, b"ahoy", 2 * cut);
                peer.write(&split[cut..]);
                count += 1;
                hears(&mut peer, &mut heard, "\u{2693}".as_bytes(), count);
            }
            drop(socket);
        }
    });
}

/// Each kind of message reaches the program, and the end too, with its code.
fn text_and_binary_and_close_are_reached<D: Door>() {
    run::<D>(async {
        let cell = cell(Spoken::WebSocket);
        let (tell, told) = async_channel::unbounded();
        let (mut socket, _server) = open::<D, _, _>(cell, move |mut socket| {
            let tell = tell.clone();
            async move {
                while let Some(message) = StreamExt::next(&mut socket).await {
                    let branch = match message {
                        Ok(Message::Text(text)) => format!("text {text}"),
                        Ok(Message::Binary(bytes)) => format!("binary {bytes:?}"),
                        Ok(other) => format!("{other:?}"),
                        Err(error) => format!("error {error}"),
                    };
                    tell.send(branch).await.unwrap();
                }
                let closed = socket.closed().expect("a report");
                tell.send(format!("{:?} {} {}", closed.origin, closed.code, closed.reason)).await.unwrap();
            }
        })
        .await;
        socket.send("ahoy").await.unwrap();
        socket.send(&[1_u8, 2][..]).await.unwrap();
        let _ = socket.close(4001.into(), "enough").await;
        let expected = [
            "text ahoy",
            "binary [1, 2]",
            "error closed by the peer with 4001 (enough)",
            "Remote 4001 enough",
        ];
        for expected in expected {
            assert_eq!(told.recv().await.unwrap(), expected);
        }
        assert!(told.is_empty());
    });
}

fn what_has_no_json_is_not_sent<D: Door>() {
    run::<D>(async {
        let cell = cell(Spoken::JsonLines);
        let (socket, _server) = conversing::<D>(cell, OnInvalid::Report).await;
        let mut socket: TypedSocket<D, Frame, std::collections::BTreeMap<[u8; 1], u8>> =
            socket.typed(config(cell, OnInvalid::Report));
        let error = socket.send(&[([1], 1)].into()).await.unwrap_err();
        assert!(matches!(&error, TypedError::Unwritable(JsonError::Unwritable(_))) && !error.is_end());
        assert_eq!(socket.socket().stats().messages_out, 0);
        assert!(socket.close(CloseCode::NORMAL, "").await.is_ok());
        assert!(socket.into_socket().closed().is_some());
    });
}

wharf_tests::on_every_door!({
    one_bad_message_is_a_value_and_not_the_end
    by_policy_a_bad_message_is_the_end
    bad_messages_are_counted_and_too_many_are_the_end
    a_character_split_over_two_reads_is_one_and_two_messages_in_one_read_are_two
    text_and_binary_and_close_are_reached
    what_has_no_json_is_not_sent
});
