//! tokio-websockets: fed with shared payloads, flushed once a batch.

use super::client_handshake::ClientHandshake;
use super::subject::now;
use super::{Batch, Side, Subject, Wire};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::hint::black_box;
use tokio_websockets::{ClientBuilder, Config, Limits, Message, ServerBuilder, WebSocketStream};

const NAME: &str = "tokio-websockets";

fn socket(wire: Wire, side: Side) -> WebSocketStream<Wire> {
    let (config, limits) = (Config::default().frame_size(usize::MAX), Limits::unlimited());
    match side {
        Side::Server => ServerBuilder::new().config(config).limits(limits).serve(wire),
        Side::Client => ClientBuilder::new().config(config).limits(limits).take_over(wire),
    }
}

pub(super) fn receiver(batch: &Batch) -> Subject {
    let mut socket = socket(Wire::repeating(batch.masked.clone()), Side::Server);
    let (frames, bytes) = (batch.frames, batch.bytes());
    Subject::new(NAME, move || {
        let mut got = 0;
        for _ in 0..frames {
            got += black_box(now(socket.next()).expect("more").expect("a message")).as_payload().len();
        }
        assert_eq!(got, bytes);
    })
}

pub(super) fn sender(side: Side, batch: &Batch) -> Subject {
    let wire = Wire::silent();
    let written = wire.written();
    let mut socket = socket(wire, side);
    let (payload, frames) = (batch.payload.clone(), batch.frames);
    let expected = batch.wire_len(side == Side::Client);
    Subject::new(NAME, move || {
        let before = written.bytes();
        for _ in 0..frames {
            now(socket.feed(Message::binary(payload.clone()))).expect("there is room");
        }
        now(socket.flush()).expect("there is room");
        assert_eq!(written.bytes() - before, expected);
    })
}

pub(super) fn broadcaster(members: usize, payload: &Bytes) -> Subject {
    let mut members: Vec<_> = (0..members).map(|_| socket(Wire::silent(), Side::Server)).collect();
    let message = Message::binary(payload.clone());
    Subject::new(NAME, move || {
        for member in &mut members {
            now(member.send(message.clone())).expect("there is room");
        }
    })
}

pub(super) fn server_handshake(request: &Bytes) -> Subject {
    let wire = Wire::once(request.clone());
    Subject::new(NAME, move || {
        let before = wire.written().bytes();
        black_box(&now(ServerBuilder::new().accept(wire.clone())).expect("it asks for one"));
        assert!(wire.written().bytes() - before > 100);
    })
}

pub(super) fn client_handshake() -> ClientHandshake {
    ClientHandshake::polled(NAME, |stream| async {
        let builder = ClientBuilder::new().uri("ws://server.example.com/chat").expect("a URI");
        drop(black_box(builder.connect_on(stream).await.expect("it is accepted")));
    })
}
