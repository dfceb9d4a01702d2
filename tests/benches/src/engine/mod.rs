//! Engines side by side, without a network: each reads from memory and writes into it, on one thread, and never waits.
//!
//! What is the same for all: a read copies bytes into a buffer of the reader, as a socket's does; as many frames come
//! with one read, so that what a read costs is spread alike; and what answers one read leaves in one write where the
//! messages are small. Each is set up as it says of itself that it is fastest.

mod batch;
mod client_handshake;
mod fastwebsockets;
mod limits;
mod ours;
mod soketto;
mod subject;
mod thread_time;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod wire;
mod yawc;

pub use batch::{Batch, Content, SIZES};
pub use client_handshake::ClientHandshake;
pub use subject::{LIMIT, OURS, Subject};
pub use thread_time::ThreadTime;
pub use wire::Wire;

use bytes::Bytes;

/// Which side of the connection is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It accepted: its peer masks, it does not.
    Server,
    /// It connected, and masks.
    Client,
}

/// Whether the bytes of a message are copied on their way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// They belong to the caller, who keeps them as they are: what leaves is a copy.
    Lent,
    /// They are given away, shared or to be masked where they are: nothing need be copied.
    Given,
}

/// How much is done for shorter messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As little as possible: level 1 of zlib.
    Fastest,
    /// What zlib does unless told otherwise, and ours: level 6.
    Default,
}

/// How a batch is received, by a server.
#[must_use]
pub fn receivers(batch: &Batch) -> Vec<Subject> {
    let mut subjects = vec![
        ours::receiver(batch),
        tungstenite::receiver(batch),
        fastwebsockets::receiver(batch),
        tokio_websockets::receiver(batch),
        web_socket::receiver(batch),
        soketto::receiver(batch),
        yawc::receiver(batch),
        limits::copy(batch),
        limits::copy_and_xor(batch),
    ];
    if batch.content != Content::Binary {
        subjects.extend([limits::utf8(batch), limits::copy_xor_and_utf8(batch)]);
    }
    subjects
}

/// How a batch is sent, as binary messages.
#[must_use]
pub fn senders(side: Side, payload: Payload, batch: &Batch) -> Vec<Subject> {
    let mut subjects = vec![ours::sender(side, payload, batch)];
    match (side, payload) {
        (_, Payload::Lent) => subjects.extend([
            tungstenite::sender(side, batch),
            fastwebsockets::sender(side, payload, batch),
            web_socket::sender(side, payload, batch),
            yawc::sender(side, batch),
        ]),
        (Side::Server, Payload::Given) => subjects.extend([
            fastwebsockets::sender(side, payload, batch),
            web_socket::sender(side, payload, batch),
            soketto::sender(side, payload, batch),
        ]),
        (Side::Client, Payload::Given) => subjects
            .extend([fastwebsockets::sender(side, payload, batch), soketto::sender(side, payload, batch)]),
    }
    // It copies what it must mask, and nothing else, so it stands where it is at its best.
    if (side, payload) != (Side::Client, Payload::Given) && (side, payload) != (Side::Server, Payload::Lent) {
        subjects.push(tokio_websockets::sender(side, batch));
    }
    // As a server it copies nothing but what it gathers.
    if payload == Payload::Lent && (side == Side::Client || batch.payload.len() <= soketto::SMALL) {
        subjects.push(soketto::sender(side, payload, batch));
    }
    match (side, payload) {
        (Side::Server, Payload::Lent) => subjects.push(limits::copy_out(batch)),
        (Side::Client, Payload::Lent) => subjects.push(limits::copy_out_and_xor(batch)),
        (Side::Client, Payload::Given) => subjects.push(limits::xor_in_place(batch)),
        (Side::Server, Payload::Given) => {}
    }
    subjects
}

/// How the opening handshake is answered, from the first byte of `request` to the last of the answer.
#[must_use]
pub fn server_handshakes(request: &Bytes) -> Vec<Subject> {
    vec![
        ours::server_handshake(request),
        ours::offer(request),
        tungstenite::server_handshake(request),
        fastwebsockets::server_handshake(request),
        tokio_websockets::server_handshake(request),
        soketto::server_handshake(request),
        yawc::server_handshake(request),
    ]
}

/// How the opening handshake is asked for and its answer taken. web-socket leaves both to others.
#[must_use]
pub fn client_handshakes() -> Vec<ClientHandshake> {
    vec![
        ours::client_handshake(),
        tungstenite::client_handshake(),
        fastwebsockets::client_handshake(),
        tokio_websockets::client_handshake(),
        soketto::client_handshake(),
        yawc::client_handshake(),
    ]
}

/// How compressed messages are received, by a server. soketto can be built to compress too, but then takes zlib in C for
/// all, and with the flate2 of today its way to inflate fails for want of a last block, which messages do not have. The
/// others do not compress.
#[must_use]
pub fn inflaters(batch: &Batch) -> Vec<Subject> {
    let batch = ours::compressed(batch);
    vec![ours::inflater(&batch), yawc::inflater(&batch)]
}

/// How messages are compressed and sent, by a server.
#[must_use]
pub fn deflaters(level: Level, batch: &Batch) -> Vec<Subject> {
    vec![ours::deflater(level, batch), yawc::deflater(level, batch)]
}

/// How one message is sent to `members` connections of a server.
#[must_use]
pub fn broadcasters(members: usize, payload: &Bytes) -> Vec<Subject> {
    vec![
        ours::broadcaster(members, payload),
        tungstenite::broadcaster(members, payload),
        fastwebsockets::broadcaster(members, payload),
        tokio_websockets::broadcaster(members, payload),
        web_socket::broadcaster(members, payload),
        soketto::broadcaster(members, payload),
        yawc::broadcaster(members, payload),
    ]
}

/// The head of a request for a WebSocket with what must be in it.
pub const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// One as a browser sends it.
pub const BROWSERS_REQUEST: &str = "GET /chat?room=7 HTTP/1.1\r\nHost: server.example.com\r\nConnection: Upgrade\r\n\
    Pragma: no-cache\r\nCache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 \
    (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://server.example.com\r\n\
    Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-GB,en-US;q=0.9,en;q=0.8\r\n\
    Cookie: session=2f7a1c0e9d8b4a6f8e1d2c3b4a5f6e7d\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
