use super::*;
use crate::http::HeadError;
use crate::proxy::{ProxyRefusal, SocksReply};
use proptest::prelude::*;
use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec::Vec;

const START: Instant = Instant::ORIGIN;
const TIMEOUT: Duration = Duration::from_secs(10);

type Outcome = Option<Result<(), ProxyError>>;

fn tunnel(proxy: &str, host: &str, port: u16) -> Tunnel {
    Tunnel::new(START, &Proxy::parse(proxy).unwrap(), host, port, TIMEOUT)
}

fn written(tunnel: &mut Tunnel) -> Vec<u8> {
    let mut out = Vec::new();
    tunnel.output(START).drain_into(&mut out);
    out
}

/// What is said at each step, and the outcome; a step is written out before the next answer comes.
fn run(tunnel: &mut Tunnel, answers: &[&[u8]]) -> (Vec<Vec<u8>>, Outcome) {
    let mut said = Vec::from([written(tunnel)]);
    let mut outcome = None;
    for answer in answers {
        let mut bytes = answer.to_vec();
        outcome = outcome.or(tunnel.receive(START, &mut Input::new(&mut bytes)));
        said.push(written(tunnel));
    }
    (said, outcome)
}

fn connect(answer: &str) -> Outcome {
    run(&mut tunnel("http://p", "a", 80), &[answer.as_bytes()]).1
}

