//! Each way to fail, by its name.

use super::*;
use std::string::String;

fn failure(party: &Party) -> Option<TlsError> {
    party.session.failure().cloned()
}

/// What the client and the server say of a handshake that comes to nothing.
fn failures(client: &ClientConfig, name: &str, server: &ServerConfig, wall: Wall) -> [Option<TlsError>; 2] {
    let (client, server) = meet(client, name, server, wall);
    for party in [&client, &server] {
        if party.session.failure().is_some() {
            assert!(party.session.is_close_written() && !party.session.wants_write(true));
        }
    }
    [failure(&client), failure(&server)]
}

fn alert(code: u8, name: &'static str) -> Option<TlsError> {
    Some(TlsError::Alert { code, name })
}

#[test]
fn certificates_are_judged() {
    let brief = ServerConfig::from_pem(BRIEF.0, BRIEF.1).unwrap();
    let distrusting = ClientConfig::builder().roots_pem(OTHER_ROOT).build().unwrap();
    let day_of_2025 = |day: u64| Wall::from_millis(1_735_689_600_000 + day * DAY);
    let before = Wall::from_millis(1_735_689_600_000 - DAY);
    let expired = alert(45, "CertificateExpired");
    assert_eq!(failures(&TRUSTING, "localhost", &brief, day_of_2025(5)), [None, None]);
    assert_eq!(
        failures(&TRUSTING, "localhost", &brief, day_of_2025(35)),
        [Some(TlsError::Expired), expired.clone()]
    );
    assert_eq!(failures(&TRUSTING, "localhost", &brief, before), [Some(TlsError::NotYetValid), expired]);
    assert_eq!(
        failures(&distrusting, "localhost", &PLAIN_SERVER, WALL),
        [Some(TlsError::UnknownAuthority), alert(48, "UnknownCA")]
    );
    let [Some(TlsError::WrongName { presented }), told] =
        failures(&TRUSTING, "b.example", &PLAIN_SERVER, WALL)
    else {
        panic!("the name is not in the certificate")
    };
    assert_eq!(presented, ["localhost", "a.example", "127.0.0.1", "0::1"]);
    assert_eq!(told, alert(42, "BadCertificate"));
}

/// Two sessions of one configuration, each by the time that it was handed.
#[test]
fn each_session_has_its_own_time() {
    let brief = ServerConfig::from_pem(BRIEF.0, BRIEF.1).unwrap();
    let then = Wall::from_millis(1_735_689_600_000 + 5 * DAY);
    let mut old = Party::new(Session::client(&TRUSTING, "localhost", then));
    let mut new = Party::new(Session::client(&TRUSTING, "localhost", WALL));
    let mut servers = [0; 2].map(|_| Party::new(Session::server(&brief, WALL)));
    servers[0].hear(&old.take_all());
    servers[1].hear(&new.take_all());
    new.hear(&servers[1].take_all());
    old.session.open(then, &mut servers[0].take_all(), &mut Vec::new());
    assert_eq!((failure(&old), failure(&new)), (None, Some(TlsError::Expired)));
}

#[test]
fn client_certificates_are_judged() {
    let server = ServerConfig::builder(SERVER.0, SERVER.1);
    let server = server.client_roots_pem(ROOT, ClientAuth::Required).build().unwrap();
    assert_eq!(
        failures(&TRUSTING, "localhost", &server, WALL),
        [alert(116, "CertificateRequired"), Some(TlsError::NoCertificate)]
    );
    let stranger =
        ClientConfig::builder().roots_pem(ROOT).certificate_pem(STRANGER.0, STRANGER.1).build().unwrap();
    assert_eq!(
        failures(&stranger, "localhost", &server, WALL),
        [alert(48, "UnknownCA"), Some(TlsError::UnknownAuthority)]
    );
}

#[test]
fn sides_with_nothing_in_common_say_so() {
    let client = ClientConfig::builder().roots_pem(ROOT).alpn(["h2"]).build().unwrap();
    let server = ServerConfig::builder(SERVER.0, SERVER.1).alpn(["http/1.1"]).build().unwrap();
    assert_eq!(
        failures(&client, "localhost", &server, WALL),
        [alert(120, "NoApplicationProtocol"), Some(TlsError::NoCommonProtocol)]
    );
    let old = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(PLAIN_SERVER.rustls.cert_resolver.clone());
    let old = ServerConfig::from_rustls(Arc::new(old));
    let [told, Some(TlsError::Incompatible { .. })] =
        failures(&client_of(&rustls::version::TLS13), "localhost", &old, WALL)
    else {
        panic!("there is no version in common")
    };
    assert_eq!(told, alert(70, "ProtocolVersion"));
}

