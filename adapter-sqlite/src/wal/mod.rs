//! The write-ahead log, read before SQLite sees it.
//!
//! SQLite takes the first frame that is not as it should be for the end of the log, so a flipped bit loses all commits behind it,
//! and nobody is told. [`check`] tells such a log from one whose last write was cut short.

mod check;
mod format;
mod headless;

#[cfg(test)]
mod tests;

pub(crate) use check::{Fault, Found, Unreadable, check};
