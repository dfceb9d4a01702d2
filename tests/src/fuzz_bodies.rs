//! What the fuzz targets do with their bytes, as plain functions: the tests replay the corpus through them on stable.
//! Each panics when a law is broken.

pub use crate::framing::framed;
pub use crate::fuzz_bus::bus;
pub use crate::fuzz_deflate::deflate;
pub use crate::fuzz_journal::journal;
pub use crate::fuzz_mesh::mesh;
pub use crate::fuzz_tls::tls;
use crate::pair::{Pair, Play};
use crate::receiver::agree;
use crate::streams::cuts;
use core::time::Duration;
use std::sync::Arc;
use wharf::base::{Entropy, Input, Instant, Wall};
use wharf::http::{Config, Event, Request, Responder, Response, ResponseHead};
use wharf::sim::Dice;
use wharf::ws::handshake::{Acceptance, Client, ClientRequest, HandshakeError, Offer, Opened, ServerPolicy};
use wharf::ws::wire::header::{Decoded, decode, encode};
use wharf::ws::{Role, Url};

mod ways_in;
mod ways_out;

pub use ways_in::proxy_header;
pub use ways_out::{proxy, redirect};

const NOW: Instant = Instant::ORIGIN;
const WALL: Wall = Wall::from_millis(784_111_777_000);

/// A target: its name, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("bus", bus),
    ("deflate", deflate),
    ("header", header),
    ("framed", framed),
    ("frames", frames),
    ("handshake_client", handshake_client),
    ("handshake_server", handshake_server),
    ("http", http),
    ("journal", journal),
    ("mesh", mesh),
    ("pair", pair),
    ("proxy", proxy),
    ("proxy_header", proxy_header),
    ("redirect", redirect),
    ("tls", tls),
    ("url", url),
];

/// A frame's header: what is decoded is encoded the same, and every prefix asks for more or says the same.
pub fn header(data: &[u8]) {
    for from in [Role::Client, Role::Server] {
        let whole = decode(data, from);
        for cut in 0..data.len().min(15) {
            match (decode(&data[..cut], from), &whole) {
                (Ok(Decoded::Partial(size, _)), Ok(Decoded::Header(_, all))) => {
                    assert!(size > cut && size <= *all)
                }
                (Ok(Decoded::Partial(size, _)), _) => assert!(size > cut && size <= 14),
                (prefix, whole) => assert_eq!(prefix, *whole),
            }
        }
        if let Ok(Decoded::Header(header, size)) = whole {
            let mut again = Vec::new();
            encode(&mut again, header.fin, header.opcode, header.mask, header.len as usize);
            assert_eq!(again, data[..size]);
        }
    }
}

/// A stream of frames, cut as its first bytes say: the engine, cut and whole, hears what the naive receiver reads.
pub fn frames(data: &[u8]) {
    let Some((choices, stream)) = data.split_at_checked(8) else { return };
    let mut dice = Dice::replaying(choices);
    let role = dice.pick(&[Role::Server, Role::Client]);
    agree(stream, &cuts(&mut dice, stream.len(), 3), role);
}

/// A server's answer to a fixed request: one outcome, the same at any cut, and bytes behind it are left alone.
pub fn handshake_client(data: &[u8]) {
    let Some((at, answer)) = data.split_first() else { return };
    let whole = ask(&[answer]);
    let cut = usize::from(*at) % (answer.len() + 1);
    let (front, back) = answer.split_at(cut);
    assert_eq!(ask(&[front, back]), whole);
    if let (Some(Ok(opened)), rest) = &whole {
        assert!(opened.subprotocol.is_none() || opened.subprotocol.as_deref() == Some("wharf"));
        assert!(answer.ends_with(rest));
    }
}

