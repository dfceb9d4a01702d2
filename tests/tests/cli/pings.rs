//! `wharf connect --ping`: how far away the other side is.

use super::{RUNTIMES, connect, paths};
use wharf_tests::program::Ended;

#[test]
fn round_trips_are_told_as_they_come_and_at_the_end() {
    let (_serving, url) = paths();
    for (runtime, more) in RUNTIMES.into_iter().flat_map(|r| [(r, None), (r, Some("--retry"))]) {
        let mut args = vec!["--ping", "0.01", "--log", "error"];
        args.extend(more);
        let mut client = connect(runtime, &url, &args);
        client.say("ahoy\n");
        assert_eq!(client.line(), "ahoy");
        for _ in 0..3 {
            let told = client.complaint();
            let millis = told.strip_prefix("ping ").and_then(|rest| rest.strip_suffix(" ms"));
            assert!(millis.is_some_and(|millis| millis.parse::<f64>().unwrap() > 0.0), "{told}");
        }
        let Ended { code, out, err } = client.wait();
        let summary = err.last().unwrap();
        assert_eq!((code, out.len()), (Some(0), 0), "{err:?}");
        for word in [" pings answered: min ", " ms, avg ", " ms, p99 ", " ms, max "] {
            assert!(summary.contains(word), "{err:?}");
        }
        assert!(summary.split(' ').next().unwrap().parse::<u32>().unwrap() >= 3, "{err:?}");
    }
}
