use super::*;
use std::format;
use std::string::ToString;

const GOOD: &str = "Host: a|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|Sec-WebSocket-Version: 13";

fn request(line: &str, fields: &str) -> Request {
    Request::parse(format!("{line}\r\n{}\r\n\r\n", fields.replace('|', "\r\n")).as_bytes()).unwrap()
}

fn check(fields: &str) -> Result<Offer, Refusal> {
    Offer::from_request(&request("GET / HTTP/1.1", fields), &ServerPolicy::default())
}

#[test]
fn odd_but_valid_forms() {
    assert!(check(GOOD).is_ok());
    assert!(
        check(&GOOD.to_ascii_uppercase().replace("DGHLIHNHBXBSZSBUB25JZQ==", "dGhlIHNhbXBsZSBub25jZQ=="))
            .is_ok()
    );
    assert!(
        check(&GOOD.replace("Connection: Upgrade", "Connection: keep-alive|Connection: x, upgrade")).is_ok()
    );
    assert!(check(&GOOD.replace("Upgrade: websocket", "Upgrade: h2c , WebSocket")).is_ok());
    assert!(check(&GOOD.replace("Version: 13", "Version:13  ")).is_ok());
}

#[test]
fn all_that_the_rfc_demands() {
    // RFC 6455 4.2.1: "the server MUST stop processing the client's handshake and return an HTTP response"
    // RFC 6455 4.2.2: "the server MUST abort the WebSocket handshake described in this section and instead"
    // RFC 6455 4.4: "If the server doesn't support the requested version, it MUST respond"
    // RFC 6455 7.2.2: "To do so, the server MUST simply _Close the WebSocket Connection_"
    // RFC 6455 9.1: "the recipient of such malformed data MUST immediately _Fail"
    for (from, to, refusal) in [
        ("Upgrade: websocket", "X: y", Refusal::NoUpgrade),
        ("Upgrade: websocket", "Upgrade: websockets", Refusal::NoUpgrade),
        ("Connection: Upgrade", "Connection: close", Refusal::NoConnectionUpgrade),
        ("Version: 13", "Version: 8", Refusal::Version),
        ("Version: 13", "Version: 13, 8", Refusal::Version),
        ("|Sec-WebSocket-Version: 13", "", Refusal::Version),
        (
            "|Sec-WebSocket-Version: 13",
            "|Sec-WebSocket-Version: 13|Sec-WebSocket-Version: 13",
            Refusal::Version,
        ),
        ("nonce", "x", Refusal::BadKey),
        ("ZQ==", "ZQ=", Refusal::BadKey),
        ("Sec-WebSocket-Key", "X", Refusal::BadKey),
        ("Host: a", "Host: a|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", Refusal::BadKey),
    ] {
        let fields = if from == "nonce" { GOOD.replace("dGhlIHNh", "dGhl") } else { GOOD.replace(from, to) };
        assert_eq!(check(&fields), Err(refusal), "{from} -> {to}");
    }
    let old = request("GET / HTTP/1.0", GOOD);
    assert_eq!(Offer::from_request(&old, &ServerPolicy::default()), Err(Refusal::NotGet));
    let head = request("HEAD / HTTP/1.1", GOOD);
    assert_eq!(Offer::from_request(&head, &ServerPolicy::default()), Err(Refusal::NotGet));
    let no_host = request("GET / HTTP/1.1", &GOOD.replace("Host: a", "Host:"));
    assert_eq!(Offer::from_request(&no_host, &ServerPolicy::default()), Err(Refusal::NoHost));
    let fields = |more: &str| check(&format!("{GOOD}|{more}"));
    assert_eq!(fields("Sec-WebSocket-Protocol: a b"), Err(Refusal::BadSubprotocol));
    assert_eq!(fields("Sec-WebSocket-Extensions: a;;b"), Err(Refusal::BadExtensions));
    assert!(Refusal::BadKey.response().closes() && !Refusal::NoUpgrade.response().closes());
    let response = Refusal::Version.response();
    assert_eq!(response.status(), 426);
    assert!(response.fields().any(|f| f == ("Sec-WebSocket-Version", "13")));
}

