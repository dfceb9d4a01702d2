//! Doing something again.

use crate::runtime::Runtime;
use crate::sleep::{Awake, Sleep, until};
use crate::{Clock, entropy, trace};
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;
use wharf::base::Entropy;
use wharf::service::schedule::{Retryable, Schedule};

/// Attempts something until it succeeds, its error says that it never will, or `schedule` is over. The first attempt is made at once,
/// the schedule says when the next ones are. A server that asks to be left alone for longer than that, by `Retry-After`, is left alone
/// for that long, of up to an hour.
///
/// The closure may be an async one that borrows what stands outside of it, as long as it changes nothing there. Where the operating
/// system has no randomness, jitter is the same each time.
///
/// ```
/// use wharf::link::Config;
/// use wharf::service::schedule::Schedule;
/// use wharf_async::{ConnectError, Runtime, Socket, connect, retry};
///
/// async fn persistent<R: Runtime>(url: &str) -> Result<Socket<R>, ConnectError> {
///     let config = Config::client().into();
///     retry::<R, _, _, _>(&Schedule::backoff(), async || connect(url, &config).await).await
/// }
/// ```
///
/// # Errors
/// That of the last attempt.
///
/// # Cancel safety
/// Dropped before it is done, the attempt is dropped.
pub async fn retry<R: Runtime, T, E: Retryable, F: Future<Output = Result<T, E>>>(
    schedule: &Schedule,
    attempt: impl FnMut() -> F,
) -> Result<T, E> {
    let clock = Clock::new();
    let asked = |error: &E| error.retry_after(clock.wall()).unwrap_or_default();
    retry_by(&mut Awake::<R>::new(clock), schedule, E::is_retryable, asked, attempt).await
}

/// As [`retry`], where `is_retryable` says of an error whether to try again.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::time::Duration;
/// use wharf::service::schedule::Schedule;
/// use wharf_async::retry_if;
///
/// # block_on(async {
/// let often = Schedule::fixed(Duration::from_millis(1));
/// let mut answers = ["busy", "busy", "closed for ever", "busy"].into_iter();
/// let ask = || std::future::ready(Err::<(), _>(answers.next().unwrap()));
/// let error = retry_if::<R, _, _, _>(&often, |error| *error == "busy", ask).await;
/// assert_eq!(error, Err("closed for ever"));
/// assert_eq!(answers.next(), Some("busy"), "it was not asked again");
/// # });
/// ```
///
/// # Errors
/// That of the last attempt.
///
/// # Cancel safety
/// Dropped before it is done, the attempt is dropped.
pub async fn retry_if<R: Runtime, T, E: Display, F: Future<Output = Result<T, E>>>(
    schedule: &Schedule,
    is_retryable: impl FnMut(&E) -> bool,
    attempt: impl FnMut() -> F,
) -> Result<T, E> {
    let asked = |_: &E| Duration::ZERO;
    retry_by(&mut Awake::<R>::new(Clock::new()), schedule, is_retryable, asked, attempt).await
}

/// Does something again and again as long as it succeeds, until `schedule` is over: the first time at once, and then when the schedule
/// says. What the last time came to is returned.
///
/// ```
/// use std::time::Duration;
/// use wharf::service::schedule::Schedule;
/// use wharf_async::{Runtime, Sender, repeat};
///
/// async fn heartbeat<R: Runtime>(sender: Sender) {
///     let every = Schedule::fixed(Duration::from_secs(30));
///     // Its error says that there is nothing left to keep alive.
///     let _ = repeat::<R, _, _, _>(&every, async || sender.send("PING").await).await;
/// }
/// ```
///
/// # Errors
/// The first.
///
/// # Cancel safety
/// Dropped before it is done, what it does is dropped.
pub async fn repeat<R: Runtime, T, E, F: Future<Output = Result<T, E>>>(
    schedule: &Schedule,
    act: impl FnMut() -> F,
) -> Result<T, E> {
    repeat_by(&mut Awake::<R>::new(Clock::new()), schedule, act).await
}

async fn retry_by<T, E: Display, F: Future<Output = Result<T, E>>>(
    sleep: &mut impl Sleep,
    schedule: &Schedule,
    mut is_retryable: impl FnMut(&E) -> bool,
    mut asked: impl FnMut(&E) -> Duration,
    mut attempt: impl FnMut() -> F,
) -> Result<T, E> {
    let mut pace = schedule.begin(sleep.now());
    let mut entropy = None;
    loop {
        let error = match attempt().await {
            Ok(out) => return Ok(out),
            Err(error) => error,
        };
        if !is_retryable(&error) {
            return Err(error);
        }
        let now = sleep.now();
        let entropy = entropy.get_or_insert_with(drawn);
        let Some(due) = pace.next_asked(now, asked(&error), entropy) else { return Err(error) };
        trace::retry(&error, pace.attempts(), due - now);
        until(sleep, due).await;
    }
}

async fn repeat_by<T, E, F: Future<Output = Result<T, E>>>(
    sleep: &mut impl Sleep,
    schedule: &Schedule,
    mut act: impl FnMut() -> F,
) -> Result<T, E> {
    let mut pace = schedule.begin(sleep.now());
    let mut entropy = drawn();
    loop {
        let out = act().await?;
        let Some(due) = pace.next(sleep.now(), &mut entropy) else { return Ok(out) };
        until(sleep, due).await;
    }
}

/// Randomness for jitter, which may be had without.
pub(crate) fn drawn() -> Entropy {
    entropy().unwrap_or_else(|_| Entropy::from_seed([0; 32]))
}

#[cfg(test)]
mod tests;
