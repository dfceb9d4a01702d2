//! The `wharf` binary as a person or a script runs it: its servers, its client, its exit codes.
#![forbid(unsafe_code)]

/// The path of one of the certificates that the core's tests have.
macro_rules! certificate {
    ($name:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src/tls/testdata/", $name)
    };
}

mod bus;
mod bus_input;
mod bus_nodes;
mod chat;
mod environment;
mod forms;
mod framings;
mod health;
mod limits;
mod listen;
mod manual;
mod pings;
mod record;
mod retry;
#[cfg(unix)]
mod terminal;
mod tls;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use wharf::base::{CloseCode, Message};
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, Service, Verdict};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Peer, Serving};
use wharf_tests::program::{Ended, Running, run, wharf};
use wharf_tests::rig::{Manner, Work};

const RUNTIMES: [&str; 4] = ["tokio", "async-std", "smol", "mio"];

/// A certificate that is good for 127.0.0.1 and localhost until 2120, what it hangs on, and what does not fit it.
const CHAIN: &str = certificate!("server.pem");
const KEY: &str = certificate!("server.key");
const ROOT: &str = certificate!("root.pem");
const OTHER_KEY: &str = certificate!("brief.key");
const NO_PEM: &str = certificate!("make.sh");

/// A server with a path for each way to treat a client.
#[derive(Default)]
struct Paths {
    token: String,
    path: String,
}

impl Service for Paths {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        self.token = request.headers().get("x-token").unwrap_or_default().to_owned();
        self.path = request.path().to_owned();
        match &*self.path {
            "/nowhere" => Verdict::Respond(Response::plain(404)),
            "/moved" => Verdict::Respond(Response::new(301).with("Location", "ws://elsewhere/")),
            "/denied" => Verdict::Respond(Response::new(403).body("not\x1b[31m you\nsecond line")),
            _ => Verdict::accept(),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let ended = match &*self.path {
            "/token" => cx.send(conn, Message::text(&*self.token)).map(drop),
            "/binary" => cx.send(conn, Message::binary(&[0, 255, 16][..])).map(drop),
            "/close/1000" => cx.close(conn, CloseCode::NORMAL, "done"),
            "/close/4001" => cx.close(conn, CloseCode::from(4001), "no\x07 more"),
            _ => Ok(()),
        };
        ended.unwrap();
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        match message.as_text() {
            Some("abort") => cx.abort(conn),
            _ => drop(cx.send(conn, message)),
        }
    }
}

fn paths() -> (Serving<()>, String) {
    let serving = Serving::start(RuntimeKind::Mio, Paths::default(), Config::default());
    let url = format!("ws://{}", serving.address);
    (serving, url)
}

fn connect<'a>(runtime: &'a str, url: &'a str, more: &[&'a str]) -> Running {
    Running::start(["connect", url, "--runtime", runtime].into_iter().chain(more.iter().copied()))
}

/// One line on stderr that says `words`, nothing on stdout, and this exit code.
fn complains(ended: &Ended, code: i32, words: &[&str]) {
    assert!(ended.code == Some(code) && ended.err.len() == 1 && ended.out.is_empty(), "{ended:?}");
    assert!(words.iter().all(|word| ended.err[0].contains(word)), "{words:?} in {ended:?}");
    assert!(!ended.err[0].contains(|c: char| c.is_control()), "{ended:?}");
}

fn succeeds(ended: &Ended, out: &[&str]) {
    assert_eq!(
        *ended,
        Ended { code: Some(0), out: out.iter().map(ToString::to_string).collect(), err: vec![] }
    );
}

#[test]
fn servers_tell_their_port_and_drain_on_signals() {
    for (runtime, signal) in RUNTIMES.into_iter().flat_map(|r| [(r, "TERM"), (r, "INT")]) {
        for program in ["echo", "chat"] {
            let (server, address) = Running::serve([program, "--runtime", runtime, "--log", "error"]);
            let mut peer = Peer::connect(address);
            peer.ask("/ws", true);
            assert_eq!(peer.answer().0, 101, "{program} on {runtime}");
            server.signal(signal);
            while peer.frame().expect("a Close frame").first != 0x88 {}
            peer.close(1001);
            peer.rest();
            let ended = server.wait();
            assert_eq!((ended.code, ended.err), (Some(0), vec![]), "{program} on {runtime}");
        }
    }
}

