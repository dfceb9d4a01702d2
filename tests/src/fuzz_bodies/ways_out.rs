//! Ways out: tunnels through proxies, and redirects.

use super::NOW;
use core::time::Duration;
use wharf::base::{End, Entropy, Input};
use wharf::http::Request;
use wharf::proxy::{Proxy, ProxyError, Tunnel};
use wharf::ws::Url;
use wharf::ws::handshake::{Client, ClientRequest, Redirects};

const TIMEOUT: Duration = Duration::from_secs(10);

/// What parts the answers of a SOCKS proxy, each of which waits for the next question.
const TURN: &[u8] = b"||";

/// A proxy's answers, of the kind that the first byte chooses and cut as the second says: one outcome, the same at any
/// cut, the same questions, and bytes behind the last answer are left alone.
pub fn proxy(data: &[u8]) {
    let [kind, at, answers @ ..] = data else { return };
    let url =
        ["http://proxy", "http://u:p@proxy", "socks5://proxy", "socks5://u:p@proxy"][usize::from(*kind) % 4];
    let answers: Vec<&[u8]> = match url.starts_with("socks5") {
        true => turns(answers),
        false => vec![answers],
    };
    let whole = tunnel(url, &answers, usize::MAX);
    assert_eq!(tunnel(url, &answers, 1), whole);
    assert_eq!(tunnel(url, &answers, usize::from(*at) + 1), whole);
}

/// Outcome, what was asked, and the bytes that were left of the answer that opened the tunnel.
fn tunnel(url: &str, answers: &[&[u8]], length: usize) -> (Result<(), ProxyError>, Vec<u8>, Vec<u8>) {
    let proxy = Proxy::parse(url).expect("a proxy");
    let mut tunnel = Tunnel::new(NOW, &proxy, "a.example", 443, TIMEOUT);
    let (mut asked, mut rest) = (Vec::new(), Vec::new());
    for answer in answers {
        tunnel.output(NOW).drain_into(&mut asked);
        let mut bytes = answer.to_vec();
        let mut outcome = None;
        for piece in bytes.chunks_mut(length) {
            let mut input = Input::new(piece);
            if outcome.is_none() {
                outcome = tunnel.receive(NOW, &mut input);
            }
            assert!(outcome.is_some() || input.is_empty(), "it waits for more");
            rest.extend_from_slice(input.as_slice());
        }
        if let Some(outcome) = outcome {
            assert!(!tunnel.wants().read && !tunnel.wants().write && tunnel.poll_timeout().is_none());
            assert_eq!(tunnel.wants().shutdown.is_some(), outcome.is_err());
            assert!(outcome.is_err() || answer.ends_with(&rest));
            if outcome.is_err() {
                rest.clear();
            }
            return (outcome, asked, rest);
        }
    }
    tunnel.receive_end(NOW, End::Eof);
    let outcome = tunnel.receive(NOW, &mut Input::default()).expect("an end is an outcome");
    assert!(outcome.is_err());
    (outcome, asked, rest)
}

fn turns(mut data: &[u8]) -> Vec<&[u8]> {
    let mut turns = Vec::new();
    while let Some(at) = data.windows(TURN.len()).position(|window| window == TURN) {
        turns.push(&data[..at]);
        data = &data[at + TURN.len()..];
    }
    turns.push(data);
    turns
}

/// A base URL, a line end, and answers to requests, each of which may redirect: what is asked next is never less
/// protected, stays a valid request, and takes no secret to another host.
pub fn redirect(data: &[u8]) {
    let end = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (base, answers) = data.split_at(end);
    let Some(first) = core::str::from_utf8(base).ok().and_then(|url| ClientRequest::new(url).ok()) else {
        return;
    };
    let mut request = first.header("Authorization", "secret").expect("a field");
    let home = request.url().clone();
    let mut bytes = answers.get(1..).unwrap_or_default().to_vec();
    let (mut input, mut redirects, mut left) = (Input::new(&mut bytes), Redirects::limited(4), false);
    while !input.is_empty() {
        let mut client = Client::new(NOW, &request, &mut Entropy::from_seed([7; 32]), TIMEOUT);
        let mut asked = Vec::new();
        client.output(NOW).drain_into(&mut asked);
        let head = Request::parse(&asked).expect("a request that can be parsed");
        left |= request.url().host() != home.host();
        assert!(!left || head.headers().count("authorization") == 0, "a secret for {:?}", request.url());
        let outcome = client.receive(NOW, &mut input).or_else(|| {
            client.receive_end(NOW, End::Eof);
            client.receive(NOW, &mut Input::default())
        });
        let Some(Err(error)) = outcome else { return };
        let Ok(Some(next)) = redirects.follow(&request, &error) else { return };
        assert!(next.url().is_secure() || !request.url().is_secure(), "a downgrade");
        assert_eq!(Url::parse(&next.url().to_string()).as_ref(), Ok(next.url()));
        request = next;
    }
    assert!(redirects.followed() <= 4);
}
