//! What is attempted again, by a schedule on tokio's clock.

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
/// use std::time::Duration;
/// use wharf::service::schedule::Schedule;
///
/// let (schedule, mut attempts) = (Schedule::spaced(Duration::from_millis(1)), 0);
/// let attempt = || {
///     attempts += 1;
///     let result = if attempts < 3 { Err("busy") } else { Ok("done") };
///     async move { result }
/// };
/// assert_eq!(wharf_tokio::retry_if(&schedule, |error| *error == "busy", attempt).await, Ok("done"));
/// let forbidden = async || Err::<(), _>("forbidden");
/// assert_eq!(wharf_tokio::retry_if(&schedule, |error| *error == "busy", forbidden).await, Err("forbidden"));
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
/// use std::time::Duration;
/// use wharf::service::schedule::Schedule;
///
/// let mut rounds = 0;
/// let round = || {
///     rounds += 1;
///     let result = if rounds < 3 { Ok(()) } else { Err("that was the third") };
///     async move { result }
/// };
/// let schedule = Schedule::spaced(Duration::from_millis(1));
/// assert_eq!(wharf_tokio::repeat(&schedule, round).await, Err("that was the third"));
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
