//! The cells of the matrix: what is spoken, over which sockets, with TLS or without, on which runtime; and an echo behind
//! each of them.

use crate::adapter::{PATIENCE, Serving};
use crate::certificates::{serving, trusting};
use crate::client::{self, Client};
use crate::folder::Folder;
use std::sync::{Arc, LazyLock, mpsc};
use wharf::base::{CloseCode, Closed, Message};
use wharf::framed::{Codec, Length, Lines, Typed, json};
use wharf::link::{Address, Config, ConnId, Context, Framing, Service, Target};
use wharf::tls::{ClientConfig, ServerConfig};
use wharf::ws::handshake::ClientRequest;
use wharf_cli::runner::RuntimeKind;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// WebSocket.
    WebSocket,
    /// WebSocket with compressed messages.
    Deflate,
    /// Typed frames.
    Typed,
    /// Frames behind their length.
    Length,
    /// Lines of text.
    Lines,
    /// Lines of JSON, one value each.
    JsonLines,
}

/// One cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// What is spoken.
    pub spoken: Spoken,
    /// The runtime, of the server and of the client.
    pub runtime: RuntimeKind,
    /// Over a Unix socket, and not over TCP.
    pub unix: bool,
    /// Over TLS.
    pub tls: bool,
}

/// The echo of a cell, running.
#[derive(Debug)]
pub struct Stand {
    /// The cell.
    pub cell: Cell,
    /// The running service.
    pub serving: Serving<Close>,
    ends: mpsc::Receiver<Closed>,
    _folder: Option<Folder>,
}

/// The command that closes all connections so.
#[derive(Clone, Copy, Debug)]
pub struct Close(pub u16, pub &'static str);

/// Sends each message back.
struct Echo {
    reads_json: bool,
    tell: mpsc::Sender<Closed>,
}

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = Close;

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        // One that closes meanwhile takes nothing more.
        let _ = if self.reads_json {
            let value: String = json::decode(&message).expect("JSON of its own");
            cx.send(conn, json::encode(&value).expect("a text has JSON"))
        } else {
            cx.send(conn, message)
        };
    }

    fn closed(&mut self, _: &mut Context<'_>, _: ConnId, closed: &Closed) {
        let _ = self.tell.send(closed.clone());
    }

    fn command(&mut self, cx: &mut Context<'_>, Close(code, reason): Close) {
        let all: Vec<ConnId> = cx.connections().collect();
        for conn in all {
            cx.close(conn, code.into(), reason).expect("a close");
        }
    }
}

