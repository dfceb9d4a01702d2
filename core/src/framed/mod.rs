//! Messages over a byte stream without a WebSocket: framed TCP, Unix sockets, anything that carries bytes in order.
//!
//! A [`Codec`] says where a message ends and how one is written; [`Connection`] is the machine around it, with the
//! events, marks, deadlines and close report of a WebSocket. Codecs that are here: [`Typed`], [`Length`], [`Lines`],
//! [`Raw`]; others can be written anywhere.
//!
//! There is no Close frame. So a local close writes what was accepted, ends the writing side and waits for the peer's
//! end of stream; its code and reason stay in the local report. The peer's end of stream between two messages is 1000
//! from the remote, inside a message it is 1006 with [`End::Truncated`](crate::base::End::Truncated).

mod assembly;
mod closing;
mod codec;
mod config;
mod connection;
#[cfg(feature = "json")]
pub mod json;
mod length;
mod lines;
mod raw;
mod receive;
mod send;
mod typed;

pub use crate::base::Stats;
pub use codec::{Codec, Header, MAX_HEADER};
pub use config::{Config, ConfigError, Keepalive};
pub use connection::Connection;
pub use length::{Field, Length, LengthError, Order};
pub use lines::Lines;
pub use raw::Raw;
pub use typed::Typed;

#[cfg(test)]
mod tests;
