//! A client that stays up: the machine of [`wharf::service::client`], carried in a task of its own.

mod carried;
mod carry;
mod client;
mod desk;
mod hook;
mod messages;
mod sending;
mod watch;

#[cfg(feature = "json")]
pub(crate) use carried::{Carried, Desk, Released, Step};
#[cfg(feature = "json")]
pub(crate) use carry::Carry;
pub use client::Client;
pub use hook::HookError;
pub use messages::Messages;
pub use sending::Sending;
pub use watch::Watch;
