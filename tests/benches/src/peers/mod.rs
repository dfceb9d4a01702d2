//! Echo servers of other libraries, on one thread of tokio.
//!
//! Each stands here twice: as its own example does it, and *batched*, in the best way that its interface allows: what
//! answers one read goes out in one write. Where the library writes a message at a time, a stream beneath it
//! ([`Batched`]) collects what it writes until it would have to wait for more to read.

mod accept;
mod batched;
mod fastwebsockets;
mod hyper_upgrade;
mod soketto;
mod tokio_tungstenite;
mod tokio_websockets;
mod web_socket;
mod yawc;

pub use batched::Batched;

use std::future::Future;
use std::io;
use std::pin::Pin;
use tokio::net::TcpListener;

/// Serves until the listener fails.
type Serve = fn(TcpListener) -> Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// An echo server of another library, in one of its forms.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// What it is called on the command line.
    pub name: &'static str,
    /// How it is set up.
    pub manner: &'static str,
    serve: Serve,
}

impl Peer {
    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        PEERS.iter().find(|peer| peer.name == name).copied()
    }

    /// Echoes on each connection that comes to `listener`, on a runtime of tokio.
    ///
    /// # Errors
    /// Connections cannot be accepted any more.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        (self.serve)(listener).await
    }
}

const fn peer(name: &'static str, manner: &'static str, serve: Serve) -> Peer {
    Peer { name, manner, serve }
}

/// All of them.
pub const PEERS: &[Peer] = &[
    peer("tokio-tungstenite", "its example echo-server: split, forward", |l| {
        Box::pin(accept::each(l, tokio_tungstenite::documented))
    }),
    peer("tokio-tungstenite-batched", "one stream, flushed when the reader would block", |l| {
        Box::pin(accept::each(l, tokio_tungstenite::batched))
    }),
    peer("fastwebsockets", "its example echo_server: upgrade by hyper, a write a message", |l| {
        Box::pin(accept::each(l, fastwebsockets::documented))
    }),
    peer("fastwebsockets-batched", "on the bare socket, writes collected", |l| {
        Box::pin(accept::each(l, fastwebsockets::batched))
    }),
    peer("tokio-websockets", "its example echo_server: a send a message", |l| {
        Box::pin(accept::each(l, tokio_websockets::documented))
    }),
    peer("tokio-websockets-batched", "fed, writes collected", |l| {
        Box::pin(accept::each(l, tokio_websockets::batched))
    }),
    peer("soketto", "its example autobahn_server: buffered both ways, a flush a message", |l| {
        Box::pin(accept::each(l, soketto::documented))
    }),
    peer("soketto-batched", "reads buffered, writes collected", |l| {
        Box::pin(accept::each(l, soketto::batched))
    }),
    peer("yawc", "its example echo_server: upgrade by hyper, a send a message, UTF-8 checked", |l| {
        Box::pin(accept::each(l, yawc::documented))
    }),
    peer(
        "yawc-batched",
        "as tuned in its own comparison, on the bare socket, flushed when the reader would block",
        |l| Box::pin(accept::each(l, yawc::batched)),
    ),
    peer("web-socket", "as its examples: reads buffered, a write a message", |l| {
        Box::pin(accept::each(l, web_socket::documented))
    }),
    peer("web-socket-batched", "reads buffered, writes collected", |l| {
        Box::pin(accept::each(l, web_socket::batched))
    }),
];

/// Most bytes of a message that each of them takes.
const MAX_MESSAGE: usize = 16 << 20;
/// What the tuned forms read at once.
const READ_BUFFER: usize = 64 * 1024;
