//! Doing something again, in a thread that waits.

use crate::{Clock, entropy, trace};
use std::thread;
use wharf::base::Entropy;
use wharf::service::schedule::{Retryable, Schedule};

/// Attempts something until it succeeds, its error says that it never will, or `schedule` is over, and sleeps in between: for
/// programs that block. In a loop of your own ask the schedule's [`Pace`](wharf::service::schedule::Pace) when to try again.
///
/// The first attempt is made at once, the schedule says when the next ones are. A server that asks to be left alone for longer than
/// that, by `Retry-After`, is left alone for that long, of up to an hour. Where the operating system has no randomness, jitter is the
/// same each time.
///
/// ```
/// use std::time::Duration;
/// use wharf::link::Config;
/// use wharf::service::schedule::Schedule;
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let (nobody, config) = (listener.local_addr()?, Config::client().into());
/// # drop(listener);
/// let schedule = Schedule::spaced(Duration::from_millis(1)).both(Schedule::recurs(2));
/// let mut attempts = 0;
/// let socket = wharf_mio::retry(&schedule, || {
///     attempts += 1;
///     wharf_mio::connect(format!("ws://{nobody}/"), &config)
/// });
/// assert_eq!((socket.is_err(), attempts), (true, 3));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// That of the last attempt.
pub fn retry<T, E: Retryable>(
    schedule: &Schedule,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let clock = Clock::new();
    let mut pace = schedule.begin(clock.now());
    let mut entropy = entropy().unwrap_or_else(|_| Entropy::from_seed([0; 32]));
    loop {
        let error = match attempt() {
            Ok(out) => return Ok(out),
            Err(error) => error,
        };
        let now = clock.now();
        let Some(due) = pace.next_after(now, clock.wall(), &error, &mut entropy) else { return Err(error) };
        trace::retry(&error, pace.attempts(), due - now);
        thread::sleep(clock.until(due));
    }
}
