//! However a stream is cut, it says the same; and it says what the naive receiver reads.

use proptest::prelude::*;
use wharf::sim::Dice;
use wharf::ws::{Role, deflate};
use wharf_tests::receiver::{self, LIMIT};
use wharf_tests::streams::{compressed, cuts, valid, wounded, wounded_compressed};
use wharf_tests::wire::{first, frame};

fn compressing(takeover: bool) -> Option<deflate::Config> {
    let mut config = deflate::Config::default();
    config.peer_takeover = takeover;
    Some(config)
}

fn agree(bytes: &[u8], cuts: &[usize]) {
    receiver::agree(bytes, cuts, Role::Server);
}

#[test]
fn any_cuts_of_wounded_streams() {
    for seed in 0..20_000 {
        let mut dice = Dice::seeded(seed);
        let bytes = wounded(&mut dice, LIMIT);
        let cuts = cuts(&mut dice, bytes.len(), 5);
        let failed = std::panic::catch_unwind(|| agree(&bytes, &cuts)).is_err();
        assert!(!failed, "seed {seed}");
    }
}

#[test]
fn any_cuts_of_wounded_streams_of_compressed_messages() {
    for seed in 0..10_000 {
        let mut dice = Dice::seeded(seed);
        let takeover = dice.percent(50);
        let bytes = if dice.percent(30) {
            compressed(&mut dice, LIMIT, takeover).concat()
        } else {
            wounded_compressed(&mut dice, LIMIT, takeover)
        };
        let cuts = cuts(&mut dice, bytes.len(), 5);
        let agree = || receiver::agree_on(&bytes, &cuts, Role::Server, compressing(takeover));
        assert!(std::panic::catch_unwind(agree).is_ok(), "seed {seed}");
    }
}

#[test]
fn compressed_messages_byte_by_byte() {
    for seed in 0..200 {
        let mut dice = Dice::seeded(seed);
        let takeover = dice.percent(50);
        let bytes = wounded_compressed(&mut dice, 500, takeover);
        let all: Vec<usize> = (1..bytes.len()).collect();
        receiver::agree_on(&bytes, &all, Role::Server, compressing(takeover));
    }
}

#[test]
fn byte_by_byte() {
    for seed in 0..300 {
        let bytes = wounded(&mut Dice::seeded(seed), 500);
        let all: Vec<usize> = (1..bytes.len()).collect();
        agree(&bytes, &all);
    }
}

#[test]
fn every_cut_and_every_two_cuts() {
    let key = Some([0xa1, 0x5e, 0x07, 0xff]);
    let corpus = [
        [frame(first::TEXT, "né€🦀".as_bytes(), key), frame(first::BINARY, &[7; 130], key)].concat(),
        [
            frame(first::TEXT_BEGIN, &"€".as_bytes()[..2], key),
            frame(first::PING, b"ping", key),
            frame(first::MIDDLE, b"", key),
            frame(first::END, &"€".as_bytes()[2..], key),
            frame(first::CLOSE, b"\x03\xe8bye", key),
            frame(first::TEXT, b"late", key),
        ]
        .concat(),
        [frame(first::BINARY, b"", key), frame(first::TEXT, b"ab\xff", key)].concat(),
        [frame(first::PONG, b"", key), frame(first::END, b"nothing to end", key)].concat(),
        [frame(first::TEXT_BEGIN, b"a", key), frame(first::TEXT, b"b", key)].concat(),
        frame(first::END, &[0; LIMIT + 1], key)[..20].to_vec(),
        [frame(first::BINARY_BEGIN, b"a", key), frame(first::BINARY, &[0; LIMIT], key)[..20].to_vec()]
            .concat(),
        [frame(first::CLOSE, b"\x03\xed", key)].concat(),
    ];
    for bytes in corpus {
        for a in 0..=bytes.len() {
            for b in a..=bytes.len() {
                agree(&bytes, &[a, b]);
            }
        }
    }
}

#[test]
fn clients_hear_servers() {
    for seed in 0..500 {
        let mut dice = Dice::seeded(seed);
        let bytes: Vec<u8> =
            valid(&mut dice, LIMIT - 100).into_iter().flat_map(|frame| unmask(&frame)).collect();
        let cuts = cuts(&mut dice, bytes.len(), 5);
        receiver::agree(&bytes, &cuts, Role::Client);
    }
}

/// The same frame as a server sends it.
fn unmask(bytes: &[u8]) -> Vec<u8> {
    let size = match bytes[1] & 0x7f {
        127 => 10,
        126 => 4,
        _ => 2,
    };
    let (header, payload) = bytes.split_at(size + 4);
    let mut out = header[..size].to_vec();
    out[1] &= 0x7f;
    out.extend(payload.iter().zip(header[size..].iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let firsts =
        [first::TEXT, first::BINARY, first::TEXT_BEGIN, first::MIDDLE, first::END, first::PING, first::PONG];
    let text = "[a-zé€🦀]{0,40}".prop_map(String::into_bytes);
    let payload = prop_oneof![4 => text, 1 => prop::collection::vec(any::<u8>(), 0..140)];
    (prop::sample::select(firsts.to_vec()), payload, any::<[u8; 4]>())
        .prop_map(|(first, payload, key)| frame(first, &payload, Some(key)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_frames_any_cuts(
        frames in prop::collection::vec(any_frame(), 1..8),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let bytes = frames.concat();
        let mut cuts: Vec<usize> = places.into_iter().map(|place| place.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        agree(&bytes, &cuts);
    }
}
