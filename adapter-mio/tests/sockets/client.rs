//! What connecting fails with, for the blocking client and for a service's dials.

use std::cell::OnceCell;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Message};
use wharf::link::{Config, ConnId, Context, DialError, DialId, OpenError, Service};
use wharf::ws::handshake::ClientRequest;
use wharf_mio::{ConnectError, Handle, Server, Socket, connect};

fn request(url: &str) -> ClientRequest {
    ClientRequest::new(url).unwrap()
}

fn attempt(url: &str, timeout: Duration) -> Result<Socket, ConnectError> {
    let mut config = Config::client();
    config.open_timeout = timeout;
    connect(request(url), &config.into())
}

/// Whether a feature brings roots, with which `wss` is tried; features of a workspace's build add up.
const HAS_ROOTS: bool =
    cfg!(any(feature = "tls-webpki-roots", feature = "tls-native-roots", feature = "tls-platform-verifier"));

/// A port that nobody listens at.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn each_failure_says_where() {
    let long = Duration::from_secs(20);
    if !HAS_ROOTS {
        assert!(matches!(attempt("wss://127.0.0.1/", long), Err(ConnectError::Open(OpenError::NoTls))));
    }
    let nobody = format!("ws://127.0.0.1:{}/", closed_port());
    assert!(matches!(attempt(&nobody, long), Err(ConnectError::Connect(_))));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    assert!(matches!(
        attempt(&url, Duration::from_millis(30)),
        Err(ConnectError::Open(OpenError::Handshake(_)))
    ));
    let hung_up = std::thread::spawn(move || drop(silent.accept().and_then(|_| silent.accept())));
    assert!(matches!(attempt(&url, long), Err(ConnectError::Open(OpenError::Handshake(_)))));
    hung_up.join().unwrap();
}

/// Dials what it is told, and says over each dialed connection what it was told to say.
#[derive(Default)]
struct Dialer {
    failed: Vec<String>,
    echoed: Vec<String>,
    ended: usize,
    handle: Rc<OnceCell<Handle<Self>>>,
}

impl Dialer {
    fn stop_after_three(&mut self) {
        self.ended += 1;
        if self.ended == 3
            && let Some(handle) = self.handle.get()
        {
            handle.drain();
        }
    }
}

impl Service for Dialer {
    type Job = ();
    type Done = ();
    type Command = ClientRequest;

    fn command(&mut self, cx: &mut Context<'_>, command: ClientRequest) {
        if let Err(error) = cx.dial(command) {
            self.failed.push(error.to_string());
            self.stop_after_three();
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if cx.info(conn).is_some_and(|info| info.dial.is_some()) {
            cx.send(conn, Message::text("ahoy")).unwrap();
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if cx.info(conn).is_some_and(|info| info.dial.is_none()) {
            let _ = cx.send(conn, message);
            return;
        }
        self.echoed.extend(message.as_text().map(String::from));
        cx.close(conn, CloseCode::NORMAL, "").unwrap();
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, _: &Closed) {
        if cx.info(conn).is_some_and(|info| info.dial.is_some()) {
            self.stop_after_three();
        }
    }

    fn dial_failed(&mut self, _: &mut Context<'_>, _: DialId, error: &DialError) {
        self.failed.push(error.to_string());
        self.stop_after_three();
    }
}

#[test]
fn a_service_dials_itself_and_is_told_what_fails() {
    let dialer = Dialer::default();
    let slot = dialer.handle.clone();
    let server = Server::bind(([127, 0, 0, 1], 0), dialer, Config::default().into()).unwrap();
    let handle = slot.get_or_init(|| server.handle());
    let nobody = format!("{}://127.0.0.1:{}/", if HAS_ROOTS { "ws" } else { "wss" }, closed_port());
    handle.command(request(&nobody)).unwrap();
    handle.command(request(&format!("ws://127.0.0.1:{}/", closed_port()))).unwrap();
    handle
        .command(request(&format!("ws://localhost:{}/", server.local_addr().unwrap().tcp().unwrap().port())))
        .unwrap();
    let mut dialer = server.run().unwrap();
    dialer.failed.sort();
    let first = if HAS_ROOTS { DialError::Connect.to_string() } else { OpenError::NoTls.to_string() };
    assert_eq!(dialer.failed, [first, DialError::Connect.to_string()]);
    assert_eq!(dialer.echoed, ["ahoy"]);
}
