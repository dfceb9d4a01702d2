//! The ground: time, bytes in and out, messages, events, close reports, deadlines, entropy.

mod close;
mod closing;
#[cfg(feature = "deflate")]
mod contexts;
mod deadlines;
mod engine;
mod entropy;
mod event;
mod input;
mod message;
mod outbox;
mod piece;
mod scratch;
mod time;
mod violation;

pub use close::{Cause, Classifier, CloseCode, Closed, Origin, Timeout};
pub use engine::{Accepted, End, Engine, SendError, Shutdown, Wants};
pub use entropy::Entropy;
pub use event::Event;
pub use input::Input;
pub use message::{Chunk, Kind, Message};
pub use outbox::Output;
pub use piece::Piece;
pub use scratch::Scratch;
pub use time::{Instant, Wall};
pub use violation::Violation;

pub(crate) use closing::{Closing, Phase};
#[cfg(feature = "deflate")]
pub(crate) use contexts::{Contexts, Deflater, Inflated, Inflater};
pub(crate) use deadlines::{Deadline, Deadlines};
pub(crate) use entropy::MaskBlock;
pub(crate) use outbox::Outbox;
pub(crate) use time::{Clock, WallClock};
