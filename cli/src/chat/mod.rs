//! A chat over WebSockets and JSON lines, with its page.
//!
//! [`protocol`] says what the messages are, [`Rooms`] is the pure machine that decides who hears what and what its store is
//! asked, [`Limits`] holds a talkative user back, [`access`] a foreign page, [`names`] says what people can be called; [`routes`]
//! says what each path answers, and [`ChatService`] glues it all to a hub.

pub mod access;
mod database;
mod limits;
mod lines;
mod listen;
mod mesh;
pub mod names;
mod page;
pub mod protocol;
mod recent;
mod rooms;
pub mod routes;
mod run;
pub mod service;
mod token;
mod user;

pub use database::{DatabaseAt, DatabaseError};
pub use limits::Limits;
pub use listen::ChatListen;
pub use mesh::{MeshAt, MeshError};
pub use rooms::{Action, NodeStats, Notice, Paged, Rooms, Stats};
pub use run::run;
pub use service::{ChatCommand, ChatService};
