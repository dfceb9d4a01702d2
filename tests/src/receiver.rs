//! The engine's reading of a byte stream, in the words of the naive receiver.

use crate::naive::{self, Item, Reading, Verdict};
use std::sync::Arc;
use wharf::base::{Cause, Closed, Engine, Entropy, Event, Input, Instant, Kind};
use wharf::ws::deflate::{self, Parameters};
use wharf::ws::handshake::Agreed;
use wharf::ws::{Config, Connection, Delivery, Role};

/// What the engine made of a stream.
#[derive(Debug, PartialEq)]
pub struct Heard {
    /// Messages, then the pings that it answered, both in order; how it ended; what a streamed message still had.
    pub reading: Reading,
    /// The close report.
    pub closed: Option<Closed>,
    /// All that it wrote.
    pub written: Vec<u8>,
}

/// Hands `bytes` to a connection in the role `role`, in pieces between the cuts.
///
/// # Panics
/// If the connection breaks its contract: events behind the close report, input left though it reads, a Close frame
/// that does not say what the report says.
#[must_use]
pub fn hear(bytes: &[u8], cuts: &[usize], role: Role, config: &Arc<Config>) -> Heard {
    let mut connection = Connection::new(Instant::ORIGIN, role, config, Entropy::from_seed([9; 32]), &[])
        .with_extensions(agreed(role, config));
    let mut listener = Listener::default();
    let mut from = 0;
    for &to in cuts.iter().chain([&bytes.len()]) {
        let mut piece = bytes[from..to].to_vec();
        listener.listen(&mut connection, &mut piece);
        from = to;
    }
    let verdict = listener.verdict();
    let sent = naive::read(&listener.written, role, config);
    let pongs = sent.items.into_iter().filter_map(|item| match item {
        Item::Pong(payload) => Some(Item::Ping(payload)),
        _ => None,
    });
    let messages = listener.messages.into_iter().map(|(kind, payload)| Item::Message(kind, payload));
    match (&verdict, &sent.verdict) {
        (Verdict::Open, Verdict::Open) => {}
        (Verdict::Close(code, _) | Verdict::Fail(code), Verdict::Close(sent, _)) if code == sent => {}
        other => panic!("reported and sent differ: {other:?}"),
    }
    let reading = Reading { items: messages.chain(pongs).collect(), verdict, tail: listener.tail };
    Heard { reading, closed: listener.closed, written: listener.written }
}

/// Largest message of [`agree`]; its frames are 100 bytes shorter at most, and four.
pub const LIMIT: usize = 3000;

/// However the stream is cut, the engine in the role `role` hears what the naive receiver reads, tells it in the same
/// words, and in streaming delivery its pieces are the same messages.
///
/// # Panics
/// If not.
pub fn agree(bytes: &[u8], cuts: &[usize], role: Role) {
    agree_on(bytes, cuts, role, None);
}

/// As [`agree`], where compression was agreed on.
///
/// # Panics
/// If not.
pub fn agree_on(bytes: &[u8], cuts: &[usize], role: Role, deflate: Option<deflate::Config>) {
    let config = |delivery| {
        let mut config = Config::default();
        config.deflate = deflate;
        (config.max_message, config.max_frame, config.max_fragments) = (LIMIT, LIMIT - 100, 4);
        config.delivery = delivery;
        Arc::new(config)
    };
    let messages = config(Delivery::Messages);
    let judge = as_heard(naive::read(bytes, role.peer(), &messages));
    let heard = hear(bytes, cuts, role, &messages);
    assert_eq!(
        (&heard.reading.items, &heard.reading.verdict),
        (&judge.items, &judge.verdict),
        "cuts {cuts:?}"
    );
    assert_eq!(hear(bytes, &[], role, &messages), heard, "cuts {cuts:?}");
    let streamed = hear(bytes, cuts, role, &config(Delivery::Streaming));
    assert_eq!((&streamed.reading.items, &streamed.closed), (&heard.reading.items, &heard.closed));
    assert!(judge.tail.starts_with(&streamed.reading.tail), "pieces of the message that did not end");
    assert_eq!(streamed.written, heard.written);
}

/// What a side of this configuration agreed on: compression if it has any, and that the peer takes over its context if
/// it may.
fn agreed(role: Role, config: &Config) -> Agreed {
    let Some(deflate) = config.deflate else { return Agreed::default() };
    let mut parameters = Parameters::default();
    match role {
        Role::Server => parameters.client_no_context_takeover = !deflate.peer_takeover,
        Role::Client => parameters.server_no_context_takeover = !deflate.peer_takeover,
    }
    parameters.into()
}

/// A reading as the engine tells it: messages, then pings, no pongs.
#[must_use]
pub fn as_heard(reading: Reading) -> Reading {
    let (messages, control): (Vec<Item>, Vec<Item>) =
        reading.items.into_iter().partition(|item| matches!(item, Item::Message(..)));
    let pings = control.into_iter().filter(|item| matches!(item, Item::Ping(_)));
    Reading { items: messages.into_iter().chain(pings).collect(), ..reading }
}

#[derive(Default)]
struct Listener {
    messages: Vec<(Kind, Vec<u8>)>,
    tail: Vec<u8>,
    closed: Option<Closed>,
    written: Vec<u8>,
}

impl Listener {
    fn listen(&mut self, connection: &mut Connection, piece: &mut [u8]) {
        let mut input = Input::new(piece);
        while let Some(event) = connection.receive(Instant::ORIGIN, &mut input) {
            assert!(self.closed.is_none(), "{event:?} behind the close report");
            match event {
                Event::Message(message) => self.messages.push((message.kind(), message.into_vec())),
                Event::Chunk(chunk) => {
                    assert_eq!(chunk.first, self.tail.is_empty() || chunk.first, "a piece out of order");
                    assert!(chunk.last || !chunk.bytes.is_empty(), "an empty piece");
                    self.tail.extend_from_slice(&chunk.bytes);
                    if chunk.last {
                        self.messages.push((chunk.kind, std::mem::take(&mut self.tail)));
                    }
                }
                Event::Closed(closed) => self.closed = Some(*closed),
                Event::Pong { .. } | Event::Drained => {}
                other => panic!("what is {other:?}"),
            }
            connection.output(Instant::ORIGIN).drain_into(&mut self.written);
        }
        assert!(input.is_empty() || !connection.wants().read, "{} bytes were left", input.len());
        connection.output(Instant::ORIGIN).drain_into(&mut self.written);
    }

    fn verdict(&self) -> Verdict {
        let Some(closed) = &self.closed else { return Verdict::Open };
        match closed.cause {
            Cause::Handshake => Verdict::Close(closed.code.as_u16(), closed.reason.clone()),
            Cause::Violation(violation) => Verdict::Fail(violation.close_code().as_u16()),
            cause => panic!("{cause:?} without a cause"),
        }
    }
}
