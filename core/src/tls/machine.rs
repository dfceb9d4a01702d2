//! rustls's machine: one step of it at a time, and its words in ours. Besides `config.rs` the only file that names it.

use super::{ClientConfig, ServerConfig, TlsError};
use crate::base::Wall;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use once_cell::race::OnceBox;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert, UnbufferedServerConnection};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{CertificateError, CommonState, Error, HandshakeKind};

/// A session's machine. It keeps no bytes: what it has not discarded must be handed in again, in whatever it is asked.
pub(super) struct Machine {
    side: Side,
    time: Arc<Time>,
}

enum Side {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection, Arc<Resolver>),
}

/// What to do once the machine stands still.
#[derive(Clone, Copy)]
pub(super) enum Work<'w> {
    Nothing,
    /// Seal these bytes.
    Seal(&'w [u8]),
    /// Seal a `close_notify`.
    Close,
}

/// What came of a step.
pub(super) enum Step {
    /// There is more to do.
    Again,
    /// The peer's `close_notify` came. Told once; there is more to do.
    PeerClosed,
    /// The work is done.
    Done,
    /// It stands still, and the work was not possible.
    Rest,
    /// It is over but for an alert.
    Failed(TlsError),
}

impl Machine {
    pub(super) fn client(config: &ClientConfig, name: &str, wall: Wall) -> Result<Self, TlsError> {
        let name = ServerName::try_from(name).map_err(|_| TlsError::InvalidName)?.to_owned();
        let time = Arc::new(Time::default());
        time.set(wall);
        let mut config = rustls::ClientConfig::clone(&config.rustls);
        config.time_provider = time.clone();
        config.enable_early_data = false;
        let machine = UnbufferedClientConnection::new(Arc::new(config), name).map_err(translate)?;
        Ok(Self { side: Side::Client(machine), time })
    }

    pub(super) fn server(config: &ServerConfig, wall: Wall) -> Result<Self, TlsError> {
        let time = Arc::new(Time::default());
        time.set(wall);
        let mut config = rustls::ServerConfig::clone(&config.rustls);
        let resolver = Arc::new(Resolver { inner: config.cert_resolver, name: OnceBox::new() });
        config.cert_resolver = resolver.clone();
        config.time_provider = time.clone();
        config.max_early_data_size = 0;
        let machine = UnbufferedServerConnection::new(Arc::new(config)).map_err(translate)?;
        Ok(Self { side: Side::Server(machine, resolver), time })
    }

    /// The calendar time that certificates and tickets are judged by from here on.
    pub(super) fn set_wall(&mut self, wall: Wall) {
        self.time.set(wall);
    }

    /// Goes on with `held`, of which the returned number of bytes is to be dropped from the front before the next
    /// step. What was opened is appended to `plain`, what is to be sent to `wire`.
    pub(super) fn step(
        &mut self,
        held: &mut [u8],
        work: Work<'_>,
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> (usize, Step) {
        match &mut self.side {
            Side::Client(machine) => obey(machine.process_tls_records(held), work, plain, wire),
            Side::Server(machine, _) => obey(machine.process_tls_records(held), work, plain, wire),
        }
    }

    /// Whether an alert or another message waits to be encoded.
    pub(super) fn owes_message(&self) -> bool {
        self.state().wants_write()
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.state().is_handshaking()
    }

    pub(super) fn is_server(&self) -> bool {
        matches!(self.side, Side::Server(..))
    }

    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.state().alpn_protocol()
    }

    pub(super) fn server_name(&self) -> Option<&str> {
        match &self.side {
            Side::Client(_) => None,
            Side::Server(_, resolver) => resolver.name.get().map(String::as_str),
        }
    }

    pub(super) fn peer_certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.state().peer_certificates().unwrap_or_default().iter().map(|certificate| &**certificate)
    }

    pub(super) fn version(&self) -> Option<&'static str> {
        self.state().protocol_version()?.as_str()
    }

    pub(super) fn cipher_suite(&self) -> Option<&'static str> {
        self.state().negotiated_cipher_suite()?.suite().as_str()
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.state().handshake_kind() == Some(HandshakeKind::Resumed)
    }

    fn state(&self) -> &CommonState {
        match &self.side {
            Side::Client(machine) => machine,
            Side::Server(machine, _) => machine,
        }
    }
}

