//! Machines over many connections, to be embedded in a [`Service`](crate::link::Service) or wrapped around one.
//!
//! All have one discipline: what happened goes in by calls that take `now`, what to do comes out as values, and time that has
//! come is told by `handle_timeout`, at the latest when `poll_timeout` says. None of them sends anything but by the
//! [`Context`](crate::link::Context) that it is handed, as [`groups`] do: the others return what is to be sent.

#[cfg(feature = "json")]
pub mod bus;
pub mod client;
pub mod groups;
pub mod health;
pub mod history;
pub mod limiter;
pub mod mesh;
#[cfg(feature = "json")]
pub mod messages;
pub mod pool;
#[cfg(feature = "json")]
pub mod requests;
pub mod schedule;
