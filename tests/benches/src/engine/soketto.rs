//! soketto: buffered as in its examples. It leaves the UTF-8 of a text to whoever receives it, who does what its examples
//! do.

use super::client_handshake::ClientHandshake;
use super::subject::now;
use super::{Batch, Content, Payload, Side, Subject, Wire};
use bytes::Bytes;
use futures_util::io::{BufReader, BufWriter};
use soketto::connection::{Builder, Mode};
use soketto::handshake::server::Response;
use soketto::handshake::{Client, Server, ServerResponse};
use std::hint::black_box;
use tokio_util::compat::TokioAsyncReadCompatExt;

const NAME: &str = "soketto";
const READ: usize = 64 * 1024;
/// Up to this many bytes a message is gathered with others.
pub(super) const SMALL: usize = 1024;
const GATHERED: usize = 80 * 1024;

fn mode(side: Side) -> Mode {
    match side {
        Side::Server => Mode::Server,
        Side::Client => Mode::Client,
    }
}

pub(super) fn receiver(batch: &Batch) -> Subject {
    let wire = BufReader::with_capacity(READ, Wire::repeating(batch.masked.clone()));
    let (_, mut receiver) = Builder::new(wire, Mode::Server).finish();
    let (frames, bytes, is_text) = (batch.frames, batch.bytes(), batch.content != Content::Binary);
    let mut message = Vec::new();
    Subject::new(NAME, move || {
        let mut got = 0;
        for _ in 0..frames {
            message.clear();
            black_box(now(receiver.receive_data(&mut message)).expect("a message"));
            if is_text {
                black_box(std::str::from_utf8(&message).expect("a text"));
            }
            got += black_box(&message).len();
        }
        assert_eq!(got, bytes);
    })
}

pub(super) fn sender(side: Side, payload: Payload, batch: &Batch) -> Subject {
    let wire = Wire::silent();
    let written = wire.written();
    let gathered = if batch.payload.len() <= SMALL { GATHERED } else { 0 };
    let (mut sender, _receiver) = Builder::new(BufWriter::with_capacity(gathered, wire), mode(side)).finish();
    let (mut bytes, frames) = (batch.payload.to_vec(), batch.frames);
    let expected = batch.wire_len(side == Side::Client);
    Subject::new(NAME, move || {
        let _receiver = &_receiver;
        let before = written.bytes();
        for _ in 0..frames {
            let sent = match payload {
                Payload::Lent => now(sender.send_binary(black_box(&bytes))),
                Payload::Given => now(sender.send_binary_mut(black_box(&mut bytes))),
            };
            sent.expect("there is room");
        }
        now(sender.flush()).expect("there is room");
        assert_eq!(written.bytes() - before, expected);
    })
}

pub(super) fn broadcaster(members: usize, payload: &Bytes) -> Subject {
    let mut members: Vec<_> =
        (0..members).map(|_| Builder::new(Wire::silent(), Mode::Server).finish()).collect();
    let payload = payload.clone();
    Subject::new(NAME, move || {
        for (member, _) in &mut members {
            now(member.send_binary(&payload)).expect("there is room");
            now(member.flush()).expect("there is room");
        }
    })
}

pub(super) fn server_handshake(request: &Bytes) -> Subject {
    let wire = Wire::once(request.clone());
    Subject::new(NAME, move || {
        let before = wire.written().bytes();
        let mut server = Server::new(wire.clone());
        let key = now(server.receive_request()).expect("it asks for one").key();
        now(server.send_response(&Response::Accept { key, protocol: None })).expect("there is room");
        black_box(&server.into_builder().finish());
        assert!(wire.written().bytes() - before > 100);
    })
}

pub(super) fn client_handshake() -> ClientHandshake {
    ClientHandshake::polled(NAME, |stream| async {
        let mut client = Client::new(stream.compat(), "server.example.com", "/chat");
        let answer = client.handshake().await.expect("an answer");
        assert!(matches!(answer, ServerResponse::Accepted { .. }));
        black_box(&client.into_builder().finish());
    })
}
