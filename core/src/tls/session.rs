//! One TLS session: what it holds back, what it has sealed, how it ends.

use super::machine::{Machine, Step, Work};
use super::{ClientConfig, ServerConfig, TlsError};
use crate::base::{End, Output, Wall, Wire};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// A TLS session of either side, as a stage: [`open`](Self::open) takes what came from the transport and appends what it
/// says, [`seal`](Self::seal) takes a machine's output and returns the output that goes to the transport.
///
/// The handshake runs by itself: a client has bytes to write from the start. Call anything at any time; write while
/// [`wants_write`](Self::wants_write). It holds at most one cut record of ciphertext (18 KiB), 64 KiB in the middle of a
/// handshake message, and 64 KiB and a record of sealed output; at rest neither.
///
/// ```standalone_crate
/// use wharf::base::{Engine, Input, Instant, Message, Wall};
/// use wharf::tls::{ClientConfig, ServerConfig, Session};
/// use wharf::ws;
///
/// let (now, wall) = (Instant::ORIGIN, Wall::from_millis(1_800_000_000_000));
/// let root = include_bytes!("testdata/root.pem");
/// let (chain, key) = (include_bytes!("testdata/server.pem"), include_bytes!("testdata/server.key"));
/// let config = ClientConfig::builder().roots_pem(root).build().unwrap();
/// let mut client = Session::client(&config, "localhost", wall).unwrap();
/// let mut server = Session::server(&ServerConfig::from_pem(chain, key).unwrap(), wall).unwrap();
/// let mut machines = [0; 2].map(|_| ws::Connection::server(now, &ws::Config::default().into()));
/// machines[0].send(now, Message::text("ahoy")).unwrap();
///
/// let mut heard = Vec::new();
/// for _ in 0..4 {
///     let (mut there, mut back) = (Vec::new(), Vec::new());
///     client.seal(machines[0].output(now)).drain_into(&mut there);
///     server.open(wall, &mut there, &mut heard);
///     server.seal(machines[1].output(now)).drain_into(&mut back);
///     client.open(wall, &mut back, &mut Vec::new());
/// }
/// assert_eq!(server.server_name(), Some("localhost"));
/// assert_eq!(heard, b"\x81\x04ahoy");
/// // The goodbye goes out behind all that was said.
/// client.close();
/// client.seal(machines[0].output(now)).drain_into(&mut Vec::new());
/// assert!(client.has_sent_close() && !client.peer_closed());
/// ```
pub struct Session {
    machine: Machine,
    /// Ciphertext that the machine has not discarded: a cut record, or the pieces of a handshake message. Bounded by
    /// [`Session::HELD`]; a peer that makes it hold more is failed.
    held: Vec<u8>,
    wire: Wire,
    /// The first bytes that came, as many as tell whether they are TLS.
    first: [u8; 2],
    first_len: u8,
    closing: bool,
    close_sent: bool,
    peer_closed: bool,
    failure: Option<Box<TlsError>>,
}

impl Session {
    /// Most ciphertext that is held: a handshake message may be as large, over any number of records.
    const HELD: usize = 64 * 1024;
    /// Nothing more is sealed while this much waits for the transport.
    const AHEAD: usize = 64 * 1024;
    /// Plaintext of one record (RFC 8446 section 5.1).
    const RECORD: usize = 16 * 1024;

    /// A client's session with the server that is called `server_name`, a DNS name or an IP address without brackets:
    /// the name that its certificate must be for.
    ///
    /// # Errors
    /// [`TlsError::InvalidName`], or [`TlsError::Local`] without randomness.
    pub fn client(config: &ClientConfig, server_name: &str, wall: Wall) -> Result<Self, TlsError> {
        let mut session = Self::new(Machine::client(config, server_name, wall)?);
        // The first message is there from the start.
        session.run(&mut [], Work::Nothing, &mut Vec::new());
        Ok(session)
    }

    /// A server's session.
    ///
    /// # Errors
    /// [`TlsError::Local`] if the configuration cannot be used.
    pub fn server(config: &ServerConfig, wall: Wall) -> Result<Self, TlsError> {
        Ok(Self::new(Machine::server(config, wall)?))
    }

    fn new(machine: Machine) -> Self {
        Self {
            machine,
            held: Vec::new(),
            wire: Wire::new(),
            first: [0; 2],
            first_len: 0,
            closing: false,
            close_sent: false,
            peer_closed: false,
            failure: None,
        }
    }

