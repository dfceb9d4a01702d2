//! What a TLS session agrees on, over real sockets, as a service and its client see it on every runtime: certificates of
//! clients, application protocols, names, resumption.

use std::sync::{Arc, mpsc};
use wharf::base::Message;
use wharf::link::{Config, ConnId, Context, Framing, OpenError, Service, Target};
use wharf::tls::rustls::pki_types::CertificateDer;
use wharf::tls::rustls::pki_types::pem::PemObject;
use wharf::tls::{ClientAuth, ClientConfigBuilder, ServerConfigBuilder, Session, TlsError};
use wharf_cli::runner::RuntimeKind;
use wharf_std::ConnectError;
use wharf_tests::adapter::{PATIENCE, Serving};
use wharf_tests::certificates::{CLIENT, ROOT, SERVER, STRANGER, serving, trusting};
use wharf_tests::client::{self, Client};

/// What one side knows of a session.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    alpn: Option<String>,
    name: Option<String>,
    certificates: Vec<Vec<u8>>,
    is_resumed: bool,
}

impl Known {
    fn of(session: &Session) -> Self {
        Self {
            alpn: session.alpn().map(|name| String::from_utf8_lossy(name).into_owned()),
            name: session.server_name().map(str::to_owned),
            certificates: session.peer_certificates().map(<[u8]>::to_vec).collect(),
            is_resumed: session.is_resumed(),
        }
    }
}

/// Tells what it knows of each session, and sends each message back.
struct Teller(mpsc::Sender<Known>);

impl Service for Teller {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let _ = self.0.send(Known::of(cx.tls(conn).expect("a session")));
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let _ = cx.send(conn, message);
    }
}

struct Stand {
    runtime: RuntimeKind,
    serving: Serving<()>,
    known: mpsc::Receiver<Known>,
}

impl Stand {
    fn start(runtime: RuntimeKind, tls: ServerConfigBuilder, framing: Framing) -> Self {
        let (tell, known) = mpsc::channel();
        let mut config = Config::default();
        config.tls = Some(tls.build().unwrap());
        config.framing = framing;
        Self { runtime, serving: Serving::start(runtime, Teller(tell), config), known }
    }

    /// Opens, says something, and closes; what both sides know, the client first.
    fn meet(&self, config: &Arc<Config>, url: &str) -> Result<[Known; 2], OpenError> {
        let target: Target = url.parse().unwrap();
        let target = target.at(self.serving.address.clone());
        let mut client = match Client::connect(self.runtime, &target, config) {
            Ok(client) => client,
            Err(ConnectError::Open(error)) => return Err(error),
            Err(other) => panic!("{other}"),
        };
        // What allows a session to be resumed comes before that.
        client.send(Message::text("ahoy"));
        assert_eq!(client.message(), Message::text("ahoy"));
        let own = Known::of(client.link().tls().expect("a session"));
        client.close(1000, "");
        assert!(client.ended().is_clean());
        Ok([own, self.known.recv_timeout(PATIENCE).unwrap()])
    }
}

fn config(tls: ClientConfigBuilder) -> Arc<Config> {
    let mut config = client::config();
    config.client_tls = Some(tls.build().unwrap());
    Arc::new(config)
}

/// The certificates of a PEM text.
fn der(pem: &[u8]) -> Vec<Vec<u8>> {
    CertificateDer::pem_slice_iter(pem).map(|found| found.unwrap().to_vec()).collect()
}

fn alert(refused: Result<[Known; 2], OpenError>) -> &'static str {
    match refused {
        Err(OpenError::Tls(TlsError::Alert { name, .. })) => name,
        other => panic!("{other:?}"),
    }
}

fn certificates_of_clients(runtime: RuntimeKind) {
    let with = |identity: (&[u8], &[u8])| config(trusting().certificate_pem(identity.0, identity.1));
    let stand =
        Stand::start(runtime, serving().client_roots_pem(ROOT, ClientAuth::Required), Framing::WebSocket);
    let [own, theirs] = stand.meet(&with(CLIENT), "wss://a.example/").unwrap();
    assert_eq!((own.certificates, theirs.certificates), (der(SERVER.0), der(CLIENT.0)));
    assert_eq!(alert(stand.meet(&config(trusting()), "wss://a.example/")), "CertificateRequired");
    assert_eq!(alert(stand.meet(&with(STRANGER), "wss://a.example/")), "UnknownCA");

    let stand =
        Stand::start(runtime, serving().client_roots_pem(ROOT, ClientAuth::Optional), Framing::WebSocket);
    let [_, theirs] = stand.meet(&with(CLIENT), "wss://a.example/").unwrap();
    assert_eq!(theirs.certificates, der(CLIENT.0));
    let [_, theirs] = stand.meet(&config(trusting()), "wss://a.example/").unwrap();
    assert!(theirs.certificates.is_empty());
    assert_eq!(alert(stand.meet(&with(STRANGER), "wss://a.example/")), "UnknownCA");
}

