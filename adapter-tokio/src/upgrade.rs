//! WebSockets behind hyper (feature `hyper`): it reads the request and writes the answer, and the socket begins where
//! it leaves off.

use crate::{Berth, Carrier, Door, Foreign, Parts, Socket, Stream};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::net::{TcpStream, UnixStream};
use wharf::base::Input;
use wharf::http::{HeadError, Headers, Request, ResponseHead, encode_head};
use wharf::link::{Address, Config, Event, Link, Refused, Welcome};
use wharf::ws::handshake::{AcceptError, Acceptance, Offer, Refusal};
use wharf_async::Clock;

/// Answers a request for a WebSocket: the answer, to be returned to hyper, and the socket that is open once hyper has
/// sent it. Await that in a task of its own: hyper does not send the answer before its service has returned.
///
/// The connection must be served `with_upgrades`. Frames that came with the request are kept. Nobody counts the sockets: the limits
/// of a server and its drain come by [`Asked::enter`].
///
/// ```
/// use std::sync::Arc;
/// use wharf_tokio::upgrade;
///
/// # type Body = ();
/// async fn service(mut request: http::Request<Body>) -> http::Response<()> {
///     match upgrade::upgrade(&mut request, &Arc::default()) {
///         Ok((answer, upgrading)) => {
///             tokio::spawn(async move {
///                 let Ok(mut socket) = upgrading.await else { return };
///                 while let Some(Ok(message)) = socket.next().await {
///                     let _ = socket.send(message).await;
///                 }
///             });
///             answer
///         }
///         Err(refusal) => upgrade::refused(refusal).map(drop),
///     }
/// }
/// # let _ = service;
/// ```
///
/// # Errors
/// [`Refusal`], which [`refused`] makes an answer of.
pub fn upgrade<B>(
    request: &mut http::Request<B>,
    config: &Arc<Config>,
) -> Result<(http::Response<()>, UpgradeFuture), Refusal> {
    let asked = Asked::new(request, config)?;
    // An acceptance without words is always possible.
    asked.accept(&Acceptance::default()).map_err(|_| Refusal::NoUpgrade)
}

/// The answer to a request that is refused.
#[must_use]
pub fn refused(refusal: Refusal) -> http::Response<bytes::Bytes> {
    let answer = http::Response::try_from(refusal.response());
    answer.unwrap_or_else(|_| {
        let mut answer = http::Response::default();
        *answer.status_mut() = http::StatusCode::BAD_REQUEST;
        answer
    })
}

/// The answer to a request that finds no place: 503 with `Retry-After` as `config` says, or 500 where the server is set up
/// wrongly ([`Refused::response`]).
#[must_use]
pub fn turned_away(reason: Refused, config: &Config) -> http::Response<bytes::Bytes> {
    let answer = http::Response::try_from(reason.response(config.retry_after));
    answer.unwrap_or_else(|_| {
        let mut answer = http::Response::default();
        *answer.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        answer
    })
}

/// A checked request for a WebSocket that waits for its answer: [`upgrade`] in steps, for the limits of a server, a subprotocol or
/// fields of your choice.
///
/// ```
/// use std::net::SocketAddr;
/// use wharf_tokio::upgrade::{Asked, refused, turned_away};
/// use wharf_tokio::{Door, Error, Socket};
///
/// async fn echo(mut socket: Socket) -> Result<(), Error> {
///     while let Some(message) = socket.next().await {
///         socket.send(message?).await?;
///     }
///     Ok(())
/// }
///
/// /// `peer` is whom the connection was accepted from, and the door one for the whole server.
/// fn service<B>(mut request: http::Request<B>, peer: SocketAddr, door: &Door) -> http::Response<()> {
///     let asked = match Asked::new(&mut request, door.config()) {
///         Ok(asked) => asked.from(peer.into()),
///         Err(refusal) => return refused(refusal).map(drop),
///     };
///     let berth = match asked.enter(door) {
///         Ok(berth) => berth,
///         Err(reason) => return turned_away(reason, door.config()).map(drop),
///     };
///     let (answer, upgrading) = asked.accept(&Default::default()).unwrap();
///     tokio::spawn(berth.open(upgrading, echo));
///     answer
/// }
/// # let _ = service::<()>;
/// ```
pub struct Asked {
    head: Vec<u8>,
    headers: Headers,
    peer: Option<Address>,
    offer: Offer,
    upgraded: OnUpgrade,
    config: Arc<Config>,
}