    /// Opens what came from the transport and appends what it says to `plain`, no more than came and was held. All of
    /// `cipher` is taken; its contents are of no use afterwards. What belongs to the handshake is answered on the wire,
    /// so ask [`wants_write`](Self::wants_write) then.
    ///
    /// Once the session has failed or the peer has closed, what comes is thrown away.
    pub fn open(&mut self, wall: Wall, cipher: &mut [u8], plain: &mut Vec<u8>) {
        if cipher.is_empty() || self.is_deaf() {
            return;
        }
        self.machine.set_wall(wall);
        self.note_first(cipher);
        let mut joined = core::mem::take(&mut self.held);
        if joined.is_empty() {
            let used = self.run(cipher, Work::Nothing, plain);
            joined = cipher[used..].to_vec();
        } else {
            joined.extend_from_slice(cipher);
            let used = self.run(&mut joined, Work::Nothing, plain);
            if used > 0 {
                joined = joined[used..].to_vec();
            }
        }
        if self.is_deaf() {
            return;
        }
        if joined.len() > Self::HELD {
            return self.fail(TlsError::HandshakeTooLarge { limit: Self::HELD });
        }
        self.held = joined;
    }

    /// Seals the output of the machine behind this session, as far as it may run ahead of the transport, and returns the
    /// output for the transport in its place. What is sealed counts as unwritten for the machine until the transport
    /// took the records that carry it.
    ///
    /// Before the handshake is done nothing is sealed, but its own bytes are shown.
    pub fn seal<'a>(&'a mut self, mut output: Output<'a>) -> Output<'a> {
        while self.may_seal() && self.wire.len() < Self::AHEAD {
            let sealed = self.seal_record(&output);
            if sealed == 0 {
                break;
            }
            output.sealed(sealed);
            self.wire.carries(sealed);
        }
        if self.closing && self.may_seal() && output.slices(&mut [&[]]) == 0 {
            self.close_sent = self.work(Work::Close);
        }
        output.over(&mut self.wire)
    }

    /// Whether [`seal`](Self::seal) has something for the transport, given whether the machine behind has bytes to
    /// write. Never true when nothing can be made of them yet.
    #[must_use]
    pub fn wants_write(&self, inner_has_bytes: bool) -> bool {
        !self.wire.is_empty() || (self.may_seal() && (inner_has_bytes || self.closing))
    }

    /// Ends our side by a `close_notify` (RFC 8446 section 6.1), behind all that the machine has to say. What the peer
    /// still says is opened as before. Further calls do nothing. In a handshake there is nothing to end, and it waits.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Whether our `close_notify` has been sealed.
    #[must_use]
    pub fn has_sent_close(&self) -> bool {
        self.close_sent
    }

    /// Whether nothing keeps the transport from being shut: the transport took our `close_notify`, or the alert of a
    /// failure, or the handshake was never done and so there is none.
    #[must_use]
    pub fn is_close_written(&self) -> bool {
        self.wire.is_empty() && (self.close_sent || self.failure.is_some() || self.is_handshaking())
    }

    /// Whether the peer's `close_notify` came: for the machine behind that is the end of stream, whether or not the
    /// transport's comes as well.
    #[must_use]
    pub fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    /// Judges an end of the transport: an end of stream without the peer's `close_notify` is
    /// [`Truncated`](End::Truncated), since anybody on the way can make one. After a failure it is what it is.
    #[must_use]
    pub fn judge_end(&self, end: End) -> End {
        if end == End::Eof && !self.is_deaf() { End::Truncated } else { end }
    }

    /// Why the session failed. Nothing is opened or sealed any more; an alert may still be on the wire.
    #[must_use]
    pub fn failure(&self) -> Option<&TlsError> {
        self.failure.as_deref()
    }

