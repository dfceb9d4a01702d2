//! Requests and their answers over any transport that has messages. Feature `json`.
//!
//! A request is `{"id": 1, "data": …}`. It is answered by `{"id": 1, "data": …}` or
//! `{"id": 1, "error": {"code": "…", "message": "…"}}`, in any order, and given up by `{"id": 1, "cancel": true}`. Each is one
//! message: text over a WebSocket and in lines, of one type where frames are typed. Other fields are not looked at.
//!
//! [`Requests`] is the side that asks, [`Answers`] the one that answers. A request and its answer look the same, so one side of a
//! connection asks; where both are to ask, frames of two types tell them apart ([`RequestsConfig::kind`]).

mod answers;
mod calls;
mod config;
mod outcome;
mod stats;
mod wire;

pub use answers::{Answers, Asked, Expired, Ticket};
pub use calls::{CallId, Requests};
pub use config::{AnswersConfig, RequestsConfig};
pub use outcome::{CallError, Failed, Failure, Received, ReplyError};
pub use stats::{AnswersStats, RequestsStats};
pub use wire::{Data, ErrorReply, RequestId};

#[cfg(test)]
mod tests;
