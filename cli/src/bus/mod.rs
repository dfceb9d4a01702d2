//! `wharf bus`: messages from service to service, that are delivered whatever crashes.
//!
//! [`args`] are the flags; the broker itself is [`wharf::service::bus`], and its journal on disk `wharf_sqlite`, and the
//! store that several share `wharf_postgres`. [`Commands`] takes
//! what `wharf bus dead` asks of a running bus.

pub mod args;
mod commands;
mod dead;
mod journal;
mod letters;
mod listen;
mod nodes;
mod run;
mod tokens;

pub use commands::{Ask, Commands, CommandsError, Reply, Verb};
pub use dead::DeadError;
pub use listen::BusListen;
pub use nodes::NodesError;
pub use run::run;
pub use tokens::{TokenFileError, read_tokens};
