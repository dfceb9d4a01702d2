//! What compression costs in memory: nothing at rest, a bounded sum while it works, and no more than its budget where
//! contexts are taken over.

use allocation_counter::measure;
use std::sync::Arc;
use wharf::base::{Cause, Engine, Entropy, Event, Input, Instant, Message, Scratch, Violation};
use wharf::sim::Dice;
use wharf::ws::deflate::{self, Parameters};
use wharf::ws::{Config, Connection, Delivery, Role};
use wharf_tests::packer::Packer;
use wharf_tests::wire::{first, frame};

const NOW: Instant = Instant::ORIGIN;

fn connection(role: Role, config: &Arc<Config>, takeover: bool) -> Connection {
    let mut parameters = Parameters::default();
    parameters.server_no_context_takeover = !takeover;
    parameters.client_no_context_takeover = !takeover;
    Connection::new(NOW, role, config, Entropy::from_seed([4; 32]), &[]).with_extensions(parameters.into())
}

fn compressing(deflate: deflate::Config) -> Arc<Config> {
    let mut config = Config::default();
    config.deflate = Some(deflate);
    Arc::new(config)
}

/// A client's frame, compressed.
fn packed(payload: &[u8]) -> Vec<u8> {
    let packed = Packer::any(&mut Dice::seeded(1), false).pack(payload);
    frame(0x40 | first::BINARY, &packed, Some([1, 2, 3, 4]))
}

/// One turn, as an adapter has it: what came is read and echoed, what is queued is written.
fn turn(connection: &mut Connection, scratch: &mut Scratch, bytes: &mut [u8]) {
    connection.lend(scratch);
    let mut input = Input::new(bytes);
    while let Some(event) = connection.receive(NOW, &mut input) {
        if let Event::Message(message) = event {
            connection.send(NOW, message).expect("room");
        }
    }
    let mut output = connection.output(NOW);
    let written = output.remaining();
    output.advance(written);
    connection.reclaim(scratch);
}

#[test]
fn a_connection_at_rest_owns_no_heap() {
    let (config, mut scratch) = (compressing(deflate::Config::default()), Scratch::new());
    let stream =
        [packed(b"whole"), packed(&[7; 90_000]), frame(first::TEXT, b"plain", Some([0; 4]))].concat();
    let run = |connection: &mut Connection, scratch: &mut Scratch| {
        for piece in stream.clone().chunks_mut(99) {
            turn(connection, scratch, piece);
        }
        connection.send(NOW, Message::binary(&[7; 5000][..])).expect("open");
        turn(connection, scratch, &mut []);
    };
    run(&mut connection(Role::Server, &config, false), &mut scratch);
    let (before, mut kept) = (scratch.capacity(), None);
    let cost = measure(|| {
        let mut connection = connection(Role::Server, &config, false);
        run(&mut connection, &mut scratch);
        kept = Some(connection);
    });
    let stats = kept.expect("it was kept").stats();
    assert_eq!((stats.messages_in, stats.compressed_in, stats.compressed_out), (3, 2, 2));
    assert_eq!(scratch.capacity(), before);
    assert_eq!((cost.count_current, cost.bytes_current), (0, 0));
}

/// What is told of the memory of contexts is no less than it is.
#[test]
fn what_contexts_cost_is_known() {
    let mut scratch = Scratch::new();
    let config = compressing(deflate::Config::default());
    let cost = measure(|| {
        turn(&mut connection(Role::Server, &config, false), &mut scratch, &mut packed(&[7; 5000]));
    });
    let known = scratch.capacity();
    assert!(cost.bytes_current as usize <= known, "{} bytes, {known} are told of", cost.bytes_current);
    assert!(known <= (256 + 512) << 10);
}

#[test]
fn contexts_that_are_taken_over_keep_to_their_budget() {
    let mut over = 0;
    for bits in 9..=15 {
        for budget in (0..600).step_by(8).map(|kib| kib << 10) {
            let mut deflate = deflate::Config::default();
            (deflate.takeover, deflate.peer_takeover, deflate.window_bits) = (true, true, bits);
            deflate.context_bytes = budget;
            // What the handshake would have agreed on: less than that is fine as well.
            let inflates = 56 << 10 <= budget;
            let (config, mut bytes, mut kept) = (compressing(deflate), packed(&[7; 5000]), None);
            let cost = measure(|| {
                let mut connection = connection(Role::Server, &config, inflates);
                turn(&mut connection, &mut Scratch::new(), &mut bytes);
                kept = Some(connection);
            });
            drop(kept);
            assert!(cost.bytes_current <= budget as i64 + 200, "{bits}: {} > {budget}", cost.bytes_current);
            over += u32::from(cost.bytes_current > 200 << 10);
        }
    }
    assert!(over > 100, "contexts were kept {over} times");
}

#[test]
fn a_bomb_costs_no_more_than_the_limit_of_a_message() {
    let bomb = packed(&vec![0; 30 << 20]);
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    for (delivery, most) in [(Delivery::Messages, 3 << 20), (Delivery::Streaming, 100 << 10)] {
        let mut config = Config::clone(&compressing(deflate::Config::default()));
        (config.max_message, config.max_frame, config.delivery) = (1 << 20, 1 << 20, delivery);
        let config = Arc::new(config);
        let mut bytes = bomb.clone();
        let cost = measure(|| {
            let mut connection = connection(Role::Server, &config, false);
            let mut input = Input::new(&mut bytes);
            let mut told = None;
            while let Some(event) = connection.receive(NOW, &mut input) {
                if let Event::Closed(closed) = event {
                    told = Some(closed.cause);
                }
            }
            assert_eq!(told, Some(Cause::Violation(Violation::MessageTooBig { limit: 1 << 20 })));
        });
        assert!(cost.bytes_max < most, "{} bytes for a limit of 1 MiB", cost.bytes_max);
    }
}