/// The outcome, and the bytes that were left.
fn ask(pieces: &[&[u8]]) -> (Option<Result<Opened, HandshakeError>>, Vec<u8>) {
    let request =
        ClientRequest::new("ws://localhost/").and_then(|r| r.subprotocol("wharf")).expect("a request");
    let mut entropy = Entropy::from_seed([7; 32]);
    let mut client = Client::new(NOW, &request, &mut entropy, Duration::from_secs(10));
    let (mut outcome, mut rest) = (None, Vec::new());
    for piece in pieces {
        let mut bytes = piece.to_vec();
        let mut input = Input::new(&mut bytes);
        if outcome.is_none() {
            outcome = client.receive(NOW, &mut input);
        }
        rest.extend_from_slice(input.as_slice());
    }
    if !matches!(outcome, Some(Ok(_))) {
        rest.clear();
    }
    (outcome, rest)
}

/// A request's head, as one that asks for a WebSocket: accepted or refused, with an answer that is HTTP.
pub fn handshake_server(data: &[u8]) {
    let Ok(request) = Request::parse(data) else { return };
    let mut policy = ServerPolicy::default();
    policy.accept_first_subprotocol = data.len().is_multiple_of(2);
    policy.subprotocols = vec!["wharf".into()];
    match Offer::from_request(&request, &policy) {
        Ok(offer) => {
            assert!(request.method() == "GET" && request.headers().count("host") == 1);
            let answer = offer.accept(&Acceptance::default()).expect("an answer");
            let head = ResponseHead::parse(&answer).expect("HTTP");
            assert_eq!(head.status(), 101);
            assert_eq!(head.headers().count("sec-websocket-accept"), 1);
        }
        Err(refusal) => assert!(matches!(refusal.response().status(), 400 | 403 | 426)),
    }
}

/// A stream of requests, cut as the first byte says: the same requests and the same answers as whole.
pub fn http(data: &[u8]) {
    let Some((at, stream)) = data.split_first() else { return };
    let whole = serve(&[stream]);
    let (front, back) = stream.split_at(usize::from(*at) % (stream.len() + 1));
    assert_eq!(serve(&[front, back]), whole);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(serve(&bytes), whole);
}

/// Targets asked for, whether the connection closed, and all that was answered.
fn serve(pieces: &[&[u8]]) -> (Vec<String>, bool, Vec<u8>) {
    let mut responder = Responder::new(NOW, &Arc::new(Config::default()));
    let (mut targets, mut closed, mut written) = (Vec::new(), false, Vec::new());
    for piece in pieces {
        let mut bytes = piece.to_vec();
        let mut input = Input::new(&mut bytes);
        while let Some(event) = responder.receive(NOW, WALL, &mut input) {
            assert!(!closed, "an event behind the close report");
            match event {
                Event::Request(request) => {
                    targets.push(request.target().to_owned());
                    responder.respond(NOW, WALL, &Response::plain(404)).expect("it was asked");
                }
                _ => closed = true,
            }
            responder.output(NOW).drain_into(&mut written);
        }
        assert!(input.is_empty() || !responder.wants().read);
        responder.output(NOW).drain_into(&mut written);
    }
    (targets, closed, written)
}

/// A play and a schedule: what each step must keep, and an end in either way.
pub fn pair(data: &[u8]) {
    let mut dice = Dice::replaying(data);
    let (hasty, compressing) = (dice.percent(50), dice.percent(30));
    let play = match (hasty, compressing) {
        (true, _) => Play::hasty(&mut dice),
        (false, true) => Play::compressing(&mut dice),
        (false, false) => Play::any(&mut dice),
    };
    let mut pair = Pair::new(&play);
    while !dice.is_spent() {
        pair.step(&mut dice);
    }
    pair.settle();
    for side in &pair.sides {
        assert!(hasty || side.messages == play.questions, "lost or changed");
        assert!(hasty || side.connection.is_finished());
    }
    pair.wait();
}

/// An address: what is taken has a host, a port and a target that can stand in a request.
pub fn url(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let Ok(url) = Url::parse(text) else { return };
    assert!(!url.host().is_empty() && url.target().starts_with('/'));
    let clean = |text: &str| text.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    assert!(clean(url.target()) && clean(&url.authority()), "{url:?} would break a request's head");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_takes_nothing_and_noise() {
        for (_, body) in TARGETS {
            for seed in 0..300 {
                body(&Dice::seeded(seed).bytes(seed as usize % 64));
            }
        }
    }
}
