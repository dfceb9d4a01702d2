//! The engine against hand-made bytes and against itself.

mod calls;
mod close;
mod codecs;
mod deadlines;
mod faults;
mod laws;
mod output;

use super::{Codec, Config, Connection};
use crate::base::{Closed, Engine, Event, Input, Instant, Message};
use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

const START: Instant = Instant::ORIGIN;

fn at(millis: u64) -> Instant {
    START + Duration::from_millis(millis)
}

fn open<C: Codec>(codec: C, config: Config) -> Connection<C> {
    Connection::new(START, codec, &Arc::new(config))
}

/// What came of an input, owned.
#[derive(Debug, PartialEq)]
enum Got {
    Message(Message<'static>),
    Pong(Duration),
    Drained,
    Closed(Box<Closed>),
}

fn feed<C: Codec>(connection: &mut Connection<C>, now: Instant, bytes: &[u8]) -> Vec<Got> {
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    let mut got = Vec::new();
    while let Some(event) = connection.receive(now, &mut input) {
        got.push(match event {
            Event::Message(message) => Got::Message(message.into_owned()),
            Event::Chunk(_) => panic!("a chunk"),
            Event::Pong { rtt } => Got::Pong(rtt),
            Event::Drained => Got::Drained,
            Event::Closed(closed) => Got::Closed(closed),
        });
    }
    got
}

fn written<C: Codec>(connection: &mut Connection<C>, now: Instant) -> Vec<u8> {
    let mut out = Vec::new();
    connection.output(now).drain_into(&mut out);
    out
}

fn texts(texts: &[&str]) -> Vec<Got> {
    texts.iter().map(|text| Got::Message(Message::text(std::string::String::from(*text)))).collect()
}

/// The one close report among what came; it must be the last.
fn closed(mut got: Vec<Got>) -> Closed {
    let last = got.pop();
    assert!(!got.iter().any(|g| matches!(g, Got::Closed(_))), "closed twice");
    let Some(Got::Closed(closed)) = last else { panic!("no report, but {last:?}") };
    *closed
}
