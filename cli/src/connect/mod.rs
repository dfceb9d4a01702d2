//! `wharf connect`: a client for people and scripts.

mod aim;
mod gate;
mod input;
mod outcome;
mod print;
mod retrying;
mod service;

use crate::args::Connect;
use crate::program::complain;
use crate::runner::{self, Control};
use crate::{logging, signals};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

pub use aim::{Aim, AimError};
pub use gate::Gate;
pub use outcome::{Outcome, Place};
pub use print::line_of;
pub use retrying::RetryingService;
pub use service::{ClientService, Said};

/// Runs the client: 0 closed with 1000 by either side, 1 anything else, 2 bad use.
#[must_use]
pub fn run(args: &Connect) -> ExitCode {
    logging::start(args.log);
    let aim = match Aim::new(args) {
        Ok(aim) => aim,
        Err(e) => {
            complain(&e);
            return ExitCode::from(e.exit_code());
        }
    };
    let complaint = match connect(args, &aim) {
        Ok(outcome) => outcome.complaint(&Place::from(&aim)),
        Err(e) => Some(e.to_string()),
    };
    match complaint {
        None => ExitCode::SUCCESS,
        Some(complaint) => {
            complain(complaint);
            ExitCode::from(1)
        }
    }
}

fn connect(args: &Connect, aim: &Aim) -> Result<Outcome, runner::RunError> {
    let (control, controls) = async_channel::bounded(16);
    let gate = Arc::new(Gate::default());
    let print = |line: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush())
    };
    let interrupted = control.clone();
    signals::on_termination(move || drop(interrupted.try_send(Control::Command(Said::End { now: true }))))?;
    // Room for both, and nobody else has the sender yet.
    let _ = control.try_send(Control::Command(Said::Start));
    let texts = args.send.clone();
    let reads_stdin = texts.is_empty() || std::io::stdin().is_terminal();
    let (own, held) = (control.clone(), gate.clone());
    let feed = move || drop(std::thread::spawn(move || input::feed(texts, reads_stdin, &control, &gate)));
    let result = if args.retry {
        let service = RetryingService::new(aim, Box::new(print), own, held, args.wait);
        let service = service.map_err(runner::RunError::Entropy)?;
        let result = service.outcome();
        feed();
        runner::run(args.runtime, &[], service, &aim.config, &controls)?;
        result
    } else {
        let service = ClientService::new(aim, Box::new(print), own, held, args.wait);
        let result = service.outcome();
        feed();
        runner::run(args.runtime, &[], service, &aim.config, &controls)?;
        result
    };
    let outcome = result.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    Ok(outcome.unwrap_or(Outcome::Interrupted))
}
