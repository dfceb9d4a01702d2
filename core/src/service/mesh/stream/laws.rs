//! Whatever comes when, it is told as a naive receiver would tell it.

use super::*;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Move {
    /// One of those after the first that was not sent yet.
    Comes(u64),
    Says(u64),
    Passes(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let any = prop_oneof![
        6 => (1..40_u64).prop_map(Move::Comes),
        1 => (0..40_u64).prop_map(Move::Says),
        2 => (0..80_u64).prop_map(Move::Passes),
    ];
    prop::collection::vec(any, 1..80)
}

proptest! {
    #[test]
    fn all_from_the_first_is_told_once_in_order(moves in moves(), max_early in 1..6_usize, room in 0..40_usize) {
        let mut config = Config::default();
        (config.max_early, config.lost_after) = (max_early, Duration::from_secs(60));
        let (mut stream, mut now) = (Stream::new(), Instant::ORIGIN);
        let mut all: Vec<Told> = Vec::new();
        // What must be settled by when.
        let mut due: Vec<(u64, Instant)> = vec![];
        let mut came = BTreeSet::new();
        for step in moves {
            let mut told = |what| all.push(what);
            match step {
                Move::Comes(sequence) => {
                    let payload = Bytes::from(vec![sequence as u8; 1 + sequence as usize % 7]);
                    let left = room.saturating_sub(stream.early().1);
                    let taken = stream.take(&config, now, (sequence, payload), left, &mut told);
                    if taken != Taken::Duplicate {
                        came.insert(sequence);
                        due.push((sequence, now + config.patience));
                    }
                }
                Move::Says(last) => {
                    // It said so within the last seconds.
                    prop_assert!(!stream.said(&config, now, last, &mut told));
                }
                Move::Passes(millis) => now += Duration::from_millis(millis),
            }
            stream.give_up(&config, now, &mut |what| all.push(what));
            let (early, bytes) = stream.early();
            prop_assert!(early <= max_early && bytes <= room && (early..=7 * early).contains(&bytes));
            prop_assert!(stream.deadline(&config).is_none_or(|at| at > now));
        }
        let mut next = None;
        for what in &all {
            let (first, last) = match what {
                Told::Deliver(sequence, payload) => {
                    prop_assert!(came.contains(sequence) && payload[0] == *sequence as u8);
                    (*sequence, *sequence)
                }
                Told::Gap(first, last) => (*first, *last),
            };
            prop_assert!(first <= last && next.is_none_or(|next| next == first), "{:?}", all);
            next = Some(last + 1);
        }
        for (sequence, at) in due {
            let is_settled = next.is_some_and(|next| sequence < next) || stream.position >= Some(sequence);
            prop_assert!(at > now || is_settled, "{} waits too long", sequence);
        }
    }
}
