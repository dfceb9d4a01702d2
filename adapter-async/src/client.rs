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
use std::task::Poll;
use std::time::{Duration, Instant};
use wharf::link::{Address, Config, Event, Hop, Link, OpenError, Target, Welcome};
use wharf_std::{interleaved, with_environment};

/// Looks up, connects and opens: through a proxy, over TLS, with the opening handshake of a WebSocket, as `target` and
/// `config` ask, and where the server redirects if [`Config::redirects`] says so. What the configuration leaves open comes from
/// the environment ([`with_environment`]).
///
/// The addresses of a name are tried in turn, each with its share of the time; everything together has
/// [`Config::open_timeout`].
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect<R: Runtime>(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: &Arc<Config>,
) -> Result<Socket<R>, ConnectError> {
    let target = target.try_into().map_err(Into::into)?;
    let (host, port) = (target.host().to_owned(), target.port());
    trace::in_connect(&host, port, follow(target, config)).await
}

/// Opens `target`, and what it is redirected to.
async fn follow<R: Runtime>(mut target: Target, config: &Arc<Config>) -> Result<Socket<R>, ConnectError> {
    let clock = Clock::new();
    let mut redirects = config.redirects;
    loop {
        let config = with_environment(config, target.is_secure())?;
        config.check_target(&target)?;
        let spent = Duration::from_nanos(clock.now().as_nanos());
        let left = config.open_timeout.saturating_sub(spent).max(Duration::from_millis(1));
        let (mut driver, address) = attempt::<R>(&target, &config, left, clock).await?;
        match open(&mut driver).await {
            Ok(welcome) => {
                driver.told = Told::opened(address);
                return Ok(Socket::new(driver, welcome, None));
            }
            Err(error) => match target.redirected(&mut redirects, &error) {
                Some(next) => target = next?,
                None => return Err(error.into()),
            },
        }
    }
}

/// Makes the connection.
async fn attempt<R: Runtime>(
    target: &Target,
    config: &Arc<Config>,
    left: Duration,
    clock: Clock,
) -> Result<(Box<Driver<R>>, Address), ConnectError> {
    let entropy = entropy().map_err(ConnectError::System)?;
    let timeout = config.connect_timeout.map_or(left, |timeout| timeout.min(left));
    let begun = clock.now();
    let dialed = within::<R, _>(timeout, dial::<R>(config.hop(target), timeout)).await;
    let (stream, address) = dialed.unwrap_or(Err(ConnectError::TimedOut))?;
    let now = clock.now();
    let mut rest = Config::clone(config);
    rest.open_timeout = left.saturating_sub(now - begun).max(Duration::from_millis(1));
    let link = Link::client(now, clock.wall(), &Arc::new(rest), target, entropy)?;
    Ok((Driver::new(link, stream, clock, Vec::new()), address))
}

/// Drives until it is open.
pub(crate) async fn open<R: Runtime>(driver: &mut Driver<R>) -> Result<Box<Welcome>, OpenError> {
    let opened = poll_fn(|cx| {
        driver.poll_with(cx, |_, _, event| match event {
            Event::Opened(welcome) => Some(Ok(welcome)),
            Event::Failed(error) => Some(Err(*error)),
            _ => None,
        })
    });
    let welcome = opened.await.unwrap_or(Err(OpenError::Aborted))?;
    // The server may wait for the last word of the TLS handshake, and the program may do something else first. What the
    // stream does not take at once goes out with what the program does.
    poll_fn(|cx| {
        let _ = driver.poll_output(cx);
        Poll::Ready(())
    })
    .await;
    Ok(welcome)
}

/// Connects to an address, or to the first address of a host that answers; which one it was comes with the stream.
pub(crate) async fn dial<R: Runtime>(
    hop: Hop,
    timeout: Duration,
) -> Result<(Carrier<R>, Address), ConnectError> {
    let addresses = match hop {
        Hop::Host(host, port) => R::resolve(host, port).await.map_err(ConnectError::Lookup)?,
        Hop::Address(Address::Tcp(address)) => vec![address],
        Hop::Address(Address::Unix(path)) => {
            let stream = connect_unix::<R>(&path).await.map_err(ConnectError::Connect)?;
            return Ok((Carrier::Unix(stream), Address::Unix(path)));
        }
        Hop::Address(_) => return Err(ConnectError::Connect(io::ErrorKind::Unsupported.into())),
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
