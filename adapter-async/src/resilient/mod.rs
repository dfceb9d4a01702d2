//! A client that stays up: the machine of [`wharf::service::client`], carried in a task of its own.

mod carry;
mod client;
mod desk;
mod hook;
mod messages;
mod sending;
mod watch;

pub use client::Client;
pub use hook::HookError;
pub use messages::Messages;
pub use sending::Sending;
pub use watch::Watch;
