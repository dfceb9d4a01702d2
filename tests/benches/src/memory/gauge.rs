//! What a process weighs, told on request: each line on stdin is answered by one line of JSON on stdout.

use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};
use std::process;
use std::thread;
use wharf_cli::bench::resident;

/// What a process weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Bytes of the heap that are in use, as they were asked for.
    pub live: u64,
    /// Bytes of memory that are resident.
    pub rss: u64,
}

/// Answers from a thread of its own, for as long as there is a stdin; at its end it ends the process. `live` counts the bytes
/// of the heap.
///
/// # Errors
/// If there can be no thread.
pub fn answer(live: impl Fn() -> usize + Send + 'static) -> io::Result<()> {
    let answers = move || {
        let mut asked = String::new();
        while matches!(io::stdin().lock().read_line(&mut asked), Ok(1..)) {
            asked.clear();
            // Counted first, so that the answer does not count itself.
            let reading = Reading { live: live() as u64, rss: resident::of(process::id()).unwrap_or(0) };
            let Ok(line) = serde_json::to_string(&reading) else { break };
            if writeln!(io::stdout(), "{line}").is_err() {
                break;
            }
        }
        process::exit(0);
    };
    thread::Builder::new().name("gauge".to_owned()).spawn(answers).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_survives_its_line() {
        let reading = Reading { live: 1 << 40, rss: 4096 };
        let line = serde_json::to_string(&reading).unwrap();
        assert_eq!(line, r#"{"live":1099511627776,"rss":4096}"#);
        assert_eq!(serde_json::from_str::<Reading>(&line).unwrap(), reading);
    }
}