#[test]
fn origins_and_extensions() {
    // RFC 6455 4.2.2: "If the server does not wish to accept this connection, it MUST return"
    let from = |origin: &str| request("GET / HTTP/1.1", &format!("{GOOD}|Origin: {origin}"));
    let policy = ServerPolicy { origins: OriginPolicy::SameHost, ..ServerPolicy::default() };
    assert_eq!(Offer::from_request(&from("http://b"), &policy), Err(Refusal::Origin));
    assert_eq!(Refusal::Origin.response().status(), 403);
    assert!(Offer::from_request(&from("http://a"), &policy).is_ok());
    let offers = "Sec-WebSocket-Extensions: a; b=1|Sec-WebSocket-Extensions: c";
    let offer = check(&format!("{GOOD}|{offers}")).unwrap();
    let names: Vec<String> = offer.extensions().map(|extension| extension.name).collect();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn subprotocols_by_preference() {
    let fields = format!("{GOOD}|Sec-WebSocket-Protocol: c, b|Sec-WebSocket-Protocol: a");
    let request = request("GET / HTTP/1.1", &fields);
    let choose = |speaks: &[&str], first: bool| {
        let policy = ServerPolicy {
            subprotocols: speaks.iter().map(|s| s.to_string()).collect(),
            accept_first_subprotocol: first,
            ..ServerPolicy::default()
        };
        let offer = Offer::from_request(&request, &policy).unwrap();
        offer.subprotocol(&Acceptance::default()).map(String::from)
    };
    assert_eq!(choose(&["a", "b"], false).as_deref(), Some("a"));
    assert_eq!(choose(&["x"], false), None);
    assert_eq!(choose(&["x"], true).as_deref(), Some("c"));
}

#[cfg(feature = "deflate")]
#[test]
fn the_first_offer_of_compression_that_can_be_met_is_taken() {
    // RFC 6455 4.2.2: "specifically by selecting one or more of the values from the |Sec-WebSocket-Extensions|"
    // RFC 6455 4.2.2: "Extensions not listed by the client MUST NOT be listed"
    // RFC 6455 9: "A server MUST NOT respond with any extension not requested by the client"
    // RFC 6455 5.8: "MUST negotiate the use of any extensions during the opening handshake"
    // RFC 7692 5: "To accept the use of an offered PMCE, a server MUST include"
    // RFC 7692 5: "A server declining all offered PMCEs MUST NOT include"
    // RFC 7692 5: "if the PMCE will conflict with the extension on their use of the RSV1 bit"
    // RFC 7692 5: "if the PMCE will be applied to the output of the extension"
    // RFC 6455 11.3.2: "MUST NOT appear more than once in an HTTP response"
    let mut config = Config::default();
    let answer = |config: &Config, offers: &str| {
        let offer = check(&format!("{GOOD}|Sec-WebSocket-Extensions: {offers}")).unwrap();
        let offer = offer.with_extensions(config);
        let answer = String::from_utf8(offer.accept(&Acceptance::default()).unwrap()).unwrap();
        let value = answer.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
        assert_eq!(value.is_some(), offer.agreed().compresses());
        value.map(String::from)
    };
    assert_eq!(answer(&config, "permessage-deflate"), None, "not wanted");
    config.deflate = Some(Default::default());
    let alone = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let narrow = format!("{alone}; server_max_window_bits=9");
    for (offers, want) in [
        ("permessage-deflate", Some(alone)),
        ("x-webkit-deflate-frame", None),
        ("other, Permessage-Deflate", Some(alone)),
        ("permessage-deflate; server_max_window_bits=9, permessage-deflate", Some(&*narrow)),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", Some(alone)),
        ("permessage-deflate; what, permessage-deflate; server_max_window_bits=9", Some(&*narrow)),
        ("permessage-deflate|Sec-WebSocket-Extensions: permessage-deflate; what", Some(alone)),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; client_max_window_bits=1; client_max_window_bits=1", None),
    ] {
        assert_eq!(answer(&config, offers).as_deref(), want, "{offers}");
    }
}

#[test]
fn answers_that_cannot_be_are_refused() {
    // RFC 6455 4.2.2: "specifically by selecting one of the values from the |Sec-WebSocket-Protocol| field"
    // RFC 6455 11.3.3: "The |Sec-WebSocket-Accept| header MUST NOT appear more than once"
    let offer = check(GOOD).unwrap();
    let not_offered = offer.accept(&Acceptance::default().subprotocol("chat"));
    assert_eq!(not_offered, Err(AcceptError::SubprotocolNotOffered("chat".into())));
    for (name, value) in [("Upgrade", "x"), ("sec-websocket-accept", "x"), ("X", "a\r\nb"), ("b ad", "x")] {
        assert_eq!(
            offer.accept(&Acceptance::default().header(name, value)),
            Err(AcceptError::Header(name.into()))
        );
    }
    let answer = offer.accept(&Acceptance::default().header("X-A", "b")).unwrap();
    assert!(String::from_utf8(answer).unwrap().contains("\r\nX-A: b\r\n"));
}

#[test]
fn an_answer_says_what_it_must_and_nothing_that_was_not_asked_for() {
    // RFC 6455 4.2.2: "the server MUST complete the following steps to accept the connection"
    // RFC 6455 4.2.2: "it MUST reply with a valid HTTP response indicating the following"
    // RFC 6455 4.2.2: "it MUST NOT send back a |Sec-WebSocket-Protocol| header field"
    // RFC 6455 11.3.4: "the |Sec-WebSocket-Protocol| header field MUST NOT appear more than once"
    let bare = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let policy = ServerPolicy { subprotocols: Vec::from(["chat".into()]), ..ServerPolicy::default() };
    for (asked, line) in [
        ("", ""),
        ("|Sec-WebSocket-Protocol: superchat", ""),
        ("|Sec-WebSocket-Protocol: superchat, chat", "Sec-WebSocket-Protocol: chat\r\n"),
    ] {
        let request = request("GET / HTTP/1.1", &format!("{GOOD}{asked}"));
        let answer = Offer::from_request(&request, &policy).unwrap().accept(&Acceptance::default()).unwrap();
        let want = bare.replace("Sec-WebSocket-Accept", &format!("{line}Sec-WebSocket-Accept"));
        assert_eq!(String::from_utf8(answer).unwrap(), want, "{asked}");
    }
}