#[test]
fn what_a_chat_tells_stands_in_its_span() {
    for runtime in ["tokio", "mio"] {
        let (server, address) = Running::serve(["chat", "--runtime", runtime]);
        let mut peer = Peer::connect(address);
        peer.ask("/ws", true);
        assert_eq!(peer.answer().0, 101, "{runtime}");
        server.signal("TERM");
        drop(peer);
        let ended = server.wait();
        let span = format!("chat.server{{port={}}}", address.port());
        let told = |what: &str| ended.err.iter().any(|line| line.contains(&span) && line.contains(what));
        assert!(told("listening") && told("connection opened"), "{ended:?}");
    }
}

/// The head of the answer to a request that offers compression.
fn offered_compression(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn compression_is_spoken_where_both_sides_were_told_to() {
    let text = "the tide and the crane ".repeat(100);
    for (i, runtime) in RUNTIMES.into_iter().enumerate() {
        for told in [true, false] {
            let args = ["echo", "--runtime", runtime, "--log", "error"];
            let (server, address) = Running::serve(args.into_iter().chain(told.then_some("--deflate")));
            let answer = offered_compression(address);
            assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
            assert_eq!(answer.contains("Extensions: permessage-deflate"), told, "{answer}");
            let url = format!("ws://{address}");
            succeeds(&connect(runtime, &url, &["--send", &text, "--deflate"]).wait(), &[&text]);
            succeeds(&connect(runtime, &url, &["--send", &text]).wait(), &[&text]);
            for deflate in [true, false] {
                let manner = Manner { deflate, ..Manner::of(RuntimeKind::ALL[i]) };
                let lines = manner.run(&url, Work::SendOne(text.clone())).unwrap();
                assert_eq!(lines, [&*text]);
            }
            drop(server);
        }
    }
}

#[test]
fn a_port_in_use_is_one_line_and_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for runtime in RUNTIMES {
        for program in ["echo", "chat"] {
            let ended = run([program, "--listen", &address, "--runtime", runtime]);
            complains(&ended, 2, &["cannot listen on", &address]);
        }
    }
}

#[test]
fn bad_use_is_one_line_and_2() {
    for (args, word) in [
        (&["echo", "--nonsense"][..], "--nonsense"),
        (&["echo", "--listen", "nowhere"], "HOST:PORT"),
        (&["echo", "--max-connections", "0"], "at least 1"),
        (&["echo", "--runtime", "rocket"], "rocket"),
        (&["chat", "--allow-origin", "no origin"], "origin"),
        (&["chat", "--database", "mysql://localhost"], "sqlite:PATH"),
        (&["connect", "http://localhost/"], "ws://"),
        (&["connect", "ws://localhost/", "--framing", "lines"], "tcp://"),
        (&["connect", "tcp://localhost"], "HOST:PORT"),
        (&["connect", "tcp://localhost:1", "--deflate"], "--deflate"),
        (&["connect", "unix:/x", "--framing", "raw", "--header", "A: b"], "--header"),
        (&["connect", "wss://localhost/", "--ca", "/nowhere/root.pem"], "/nowhere/root.pem"),
        (&["connect", "wss://localhost/", "--ca", NO_PEM], "no certificate"),
        (&["connect", "ws://localhost/", "--proxy", "ftp://a"], "--proxy"),
        (&["connect", "ws://localhost/", "--proxy", "http://a", "--no-proxy"], "--no-proxy"),
        (&["echo", "--tls", "only-one.pem"], "--tls"),
        (&["echo", "--tls", CHAIN, KEY, "--tls", CHAIN, KEY], "once"),
        (&["echo", "--tls", "/nowhere/cert.pem", KEY], "/nowhere/cert.pem"),
        (&["echo", "--tls", NO_PEM, KEY], "no certificate"),
        (&["echo", "--tls", CHAIN, NO_PEM], "no private key"),
        (&["echo", "--tls", CHAIN, OTHER_KEY], "does not belong"),
        (&["echo", "--framing", "lines", "--deflate"], "--deflate"),
        (&["echo", "--framing", "morse"], "morse"),
        (&["echo", "--unix-mode", "999"], "octal"),
        (&["connect", "ws://localhost/#there"], "fragment"),
        (&["connect", "ws://localhost/", "--header", "no colon"], "no colon"),
        (&["connect", "ws://localhost/", "--header", "Upgrade: h2c"], "Upgrade"),
        (&["connect", "ws://localhost/", "--subprotocol", "two words"], "two words"),
        (&["connect", "ws://localhost/", "--wait=-1"], "--wait"),
        (&["connect", "ws://localhost/", "--ping", "0"], "--ping"),
        (&["connect", "tcp://localhost:1", "--ping", "1"], "--ping"),
        (&["connect", "ws://localhost/", "--input", "hex", "--send", "0"], "not hex"),
        (&["connect", "ws://localhost/", "--send-file", "/nowhere/file"], "/nowhere/file"),
        (&["connect", "ws://localhost/", "--send-file", ROOT, "--max-message", "8"], "--max-message"),
        (&["connect", "ws://localhost/", "--listen", "127.0.0.1:0"], "--listen"),
        (&["connect", "--listen", "127.0.0.1:0", "--retry"], "--retry"),
        (&["connect", "--listen", "127.0.0.1:0", "--tls", CHAIN, KEY, "--tls", CHAIN, KEY], "--tls"),
        (&["connect", "ws://localhost/", "--tls", CHAIN, KEY], "--tls"),
        (&["completions", "sh"], "sh"),
        (&["man", "nothing"], "nothing"),
        (&["connect"], "URL"),
        (&["launch"], "launch"),
        (&[], "subcommand"),
    ] {
        complains(&run(args.iter().copied()), 2, &["wharf: ", word]);
    }
}

