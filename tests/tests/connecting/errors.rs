//! What goes wrong with TLS between a client and a real socket: each error typed, the same on every runtime, for a client
//! and for a dial of a service, and each says what to do.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wharf::base::{Cause, End, Message, Origin, When};
use wharf::framed::Lines;
use wharf::link::{Address, Config, DialError, Framing, OpenError, Target};
use wharf::tls::{ClientConfig, ServerConfig, TlsError};
use wharf::ws::handshake::HandshakeError;
use wharf_cli::runner::RuntimeKind;
use wharf_std::ConnectError;
use wharf_tests::adapter::PATIENCE;
use wharf_tests::cell::{Cell, Spoken, Stand};
use wharf_tests::certificates::{EXPIRED, OTHER_ROOT, SERVER, trusting};
use wharf_tests::client::{self, Client};
use wharf_tests::dialer::dial;

fn cell(runtime: RuntimeKind, tls: bool) -> Cell {
    Cell { spoken: Spoken::WebSocket, runtime, unix: false, tls }
}

/// A client that trusts the tests' authority.
fn config() -> Config {
    let mut config = client::config();
    config.client_tls = Some(trusting().build().unwrap());
    config
}

fn lines() -> Config {
    let mut config = config();
    config.framing = Framing::codec(Lines::new());
    config
}

