//! `wharf connect`: a client for people and scripts.

mod gate;
mod input;
mod outcome;
mod service;

use crate::args::Connect;
use crate::runner::{self, Control};
use crate::{logging, signals};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use wharf::link::Config;
use wharf::ws;
use wharf::ws::handshake::{ClientRequest, RequestError};

pub use gate::Gate;
pub use outcome::Outcome;
pub use service::{ClientService, Said};

/// Runs the client: 0 closed with 1000 by either side, 1 anything else, 2 bad use.
#[must_use]
pub fn run(args: &Connect) -> ExitCode {
    logging::start(args.log);
    let request = match request(args) {
        Ok(request) if request.url().is_secure() => {
            eprintln!("wharf: TLS is not built in, so wss:// cannot be connected to; use ws://");
            return ExitCode::from(2);
        }
        Ok(request) => request,
        Err(e) => {
            eprintln!("wharf: {e}");
            return ExitCode::from(2);
        }
    };
    let outcome = match connect(args, request) {
        Ok(outcome) => outcome,
        Err(e) => {
            eprintln!("wharf: {e}");
            return ExitCode::from(1);
        }
    };
    match outcome.complaint(&args.url) {
        None => ExitCode::SUCCESS,
        Some(complaint) => {
            eprintln!("wharf: {complaint}");
            ExitCode::from(1)
        }
    }
}

fn connect(args: &Connect, request: ClientRequest) -> Result<Outcome, runner::RunError> {
    let (control, controls) = async_channel::bounded(16);
    let gate = Arc::new(Gate::default());
    let print = |line: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush())
    };
    let service = ClientService::new(request, Box::new(print), control.clone(), gate.clone(), args.wait);
    let result = service.outcome();
    let interrupted = control.clone();
    signals::on_termination(move || drop(interrupted.try_send(Control::Command(Said::End { now: true }))))?;
    // Room for both, and nobody else has the sender yet.
    let _ = control.try_send(Control::Command(Said::Start));
    let texts = args.send.clone();
    let reads_stdin = texts.is_empty() || std::io::stdin().is_terminal();
    std::thread::spawn(move || input::feed(texts, reads_stdin, &control, &gate));
    let mut config = Config::client();
    config.open_timeout = args.open_timeout;
    let mut ws = ws::Config::client();
    ws.deflate = args.deflate.then(Default::default);
    config.dialed = Arc::new(ws);
    runner::run(args.runtime, &[], service, &Arc::new(config), &controls)?;
    let outcome = result.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    Ok(outcome.unwrap_or(Outcome::Interrupted))
}

fn request(args: &Connect) -> Result<ClientRequest, RequestError> {
    let mut request = ClientRequest::with_basic_auth(&args.url)?;
    for subprotocol in &args.subprotocol {
        request = request.subprotocol(subprotocol)?;
    }
    for header in &args.header {
        let (name, value) = header.split_once(':').ok_or_else(|| RequestError::Header(header.clone()))?;
        request = request.header(name.trim(), value.trim())?;
    }
    Ok(request)
}
