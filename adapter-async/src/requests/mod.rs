//! Requests over a socket: the handle that asks, the loop that drives its socket, and the side that answers.

mod desk;
mod error;
mod request_loop;
mod requester;
mod serving;
mod work;

pub use error::RequestError;
pub use request_loop::RequestLoop;
pub use requester::Requester;
pub use serving::serve_requests;

#[cfg(all(test, feature = "sim"))]
mod tests;
