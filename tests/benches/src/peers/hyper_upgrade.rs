//! The opening by hyper, as the examples of those do it that are built on hyper.

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::future::ready;
use tokio::net::TcpStream;

/// Serves requests on `stream` until `upgrade`, which sees to the rest, has answered one for a WebSocket.
pub(super) async fn serve<B, E>(
    stream: TcpStream,
    upgrade: fn(Request<Incoming>) -> Result<Response<B>, E>,
) -> Result<(), hyper::Error>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send,
{
    let service = service_fn(move |request| ready(upgrade(request)));
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await
}
