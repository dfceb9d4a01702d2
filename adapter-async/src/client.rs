//! Connecting.

use crate::accept::within;
use crate::carrier::Carrier;
use crate::driver::Driver;
use crate::runtime::{Runtime, Timer};
use crate::socket::Socket;
use crate::trace::{self, Told};
use crate::{Clock, ConnectError, entropy};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wharf::link::{Address, Config, Event, Link};
use wharf::ws::Url;
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
    let (host, port) = (request.url().host(), request.url().port());
    trace::in_connect(host, port, open(None, request, config)).await
}

/// As [`connect`], but connects to `address`, whatever host the URL names: to a Unix socket, or past a name server.
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect_to<R: Runtime>(
    address: impl Into<Address>,
    request: &ClientRequest,
    config: &Arc<Config>,
) -> Result<Socket<R>, ConnectError> {
    let (host, port) = (request.url().host(), request.url().port());
    trace::in_connect(host, port, open(Some(address.into()), request, config)).await
}

async fn open<R: Runtime>(
    address: Option<Address>,
    request: &ClientRequest,
    config: &Arc<Config>,
) -> Result<Socket<R>, ConnectError> {
    if request.url().is_secure() {
        return Err(ConnectError::NoTls);
    }
    let clock = Clock::new();
    let entropy = entropy().map_err(ConnectError::System)?;
    let dialing = dial::<R>(address, request.url(), config.open_timeout);
    let (stream, address) = match within::<R, _>(config.open_timeout, dialing).await {
        Some(dialed) => dialed?,
        None => return Err(ConnectError::TimedOut),
    };
    let spent = Duration::from_nanos(clock.now().as_nanos());
    let mut rest = Config::clone(config);
    rest.open_timeout = config.open_timeout.saturating_sub(spent).max(Duration::from_millis(1));
    let link = Link::client(clock.now(), &Arc::new(rest), request, entropy);
    let mut driver = Driver::<R>::new(link, stream, clock, Vec::new());
    let opened = poll_fn(|cx| {
        driver.poll_with(cx, |_, event| match event {
            Event::Opened(welcome) => Some(Ok(welcome)),
            Event::Failed(error) => Some(Err(*error)),
            _ => None,
        })
    })
    .await;
    let welcome = opened.unwrap_or(Err(HandshakeError::Aborted))?;
    driver.told = Told::opened(address);
    Ok(Socket::new(driver, welcome, None))
}

/// Connects to `address`, or to the first address of the URL's host that answers; which one it was comes with the stream.
pub(crate) async fn dial<R: Runtime>(
    address: Option<Address>,
    url: &Url,
    timeout: Duration,
) -> Result<(Carrier<R>, Address), ConnectError> {
    let addresses = match address {
        None => R::resolve(url.host().to_owned(), url.port()).await.map_err(ConnectError::Lookup)?,
        Some(Address::Tcp(address)) => vec![address],
        Some(Address::Unix(path)) => {
            let stream = connect_unix::<R>(&path).await.map_err(ConnectError::Connect)?;
            return Ok((Carrier::Unix(stream), Address::Unix(path)));
        }
        Some(_) => return Err(ConnectError::Connect(io::ErrorKind::Unsupported.into())),
    };
    let addresses = interleaved(addresses);
    let share = timeout / u32::try_from(addresses.len().clamp(1, 64)).unwrap_or(1);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    if addresses.is_empty() {
        return Err(ConnectError::Lookup(last));
    }
    for address in addresses {
        match within::<R, _>(share, R::connect(address)).await {
            Some(Ok(stream)) => return Ok((Carrier::Tcp(stream), address.into())),
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

/// Connects to a Unix socket. One whose queue is full says so at once instead of letting us wait, so it is asked again.
async fn connect_unix<R: Runtime>(path: &str) -> io::Result<R::Unix> {
    const AGAIN: Duration = Duration::from_millis(10);
    loop {
        match wharf_std::connect_unix(path) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                let mut timer = R::timer();
                timer.set(Instant::now() + AGAIN);
                poll_fn(|cx| timer.poll(cx)).await;
            }
            connected => return R::unix(connected?),
        }
    }
}
