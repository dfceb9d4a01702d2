//! A service that dials, on any of the runtimes, for one dial.

use crate::adapter::PATIENCE;
use async_channel::Sender;
use std::sync::{Arc, mpsc};
use wharf::base::{CloseCode, Message};
use wharf::link::{Config, ConnId, Context, DialError, DialId, Service, Target};
use wharf_cli::runner::{Control, RuntimeKind, run_telling};

struct Dialer {
    target: Target,
    say: Message<'static>,
    tell: mpsc::Sender<Result<Message<'static>, DialError>>,
    control: Sender<Control<()>>,
}

impl Dialer {
    fn end(&mut self, outcome: Result<Message<'static>, DialError>) {
        let _ = self.tell.send(outcome);
        self.control.close();
    }
}

impl Service for Dialer {
    type Job = ();
    type Done = ();
    type Command = ();

    fn command(&mut self, cx: &mut Context<'_>, (): ()) {
        if let Err(error) = cx.dial(self.target.clone()) {
            self.end(Err(error));
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        cx.send(conn, self.say.clone()).expect("it is open");
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let heard = message.into_owned();
        let _ = cx.close(conn, CloseCode::NORMAL, "");
        self.end(Ok(heard));
    }

    fn dial_failed(&mut self, _: &mut Context<'_>, _: DialId, error: &DialError) {
        self.end(Err(error.clone()));
    }
}

/// Has a service dial `target` and say something there; what is answered.
///
/// # Errors
/// As the service is told of it.
///
/// # Panics
/// Neither comes.
pub fn dial(
    runtime: RuntimeKind,
    target: Target,
    say: Message<'static>,
    config: &Config,
) -> Result<Message<'static>, DialError> {
    let (control, controls) = async_channel::bounded(4);
    let (tell, told) = mpsc::channel();
    let _ = control.try_send(Control::Command(()));
    let service = Dialer { target, say, tell, control };
    let mut config = config.clone();
    // What is said of clients is meant for what it dials.
    (config.dialed, config.dialed_framed) = (config.ws.clone(), config.framed.clone());
    std::thread::spawn(move || {
        let ran = run_telling(runtime, &[], service, &Arc::new(config), &controls, |_| {});
        ran.expect("it starts");
    });
    told.recv_timeout(PATIENCE).expect("an outcome")
}
