//! The fuzz target of the bus: frames of any kind, said to a broker, to its service behind sockets and to its client.

mod broker;
mod client;
mod service;
mod wire;

use core::str;

/// A script of one move a line, the first of whose bytes says who makes it: `b` is for a broker, `s` for its service in a hub, `c` for
/// a client. Anything else is a frame, of either side.
///
/// # Panics
/// A law is broken.
pub fn bus(data: &[u8]) {
    match data.split_first() {
        Some((b'b', script)) => broker::play(script),
        Some((b's', script)) => service::play(script),
        Some((b'c', script)) => client::play(script),
        Some(_) => drop(str::from_utf8(data).map(wire::check)),
        None => {}
    }
}

/// The first byte of each line, and the rest of it.
fn moves(script: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    script
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split_first())
        .map(|(byte, rest)| (*byte, rest))
}

/// The digits that are there, as a number; what is not one is passed over.
fn number(digits: &[u8]) -> u64 {
    let digits = digits.iter().filter(|byte| byte.is_ascii_digit());
    digits.take(9).fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
