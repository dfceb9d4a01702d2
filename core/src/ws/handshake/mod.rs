//! The opening handshake (RFC 6455 section 4).
//!
//! The server's side is a pair of functions over a request's head: [`Offer::from_request`] checks everything that
//! the RFC demands, [`Offer::accept`] writes the answer. The client's side is a machine, since it waits.

mod agreed;
mod client;
mod conversions;
mod extension;
mod fresh;
mod key;
mod origin;
mod outcome;
mod redirect;
mod request;
mod server;

pub use agreed::Agreed;
pub use client::Client;
pub use extension::{Extension, Extensions};
pub use origin::OriginPolicy;
pub use outcome::{HandshakeError, Opened, RefusedBy};
pub use redirect::{RedirectError, Redirects};
pub use request::{ClientRequest, RequestError};
pub use server::{AcceptError, Acceptance, Offer, Refusal, ServerPolicy};
