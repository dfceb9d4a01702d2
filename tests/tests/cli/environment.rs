//! What the binary takes from its environment: proxies and root certificates.

use super::{CHAIN, KEY, ROOT, RUNTIMES, complains, succeeds};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;
use wharf_tests::folder::Folder;
use wharf_tests::program::Running;

/// A machine without any root certificate.
const ROOTLESS: [(&str, &str); 2] = [("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")];

#[test]
fn a_machine_without_roots_serves_and_connects_as_long_as_nobody_asks_for_them() {
    for runtime in RUNTIMES {
        let serve = |more: &[&'static str]| {
            let args = ["echo", "--runtime", runtime, "--listen", "127.0.0.1:0"];
            let server = Running::start_in(&ROOTLESS, args.into_iter().chain(more.iter().copied()));
            let address = server.listening();
            (server, address)
        };
        let run = |url: &str, more: &[&str]| {
            let args = ["connect", url, "--runtime", runtime, "--send", "ahoy"];
            Running::start_in(&ROOTLESS, args.into_iter().chain(more.iter().copied())).wait()
        };
        let (_plain, plain) = serve(&[]);
        let (_secure, secure) = serve(&["--tls", CHAIN, KEY]);
        succeeds(&run(&format!("ws://{plain}/"), &[]), &["ahoy"]);
        succeeds(&run(&format!("wss://{secure}/"), &["--ca", ROOT]), &["ahoy"]);
        complains(&run(&format!("wss://{secure}/"), &[]), 1, &["TLS:", "root certificate", "--ca"]);
    }
}

/// A proxy that lets nobody through, and says so.
fn unwilling_proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while matches!(stream.read_line(&mut line), Ok(n) if n > 2) {
                line.clear();
            }
            let _ = stream.get_mut().write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    format!("http://{address}")
}

#[test]
fn proxies_are_those_of_the_flags_and_else_of_the_environment() {
    let proxy = unwilling_proxy();
    let gone = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let variables = [("http_proxy", &*proxy), ("ALL_PROXY", &*proxy)];
    let bad = [("all_proxy", "ftp://a")];
    let serve = |framing| Running::serve(["echo", "--framing", framing]);
    let ((_server, websocket), (_other, lines)) = (serve("ws"), serve("lines"));
    for runtime in RUNTIMES {
        for url in [format!("ws://{websocket}/"), format!("tcp://{lines}")] {
            let run = |variables: &[(&str, &str)], more: &[&str]| {
                let args = ["connect", &url, "--runtime", runtime, "--send", "ahoy"];
                Running::start_in(variables, args.into_iter().chain(more.iter().copied())).wait()
            };
            complains(&run(&variables, &[]), 1, &["proxy:", "403", "--no-proxy"]);
            complains(&run(&[], &["--proxy", &proxy]), 1, &["proxy:", "403"]);
            complains(&run(&[], &["--proxy", &gone]), 1, &["connect:", "the proxy", &gone[7..]]);
            complains(&run(&bad, &[]), 2, &["all_proxy", "--no-proxy"]);
            succeeds(&run(&variables, &["--no-proxy"]), &["ahoy"]);
            succeeds(&run(&bad, &["--no-proxy"]), &["ahoy"]);
            let except = [("http_proxy", &*proxy), ("all_proxy", &*proxy), ("no_proxy", "127.0.0.1")];
            succeeds(&run(&except, &[]), &["ahoy"]);
        }
        // A server dials nobody, so a proxy that is none is none of its business.
        let folder = Folder::new();
        let journal = folder.path("bus.db");
        let chat = ["chat", "--database", "memory", "--listen", "127.0.0.1:0"];
        let bus = ["bus", "--journal", &journal, "--listen", "tcp://127.0.0.1:0"];
        for args in [&["echo", "--listen", "127.0.0.1:0"][..], &chat, &bus] {
            let args = args.iter().copied().chain(["--runtime", runtime]);
            let server = Running::start_in(&bad, args);
            assert!(server.line().starts_with("listening on "));
        }
    }
}
