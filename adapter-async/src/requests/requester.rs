//! The handle that asks.

use super::desk::Desk;
use super::{RequestError, RequestLoop};
use crate::runtime::Runtime;
use crate::socket::Socket;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{CloseCode, SendError};
use wharf::service::requests::{CallId, Data, RequestsConfig, RequestsStats};

/// Asks over one connection, from any task (feature `json`); cheap to clone. It is made by [`Socket::requests`] and moves nothing itself: a
/// [`RequestLoop`] does.
///
/// At most [`RequestsConfig::max_in_flight`] requests wait for their answers; one more is refused. Each waiting future holds its
/// own message until the socket has room for it, so nothing else is buffered.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::link::Config;
/// use wharf::service::requests::ErrorReply;
/// use wharf_async::{Bound, RequestError, Runtime, connect, serve, serve_requests};
///
/// # block_on(async {
/// let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// let url = format!("ws://{}/", bound.local_addr());
/// let server = serve(bound, Arc::default(), |socket| {
///     serve_requests(socket, Default::default(), |[a, b]: [i64; 2]| async move { Ok(a + b) })
/// });
///
/// let socket = connect::<R>(&url, &Arc::new(Config::client())).await?;
/// let (requester, driving) = socket.requests(Default::default());
/// // How the connection ends, whoever waits for an answer is told too.
/// R::spawn(async { drop(driving.run().await) });
/// assert_eq!(requester.request::<i64>([2, 3]).await?, 5);
/// match requester.request::<i64>("two and three").await {
///     Err(RequestError::Refused(reply)) => assert_eq!(reply.code, ErrorReply::INVALID),
///     other => panic!("{other:?}"),
/// }
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Requester(Arc<Desk>);

impl<R: Runtime> Socket<R> {
    /// Makes it a connection that this side asks over: a handle, and the loop that drives the socket, to be run in a task or beside
    /// whoever asks.
    #[must_use]
    pub fn requests(self, config: RequestsConfig) -> (Requester, RequestLoop<R>) {
        let desk = Arc::new(Desk::new(config, self.time()));
        (Requester(desk.clone()), RequestLoop::new(self, desk))
    }
}

impl Requester {
    /// Asks, and waits for the answer for as long as [`RequestsConfig::timeout`] says.
    ///
    /// # Errors
    /// [`RequestError`], which says whether to retry.
    ///
    /// # Cancel safety
    /// The first poll asks. Dropped after it, the request is given up: it is not sent if it was not, and else the peer is told.
    pub async fn request<A: DeserializeOwned>(&self, data: impl Serialize) -> Result<A, RequestError> {
        self.ask(data, None).await
    }

    /// As [`request`](Self::request), and waits for at most `timeout`.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    /// As [`request`](Self::request).
    pub async fn request_within<A: DeserializeOwned>(
        &self,
        timeout: Duration,
        data: impl Serialize,
    ) -> Result<A, RequestError> {
        self.ask(data, Some(timeout)).await
    }

    /// Closes the connection, behind what was asked. Answers that come before its end are taken.
    ///
    /// # Errors
    /// [`SendError::InvalidClose`] if code or reason cannot be sent.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        if !code.can_close_with(reason) {
            return Err(SendError::InvalidClose);
        }
        self.0.close(code, reason);
        Ok(())
    }

    /// Requests that wait for their answers.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.in_flight()
    }

    /// Requests, and cancellations of some, that the socket had no room for yet: at most twice as many as may be in flight. Each of
    /// those requests has a future that waits.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.0.unsent()
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> RequestsStats {
        self.0.stats()
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        data: impl Serialize,
        timeout: Option<Duration>,
    ) -> Result<A, RequestError> {
        let asking = Asking { desk: &self.0, id: self.begin(data, timeout)? };
        let answer = poll_fn(|cx| asking.desk.poll_answer(asking.id, cx)).await?;
        answer.decode().map_err(RequestError::Shape)
    }

    fn begin(&self, data: impl Serialize, timeout: Option<Duration>) -> Result<CallId, RequestError> {
        // It is the program's own code that runs here, and under no lock of ours.
        let data = Data::encode(&data).map_err(RequestError::Unwritable)?;
        self.0.call(&data, timeout)
    }
}

/// A call that somebody waits for, until it is dropped.
struct Asking<'a> {
    desk: &'a Desk,
    id: CallId,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.desk.forget(self.id);
    }
}

impl Clone for Requester {
    fn clone(&self) -> Self {
        self.0.hold();
        Self(self.0.clone())
    }
}

impl Drop for Requester {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requester").field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}
