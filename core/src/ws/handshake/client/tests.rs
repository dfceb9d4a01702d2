use super::*;
use crate::base::Wall;
use crate::ws::handshake::RequestError;
use proptest::prelude::*;
use std::format;
use std::string::ToString;

const START: Instant = Instant::ORIGIN;

fn client() -> (Client, String) {
    let request =
        ClientRequest::new("ws://a/").unwrap().subprotocol("one").unwrap().subprotocol("two").unwrap();
    let mut client = Client::new(START, &request, &mut Entropy::from_seed([5; 32]), Duration::from_secs(10));
    let mut out = Vec::new();
    client.output(START).drain_into(&mut out);
    let head = String::from_utf8(client.accept.to_vec()).unwrap();
    let ok = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {head}\r\n\r\n"
    );
    (client, ok)
}

fn answer(change: impl Fn(&str) -> String) -> Result<Opened, HandshakeError> {
    let (mut client, ok) = client();
    let mut bytes = change(&ok).into_bytes();
    client.receive(START, &mut Input::new(&mut bytes)).expect("an outcome")
}

#[test]
fn any_cut_and_what_comes_behind() {
    let (_, ok) = client();
    for cut in 0..=ok.len() {
        let (mut client, _) = client();
        let mut all = [ok.as_bytes(), b"\x81\x02hi"].concat();
        let (a, b) = all.split_at_mut(cut);
        let mut input = Input::new(a);
        let first = client.receive(START, &mut input);
        let mut input = if first.is_some() { input } else { Input::new(b) };
        let outcome = first.or_else(|| client.receive(START, &mut input)).unwrap();
        assert_eq!(outcome.unwrap().subprotocol, None);
        assert_eq!(client.receive(START, &mut Input::new(&mut [])), None, "one outcome");
        if cut < ok.len() {
            assert_eq!(input.as_slice(), b"\x81\x02hi");
        }
    }
}

#[test]
fn odd_but_valid_forms() {
    let odd = |ok: &str| {
        let accept = ok.split("Accept: ").nth(1).unwrap().trim();
        format!(
            "HTTP/1.1 101 OK then\r\nupgrade:WebSocket\r\nCONNECTION: keep-alive, uPgrade\r\nX-Empty:\r\nsec-websocket-accept:\t{accept}  \r\nSec-WebSocket-Protocol: two\r\n\r\n"
        )
    };
    assert_eq!(answer(odd).unwrap().subprotocol.as_deref(), Some("two"));
}

#[test]
fn wrong_answers_are_named() {
    // RFC 6455 4.1: "The client MUST validate the server's response"
    // RFC 6455 4.1: "If the server's response does not conform to the requirements for the server's handshake"
    // RFC 6455 4.1: "If the response lacks an |Upgrade| header field"
    // RFC 6455 4.1: "If the response lacks a |Connection| header field"
    // RFC 6455 4.1: "If the response lacks a |Sec-WebSocket-Accept| header field"
    // RFC 6455 4.1: "this header field indicates the use of an extension that was not present"
    // RFC 6455 4.1: "indicates the use of a subprotocol that was not present in the client's handshake"
    // RFC 6455 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds"
    let with = |line: &str| answer(|ok| ok.replacen("\r\n", &format!("\r\n{line}\r\n"), 1));
    assert_eq!(with("Sec-WebSocket-Protocol: three"), Err(HandshakeError::Subprotocol("three".into())));
    assert_eq!(with("Sec-WebSocket-Extensions: x"), Err(HandshakeError::Extension("x".into())));
    assert_eq!(with("Sec-WebSocket-Extensions: \u{e9}"), Err(HandshakeError::Extension("\\xc3\\xa9".into())));
    let twice = with("Sec-WebSocket-Protocol: one\r\nSec-WebSocket-Protocol: two");
    assert_eq!(twice, Err(HandshakeError::Subprotocol("two".into())));
    assert!(matches!(with("Sec-WebSocket-Protocol: one, two"), Err(HandshakeError::Subprotocol(_))));
    assert_eq!(with("Upgrade: websocket"), Err(HandshakeError::Wrong("Upgrade")));
    let more = answer(|ok| ok.replace("Upgrade: websocket", "Upgrade: websocket, h2c"));
    assert_eq!(more, Err(HandshakeError::Wrong("Upgrade")));
    assert_eq!(with("Sec-WebSocket-Accept: x"), Err(HandshakeError::Wrong("Sec-WebSocket-Accept")));
    let without = |name: &str| answer(|ok| ok.replace(name, "X"));
    assert_eq!(without("Upgrade: websocket"), Err(HandshakeError::NotHttp(HeadError::Malformed)));
    assert_eq!(answer(|ok| ok.replace("Upgrade: websocket", "X: y")), Err(HandshakeError::Wrong("Upgrade")));
    assert_eq!(
        answer(|ok| ok.replace("Connection: Upgrade", "X: y")),
        Err(HandshakeError::Wrong("Connection"))
    );
    assert_eq!(without("Sec-WebSocket-Accept"), Err(HandshakeError::Wrong("Sec-WebSocket-Accept")));
    assert_eq!(answer(|ok| ok.replace("1.1", "1.0")), Err(HandshakeError::NotHttp(HeadError::Version)));
    assert!(matches!(answer(|_| "\0\u{1} garbage\r\n\r\n".to_string()), Err(HandshakeError::NotHttp(_))));
    // A fatal alert, unexpected_message, as servers of TLS answer to what is none.
    assert_eq!(answer(|_| "\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{a}".to_string()), Err(HandshakeError::Tls));
}

