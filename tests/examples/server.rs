//! A server on any runtime, from one source: a limit on connections, a handler that fails, a drain.
//!
//! `cargo run --example server -- --runtime mio --listen 127.0.0.1:9001`

use clap::Parser;
use std::sync::Arc;
use wharf::base::{Closed, Message};
use wharf::link::{Address, Config, ConnId, Context, Service};
use wharf_cli::runner::{self, Control, RunError, RuntimeKind};

/// What the program is told.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The runtime that drives the sockets.
    #[arg(long, value_enum, default_value = "tokio")]
    pub(crate) runtime: RuntimeKind,
    /// Where to listen; port 0 picks a port.
    #[arg(long, default_value = "127.0.0.1:9001")]
    pub(crate) listen: Address,
}

/// Greets, repeats, and fails when it is told to.
#[derive(Default)]
pub(crate) struct Parrot {
    here: usize,
}

impl Service for Parrot {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.here += 1;
        let _ = cx.send(conn, Message::text(format!("{} here", self.here)));
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        // A handler that panics ends its own connection, with 1011, and no other.
        assert_ne!(message.as_text(), Some("fail"), "as it was told to");
        let _ = cx.send(conn, message);
    }

    fn closed(&mut self, _: &mut Context<'_>, _: ConnId, _: &Closed) {
        // Whatever ended it, this is called once.
        self.here -= 1;
    }
}

/// At most so many at once; whoever comes then is told 503.
pub(crate) const MOST: usize = 3;

/// Serves until it is told to drain; tells `listening` the real address.
pub(crate) fn serve(
    args: &Args,
    controls: &async_channel::Receiver<Control<()>>,
    listening: impl Fn(&Address),
) -> Result<(), RunError> {
    let mut config = Config::default();
    config.max_connections = MOST;
    let listen = [args.listen.clone().into()];
    runner::run_telling(args.runtime, &listen, Parrot::default(), &Arc::new(config), controls, listening)
}

fn main() -> Result<(), RunError> {
    let args = Args::parse();
    let (control, controls) = async_channel::bounded(1);
    std::thread::spawn(move || {
        // The end of the input ends the server: 1001 to all, and a bounded wait.
        let _ = std::io::stdin().read_line(&mut String::new());
        let _ = control.send_blocking(Control::Drain);
    });
    serve(&args, &controls, |address| println!("listening on {address}; a line on stdin ends it"))
}