/// How `target` fails, for a client and for a dial alike.
fn failure(runtime: RuntimeKind, target: &str, at: Option<SocketAddr>, config: &Config) -> OpenError {
    let target: Target = target.parse().unwrap();
    let target = at.map_or(target.clone(), |address| target.at(address.into()));
    let error = match Client::connect(runtime, &target, &Arc::new(config.clone())) {
        Err(ConnectError::Open(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it opens"),
    };
    let dialed = dial(runtime, target, Message::text("ahoy"), config);
    // The two need not meet the same end of a stream.
    match (&error, dialed) {
        (OpenError::TlsEnded(_), Err(DialError::Open(OpenError::TlsEnded(_)))) => {}
        (OpenError::Handshake(_), Err(DialError::Open(OpenError::Handshake(_)))) => {}
        (error, dialed) => assert_eq!(dialed, Err(DialError::Open(error.clone()))),
    }
    error
}

fn tls(error: OpenError) -> TlsError {
    assert_eq!(error.when(), When::Tls);
    match error {
        OpenError::Tls(error) => {
            assert!(!error.is_retryable());
            error
        }
        other => panic!("{other}"),
    }
}

fn url(address: &Address) -> String {
    format!("wss://{address}/")
}

fn with_nobody_to_trust(runtime: RuntimeKind) {
    let stand = Stand::start(cell(runtime, true));
    let config = client::config();
    let error = failure(runtime, &url(&stand.serving.address), None, &config);
    // A feature may bring roots of its own, among which this authority is not.
    let brought = wharf_std::with_environment(&Arc::new(config), true).unwrap().client_tls.clone();
    let expected = brought.map_or(OpenError::NoTls, |_| TlsError::UnknownAuthority.into());
    assert_eq!(error, expected);
    assert!(OpenError::NoTls.to_string().contains("set client_tls"));
}

fn certificates_that_are_refused(runtime: RuntimeKind) {
    let stand = Stand::start(cell(runtime, true));
    let wss = url(&stand.serving.address);
    let mut other = config();
    other.client_tls = Some(ClientConfig::builder().roots_pem(OTHER_ROOT).build().unwrap());
    let unknown = tls(failure(runtime, &wss, None, &other));
    assert_eq!(unknown, TlsError::UnknownAuthority);
    assert!(unknown.to_string().contains("add its root"));

    let at = stand.serving.address.tcp();
    match tls(failure(runtime, "wss://b.example/", at, &config())) {
        TlsError::WrongName { presented } => assert!(presented.contains(&"a.example".to_owned())),
        other => panic!("{other}"),
    }
    // By a name that it has, it is taken.
    let target: Target = "wss://a.example/".parse().unwrap();
    let mut client =
        Client::connect(runtime, &target.at(stand.serving.address.clone()), &Arc::new(config())).unwrap();
    stand.echoes(&mut client, "ahoy");

    let mut server = cell(runtime, true).server(Stand::LIMIT);
    server.tls = Some(ServerConfig::from_pem(EXPIRED.0, EXPIRED.1).unwrap());
    let stand = Stand::with(cell(runtime, true), server);
    let expired = tls(failure(runtime, &url(&stand.serving.address), None, &config()));
    assert_eq!(expired, TlsError::Expired);
}

fn plain_where_tls_is_asked_for(runtime: RuntimeKind) {
    let stand = Stand::start(cell(runtime, false));
    let not_tls = tls(failure(runtime, &url(&stand.serving.address), None, &config()));
    assert_eq!(not_tls, TlsError::NotTls);
    assert!(not_tls.to_string().contains("port for plain text"));

    // Typed frames answer a greeting of TLS by nothing at all: it begins with a length far over the limit.
    let stand = Stand::start(Cell { spoken: Spoken::Typed, ..cell(runtime, false) });
    let ended = failure(runtime, &format!("tls://{}", stand.serving.address), None, &lines());
    assert!(matches!(ended, OpenError::TlsEnded(End::Eof | End::Reset)), "{ended}");
    assert!(ended.is_retryable() && ended.when() == When::Tls);
}

fn tls_where_plain_is_asked_for(runtime: RuntimeKind) {
    let stand = Stand::start(cell(runtime, true));
    let ws = format!("ws://{}/", stand.serving.address);
    match failure(runtime, &ws, None, &config()) {
        OpenError::Handshake(error @ HandshakeError::Tls) => assert!(error.to_string().contains("wants wss")),
        other => panic!("{other}"),
    }

    // A framed stream is open at once, and ends with the first that is said.
    let stand = Stand::start(Cell { spoken: Spoken::Lines, ..cell(runtime, true) });
    let target: Target = format!("tcp://{}", stand.serving.address).parse().unwrap();
    let mut client = Client::connect(runtime, &target, &Arc::new(lines())).unwrap();
    client.send(Message::text("ahoy"));
    let closed = client.ended();
    assert_eq!(closed.origin, Origin::Abnormal);
    assert!(!closed.is_clean());
}

fn silence_inside_of_tls(runtime: RuntimeKind) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config();
    // Nothing but the deadline of TLS can end it in time.
    config.tls_timeout = Some(Duration::from_millis(100));
    let wss = format!("wss://{}/", listener.local_addr().unwrap());
    let silent = failure(runtime, &wss, None, &config);
    assert_eq!((&silent, silent.is_retryable()), (&OpenError::TlsTimedOut, true));
}

fn an_end_inside_of_the_handshake(runtime: RuntimeKind) {
    let address = hand_made(|mut stream| {
        // Its greeting is read, so that the end is no reset.
        let _ = stream.read(&mut [0; 4096]);
    });
    let ended = failure(runtime, &format!("wss://{address}/"), None, &config());
    assert_eq!(ended, OpenError::TlsEnded(End::Eof));
}

/// A server of other making, behind which a line is answered, and then it ends without the goodbye of TLS or with it.
fn a_truncated_stream_is_told(runtime: RuntimeKind) {
    for (goodbye, cause) in [(false, Cause::Transport(End::Truncated)), (true, Cause::Handshake)] {
        let address = hand_made(move |mut stream| {
            let mut session = rustls::ServerConnection::new(other_tls()).unwrap();
            let mut tls = rustls::Stream::new(&mut session, &mut stream);
            let mut line = [0; 5];
            tls.read_exact(&mut line).unwrap();
            tls.write_all(&line).unwrap();
            if goodbye {
                session.send_close_notify();
                session.write_tls(&mut stream).unwrap();
            }
        });
        let target: Target = format!("tls://{address}").parse().unwrap();
        let mut client = Client::connect(runtime, &target, &Arc::new(lines())).unwrap();
        client.send(Message::text("ahoy"));
        assert_eq!(client.message(), Message::text("ahoy"));
        let closed = client.ended();
        assert_eq!((closed.cause, closed.is_clean()), (cause, goodbye));
    }
}

fn other_tls() -> Arc<rustls::ServerConfig> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = CertificateDer::pem_slice_iter(SERVER.0).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(SERVER.1).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(config.with_single_cert(chain, key).unwrap())
}

/// A server made by hand, for as many as come.
fn hand_made(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            serve(stream);
        }
    });
    address
}

wharf_tests::on_every_runtime!({
    with_nobody_to_trust
    certificates_that_are_refused
    plain_where_tls_is_asked_for
    tls_where_plain_is_asked_for
    silence_inside_of_tls
    an_end_inside_of_the_handshake
    a_truncated_stream_is_told
});
