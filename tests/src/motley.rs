//! A service that does to each what it asks for, behind real sockets of either family.

use crate::adapter::{PATIENCE, Peer, Serving};
use crate::folder::Folder;
use crate::wire::first;
use std::collections::BTreeSet;
use std::sync::mpsc;
use wharf::base::{CloseCode, Closed, Message};
use wharf::http::{Request, Response};
use wharf::link::{Address, Config, ConnId, Context, Service, Verdict};
use wharf::ws::handshake::Acceptance;
use wharf_cli::runner::{RunError, RuntimeKind};

/// Where a suite runs.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// The runtime.
    pub runtime: RuntimeKind,
    /// Over a Unix socket, and not over TCP.
    pub unix: bool,
}

/// Does to each what it asks for.
#[derive(Debug)]
pub struct Motley {
    tell: mpsc::Sender<News>,
    /// Requests that wait for [`Answer`], and whether they want a WebSocket.
    later: Vec<(ConnId, bool)>,
    /// Those for which the next `closed` panics.
    grudges: BTreeSet<ConnId>,
}

/// What the service tells of.
#[derive(Debug)]
pub enum News {
    /// A request waits for [`Answer`].
    Asked,
    /// A connection ended.
    Closed(Closed),
}

/// The command that answers all that wait.
#[derive(Clone, Copy, Debug)]
pub struct Answer;

impl Service for Motley {
    type Job = ();
    type Done = ();
    type Command = Answer;

    fn request(&mut self, _: &mut Context<'_>, conn: ConnId, request: &Request) -> Verdict {
        match request.path() {
            "/later" => {
                self.later.push((conn, request.is_websocket()));
                let _ = self.tell.send(News::Asked);
                Verdict::Later
            }
            "/panic" => panic!("as it was asked to in a request"),
            "/page" => Verdict::Respond(Response::new(200).body("ahoy")),
            "/" if request.is_websocket() => Verdict::accept(),
            _ => Verdict::Respond(Response::plain(404)),
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        match message.as_text() {
            Some("panic") => panic!("as it was asked to in a message"),
            Some("panic at the end") => drop(self.grudges.insert(conn)),
            Some("close") => drop(cx.close(conn, CloseCode::from(4001), "as asked")),
            _ => drop(cx.send(conn, message)),
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        let _ = self.tell.send(News::Closed(closed.clone()));
        assert!(!self.grudges.remove(&conn), "as it was asked to at the end");
    }

    fn command(&mut self, cx: &mut Context<'_>, Answer: Answer) {
        for (conn, websocket) in self.later.drain(..) {
            if websocket {
                cx.accept(conn, &Acceptance::default());
            } else {
                cx.respond(conn, &Response::new(200).body("at last")).unwrap();
            }
        }
    }
}

/// The service, running.
#[derive(Debug)]
pub struct Suite {
    /// The running service.
    pub serving: Serving<Answer>,
    /// What it tells of.
    pub news: mpsc::Receiver<News>,
    _folder: Option<Folder>,
}

impl Suite {
    /// Starts it with the defaults.
    #[must_use]
    pub fn start(ground: Ground) -> Self {
        Self::with(ground, Config::default())
    }

    /// Starts it.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn with(ground: Ground, config: Config) -> Self {
        let folder = ground.unix.then(Folder::new);
        let address = folder.as_ref().map_or(([127, 0, 0, 1], 0).into(), |folder| folder.socket("socket"));
        let (serving, news) = Self::serve(ground.runtime, vec![address], config).expect("it starts");
        Self { serving, news, _folder: folder }
    }

    /// The service behind any addresses.
    ///
    /// # Errors
    /// It does not start.
    pub fn serve(
        runtime: RuntimeKind,
        listen: Vec<Address>,
        config: Config,
    ) -> Result<(Serving<Answer>, mpsc::Receiver<News>), RunError> {
        let (tell, news) = mpsc::channel();
        let service = Motley { tell, later: Vec::new(), grudges: BTreeSet::new() };
        Ok((Serving::start_at(runtime, listen, service, config)?, news))
    }

    /// A peer with an open WebSocket.
    #[must_use]
    pub fn open(&self) -> Peer {
        Peer::open(&self.serving.address)
    }

    /// A peer that has said nothing.
    #[must_use]
    pub fn connect(&self) -> Peer {
        Peer::connect(&self.serving.address)
    }

    /// Where it is, for a client; by TCP the host of it is the place too.
    #[must_use]
    pub fn url(&self) -> String {
        let address = &self.serving.address;
        address.tcp().map_or("ws://localhost/".to_owned(), |address| format!("ws://{address}/"))
    }

    /// The next report of an end.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn closed(&self) -> Closed {
        match self.news.recv_timeout(PATIENCE) {
            Ok(News::Closed(closed)) => closed,
            other => panic!("a report is due, not {other:?}"),
        }
    }
}

/// Says something, and hears it.
///
/// # Panics
/// It hears something else.
pub fn echoes(peer: &mut Peer) {
    peer.send(first::TEXT, b"ahoy");
    let frame = peer.frame().expect("an echo");
    assert_eq!((frame.first, frame.key, &frame.payload[..]), (first::TEXT, None, &b"ahoy"[..]));
}
