//! Worlds to try the house's own machines in: an echo and its clients in a [`wharf::sim::World`], all from one seed. The seed
//! draws what is spoken too: WebSockets, compressed or not, or framed messages, through TLS or not.

mod asker;
mod echo;
mod keeper;
mod laws;
mod moody;
mod trial;
mod wires;

pub use asker::Asker;
pub use echo::{Echo, Job};
pub use keeper::{Ask, Fates, Keeper, Own};
pub use moody::{Mood, Moody, Name, Turn, message_of, text_of};
pub use trial::{BAD, Report, Trial};
pub use wires::{Speech, Wire};
