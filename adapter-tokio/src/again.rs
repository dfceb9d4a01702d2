//! Doing something again.

use crate::Tokio;
use std::fmt::Display;
use std::future::Future;
use wharf::service::schedule::{Retryable, Schedule};

/// Attempts something until it succeeds, its error says that it never will, or `schedule` is over ([`wharf_async::retry`]).
///
/// ```
/// use wharf::link::Config;
/// use wharf::service::schedule::Schedule;
/// use wharf_tokio::{ConnectError, Socket, connect_with, retry};
///
/// async fn persistent(url: &str) -> Result<Socket, ConnectError> {
///     let config = Config::client().into();
///     retry(&Schedule::backoff(), async || connect_with(url, &config).await).await
/// }
/// ```
///
/// # Errors
/// That of the last attempt.
///
/// # Cancel safety
/// Dropped before it is done, the attempt is dropped.
pub async fn retry<T, E: Retryable, F: Future<Output = Result<T, E>>>(
    schedule: &Schedule,
    attempt: impl FnMut() -> F,
) -> Result<T, E> {
    wharf_async::retry::<Tokio, T, E, F>(schedule, attempt).await
}

/// As [`retry`], where `is_retryable` says of an error whether to try again ([`wharf_async::retry_if`]).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::io::{Error, ErrorKind};
/// use std::time::Duration;
/// use wharf::service::schedule::Schedule;
/// use wharf_tokio::retry_if;
///
/// let schedule = Schedule::spaced(Duration::from_millis(1)).both(Schedule::recurs(5));
/// let mut answers = [Err(ErrorKind::TimedOut), Err(ErrorKind::TimedOut), Ok("ahoy")].into_iter();
/// let is_slow = |error: &Error| error.kind() == ErrorKind::TimedOut;
/// let ask = || std::future::ready(answers.next().unwrap().map_err(Error::from));
/// assert_eq!(retry_if(&schedule, is_slow, ask).await?, "ahoy");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// That of the last attempt.
///
/// # Cancel safety
/// Dropped before it is done, the attempt is dropped.
pub async fn retry_if<T, E: Display, F: Future<Output = Result<T, E>>>(
    schedule: &Schedule,
    is_retryable: impl FnMut(&E) -> bool,
    attempt: impl FnMut() -> F,
) -> Result<T, E> {
    wharf_async::retry_if::<Tokio, T, E, F>(schedule, is_retryable, attempt).await
}

/// Does something again and again as long as it succeeds, until `schedule` is over ([`wharf_async::repeat`]).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_tokio::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_tokio::Error>(())
/// # });
/// use std::time::Duration;
/// use wharf::service::schedule::Schedule;
///
/// let mut socket = wharf_tokio::connect(&url).await?;
/// let sender = socket.sender(8);
/// // At once, and twice more.
/// let schedule = Schedule::spaced(Duration::from_millis(1)).both(Schedule::recurs(2));
/// wharf_tokio::repeat(&schedule, async || sender.send("tick").await).await?;
/// for _ in 0..3 {
///     assert_eq!(socket.next().await.unwrap()?.as_text(), Some("tick"));
/// }
/// # drop(socket);
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The first.
///
/// # Cancel safety
/// Dropped before it is done, what it does is dropped.
pub async fn repeat<T, E, F: Future<Output = Result<T, E>>>(
    schedule: &Schedule,
    act: impl FnMut() -> F,
) -> Result<T, E> {
    wharf_async::repeat::<Tokio, T, E, F>(schedule, act).await
}
