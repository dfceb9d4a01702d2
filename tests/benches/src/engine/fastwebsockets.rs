//! fastwebsockets: frames as they are, without its collector of fragments; small ones gathered by a buffer of tokio's,
//! large ones by `writev`.

use super::client_handshake::ClientHandshake;
use super::subject::now;
use super::{Batch, Content, Payload, Side, Subject, Wire};
use bytes::Bytes;
use fastwebsockets::handshake::{client, generate_key};
use fastwebsockets::upgrade::upgrade;
use fastwebsockets::{Frame, OpCode, Role, WebSocket};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite, BufWriter};

const NAME: &str = "fastwebsockets";
/// Up to this many bytes a message is gathered with others.
const SMALL: usize = 1024;
const GATHERED: usize = 80 * 1024;

fn socket<S: AsyncRead + AsyncWrite + Unpin>(stream: S, side: Side) -> WebSocket<S> {
    let role = match side {
        Side::Server => Role::Server,
        Side::Client => Role::Client,
    };
    let mut socket = WebSocket::after_handshake(stream, role);
    socket.set_auto_apply_mask(true);
    socket.set_writev(true);
    socket
}

pub(super) fn receiver(batch: &Batch) -> Subject {
    let mut socket = socket(Wire::repeating(batch.masked.clone()), Side::Server);
    let (frames, bytes) = (batch.frames, batch.bytes());
    let opcode = if batch.content == Content::Binary { OpCode::Binary } else { OpCode::Text };
    Subject::new(NAME, move || {
        let mut got = 0;
        for _ in 0..frames {
            let frame = black_box(now(socket.read_frame()).expect("a message"));
            assert!(frame.fin && frame.opcode == opcode);
            got += frame.payload.len();
        }
        assert_eq!(got, bytes);
    })
}

pub(super) fn sender(side: Side, payload: Payload, batch: &Batch) -> Subject {
    let small = batch.payload.len() <= SMALL;
    let wire = Wire::silent();
    let written = wire.written();
    let capacity = if small { GATHERED } else { 0 };
    let mut socket = socket(BufWriter::with_capacity(capacity, wire), side);
    if small {
        // What is gathered is copied anyhow: not into its own buffer first.
        socket.set_writev_threshold(0);
    } else {
        socket.set_writev(payload == Payload::Given || side == Side::Client);
    }
    let (mut bytes, frames) = (batch.payload.to_vec(), batch.frames);
    let expected = batch.wire_len(side == Side::Client);
    Subject::new(NAME, move || {
        let before = written.bytes();
        for _ in 0..frames {
            let frame = match payload {
                Payload::Lent => Frame::binary(black_box(&bytes[..]).into()),
                Payload::Given => Frame::binary(black_box(&mut bytes[..]).into()),
            };
            now(socket.write_frame(frame)).expect("there is room");
        }
        now(socket.flush()).expect("there is room");
        assert_eq!(written.bytes() - before, expected);
    })
}

pub(super) fn broadcaster(members: usize, payload: &Bytes) -> Subject {
    let mut members: Vec<_> = (0..members).map(|_| socket(Wire::silent(), Side::Server)).collect();
    let payload = payload.clone();
    Subject::new(NAME, move || {
        for member in &mut members {
            now(member.write_frame(Frame::binary((&payload[..]).into()))).expect("there is room");
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
        let service = service_fn(move |mut request| {
            let answer = upgrade(&mut request).map(|(response, upgraded)| {
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
        let request = hyper::Request::get("/chat")
            .header("Host", "server.example.com")
            .header("Upgrade", "websocket")
            .header("Connection", "upgrade")
            .header("Sec-WebSocket-Key", generate_key())
            .header("Sec-WebSocket-Version", "13")
            .body(String::new())
            .expect("a request");
        drop(black_box(client(&Spawned, request, stream).await.expect("it is accepted")));
    })
}

struct Spawned;

impl hyper::rt::Executor<Pin<Box<dyn Future<Output = ()> + Send>>> for Spawned {
    fn execute(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        drop(tokio::spawn(future));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[test]
    fn a_batch_of_small_messages_is_gathered_into_one_write() {
        let mut writer = BufWriter::with_capacity(GATHERED, Wire::silent());
        let batch = Batch::new(Content::Binary, SMALL);
        now(writer.write_all(&vec![0; batch.wire_len(true)])).expect("there is room");
        assert_eq!(writer.get_ref().written().bytes(), 0);
    }
}
