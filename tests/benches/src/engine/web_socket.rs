//! web-socket: reads through a buffer as in its examples; small messages gathered by a buffer of tokio's. It leaves the
//! UTF-8 of a text to whoever receives it, who does what its examples do.

use super::subject::now;
use super::wire::Written;
use super::{Batch, Content, Payload, Side, Subject, Wire};
use bytes::Bytes;
use std::hint::black_box;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, BufWriter};
use web_socket::{Event, WebSocket};

const NAME: &str = "web-socket";
/// Up to this many bytes a message is gathered with others.
const SMALL: usize = 1024;
const GATHERED: usize = 80 * 1024;

pub(super) fn receiver(batch: &Batch) -> Subject {
    let wire = Wire::repeating(batch.masked.clone());
    let mut socket = WebSocket::server(BufReader::with_capacity(64 * 1024, wire));
    let (frames, bytes, is_text) = (batch.frames, batch.bytes(), batch.content != Content::Binary);
    Subject::new(NAME, move || {
        let mut got = 0;
        for _ in 0..frames {
            let Ok(Event::Data { data, .. }) = now(socket.recv_event()) else { panic!("no message") };
            if is_text {
                black_box(std::str::from_utf8(&data).expect("a text"));
            }
            got += black_box(data).len();
        }
        assert_eq!(got, bytes);
    })
}

pub(super) fn sender(side: Side, payload: Payload, batch: &Batch) -> Subject {
    let wire = Wire::silent();
    let written = wire.written();
    match payload {
        _ if batch.payload.len() <= SMALL => {
            send(side, batch, BufWriter::with_capacity(GATHERED, wire), written)
        }
        Payload::Lent => send(side, batch, wire.unvectored(), written),
        Payload::Given => send(side, batch, wire, written),
    }
}

fn send<S>(side: Side, batch: &Batch, stream: S, written: Written) -> Subject
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut socket = match side {
        Side::Server => WebSocket::server(stream),
        Side::Client => WebSocket::client(stream),
    };
    let (payload, frames) = (batch.payload.clone(), batch.frames);
    let expected = batch.wire_len(side == Side::Client);
    Subject::new(NAME, move || {
        let before = written.bytes();
        for _ in 0..frames {
            now(socket.send(black_box(&payload[..]))).expect("there is room");
        }
        now(socket.flash()).expect("there is room");
        assert_eq!(written.bytes() - before, expected);
    })
}

pub(super) fn broadcaster(members: usize, payload: &Bytes) -> Subject {
    let mut members: Vec<_> = (0..members).map(|_| WebSocket::server(Wire::silent())).collect();
    let payload = payload.clone();
    Subject::new(NAME, move || {
        for member in &mut members {
            now(member.send(&payload[..])).expect("there is room");
        }
    })
}