#[test]
fn a_peer_without_tls_is_told_from_a_broken_one() {
    for step in [1, 4, 1000] {
        let mut client = Party::client();
        client.take_all();
        for piece in b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".chunks(step) {
            client.hear(piece);
        }
        assert_eq!(failure(&client), Some(TlsError::NotTls));
        let mut server = Party::server();
        for piece in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".chunks(step) {
            server.hear(piece);
        }
        assert_eq!(failure(&server), Some(TlsError::NotTls));
        // A fatal alert goes out, and then it is done.
        assert!(server.wants_write() && !server.session.is_close_written());
        assert_eq!(server.take_all()[..1], [21]);
        assert!(server.session.is_close_written() && server.heard.is_empty());
    }
    let mut client = Party::client();
    client.hear(&[22, 3, 3, 0, 4, 99, 0, 0, 0]);
    assert!(matches!(failure(&client), Some(TlsError::Violation { .. })), "{:?}", failure(&client));
}

#[test]
fn a_changed_bit_is_noticed_and_nothing_of_its_record_is_heard() {
    let (mut client, mut server) = pair();
    client.say(b"first");
    server.hear(&client.take_all());
    client.say(b"second");
    let mut bytes = client.take_all();
    bytes[9] ^= 1;
    client.say(b"third");
    bytes.extend(client.take_all());
    server.hear(&bytes);
    assert!(matches!(failure(&server), Some(TlsError::Violation { .. })));
    assert_eq!(server.heard, b"first");
    client.hear(&server.take_all());
    assert_eq!(failure(&client), alert(20, "BadRecordMac"));
    // It is shut for good.
    server.hear(&[0; 100]);
    server.say(b"more");
    assert_eq!((server.session.held(), server.wants_write()), (0, false));
}

#[test]
fn a_name_that_is_none_is_refused() {
    for name in ["", "a b", "[::1]", "a..b"] {
        assert_eq!(Session::client(&TRUSTING, name, WALL).unwrap_err(), TlsError::InvalidName, "{name}");
    }
}

#[test]
fn configurations_name_their_fault() {
    let client = ClientConfig::builder;
    let damaged: &[u8] = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    let unreadable: &[u8] = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key: &[u8] = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let detail = String::new;
    let found = [
        client().build().unwrap_err(),
        client().roots_der([&b"none"[..]]).build().unwrap_err(),
        client().roots_pem(b"").build().unwrap_err(),
        client().roots_pem(damaged).build().unwrap_err(),
        client().roots_pem(unreadable).build().unwrap_err(),
        client().roots_pem(ROOT).alpn([""]).build().unwrap_err(),
        client().roots_pem(ROOT).certificate_pem(CLIENT.0, SERVER.1).build().unwrap_err(),
        ServerConfig::from_pem(SERVER.0, SERVER.0).unwrap_err(),
        ServerConfig::from_pem(SERVER.1, SERVER.1).unwrap_err(),
        ServerConfig::from_pem(SERVER.0, no_key).unwrap_err(),
        ServerConfig::from_pem(SERVER.0, CLIENT.1).unwrap_err(),
        ServerConfig::builder(SERVER.0, SERVER.1).alpn(["x".repeat(256)]).build().unwrap_err(),
        ServerConfig::builder(SERVER.0, SERVER.1)
            .client_roots_pem(b"", ClientAuth::Optional)
            .build()
            .unwrap_err(),
    ];
    let expected = [
        TlsConfigError::NoRoots,
        TlsConfigError::NoRoots,
        TlsConfigError::NoCertificate,
        TlsConfigError::BadPem { detail: detail() },
        TlsConfigError::BadCertificate { detail: detail() },
        TlsConfigError::BadProtocol,
        TlsConfigError::KeyMismatch,
        TlsConfigError::NoKey,
        TlsConfigError::NoCertificate,
        TlsConfigError::BadKey { detail: detail() },
        TlsConfigError::KeyMismatch,
        TlsConfigError::BadProtocol,
        TlsConfigError::NoCertificate,
    ];
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(core::mem::discriminant(found), core::mem::discriminant(expected), "{i}: {found:?}");
    }
    let der: Vec<_> = certificates(ROOT).iter().map(|root| root.to_vec()).chain([vec![1]]).collect();
    assert!(client().roots_der(der).build().is_ok());
}
