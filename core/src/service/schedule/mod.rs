//! When to do something again: delays as values.
//!
//! A [`Schedule`] says how long to wait before the next attempt, a [`Pace`] is one run of it. Nothing here waits: whoever asks
//! is told a moment, for a machine's `poll_timeout` or a timer.

mod pace;
mod retryable;
mod run;
mod schedule;
#[cfg(test)]
mod tests;

pub use pace::Pace;
pub(crate) use retryable::MOST_ASKED;
pub use retryable::Retryable;
pub use schedule::Schedule;
