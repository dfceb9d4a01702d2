//! A chat over WebSockets, with its page.
//!
//! [`protocol`] says what the messages are, [`Rooms`] is the pure machine that decides who hears what, [`rate`] holds
//! a talkative user back.

mod limits;
pub mod protocol;
pub mod rate;
mod rooms;
mod user;

pub use limits::Limits;
pub use rooms::{Action, Rooms, Stats};
