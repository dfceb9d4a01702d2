//! Connecting.

use crate::accept::within;
use crate::driver::Driver;
use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::{Clock, ConnectError, entropy};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wharf::link::{Config, Event, Link};
use wharf::ws::handshake::{ClientRequest, HandshakeError};
use wharf_std::interleaved;

/// Looks up, connects and opens a WebSocket. The addresses of a name are tried in turn, each with its share of the
/// time; lookup and connect together have [`Config::open_timeout`], the handshake what is left of it.
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect<R: Runtime>(
    request: &ClientRequest,
    config: &Arc<Config>,
) -> Result<Socket<R>, ConnectError> {
    if request.url().is_secure() {
        return Err(ConnectError::NoTls);
    }
    let clock = Clock::new();
    let entropy = entropy().map_err(ConnectError::System)?;
    let (host, port) = (request.url().host().to_owned(), request.url().port());
    let stream = match within::<R, _>(config.open_timeout, dial::<R>(host, port, config.open_timeout)).await {
        Some(dialed) => dialed?.0,
        None => return Err(ConnectError::TimedOut),
    };
    let spent = Duration::from_nanos(clock.now().as_nanos());
    let mut rest = Config::clone(config);
    rest.open_timeout = config.open_timeout.saturating_sub(spent).max(Duration::from_millis(1));
    let link = Link::client(clock.now(), &Arc::new(rest), request, entropy);
    let mut driver = Driver::<R>::new(link, stream, clock);
    let opened = poll_fn(|cx| {
        driver.poll_with(cx, |_, event| match event {
            Event::Opened(welcome) => Some(Ok(welcome)),
            Event::Failed(error) => Some(Err(*error)),
            _ => None,
        })
    })
    .await;
    let welcome = opened.unwrap_or(Err(HandshakeError::Aborted))?;
    Ok(Socket::new(driver, welcome, None))
}

/// Connects to the first address of a name that answers; which one it was comes with the stream.
pub(crate) async fn dial<R: Runtime>(
    host: String,
    port: u16,
    timeout: Duration,
) -> Result<(R::Stream, SocketAddr), ConnectError> {
    let addresses = interleaved(R::resolve(host, port).await.map_err(ConnectError::Lookup)?);
    let share = timeout / u32::try_from(addresses.len().clamp(1, 64)).unwrap_or(1);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    if addresses.is_empty() {
        return Err(ConnectError::Lookup(last));
    }
    for address in addresses {
        match within::<R, _>(share, R::connect(address)).await {
            Some(Ok(stream)) => return Ok((stream, address)),
            Some(Err(e)) => last = io::Error::new(e.kind(), format!("{address}: {e}")),
            None => last = io::Error::new(io::ErrorKind::TimedOut, format!("{address}: no answer")),
        }
    }
    Err(if last.kind() == io::ErrorKind::TimedOut {
        ConnectError::TimedOut
    } else {
        ConnectError::Connect(last)
    })
}
