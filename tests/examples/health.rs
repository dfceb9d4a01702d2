//! A health checker within a program, on any runtime: the endpoints of `health.toml`, and those that a line of the standard input
//! adds (`ID=URL`), removes (`-ID`) or asks to be checked now (`ID`). The end of the input ends it.
//!
//! `cargo run -p wharf-tests --example health -- --runtime mio`, then `curl localhost:8090/health` or the page at
//! <http://localhost:8090/>.

use async_channel::{Receiver, bounded};
use clap::Parser;
use std::sync::Arc;
use wharf::link::Address;
use wharf::service::health::{Flip, HealthCommand, HealthService};
use wharf_cli::health::Settings;
use wharf_cli::runner::{self, Control, RunError, RuntimeKind};

/// What the program is told.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The runtime that drives the sockets.
    #[arg(long, value_enum, default_value = "tokio")]
    pub(crate) runtime: RuntimeKind,
    /// Where to listen; port 0 picks a port. The default is that of the file.
    #[arg(long)]
    pub(crate) listen: Option<Address>,
}

/// Serves until it is told to drain; tells `listening` the real address, and `flipped` each state that flips.
pub(crate) fn serve(
    args: &Args,
    controls: &Receiver<Control<HealthCommand>>,
    listening: impl Fn(&Address),
    flipped: impl FnMut(&Flip) + Send + 'static,
) -> Result<(), RunError> {
    let settings = Settings::from_toml(include_str!("health.toml"))?;
    let health = settings.health().expect("the file names each once");
    let service = HealthService::new(health).on_flip(flipped);
    let listen = [args.listen.clone().unwrap_or(settings.listen).into()];
    let config = Arc::new(HealthService::config());
    runner::run_telling(args.runtime, &listen, service, &config, controls, listening)
}

/// What a line asks for.
pub(crate) fn command(line: &str) -> HealthCommand {
    match (line.parse(), line.strip_prefix('-')) {
        (Ok(endpoint), _) => HealthCommand::Add(vec![endpoint]),
        (Err(_), Some(id)) => HealthCommand::Remove(id.to_owned()),
        (Err(_), None) => HealthCommand::CheckNow(line.to_owned()),
    }
}

fn main() -> Result<(), RunError> {
    let args = Args::parse();
    let (control, controls) = bounded(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if control.send_blocking(Control::Command(command(&line))).is_err() {
                return;
            }
        }
        // Else the server has ended by itself.
        let _ = control.send_blocking(Control::Drain);
    });
    let flipped =
        |flip: &Flip| println!("{} is {}", flip.endpoint.id(), if flip.is_healthy { "up" } else { "down" });
    serve(&args, &controls, |address| println!("listening on {address}"), flipped)
}