impl Asked {
    /// Checks a request by RFC 6455 and by the policy of `config`.
    ///
    /// # Errors
    /// The first [`Refusal`] found.
    pub fn new<B>(request: &mut http::Request<B>, config: &Arc<Config>) -> Result<Self, Refusal> {
        Self::over(request, config, |request| hyper::upgrade::on(request))
    }

    /// As [`new`](Self::new), where the way to upgrade is found otherwise.
    pub(crate) fn over<B>(
        request: &mut http::Request<B>,
        config: &Arc<Config>,
        upgraded: impl FnOnce(&mut http::Request<B>) -> OnUpgrade,
    ) -> Result<Self, Refusal> {
        let head = encode_head(request).map_err(refusal_of)?;
        let parsed = Request::parse(&head).map_err(refusal_of)?;
        let offer = Offer::from_request(&parsed, &config.policy)?;
        let headers = parsed.headers().clone();
        Ok(Self { head, headers, peer: None, offer, upgraded: upgraded(request), config: config.clone() })
    }

    /// Says whom the connection was accepted from, a trusted hop perhaps ([`Config::forwarding`]), which hyper does not know.
    #[must_use]
    pub fn from(mut self, peer: Address) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Takes its place among the sockets of a server, to be held until the socket ends: [`Berth::open`].
    ///
    /// # Errors
    /// Why there is none, which [`turned_away`] makes an answer of: also where the limits are of an address, or hops are trusted, and
    /// [`from`](Self::from) was not called.
    pub fn enter(&self, door: &Door) -> Result<Berth, Refused> {
        door.enter(self.peer.as_ref(), &self.headers, &self.config)
    }

    /// The subprotocols that the client offers, in its order.
    #[must_use]
    pub fn subprotocols(&self) -> &[String] {
        self.offer.subprotocols()
    }

    /// Accepts: the answer, and the socket to be.
    ///
    /// # Errors
    /// [`AcceptError`] if `acceptance` asks for what cannot be.
    pub fn accept(
        mut self,
        acceptance: &Acceptance,
    ) -> Result<(http::Response<()>, UpgradeFuture), AcceptError> {
        let clock = Clock::new();
        // The same machine as on any other transport: it reads the head and agrees on the rest.
        let mut link = Link::behind_http(clock.now(), clock.wall(), &self.config, self.peer.as_ref());
        let mut input = Input::new(&mut self.head);
        let mut welcome = None;
        while let Some(event) = link.receive(clock.now(), &mut input) {
            match event {
                Event::Request(_) => link.accept(clock.now(), acceptance)?,
                Event::Opened(opened) => welcome = Some(opened),
                _ => {}
            }
        }
        let mut written = Vec::new();
        link.output(clock.now()).drain_into(&mut written);
        let mut answer = http::Response::new(());
        if let Ok(head) = ResponseHead::parse(&written) {
            *answer.status_mut() = http::StatusCode::from_u16(head.status()).unwrap_or_default();
            *answer.headers_mut() = head.headers().into();
        }
        let Self { upgraded, peer, .. } = self;
        Ok((answer, UpgradeFuture { upgraded, link: Some(Box::new(link)), peer, welcome, clock }))
    }
}

fn refusal_of(error: HeadError) -> Refusal {
    match error {
        HeadError::Host => Refusal::NoHost,
        // HTTP/2, and what is no head at all.
        _ => Refusal::NotGet,
    }
}

