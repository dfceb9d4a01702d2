//! The engine against hand-made bytes and against itself.

mod close;
mod deadlines;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(feature = "deflate")]
mod deflate_ends;
#[cfg(feature = "deflate")]
mod deflate_limits;
#[cfg(feature = "deflate")]
mod deflate_windows;
mod fast;
mod frames_out;
mod messages;
mod output;
mod pauses;
mod totals;

use super::wire::header::{self, Opcode};
use super::wire::mask;
use super::{Config, Connection, Role};
use crate::base::{Closed, Engine, Entropy, Event, Input, Instant, Message};
use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

const START: Instant = Instant::ORIGIN;

fn at(millis: u64) -> Instant {
    START + Duration::from_millis(millis)
}

fn server(config: Config) -> Connection {
    Connection::server(START, &Arc::new(config))
}

fn client(config: Config) -> Connection {
    Connection::client(START, &Arc::new(config), Entropy::from_seed([3; 32]))
}

fn side(role: Role, config: Config) -> Connection {
    if role == Role::Client { client(config) } else { server(config) }
}

/// A frame as this role hears it, with this first byte.
fn frame_to(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = if role == Role::Server { frame(first, payload) } else { Vec::new() };
    if role == Role::Client {
        header::encode(&mut out, true, Opcode::Binary, None, payload.len());
        out.extend_from_slice(payload);
    }
    out[0] = first;
    out
}

/// A masked frame, as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let opcode = match first & 0x0f {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        _ => Opcode::Pong,
    };
    let mut out = Vec::new();
    header::encode(&mut out, first & 0x80 != 0, opcode, Some([9, 8, 7, 6]), payload.len());
    let from = out.len();
    out.extend_from_slice(payload);
    mask::apply(&mut out[from..], [9, 8, 7, 6], 0);
    out
}

/// What came of an input, owned.
#[derive(Debug, PartialEq)]
enum Got {
    Message(Message<'static>),
    Chunk(Vec<u8>, bool, bool),
    Pong(Duration),
    Drained,
    Closed(Box<Closed>),
}

fn feed(connection: &mut Connection, now: Instant, bytes: &[u8]) -> Vec<Got> {
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    let mut got = Vec::new();
    while let Some(event) = connection.receive(now, &mut input) {
        got.push(match event {
            Event::Message(message) => Got::Message(message.into_owned()),
            Event::Chunk(chunk) => Got::Chunk(chunk.bytes.to_vec(), chunk.first, chunk.last),
            Event::Pong { rtt } => Got::Pong(rtt),
            Event::Drained => Got::Drained,
            Event::Closed(closed) => Got::Closed(closed),
        });
    }
    got
}

fn written(connection: &mut Connection, now: Instant) -> Vec<u8> {
    let mut out = Vec::new();
    connection.output(now).drain_into(&mut out);
    out
}

/// The one close report among what came; it must be the last.
fn closed(mut got: Vec<Got>) -> Closed {
    let last = got.pop();
    assert!(!got.iter().any(|g| matches!(g, Got::Closed(_))), "closed twice");
    let Some(Got::Closed(closed)) = last else { panic!("no report, but {last:?}") };
    *closed
}
