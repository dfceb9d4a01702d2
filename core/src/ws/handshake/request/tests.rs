use super::*;
use crate::http::{Request, Version};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn plain() -> ClientRequest {
    ClientRequest::new("ws://a:81/x").unwrap()
}

fn written(request: &ClientRequest) -> String {
    let (bytes, _) = request.encode(&mut Entropy::from_seed([0; 32]), None);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_cannot_be_asked_is_refused() {
    // RFC 6455 4.1: "The elements that comprise this value MUST be non-empty strings"
    for (name, value) in [
        ("Host", "a, b"),
        ("Host", ""),
        ("upgrade", "h2c"),
        ("Connection", "close"),
        ("Connection", "keep-alive"),
        ("Sec-WebSocket-Key", "x"),
        ("Sec-WebSocket-Version", "8"),
        ("Sec-WebSocket-Extensions", "x"),
        ("Content-Length", "0"),
        ("a b", "x"),
        ("", "x"),
        ("X", "a\r\nb"),
    ] {
        assert_eq!(plain().header(name, value), Err(RequestError::Header(name.into())), "{name}: {value}");
    }
    assert!(plain().header("Host", "b").unwrap().header("Host", "b").is_err());
    assert!(plain().subprotocol("a,b").is_err());
    assert!(plain().subprotocol("a").unwrap().header("Sec-WebSocket-Protocol", "b, a").is_err());
}

#[test]
fn fields_of_the_handshake_may_agree() {
    let fields = [
        ("Host", "b"),
        ("upgrade", "WebSocket"),
        ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Protocol", "p, q"),
        ("X", "y"),
    ];
    let request =
        fields.into_iter().fold(plain(), |request, (name, value)| request.header(name, value).unwrap());
    assert_eq!(
        written(&request),
        "GET /x HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: p, q\r\nX: y\r\n\r\n"
    );
}

/// What is asked is parsed by the server's own parser.
#[test]
fn a_request_says_all_that_makes_it_one() {
    // RFC 6455 4.1: "The handshake MUST be a valid HTTP request"
    // RFC 6455 4.1: "The method of the request MUST be GET"
    // RFC 6455 4.1: "part of the request MUST match the /resource name/"
    // RFC 6455 4.1: "The request MUST contain a |Host| header field"
    // RFC 6455 4.1: "The request MUST contain an |Upgrade| header field"
    // RFC 6455 4.1: "The request MUST contain a |Connection| header field"
    // RFC 6455 4.1: "The request MUST include a header field with the name |Sec-WebSocket-Key|"
    // RFC 6455 11.3.1: "The |Sec-WebSocket-Key| header field MUST NOT appear more than once"
    // RFC 6455 4.1: "The request MUST include a header field with the name |Sec-WebSocket-Version|"
    // RFC 6455 4.1: "The value of this header field MUST be 13"
    // RFC 6455 11.3.5: "the |Sec-WebSocket-Version| header field MUST NOT appear more than once"
    // RFC 6455 4.1: "MUST be a nonce consisting of a randomly selected 16-byte value"
    // RFC 6455 4.1: "The nonce MUST be selected randomly for each connection"
    let mut entropy = Entropy::from_seed([1; 32]);
    let mut keys = alloc::collections::BTreeSet::new();
    for (url, target, host) in [
        ("ws://a.example", "/", "a.example"),
        ("ws://a.example:80/x?y=z", "/x?y=z", "a.example"),
        ("wss://a.example:443?q", "/?q", "a.example"),
        ("wss://a.example:80/x", "/x", "a.example:80"),
        ("ws://[::1]:81/", "/", "[::1]:81"),
    ] {
        let request = ClientRequest::new(url).unwrap().subprotocol("a").unwrap().subprotocol("b").unwrap();
        let (bytes, accept) = request.encode(&mut entropy, Some("permessage-deflate"));
        assert!(bytes.starts_with(b"GET ") && !bytes.windows(2).any(|pair| pair == b"\n\n"), "{url}");
        let asked = Request::parse(&bytes).unwrap();
        assert_eq!((asked.method(), asked.version(), asked.target()), ("GET", Version::Http11, target));
        let headers = asked.headers();
        for (name, value) in [
            ("Host", host),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", "a, b"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ] {
            assert_eq!(headers.only(name), Some(value), "{url}: {name}");
        }
        let key = headers.only("Sec-WebSocket-Key").unwrap();
        assert!(key::is_valid(key) && accept == key::accept(key));
        keys.insert(String::from(key));
    }
    assert_eq!(keys.len(), 5, "each attempt has a key of its own");
}

#[test]
fn user_info_is_refused_or_basic_and_never_shown() {
    assert_eq!(ClientRequest::new("ws://u@a"), Err(UrlError::UserInfo.into()));
    for (url, basic) in [("ws://us%40er:p@a", "dXNAZXI6cA=="), ("ws://u@a", "dTo=")] {
        let request = ClientRequest::with_basic_auth(url).unwrap();
        let line = format!("\r\nAuthorization: Basic {basic}\r\n");
        assert!(written(&request).contains(&line), "{url}");
        assert!(!format!("{request:?}").contains(basic) && !format!("{request:?}").contains('@'));
        assert!(request.header("authorization", "x").is_err());
    }
}

#[test]
fn basic_auth_is_checked_and_comes_once() {
    let request = plain().basic_auth("us@er", "p:q").unwrap();
    assert!(written(&request).contains("\r\nAuthorization: Basic dXNAZXI6cDpx\r\n"));
    assert!(request.basic_auth("a", "b").is_err());
    assert_eq!(ClientRequest::with_basic_auth("ws://a/"), ClientRequest::new("ws://a/"), "nobody is named");
    for (user, password) in [("a:b", ""), ("a\n", ""), ("a", "\0")] {
        assert_eq!(plain().basic_auth(user, password), Err(RequestError::Credentials));
    }
}
