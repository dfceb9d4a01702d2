//! How a link begins, and how it opens.

use super::forwarding::Provenance;
use super::record::{Call, Tape};
use super::stage::{Asking, Stage};
use super::way::Way;
use super::{Address, Config, Forwarding, Framing, Link, OpenError, Refused, Target, Welcome};
use crate::base::{End, Entropy, Instant, Wall};
use crate::framed;
use crate::http::{self, Request, Responder};
use crate::ws::handshake::{self, AcceptError, Acceptance, Offer};
use crate::ws::{self, Connection, Role};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

/// What differs between a client that stands alone and one that a hub's service dialed.
struct Dialing<'a> {
    ws: &'a Arc<ws::Config>,
    framed: &'a Arc<framed::Config>,
    /// How long opening may take.
    timeout: Duration,
}

impl Link {
    /// The server's side of a connection that was just accepted, with TLS if [`Config::tls`](super::Config) has it. Where
    /// [`Config::forwarding`](super::Config) matters it is [`accepted`](Self::accepted).
    #[must_use]
    pub fn server(now: Instant, wall: Wall, config: &Arc<Config>) -> Self {
        Self::from_peer(now, wall, config, None)
    }

    /// As [`server`](Self::server), from a peer that may be a trusted hop.
    #[must_use]
    pub fn accepted(now: Instant, wall: Wall, config: &Arc<Config>, peer: &Address) -> Self {
        let known = config.forwarding.as_deref().map(|forwarding| (forwarding, peer));
        Self::from_peer(now, wall, config, known)
    }

    fn from_peer(
        now: Instant,
        wall: Wall,
        config: &Arc<Config>,
        known: Option<(&Forwarding, &Address)>,
    ) -> Self {
        let mut stage = match &config.framing {
            Framing::WebSocket => Stage::http(now, wall, config),
            Framing::Codec(codec) => {
                Stage::Framed(framed::Connection::new(now, codec.clone(), &config.framed))
            }
        };
        if let (Stage::Http(answering), Some((forwarding, peer))) = (&mut stage, known) {
            answering.provenance = Provenance::of(peer, forwarding);
        }
        let has_header = known.is_some_and(|(forwarding, peer)| forwarding.has_header(peer));
        let mut way = Way::server(now, wall, config, has_header);
        if let Some(recorder) = &config.recorder {
            let tape = Tape::new(now, wall, config, recorder);
            way.get_or_insert_with(|| Way::nothing(now, wall)).tape = Some(Box::new(tape));
        }
        let mut link = Self::new(stage, way);
        link.handle_failure(now);
        link
    }

    /// The server's side of a connection that is not taken: its first request is answered by 503 with `Retry-After`, whatever
    /// it asks for, and that is all; nothing is handed up but `Closed`. One that asks for nothing has a second. The PROXY header of a
    /// trusted hop is passed over. Only where `can_turn_away` says that it can be told.
    pub(super) fn refused(now: Instant, wall: Wall, config: &Arc<Config>, peer: &Address) -> Self {
        const ASKING: Duration = Duration::from_secs(1);
        let mut http = http::Config::clone(&config.http);
        for timeout in [&mut http.open_timeout, &mut http.write_timeout, &mut http.close_timeout] {
            *timeout = ASKING.min(*timeout);
        }
        let http = Arc::new(http);
        let mut stage = Stage::http(now, wall, config);
        if let Stage::Http(answering) = &mut stage {
            answering.turns_away = true;
            answering.responder = Responder::new(now, &http);
        }
        let has_header = config.forwarding.as_ref().is_some_and(|forwarding| forwarding.has_header(peer));
        let brief = has_header.then(|| Config { http, ..Config::clone(config) });
        Self::new(stage, brief.and_then(|brief| Way::server(now, wall, &brief, true)))
    }

    /// The server's side of a connection of which an HTTP server took the first request: a WebSocket without TLS and PROXY
    /// header, whatever `config` has. Give it the head of the request, and that server the head of the answer. A peer that is not known
    /// is no trusted hop.
    #[must_use]
    pub fn behind_http(now: Instant, wall: Wall, config: &Arc<Config>, peer: Option<&Address>) -> Self {
        let mut stage = Stage::http(now, wall, config);
        if let (Stage::Http(answering), Some(forwarding), Some(peer)) = (&mut stage, &config.forwarding, peer)
        {
            answering.provenance = Provenance::of(peer, forwarding);
        }
        Self::new(stage, None)
    }

    /// The client's side of a connection that was just made, to where [`Config::hop`](super::Config::hop) says. `wall` is
    /// what the server's certificate is judged by.
    ///
    /// # Errors
    /// [`OpenError`], by what can be told before a byte is exchanged: TLS that is not there, a request that can't be made.
    pub fn client(
        now: Instant,
        wall: Wall,
        config: &Arc<Config>,
        target: &Target,
        entropy: Entropy,
    ) -> Result<Self, OpenError> {
        let dialing = Dialing { ws: &config.ws, framed: &config.framed, timeout: config.open_timeout };
        Self::to(now, wall, config, target, entropy, &dialing)
    }

    /// The client's side of a connection that a service dialed: dialing took a part of its time.
    pub(super) fn dialed(
        now: Instant,
        wall: Wall,
        config: &Arc<Config>,
        target: &Target,
        entropy: Entropy,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let dialing = Dialing { ws: &config.dialed, framed: &config.dialed_framed, timeout };
        Self::to(now, wall, config, target, entropy, &dialing)
    }

