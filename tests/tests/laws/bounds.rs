//! What waits is bounded, what is answered has room, and masks are a client's alone.

use std::collections::HashSet;
use std::sync::Arc;
use wharf::base::{CloseCode, Engine, Entropy, Event, Input, Instant, Kind, Message, SendError};
use wharf::sim::Dice;
use wharf::ws::deflate::Parameters;
use wharf::ws::handshake::Agreed;
use wharf::ws::{Config, Connection, Role};
use wharf_tests::pair::{Pair, Play};
use wharf_tests::side::{Program, Side};
use wharf_tests::streams::valid;
use wharf_tests::wire::frames;

const NOW: Instant = Instant::ORIGIN;

fn config(dice: &mut Dice<'_>, pause: bool) -> Arc<Config> {
    let mut config = Config::default();
    config.max_message = dice.pick(&[200, 1000, 5000]);
    config.high_mark = dice.pick(&[0, 50, 300, 4000]);
    config.low_mark = dice.below(config.high_mark + 1);
    config.queue_limit = 0;
    config.fragment_size = dice.pick(&[125, 1000, 1 << 20]);
    config.pause_reading_when_congested = pause;
    config.deflate = dice.percent(30).then(Default::default);
    Arc::new(config)
}

/// Compression is agreed on where it is wanted.
fn agreed(config: &Config) -> Agreed {
    config.deflate.map_or_else(Agreed::default, |_| Parameters::default().into())
}

/// An echo that pauses when congested asserts that no answer is ever refused, whatever pings come between.
#[test]
fn one_answer_a_message_always_fits() {
    for seed in 0..1500 {
        let mut dice = Dice::seeded(seed);
        let config = config(&mut dice, true);
        let server = Connection::server(NOW, &config).with_extensions(agreed(&config));
        let mut side = Side::new(server, &config, Program::Echo(Default::default()));
        for _ in 0..5 {
            let mut stream = valid(&mut dice, config.max_message);
            stream.retain(|frame| frame[0] != 0x88);
            side.arrive(&stream.concat());
        }
        for _ in 0..200 {
            let n = dice.pick(&[1, 10, 100, 1000, 100_000]);
            match dice.below(6) {
                0..2 => side.receive(NOW, n),
                2..4 => drop(side.write(NOW, n)),
                4 => side.lend(),
                _ => side.reclaim(),
            }
            side.check(NOW);
        }
    }
}

/// A program that ignores every hint is refused, is told when to go on, and then has room.
#[test]
fn whoever_is_refused_is_told_when_to_go_on() {
    let mut refused = 0;
    for seed in 0..3000 {
        let mut dice = Dice::seeded(seed);
        let config = config(&mut dice, false);
        let mut connection = match dice.pick(&[Role::Client, Role::Server]) {
            Role::Client => Connection::client(NOW, &config, Entropy::from_seed([1; 32])),
            Role::Server => Connection::server(NOW, &config),
        }
        .with_extensions(agreed(&config));
        let largest = vec![7; config.max_message];
        loop {
            let sent = match dice.below(4) {
                0 => connection.ping(NOW).map(|()| 0),
                1 => connection.send(NOW, Message::binary(&largest[..])).map(|_| 0),
                2 => connection.send_bytes(NOW, Kind::Binary, vec![1; dice.below(20_000)].into()).map(|_| 0),
                _ => connection.send(NOW, Message::text("few")).map(|_| 0),
            };
            match sent {
                Err(SendError::Full) => break,
                Err(SendError::TooBig { .. }) | Ok(_) => {}
                Err(other) => panic!("{other}"),
            }
        }
        refused += 1;
        let mut told = false;
        while connection.queued() > 0 {
            connection.output(NOW).advance(dice.between(1, 3000));
            if let Some(event) = connection.receive(NOW, &mut Input::default()) {
                assert!(matches!(event, Event::Drained) && !told, "seed {seed}: {event:?}");
                told = true;
                assert!(connection.queued() <= config.low_mark);
                assert!(connection.send(NOW, Message::binary(&largest[..])).is_ok(), "seed {seed}: no room");
                break;
            }
        }
        assert!(told, "seed {seed}: refused and never told to go on");
    }
    assert_eq!(refused, 3000);
}

#[test]
fn a_close_finds_room_behind_all() {
    for seed in 0..300 {
        let mut dice = Dice::seeded(seed);
        let config = config(&mut dice, false);
        let mut side =
            Side::new(Connection::server(NOW, &config), &config, Program::Echo(Default::default()));
        while side.connection.send(NOW, Message::text("full")).is_ok() {}
        for ping in 0..200_u32 {
            side.arrive(&wharf_tests::wire::frame(0x89, &[ping as u8; 120], Some([0; 4])));
            side.receive(NOW, usize::MAX);
            side.check(NOW);
        }
        side.connection.close(NOW, CloseCode::GOING_AWAY, &"r".repeat(123)).expect("open");
        side.check(NOW);
        while !side.write(NOW, usize::MAX).is_empty() {}
        let last = frames(&side.wire).pop().expect("frames");
        assert_eq!((last.first, last.payload.len()), (0x88, 125));
    }
}

#[test]
fn clients_mask_each_frame_anew_and_servers_none() {
    // RFC 6455 5.1: "a client MUST mask all frames that it sends to the server"
    // RFC 6455 5.1: "A server MUST NOT mask any frames that it sends to the client"
    // RFC 6455 6.1: "If the data is being sent by the client, the frame(s) MUST be masked"
    // RFC 6455 5.3: "the client MUST pick a fresh masking key from the set of allowed 32-bit values"
    // RFC 6455 10.3: "Clients MUST choose a new masking key for each frame"
    let mut keys = HashSet::new();
    let mut masked = 0;
    for seed in 0..100 {
        let mut dice = Dice::seeded(seed);
        let mut pair = Pair::new(&Play::any(&mut dice));
        pair.settle();
        let [client, server] = pair.sides.each_ref().map(|side| frames(&side.wire));
        assert!(client.iter().all(|frame| frame.key.is_some()));
        assert!(server.iter().all(|frame| frame.key.is_none()));
        if keys.is_empty() {
            keys.extend(client.iter().map(|frame| frame.key));
            masked = client.len();
        }
    }
    assert!(masked > 2 && keys.len() == masked, "{masked} frames, {} keys", keys.len());
}

const _: () = {
    assert!(size_of::<Connection>() <= 384, "stats included, either role");
    assert!(size_of::<Event<'static>>() <= 32);
    assert!(size_of::<Message<'static>>() <= 32);
};
