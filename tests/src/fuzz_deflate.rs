//! The fuzz target of compression: bytes as what a peer compressed, and as what is to be compressed.

use crate::receiver::agree_on;
use crate::streams::cuts;
use crate::wire::{first, frame};
use std::sync::Arc;
use wharf::base::{Engine, Entropy, Event, Input, Instant, Message, Scratch};
use wharf::sim::Dice;
use wharf::ws::deflate::{self, Parameters};
use wharf::ws::{Config, Connection, Role};

const NOW: Instant = Instant::ORIGIN;

/// The payload of compressed messages, cut as the first bytes say: the engine, cut and whole, hears what the library
/// makes of it at once, within its limits. Then the same bytes as a message that is sent compressed: it comes back.
pub fn deflate(data: &[u8]) {
    let Some((choices, payload)) = data.split_at_checked(8) else { return };
    let mut dice = Dice::replaying(choices);
    let mut config = deflate::Config::default();
    config.peer_takeover = dice.percent(50);
    let text = dice.percent(50);
    let mut stream = Vec::new();
    let ends = cuts(&mut dice, payload.len(), 1);
    let mut from = 0;
    for to in ends.into_iter().chain([payload.len()]) {
        let message = &payload[from..to];
        let middle = dice.between(0, message.len());
        let begin = 0x40 | if text { first::TEXT_BEGIN } else { first::BINARY_BEGIN };
        stream.extend(frame(begin, &message[..middle], Some([1, 2, 3, 4])));
        stream.extend(frame(first::END, &message[middle..], Some([9, 0, 9, 0])));
        from = to;
    }
    let cuts = cuts(&mut dice, stream.len(), 2);
    agree_on(&stream, &cuts, Role::Server, Some(config));
    round_trip(&mut dice, payload);
}

fn round_trip(dice: &mut Dice<'_>, payload: &[u8]) {
    let mut deflate = deflate::Config::default();
    (deflate.level, deflate.threshold) = (dice.between(1, 9) as u8, 0);
    deflate.window_bits = dice.between(9, 15) as u8;
    (deflate.takeover, deflate.peer_takeover) = (dice.percent(50), true);
    let mut config = Config::default();
    config.deflate = Some(deflate);
    let config = Arc::new(config);
    let side = |role| {
        let entropy = Entropy::from_seed([8; 32]);
        Connection::new(NOW, role, &config, entropy, &[]).with_extensions(Parameters::default().into())
    };
    let (mut client, mut server, mut scratch) = (side(Role::Client), side(Role::Server), Scratch::new());
    for _ in 0..3 {
        client.lend(&mut scratch);
        client.send(NOW, Message::binary(payload)).expect("room");
        let mut bytes = Vec::new();
        client.output(NOW).drain_into(&mut bytes);
        client.reclaim(&mut scratch);
        assert!(bytes.len() <= payload.len() + 14, "longer than plain");
        match server.receive(NOW, &mut Input::new(&mut bytes)) {
            Some(Event::Message(message)) => assert!(message.payload() == payload, "another message"),
            other => panic!("no message but {other:?}"),
        }
    }
}