#[cfg(feature = "deflate")]
#[test]
fn an_extension_is_taken_as_it_was_offered_or_fails_the_handshake() {
    // RFC 6455 9.1: "the recipient of such malformed data MUST immediately _Fail"
    // RFC 6455 9.1: "MUST NOT use them unless the server indicates that it wishes to use"
    // RFC 7692 5: "To offer use of a PMCE, a client MUST include"
    // RFC 7692 5: "If a server gives an invalid response, such as accepting a PMCE"
    // RFC 7692 5: "A client that received a response accepting a PMCE"
    // RFC 7692 5: "A client that receives a response accepting a PMCE"
    // RFC 7692 7: "A client MUST _Fail the WebSocket Connection_ if the peer server accepted"
    let config = Config { deflate: Some(Default::default()), ..Config::default() };
    let ask = |fields: &[&str]| {
        let request = ClientRequest::new("ws://a/").unwrap();
        let entropy = &mut Entropy::from_seed([5; 32]);
        let mut client = Client::with_extensions(START, &request, entropy, Duration::from_secs(10), &config);
        let mut out = Vec::new();
        client.output(START).drain_into(&mut out);
        let offer = "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                     client_no_context_takeover; client_max_window_bits\r\n";
        assert!(String::from_utf8(out).unwrap().contains(offer));
        let (_, ok) = self::client();
        let fields: String =
            fields.iter().map(|value| format!("\r\nSec-WebSocket-Extensions: {value}")).collect();
        let mut bytes = ok.replacen("\r\n", &format!("{fields}\r\n"), 1).into_bytes();
        client.receive(START, &mut Input::new(&mut bytes)).unwrap().map(|opened| opened.agreed.compresses())
    };
    let good = "permessage-deflate; server_no_context_takeover";
    assert_eq!(ask(&[]), Ok(false));
    assert_eq!(ask(&[""]), Ok(false));
    assert_eq!(ask(&[good]), Ok(true));
    assert_eq!(
        ask(&["permessage-deflate;server_no_context_takeover;client_max_window_bits=\"10\""]),
        Ok(true)
    );
    for bad in [
        "permessage-deflate",
        "permessage-bzip2",
        "permessage-deflate; server_no_context_takeover; what",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=7",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover, x",
        "permessage-deflate server_no_context_takeover",
    ] {
        assert_eq!(ask(&[bad]), Err(HandshakeError::Extension(bad.into())));
    }
    assert!(matches!(ask(&[good, good]), Err(HandshakeError::Extension(_))), "answered twice");
}

#[test]
fn refusals_keep_status_headers_and_the_bodys_begin() {
    let refused = |text: &str| match answer(|_| text.to_string()) {
        Err(HandshakeError::Refused(refused)) => *refused,
        other => panic!("{other:?}"),
    };
    let got = refused("HTTP/1.1 403 No\r\nX-Why: policy\r\nContent-Length: 4\r\n\r\nnope");
    assert_eq!((got.status, got.headers.get("x-why"), &got.body[..]), (403, Some("policy"), &b"nope"[..]));
    let long = format!("HTTP/1.1 500 No\r\nContent-Length: 9000\r\n\r\n{}", "x".repeat(9000));
    assert_eq!(refused(&long).body.len(), 4096);
    let (mut client, _) = client();
    let mut bytes = b"HTTP/1.1 404 No\r\n\r\nuntil the end".to_vec();
    assert_eq!(client.receive(START, &mut Input::new(&mut bytes)), None);
    client.receive_end(START, End::Eof);
    let Some(Err(HandshakeError::Refused(refused))) = client.receive(START, &mut Input::new(&mut [])) else {
        panic!()
    };
    assert_eq!(refused.body, b"until the end");
}

