//! Logins and TLS.

use crate::node::Node;
use std::fs;
use wharf_nats::{NatsConfig, Notice};
use wharf_tests::certificates::{OTHER_ROOT, ROOT, SERVER};
use wharf_tests::nats::Nats as Server;

/// What it is troubled by, which keeps it away.
fn trouble(url: &str, config: &NatsConfig) -> String {
    match Node::begin(url, config).next() {
        Notice::Trouble { what } => what.into(),
        other => panic!("{other:?}"),
    }
}

fn is_up(url: &str, config: &NatsConfig) -> bool {
    Node::begin(url, config).next() == Notice::Up
}

#[test]
fn a_user_logs_in_with_a_password_and_nobody_else() {
    let settings = "authorization: { user: ada, password: \"s@cr:et/?#%\" }";
    let Some(server) = Server::start_with("nats: user", settings) else { return };
    let (config, at) = (NatsConfig::default(), format!("@127.0.0.1:{}/chat", server.port()));
    assert!(is_up(&format!("nats://ada:s%40cr%3Aet%2F%3F%23%25{at}"), &config));
    for login in ["ada:wrongs3cret", "eve:s3cret", "s3cret"] {
        let what = trouble(&format!("nats://{login}{at}"), &config);
        assert_eq!(what, "authorization violation");
    }
    let (nats, _notices) = wharf_nats::Nats::connect(&format!("nats://ada:s3cret{at}")).unwrap();
    assert_eq!(nats.place(), server.url("chat"));
    assert!(!format!("{nats:?}").contains("s3cret"));
}

#[test]
fn a_token_logs_in() {
    let Some(server) = Server::start_with("nats: token", "authorization: { token: \"t:k\" }") else { return };
    let (config, at) = (NatsConfig::default(), format!("@127.0.0.1:{}/chat", server.port()));
    assert!(is_up(&format!("nats://t%3Ak{at}"), &config));
    assert_eq!(trouble(&format!("nats://tk{at}"), &config), "authorization violation");
}

#[test]
fn a_user_needs_no_more_than_the_subjects_of_its_name() {
    let settings = "authorization: { users: [ { user: ada, password: a, permissions: {
        publish: \"wharf.chat.>\", subscribe: \"wharf.chat.>\" } } ] }";
    let Some(server) = Server::start_with("nats: permissions", settings) else { return };
    let url = |name: &str| format!("nats://ada:a@127.0.0.1:{}/{name}", server.port());
    let mut ada = Node::connect(&url("chat"), &["a"]);
    let bob = Node::connect(&url("chat"), &[]);
    bob.until_heard("a", &mut ada);
    assert!(ada.nats.finish());
    let mut eve = Node::connect(&url("other"), &["a"]);
    match eve.next() {
        Notice::Trouble { what } => assert!(what.contains("Permissions Violation"), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tls_is_spoken_where_the_server_demands_it_or_the_url_and_certificates_are_judged() {
    let settings = "tls: { cert_file: server.pem, key_file: server.key }";
    let Some(mut server) = Server::installed("nats: tls", settings) else { return };
    let file = |name: &str, bytes: &[u8]| fs::write(server.folder().path(name), bytes).expect("a file");
    file("server.pem", SERVER.0);
    file("server.key", SERVER.1);
    file("root.pem", ROOT);
    file("other.pem", OTHER_ROOT);
    let path = |name: &str| Some(server.folder().path(name).into());
    let (mut trusts, mut distrusts) = (NatsConfig::default(), NatsConfig::default());
    (trusts.certificates, distrusts.certificates) = (path("root.pem"), path("other.pem"));
    server.restart();
    for scheme in ["nats", "tls"] {
        let url = format!("{scheme}://localhost:{}/chat", server.port());
        assert!(is_up(&url, &trusts), "{scheme}");
        trouble(&url, &distrusts);
    }
    let Some(plain) = Server::start("nats: no tls") else { return };
    trouble(&plain.url("chat").replace("nats://", "tls://"), &trusts);
}
