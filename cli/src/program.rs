//! From the command line to a running subcommand.

use crate::args::{Cli, Command};
use crate::{bench, bus, chat, connect, echo, health, logging, manual, replay};
use clap::Parser;
use clap::error::ErrorKind;
use std::fmt::Display;
use std::process::ExitCode;

/// Runs the program. Bad use is one line on stderr and exit code 2.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) if e.use_stderr() => {
            complain(in_one_line(&e));
            return ExitCode::from(2);
        }
        Err(help) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
    };
    let outcome = match &cli.command {
        Command::Echo(args) => {
            logging::start(args.common.log);
            echo::run(args)
        }
        Command::Chat(args) => {
            logging::start(args.common.log);
            chat::run(args)
        }
        Command::Bus(args) => {
            logging::start(args.common.log);
            bus::run(args)
        }
        Command::Health(args) => {
            logging::start(args.common.log);
            health::run(args)
        }
        Command::Connect(args) => return connect::run(args),
        Command::Replay(args) => return replay::run(args),
        Command::Bench(args) => return bench::run(args),
        Command::Completions(args) => return manual::complete(args),
        Command::Man(args) => return manual::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let code = if e.is_use() { 2 } else { 1 };
            complain(e);
            ExitCode::from(code)
        }
    }
}

/// One line on stderr. Control characters, which a server or a file's name may hold, are replaced.
pub(crate) fn complain(what: impl Display) {
    let line: String = what
        .to_string()
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    eprintln!("wharf: {line}");
}

/// What is wrong with the command line, without the usage below it.
fn in_one_line(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a subcommand is missing; see wharf --help".to_owned();
    }
    let text = error.render().to_string();
    let said = text.trim_start_matches("error: ").lines().take_while(|line| !line.is_empty());
    said.map(str::trim).collect::<Vec<_>>().join(" ")
}
