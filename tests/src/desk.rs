//! A server that answers requests and a client that asks, over each framing that they are asked over.

use crate::cell::{Cell, Spoken};
use crate::door::Door;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use wharf::service::requests::{AnswersConfig, RequestsConfig};
use wharf_async_std::{Bound, ServerHandle, Socket, connect_with, serve};
use wharf_cli::runner::RuntimeKind;

/// The largest message.
pub const LIMIT: usize = 1 << 20;

/// What requests are asked over.
pub const SPOKEN: [Spoken; 3] = [Spoken::WebSocket, Spoken::JsonLines, Spoken::Typed];

/// What the runtime of a cell is does not matter here: the door is one.
#[must_use]
pub fn cell(spoken: Spoken) -> Cell {
    Cell { spoken, runtime: RuntimeKind::Tokio, unix: false, tls: false }
}

/// How a client asks over it.
#[must_use]
pub fn asking(cell: Cell) -> RequestsConfig {
    let mut config = RequestsConfig::default();
    config.kind = cell.message("").kind();
    config
}

/// How a server answers: so many at a time.
#[must_use]
pub fn answering(max_in_flight: usize) -> AnswersConfig {
    let mut config = AnswersConfig::default();
    config.max_in_flight = max_in_flight;
    config
}

/// A client's socket, and the server that is behind it.
///
/// # Panics
/// One of them does not start.
pub async fn open<D: Door, F, Fut>(cell: Cell, handler: F) -> (Socket<D>, ServerHandle)
where
    F: Fn(Socket<D>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let bound = Bound::<D>::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let server = serve(bound, Arc::new(cell.server(LIMIT)), handler);
    let socket = connect_with::<D>(cell.target(server.local_addr()), &Arc::new(cell.client(LIMIT))).await;
    (socket.unwrap(), server)
}