#[test]
fn help_is_a_screen_and_more_of_it_a_few() {
    for args in [&["-h"][..], &["echo", "-h"], &["chat", "-h"], &["connect", "-h"], &["bench", "-h"]] {
        let ended = run(args.iter().copied());
        assert_eq!((ended.code, ended.err), (Some(0), vec![]));
        assert!((5..60).contains(&ended.out.len()), "{args:?}: {} lines", ended.out.len());
    }
    for args in [&["--help"][..], &["echo", "--help"], &["chat", "--help"], &["connect", "--help"]] {
        let ended = run(args.iter().copied());
        assert_eq!((ended.code, ended.err), (Some(0), vec![]));
        assert!((5..180).contains(&ended.out.len()), "{args:?}: {} lines", ended.out.len());
    }
}

#[test]
fn lines_go_out_and_come_back() {
    let (_serving, url) = paths();
    for runtime in RUNTIMES {
        let mut client = connect(runtime, &url, &[]);
        client.say("ahoy\n");
        assert_eq!(client.line(), "ahoy");
        client.say(b"windows\r\n\n\xff\xfe\nlast");
        let ended = client.wait();
        assert_eq!((ended.code, &ended.out[..]), (Some(0), &["windows", "", "last"].map(String::from)[..]));
        assert!(ended.err.len() == 1 && ended.err[0].contains("UTF-8"), "{ended:?}");

        succeeds(&connect(runtime, &url, &["--send", "one", "--send", "two"]).wait(), &["one", "two"]);
        succeeds(&connect(runtime, &url, &[]).wait(), &[]);
    }
}

#[test]
fn a_flood_of_lines_comes_back_whole() {
    const LINES: usize = 20_000;
    let (_serving, url) = paths();
    for runtime in RUNTIMES {
        let mut client = connect(runtime, &url, &[]);
        let mut stdin = client.take_stdin();
        let writer = thread::spawn(move || {
            for i in 0..LINES {
                writeln!(stdin, "{i} {}", "x".repeat(i % 700)).unwrap();
            }
        });
        for i in 0..LINES {
            assert!(client.line() == format!("{i} {}", "x".repeat(i % 700)), "line {i} on {runtime}");
        }
        writer.join().unwrap();
        succeeds(&client.wait(), &[]);
    }
}