#[test]
fn a_chunked_refusal_ends_with_its_last_chunk() {
    let text = "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyou\r\n4\r\n not\r\n0\r\n\r\n";
    for cut in 0..text.len() - 2 {
        let (mut client, _) = client();
        let (mut a, mut b) = (text.as_bytes()[..cut].to_vec(), text.as_bytes()[cut..].to_vec());
        assert_eq!(client.receive(START, &mut Input::new(&mut a)), None);
        let Some(Err(HandshakeError::Refused(refused))) = client.receive(START, &mut Input::new(&mut b))
        else {
            panic!("cut at {cut}")
        };
        assert_eq!((&refused.body[..], refused.body_is_whole), (&b"you not"[..], true));
    }
}

#[test]
fn a_refusal_is_told_at_the_deadline_with_what_came() {
    let (mut client, _) = client();
    let mut bytes = b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nwait".to_vec();
    assert_eq!(client.receive(START, &mut Input::new(&mut bytes)), None);
    let due = client.poll_timeout().unwrap();
    client.handle_timeout(due);
    let Some(Err(error)) = client.receive(due, &mut Input::new(&mut [])) else { panic!() };
    assert!(error.is_retryable());
    let HandshakeError::Refused(refused) = error else { panic!() };
    assert_eq!((&refused.body[..], refused.body_is_whole), (&b"wait"[..], false));
}

#[test]
fn interim_answers_are_passed_over_up_to_a_point() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    assert!(answer(|ok| format!("{interim}{ok}")).is_ok());
    assert_eq!(answer(|ok| format!("{}{ok}", interim.repeat(5))), Err(HandshakeError::OutOfTurn));
}

#[test]
fn an_answer_before_the_request_is_out_of_turn() {
    let (_, ok) = client();
    let request = ClientRequest::new("ws://a/").unwrap();
    let mut client = Client::new(START, &request, &mut Entropy::from_seed([5; 32]), Duration::from_secs(1));
    let mut bytes = ok.into_bytes();
    let outcome = client.receive(START, &mut Input::new(&mut bytes));
    assert_eq!(outcome, Some(Err(HandshakeError::OutOfTurn)));
}

#[test]
fn a_success_wants_nothing_more() {
    let (mut client, ok) = client();
    let mut bytes = ok.into_bytes();
    assert!(client.receive(START, &mut Input::new(&mut bytes)).unwrap().is_ok());
    assert_eq!((client.wants(), client.poll_timeout()), (Wants::default(), None));
}

#[test]
fn fresh_fields_are_asked_with_or_fail_the_attempt() {
    let fresh = |value: &'static str| {
        let request = ClientRequest::new("ws://a/").unwrap();
        let request = request.headers_with(move || Vec::from([("X".into(), value.into())]));
        let mut client =
            Client::new(START, &request, &mut Entropy::from_seed([5; 32]), Duration::from_secs(1));
        let mut out = Vec::new();
        client.output(START).drain_into(&mut out);
        (client, String::from_utf8(out).unwrap())
    };
    assert!(fresh("y").1.ends_with("\r\nX: y\r\n\r\n"));
    let (mut client, out) = fresh("a\nb");
    let error = HandshakeError::Request(RequestError::Header("X".into()));
    assert!(out.is_empty() && !error.is_retryable());
    assert_eq!(client.receive(START, &mut Input::default()), Some(Err(error)));
    assert_eq!((client.poll_timeout(), client.wants().shutdown), (None, Some(Shutdown::Both)));
}

#[test]
fn ends_and_deadline() {
    // RFC 6455 7.2.1: "To do so, the client MUST _Fail the WebSocket Connection_ as defined"
    let (mut late, _) = client();
    let due = START + Duration::from_secs(10);
    assert_eq!(late.poll_timeout(), Some(due));
    late.handle_timeout(due);
    assert_eq!(late.receive(due, &mut Input::new(&mut [])), Some(Err(HandshakeError::TimedOut)));
    assert_eq!((late.poll_timeout(), late.wants().shutdown), (None, Some(Shutdown::Both)));
    let (mut cut, _) = client();
    cut.receive_end(START, End::Eof);
    assert_eq!(cut.receive(START, &mut Input::new(&mut [])), Some(Err(HandshakeError::Ended(End::Eof))));
}

#[test]
fn a_limit_gives_a_handshake_more_time_or_one_that_is_over_a_deadline() {
    let (mut asking, _) = client();
    let by = |seconds| START + Duration::from_secs(seconds);
    asking.limit(START, Duration::from_secs(11));
    assert_eq!(asking.poll_timeout(), Some(by(10)), "the time for all of it is no longer");
    asking.limit(by(1), Duration::from_secs(2));
    assert_eq!(asking.poll_timeout(), Some(by(3)));
    asking.abort(by(1));
    asking.limit(by(1), Duration::from_secs(1));
    assert_eq!(asking.poll_timeout(), None);
}

