//! In whatever order things happen: the same messages, the same close reports, the same data frames.

use std::ops::Range;
use wharf::base::{Closed, Origin};
use wharf::sim::Dice;
use wharf::ws::Role;
use wharf_tests::pair::{Pair, Play};
use wharf_tests::side::Note;
use wharf_tests::wire::frames;

/// What must not hang on the schedule, of each end.
#[derive(Debug, PartialEq)]
struct Outcome {
    messages: Vec<Note>,
    closed: Option<Closed>,
    data: Vec<(u8, Vec<u8>)>,
}

fn play(play: &Play, schedule: u64) -> (Pair, [Outcome; 2]) {
    let (mut pair, mut dice) = (Pair::new(play), Dice::seeded(schedule));
    for _ in 0..dice.pick(&[0, 10, 100, 400]) {
        pair.step(&mut dice);
    }
    pair.settle();
    let outcome = pair.sides.each_ref().map(|side| Outcome {
        messages: side.messages.clone(),
        closed: side.closed.clone(),
        data: frames(&side.wire)
            .into_iter()
            .filter(|frame| frame.first & 0x08 == 0)
            .map(|frame| (frame.first, frame.payload))
            .collect(),
    });
    (pair, outcome)
}

#[test]
fn any_schedule_the_same_outcome() {
    same_outcomes(0..600, Play::any);
}

#[test]
fn any_schedule_the_same_outcome_compressed() {
    let compressed = same_outcomes(0..600, Play::compressing);
    assert!(compressed > 500, "only {compressed} messages went out compressed");
}

fn same_outcomes(seeds: Range<u64>, play_of: fn(&mut Dice<'_>) -> Play) -> u32 {
    let mut compressed = 0;
    for seed in seeds {
        let script = play_of(&mut Dice::seeded(seed));
        let (pair, want) = play(&script, 0);
        compressed += pair.sides.iter().map(|side| side.connection.stats().compressed_out).sum::<u32>();
        let asker = usize::from(script.asker == Role::Server);
        for (at, outcome) in want.iter().enumerate() {
            assert_eq!(outcome.messages, script.questions, "seed {seed}");
            let closed =
                outcome.closed.as_ref().unwrap_or_else(|| panic!("seed {seed}: no end in {pair:#?}"));
            let origin = if at == asker { Origin::Local } else { Origin::Remote };
            assert_eq!((closed.origin, closed.code), (origin, script.code), "seed {seed}");
            assert!(pair.sides[at].connection.is_finished());
        }
        for schedule in 1..6 {
            let (_, got) = play(&script, schedule);
            for (got, want) in got.iter().zip(&want) {
                let at = format!("seed {seed}, schedule {schedule}");
                assert_eq!(got.closed, want.closed, "{at}");
                assert!(got.messages == want.messages, "{at}: other messages");
                assert!(got.data == want.data, "{at}: other data frames");
            }
        }
    }
    compressed
}

#[test]
fn the_same_schedule_the_same_bytes() {
    for seed in 0..200 {
        let mut dice = Dice::seeded(seed);
        let script = if seed % 2 == 0 { Play::any(&mut dice) } else { Play::compressing(&mut dice) };
        let (once, _) = play(&script, seed);
        let (again, _) = play(&script, seed);
        for at in [0, 1] {
            assert!(once.sides[at].wire == again.sides[at].wire, "seed {seed}");
        }
    }
}