/// An upgrade that hyper could not carry out: the connection ended before, or was not served with upgrades.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_tokio::upgrade::upgrade;
///
/// let mut request = http::Request::get("/")
///     .header("Host", "localhost")
///     .header("Connection", "Upgrade")
///     .header("Upgrade", "websocket")
///     .header("Sec-WebSocket-Version", "13")
///     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .body(())?;
/// let (answer, upgrading) = upgrade(&mut request, &Default::default())?;
/// assert_eq!(answer.status(), 101);
/// // No connection brought it.
/// let error = upgrading.await.unwrap_err();
/// assert!(error.to_string().starts_with("the connection was not upgraded: "));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the connection was not upgraded: {0}")]
pub struct UpgradeError(#[source] hyper::Error);

/// The socket, once hyper has sent the answer. [`upgrade`] makes it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hyper::{body::Incoming, server::conn::http1, service::service_fn};
/// use hyper_util::rt::TokioIo;
/// use std::convert::Infallible;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::{TcpListener, TcpStream};
/// use wharf_tokio::upgrade::{refused, upgrade};
///
/// async fn service(mut request: http::Request<Incoming>) -> Result<http::Response<String>, Infallible> {
///     let (answer, upgrading) = match upgrade(&mut request, &Default::default()) {
///         Ok(upgraded) => upgraded,
///         // It is an answer as well: by an error hyper ends the connection without a word.
///         Err(refusal) => return Ok(refused(refusal).map(|said| String::from_utf8_lossy(&said).into())),
///     };
///     tokio::spawn(async move {
///         // The client may have left before it was open.
///         let Ok(mut socket) = upgrading.await else { return };
///         let _ = socket.send("welcome").await;
///     });
///     Ok(answer.map(|()| String::new()))
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// tokio::spawn(async move {
///     while let Ok((stream, _)) = listener.accept().await {
///         let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(service));
///         tokio::spawn(connection.with_upgrades());
///     }
/// });
/// let mut socket = wharf_tokio::connect(format!("ws://{address}/")).await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("welcome"));
///
/// let mut browser = TcpStream::connect(address).await?;
/// browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
/// let mut answer = String::new();
/// browser.read_to_string(&mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub struct UpgradeFuture {
    upgraded: OnUpgrade,
    /// Until it is done.
    link: Option<Box<Link>>,
    peer: Option<Address>,
    welcome: Option<Box<Welcome>>,
    clock: Clock,
}

impl Future for UpgradeFuture {
    type Output = Result<Socket, UpgradeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.upgraded).poll(cx)).map_err(UpgradeError)?;
        // Polled again, it waits for ever.
        let Some(link) = self.link.take() else { return Poll::Pending };
        let (carrier, read, found) = taken_apart(upgraded);
        let mut parts = Parts::new(carrier, *link, self.clock);
        parts.read = read;
        parts.peer = Some(self.peer.take().unwrap_or(found));
        parts.welcome = self.welcome.take().unwrap_or_default();
        Poll::Ready(Ok(Socket::from_parts(parts)))
    }
}

/// The stream below hyper, what hyper has read of it and not used, and its peer. A stream of a kind that is not known stays
/// below hyper's, which hands out first what it has read.
fn taken_apart(upgraded: Upgraded) -> (Carrier, Vec<u8>, Address) {
    let upgraded = match unwrapped::<TcpStream>(upgraded) {
        Ok((stream, read)) => {
            let peer = stream.peer_addr().map_or_else(|_| unknown(), Address::from);
            // A peer that is gone already tells so by its read.
            let _ = stream.set_nodelay(true);
            return (Carrier::Tcp(Stream::from(stream)), read, peer);
        }
        Err(upgraded) => upgraded,
    };
    match unwrapped::<UnixStream>(upgraded) {
        Ok((stream, read)) => (Carrier::Unix(Stream::from(stream)), read, unknown()),
        Err(upgraded) => {
            (Carrier::Other(Box::new(Foreign::from(TokioIo::new(upgraded)))), Vec::new(), unknown())
        }
    }
}

fn unknown() -> Address {
    Address::Unix(String::new())
}

/// The stream as hyper's own server holds it, or as the one of hyper-util does, which axum uses: that one hides what it has
/// read from hyper's way to get it back.
fn unwrapped<T>(upgraded: Upgraded) -> Result<(T, Vec<u8>), Upgraded>
where
    T: 'static,
    TokioIo<T>: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
{
    match upgraded.downcast::<TokioIo<T>>() {
        Ok(parts) => Ok((parts.io.into_inner(), parts.read_buf.to_vec())),
        Err(upgraded) => auto::upgrade::downcast::<TokioIo<T>>(upgraded)
            .map(|parts| (parts.io.into_inner(), parts.read_buf.to_vec())),
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("subprotocols", &self.subprotocols()).finish_non_exhaustive()
    }
}

impl fmt::Debug for UpgradeFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeFuture").field("welcome", &self.welcome).finish_non_exhaustive()
    }
}