/// Outcome, what the client wants after it, and what it left in the input, for an answer cut into pieces.
fn outcome_of(bytes: &[u8], length: usize) -> (Option<Result<Opened, HandshakeError>>, Wants, Vec<u8>) {
    let (mut client, _) = client();
    let mut bytes = bytes.to_vec();
    let (mut outcome, mut left) = (None, Vec::new());
    for piece in bytes.chunks_mut(length.max(1)) {
        let mut input = Input::new(piece);
        match client.receive(START, &mut input) {
            Some(_) if outcome.is_some() => panic!("a second outcome"),
            None => {}
            some => outcome = some,
        }
        left.extend_from_slice(input.as_slice());
    }
    (outcome, client.wants(), left)
}

proptest! {
    #[test]
    fn any_split_gives_the_same(
        pieces in prop::collection::vec(0..9usize, 1..5),
        lengths in prop::collection::vec(1..70usize, 1..4),
    ) {
        let (_, ok) = client();
        let parts = [
            &*ok, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nbody\r\n", "0\r\n\r\n", "\x01\x02hi", "\0",
            "HTTP/1.1 101 x\nUpgrade: websocket\r\n",
        ];
        let bytes: Vec<u8> = pieces.into_iter().flat_map(|i| parts[i].bytes()).collect();
        let whole = outcome_of(&bytes, bytes.len());
        for length in lengths.into_iter().chain([1]) {
            let cut = outcome_of(&bytes, length);
            prop_assert_eq!((&cut.0, &cut.1), (&whole.0, &whole.1));
            if matches!(whole.0, Some(Ok(_))) {
                prop_assert_eq!(&cut.2, &whole.2);
            }
        }
    }
}

/// What waits to be written has a password in it.
#[test]
fn no_password_is_shown() {
    let request = ClientRequest::with_basic_auth("ws://user:secret@a/").unwrap();
    let client =
        Client::new(Instant::ORIGIN, &request, &mut Entropy::from_seed([7; 32]), Duration::from_secs(1));
    let shown = std::format!("{client:?}");
    assert!(
        !shown.contains("Basic") && !shown.contains("dXNlcjpzZWNyZXQ") && !shown.contains("secret"),
        "{shown}"
    );
}

/// 401 and 403 stay what they are however often one asks; 429 and 503 say when to ask again, in seconds or by a date.
#[test]
fn refusals_say_whether_and_when_to_ask_again() {
    let wall = Wall::from_millis(784_111_770_000);
    let secs = |secs| Some(Duration::from_secs(secs));
    for (status, field, retryable, after) in [
        (401, "Retry-After: 5", false, None),
        (403, "Retry-After: 5", false, None),
        (404, "Retry-After: 5", false, None),
        (429, "Retry-After: 5", true, secs(5)),
        (503, "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", true, secs(7)),
        (503, "Retry-After: Sun, 06 Nov 1994 08:00:00 GMT", true, secs(0)),
        (503, "X: y", true, None),
    ] {
        let head = format!("HTTP/1.1 {status} No\r\n{field}\r\nContent-Length: 3\r\n\r\nwhy");
        let error = answer(|_| head.clone()).unwrap_err();
        assert_eq!((error.is_retryable(), error.retry_after(wall)), (retryable, after), "{head}");
    }
    assert_eq!(HandshakeError::TimedOut.retry_after(wall), None);
}

#[test]
fn a_refusal_whose_body_is_cut_is_told_with_what_came_of_it() {
    // Without a length the body ends where the stream does, and at no other end of it.
    for (length, end, is_whole) in [
        ("Content-Length: 10\r\n", End::Reset, false),
        ("Content-Length: 10\r\n", End::Eof, false),
        ("", End::Reset, false),
        ("", End::Eof, true),
    ] {
        let (mut client, _) = client();
        let mut bytes = std::format!("HTTP/1.1 403 Forbidden\r\n{length}\r\nabc").into_bytes();
        assert_eq!(client.receive(START, &mut Input::new(&mut bytes)), None);
        client.receive_end(START, end);
        let Some(Err(HandshakeError::Refused(refused))) = client.receive(START, &mut Input::new(&mut []))
        else {
            panic!("no refusal after {end}")
        };
        assert_eq!((refused.status, &refused.body[..], refused.body_is_whole), (403, &b"abc"[..], is_whole));
    }
}