impl Cell {
    /// Whether it is one of the two that have a closing handshake.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        matches!(self.spoken, Spoken::WebSocket | Spoken::Deflate)
    }

    /// How messages are framed, where that is no WebSocket.
    #[must_use]
    pub fn codec(&self) -> Option<Arc<dyn Codec>> {
        match self.spoken {
            Spoken::WebSocket | Spoken::Deflate => None,
            Spoken::Typed => Some(Arc::new(Typed)),
            Spoken::Length => Some(Arc::new(Length::default())),
            Spoken::Lines | Spoken::JsonLines => Some(Arc::new(Lines::new())),
        }
    }

    /// The message of a text.
    ///
    /// # Panics
    /// It has none.
    #[must_use]
    pub fn message(&self, text: &str) -> Message<'static> {
        match self.spoken {
            Spoken::WebSocket | Spoken::Deflate | Spoken::Lines => Message::text(text.to_owned()),
            Spoken::Typed => Message::typed(Typed::DATA, text.as_bytes().to_vec()),
            Spoken::Length => Message::binary(text.as_bytes().to_vec()),
            Spoken::JsonLines => json::encode(text).expect("a text has JSON"),
        }
    }

    /// What its server is configured with: messages of at most `limit` bytes.
    #[must_use]
    pub fn server(&self, limit: usize) -> Config {
        static TLS: LazyLock<ServerConfig> = LazyLock::new(|| serving().build().expect("good certificates"));
        let mut config = self.limited(Config::default(), limit);
        config.tls = self.tls.then(|| TLS.clone());
        config
    }

    /// What its client is configured with: messages of at most `limit` bytes.
    #[must_use]
    pub fn client(&self, limit: usize) -> Config {
        static TLS: LazyLock<ClientConfig> = LazyLock::new(|| trusting().build().expect("a good root"));
        let mut config = self.limited(client::config(), limit);
        config.client_tls = self.tls.then(|| TLS.clone());
        config
    }

    fn limited(&self, mut config: Config, limit: usize) -> Config {
        let ws = Arc::make_mut(&mut config.ws);
        (ws.max_message, ws.max_frame) = (limit, limit);
        ws.deflate = (self.spoken == Spoken::Deflate).then(Default::default);
        Arc::make_mut(&mut config.framed).max_message = limit;
        config.framing = self.codec().map_or(Framing::WebSocket, Framing::Codec);
        config
    }

    /// Where its client connects to.
    #[must_use]
    pub fn target(&self, address: &Address) -> Target {
        let host = address.tcp().map_or("localhost".to_owned(), |address| address.to_string());
        let url = match (self.is_websocket(), self.tls) {
            (true, false) => format!("ws://{host}/"),
            (true, true) => format!("wss://{host}/"),
            (false, _) if self.unix => {
                let target: Target = address.to_string().parse().expect("a Unix target");
                return if self.tls { target.over_tls("localhost") } else { target };
            }
            (false, false) => format!("tcp://{host}"),
            (false, true) => format!("tls://{host}"),
        };
        if !self.is_websocket() {
            return url.parse().expect("a target");
        }
        let target = Target::from(ClientRequest::new(&url).expect("a good URL"));
        if self.unix { target.at(address.clone()) } else { target }
    }
}

impl Stand {
    /// The largest message that one takes unless it is told otherwise.
    pub const LIMIT: usize = 4 << 20;

    /// Starts the echo.
    #[must_use]
    pub fn start(cell: Cell) -> Self {
        Self::with(cell, cell.server(Self::LIMIT))
    }

    /// Starts the echo with a configuration of its own.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn with(cell: Cell, config: Config) -> Self {
        let folder = cell.unix.then(Folder::new);
        let address = folder.as_ref().map_or(([127, 0, 0, 1], 0).into(), |folder| folder.socket("socket"));
        let (tell, ends) = mpsc::channel();
        let echo = Echo { reads_json: cell.spoken == Spoken::JsonLines, tell };
        let serving = Serving::start_at(cell.runtime, vec![address], echo, config).expect("it starts");
        Self { cell, serving, ends, _folder: folder }
    }

    /// A client of it.
    #[must_use]
    pub fn connect(&self) -> Client {
        self.connect_with(self.cell.client(Self::LIMIT))
    }

    /// A client of it with a configuration of its own.
    ///
    /// # Panics
    /// It does not open.
    #[must_use]
    pub fn connect_with(&self, config: Config) -> Client {
        let target = self.cell.target(&self.serving.address);
        let connected = Client::connect(self.cell.runtime, &target, &Arc::new(config));
        let mut client = connected.unwrap_or_else(|e| panic!("{:?}: {e}", self.cell));
        assert_eq!(client.link().is_secure(), self.cell.tls);
        client
    }

    /// Says something, and hears it.
    ///
    /// # Panics
    /// It hears something else.
    pub fn echoes(&self, client: &mut Client, text: &str) {
        client.send(self.cell.message(text));
        // Not compared by `assert_eq`: a megabyte is nothing to print.
        assert!(client.message() == self.cell.message(text), "{:?}: {} bytes", self.cell, text.len());
    }

    /// The server's next report of an end.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn ended(&self) -> Closed {
        self.ends.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{:?}: a report is due", self.cell))
    }

    /// As what the peer of one that closed with `code` has it: a framed stream has no place for codes.
    #[must_use]
    pub fn told(&self, code: u16) -> CloseCode {
        if self.cell.is_websocket() { code.into() } else { CloseCode::NORMAL }
    }
}
