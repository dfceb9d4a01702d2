//! A client as suites want it, as a service: the same on every runtime.

use async_channel::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use wharf::base::{CloseCode, Closed, Message};
use wharf::link::{Address, Config, ConnId, Context, DialError, DialId, Service, Target};
use wharf::tls::ClientConfig;
use wharf_cli::runner::{self, Control, RuntimeKind};

/// What to do with a connection.
#[derive(Clone, Debug)]
pub enum Work {
    /// Send one text, take one message, close.
    SendOne(String),
    /// Take messages until the server closes.
    Collect,
    /// Send each message back until the server closes.
    Echo,
}

/// The lines that came, or what went wrong.
type Outcome = Arc<Mutex<Option<Result<Vec<String>, String>>>>;

struct RigClient {
    target: Target,
    work: Work,
    lines: Vec<String>,
    outcome: Outcome,
    control: Sender<Control<()>>,
}

impl RigClient {
    fn end(&mut self, outcome: Result<Vec<String>, String>) {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
        self.control.close();
    }
}

impl Service for RigClient {
    type Job = ();
    type Done = ();
    type Command = ();

    fn command(&mut self, cx: &mut Context<'_>, (): ()) {
        if let Err(e) = cx.dial(self.target.clone()) {
            self.end(Err(e.to_string()));
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if let Work::SendOne(text) = &self.work {
            let _ = cx.send(conn, Message::text(text.as_str()));
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if let Work::Echo = self.work {
            let _ = cx.send(conn, message);
            return;
        }
        self.lines.push(String::from_utf8_lossy(message.payload()).into_owned());
        if let Work::SendOne(_) = self.work {
            let _ = cx.close(conn, CloseCode::NORMAL, "");
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, _: ConnId, closed: &Closed) {
        let lines = std::mem::take(&mut self.lines);
        // A suite's server ends its cases as it likes; only for one message is the end part of the work.
        let fine = !matches!(self.work, Work::SendOne(_)) || closed.is_clean();
        self.end(if fine { Ok(lines) } else { Err(closed.to_string()) });
    }

    fn dial_failed(&mut self, _: &mut Context<'_>, _: DialId, error: &DialError) {
        self.end(Err(error.to_string()));
    }
}

/// How a suite wants its client.
///
/// ```no_run
/// use wharf_cli::runner::RuntimeKind;
/// use wharf_tests::rig::{Manner, Work};
///
/// let manner = Manner::of(RuntimeKind::Mio);
/// let lines = manner.run("ws://127.0.0.1:9001/", Work::SendOne("ahoy".into())).unwrap();
/// assert_eq!(lines, ["ahoy"]);
/// ```
#[derive(Clone, Debug)]
pub struct Manner {
    /// The runtime.
    pub runtime: RuntimeKind,
    /// Where to connect, if that is not the URL's host.
    pub address: Option<Address>,
    /// Offer permessage-deflate.
    pub deflate: bool,
    /// Whom to trust; `None` is the operating system's roots.
    pub tls: Option<ClientConfig>,
}

impl Manner {
    /// A plain client.
    #[must_use]
    pub fn of(runtime: RuntimeKind) -> Self {
        Self { runtime, address: None, deflate: false, tls: None }
    }

    /// Connects, works, and returns the messages that came.
    ///
    /// # Errors
    /// What went wrong, as text.
    pub fn run(&self, url: &str, work: Work) -> Result<Vec<String>, String> {
        let mut target = Target::try_from(url).map_err(|e| e.to_string())?;
        if let Some(address) = &self.address {
            target = target.at(address.clone());
        }
        let (control, controls) = async_channel::bounded(4);
        let outcome = Arc::new(Mutex::new(None));
        let _ = control.try_send(Control::Command(()));
        let service = RigClient { target, work, lines: Vec::new(), outcome: outcome.clone(), control };
        let mut ws = wharf::ws::Config::client();
        ws.max_message = 64 << 20;
        ws.max_frame = 64 << 20;
        ws.queue_limit = 80 << 20;
        ws.deflate = self.deflate.then(Default::default);
        let mut config = Config::client();
        config.dialed = Arc::new(ws);
        config.client_tls = self.tls.clone();
        runner::run(self.runtime, &[], service, &Arc::new(config), &controls).map_err(|e| e.to_string())?;
        let result = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        result.unwrap_or_else(|| Err("ended without an outcome".to_owned()))
    }

    /// Autobahn's client protocol: the count of cases, each case echoed, the reports.
    ///
    /// # Errors
    /// What went wrong, as text.
    pub fn run_cases(&self, server: &str, agent: &str) -> Result<(), String> {
        let server = server.trim_end_matches('/');
        let count = self.run(&format!("{server}/getCaseCount"), Work::Collect)?;
        let count: u32 = count.first().and_then(|c| c.parse().ok()).ok_or("the server told no case count")?;
        for case in 1..=count {
            self.run(&format!("{server}/runCase?case={case}&agent={agent}"), Work::Echo)?;
        }
        self.run(&format!("{server}/updateReports?agent={agent}"), Work::Echo)?;
        Ok(())
    }
}

/// As [`Manner::run`], without TLS.
///
/// # Errors
/// What went wrong, as text.
pub fn run(
    runtime: RuntimeKind,
    address: Option<Address>,
    url: &str,
    deflate: bool,
    work: Work,
) -> Result<Vec<String>, String> {
    Manner { address, deflate, ..Manner::of(runtime) }.run(url, work)
}
