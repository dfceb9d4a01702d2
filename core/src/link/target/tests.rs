use super::*;
use crate::ws::handshake;

#[test]
fn texts_both_ways() {
    for text in
        ["ws://a/", "wss://a:81/x?y", "tcp://a:1", "tls://[::1]:70", "unix:/a b", "tcp://127.0.0.1:80"]
    {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
}

#[test]
fn faults_are_named() {
    let error = |text: &str| text.parse::<Target>().unwrap_err();
    assert_eq!(error("http://a"), TargetError::Scheme("http://a".into()));
    assert_eq!(error("unix:"), TargetError::NoPath);
    assert_eq!(error("ws://"), TargetError::Request(UrlError::Host.into()));
    assert_eq!(error("tcp://u@a:1"), TargetError::HostPort("a:1".into()));
    for rest in ["a", "a:", "a:0", "a:1/", "a:1/x", "[::1]", ":1", "a:1?q"] {
        assert_eq!(error(&alloc::format!("tcp://{rest}")), TargetError::HostPort(rest.into()));
    }
}

#[test]
fn several_addresses_are_told() {
    let addresses = ["192.0.2.1:80", "[2001:db8::1]:80"].map(|a| a.parse::<Address>().unwrap());
    let target = Target::tcp("a", 1).at_any(addresses.clone());
    assert_eq!(target.to_string(), "tcp://a:1 at 192.0.2.1:80, [2001:db8::1]:80");
    assert_eq!((target.address(), target.addresses()), (addresses.first(), &addresses[..]));
    assert_eq!(target.at_any([]), Target::tcp("a", 1));
}

#[test]
fn a_websocket_is_asked_for_where_nothing_was_said() {
    for (text, url) in
        [("tcp://a:1", "ws://a:1/"), ("unix:/x", "ws://localhost/"), ("tls://[::1]:443", "wss://[::1]/")]
    {
        let request = text.parse::<Target>().unwrap().default_request().unwrap();
        assert_eq!(request.url().to_string(), url);
    }
}

#[test]
fn no_fault_tells_a_password() {
    for text in [
        "tcp://u:secret@a:1",
        "tls://u:secret@a",
        "http://u:secret@a/b@c",
        "u:secret@a",
        "wsss:u:secret@a",
        "ws://u:secret@a/",
    ] {
        let error = text.parse::<Target>().unwrap_err();
        assert!(!alloc::format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

fn redirect(location: &str) -> OpenError {
    let head = alloc::format!("HTTP/1.1 307 x\r\nLocation: {location}\r\n\r\n");
    let headers = crate::http::ResponseHead::parse(head.as_bytes()).unwrap().headers().clone();
    let body = Vec::new();
    let refused = handshake::RefusedBy { status: 307, headers, body, body_is_whole: true };
    handshake::HandshakeError::Refused(alloc::boxed::Box::new(refused)).into()
}

#[test]
fn a_redirect_never_leaves_tls_that_the_url_does_not_name() {
    let request = ClientRequest::new("ws://a/").unwrap();
    let target = Target::from(request).at(Address::Unix("/x".into())).over_tls("name");
    let redirected = |location| target.redirected(&mut Redirects::limited(1), &redirect(location)).unwrap();
    let next = redirected("/there").unwrap();
    assert_eq!((next.host(), next.is_secure(), next.address()), ("name", true, target.address()));
    assert_eq!(redirected("ws://b/").unwrap_err(), RedirectError::Downgrade.into());
    assert!(redirected("wss://b/").unwrap().address().is_none());
}

/// Credentials go along to the same host and port: that must be the same place then.
#[test]
fn a_redirect_to_the_same_authority_stays_at_its_address() {
    let at = Address::Unix("/x".into());
    let target = Target::from(ClientRequest::new("ws://a/b").unwrap()).at(at.clone());
    for (location, address) in [
        ("/c", Some(&at)),
        ("ws://a/c", Some(&at)),
        ("ws://a:81/c", None),
        ("wss://a/c", None),
        ("//b/c", None),
    ] {
        let next = target.redirected(&mut Redirects::limited(1), &redirect(location)).unwrap().unwrap();
        assert_eq!(next.address(), address, "{location}");
    }
}
