//! What an idle connection weighs, with few connections: the bars hold for any number.
#![forbid(unsafe_code)]

use std::path::Path;
use wharf_benches::memory::measure::{Candidate, measure};

/// With both ends' files below the usual limit of 1,024.
const CONNECTIONS: usize = 500;

#[test]
fn an_idle_connection_keeps_to_the_bars() {
    let program = Path::new(env!("CARGO_BIN_EXE_memory-server"));
    let with_bars = Candidate::all().into_iter().filter_map(|candidate| Some((candidate.bars?, candidate)));
    let mut measured = 0;
    for (bars, candidate) in with_bars {
        let cost = measure(program, &candidate, CONNECTIONS).unwrap();
        assert!(cost.keeps_to(bars), "{}: {cost:?}", candidate.name);
        // A server that keeps nothing for a connection is none.
        assert!(cost.idle > 50.0, "{}: {cost:?}", candidate.name);
        measured += 1;
    }
    assert_eq!(measured, 3);
}
