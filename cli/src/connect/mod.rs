//! `wharf connect`: a client for people and scripts, and the other side of one.

mod aim;
pub mod args;
mod command;
mod form;
mod front;
mod gate;
mod input;
mod json;
mod outcome;
mod pings;
mod print;
mod retrying;
mod service;
mod surface;
#[cfg(unix)]
mod terminal;

use crate::program::complain;
use crate::runner::{self, Control, RunError};
use crate::{logging, signals};
use args::Connect;
use async_channel::Sender;
use input::{Feed, Lines};
use std::io::{IsTerminal, stdin, stdout};
use std::process::ExitCode;
use std::slice;
use std::sync::{Arc, PoisonError};
use surface::Remarks;
use wharf::base::Message;
use wharf::link::Address;

pub use aim::{Aim, AimError, Side};
pub use form::{FormError, InputForm, OutputForm, When};
pub use front::{Front, Said};
pub use gate::Gate;
pub use json::set_out;
pub use outcome::{Outcome, Place};
pub use pings::Pings;
pub use print::{Printer, Style};
pub use retrying::RetryingService;
pub use service::ClientService;
pub use surface::{Streams, Surface};

/// Runs the client. Its `--help` has the exit codes.
#[must_use]
pub fn run(args: &Connect) -> ExitCode {
    let end = |code: u8, complaint: String| {
        complain(complaint);
        ExitCode::from(code)
    };
    // Scripts know 0, 1 and 2.
    let told = |code: u8| if args.exit_codes || code <= 2 { code } else { 1 };
    let aim = match Aim::new(args) {
        Ok(aim) => aim,
        Err(error) => return end(told(error.exit_code()), error.to_string()),
    };
    let messages = match input::messages_of(args) {
        Ok(messages) => messages,
        Err(error) => return end(2, error),
    };
    let desk = Desk::open(args);
    logging::start_on(args.log, Remarks(desk.surface.clone()));
    let ended = talk(args, &aim, messages, &desk);
    // So that what is said then stands on a row of its own.
    drop(desk);
    match ended {
        Ok(outcome) => match outcome.complaint(&Place::from(&aim)) {
            None => ExitCode::SUCCESS,
            Some(complaint) => end(told(outcome.exit_code()), complaint),
        },
        Err(error) => end(if error.is_use() { 2 } else { 1 }, error.to_string()),
    }
}

/// Where lines come from and messages go.
struct Desk {
    surface: Arc<dyn Surface>,
    #[cfg(unix)]
    terminal: Option<Arc<terminal::Terminal>>,
}

impl Desk {
    #[cfg(unix)]
    fn open(args: &Connect) -> Self {
        let has_input = args.send.is_empty() && args.send_file.is_empty() || stdin().is_terminal();
        let is_edited = has_input && args.input != InputForm::Whole;
        let terminal = if is_edited { terminal::Terminal::open(!args.no_history) } else { None };
        let terminal = terminal.map(Arc::new);
        let surface: Arc<dyn Surface> = match &terminal {
            Some(terminal) => terminal.clone(),
            None => Arc::new(Streams),
        };
        Self { surface, terminal }
    }

    /// A console of Windows edits its lines itself.
    #[cfg(not(unix))]
    fn open(_: &Connect) -> Self {
        Self { surface: Arc::new(Streams) }
    }

    /// Somebody edits lines here, which go out of `lines`.
    #[cfg(unix)]
    fn edited(&self, control: &Sender<Control<Said>>) -> Option<Lines> {
        /// Lines that wait because the server does not read; a person who types more is told so.
        const WAITING: usize = 64;
        let terminal = self.terminal.clone()?;
        let (enter, entered) = async_channel::bounded(WAITING);
        let control = control.clone();
        std::thread::spawn(move || {
            let surface = terminal.clone();
            terminal.read(move |did| match did {
                terminal::Did::Line(line) => {
                    if let Err(async_channel::TrySendError::Full(_)) = enter.try_send(line) {
                        surface.remark("not sent: the other side does not read, and enough waits for it");
                    }
                }
                terminal::Did::Stop => drop(control.try_send(Control::Command(Said::End { now: true }))),
                // What was entered is still sent.
                terminal::Did::End => {
                    enter.close();
                }
            });
        });
        Some(Lines::Edited(entered))
    }

    #[cfg(not(unix))]
    fn edited(&self, _: &Sender<Control<Said>>) -> Option<Lines> {
        None
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(terminal) = &self.terminal {
            terminal.restore();
        }
    }
}

fn talk(
    args: &Connect,
    aim: &Aim,
    messages: Vec<Message<'static>>,
    desk: &Desk,
) -> Result<Outcome, RunError> {
    let (control, controls) = async_channel::bounded(16);
    let gate = Arc::new(Gate::default());
    let interrupted = control.clone();
    signals::on_termination(move || drop(interrupted.try_send(Control::Command(Said::End { now: true }))))?;
    // Room for both, and nobody else has the sender yet.
    let _ = control.try_send(Control::Command(Said::Start));
    let is_terminal = stdin().is_terminal();
    let edited = desk.edited(&control);
    let style = Style::new(args.output, args.json, aim.framing.is_websocket(), stdout().is_terminal());
    let printer = Printer::new(style, desk.surface.clone());
    let front = Front {
        framing: aim.framing,
        printer: printer.clone(),
        control: control.clone(),
        gate: gate.clone(),
        wait: args.wait,
        pings: Pings::new(args.ping),
        is_interactive: edited.is_some(),
        outcome: Arc::default(),
    };
    let lines = edited.unwrap_or(if messages.is_empty() || is_terminal { Lines::Stdin } else { Lines::None });
    let has_commands = is_terminal && !args.no_commands;
    let feed = Feed {
        messages,
        lines,
        form: args.input,
        has_commands,
        limit: args.max_message,
        printer,
        control,
        gate,
    };
    let outcome = front.outcome.clone();
    let start = move || drop(std::thread::spawn(move || feed.run()));
    match &aim.side {
        Side::Dial(target) if args.retry => {
            let service = RetryingService::new(target.clone(), front).map_err(RunError::Entropy)?;
            start();
            runner::run(args.runtime, &[], service, &aim.config, &controls)?;
        }
        Side::Dial(target) => {
            start();
            let service = ClientService::new(Some(target.clone()), front);
            runner::run(args.runtime, &[], service, &aim.config, &controls)?;
        }
        Side::Listen(listen) => {
            start();
            let surface = desk.surface.clone();
            let tell = move |address: &Address| surface.remark(&format!("listening on {address}"));
            let service = ClientService::new(None, front);
            runner::run_telling(
                args.runtime,
                slice::from_ref(listen),
                service,
                &aim.config,
                &controls,
                tell,
            )?;
        }
    }
    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(outcome.unwrap_or(Outcome::Interrupted))
}