#[test]
fn what_a_server_sends_is_printed() {
    let (_serving, url) = paths();
    let (token, binary) = (format!("{url}/token"), format!("{url}/binary"));
    for runtime in RUNTIMES {
        let header = ["--header", "X-Token: sesame"];
        succeeds(&connect(runtime, &token, &header).wait(), &["sesame"]);
        succeeds(&connect(runtime, &binary, &[]).wait(), &["binary 00ff10"]);

        let offered = ["--subprotocol", "chat", "--send", "ahoy"];
        let ended = connect(runtime, &url, &offered).wait();
        assert_eq!((ended.code, &ended.out[..]), (Some(0), &["ahoy".to_owned()][..]));
        assert!(ended.err.len() == 1 && ended.err[0].contains("subprotocol"), "{ended:?}");
    }
}

#[test]
fn exit_codes_of_a_close() {
    let (_serving, url) = paths();
    let [fine, other] = ["/close/1000", "/close/4001"].map(|path| format!("{url}{path}"));
    for runtime in RUNTIMES {
        // Its stdin stays open: the server's end is the end.
        let mut client = connect(runtime, &fine, &[]);
        let stdin = client.take_stdin();
        succeeds(&client.wait(), &[]);
        let mut client = connect(runtime, &other, &[]);
        let other_stdin = client.take_stdin();
        complains(&client.wait(), 1, &["close:", "4001", "no\u{fffd} more"]);
        // It waits, so that it is not writing its Close when the reset comes.
        let abort = ["--exit-codes", "--send", "abort", "--wait", "1000"];
        complains(&connect(runtime, &url, &abort).wait(), 7, &["read:", "1006"]);
        drop((stdin, other_stdin));
    }
}

#[test]
fn exit_codes_of_what_did_not_open() {
    let (_serving, url) = paths();
    let [missing, denied, moved] = ["/nowhere", "/denied", "/moved"].map(|path| format!("{url}{path}"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("ws://{}/", listener.local_addr().unwrap());
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (gone, unknown) = (format!("ws://{gone}/"), format!("ws://{}.invalid/", "x".repeat(64)));
    let told = ["--exit-codes"];
    for runtime in RUNTIMES {
        complains(&connect(runtime, &missing, &[]).wait(), 1, &["handshake:", "404"]);
        complains(&connect(runtime, &moved, &[]).wait(), 1, &["handshake:", "301", "ws://elsewhere/"]);
        complains(&connect(runtime, &denied, &told).wait(), 5, &["handshake:", "403", "not\u{fffd}[31m you"]);
        complains(
            &connect(runtime, &silent, &["--open-timeout", "0.2"]).wait(),
            1,
            &["handshake:", "timed out"],
        );
        complains(&connect(runtime, &gone, &[]).wait(), 1, &["connect:", &gone]);
        complains(&connect(runtime, &unknown, &told).wait(), 3, &["lookup:"]);
    }
}

#[test]
fn a_signal_closes_in_order_and_a_wait_can_be_cut_short() {
    let (_serving, url) = paths();
    for (runtime, signal) in RUNTIMES.into_iter().zip(["TERM", "INT", "TERM", "INT"]) {
        let mut client = connect(runtime, &url, &["--send", "ahoy", "--wait", "1000"]);
        let stdin = client.take_stdin();
        assert_eq!(client.line(), "ahoy");
        client.signal(signal);
        succeeds(&client.wait(), &[]);
        drop(stdin);

        let started = std::time::Instant::now();
        succeeds(&connect(runtime, &url, &["--send", "ahoy", "--wait", "0.3"]).wait(), &["ahoy"]);
        assert!(started.elapsed().as_millis() >= 300);
    }
}

#[test]
fn a_closed_stdout_is_a_quiet_end() {
    let (_serving, url) = paths();
    for runtime in RUNTIMES {
        let mut command = Command::new(wharf());
        command.args(["connect", &url, "--runtime", runtime]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdin.write_all(b"one\n").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "one\n");
        drop(stdout);
        stdin.write_all(b"two\n").unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(
            (ended.status.code(), &*String::from_utf8_lossy(&ended.stderr)),
            (Some(0), ""),
            "{runtime}"
        );
    }
}
