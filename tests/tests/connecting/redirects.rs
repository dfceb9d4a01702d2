//! Redirects over real sockets, the same for a client and for a dial of a service, on every runtime.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use wharf::base::{Message, When};
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, DialError, OpenError, Service, Target, Verdict};
use wharf::ws::handshake::{ClientRequest, HandshakeError, RedirectError, Redirects};
use wharf_cli::runner::RuntimeKind;
use wharf_std::ConnectError;
use wharf_tests::adapter::{PATIENCE, Serving};
use wharf_tests::cell::{Cell, Spoken, Stand};
use wharf_tests::certificates::{serving, trusting};
use wharf_tests::client::{self, Client};
use wharf_tests::dialer::dial;
use wharf_tests::folder::Folder;

/// A server made by hand that sends everybody elsewhere.
struct Signpost {
    address: SocketAddr,
    /// The heads that it was sent.
    heads: mpsc::Receiver<String>,
}

impl Signpost {
    /// Answers each with `status` and with a `Location` made of its own address.
    fn start(status: u16, location: impl Fn(SocketAddr) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let location = location(address);
        let (tell, heads) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                answer(&stream, &stream, status, &location, &tell);
            }
        });
        Self { address, heads }
    }

    fn url(&self) -> String {
        format!("ws://{}/there?x", self.address)
    }

    fn head(&self) -> String {
        self.heads.recv_timeout(PATIENCE).unwrap().to_ascii_lowercase()
    }
}

fn answer(mut from: impl Read, mut to: impl Write, status: u16, location: &str, tell: &mpsc::Sender<String>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(from.read(&mut byte), Ok(1)) {
            return;
        }
        head.push(byte[0]);
    }
    let _ = tell.send(String::from_utf8(head).unwrap());
    let _ =
        write!(to, "HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 3\r\n\r\nno\n");
}

fn stand(runtime: RuntimeKind, tls: bool) -> Stand {
    Stand::start(Cell { spoken: Spoken::WebSocket, runtime, unix: false, tls })
}

fn config(limit: u32) -> Config {
    let mut config = client::config();
    config.redirects = Redirects::limited(limit);
    config.client_tls = Some(trusting().build().unwrap());
    config
}

fn hears_itself(runtime: RuntimeKind, target: &Target, config: &Config) {
    let mut client = Client::connect(runtime, target, &Arc::new(config.clone())).unwrap();
    client.send(Message::text("ahoy"));
    assert_eq!(client.message(), Message::text("ahoy"));
    let heard = dial(runtime, target.clone(), Message::text("dialed"), config);
    assert_eq!(heard, Ok(Message::text("dialed")));
}

/// How it fails, for a client and for a dial alike.
fn failure(runtime: RuntimeKind, target: &Target, config: &Config) -> OpenError {
    let error = match Client::connect(runtime, target, &Arc::new(config.clone())) {
        Err(ConnectError::Open(error)) => error,
        other => panic!("{other:?}"),
    };
    let dialed = dial(runtime, target.clone(), Message::text("ahoy"), config);
    assert_eq!(dialed, Err(DialError::Open(error.clone())));
    error
}

fn target(url: &str) -> Target {
    url.parse().unwrap()
}

fn each_status_leads_on(runtime: RuntimeKind) {
    let stand = stand(runtime, false);
    let there = stand.serving.address.clone();
    for (status, scheme) in [(301, "ws"), (302, "http"), (303, "ws"), (307, "ws"), (308, "http")] {
        let signpost = Signpost::start(status, |_| format!("{scheme}://{there}/"));
        hears_itself(runtime, &target(&signpost.url()), &config(1));
        assert!(signpost.head().starts_with("get /there?x http/1.1\r\n"), "{status}");
    }
}

fn from_plain_to_tls(runtime: RuntimeKind) {
    let stand = stand(runtime, true);
    let signpost = Signpost::start(308, |_| format!("wss://{}/", stand.serving.address));
    hears_itself(runtime, &target(&signpost.url()), &config(5));
}

fn none_is_followed_unless_asked_for(runtime: RuntimeKind) {
    let signpost = Signpost::start(302, |own| format!("ws://{own}/"));
    match failure(runtime, &target(&signpost.url()), &config(0)) {
        OpenError::Handshake(HandshakeError::Refused(by)) => {
            assert_eq!((by.status, &*by.body), (302, &b"no\n"[..]));
            assert!(by.headers.get("location").is_some());
        }
        other => panic!("{other}"),
    }
}

fn a_circle_ends_at_the_limit(runtime: RuntimeKind) {
    let signpost = Signpost::start(307, |_| "/again".to_owned());
    let error = failure(runtime, &target(&signpost.url()), &config(3));
    assert_eq!(error, RedirectError::TooMany { limit: 3 }.into());
    assert_eq!((error.when(), error.is_retryable()), (When::Handshake, false));
    // By the client, and by the dial.
    for _ in 0..2 {
        assert!(signpost.head().starts_with("get /there?x "));
        assert!((0..3).all(|_| signpost.head().starts_with("get /again ")));
    }
    assert!(signpost.heads.try_recv().is_err());
}

