//! WebSockets behind axum 0.8 (feature `axum`), without axum's own.

use crate::upgrade::{Asked, UpgradeError, refused, turned_away};
use crate::{Door, Socket};
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use hyper::upgrade::OnUpgrade;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use wharf::link::{Address, Config};
use wharf::ws::handshake::{Acceptance, Refusal};
use wharf_async::Outcome;

/// A request for a WebSocket, as an extractor; anything else is rejected with what RFC 6455 asks for.
///
/// Three extensions of the request are looked at, which a layer puts there (`Extension`):
///
/// - A [`Door`], one for the whole server, which holds the sockets to the limits of its configuration and ends them when
///   the server does. Without it nobody counts the sockets, and nobody waits for them.
/// - An `Arc<Config>`, where the sockets of some routes are made otherwise than the door's: deadlines, the policy on origins and
///   subprotocols. The limits of all together stay those of the door.
/// - Where the request comes from: an [`Address`], or else the `ConnectInfo<SocketAddr>` that axum puts there where it serves
///   `into_make_service_with_connect_info`. A door whose limits are of an address, and one that trusts hops
///   ([`Config::forwarding`]), answers 500 without.
///
/// ```
/// use axum::{Extension, Router, response::Response, routing::get};
/// use std::{net::SocketAddr, sync::Arc};
/// use wharf_tokio::{Door, Error, axum::WebSocketUpgrade};
///
/// async fn echo(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade(|mut socket| async move {
///         while let Some(message) = socket.next().await {
///             socket.send(message?).await?;
///         }
///         Ok::<(), Error>(())
///     })
/// }
///
/// let mut config = wharf::link::Config::default();
/// config.max_connections_per_address = Some(10);
/// let door = Door::new(Arc::new(config));
/// let app: Router = Router::new().route("/ws", get(echo)).layer(Extension(door.clone()));
/// let service = app.into_make_service_with_connect_info::<SocketAddr>();
/// // axum::serve(listener, service).with_graceful_shutdown(signal).await?;
/// // door.drain().await;
/// # let _ = service;
/// ```
pub struct WebSocketUpgrade {
    asked: Asked,
    acceptance: Acceptance,
    config: Arc<Config>,
    door: Door,
    failed: Box<dyn FnOnce(UpgradeError) + Send>,
}

/// Why a request is rejected, and the answer that says so.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::extract::FromRequestParts;
/// use axum::response::{IntoResponse, Response};
/// use wharf::ws::handshake::Refusal;
/// use wharf_tokio::axum::{Rejection, WebSocketUpgrade};
///
/// /// A page for whoever asks for no WebSocket.
/// async fn enter(upgrade: Result<WebSocketUpgrade, Rejection>) -> Response {
///     match upgrade {
///         Ok(upgrade) => upgrade.on_upgrade(|mut socket| async move { socket.send("welcome").await }),
///         Err(Rejection::Refused(Refusal::NoUpgrade)) => "a page".into_response(),
///         Err(rejection) => rejection.into_response(),
///     }
/// }
///
/// let (mut parts, ()) = http::Request::get("/ws").header("Host", "localhost").body(())?.into_parts();
/// let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
/// assert_eq!(enter(upgrade).await.status(), 200);
/// assert_eq!(Rejection::NotUpgradable.into_response().status(), 426);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// It is no request for a WebSocket, or one that is refused: 426, 403 or 400.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection cannot be upgraded, as by HTTP/2, or behind a middleware that took the upgrade: 426.
    #[error("the connection cannot be upgraded")]
    NotUpgradable,
}

impl WebSocketUpgrade {
    /// The subprotocols that the client offers, in its order.
    #[must_use]
    pub fn offered(&self) -> &[String] {
        self.asked.subprotocols()
    }

    /// Chooses the first of these that the client offers. With none of them the policy's choice stands.
    #[must_use]
    pub fn subprotocols<P: AsRef<str>>(mut self, spoken: impl IntoIterator<Item = P>) -> Self {
        let offered = self.asked.subprotocols();
        let chosen = spoken.into_iter().find(|p| offered.iter().any(|o| o == p.as_ref()));
        if let Some(chosen) = chosen {
            self.acceptance = self.acceptance.subprotocol(chosen.as_ref());
        }
        self
    }

    /// Adds a field to the answer. Those of the handshake cannot be set: the answer is a 500 then.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.acceptance = self.acceptance.header(name, value);
        self
    }

    /// Lets the socket in by `door`, in place of the one in the request's extensions; what it speaks stays as it is.
    #[must_use]
    pub fn door(mut self, door: &Door) -> Self {
        self.door = door.clone();
        self
    }

    /// Called when the answer was given and the upgrade failed all the same: the client is gone.
    #[must_use]
    pub fn on_failed_upgrade(mut self, failed: impl FnOnce(UpgradeError) + Send + 'static) -> Self {
        self.failed = Box::new(failed);
        self
    }

    /// The answer, to be returned from the handler. `handler` runs in a task of its own once the socket is open, and when it
    /// is done the socket is closed as by [`Berth::handle`](crate::Berth::handle). Whoever finds no place at the door is
    /// [turned away](turned_away).
    #[must_use]
    pub fn on_upgrade<F, Fut>(self, handler: F) -> Response
    where
        F: FnOnce(Socket) -> Fut + Send + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        let berth = match self.asked.enter(&self.door) {
            Ok(berth) => berth,
            Err(reason) => return turned_away(reason, &self.config).map(Body::from),
        };
        let Ok((answer, upgrading)) = self.asked.accept(&self.acceptance) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let failed = self.failed;
        tokio::spawn(async move { berth.open(upgrading, handler).await.map_err(failed) });
        answer.map(|()| Body::empty())
    }
}

impl<S: Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let own = parts.extensions.get::<Arc<Config>>().cloned();
        let door = parts.extensions.get::<Door>().cloned();
        // One for this request alone, which has a place for it.
        let door = door.unwrap_or_else(|| Door::new(own.clone().unwrap_or_default()));
        let config = own.unwrap_or_else(|| door.config().clone());
        let peer = parts.extensions.get::<Address>().cloned();
        let peer = peer.or_else(|| Some(parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.into()));
        let mut request = http::Request::new(());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.version_mut() = parts.version;
        *request.headers_mut() = parts.headers.clone();
        let upgraded = parts.extensions.remove::<OnUpgrade>().ok_or(Rejection::NotUpgradable);
        // What is wrong with the request comes first, since the client can do something about it.
        let asked = match upgraded {
            Ok(upgraded) => Asked::over(&mut request, &config, |_| upgraded),
            Err(e) => {
                let checked = Asked::new(&mut request, &config);
                return Err(checked.map_or_else(Rejection::Refused, |_| e));
            }
        };
        let asked = asked.map_err(Rejection::Refused)?;
        Ok(Self {
            asked: match peer {
                Some(peer) => asked.from(peer),
                None => asked,
            },
            acceptance: Acceptance::default(),
            config,
            door,
            failed: Box::new(drop),
        })
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => refused(refusal).map(Body::from),
            Self::NotUpgradable => (StatusCode::UPGRADE_REQUIRED, self.to_string()).into_response(),
        }
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade").field("asked", &self.asked).finish_non_exhaustive()
    }
}
