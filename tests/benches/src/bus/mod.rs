//! Load for whatever keeps messages: `wharf bus`, and the JetStream of NATS beside it.

mod jetstream;
mod load;
mod wharf;

pub use jetstream::{Draw, Stream};
pub use load::{Figure, Publisher, Subscriber, measure};
pub use wharf::Service;
