//! What is agreed on.

use super::*;

#[test]
fn names_and_protocols_are_told() {
    let client = ClientConfig::builder().roots_pem(ROOT).alpn(["h2", "http/1.1"]).build().unwrap();
    let server = ServerConfig::builder(SERVER.0, SERVER.1).alpn(["http/1.1"]).build().unwrap();
    let (client, server) = meet(&client, "a.example", &server, WALL);
    for party in [&client, &server] {
        assert_eq!((party.session.failure(), party.session.is_handshaking()), (None, false));
        assert_eq!(party.session.alpn(), Some(&b"http/1.1"[..]));
        assert_eq!(party.session.protocol_version(), Some("TLSv1_3"));
        assert!(party.session.cipher_suite().unwrap().starts_with("TLS13_"));
        assert!(!party.session.is_resumed());
    }
    assert_eq!((client.session.server_name(), server.session.server_name()), (None, Some("a.example")));
    let shown: Vec<_> = client.session.peer_certificates().collect();
    assert_eq!(shown, [&*certificates(SERVER.0)[0]]);
    assert_eq!(server.session.peer_certificates().count(), 0);
}

/// An address is a name that a certificate can be for, and that is not asked for by SNI.
#[test]
fn addresses_are_names_too() {
    for name in ["127.0.0.1", "::1"] {
        let (client, server) = meet(&TRUSTING, name, &PLAIN_SERVER, WALL);
        assert_eq!((client.session.failure(), client.session.is_handshaking()), (None, false), "{name}");
        assert_eq!(server.session.server_name(), None);
    }
}

#[test]
fn both_versions_work() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (mut client, mut server) = meet(&client_of(version), "localhost", &PLAIN_SERVER, WALL);
        let name = client.session.protocol_version();
        assert_eq!(name, version.version.as_str());
        client.say(&[7; 100_000]);
        server.say(b"aye");
        settle(&mut client, &mut server);
        assert_eq!((client.heard, server.heard), (b"aye".to_vec(), vec![7; 100_000]), "{name:?}");
    }
}

#[test]
fn sessions_resume_while_their_tickets_live() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (client, server) = (client_of(version), ServerConfig::from_pem(SERVER.0, SERVER.1).unwrap());
        let resumed = |name, wall| {
            let (client, server) = meet(&client, name, &server, wall);
            assert_eq!((client.session.failure(), client.session.is_handshaking()), (None, false));
            assert_eq!(server.session.server_name(), Some(name));
            assert_eq!(client.session.is_resumed(), server.session.is_resumed());
            // The certificate is that of the first time.
            assert_eq!(client.session.peer_certificates().count(), 1);
            client.session.is_resumed()
        };
        assert!(!resumed("localhost", WALL));
        assert!(resumed("localhost", WALL));
        assert!(!resumed("a.example", WALL), "a ticket is for one name");
        // By the time that was handed in, and no other. A session of TLS 1.2 without a ticket is as old as it likes.
        let is_old = version.version == rustls::ProtocolVersion::TLSv1_2;
        assert!(is_old || !resumed("localhost", Wall::from_millis(WALL.as_millis() + 30 * DAY)));
    }
}

#[test]
fn resumption_can_be_declined_by_either() {
    let (ours, theirs) = (
        ClientConfig::builder().roots_pem(ROOT).build().unwrap(),
        ServerConfig::from_pem(SERVER.0, SERVER.1).unwrap(),
    );
    for (client, server) in [(&*TRUSTING, &theirs), (&ours, &*PLAIN_SERVER)] {
        for _ in 0..2 {
            let (client, _) = meet(client, "localhost", server, WALL);
            assert!(!client.session.is_handshaking() && !client.session.is_resumed());
        }
    }
}

#[test]
fn client_certificates_are_asked_for_and_shown() {
    let with = ClientConfig::builder().roots_pem(ROOT).certificate_pem(CLIENT.0, CLIENT.1).build().unwrap();
    let asking =
        |auth| ServerConfig::builder(SERVER.0, SERVER.1).client_roots_pem(ROOT, auth).build().unwrap();
    for auth in [ClientAuth::Required, ClientAuth::Optional] {
        let (mut client, mut server) = meet(&with, "localhost", &asking(auth), WALL);
        let shown: Vec<_> = server.session.peer_certificates().collect();
        assert_eq!(shown, [&*certificates(CLIENT.0)[0]]);
        server.say(b"welcome");
        settle(&mut client, &mut server);
        assert_eq!(client.heard, b"welcome");
    }
    let (client, server) = meet(&TRUSTING, "localhost", &asking(ClientAuth::Optional), WALL);
    assert!(!client.session.is_handshaking() && !server.session.is_handshaking());
    assert_eq!(server.session.peer_certificates().count(), 0);
}

/// A server of TLS 1.3 could write before it knows whom to.
#[test]
fn nothing_is_said_to_a_client_before_it_is_known() {
    let config = ServerConfig::builder(SERVER.0, SERVER.1);
    let config = config.client_roots_pem(ROOT, ClientAuth::Required).build().unwrap();
    let (mut client, mut server) = (Party::client(), Party::new(Session::server(&config, WALL)));
    server.say(b"secret");
    for _ in 0..5 {
        server.hear(&client.take_all());
        client.hear(&server.take_all());
    }
    assert_eq!(server.session.failure(), Some(&TlsError::NoCertificate));
    assert_eq!((client.heard.len(), server.outbox.len()), (0, 6));
}

#[test]
fn configurations_tell_no_keys() {
    let client = ClientConfig::builder().roots_pem(ROOT).certificate_pem(CLIENT.0, CLIENT.1).alpn(["a/1"]);
    let server = ServerConfig::builder(SERVER.0, SERVER.1);
    let told = [std::format!("{client:?}"), std::format!("{server:?}")];
    assert_eq!(told, ["ClientConfigBuilder { roots: 1, .. }", "ServerConfigBuilder { alpn: [], .. }"]);
    assert_eq!(std::format!("{:?}", client.build().unwrap()), "ClientConfig { alpn: [\"a/1\"], .. }");
    assert_eq!(std::format!("{:?}", server.build().unwrap()), "ServerConfig { alpn: [], .. }");
}

#[cfg(feature = "tls-webpki-roots")]
#[test]
fn built_in_roots_trust_no_one_of_ours() {
    let config = ClientConfig::builder().webpki_roots().build().unwrap();
    let (client, _) = meet(&config, "localhost", &PLAIN_SERVER, WALL);
    assert_eq!(client.session.failure(), Some(&TlsError::UnknownAuthority));
}
