//! What an application writes, once, for every runtime.

use super::{ConnId, Context, DialError, DialId, JobToken};
use crate::base::{Chunk, CloseCode, Closed, Instant, Message};
use crate::http::{Request, Response};
use crate::ws::handshake::Acceptance;
use core::time::Duration;

/// How a request is answered.
///
/// ```
/// use wharf::base::{Entropy, Instant, Wall};
/// use wharf::http::{Request, Response};
/// use wharf::link::{Address, Config, ConnId, Context, Hub, Service, Verdict};
///
/// struct Site;
/// impl Service for Site {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
///         match request.path() {
///             "/ws" => Verdict::accept(),
///             "/" => Verdict::Respond(Response::new(200).text("come in by /ws")),
///             _ => Verdict::Respond(Response::plain(404)),
///         }
///     }
/// }
///
/// let now = Instant::ORIGIN;
/// let mut hub = Hub::new(now, Wall::default(), Site, &Config::default().into(), Entropy::from_seed([0; 32]));
/// let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
/// hub.receive(now, conn, &mut b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".clone());
/// let mut slices = [&[][..]; 4];
/// assert!(hub.slices(conn, &mut slices) > 0 && slices[0].starts_with(b"HTTP/1.1 200"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Become a WebSocket. For a request that did not ask for one it is a 426.
    Accept(Acceptance),
    /// Answer, whatever was asked for.
    Respond(Response),
    /// The answer comes later, by [`Context::accept`] or [`Context::respond`]; past the answer deadline it is a 500.
    Later,
}

impl Verdict {
    /// Accept without further words.
    #[must_use]
    pub fn accept() -> Self {
        Self::Accept(Acceptance::default())
    }
}

/// Why a connection of framed messages is not to be opened ([`Service::admit`]).
///
/// ```
/// use wharf::base::CloseCode;
///
/// assert_eq!(wharf::link::Rejection::default().code, CloseCode::POLICY_VIOLATION);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rejection {
    /// The code of the connection's report; nothing of it is sent, since framings have no Close frame. Default 1008.
    pub code: CloseCode,
}

impl Default for Rejection {
    fn default() -> Self {
        Self { code: CloseCode::POLICY_VIOLATION }
    }
}

impl From<CloseCode> for Rejection {
    fn from(code: CloseCode) -> Self {
        Self { code }
    }
}

/// An application: a pure machine over many connections. Each call gets a [`Context`] to act with. Calls never
/// nest: what a service does to another connection is told in a later call.
///
/// A connection's calls are `request` for each of its requests, or `admit` if it speaks framed messages; then, once it is open,
/// `opened`, any number of `message`, `chunk`, `pong`, `drained` and `written`, and `closed` exactly once. Connections that only spoke
/// HTTP, those that were not admitted, and dials that failed are not told by `closed`.
///
/// ```
/// use wharf::base::Message;
/// use wharf::link::{ConnId, Context, Service};
///
/// struct Echo;
///
/// impl Service for Echo {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
///         let _ = cx.send(conn, message);
///     }
/// }
/// # // What framed connections are told by.
/// # use wharf::base::{Closed, End, Entropy, Instant, Wall};
/// # use wharf::link::{Address, Config, Framing, Hub, Rejection};
/// # #[derive(Default)]
/// # struct Told(Vec<&'static str>);
/// # impl Service for Told {
/// #     type Job = ();
/// #     type Done = ();
/// #     type Command = ();
/// #     fn admit(&mut self, _: &mut Context<'_>, _: ConnId) -> Result<(), Rejection> {
/// #         self.0.push("admit");
/// #         if self.0.len() == 1 { Ok(()) } else { Err(Rejection::default()) }
/// #     }
/// #     fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
/// #         self.0.push("opened");
/// #         cx.tell_written(conn);
/// #         let _ = cx.send(conn, Message::text("ahoy"));
/// #     }
/// #     fn written(&mut self, _: &mut Context<'_>, _: ConnId) {
/// #         self.0.push("written");
/// #     }
/// #     fn closed(&mut self, _: &mut Context<'_>, _: ConnId, _: &Closed) {
/// #         self.0.push("closed");
/// #     }
/// # }
/// # let (now, mut config) = (Instant::ORIGIN, Config::default());
/// # config.framing = Framing::codec(wharf::framed::Lines::new());
/// # let mut hub = Hub::new(now, Wall::default(), Told::default(), &config.into(), Entropy::from_seed([7; 32]));
/// # for _ in 0..2 {
/// #     let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
/// #     hub.receive(now, conn, &mut []);
/// #     hub.handle_written(now, conn, 5);
/// #     hub.receive_end(now, conn, End::Eof);
/// # }
/// # assert_eq!(hub.service().0, ["admit", "opened", "written", "closed", "admit"]);
/// ```
#[allow(unused_variables)]
pub trait Service: Sized {
    /// What leaves for the outside: a query, a file to store, a lookup.
    type Job;
    /// What comes back for it.
    type Done;
    /// What the program pushes in.
    type Command;

    /// A request came. By default a WebSocket is accepted and all else is a 404.
    fn request(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, request: &Request) -> Verdict {
        if request.is_websocket() { Verdict::accept() } else { Verdict::Respond(Response::plain(404)) }
    }

    /// A connection of framed messages was accepted and is about to open: they have no request that could be refused. One
    /// that is not admitted is ended, and neither `opened` nor anything else is called for it.
    ///
    /// # Errors
    /// It is not admitted, and why.
    fn admit(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId) -> Result<(), Rejection> {
        Ok(())
    }

    /// A connection is open, accepted or dialed: a WebSocket, or one of framed messages.
    fn opened(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId) {}

    /// A message came. It borrows the read buffer, so it can be sent on while it is held.
    fn message(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, message: Message<'_>) {}

    /// A piece of a message came, in streaming mode.
    fn chunk(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, chunk: Chunk<'_>) {}

    /// The newest ping was answered, after `rtt`: one of [`Context::ping`], or one that an idle connection sends by itself.
    fn pong(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, rtt: Duration) {}

    /// The output has fallen to the low mark after it was congested.
    fn drained(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId) {}

    /// The transport took some of the output, as [`Context::tell_written`] asked to be told.
    fn written(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId) {}

    /// A connection that was open ended; its id means nothing from here on.
    fn closed(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, closed: &Closed) {}

    /// A dial came to nothing; one that succeeds is told by `opened` ([`Info::dial`](super::Info::dial)).
    fn dial_failed(&mut self, cx: &mut Context<'_, Self::Job>, dial: DialId, error: &DialError) {}

    /// A job's outcome: exactly once a job, failures too, but for one that is [`job_lost`](Self::job_lost).
    fn done(&mut self, cx: &mut Context<'_, Self::Job>, job: JobToken, outcome: Self::Done) {}

    /// A job came to nothing, and there is no outcome to tell: whoever carried it out panicked, or there is nobody who does. It
    /// is told in place of `done`, once.
    fn job_lost(&mut self, cx: &mut Context<'_, Self::Job>, job: JobToken) {}

    /// The program pushed something in.
    fn command(&mut self, cx: &mut Context<'_, Self::Job>, command: Self::Command) {}

    /// When `timeout` is to be called.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The time that `poll_timeout` named has come.
    fn timeout(&mut self, cx: &mut Context<'_, Self::Job>) {}
}
