use super::*;
use crate::base::{End, Entropy};
use crate::http::ResponseHead;
use crate::ws::handshake::RefusedBy;
use proptest::prelude::*;
use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec::Vec;

fn answer(status: u16, fields: &str) -> HandshakeError {
    let head = format!("HTTP/1.1 {status} x\r\n{fields}\r\n");
    let headers = ResponseHead::parse(head.as_bytes()).unwrap().headers().clone();
    HandshakeError::Refused(Box::new(RefusedBy { status, headers, body: Vec::new(), body_is_whole: true }))
}

fn to(location: &str) -> HandshakeError {
    answer(302, &format!("Location: {location}\r\n"))
}

fn request(url: &str) -> ClientRequest {
    ClientRequest::new(url).unwrap()
}

/// A request with all that a redirect may take away, set and made afresh.
fn laden(url: &str) -> ClientRequest {
    let fields = [
        ("Host", "front.example"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", "one, two"),
        ("authorization", "Bearer secret"),
        ("Cookie", "id=secret"),
        ("Proxy-Authorization", "Basic secret"),
        ("X-Kept", "y"),
    ];
    let laden = fields.into_iter().fold(request(url), |r, (name, value)| r.header(name, value).unwrap());
    laden.headers_with(|| {
        let fields = [("cookie", "fresh=secret"), ("X-Fresh", "z"), ("Proxy-authorization", "Fresh secret")];
        fields.map(|(name, value)| (name.into(), value.into())).into()
    })
}

fn next(url: &str, location: &str) -> ClientRequest {
    Redirects::limited(1).follow(&laden(url), &to(location)).unwrap().unwrap()
}

fn written(request: &ClientRequest) -> String {
    let (bytes, _) = request.attempt().unwrap().encode(&mut Entropy::from_seed([0; 32]), None);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn secrets_stay_at_their_origin() {
    for (from, location, kept) in [
        ("ws://a/x", "/y", true),
        ("ws://a/x", "ws://A:80/y", true),
        ("wss://a/x", "https://a/y", true),
        ("ws://a/x", "wss://a/y", true),
        ("ws://a/x", "wss://a:80/y", false),
        ("ws://a/x", "wss://a:8443/y", false),
        ("ws://a:8080/x", "wss://a/y", false),
        ("ws://a/x", "ws://a:81/y", false),
        ("ws://a/x", "ws://b/y", false),
        ("ws://a/x", "//a.b/y", false),
        ("ws://a/x", "wss://b/y", false),
        ("wss://a/x", "wss://a:80/y", false),
        ("wss://a:80/x", "wss://a/y", false),
    ] {
        let head = written(&next(from, location));
        assert_eq!(head.contains("secret"), kept, "{from} to {location}: {head}");
        if kept {
            assert_eq!(head.matches("secret").count(), 5, "{head}");
        }
        assert!(head.starts_with("GET /y HTTP/1.1\r\nHost: "), "{head}");
        for line in ["Sec-WebSocket-Protocol: one, two\r\n", "X-Kept: y\r\n", "X-Fresh: z\r\n"] {
            assert!(head.contains(line), "{head}");
        }
        assert!(!head.contains("front.example") && !head.contains("dGhlIHNhbXBsZSBub25jZQ=="), "{head}");
    }
}

#[test]
fn secrets_do_not_come_back() {
    let mut redirects = Redirects::limited(3);
    let away = redirects.follow(&laden("ws://a/"), &to("ws://b/")).unwrap().unwrap();
    let back = redirects.follow(&away, &to("ws://a/")).unwrap().unwrap();
    let there = redirects.follow(&back, &to("/there")).unwrap().unwrap();
    assert!(!written(&there).contains("secret"), "{}", written(&there));
    assert_eq!(redirects.followed(), 3);
}

#[test]
fn user_and_password_of_the_url_are_secrets_too() {
    let request = ClientRequest::with_basic_auth("ws://user:secret@a/").unwrap();
    let mut redirects = Redirects::limited(2);
    let here = redirects.follow(&request, &to("x")).unwrap().unwrap();
    assert!(written(&here).contains("Authorization: Basic") && here.url().user_info().is_none());
    let away = redirects.follow(&here, &to("ws://b/")).unwrap().unwrap();
    assert!(!written(&away).contains("Authorization"));
}

#[test]
fn only_redirects_are_followed_and_only_if_wanted() {
    let request = request("ws://a/");
    for status in [300, 304, 305, 306, 400, 401, 403, 500] {
        let answer = answer(status, "Location: ws://b/\r\n");
        assert_eq!(Redirects::limited(9).follow(&request, &answer), Ok(None), "{status}");
    }
    for status in [301, 302, 303, 307, 308] {
        let answer = answer(status, "Location: ws://b/\r\n");
        let next = Redirects::limited(1).follow(&request, &answer).unwrap().unwrap();
        assert_eq!(next.url().host(), "b", "{status}");
        for mut none in [Redirects::none(), Redirects::default()] {
            assert_eq!((none.follow(&request, &answer), none.followed()), (Ok(None), 0));
        }
    }
    let ended = HandshakeError::Ended(End::Eof);
    assert_eq!(Redirects::limited(9).follow(&request, &ended), Ok(None));
}

#[test]
fn what_must_not_be_followed_is_named() {
    let follow = |from: &str, answer| Redirects::limited(9).follow(&request(from), &answer).unwrap_err();
    assert_eq!(follow("wss://a/", to("http://a/")), RedirectError::Downgrade);
    assert_eq!(follow("wss://a/", to("ws://b/")), RedirectError::Downgrade);
    assert_eq!(follow("ws://a/", answer(301, "")), RedirectError::NoLocation);
    let two = answer(301, "Location: /x\r\nLocation: /y\r\n");
    assert_eq!(follow("ws://a/", two), RedirectError::NoLocation);
    for (location, error) in [
        ("ftp://b/", UrlError::Scheme),
        ("http://", UrlError::Host),
        ("ws://u:p@b/", UrlError::UserInfo),
        ("ws://b:0/", UrlError::Port),
        ("/a b", UrlError::Character),
    ] {
        assert_eq!(follow("ws://a/", to(location)), RedirectError::BadLocation(error), "{location}");
    }
}

#[test]
fn a_circle_ends_at_the_limit() {
    let (mut redirects, mut at) = (Redirects::limited(4), request("ws://a/"));
    for i in 0..4 {
        at = redirects.follow(&at, &to(&format!("ws://{i}/"))).unwrap().unwrap();
    }
    assert_eq!(redirects.follow(&at, &to("ws://a/")), Err(RedirectError::TooMany { limit: 4 }));
    assert_eq!(redirects.follow(&at, &answer(404, "")), Ok(None), "an answer all the same");
}

proptest! {
    /// Whatever stands in a Location: a target that can be asked for, never a downgrade, no secret for another host.
    #[test]
    fn any_location_is_safe(
        from in prop::sample::select(&["ws://a/x/y?z", "wss://a:8443/x", "ws://[::1]/"][..]),
        location in "((https?|wss?|HTTP|x)?:)?(//)?[a.:@\\[\\]1/?#%; -]{0,12}",
    ) {
        let request = laden(from);
        if let Ok(Some(next)) = Redirects::limited(1).follow(&request, &to(&location)) {
            let (old, new) = (request.url(), next.url());
            prop_assert!(new.is_secure() || !old.is_secure());
            prop_assert_eq!(Url::parse(&format!("{new}")), Ok(new.clone()), "{} is no fixed point", new);
            prop_assert!(!new.target().split(['?', '/']).any(|s| s == "..") || new.target().contains('?'));
            if new.host() != old.host() {
                prop_assert!(!written(&next).contains("secret"));
            }
        }
    }
}
