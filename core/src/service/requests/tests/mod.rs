//! Both sides: what ends a call, what ends a request, and both against naive models.

mod answering;
mod calling;
mod laws;
mod shapes;

use crate::base::{Instant, Message};
use core::time::Duration;

fn text(json: &str) -> Message<'_> {
    Message::text(json)
}

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}
