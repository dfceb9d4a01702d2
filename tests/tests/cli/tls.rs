//! TLS through the binary: each framing over it, and what the client says when it does not come about.

use super::{CHAIN, KEY, ROOT, RUNTIMES, complains, connect, succeeds};
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Instant;
use wharf_cli::runner::RuntimeKind;
use wharf_cli::tls::trusting;
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::program::Running;
use wharf_tests::rig::{Manner, Work};

const FRAMINGS: [&str; 6] = ["ws", "raw", "lines", "length", "typed", "json"];
const SECURE: [&str; 4] = ["echo", "--tls", CHAIN, KEY];

fn serve(more: &[&str]) -> (Running, String) {
    let (server, address) = Running::serve(SECURE.into_iter().chain(more.iter().copied()));
    (server, address.to_string())
}

#[test]
fn each_framing_echoes_over_tls() {
    for (i, framing) in FRAMINGS.into_iter().enumerate() {
        let (_server, address) = serve(&["--framing", framing, "--runtime", RUNTIMES[i % 4]]);
        let url = format!("tls://{address}");
        let sent = if framing == "json" { "[1]" } else { "ahoy" };
        let out = if framing == "typed" { "2 ahoy" } else { sent };
        for runtime in [RUNTIMES[i % 4], RUNTIMES[(i + 1) % 4]] {
            let args = ["--framing", framing, "--ca", ROOT, "--send", sent];
            succeeds(&connect(runtime, &url, &args).wait(), &[out]);
        }
    }
}

#[test]
fn secure_websockets_on_every_runtime() {
    for (i, runtime) in RUNTIMES.into_iter().enumerate() {
        let (server, address) = serve(&["--deflate", "--runtime", runtime]);
        let url = format!("wss://{address}/");
        let args = ["--ca", ROOT, "--deflate", "--subprotocol", "chat", "--send", "ahoy"];
        succeeds(&connect(runtime, &url, &args).wait(), &["ahoy"]);
        for deflate in [false, true] {
            let tls = Some(trusting(ROOT.as_ref()).unwrap());
            let manner = Manner { deflate, tls, ..Manner::of(RuntimeKind::ALL[i]) };
            assert_eq!(manner.run(&url, Work::SendOne("ahoy".into())).unwrap(), ["ahoy"]);
        }
        let mut client = connect(runtime, &url, &["--ca", ROOT]);
        client.say("ahoy\n");
        assert_eq!(client.line(), "ahoy");
        server.signal("TERM");
        let stdin = client.take_stdin();
        complains(&client.wait(), 1, &["close:", "1001"]);
        drop(stdin);
        assert_eq!(server.wait().code, Some(0));
    }
}

/// After its own end the client hears what is still to come: TLS has two directions, too.
#[test]
fn a_flood_of_lines_over_tls_comes_back_whole() {
    const LINES: usize = 5_000;
    let text = |i: usize| format!("{i} {}", "x".repeat(i % 700));
    for (i, framing) in ["lines", "ws", "lines", "ws"].into_iter().enumerate() {
        let (_server, address) = serve(&["--framing", framing, "--runtime", RUNTIMES[3 - i]]);
        let url = format!("tls://{address}");
        let mut client = connect(RUNTIMES[i], &url, &["--framing", framing, "--ca", ROOT]);
        let mut stdin = client.take_stdin();
        let writer = thread::spawn(move || (0..LINES).for_each(|i| writeln!(stdin, "{}", text(i)).unwrap()));
        for i in 0..LINES {
            assert!(client.line() == text(i), "line {i} of {framing}");
        }
        writer.join().unwrap();
        succeeds(&client.wait(), &[]);
    }
}

#[test]
fn why_tls_does_not_come_about_is_one_line_with_what_to_try() {
    let other = certificate!("other-root.pem");
    let (brief, brief_key) = (certificate!("brief.pem"), certificate!("brief.key"));
    let (_server, address) = serve(&["--log", "error"]);
    let (_expired, expired) = Running::serve(["echo", "--tls", brief, brief_key, "--log", "error"]);
    let elsewhere = Running::start(SECURE.into_iter().chain(["--listen", "127.0.0.2:0", "--log", "error"]));
    let elsewhere = (elsewhere.listening().to_string(), elsewhere);
    let (_plain, plain) = Running::serve(["echo", "--log", "error"]);
    let (_lines, lines) = Running::serve(["echo", "--framing", "lines", "--log", "error"]);
    let secure = |address: &str| format!("wss://{address}/");
    for runtime in RUNTIMES {
        for (url, ca, words) in [
            (secure(&address), other, &["TLS:", "unknown authority", "--ca FILE"][..]),
            (secure(&expired.to_string()), ROOT, &["TLS:", "expired"]),
            (secure(&elsewhere.0), ROOT, &["TLS:", "other names", "localhost"]),
            (secure(&plain.to_string()), ROOT, &["TLS:", "plain text", "ws://127.0.0.1"]),
            (format!("tls://{lines}"), ROOT, &["TLS:", "tcp://127.0.0.1"]),
            (format!("ws://{address}/"), ROOT, &["handshake:", "wss://127.0.0.1"]),
        ] {
            // A server that speaks TLS unasked fails the handshake of the WebSocket.
            let code = if url.starts_with("ws:") { 5 } else { 4 };
            let args = ["--exit-codes", "--ca", ca, "--send", "ahoy"];
            complains(&connect(runtime, &url, &args).wait(), code, words);
        }
    }
    // Without --ca it is the system's roots that do not know it.
    complains(&connect("mio", &secure(&address), &[]).wait(), 1, &["TLS:", "--ca FILE"]);
}

#[test]
fn the_tls_handshake_is_within_the_open_timeout() {
    for (i, framing) in FRAMINGS.into_iter().enumerate() {
        let args =
            ["--open-timeout", "0.3", "--framing", framing, "--runtime", RUNTIMES[i % 4], "--log", "error"];
        let (_server, address) = serve(&args);
        // Silence, and the begin of a ClientHello that never goes on.
        for begin in [&b""[..], b"\x16\x03\x01\x02\0\x01"] {
            let started = Instant::now();
            let mut stream = PeerStream::connect(&address.parse().unwrap()).unwrap();
            stream.write_all(begin).unwrap();
            let ended = stream.read_to_end(&mut Vec::new());
            assert!(
                ended.as_ref().map_or_else(|e| e.kind() == ErrorKind::ConnectionReset, |_| true),
                "{ended:?}"
            );
            assert!(
                (250..10_000).contains(&started.elapsed().as_millis()),
                "{framing} {:?}",
                started.elapsed()
            );
        }
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tls://{}", listener.local_addr().unwrap());
    for runtime in RUNTIMES {
        let args = ["--open-timeout", "0.3", "--ca", ROOT];
        complains(&connect(runtime, &url, &args).wait(), 1, &["TLS:", "timed out", "--open-timeout"]);
    }
}