/// A framed client is open before the server has judged its certificate (RFC 8446 section 4.4.2.4), so it hears by its end.
fn a_framed_client_without_a_certificate(runtime: RuntimeKind) {
    use wharf::base::{Cause, End, Origin};
    use wharf::framed::Lines;
    let tls = serving().client_roots_pem(ROOT, ClientAuth::Required);
    let stand = Stand::start(runtime, tls, Framing::codec(Lines::new()));
    let mut config = client::config();
    config.client_tls = Some(trusting().build().unwrap());
    config.framing = Framing::codec(Lines::new());
    let target: Target = format!("tls://{}", stand.serving.address).parse().unwrap();
    let mut client = Client::connect(runtime, &target, &Arc::new(config)).unwrap();
    let closed = client.ended();
    assert_eq!((closed.origin, closed.cause), (Origin::Abnormal, Cause::Transport(End::TlsFailed)));
    assert!(closed.reason.contains("CertificateRequired"), "{closed:?}");
    // The service never heard of it.
    assert!(stand.known.try_recv().is_err());
}

/// The whole handshake is written before a client is handed over, which may then do something else for long.
fn a_client_that_does_nothing_is_known(runtime: RuntimeKind) {
    use wharf::framed::Lines;
    let stand = Stand::start(runtime, serving(), Framing::codec(Lines::new()));
    let mut config = client::config();
    config.client_tls = Some(trusting().build().unwrap());
    config.framing = Framing::codec(Lines::new());
    let target: Target = format!("tls://{}", stand.serving.address).parse().unwrap();
    let client = Client::connect(runtime, &target, &Arc::new(config)).unwrap();
    assert!(!stand.known.recv_timeout(PATIENCE).unwrap().is_resumed);
    drop(client);
}

fn application_protocols(runtime: RuntimeKind) {
    let stand = Stand::start(runtime, serving().alpn(["http/1.1", "x"]), Framing::WebSocket);
    let offers = |protocols: &[&str]| config(trusting().alpn(protocols.iter().copied()));
    for (offered, agreed) in
        [(&["x", "http/1.1"][..], Some("http/1.1")), (&["h2", "x"], Some("x")), (&[], None)]
    {
        let known = stand.meet(&offers(offered), "wss://a.example/").unwrap();
        assert!(known.iter().all(|side| side.alpn.as_deref() == agreed), "{offered:?}: {known:?}");
    }
    assert_eq!(alert(stand.meet(&offers(&["h2"]), "wss://a.example/")), "NoApplicationProtocol");
}

fn names(runtime: RuntimeKind) {
    let stand = Stand::start(runtime, serving(), Framing::WebSocket);
    for (url, name) in [
        ("wss://a.example/", Some("a.example")),
        ("wss://localhost/", Some("localhost")),
        ("wss://127.0.0.1/", None),
    ] {
        let [_, theirs] = stand.meet(&config(trusting()), url).unwrap();
        assert_eq!(theirs.name.as_deref(), name);
    }
}

fn resumption(runtime: RuntimeKind) {
    let stand = Stand::start(runtime, serving(), Framing::WebSocket);
    let resumed = |config: &Arc<Config>| {
        let [own, theirs] = stand.meet(config, "wss://a.example/").unwrap();
        assert_eq!(own.is_resumed, theirs.is_resumed);
        own.is_resumed
    };
    let keeps = config(trusting());
    assert_eq!([resumed(&keeps), resumed(&keeps), resumed(&keeps)], [false, true, true]);
    // Another configuration has tickets of its own, or none.
    let forgets = config(trusting().resumption(false));
    assert_eq!([resumed(&config(trusting())), resumed(&forgets), resumed(&forgets)], [false; 3]);
    let other = Stand::start(runtime, serving().resumption(false), Framing::WebSocket);
    let [first, second] = [0, 1].map(|_| other.meet(&keeps, "wss://localhost/").unwrap());
    assert!(!first[0].is_resumed && !second[0].is_resumed && !second[1].is_resumed);
}

wharf_tests::on_every_runtime!({
    certificates_of_clients
    a_framed_client_without_a_certificate
    a_client_that_does_nothing_is_known
    application_protocols
    names
    resumption
});
