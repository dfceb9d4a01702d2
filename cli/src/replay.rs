//! `wharf replay`.

use crate::args::{Cli, Command, Replay};
use crate::echo;
use crate::program::complain;
use clap::Parser;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use wharf::link::{Config, record, replay};

/// Runs recordings again. Exit code 0: all come out the same; 1: one does not; 2: one cannot be run again at all.
#[must_use]
pub fn run(args: &Replay) -> ExitCode {
    let mut worst = 0;
    for path in &args.files {
        worst = worst.max(match run_again(path) {
            Ok((told, is_same)) => {
                println!("{}: {told}", path.display());
                u8::from(!is_same)
            }
            Err(error) => {
                complain(format_args!("{}: {error}", path.display()));
                2
            }
        });
    }
    ExitCode::from(worst)
}

/// What came of it, in words, and whether it came out the same.
fn run_again(path: &Path) -> Result<(String, bool), String> {
    let recording = std::fs::read(path).map_err(|error| error.to_string())?;
    let note = record::note(&recording).map_err(|error| error.to_string())?;
    let config = config_of(note).ok_or("it was not recorded by wharf echo, or by another version of it")?;
    let replayed = replay(&recording, &Arc::new(config)).map_err(|error| error.to_string())?;
    let calls = replayed.calls;
    Ok(match replayed.difference {
        Some(difference) => (difference.to_string(), false),
        None => {
            let (received, written) = (replayed.received, replayed.written);
            let cut = if replayed.is_whole { "" } else { "; it was cut where it became too large" };
            (format!("the same in {calls} calls, {received} bytes in, {written} bytes out{cut}"), true)
        }
    })
}

/// The configuration that the flags in a note amount to.
fn config_of(note: &[u8]) -> Option<Config> {
    let flags = std::str::from_utf8(note).ok()?.split('\n');
    match Cli::try_parse_from(["wharf"].into_iter().chain(flags)).ok()?.command {
        Command::Echo(args) => echo::config(&args).ok(),
        _ => None,
    }
}

/// The flags that decide what a connection does, as the note of its recording.
pub(crate) fn note_of(args: &crate::args::Echo) -> Vec<u8> {
    let framing = clap::ValueEnum::to_possible_value(&args.framing);
    let framing = framing.map(|value| value.get_name().to_owned()).unwrap_or_default();
    let mut flags = vec![
        "echo".to_owned(),
        format!("--framing={framing}"),
        format!("--max-message={}", args.max_message),
        format!("--open-timeout={}", args.common.open_timeout.as_secs_f64()),
    ];
    flags.extend(args.idle.idle_timeout.map(|timeout| format!("--idle-timeout={}", timeout.as_secs_f64())));
    flags.extend(args.deflate.then(|| "--deflate".to_owned()));
    flags.join("\n").into_bytes()
}
