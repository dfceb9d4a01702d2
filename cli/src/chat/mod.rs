//! A chat over WebSockets, with its page.
//!
//! [`protocol`] says what the messages are, [`Rooms`] is the pure machine that decides who hears what, [`Limits`] holds
//! a talkative user back, [`access`] a foreign page; [`routes`] says what each path answers, and [`ChatService`] glues it
//! all to a hub.

pub mod access;
mod limits;
mod page;
pub mod protocol;
mod rooms;
pub mod routes;
mod run;
pub mod service;
mod user;

pub use limits::Limits;
pub use rooms::{Action, Rooms, Stats};
pub use run::run;
pub use service::ChatService;
