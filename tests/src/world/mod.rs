//! A network under virtual time, with faults: one hub, its clients, and the wires between them, all from one seed. The
//! seed draws what is spoken too: WebSockets, compressed or not, or framed messages, through TLS or not.
//!
//! The hub is driven as an adapter drives it, by what it says and not by looking at everything: what a connection
//! wants is looked at after a call about it and when the dirty list names it.

mod client;
mod echo;
mod faults;
mod laws;
mod pipe;
mod run;
mod server;
mod transcript;
mod wires;

pub use client::{Client, Outcome};
pub use echo::{Echo, Job};
pub use faults::{Faults, Habit};
pub use pipe::{Came, Pipe};
pub use run::{Report, World};
pub use transcript::Transcript;
pub use wires::{Speech, WALL, Wire};
