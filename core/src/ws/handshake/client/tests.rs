use super::*;
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
    let with = |line: &str| answer(|ok| ok.replacen("\r\n", &format!("\r\n{line}\r\n"), 1));
    assert_eq!(with("Sec-WebSocket-Protocol: three"), Err(HandshakeError::Subprotocol("three".into())));
    assert_eq!(with("Sec-WebSocket-Extensions: x"), Err(HandshakeError::Extension("x".into())));
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
fn ends_and_deadline() {
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
