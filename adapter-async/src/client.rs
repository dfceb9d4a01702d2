//! Connecting.

use crate::dial::dial;
use crate::drain::unwound;
use crate::driver::Driver;
use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::trace::{self, Told};
use crate::{Clock, ConnectError, entropy};
use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::Poll;
use wharf::base::Instant;
use wharf::link::{Address, Config, Event, Link, OpenError, Target, Welcome};
use wharf_std::with_environment;

/// Looks up, connects and opens: through a proxy, over TLS, with the opening handshake of a WebSocket, as `target` and
/// `config` ask, and where the server redirects if [`Config::redirects`] says so. What the configuration leaves open comes from
/// the environment ([`with_environment`]).
///
/// The addresses of a name are raced ([`Eyeballs`](wharf::link::Eyeballs)): one that does not answer keeps the others
/// waiting for [`Config::attempt_delay`] and no longer. Everything together has [`Config::open_timeout`].
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::link::Config;
/// use wharf_async::{ConnectError, connect};
///
/// # block_on(async {
/// # let bound = wharf_async::Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_async::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_async::Error>(())
/// # });
/// let config = Arc::new(Config::client());
/// let mut socket = connect::<R>(&url, &config).await?;
/// socket.send("ahoy").await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
///
/// drop(socket);
/// server.drain().await;
/// let error = connect::<R>(&url, &config).await.unwrap_err();
/// assert!(matches!(error, ConnectError::Connect(_)) && error.is_retryable(), "nobody listens");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
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

/// An attempt in which functions of the program take part: a panic in one of them fails this attempt alone.
pub(crate) async fn attempted<R: Runtime, F: Future<Output = Result<Socket<R>, ConnectError>>>(
    make: impl FnOnce() -> F,
) -> Result<Socket<R>, ConnectError> {
    unwound(make).await.unwrap_or_else(|cause| Err(ConnectError::Connect(io::Error::other(cause))))
}

/// Opens `target`, and what it is redirected to.
async fn follow<R: Runtime>(mut target: Target, config: &Arc<Config>) -> Result<Socket<R>, ConnectError> {
    let clock = Clock::new();
    let deadline = clock.now() + config.open_timeout;
    let mut redirects = config.redirects;
    loop {
        let config = with_environment(config, target.is_secure())?;
        config.check_target(&target)?;
        let (mut driver, address) = attempt::<R>(&target, &config, deadline, clock).await?;
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
    deadline: Instant,
    clock: Clock,
) -> Result<(Box<Driver<R>>, Address), ConnectError> {
    let entropy = entropy().map_err(ConnectError::System)?;
    let connect_by = config.connect_by(clock.now(), deadline);
    let (stream, address) = dial::<R>(&clock, config.hop(target), connect_by, config.attempt_delay).await?;
    let now = clock.now();
    let link = Link::client(now, clock.wall(), &config.opening_by(now, deadline), target, entropy)?;
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