fn a_bad_one_is_not_followed(runtime: RuntimeKind) {
    let nowhere = Signpost::start(302, |_| "ftp://a/".to_owned());
    let error = failure(runtime, &target(&nowhere.url()), &config(3));
    assert!(matches!(error, OpenError::Redirect(RedirectError::BadLocation(_))), "{error}");
}

/// Sends everybody who asks for a WebSocket elsewhere.
struct Elsewhere(String);

impl Service for Elsewhere {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, _: &Request) -> Verdict {
        Verdict::Respond(Response::new(301).with("Location", self.0.clone()))
    }
}

fn from_tls_to_plain_is_refused(runtime: RuntimeKind) {
    let stand = stand(runtime, false);
    let mut server = Config::default();
    server.tls = Some(serving().build().unwrap());
    let elsewhere = Elsewhere(format!("ws://{}/", stand.serving.address));
    let serving = Serving::start(runtime, elsewhere, server);
    let error = failure(runtime, &target(&format!("wss://{}/", serving.address)), &config(3));
    assert_eq!(error, RedirectError::Downgrade.into());
}

/// A secret goes where it was meant for and no further.
fn credentials_stay_with_their_server(runtime: RuntimeKind) {
    let last = Signpost::start(403, |_| "/".to_owned());
    let other = Signpost::start(307, |_| last.url());
    let (tell, heads) = mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = format!("ws://sailor:ahoy@{}/first", listener.local_addr().unwrap());
    let away = other.url();
    thread::spawn(move || {
        let mut locations = ["/second", away.as_str()].into_iter().cycle();
        for stream in listener.incoming().flatten() {
            let stream: TcpStream = stream;
            answer(&stream, &stream, 302, locations.next().unwrap(), &tell);
        }
    });
    let request = ClientRequest::with_basic_auth(&own).unwrap();
    let request = request.header("Cookie", "a=b").unwrap().header("X-Kept", "yes").unwrap();
    let target = Target::from(request);
    match failure(runtime, &target, &config(5)) {
        OpenError::Handshake(HandshakeError::Refused(by)) => assert_eq!(by.status, 403),
        other => panic!("{other}"),
    }
    // By the client, and by the dial.
    for _ in 0..2 {
        for path in ["/first", "/second"] {
            let head = heads.recv_timeout(PATIENCE).unwrap().to_ascii_lowercase();
            assert!(head.starts_with(&format!("get {path} ")), "{head}");
            assert!(head.contains("authorization: basic ") && head.contains("cookie: a=b"), "{head}");
        }
        for signpost in [&other, &last] {
            let head = signpost.head();
            assert!(!head.contains("authorization") && !head.contains("cookie"), "{head}");
            assert!(head.contains("x-kept: yes"), "{head}");
        }
    }
}

/// All of them have the time of one.
fn their_time_is_bounded(runtime: RuntimeKind) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let signpost = Signpost::start(302, |_| format!("ws://{}/", silent.local_addr().unwrap()));
    let mut config = config(3);
    config.open_timeout = Duration::from_millis(500);
    let error = failure(runtime, &target(&signpost.url()), &config);
    assert_eq!(error, HandshakeError::TimedOut.into());
}

/// Where the host stays the same, so does the place to connect to.
fn on_a_unix_socket(runtime: RuntimeKind) {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.path("socket")).unwrap();
    let stand = stand(runtime, false);
    let away = format!("ws://{}/", stand.serving.address);
    let (tell, heads) = mpsc::channel();
    thread::spawn(move || {
        let mut locations = ["/second", away.as_str()].into_iter().cycle();
        for stream in listener.incoming().flatten() {
            answer(&stream, &stream, 302, locations.next().unwrap(), &tell);
        }
    });
    let request = ClientRequest::new("ws://localhost/first").unwrap();
    let target = Target::from(request).at(folder.socket("socket"));
    hears_itself(runtime, &target, &config(3));
    for _ in 0..2 {
        assert!(heads.recv_timeout(PATIENCE).unwrap().starts_with("GET /first "));
        assert!(heads.recv_timeout(PATIENCE).unwrap().starts_with("GET /second "));
    }
}

wharf_tests::on_every_runtime!({
    each_status_leads_on
    from_plain_to_tls
    none_is_followed_unless_asked_for
    a_circle_ends_at_the_limit
    a_bad_one_is_not_followed
    from_tls_to_plain_is_refused
    credentials_stay_with_their_server
    their_time_is_bounded
    on_a_unix_socket
});