fn refusal(outcome: Outcome) -> ProxyRefusal {
    match outcome {
        Some(Err(ProxyError::Refused(refusal) | ProxyError::AuthRequired(refusal))) => *refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn connect_names_the_target_and_logs_in() {
    for (proxy, host, port, request) in [
        ("http://p", "A.b", 443, "CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443\r\n\r\n"),
        ("http://p", "::1", 80, "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
        (
            "http://us%40er:p%3Aq@p",
            "1.2.3.4",
            1,
            "CONNECT 1.2.3.4:1 HTTP/1.1\r\nHost: 1.2.3.4:1\r\nProxy-Authorization: Basic dXNAZXI6cDpx\r\n\r\n",
        ),
    ] {
        assert_eq!(String::from_utf8(written(&mut tunnel(proxy, host, port))).unwrap(), request);
    }
}

#[test]
fn any_success_opens_and_has_no_body() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 Connection established\r\nProxy-agent: x\r\n\r\n",
        "HTTP/1.1 204\r\n\r\n",
        "HTTP/1.1 299 x\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1, 2\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let mut tunnel = tunnel("http://p", "a", 80);
        written(&mut tunnel);
        let mut bytes = [head.as_bytes(), b"\0behind"].concat();
        let mut input = Input::new(&mut bytes);
        assert_eq!(tunnel.receive(START, &mut input), Some(Ok(())), "{head}");
        assert_eq!(tunnel.receive(START, &mut input), None, "one outcome");
        assert_eq!(input.as_slice(), b"\0behind");
        assert_eq!((tunnel.wants(), tunnel.poll_timeout()), (Wants::default(), None));
        tunnel.receive_end(START, End::Eof);
        tunnel.handle_timeout(START + TIMEOUT);
        assert_eq!(tunnel.receive(START, &mut input), None, "an end is the next one's business");
    }
}

#[test]
fn refusals_keep_status_headers_and_the_bodys_begin() {
    let got = refusal(connect("HTTP/1.1 403 No\r\nX-Why: policy\r\nContent-Length: 4\r\n\r\nnope"));
    assert_eq!((got.status, got.headers.get("x-why"), &got.body[..]), (403, Some("policy"), &b"nope"[..]));
    assert!(got.body_is_whole);
    let got = refusal(connect(&format!("HTTP/1.1 502 x\r\n\r\n{}", "x".repeat(9000))));
    assert_eq!((got.body.len(), got.body_is_whole), (4096, false));
    let (mut cut, mut late) = (tunnel("http://p", "a", 80), tunnel("http://p", "a", 80));
    for tunnel in [&mut cut, &mut late] {
        assert_eq!(run(tunnel, &[b"HTTP/1.1 503 x\r\n\r\nuntil ", b"the end"]).1, None);
    }
    cut.receive_end(START, End::Eof);
    let got = refusal(cut.receive(START, &mut Input::default()));
    assert_eq!((&got.body[..], got.body_is_whole), (&b"until the end"[..], true));
    late.handle_timeout(late.poll_timeout().unwrap());
    let got = refusal(late.receive(START, &mut Input::default()));
    assert_eq!((&got.body[..], got.body_is_whole), (&b"until the end"[..], false));
    assert_eq!(late.wants().shutdown, Some(Shutdown::Both));
}

#[test]
fn a_login_is_wanted_or_was_wrong() {
    for status in [401, 407] {
        let answer = format!(
            "HTTP/1.1 {status} x\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"
        );
        let without = run(&mut tunnel("http://p", "a", 80), &[answer.as_bytes()]).1;
        assert!(matches!(&without, Some(Err(ProxyError::AuthRequired(_)))), "{without:?}");
        assert_eq!(refusal(without).headers.get("proxy-authenticate"), Some("Basic realm=\"x\""));
        let with = run(&mut tunnel("http://u:p@p", "a", 80), &[answer.as_bytes()]).1;
        assert!(
            matches!(&with, Some(Err(ProxyError::AuthFailed(Some(refusal)))) if refusal.status == status),
            "{with:?}"
        );
    }
}

#[test]
fn what_is_no_answer_to_connect() {
    for (answer, error) in [
        ("SSH-2.0-x\r\n\r\n", ProxyError::NotHttp(HeadError::Version)),
        ("HTTP/2.0 200 x\r\n\r\n", ProxyError::NotHttp(HeadError::Version)),
        ("\x05\0", ProxyError::NotHttp(HeadError::Malformed)),
        ("HTTP/1.1 200 x\n\n", ProxyError::NotHttp(HeadError::Malformed)),
        ("HTTP/1.1 101 x\r\n\r\n", ProxyError::OutOfTurn),
        (&"HTTP/1.1 100 x\r\n\r\n".repeat(9), ProxyError::OutOfTurn),
    ] {
        assert_eq!(connect(answer), Some(Err(error)), "{}", answer.escape_debug());
    }
    let mut early = tunnel("http://p", "a", 80);
    let mut bytes = b"HTTP/1.1 200 x\r\n\r\n".to_vec();
    assert_eq!(early.receive(START, &mut Input::new(&mut bytes)), Some(Err(ProxyError::OutOfTurn)));
    assert_eq!(written(&mut early), b"", "nothing leaves once it is over");
}

#[test]
fn socks_greets_logs_in_and_asks() {
    let open: &[u8] = b"\x05\0\0\x01\x7f\0\0\x01\0\x50";
    let (said, outcome) = run(&mut tunnel("socks5://p", "a.b", 443), &[b"\x05\0", open]);
    assert_eq!((&said[0][..], &said[1][..]), (&b"\x05\x01\0"[..], &b"\x05\x01\0\x03\x03a.b\x01\xbb"[..]));
    assert_eq!(outcome, Some(Ok(())));
    let (said, outcome) =
        run(&mut tunnel("socks5h://us%40er:@p", "1.2.3.4", 80), &[b"\x05\x02", b"\x01\0", open]);
    assert_eq!((&said[0][..], &said[1][..]), (&b"\x05\x02\0\x02"[..], &b"\x01\x05us@er\0"[..]));
    assert_eq!((&said[2][..], outcome), (&b"\x05\x01\0\x01\x01\x02\x03\x04\0\x50"[..], Some(Ok(()))));
    let (said, outcome) = run(&mut tunnel("socks5://u:p@p", "[::1]", 80), &[b"\x05\0", open]);
    assert_eq!(said[1], [b"\x05\x01\0\x04", &[0; 15][..], b"\x01\0\x50"].concat());
    assert_eq!(outcome, Some(Ok(())), "a login that is not wanted is not sent");
}

#[test]
fn socks_replies_of_each_length_leave_what_is_behind() {
    let name = [&[3, 255][..], &[b'a'; 255]].concat();
    for address in [&b"\x01abcd"[..], b"\x04abcdefghijklmnop", b"\x03\0", b"\x03\x01x", &name] {
        let mut tunnel = tunnel("socks5://p", "a", 80);
        run(&mut tunnel, &[b"\x05\0"]);
        let mut bytes = [b"\x05\0\x7f", address, b"\x12\x34\x05\0behind"].concat();
        let mut input = Input::new(&mut bytes);
        assert_eq!(tunnel.receive(START, &mut input), Some(Ok(())), "{}", address.escape_ascii());
        assert_eq!(input.as_slice(), b"\x05\0behind");
    }
}

#[test]
fn every_socks_failure_has_its_name() {
    let of = |proxy: &str, answers: &[&[u8]]| match run(&mut tunnel(proxy, "a", 80), answers).1 {
        Some(Err(error)) => error,
        other => panic!("{other:?}"),
    };
    for code in 1..=255 {
        let error = of("socks5://p", &[b"\x05\0", &[5, code]]);
        assert_eq!(error, ProxyError::Socks(SocksReply::from(code)), "told without an address");
        assert_eq!(error.is_retryable(), matches!(code, 1 | 3..=6), "{code}");
    }
    for (proxy, answers, error) in [
        ("socks5://p", &[&b"\x05\xff"[..]][..], ProxyError::NoAcceptableMethod),
        ("socks5://p", &[b"\x05\x02"], ProxyError::NotSocks("method")),
        ("socks5://u@p", &[b"\x05\x01"], ProxyError::NotSocks("method")),
        ("socks5://p", &[b"HTTP/1.1 400 x"], ProxyError::NotSocks("version")),
        ("socks5://p", &[b"\x04\0"], ProxyError::NotSocks("version")),
        ("socks5://u@p", &[b"\x05\x02", b"\x01\x01"], ProxyError::AuthFailed(None)),
        ("socks5://p", &[b"\x05\0", b"\x04\0"], ProxyError::NotSocks("version")),
        ("socks5://p", &[b"\x05\0", b"\x05\0\0\x02abcdef"], ProxyError::NotSocks("address type")),
        ("socks5://p", &[b"\x05\0\x05"], ProxyError::OutOfTurn),
    ] {
        assert_eq!(of(proxy, answers), error);
        assert!(!error.is_retryable());
    }
    let mut early = tunnel("socks5://p", "a", 80);
    assert_eq!(early.receive(START, &mut Input::new(&mut [5, 0])), Some(Err(ProxyError::OutOfTurn)));
}

#[test]
fn ends_deadlines_and_targets_that_are_none() {
    for proxy in ["http://p", "socks5://p"] {
        let mut late = tunnel(proxy, "a", 80);
        assert_eq!(late.poll_timeout(), Some(START + TIMEOUT));
        late.handle_timeout(START + (TIMEOUT - Duration::from_nanos(1)));
        assert_eq!(late.receive(START, &mut Input::default()), None, "too early");
        late.handle_timeout(START + TIMEOUT);
        assert_eq!(late.receive(START, &mut Input::default()), Some(Err(ProxyError::TimedOut)));
        let mut cut = tunnel(proxy, "a", 80);
        cut.receive_end(START, End::Reset);
        cut.abort(START);
        assert_eq!(cut.receive(START, &mut Input::default()), Some(Err(ProxyError::Ended(End::Reset))));
        assert_eq!((cut.wants().read, cut.wants().shutdown), (false, Some(Shutdown::Both)));
        let mut given_up = tunnel(proxy, "a", 80);
        given_up.abort(START);
        assert_eq!(given_up.receive(START, &mut Input::default()), Some(Err(ProxyError::Aborted)));
        for (host, port) in [("", 80), ("a\r\nX: y", 80), ("a:1", 80), ("a", 0), (&*"a".repeat(254), 80)] {
            let mut none = tunnel(proxy, host, port);
            assert_eq!(none.receive(START, &mut Input::default()), Some(Err(ProxyError::Target)), "{host}");
            assert_eq!(written(&mut none), b"");
        }
    }
}

#[test]
fn passwords_are_not_shown() {
    for proxy in ["http://user:secret@p", "socks5://user:secret@p"] {
        let mut tunnel = tunnel(proxy, "a", 80);
        let asking = format!("{tunnel:?}");
        run(&mut tunnel, &[]);
        tunnel.receive(START, &mut Input::new(&mut b"\x05\x02".to_vec()));
        let waiting = format!("{tunnel:?}");
        // As text, as bytes, and as the bytes of its Base64.
        for secret in ["secret", "115, 101, 99, 114", "100, 88, 78, 108"] {
            assert!(!asking.contains(secret) && !waiting.contains(secret), "{asking} {waiting}");
        }
    }
}

/// Outcome and rest, for answers that each come in pieces of `length` and are answered before the next one.
fn outcome_of(proxy: &str, answers: &[Vec<u8>], length: usize) -> (Outcome, Wants, Vec<u8>, Vec<u8>) {
    let mut tunnel = tunnel(proxy, "a", 80);
    let (mut outcome, mut left, mut said) = (None, Vec::new(), Vec::new());
    for answer in answers {
        tunnel.output(START).drain_into(&mut said);
        let mut answer = answer.clone();
        for piece in answer.chunks_mut(length.max(1)) {
            let mut input = Input::new(piece);
            match tunnel.receive(START, &mut input) {
                Some(_) if outcome.is_some() => panic!("a second outcome"),
                None => {}
                some => outcome = some,
            }
            left.extend_from_slice(input.as_slice());
        }
    }
    if !matches!(outcome, Some(Ok(()))) {
        left.clear();
    }
    (outcome, tunnel.wants(), left, said)
}

proptest! {
    #[test]
    fn any_split_gives_the_same(
        socks in any::<bool>(),
        pieces in prop::collection::vec(prop::collection::vec(0..8usize, 1..3), 1..5),
        length in 1..40usize,
    ) {
        let http: [&[u8]; 8] = [
            b"HTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nabc",
            b"HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n", b"4\r\nbody\r\n", b"0\r\n\r\n", b"\x01\x02hi",
            b"HTTP/1.1 200 x\nX",
        ];
        let replies: [&[u8]; 8] = [
            b"\x05\x02", b"\x05\0", b"\x01\0", b"\x05\0\0\x01abcd\0\x50", b"\x05\0\0\x03\x02ab\0\x50", b"\x05\x04\0",
            b"\x05\0\0\x04abcdefghijklmnop\0\x50", b"\xff",
        ];
        let (proxy, parts) = if socks { ("socks5://u:p@p", replies) } else { ("http://p", http) };
        let answers: Vec<Vec<u8>> =
            pieces.iter().map(|answer| answer.iter().flat_map(|i| parts[*i].to_vec()).collect()).collect();
        let whole = outcome_of(proxy, &answers, usize::MAX);
        for length in [1, length] {
            prop_assert_eq!(&outcome_of(proxy, &answers, length), &whole);
        }
    }

    #[test]
    fn noise_never_opens_and_never_panics(noise in prop::collection::vec(any::<u8>(), 0..600)) {
        for proxy in ["http://p", "socks5://u:p@p"] {
            let mut answers = noise.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
            answers.push(noise.clone());
            let outcome = outcome_of(proxy, &answers, 7).0;
            prop_assert!(outcome != Some(Ok(())) || noise.first() == Some(&5));
        }
    }

    #[test]
    fn http_reads_no_further_than_its_head(behind in prop::collection::vec(any::<u8>(), 0..50)) {
        let answer = [&b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n"[..], &behind].concat();
        let (outcome, _, left, _) = outcome_of("http://p", &[answer], usize::MAX);
        prop_assert_eq!((outcome, left), (Some(Ok(())), behind));
    }
}

#[test]
fn only_some_statuses_are_worth_a_retry() {
    for (status, retry) in [(408, true), (429, true), (500, true), (504, true), (403, false), (404, false)] {
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
        let refused = ProxyError::Refused(Box::new(refusal(connect(&head))));
        assert_eq!(refused.is_retryable(), retry, "{status}");
    }
}
