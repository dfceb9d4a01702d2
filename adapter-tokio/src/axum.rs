//! WebSockets behind axum 0.8 (feature `axum`), without axum's own.

use crate::upgrade::{Asked, UpgradeError, refused};
use crate::{Drain, Socket};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use hyper::upgrade::OnUpgrade;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use wharf::link::Config;
use wharf::ws::handshake::{Acceptance, Refusal};
use wharf_async::Outcome;

/// A request for a WebSocket, as an extractor; anything else is rejected with what RFC 6455 asks for.
///
/// Two extensions of the request are looked at, which a layer puts there (`Extension`): an `Arc<Config>` with limits, deadlines
/// and the policy on origins and subprotocols, and a [`Drain`], which counts the sockets and ends them when the
/// server does. Without them the defaults hold, nobody counts the sockets, so that [`Config::max_connections`] is no limit, and
/// nobody waits for them.
///
/// ```
/// use axum::{Extension, Router, response::Response, routing::get};
/// use wharf_tokio::{Drain, Error, axum::WebSocketUpgrade};
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
/// let drain = Drain::new();
/// let app: Router = Router::new().route("/ws", get(echo)).layer(Extension(drain.clone()));
/// // axum::serve(listener, app).with_graceful_shutdown(signal).await?;
/// // drain.drain().await;
/// # let _ = app;
/// ```
pub struct WebSocketUpgrade {
    asked: Asked,
    acceptance: Acceptance,
    config: Arc<Config>,
    drain: Drain,
    failed: Box<dyn FnOnce(UpgradeError) + Send>,
}

/// Why a request is rejected.
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

    /// Ends the socket with `drain`, in place of the one in the request's extensions.
    #[must_use]
    pub fn drain(mut self, drain: &Drain) -> Self {
        self.drain = drain.clone();
        self
    }

    /// Called when the answer was given and the upgrade failed all the same: the client is gone.
    #[must_use]
    pub fn on_failed_upgrade(mut self, failed: impl FnOnce(UpgradeError) + Send + 'static) -> Self {
        self.failed = Box::new(failed);
        self
    }

    /// The answer, to be returned from the handler. `handler` runs in a task of its own once the socket is open, and when it
    /// is done the socket is closed as by [`Berth::handle`](crate::Berth::handle). Past
    /// [`Config::max_connections`], and once the drain has begun, the answer is a 503.
    #[must_use]
    pub fn on_upgrade<F, Fut>(self, handler: F) -> Response
    where
        F: FnOnce(Socket) -> Fut + Send + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        let berth = self.drain.enter(self.config.max_connections).filter(|_| !self.drain.is_draining());
        let Some(berth) = berth else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let Ok((answer, upgrading)) = self.asked.accept(&self.acceptance) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let failed = self.failed;
        tokio::spawn(async move {
            match upgrading.await {
                Ok(socket) => berth.handle(socket, handler).await,
                Err(error) => failed(error),
            }
        });
        answer.map(|()| Body::empty())
    }
}

impl<S: Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let config = parts.extensions.get::<Arc<Config>>().cloned().unwrap_or_default();
        let drain = parts.extensions.get::<Drain>().cloned().unwrap_or_default();
        let mut request = http::Request::new(());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.version_mut() = parts.version;
        *request.headers_mut() = parts.headers.clone();
        let upgraded = parts.extensions.remove::<OnUpgrade>().ok_or(Rejection::NotUpgradable);
        // What is wrong with the request comes first, since the client can do something about it.
        let asked = match upgraded {
            Ok(upgraded) => Asked::over(&request, upgraded, &config),
            Err(e) => {
                let checked = Asked::new(&mut request, &config);
                return Err(checked.map_or_else(Rejection::Refused, |_| e));
            }
        };
        Ok(Self {
            asked: asked.map_err(Rejection::Refused)?,
            acceptance: Acceptance::default(),
            config,
            drain,
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
