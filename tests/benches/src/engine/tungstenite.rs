//! tungstenite, with the buffers of 128 KiB that its documentation has for high load.

use super::client_handshake::ClientHandshake;
use super::{Batch, Side, Subject, Wire};
use bytes::Bytes;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tungstenite::client::client_with_config;
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket, accept_with_config};

const NAME: &str = "tungstenite";

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(128 * 1024).write_buffer_size(128 * 1024)
}

/// The buffer is allocated at once, so a handshake is faster with a small one.
fn small() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4 * 1024)
}

pub(super) fn receiver(batch: &Batch) -> Subject {
    let wire = Wire::repeating(batch.masked.clone());
    let mut socket = WebSocket::from_raw_socket(wire, Role::Server, Some(config()));
    let (frames, bytes) = (batch.frames, batch.bytes());
    Subject::new(NAME, move || {
        let mut got = 0;
        for _ in 0..frames {
            got += black_box(socket.read().expect("a message")).len();
        }
        assert_eq!(got, bytes);
    })
}

pub(super) fn sender(side: Side, batch: &Batch) -> Subject {
    let wire = Wire::silent();
    let (role, written) = (role(side), wire.written());
    let mut socket = WebSocket::from_raw_socket(wire, role, Some(config()));
    let (payload, frames) = (batch.payload.clone(), batch.frames);
    let expected = batch.wire_len(side == Side::Client);
    Subject::new(NAME, move || {
        let before = written.bytes();
        for _ in 0..frames {
            socket.write(Message::Binary(payload.clone())).expect("there is room");
        }
        socket.flush().expect("there is room");
        assert_eq!(written.bytes() - before, expected);
    })
}

fn role(side: Side) -> Role {
    match side {
        Side::Server => Role::Server,
        Side::Client => Role::Client,
    }
}

pub(super) fn broadcaster(members: usize, payload: &Bytes) -> Subject {
    let member = || WebSocket::from_raw_socket(Wire::silent(), Role::Server, Some(small()));
    let mut members: Vec<_> = (0..members).map(|_| member()).collect();
    let message = Message::Binary(payload.clone());
    Subject::new(NAME, move || {
        for member in &mut members {
            member.send(message.clone()).expect("there is room");
        }
    })
}

pub(super) fn server_handshake(request: &Bytes) -> Subject {
    let wire = Wire::once(request.clone());
    Subject::new(NAME, move || {
        let (wire, written) = (wire.clone(), wire.written());
        let before = written.bytes();
        black_box(&accept_with_config(wire, Some(small())).expect("it asks for one"));
        assert!(written.bytes() - before > 100);
    })
}

pub(super) fn client_handshake() -> ClientHandshake {
    let ask = |streams: Vec<DuplexStream>| {
        let ask = |stream| {
            let asked = client_with_config("ws://server.example.com/chat", Blocking(stream), Some(small()));
            match asked {
                Err(HandshakeError::Interrupted(asked)) => asked,
                _ => panic!("it was not answered yet"),
            }
        };
        streams.into_iter().map(ask).collect::<Vec<_>>()
    };
    ClientHandshake::new(NAME, ask, |asked| {
        for asked in asked {
            black_box(&asked.handshake().map_err(|e| e.to_string()).expect("it is accepted"));
        }
    })
}

/// A stream of tokio's as one that would block.
#[derive(Debug)]
struct Blocking(DuplexStream);

fn would_block<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Read for Blocking {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(bytes);
        would_block(Pin::new(&mut self.0).poll_read(&mut Context::from_waker(Waker::noop()), &mut buf))?;
        Ok(buf.filled().len())
    }
}

impl Write for Blocking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        would_block(Pin::new(&mut self.0).poll_write(&mut Context::from_waker(Waker::noop()), bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