    fn to(
        now: Instant,
        wall: Wall,
        config: &Arc<Config>,
        target: &Target,
        mut entropy: Entropy,
        dialing: &Dialing<'_>,
    ) -> Result<Self, OpenError> {
        let stage = match (target.request(), &config.framing) {
            (None, Framing::Codec(codec)) => {
                Stage::Framed(framed::Connection::new(now, codec.clone(), dialing.framed))
            }
            (request, _) => {
                let request = request
                    .map_or_else(|| target.default_request().map(Cow::Owned), |r| Ok(Cow::Borrowed(r)))?;
                // RFC 6455 4.1: "it MUST open a connection, send an opening handshake"
                let client = handshake::Client::with_extensions(
                    now,
                    &request,
                    &mut entropy,
                    dialing.timeout,
                    dialing.ws,
                );
                let (ws, limit) = (dialing.ws.clone(), config.handshake_timeout);
                Stage::Asking(Box::new(Asking { client, entropy, ws, limit }))
            }
        };
        let close_timeout = match stage {
            Stage::Framed(_) => dialing.framed.close_timeout,
            _ => dialing.ws.close_timeout,
        };
        let way = Way::client(now, wall, config, target, dialing.timeout, close_timeout)?;
        let mut link = Self { is_client: true, ..Self::new(stage, way) };
        link.handle_failure(now);
        link.handle_turn_to_ask(now);
        Ok(link)
    }

    /// The time of a client's handshake begins when the way to the server is open.
    pub(super) fn handle_turn_to_ask(&mut self, now: Instant) {
        if let Stage::Asking(asking) = &mut self.stage
            && self.way.as_deref().is_none_or(Way::is_through)
            && let Some(limit) = asking.limit.take()
        {
            asking.client.limit(now, limit);
        }
    }

    fn new(stage: Stage, way: Option<Box<Way>>) -> Self {
        Self { stage, way, welcome: None, is_client: false, opened: false, over: false }
    }

    /// Whether the request is handed up: one for a WebSocket that the policy refuses is answered right here.
    pub(super) fn admit(&mut self, now: Instant, request: &Request) -> bool {
        let Stage::Http(answering) = &mut self.stage else { return false };
        if let Some(forwarding) = &answering.config.forwarding {
            answering.provenance.handle_request(request.headers(), forwarding);
        }
        if answering.turns_away {
            // Which of the limits it was is not the client's affair.
            let answer = Refused::TooMany.response(answering.config.retry_after);
            // As below.
            let _ = answering.respond(now, &answer);
            return false;
        }
        if !request.is_websocket() {
            answering.offer = None;
            return true;
        }
        match Offer::from_request(request, &answering.config.policy) {
            Ok(offer) => {
                answering.offer = Some(offer.with_extensions(&answering.config.ws));
                true
            }
            Err(refusal) => {
                // The request waits for an answer, so one can be given.
                let _ = answering.respond(now, &refusal.response());
                false
            }
        }
    }

    /// Accepts the request for a WebSocket that waits. What came behind it is taken as its first frames.
    ///
    /// # Errors
    /// [`AcceptError`] if `acceptance` asks for what cannot be; the request is answered by 500 then. Without such a
    /// request nothing happens.
    pub fn accept(&mut self, now: Instant, acceptance: &Acceptance) -> Result<(), AcceptError> {
        let call = self.to_record(|| Call::Accept(acceptance.clone()));
        let accepted = self.accept_offer(now, acceptance);
        self.record(now, call, &accepted);
        accepted
    }

    fn accept_offer(&mut self, now: Instant, acceptance: &Acceptance) -> Result<(), AcceptError> {
        let Stage::Http(answering) = &mut self.stage else { return Ok(()) };
        let Some(offer) = answering.offer.take().filter(|_| answering.responder.owes_answer()) else {
            return Ok(());
        };
        let answer = match offer.accept(acceptance) {
            Ok(answer) => answer,
            Err(e) => {
                answering.fail(now);
                return Err(e);
            }
        };
        let is_over = answering.responder.is_read_over();
        let (config, client) = (answering.config.clone(), answering.provenance.client);
        let mut head =
            core::mem::replace(&mut answering.responder, Responder::new(now, &config.http)).into_unwritten();
        head.extend_from_slice(&answer);
        let subprotocol = offer.subprotocol(acceptance).map(String::from);
        let entropy = Entropy::from_seed([0; 32]);
        if let Some(way) = &mut self.way {
            way.forget_machine();
        }
        let connection = Connection::new(now, Role::Server, &config.ws, entropy, &head);
        self.stage = Stage::Open(connection.with_extensions(offer.agreed()));
        self.welcome = Some(Box::new(Welcome { subprotocol, client, headers: http::Headers::default() }));
        if is_over {
            // The transport tells its end once, and told it to the responder.
            self.stage.receive_end(now, End::Eof);
        }
        Ok(())
    }

    /// A client's handshake is done.
    pub(super) fn open(&mut self, now: Instant, opened: handshake::Opened) {
        let Stage::Asking(asking) = &mut self.stage else { return };
        let entropy = asking.entropy.fork();
        if let Some(way) = &mut self.way {
            way.forget_machine();
        }
        let connection = Connection::client(now, &asking.ws, entropy).with_extensions(opened.agreed);
        self.stage = Stage::Open(connection);
        let (subprotocol, headers) = (opened.subprotocol, opened.headers);
        self.welcome = Some(Box::new(Welcome { subprotocol, headers, client: None }));
    }
}
