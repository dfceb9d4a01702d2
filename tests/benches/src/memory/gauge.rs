//! What a process weighs, told on request: each line on stdin is answered by one line of JSON on stdout.

use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, BufRead, Write};
use std::process;
use std::thread;

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
            let reading = Reading { live: live() as u64, rss: resident(process::id()).unwrap_or(0) };
            let Ok(line) = serde_json::to_string(&reading) else { break };
            if writeln!(io::stdout(), "{line}").is_err() {
                break;
            }
        }
        process::exit(0);
    };
    thread::Builder::new().name("gauge".to_owned()).spawn(answers).map(drop)
}

/// Bytes of a process that are resident.
///
/// # Errors
/// If `/proc` does not tell.
pub fn resident(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    let kib: Option<u64> = resident.and_then(|kib| kib.parse().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| io::Error::other("no VmRSS in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_resident() {
        assert!(resident(process::id()).unwrap() > 100 << 10);
        assert!(resident(u32::MAX).is_err());
    }

    #[test]
    fn a_reading_survives_its_line() {
        let reading = Reading { live: 1 << 40, rss: 4096 };
        let line = serde_json::to_string(&reading).unwrap();
        assert_eq!(line, r#"{"live":1099511627776,"rss":4096}"#);
        assert_eq!(serde_json::from_str::<Reading>(&line).unwrap(), reading);
    }
}
