//! HTTP/1.1, as much as a page, a status and a WebSocket on one port need (RFC 9112).
//!
//! A head's way: `scan.rs` finds its end and refuses, byte by byte and once, what no head has; `head.rs` keeps a head that
//! a read cut; `request.rs` and `response_head.rs` parse it in one go and judge what it says. [`Responder`] is the
//! machine over all of it, `ending.rs` its answers and ends.

mod authority;
mod body;
mod config;
mod credentials;
mod date;
mod ending;
mod forwarded;
mod head;
mod headers;
mod request;
mod responder;
mod response;
mod response_head;
mod retry_after;
mod scan;
#[cfg(feature = "http")]
mod types;

pub use config::{Config, ConfigError};
pub use head::HeadError;
pub use headers::Headers;
pub use request::{Request, Version};
pub use responder::{Event, RespondError, Responder};
pub use response::Response;
pub use response_head::ResponseHead;
#[cfg(feature = "http")]
pub use types::encode_head;

pub(crate) use authority::{Authority, bracketed};
pub(crate) use body::BodyReader;
#[cfg(feature = "json")]
pub(crate) use credentials::percent_decoded;
pub(crate) use credentials::{basic, is_basic, user_and_password};
pub(crate) use forwarded::{ForwardedField, forwarded_from};
pub(crate) use head::HeadBuffer;
pub(crate) use headers::{is_one_of, is_token, is_value};