/// Does what a state asks for.
fn obey<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    work: Work<'_>,
    plain: &mut Vec<u8>,
    wire: &mut Vec<u8>,
) -> (usize, Step) {
    let mut discard = status.discard;
    let step = match status.state {
        Err(error) => Step::Failed(translate(error)),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            while let Some(Ok(record)) = traffic.next_record() {
                plain.extend_from_slice(record.payload);
                discard += record.discard;
            }
            Step::Again
        }
        Ok(ConnectionState::EncodeTlsData(mut message)) => {
            // It always fits the second time.
            let _ = append(wire, 0, |space| match message.encode(space) {
                Ok(n) => Encoded::Whole(n),
                Err(EncodeError::InsufficientSize(needs)) => Encoded::Needs(needs.required_size),
                Err(EncodeError::AlreadyEncoded) => Encoded::Never,
            });
            Step::Again
        }
        // What was encoded is on the wire, which the transport drains; nothing waits for that.
        Ok(ConnectionState::TransmitTlsData(transmit)) => {
            transmit.done();
            Step::Again
        }
        Ok(ConnectionState::PeerClosed) => Step::PeerClosed,
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            /// Header, content type, tag and the explicit nonce of TLS 1.2, rounded up.
            const OVERHEAD: usize = 64;
            let done = match work {
                Work::Nothing => return (discard, Step::Rest),
                Work::Seal(bytes) => {
                    append(wire, bytes.len() + OVERHEAD, |space| traffic.encrypt(bytes, space).into())
                }
                Work::Close => append(wire, OVERHEAD, |space| traffic.queue_close_notify(space).into()),
            };
            if done { Step::Done } else { Step::Failed(TlsError::KeysExhausted) }
        }
        // Early data is neither offered nor accepted.
        Ok(_) => Step::Rest,
    };
    (discard, step)
}

enum Encoded {
    Whole(usize),
    Needs(usize),
    Never,
}

impl From<Result<usize, EncryptError>> for Encoded {
    fn from(result: Result<usize, EncryptError>) -> Self {
        match result {
            Ok(n) => Self::Whole(n),
            Err(EncryptError::InsufficientSize(needs)) => Self::Needs(needs.required_size),
            Err(EncryptError::EncryptExhausted) => Self::Never,
        }
    }
}

/// Has `encode` write behind what is in `wire`, given `guess` bytes and more if it asks for them.
fn append(wire: &mut Vec<u8>, guess: usize, mut encode: impl FnMut(&mut [u8]) -> Encoded) -> bool {
    let from = wire.len();
    wire.resize(from + guess, 0);
    let mut encoded = encode(&mut wire[from..]);
    if let Encoded::Needs(size) = encoded {
        wire.resize(from + size, 0);
        encoded = encode(&mut wire[from..]);
    }
    let n = if let Encoded::Whole(n) = encoded { n } else { 0 };
    wire.truncate(from + n);
    matches!(encoded, Encoded::Whole(_))
}

/// rustls's errors in our words.
fn translate(error: Error) -> TlsError {
    let detail = |error: &dyn fmt::Debug| format!("{error:?}");
    match error {
        Error::InvalidCertificate(error) => translate_certificate(error),
        Error::AlertReceived(alert) => {
            TlsError::Alert { code: u8::from(alert), name: alert.as_str().unwrap_or("unknown") }
        }
        Error::NoCertificatesPresented => TlsError::NoCertificate,
        Error::NoApplicationProtocol => TlsError::NoCommonProtocol,
        Error::PeerIncompatible(how) => TlsError::Incompatible { detail: detail(&how) },
        Error::PeerMisbehaved(how) => TlsError::Violation { detail: detail(&how) },
        Error::InvalidMessage(how) => TlsError::Violation { detail: detail(&how) },
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::DecryptError
        | Error::PeerSentOversizedRecord => TlsError::Violation { detail: error.to_string() },
        Error::UnsupportedNameType => TlsError::InvalidName,
        _ => TlsError::Local { detail: error.to_string() },
    }
}

fn translate_certificate(error: CertificateError) -> TlsError {
    match error {
        CertificateError::UnknownIssuer => TlsError::UnknownAuthority,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsError::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsError::NotYetValid,
        CertificateError::NotValidForName => TlsError::WrongName { presented: Vec::new() },
        CertificateError::NotValidForNameContext { presented, .. } => {
            TlsError::WrongName { presented: presented.iter().map(|name| bare(name)).collect() }
        }
        CertificateError::Revoked => TlsError::Revoked,
        other => TlsError::BadCertificate { detail: other.to_string() },
    }
}

/// A name without the kind that rustls writes around it, as in `DnsName("a.example")`.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest.strip_suffix(')').unwrap_or(rest));
    inner.trim_matches('"').to_string()
}

/// The calendar time that was handed in last, in seconds: on a machine of 32 bits it stops in 2106.
#[derive(Debug, Default)]
struct Time(AtomicUsize);

impl Time {
    fn set(&self, wall: Wall) {
        self.0.store(usize::try_from(wall.as_secs()).unwrap_or(usize::MAX), Ordering::Relaxed);
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = self.0.load(Ordering::Relaxed) as u64;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// The configured choice of a certificate, which sees the name that a client asks for and keeps it.
#[derive(Debug)]
struct Resolver {
    inner: Arc<dyn ResolvesServerCert>,
    name: OnceBox<String>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            // A client that is asked to say hello again says the same name.
            let _ = self.name.set(Box::new(name.to_string()));
        }
        self.inner.resolve(hello)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.inner.only_raw_public_keys()
    }
}