    /// Whether the handshake is not done. Stays true if it failed.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.machine.is_handshaking()
    }

    /// Forgets which bytes of a machine are on the wire: to be called when another machine takes the place of the one
    /// behind this session. The bytes still go out.
    pub fn forget_credits(&mut self) {
        self.wire.forget_credits();
    }

    /// Sealed bytes that the transport has not taken.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.wire.len()
    }

    /// Ciphertext that waits for the rest of its record or message, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// The application protocol that was agreed on (ALPN).
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.machine.alpn()
    }

    /// At a server, the name that the client asked for (SNI); `None` at a client, and if it asked for none.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.machine.server_name()
    }

    /// The certificates that the peer showed, in DER, its own first. None from a client that was not asked.
    pub fn peer_certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.machine.peer_certificates()
    }

    /// The version's name, such as `TLSv1_3`, for logs.
    #[must_use]
    pub fn protocol_version(&self) -> Option<&'static str> {
        self.machine.version()
    }

    /// The cipher suite's name, for logs.
    #[must_use]
    pub fn cipher_suite(&self) -> Option<&'static str> {
        self.machine.cipher_suite()
    }

    /// Whether the handshake resumed an earlier session.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.machine.is_resumed()
    }

    /// Whether what comes is thrown away.
    fn is_deaf(&self) -> bool {
        self.failure.is_some() || self.peer_closed
    }

    /// Not before the peer is known, though a server could already write: it might be to a client without a certificate.
    fn may_seal(&self) -> bool {
        self.failure.is_none() && !self.close_sent && !self.machine.is_handshaking()
    }

    /// Seals the front of `output`, one record, and returns how much. A header and its payload would be two if they were
    /// not joined.
    fn seal_record(&mut self, output: &Output<'_>) -> usize {
        let mut pieces: [&[u8]; 16] = [&[]; 16];
        let filled = output.slices(&mut pieces);
        let first = pieces[0];
        let record = match filled > 1 && first.len() < Self::RECORD {
            false => Cow::Borrowed(&first[..first.len().min(Self::RECORD)]),
            true => {
                let mut joined = Vec::new();
                for piece in &pieces[..filled] {
                    joined.extend_from_slice(&piece[..piece.len().min(Self::RECORD - joined.len())]);
                }
                Cow::Owned(joined)
            }
        };
        if !record.is_empty() && self.work(Work::Seal(&record)) { record.len() } else { 0 }
    }

    /// Does `work`, if that is possible.
    fn work(&mut self, work: Work<'_>) -> bool {
        // The machine may have its finger in the middle of what is held, and panics without it.
        let mut held = core::mem::take(&mut self.held);
        // Opening went as far as it could, so nothing more is opened here.
        let (used, done) = self.turn(&mut held, work, &mut Vec::new());
        if self.failure.is_none() {
            held.drain(..used);
            self.held = held;
        }
        done
    }

    fn run(&mut self, held: &mut [u8], work: Work<'_>, plain: &mut Vec<u8>) -> usize {
        self.turn(held, work, plain).0
    }

    /// Lets the machine go on until it stands still. Returns how much of `held` is done with, and whether `work` was done.
    fn turn(&mut self, held: &mut [u8], work: Work<'_>, plain: &mut Vec<u8>) -> (usize, bool) {
        let mut from = 0;
        loop {
            let (discard, step) = self.machine.step(&mut held[from..], work, plain, self.wire.tail());
            from += discard;
            match step {
                Step::Again => {}
                Step::PeerClosed => self.peer_closed = true,
                Step::Done => return (from, true),
                Step::Rest => return (from, false),
                Step::Failed(error) => {
                    // Behind our close_notify nothing is said any more, not even what was wrong.
                    if !self.close_sent {
                        self.fetch_alert(&mut held[from..]);
                    }
                    self.fail(error);
                    return (from, false);
                }
            }
        }
    }

    /// The machine is broken, and asked for nothing but its last words: any more input would be worked on.
    fn fetch_alert(&mut self, held: &mut [u8]) {
        let (mut from, mut plain) = (0, Vec::new());
        while self.machine.owes_message() {
            let (discard, step) =
                self.machine.step(&mut held[from..], Work::Nothing, &mut plain, self.wire.tail());
            from += discard;
            if !matches!(step, Step::Again) {
                break;
            }
        }
    }

    fn fail(&mut self, error: TlsError) {
        let error = if self.speaks_tls() { error } else { TlsError::NotTls };
        self.failure.get_or_insert(Box::new(error));
        self.held = Vec::new();
    }

    fn note_first(&mut self, cipher: &[u8]) {
        for &byte in cipher {
            let Some(place) = self.first.get_mut(usize::from(self.first_len)) else { return };
            *place = byte;
            self.first_len += 1;
        }
    }

    /// A record begins with its type, of which there are four, and the version's major number (RFC 8446 section 5.1).
    fn speaks_tls(&self) -> bool {
        matches!(self.first[..usize::from(self.first_len)], [] | [20..=23] | [20..=23, 3])
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("server", &self.machine.is_server())
            .field("handshaking", &self.is_handshaking())
            .field("held", &self.held.len())
            .field("queued", &self.wire.len())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
