//! The ground: time, bytes in and out, messages, events, close reports, deadlines, entropy.

mod checksum;
mod cidr;
mod civil;
mod close;
mod closing;
#[cfg(feature = "deflate")]
mod contexts;
mod deadlines;
mod engine;
mod entropy;
mod event;
mod gather;
mod input;
#[cfg(feature = "json")]
mod json;
mod leaving;
mod liveness;
mod load;
mod message;
mod nonzero;
mod outbox;
mod output;
mod piece;
mod progress;
mod scratch;
mod spares;
mod stats;
mod time;
pub mod utf8;
mod violation;
mod when;
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
mod wire;

pub use cidr::{Cidr, CidrError};
pub use close::{Cause, Classifier, CloseCode, Closed, Origin, Timeout};
pub use engine::{Accepted, End, Engine, SendError, Shutdown, Wants};
pub use entropy::Entropy;
pub use event::Event;
pub use input::Input;
pub use message::{Chunk, Kind, Message};
pub use output::Output;
pub use piece::Piece;
pub use progress::{Extent, Progress, Reach};
pub use scratch::Scratch;
pub use stats::Stats;
pub use time::{Instant, Wall};
pub use violation::Violation;
pub use when::When;

pub(crate) use checksum::Checksum;
pub(crate) use civil::Civil;
pub(crate) use closing::{Closing, Phase};
#[cfg(feature = "deflate")]
pub(crate) use contexts::{Contexts, Deflater, Inflated, Inflater};
pub(crate) use deadlines::{Deadline, Deadlines, least};
pub(crate) use gather::Gather;
pub(crate) use leaving::{Gone, Leaving};
pub(crate) use liveness::{Liveness, Patience, is_stalled};
pub(crate) use nonzero::nonzero;
pub(crate) use outbox::Outbox;
pub(crate) use spares::SpareBuffers;
pub(crate) use stats::Counters;
pub(crate) use time::{Clock, WallClock};
#[cfg(feature = "tls")]
pub(crate) use wire::Wire;
