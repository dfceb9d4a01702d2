//! yawc, with the buffers of its own comparison: 128 KiB to read, written from 64 KiB on or when flushed.

use super::client_handshake::ClientHandshake;
use super::subject::now;
use super::{Batch, Level, Side, Subject, Wire};
use bytes::Bytes;
use futures_util::SinkExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::ready;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use yawc::{CompressionLevel, Frame, Options, Role, WebSocket};

const NAME: &str = "yawc";
const MAX_MESSAGE: usize = 16 << 20;
/// As ours negotiates by default.
const EXTENSION: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn options() -> Options {
    Options::default()
        .with_utf8()
        .with_limits(MAX_MESSAGE, MAX_MESSAGE)
        .with_read_buffer_capacity(128 * 1024)
        .with_backpressure_boundary(64 * 1024)
}

fn socket(wire: Wire, side: Side) -> WebSocket<Wire> {
    let role = match side {
        Side::Server => Role::Server,
        Side::Client => Role::Client,
    };
    WebSocket::from_stream(wire, role, options().without_compression()).expect("nothing is negotiated")
}

fn compressing(wire: Wire, level: Level) -> WebSocket<Wire> {
    let level = match level {
        Level::Fastest => CompressionLevel::fast(),
        Level::Default => CompressionLevel::default(),
    };
    let options = options().with_compression_level(level);
    let options = options.server_no_context_takeover().client_no_context_takeover();
    WebSocket::from_stream_with_extensions(wire, Role::Server, Some(EXTENSION), options)
        .expect("it compresses")
}

pub(super) fn receiver(batch: &Batch) -> Subject {
    receive(batch, socket(Wire::repeating(batch.masked.clone()), Side::Server))
}

pub(super) fn inflater(batch: &Batch) -> Subject {
    receive(batch, compressing(Wire::repeating(batch.masked.clone()), Level::Default))
}

fn receive(batch: &Batch, mut socket: WebSocket<Wire>) -> Subject {
    let (frames, bytes) = (batch.frames, batch.bytes());
    Subject::new(NAME, move || {
        let mut got = 0;
        for _ in 0..frames {
            got += black_box(now(socket.next_frame()).expect("a message")).payload().len();
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
            now(socket.feed(Frame::binary(payload.clone()))).expect("there is room");
        }
        now(socket.flush()).expect("there is room");
        assert_eq!(written.bytes() - before, expected);
    })
}

pub(super) fn deflater(level: Level, batch: &Batch) -> Subject {
    let wire = Wire::silent();
    let written = wire.written();
    let mut socket = compressing(wire, level);
    let (payload, frames, plain) = (batch.payload.clone(), batch.frames, batch.bytes());
    Subject::new(NAME, move || {
        let before = written.bytes();
        for _ in 0..frames {
            now(socket.feed(Frame::text(payload.clone()))).expect("there is room");
        }
        now(socket.flush()).expect("there is room");
        assert!(written.bytes() - before < plain);
    })
}

pub(super) fn broadcaster(members: usize, payload: &Bytes) -> Subject {
    let options = || Options::default().without_compression();
    let member =
        || WebSocket::from_stream(Wire::silent(), Role::Server, options()).expect("nothing is negotiated");
    let mut members: Vec<_> = (0..members).map(|_| member()).collect();
    let payload = payload.clone();
    Subject::new(NAME, move || {
        for member in &mut members {
            now(member.send(Frame::binary(payload.clone()))).expect("there is room");
        }
    })
}

/// By hyper, without which there is none.
pub(super) fn server_handshake(request: &Bytes) -> Subject {
    let wire = Wire::once(request.clone());
    Subject::new(NAME, move || {
        let before = wire.written().bytes();
        let upgraded = Arc::new(Mutex::new(None));
        let kept = upgraded.clone();
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            let options = Options::default().without_compression();
            let answer =
                WebSocket::upgrade_with_options(&mut request, options).map(|(response, upgraded)| {
                    *kept.lock().expect("one thread") = Some(upgraded);
                    response
                });
            ready(answer)
        });
        let serving = http1::Builder::new().serve_connection(TokioIo::new(wire.clone()), service);
        now(serving.with_upgrades()).expect("it asks for one");
        let upgraded = upgraded.lock().expect("one thread").take().expect("it was answered");
        drop(black_box(now(upgraded).expect("it was answered")));
        assert!(wire.written().bytes() - before > 100);
    })
}

/// By hyper too.
pub(super) fn client_handshake() -> ClientHandshake {
    ClientHandshake::spawned(NAME, |stream| async {
        let url = "ws://server.example.com/chat".parse().expect("a URL");
        let options = Options::default().without_compression();
        drop(black_box(WebSocket::handshake(url, stream, options).await.expect("it is accepted")));
    })
}
