//! Each framing through the binary: what comes back byte for byte, over TCP and Unix sockets, and what the client prints.

use super::{RUNTIMES, complains, connect, succeeds};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use wharf::link::Address;
use wharf_tests::folder::Folder;
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::program::Running;

/// What is said in a framing, and what comes back.
const TALKS: [(&str, &[u8], &[u8]); 5] = [
    ("raw", b"\0 whatever\r\n\xff", b"\0 whatever\r\n\xff"),
    ("lines", "ahoy\n\ntwice\r\nn\u{e9}\n".as_bytes(), "ahoy\n\ntwice\nn\u{e9}\n".as_bytes()),
    ("length", b"\0\0\0\x04ahoy\0\0\0\0\0\0\0\x01\xff", b"\0\0\0\x04ahoy\0\0\0\0\0\0\0\x01\xff"),
    (
        "typed",
        b"\0\0\0\x05\x02ahoy\0\0\0\x01\x01\0\0\0\x02\xff\xff",
        b"\0\0\0\x05\x02ahoy\0\0\0\x01\x01\0\0\0\x02\xff\xff",
    ),
    (
        "json",
        b"{\"a\": [1]}\n{broken\n\n7\n",
        b"{\"a\": [1]}\n{\"error\":\"not JSON at line 1 column 2\"}\n\
          {\"error\":\"not JSON at line 1 column 0\"}\n7\n",
    ),
];

/// Says it all, ends, and hears all that comes back.
fn ask(address: &Address, said: &[u8]) -> Vec<u8> {
    let mut stream = PeerStream::connect(address).unwrap();
    stream.write_all(said).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    heard
}

#[test]
fn each_framing_echoes_over_tcp_and_unix_sockets() {
    let folder = Folder::new();
    for runtime in RUNTIMES {
        for (framing, said, answer) in TALKS {
            let socket = folder.socket(framing).to_string();
            let server = Running::start([
                "echo",
                "--runtime",
                runtime,
                "--framing",
                framing,
                "--listen",
                "127.0.0.1:0",
                "--listen",
                &socket,
                "--unix-mode",
                "600",
            ]);
            let addresses = [server.listening(), server.listening()];
            assert_eq!(addresses[1], folder.socket(framing));
            let mode = std::fs::metadata(folder.path(framing)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            for address in &addresses {
                let heard = ask(address, said);
                assert_eq!(
                    heard.escape_ascii().to_string(),
                    answer.escape_ascii().to_string(),
                    "{framing} on {runtime}"
                );
            }
            server.signal("TERM");
            assert_eq!(server.wait().code, Some(0));
        }
    }
    assert!(folder.names().is_empty());
}

#[test]
fn the_client_speaks_each_framing() {
    let folder = Folder::new();
    for (i, (framing, sent, out)) in [
        ("ws", "ahoy", "ahoy"),
        ("raw", "ahoy", "ahoy"),
        ("lines", "n\u{e9}", "n\u{e9}"),
        ("length", "", ""),
        ("typed", "ahoy", "2 ahoy"),
        ("json", "{}", "{}"),
        ("json", "{", "{\"error\":\"not JSON at line 1 column 1\"}"),
    ]
    .into_iter()
    .enumerate()
    {
        let runtime = RUNTIMES[i % 4];
        let socket = folder.socket("echo").to_string();
        let server =
            Running::start(["echo", "--framing", framing, "--listen", "127.0.0.1:0", "--listen", &socket]);
        let tcp = format!("tcp://{}", server.listening());
        assert_eq!(server.listening().to_string(), socket);
        for url in [&tcp, &socket] {
            succeeds(&connect(runtime, url, &["--framing", framing, "--send", sent]).wait(), &[out]);
        }
    }
}

#[test]
fn urls_have_a_framing_of_their_own() {
    let folder = Folder::new();
    let socket = folder.socket("echo").to_string();
    let lines = Running::start(["echo", "--framing", "lines", "--listen", "127.0.0.1:0"]);
    let websocket = Running::start(["echo", "--listen", &socket]);
    let tcp = format!("tcp://{}", lines.listening());
    assert_eq!(websocket.listening().to_string(), socket);
    for runtime in RUNTIMES {
        for url in [&tcp, &socket] {
            let mut client = connect(runtime, url, &[]);
            client.say("one\r\ntwo\n");
            assert_eq!((client.line(), client.line()), ("one".into(), "two".into()));
            client.say("last");
            succeeds(&client.wait(), &["last"]);
        }
    }
}

/// A server that says this to all, hears them out and ends.
fn saying(what: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            // The client may have ended for reasons of its own.
            let _ = stream.write_all(what).and_then(|()| stream.read_to_end(&mut Vec::new()));
        }
    });
    url
}

#[test]
fn bytes_that_are_no_text_are_shown_as_hex() {
    let typed = saying(b"\0\0\0\x03\x07\xff\0\0\0\0\x03\x08\xc3\xa9\0\0\0\x01\x09");
    let length = saying(b"\0\0\0\x02\xff\0\0\0\0\x02\xc3\xa9\0\0\0\0");
    for runtime in RUNTIMES {
        let ended = connect(runtime, &typed, &["--framing", "typed"]).wait();
        succeeds(&ended, &["7 binary ff00", "8 \u{e9}", "9 "]);
        succeeds(&connect(runtime, &length, &["--framing", "length"]).wait(), &["binary ff00", "\u{e9}", ""]);
    }
}

#[test]
fn a_message_over_the_limit_ends_its_connection_and_one_at_the_limit_does_not() {
    for (i, (framing, fits, over)) in [
        ("lines", &b"12345678\r\n"[..], &b"123456789\n"[..]),
        ("json", b"12345678\n", b"123456789\n"),
        ("length", b"\0\0\0\x0812345678", b"\0\0\0\x09123456789"),
        ("typed", b"\0\0\0\x09\x0212345678", b"\0\0\0\x0a\x02123456789"),
    ]
    .into_iter()
    .enumerate()
    {
        let (_server, address) =
            Running::serve(["echo", "--framing", framing, "--max-message", "8", "--runtime", RUNTIMES[i]]);
        let heard = ask(&address.into(), fits);
        assert!(heard.len() >= 8 && heard.windows(8).any(|w| w == b"12345678"), "{framing}: {heard:?}");
        assert_eq!(ask(&address.into(), &[over, fits].concat()), b"", "{framing}");
    }
    let (_server, address) = Running::serve(["echo", "--framing", "raw", "--max-message", "8"]);
    let much: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
    assert!(ask(&address.into(), &much) == much);
}

#[test]
fn what_cannot_be_sent_back_as_it_was_is_not_sent_back() {
    let (_server, address) = Running::serve(["echo", "--framing", "lines"]);
    assert_eq!(ask(&address.into(), b"one\ntwo\r\r\nthree\n"), b"one\n");
}

#[test]
fn what_cannot_be_sent_and_how_a_stream_was_cut_is_told() {
    let cut = saying(b"\0\0\0\x05\x02aho");
    let wrong = saying(b"\0\0\0\0");
    for runtime in RUNTIMES {
        complains(&connect(runtime, &cut, &["--send", "two\nlines"]).wait(), 1, &["write:", "--framing"]);
        let typed = ["--framing", "typed"];
        complains(&connect(runtime, &cut, &typed).wait(), 1, &["read:", "1006"]);
        complains(&connect(runtime, &wrong, &typed).wait(), 1, &["read:", "broke the protocol"]);
    }
}
