//! HTTP/1.1, as much as a page, a status and a WebSocket on one port need (RFC 9112).

mod head;
mod headers;
mod request;
mod responder;
mod response;

pub use head::HeadError;
pub use headers::Headers;
pub use request::{Request, Version};
pub use responder::{Config, Event, RespondError, Responder};
pub use response::{Response, ResponseHead};

pub(crate) use head::HeadBuffer;
pub(crate) use headers::{is_token, is_value};
